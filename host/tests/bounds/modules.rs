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

/// A branch table of as many targets as fit, each of which is checked against a block of 1,000 results.
#[test]
fn a_branch_table() {
    let results = [leb(1000), vec![0x7f; 1000]].concat();
    let types = [&[2, 0x60, 0][..], &results, &[0x60, 0, 0]].concat();
    let targets = 900_000;
    let code = [
        &[0, 0x02, 0][..],
        &[0x00, 0x0e],
        &leb(targets),
        &vec![0; targets + 1],
        &[0x0b],
        &[0x1a].repeat(1000),
        &[0x0b],
    ]
    .concat();
    let wasm = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &types),
        section(3, &[1, 1]),
        section(10, &[leb(1), leb(code.len()), code].concat()),
    ];
    inspect("branch-table", &wasm.concat());
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
}
