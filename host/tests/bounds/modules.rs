//! Modules that are dear to look at, without being run: by `inspect`, and by the look before a run.

use std::time::Duration;

use crate::measure::{Place, leb};

const MIB: usize = 1 << 20;
const ENTRY: &str = r#"(func (export "helm_plugin_main") (result i32) i32.const 0)"#;

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [&[id], leb(body.len()).as_slice(), body].concat()
}

#[track_caller]
fn inspect(name: &str, wasm: &[u8]) {
    let place = Place::new();
    place.write("x.wasm", wasm);
    for arguments in [["inspect", "x.wasm", "--output", "text"], ["inspect", "x.wasm", "--output", "json"]] {
        place.run(arguments, b"").check(name, &[0, 2, 4], "");
    }
}

/// A type of 1,000 parameters and 1,000 results, named by thousands of imports.
#[test]
fn long_signatures() {
    let values = [leb(1000), vec![0x7f; 1000]].concat();
    let types = [&[1, 0x60][..], &values, &values].concat();
    for count in [3_000, 9_000, 20_000, 200_000] {
        let imports = [leb(count), [1, b'a', 1, b'b', 0, 0].repeat(count)].concat();
        let wasm = [b"\0asm\x01\0\0\0".to_vec(), section(1, &types), section(2, &imports)].concat();
        inspect(&format!("{count}-imports"), &wasm);
    }
    let types = [leb(500), [&[0x60][..], &values, &values].concat().repeat(500)].concat();
    inspect("500-types", &[b"\0asm\x01\0\0\0".to_vec(), section(1, &types)].concat());
    let exports: Vec<u8> =
        (0..60_000_usize).flat_map(|at| [vec![5], format!("{at:05}").into(), vec![0, 0]].concat()).collect();
    let wasm = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(7, &[leb(60_000), exports].concat()),
        section(10, &[1, 2, 0, 0x0b]),
    ];
    inspect("60000-exports", &wasm.concat());
}

/// What the metadata says of itself, with an alias or two that JSON has not.
#[test]
fn metadata() {
    let long = "x".repeat(MIB / 2);
    let keys: String = (0..60_000).map(|key| format!("\"k{key}\":{{}},")).collect();
    let asks = r#"{"capability":"clock","why":"x"},"#.repeat(20_000);
    let aliases = format!("{{\"abi\":1,\"a\":&a \"{long}\",\"b\":[{}]}}", "*a,".repeat(30_000));
    let mut bomb = "{\"abi\":1,\"a0\":&a0 [x,x,x,x,x,x,x,x,x,x],".to_owned();
    for level in 1..9 {
        bomb.push_str(&format!("\"a{level}\":&a{level} [{}],", format!("*a{},", level - 1).repeat(10)));
    }
    bomb.push('}');
    for (name, text) in [
        ("deep", format!("{{\"abi\":1,\"x\":{}", "[".repeat(MIB / 2))),
        ("lists", format!("{{\"abi\":1,\"x\":[{}0]}}", "[],".repeat(MIB / 4))),
        ("keys", format!("{{{keys}\"abi\":1}}")),
        (
            "properties",
            format!(
                "{{\"abi\":1,\"configSchema\":{{\"additionalProperties\":false,\"properties\":{{{keys}\"a\":{{}}}}}}}}"
            ),
        ),
        ("asks", format!("{{\"abi\":1,\"capabilities\":[{}]}}", asks.trim_end_matches(','))),
        ("long-name", format!("{{\"abi\":1,\"name\":\"{long}\",\"version\":\"{long}\"}}")),
        ("aliases", aliases),
        ("bomb", bomb),
        ("too-large", format!("{{\"abi\":1,\"name\":\"{}\"}}", "x".repeat(2 * MIB))),
    ] {
        let custom = [&[15][..], b"windlass.plugin", text.as_bytes()].concat();
        let module = wat::parse_str(format!("(module {ENTRY})")).unwrap();
        let wasm = [module, section(0, &custom)].concat();
        inspect(name, &wasm);
        let place = Place::new();
        place.write("x.wasm", &wasm);
        place.write(
            "config.yaml",
            format!("{}b: 1\n", (0..60_000).map(|key| format!("k{key}: 1\n")).collect::<String>()),
        );
        let arguments = ["run", "x.wasm", "--config", "config.yaml", "--set", "a=1", "--no-cache"];
        place.run(arguments, b"a: 1\n").check(name, &[0, 1, 2, 3, 4], "");
    }
}

