//! Calls of host functions with forged values: every function with every value in every place, and random sequences.
//!
//! One guest makes them all: it imports every function there is and reads from its stream which to call with what. Each
//! call is one byte for the function and one for each argument; an argument is one of 16 registers, which keep the
//! latest results, or a constant. Bytes count from the space, so that a program is text.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use windlass::limits::ByteSize;
use windlass::sandbox::grants::Grants;
use windlass::sandbox::options::Step;
use windlass_abi::capabilities::Capability;

use crate::place::Place;

/// Every function with its module, parameters and results, as the host links them.
static FUNCTIONS: LazyLock<Vec<(&str, &str, &str)>> = LazyLock::new(|| windlass::sandbox::host_functions().collect());

/// What the guest does itself: the sum of two arguments.
static ADD: LazyLock<usize> = LazyLock::new(|| FUNCTIONS.len());

/// Registers, which are the first arguments there are.
const REGISTERS: usize = 16;

/// Bytes of the guest's memory.
const MEMORY: u64 = 4 << 16;

/// Where the stream lies in it.
const STREAM_ADDRESS: u32 = 1 << 16;

/// The arguments behind the registers: what is forged most often, and texts of eight bytes to make requests of.
const CONSTANTS: [u64; 40] = [
    0,
    1,
    24,
    u64::MAX,
    u64::MAX - 7,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    i32::MAX as u64,
    1 << 31,
    MEMORY,
    MEMORY - 1,
    MEMORY + 1,
    MEMORY - 8,
    STREAM_ADDRESS as u64,
    2,
    3,
    4,
    7,
    8,
    9,
    16,
    18,
    23,
    25,
    1024,
    4096,
    (1 << 20) + 1,
    1 << 24,
    1 << 30,
    1 << 40,
    u64::from_le_bytes(*b"TEAMTEAM"),
    u64::from_le_bytes(*b"/data/aa"),
    u64::from_le_bytes(*b"/data/.."),
    u64::from_le_bytes(*b"{\"url\":1"),
    u64::from_le_bytes(*b"\x1b[2J\xff\xfe\r\n"),
    u64::from_le_bytes(*b"kind: A\n"),
    0x0000_0001_0000_0001,
    0x8000_0000_8000_0000,
];

/// A program for the guest.
#[derive(Clone, Default)]
struct Program {
    text: String,
}

impl Program {
    /// Calls a function with these arguments: numbers of registers and, behind them, of constants.
    fn call(&mut self, function: usize, arguments: &[usize]) {
        for number in std::iter::once(&function).chain(arguments) {
            self.text.push(char::from(b' ' + u8::try_from(*number).unwrap()));
        }
    }
}

/// The number of the argument that is this constant.
fn constant(value: u64) -> usize {
    REGISTERS + CONSTANTS.iter().position(|known| *known == value).unwrap()
}

fn function(name: &str) -> usize {
    FUNCTIONS.iter().position(|(_, known, _)| *known == name).unwrap()
}

fn parameters(function: usize) -> usize {
    FUNCTIONS.get(function).map_or(2, |(_, _, signature)| signature.find(':').unwrap())
}

/// What makes a command of the guest: its program is its standard input, and its answer a constant.
const START: &str = r#"
  (func (export "_start") (local $length i32)
    (i32.store (i32.const 2048) (i32.const 65536))
    (i32.store (i32.const 2052) (i32.const 65536))
    (drop (call $f{read} (i32.const 0) (i32.const 2048) (i32.const 1) (i32.const 2056)))
    (local.set $length (i32.load (i32.const 2056)))
    (drop (call $render (i32.const 65536) (local.get $length) (i32.const 0) (i32.const 0)))
    (i32.store (i32.const 2048) (i32.const 2064))
    (i32.store (i32.const 2052) (i32.const 8))
    (i64.store (i32.const 2064) (i64.const 0x0a41203a646e696b))
    (drop (call $f{write} (i32.const 1) (i32.const 2048) (i32.const 1) (i32.const 2056))))"#;

