//! Modules that are small to carry and dear to compile. The child's limits end what does not end by itself.

use std::time::{Duration, Instant};

use crate::place::{Place, STREAM};

/// Compiles and runs `wasm`: it fails, is refused as invalid, or hits a limit; and that within minutes on a busy
/// machine.
fn defused(name: &str, wasm: &[u8]) {
    let place = Place::new();
    let step = place.guest(name, wasm);
    let started = Instant::now();
    let result = place.render(&[step], STREAM);
    let took = started.elapsed();
    if let Err(error) = &result {
        assert!(matches!(error.exit_code().code(), 1..=4), "{name}: {error}\n{:?}", error.detail_text());
    }
    let said = result.map_or_else(|error| error.to_string(), |_| "ran".to_owned());
    assert!(took < Duration::from_secs(600), "{name} took {took:?}: {said}");
    assert!(said.len() < 2000, "{name} says too much");
    place.assert_unharmed();
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [&[id], leb(body.len()).as_slice(), body].concat()
}

/// A module with `count` functions of the same `body` (locals and code), the first of which is the entry.
fn functions(count: usize, body: &[u8]) -> Vec<u8> {
    let name = b"helm_plugin_main";
    let entry = [leb(1), leb(name.len()), name.to_vec(), vec![0, 0]].concat();
    let function = [leb(body.len()), body.to_vec()].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 1, 0x7f]),
        section(3, &[leb(count), vec![0; count]].concat()),
        section(7, &entry),
        section(10, &[leb(count), function.repeat(count)].concat()),
    ]
    .concat()
}

#[test]
fn a_million_functions() {
    defused("million", &functions(1_000_000, &[0, 0x41, 7, 0x0b]));
    defused("more-than-a-million", &functions(1_000_001, &[0, 0x41, 7, 0x0b]));
}

#[test]
fn huge_bodies() {
    // i32.const 1; drop, again and again.
    let straight = [&[0][..], &[0x41, 1, 0x1a].repeat(2_000_000), &[0x41, 7, 0x0b]].concat();
    defused("straight", &functions(1, &straight));
    // Thousands of branches out of one block to one place: what made a compiler take gigabytes.
    let branches = [&[0, 0x02, 0x40][..], &[0x41, 0, 0x0d, 0].repeat(100_000), &[0x0b, 0x41, 7, 0x0b]].concat();
    defused("branches", &functions(1, &branches));
}

#[test]
fn many_locals_in_many_functions() {
    // 50,000 locals of 128 bits, each function touching a few: small in bytes, large in the compiler.
    let body = [&[1][..], &leb(50_000), &[0x7b, 0x20], &leb(49_999), &[0x1a, 0x41, 7, 0x0b]].concat();
    defused("locals", &functions(5_000, &body));
}

#[test]
fn deep_nesting() {
    let depth = 500_000;
    let body = [&[0][..], &[0x02, 0x40].repeat(depth), &vec![0x0b; depth], &[0x41, 7, 0x0b]].concat();
    defused("nesting", &functions(1, &body));
}

#[test]
fn a_huge_branch_table() {
    let targets = 60_000;
    let body =
        [&[0, 0x02, 0x40, 0x41, 0, 0x0e][..], &leb(targets), &vec![0; targets + 1], &[0x0b, 0x41, 7, 0x0b]].concat();
    defused("table", &functions(40, &body));
}

#[test]
fn huge_names_and_sections() {
    let long = "x".repeat(90_000);
    let text = format!(
        r#"(module (import "{long}" "{long}" (func)) (func (export "helm_plugin_main") (result i32) i32.const 7)
           (func (export "{long}")))"#
    );
    defused("names", &wat::parse_str(text).unwrap());
    let mut wasm = functions(1, &[0, 0x41, 7, 0x0b]);
    wasm.extend(section(0, &[&leb(4), b"junk".as_slice(), &vec![0; 30 << 20]].concat()));
    defused("section", &wasm);
    // A section that says it is four gigabytes long, and a vector that says it has four billion entries.
    defused("lying-section", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f");
    defused("lying-count", b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f");
    defused("lying-locals", &functions(1, &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7b, 0x41, 7, 0x0b]));
}

#[test]
fn huge_initial_data() {
    let data = format!(
        r#"(module (memory 1000) (func (export "helm_plugin_main") (result i32) i32.const 7) {})"#,
        (0..500).map(|at| format!("(data (i32.const {}) \"{}\")", at * 65536, "y".repeat(20_000))).collect::<String>()
    );
    defused("data", &wat::parse_str(data).unwrap());
}