/// A module of these types and of functions, each of a type and with a body, without its length.
fn module(types: &[Vec<u8>], functions: &[(u8, Vec<u8>)]) -> Vec<u8> {
    module_with(types, &[], functions)
}

/// The same, with other sections in front of the code.
fn module_with(types: &[Vec<u8>], sections: &[u8], functions: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let list = |items: &[Vec<u8>]| [leb(items.len()), items.concat()].concat();
    let named: Vec<Vec<u8>> = functions.iter().map(|(kind, _)| vec![*kind]).collect();
    let bodies: Vec<Vec<u8>> = functions.iter().map(|(_, body)| [leb(body.len()), body.clone()].concat()).collect();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &list(types)),
        section(3, &list(&named)),
        sections.to_vec(),
        section(10, &list(&bodies)),
    ]
    .concat()
}

/// A function type of so many `i32`.
fn function_type(parameters: usize, results: usize) -> Vec<u8> {
    [vec![0x60], leb(parameters), vec![0x7f; parameters], leb(results), vec![0x7f; results]].concat()
}

/// A body without locals, behind an `unreachable`, so that whatever is taken is there.
fn unreachable(code: &[u8]) -> Vec<u8> {
    [&[0, 0x00], code, &[0x0b]].concat()
}

/// Instructions that each are checked against a thousand values, as many as a mebibyte has of them.
#[test]
fn instructions_that_move_a_thousand_values() {
    let long = || vec![function_type(0, 0), function_type(0, 1000), function_type(1000, 0), function_type(1000, 1000)];
    let with_tag = |code: &[u8]| module_with(&long(), &section(13, &[1, 0, 2]), &[(0, unreachable(code))]);
    let targets = 900_000;
    let table = [vec![0x02, 1, 0x00, 0x0e], leb(targets), vec![0; targets + 1], vec![0x0b], vec![0x1a; 1000]].concat();
    let in_block = |kind: u8, code: &[u8]| [&[0x02, kind, 0x00], code, &[0x0b, 0x00]].concat();
    let many_fields = [vec![0x5f], leb(10_000), [0x7f, 0].repeat(10_000)].concat();
    let catches = [vec![0x1f, 0x40], leb(9_000), [0, 0, 0].repeat(9_000), vec![0x0b]].concat();
    let cases = [
        ("a table of branches", module(&long(), &[(0, unreachable(&table))])),
        ("branches", module(&long(), &[(0, unreachable(&in_block(1, &[0x0c, 0].repeat(MIB / 2))))])),
        ("branches on a condition", module(&long(), &[(0, unreachable(&in_block(1, &[0x0d, 0].repeat(MIB / 2))))])),
        ("returns", module(&long(), &[(1, unreachable(&[0x0f].repeat(MIB)))])),
        ("calls that take", module(&long(), &[(2, unreachable(&[0x10, 0].repeat(MIB / 2)))])),
        ("calls that give", module(&long(), &[(1, unreachable(&[0x10, 0].repeat(MIB / 2)))])),
        ("calls that take and give", module(&long(), &[(3, unreachable(&[0x10, 0].repeat(MIB / 2)))])),
        ("blocks", module(&long(), &[(0, unreachable(&[0x02, 3, 0x0b].repeat(MIB / 3)))])),
        ("loops", module(&long(), &[(0, unreachable(&[0x03, 3, 0x0b].repeat(MIB / 3)))])),
        ("conditions", module(&long(), &[(0, unreachable(&[0x04, 3, 0x05, 0x0b].repeat(MIB / 4)))])),
        ("blocks in blocks", module(&long(), &[(0, unreachable(&[0x02, 3].repeat(MIB / 2)))])),
        ("functions", module(&long(), &vec![(3, unreachable(&[])); MIB / 5])),
        ("throws", with_tag(&[0x08, 0].repeat(MIB / 2))),
        ("catches", with_tag(&in_block(1, &catches.repeat(38)))),
        ("objects", module(&[function_type(0, 0), many_fields], &[(0, unreachable(&[0xfb, 0, 1].repeat(MIB / 3)))])),
        ("arrays", {
            let array = [vec![0xfb, 8, 1], leb(10_000)].concat();
            module(&[function_type(0, 0), vec![0x5e, 0x7f, 0]], &[(0, unreachable(&array.repeat(MIB / 5)))])
        }),
    ];
    for (name, wasm) in cases {
        inspect(name, &wasm);
    }
}