/// The guest's text, as a plugin or as a command.
fn interpreter(is_command: bool) -> String {
    let types = |letters: &str| -> String {
        letters.chars().map(|letter| if letter == 'i' { " i32" } else { " i64" }).collect()
    };
    let (mut imports, mut calls) = (String::new(), String::new());
    for (number, (module, name, signature)) in FUNCTIONS.iter().enumerate() {
        let (parameters, results) = signature.split_once(':').unwrap();
        let result = if results.is_empty() { String::new() } else { format!("(result{})", types(results)) };
        imports.push_str(&format!(
            "(import \"{module}\" \"{name}\" (func $f{number} (param{}) {result}))\n",
            types(parameters)
        ));
        let arguments: String = parameters
            .chars()
            .map(|letter| if letter == 'i' { "(i32.wrap_i64 (call $value))" } else { "(call $value)" })
            .collect();
        let call = format!("(call $f{number} {arguments})");
        let kept = match results {
            "" => call,
            "i" => format!("(call $keep (i64.extend_i32_u {call}))"),
            _ => format!("(call $keep {call})"),
        };
        calls.push_str(&format!("(if (i32.eq (local.get $function) (i32.const {number})) (then {kept}))\n"));
    }
    let constants: String =
        CONSTANTS.iter().flat_map(|value| value.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect();
    let (alloc, entry, start) = match is_command {
        false => (
            format!("(func (export \"windlass_alloc\") (param i32) (result i32) (i32.const {STREAM_ADDRESS}))"),
            "(export \"windlass_render\")",
            String::new(),
        ),
        true => {
            let number = |name| function(name).to_string();
            (String::new(), "", START.replace("{read}", &number("fd_read")).replace("{write}", &number("fd_write")))
        }
    };
    format!(
        r#"(module
          {imports}
          (memory (export "memory") {pages})
          (data (i32.const {constants_at}) "{constants}")
          (global $next (mut i32) (i32.const 0))
          (global $end (mut i32) (i32.const 0))
          (global $kept (mut i32) (i32.const 0))
          (func $byte (result i32)
            (if (i32.ge_u (global.get $next) (global.get $end)) (then (return (i32.const 0))))
            (i32.sub (i32.load8_u (global.get $next)) (i32.const 32))
            (global.set $next (i32.add (global.get $next) (i32.const 1))))
          (func $value (result i64)
            (i64.load (i32.add (i32.const 1024) (i32.mul (call $byte) (i32.const 8)))))
          (func $keep (param i64)
            (i64.store
              (i32.add (i32.const 1024) (i32.mul (i32.rem_u (global.get $kept) (i32.const {REGISTERS})) (i32.const 8)))
              (local.get 0))
            (global.set $kept (i32.add (global.get $kept) (i32.const 1))))
          {alloc}
          (func $render {entry} (param $stream i32) (param $length i32) (param i32 i32) (result i64)
            (local $function i32)
            (global.set $next (local.get $stream))
            (global.set $end (i32.add (local.get $stream) (local.get $length)))
            (loop $calls
              (if (i32.ge_u (global.get $next) (global.get $end)) (then (return (i64.const 0))))
              (local.set $function (call $byte))
              {calls}
              (if (i32.eq (local.get $function) (i32.const {add}))
                (then (call $keep (i64.add (call $value) (call $value)))))
              (br $calls))
            unreachable)
          {start})"#,
        add = *ADD,
        pages = MEMORY >> 16,
        constants_at = 1024 + 8 * REGISTERS,
    )
}

/// The guest with everything granted, and a folder of its own.
struct Caller {
    place: Place,
    step: Step,
}

impl Caller {
    fn new(is_command: bool) -> Self {
        let place = Place::new();
        let data = place.folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut step = place.text_guest("caller", &interpreter(is_command));
        let mut grants = Grants::default();
        let folder = format!("/data={}", data.display());
        for (capability, value) in [
            (Capability::Net, "registry.invalid"),
            (Capability::Read, &folder),
            (Capability::Write, &folder),
            (Capability::Env, "TEAMTEAM"),
            (Capability::Kube, "get:pods.v1"),
            (Capability::Kube, "list:pods.v1"),
            (Capability::Clock, ""),
            (Capability::Random, ""),
        ] {
            grants.allow(capability, value).unwrap();
        }
        step.grants = grants;
        let (key, value) = if is_command { ("args", "[a, bc]") } else { ("TEAMTEAM", "payments") };
        step.config = vec![(key.to_owned(), value.to_owned())];
        step.limits.scratch = Some(ByteSize(1 << 20));
        step.limits.memory = Some(ByteSize(16 << 20));
        Self { place, step }
    }

    /// Runs a program: it comes to its end, or is stopped for a reason that is the guest's, in a few words.
    fn check(&self, program: &Program) {
        if let Err(error) = self.place.render(std::slice::from_ref(&self.step), program.text.as_bytes()) {
            let code = error.exit_code().code();
            assert!(matches!(code, 1 | 3 | 4), "{:?}: exit {code}: {error}\n{:?}", program.text, error.detail_text());
            // A guest may say as much as it likes in its own error text.
            assert!(error.to_string().len() < 20 << 10, "{:?} says too much", program.text);
        }
    }
}

/// The PDK's imports are functions that there are, with their signatures.
#[test]
fn the_pdk_imports_what_there_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../pdk/src/host/guest.rs");
    // Not in the package for crates.io.
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let letter = |kind: &str| match kind.trim() {
        "i32" | "u32" | "u8" => "i",
        "i64" | "u64" => "I",
        other => panic!("`{other}` is no type of an import"),
    };
    let (mut module, mut count) = ("", 0);
    for line in text.lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once("wasm_import_module = \"") {
            module = rest.split('"').next().unwrap();
        }
        let Some(function) = line.strip_prefix("safe fn ").and_then(|line| line.strip_suffix(';')) else { continue };
        let (name, rest) = function.split_once('(').unwrap();
        let (parameters, result) = rest.split_once(')').unwrap();
        let parameters = parameters.split(',').filter_map(|one| one.split_once(':')).map(|(_, kind)| letter(kind));
        let result = result.trim().strip_prefix("->").map(letter);
        let signature = parameters.chain([":"]).chain(result).collect::<String>();
        assert!(FUNCTIONS.contains(&(module, name, &signature)), "{module} {name} {signature}");
        count += 1;
    }
    assert!(count > 10, "{count} imports were found");
}

/// Every function that takes an offset, a length, an address or a number gets every forged one in every place.
#[test]
fn forged_values_at_every_host_function() {
    for is_command in [false, true] {
        forge(&Caller::new(is_command));
    }
}

fn forge(caller: &Caller) {
    // A block, what was a block, and what lies around: the numbers are the registers that they are kept in.
    let (freed, block) = (0, 1);
    let mut prologue = Program::default();
    prologue.call(function("alloc"), &[constant(24)]);
    prologue.call(function("free"), &[freed]);
    prologue.call(function("alloc"), &[constant(24)]);
    for offset in [u64::MAX, 18, 23, 24, 25, 1 << 32] {
        prologue.call(*ADD, &[block, constant(offset)]);
    }
    let forged = (0..8).chain((REGISTERS..REGISTERS + 16).chain([constant(1 << 40), constant((1 << 20) + 1)]));
    for (number, (_, name, signature)) in FUNCTIONS.iter().enumerate() {
        for place in 0..parameters(number) {
            for value in forged.clone() {
                let mut arguments: Vec<usize> = signature
                    .chars()
                    .take_while(|letter| *letter != ':')
                    .map(|letter| if letter == 'I' { block } else { constant(8) })
                    .collect();
                arguments[place] = value;
                let mut program = prologue.clone();
                program.call(number, &arguments);
                // Whatever it did, the block is still one.
                if *name != "free" {
                    program.call(function("store_u64"), &[block, constant(1)]);
                }
                caller.check(&program);
            }
        }
    }
    caller.place.assert_unharmed();
}

/// Random sequences of calls. A fixed number of rounds, always the same; `WINDLASS_FUZZ_SECONDS` goes on for as long,
/// with others each time.
#[test]
fn random_calls_never_harm_the_host() {
    let callers = [Caller::new(false), Caller::new(true)];
    let seconds = std::env::var("WINDLASS_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut state = match until {
        None => 1,
        Some(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() | 1,
    };
    // xorshift: enough to choose by, and repeatable.
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    };
    let mut rounds = 0;
    while until.map_or(rounds < 1500, |until| Instant::now() < until) {
        rounds += 1;
        let caller = &callers[rounds % 2];
        let mut program = Program::default();
        // Something to work with: blocks with text that means something.
        for made in 0..below(4) {
            program.call(function("alloc"), &[constant(8)]);
            program.call(function("store_u64"), &[made, REGISTERS + 32 + below(8)]);
        }
        for _ in 0..1 + below(40) {
            // What ends the run comes seldom.
            let number = match below(*ADD + 1) {
                ended if ended == function("proc_exit") && below(8) > 0 => function("alloc"),
                number => number,
            };
            let arguments: Vec<usize> = (0..parameters(number))
                .map(|_| if below(3) > 0 { below(REGISTERS) } else { REGISTERS + below(CONSTANTS.len()) })
                .collect();
            program.call(number, &arguments);
        }
        caller.check(&program);
    }
    for caller in callers {
        caller.place.assert_unharmed();
    }
}