/// Much of what takes a byte or three to write and more to hold.
#[test]
fn many_of_everything() {
    let none = || vec![function_type(0, 0)];
    let locals = |count: usize, kind: u8| [vec![1], leb(count), vec![kind, 0x0b]].concat();
    let behind = |mut wasm: Vec<u8>, id: u8, body: Vec<u8>| {
        wasm.extend(section(id, &body));
        wasm
    };
    let start = || b"\0asm\x01\0\0\0".to_vec();
    let name =
        |count: usize| [vec![4], b"name".to_vec(), vec![1], leb(3 * count + 3), leb(count), [0, 1, b'x'].repeat(count)];
    let cases = [
        ("locals without end", module(&none(), &[(0, locals(u32::MAX as usize, 0x7f))])),
        ("functions of many locals", module(&none(), &vec![(0, locals(50_000, 0x7f)); MIB / 8])),
        (
            "kinds of locals",
            module(&none(), &[(0, [leb(25_000), [1, 0x7f, 1, 0x7e].repeat(12_500), vec![0x0b]].concat())]),
        ),
        ("functions", module(&none(), &vec![(0, vec![0, 0x0b]); MIB / 4])),
        ("types", module(&vec![function_type(0, 0); MIB / 3], &[])),
        ("blocks in blocks", module(&none(), &[(0, [vec![0], [0x02, 0x40].repeat(MIB / 2)].concat())])),
        ("constants", module(&none(), &[(0, [vec![0], [0x41, 0].repeat(MIB / 2)].concat())])),
        ("selects", module(&none(), &[(0, unreachable(&[0x1c, 1, 0x7f].repeat(MIB / 3)))])),
        ("names", behind(module(&none(), &[(0, vec![0, 0x0b])]), 0, name(MIB / 3).concat())),
        ("data that is not there", behind(start(), 12, leb(u32::MAX as usize))),
        ("globals", behind(start(), 6, [leb(MIB / 5), [0x7f, 0, 0x41, 0, 0x0b].repeat(MIB / 5)].concat())),
        ("tables", behind(start(), 4, [leb(MIB / 3), [0x70, 0, 0].repeat(MIB / 3)].concat())),
        ("elements", {
            let elements = section(9, &[vec![1, 1, 0], leb(MIB), vec![0; MIB]].concat());
            module_with(&none(), &elements, &[(0, vec![0, 0x0b])])
        }),
        ("sections", [start(), section(0, &[0]).repeat(MIB / 3)].concat()),
    ];
    for (name, wasm) in cases {
        inspect(name, &wasm);
    }
}

/// A module of one long function, which takes a compiler many seconds and hundreds of megabytes.
#[test]
fn compiling() {
    let branches = [&[0, 0x02, 0x40][..], &[0x41, 0, 0x0d, 0].repeat(1_800_000), &[0x0b, 0x41, 7, 0x0b]].concat();
    let wasm = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 1, 0x7f]),
        section(3, &[1, 0]),
        section(7, &[&[1, 16][..], b"helm_plugin_main", &[0, 0]].concat()),
        section(10, &[leb(1), leb(branches.len()), branches].concat()),
    ];
    let place = Place::new();
    place.write("x.wasm", wasm.concat());
    let (second, gib) = (Duration::from_secs(1), 1 << 30);
    let run = |more: &[&'static str]| {
        place.run(["run", "x.wasm", "--no-cache"].into_iter().chain(more.iter().copied()), b"a: 1\n")
    };
    run(&[]).check_compiling("default", &[1, 4], 60 * second, 2 * gib, "");
    run(&["--compile-timeout", "1s"]).check_compiling("timeout", &[4], second, 2 * gib, "--compile-timeout");
    run(&["--compile-memory", "256Mi"]).check_compiling(
        "memory",
        &[4],
        60 * second,
        gib / 4 + gib / 8,
        "--compile-memory",
    );
    run(&["--compile-memory", "8Mi"]).check_compiling("next to none", &[4], second, gib / 8, "--compile-memory");
}
