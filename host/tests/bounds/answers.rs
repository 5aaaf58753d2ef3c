//! Answers that are within a plugin's limits and dear to look at.

use crate::measure::{Place, Spent};

const STREAM: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
/// Where the guests keep the parts of their answer, and the answer.
const PARTS: usize = 1 << 12;

/// An answer: `unit` repeated `count` times between `before` and `after`.
struct Answer<'a> {
    before: &'a str,
    unit: &'a str,
    count: usize,
    after: &'a str,
}

impl Answer<'_> {
    /// As many units as fit into `bytes`.
    fn of<'a>(before: &'a str, unit: &'a str, bytes: usize, after: &'a str) -> Answer<'a> {
        Answer { before, unit, count: (bytes - before.len() - after.len()) / unit.len(), after }
    }

    fn length(&self) -> usize {
        self.before.len() + self.unit.len() * self.count + self.after.len()
    }

    /// Instructions that put the answer together at `out`.
    fn assembly(&self, out: usize) -> String {
        let Self { before, unit, count, after } = self;
        let (unit_at, after_at) = (PARTS + before.len(), PARTS + before.len() + unit.len());
        format!(
            "(memory.copy (i32.const {out}) (i32.const {PARTS}) (i32.const {before}))
             (local.set $at (i32.const {}))
             (block $done (loop $next
               (br_if $done (i32.eq (local.get $n) (i32.const {count})))
               (memory.copy (local.get $at) (i32.const {unit_at}) (i32.const {unit}))
               (local.set $at (i32.add (local.get $at) (i32.const {unit})))
               (local.set $n (i32.add (local.get $n) (i32.const 1)))
               (br $next)))
             (memory.copy (local.get $at) (i32.const {after_at}) (i32.const {}))",
            out + before.len(),
            after.len(),
            before = before.len(),
            unit = unit.len(),
        )
    }

    /// The parts as a data segment.
    fn data(&self) -> String {
        let text = [self.before, self.unit, self.after].concat();
        let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(data (i32.const {PARTS}) \"{bytes}\")")
    }

    /// Where the answer begins: behind its parts.
    fn out(&self) -> usize {
        (PARTS + self.before.len() + self.unit.len() + self.after.len()).next_multiple_of(65536)
    }

    /// A guest that gives the answer through the raw entry.
    fn raw_guest(&self) -> String {
        let out = self.out();
        let stream = (out + self.length()).next_multiple_of(65536);
        format!(
            r#"(module (memory (export "memory") {pages}) {data}
              (func (export "windlass_alloc") (param i32) (result i32) i32.const {stream})
              (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) (local $at i32) (local $n i32)
                {assembly}
                i64.const {packed}))"#,
            pages = stream / 65536 + 17,
            data = self.data(),
            assembly = self.assembly(out),
            packed = (out as u64) << 32 | self.length() as u64,
        )
    }

    /// A guest that gives the answer through Extism's memory; its length must be whole words.
    fn message_guest(&self) -> String {
        let out = self.out();
        assert_eq!(self.length() % 8, 0, "whole words");
        format!(
            r#"(module
              (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
              (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
              (import "extism:host/env" "output_set" (func $answer (param i64 i64)))
              (memory (export "memory") {pages}) {data}
              (func (export "helm_plugin_main") (result i32) (local $at i32) (local $n i32) (local $block i64)
                {assembly}
                (local.set $block (call $alloc (i64.const {length})))
                (local.set $n (i32.const 0))
                (block $end (loop $word
                  (br_if $end (i32.ge_u (local.get $n) (i32.const {length})))
                  (call $store (i64.add (local.get $block) (i64.extend_i32_u (local.get $n)))
                    (i64.load (i32.add (i32.const {out}) (local.get $n))))
                  (local.set $n (i32.add (local.get $n) (i32.const 8)))
                  (br $word)))
                (call $answer (local.get $block) (i64.const {length}))
                i32.const 0))"#,
            pages = (out + self.length()) / 65536 + 1,
            data = self.data(),
            assembly = self.assembly(out),
            length = self.length(),
        )
    }

    fn given(&self, name: &str, stream: &[u8]) -> Spent {
        let place = Place::new();
        let guest = place.guest(&format!("{name}.wasm"), &self.raw_guest());
        place.render(&guest, stream, &[])
    }

    #[track_caller]
    fn check(&self, name: &str) {
        self.given(name, STREAM).check(name, &[0, 1, 4], "");
    }
}

const MIB: usize = 1 << 20;

#[test]
fn aliases() {
    Answer::of("l:\n", "- &a x\n- *a\n", 30 * MIB, "").check("anchors");
}

/// A hook at the end has all of the objects before it looked at.
const HOOK: &str = "---\nmetadata: {annotations: {helm.sh/hook: x}}\n";

#[test]
fn cycles() {
    Answer::of("", "---\n&l\nkind: List\nitems: [*l]\n", 200, "").check("list-in-itself");
    Answer::of("", "---\n&l\nkind: List\nitems: [*l]\n", 20 * MIB, HOOK).check("lists-in-themselves");
    Answer::of("", "---\n&l\nkind: List\nitems: [{kind: List, items: [*l, *l]}]\n", 20 * MIB, HOOK).check("deeper");
    Answer::of("", "---\n&m\nkind: A\nm: {<<: *m}\nx: [*m, *m]\n", 20 * MIB, HOOK).check("merges-of-itself");
}

/// A text that each item could have a copy of.
#[test]
fn long_texts_in_many_places() {
    let long = "x".repeat(MIB / 2);
    for (name, before, unit) in [
        ("api-version", format!("apiVersion: {long}\nkind: AList\nitems:\n"), "- a: 1\n"),
        ("kind", format!("apiVersion: v1\nkind: {long}List\nitems:\n"), "- a: 1\n"),
        ("namespace", format!("kind: AList\nmetadata: {{namespace: {long}}}\nitems:\n"), "- a: 1\n"),
        ("names", format!("a: &a {long}\nkind: List\nitems:\n"), "- metadata: {name: *a}\n"),
        ("aliases", format!("a: &a {long}\nkind: List\nitems:\n"), "- {kind: *a, b: [*a, *a]}\n"),
        (
            "annotations",
            format!("a: &a {long}\nkind: List\nitems:\n"),
            "- metadata: {annotations: {helm.sh/hook: *a}}\n",
        ),
        ("merges", format!("a: &a {{metadata: {{name: {long}}}}}\nkind: List\nitems:\n"), "- {<<: *a}\n"),
        (
            "lists-in-lists",
            format!("apiVersion: {long}\nkind: List\nitems:\n"),
            "- {kind: AList, items: [{kind: BList, items: [{}, {}, {}]}]}\n",
        ),
    ] {
        Answer::of(&before, unit, 30 * MIB, HOOK).check(name);
    }
    let mut bomb = "kind: List\na0: &a0 [{kind: A}, {kind: A}]\n".to_owned();
    for level in 1..30 {
        let below = level - 1;
        bomb.push_str(&format!(
            "a{level}: &a{level} [{{kind: List, items: *a{below}}}, {{kind: List, items: *a{below}}}]\n"
        ));
    }
    Answer::of(&format!("{bomb}items: *a29\n"), "#\n", bomb.len() + 100 + HOOK.len(), HOOK).check("list-bomb");
}

#[test]
fn many_small_things() {
    let annotated = "metadata: {annotations: {helm.sh/hook: before}}\n";
    Answer::of("", "---\n\"a\": 1\n", 40 * MIB, "").check("documents");
    Answer::of("kind: List\nitems:\n", "- {kind: A}\n", 40 * MIB, "").check("items");
    Answer::of("kind: List\nitems: [", "{},", 40 * MIB, "]\n").check("items-in-flow");
    Answer::of("", "---\nkind: A\n", 40 * MIB, annotated).check("documents-and-a-hook");
    Answer::of("kind: List\nitems:\n", "- kind: A\n", 40 * MIB, "- metadata: {annotations: {helm.sh/hook: x}}\n")
        .check("items-and-a-hook");
    Answer::of("", "postrenderer.helm.sh/postrender-filename: ", 40 * MIB, "x\n").check("annotations-on-one-line");
    Answer::of("a: 1\n", "...\n", 40 * MIB, "b: 1\n").check("ends");
    Answer::of("a: 1\n", "--- # x\n", 40 * MIB, "--- y\n").check("starts");
    Answer::of("a: [", "a,", 50 * MIB, "]\n").check("scalars-in-flow");
    Answer::of("a: {", "a,", 50 * MIB, "}\n").check("equal-keys");
    Answer::of("a:\n", "- \n", 40 * MIB, "").check("empty-items");
    Answer::of("a: ", "[", 10 * MIB, "").check("deep");
    Answer::of("a: ", "[[[[[[[[]]]]]]]],", 10 * MIB, "").check("closed");
    Answer::of("", "\n", 50 * MIB, "").check("lines");
    Answer::of("#\n", "#\n", 50 * MIB, "x\n").check("comments");
}

#[test]
fn large_texts() {
    Answer::of("a: ", "xxxxxxxx", 50 * MIB, "\n").check("plain");
    Answer::of("a: \"", "\\x41", 50 * MIB, "\"\n").check("escapes");
    Answer::of("a: '", "''", 50 * MIB, "'\n").check("quotes");
    Answer::of("a: |\n", " x\n", 50 * MIB, "").check("literal");
    Answer::of("a: >\n", " x\n", 50 * MIB, "").check("folded");
    Answer::of("", "xxxxxxxx", 8 * MIB, ": 1\n").check("key");
    Answer::of("kind: ", "xxxxxxxx", 30 * MIB, "\nmetadata: 1\n").check("kind");
    Answer::of("kind: \"", "\\0", 30 * MIB, "\"\nmetadata: 1\n").check("kind-of-control-characters");
}

/// Helm's JSON, with millions of arguments that no answer has.
#[test]
fn messages() {
    for (name, unit, after) in [
        ("arguments", "\"\",", "\"\"],\"manifests\":\"a: 1\"}"),
        ("lists", "[],", "[]],\"manifests\":\"a: 1\"}"),
        ("garbage", "{},", "{}"),
    ] {
        let mut answer = Answer::of("{\"extraArgs\":[", unit, 24 * MIB, after);
        answer.count -= (answer.count + 8) % 8;
        let before = format!("{}{}", " ".repeat((8 - answer.length() % 8) % 8), answer.before);
        let answer = Answer { before: &before, ..answer };
        let place = Place::new();
        let guest = place.guest(&format!("{name}.wasm"), &answer.message_guest());
        place.render(&guest, STREAM, &[]).check(name, &[0, 1, 4], "");
    }
}

#[test]
fn the_input_is_hostile_too() {
    let place = Place::new();
    // Repeats the stream and adds a document, so that all of the input is looked at.
    let guest = place.guest(
        "adds.wasm",
        r#"(module (memory (export "memory") 80)
          (data (i32.const 16) "\n---\nmetadata: {annotations: {helm.sh/hook: x}}\n")
          (func (export "windlass_alloc") (param i32) (result i32) i32.const 65536)
          (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
            (memory.copy (i32.add (i32.const 65536) (local.get 1)) (i32.const 16) (i32.const 48))
            (i64.or (i64.const 0x1000000000000) (i64.extend_i32_u (i32.add (local.get 1) (i32.const 48))))))"#,
    );
    let long = "v".repeat(MIB / 2);
    for (name, stream) in [
        ("list-of-itself", "&l\nkind: List\nitems: [*l]\n".to_owned()),
        ("long-header", format!("apiVersion: {long}\nkind: AList\nitems:\n{}", "- a: 1\n".repeat(70_000))),
        ("markers", format!("a: 1\n{}", "...\n".repeat(250_000))),
        ("documents", "--- x\n".repeat(170_000)),
        ("items", format!("kind: List\nitems: [{}]", "{},".repeat(300_000))),
        ("merges", format!("a: &a {{b: c}}\nkind: List\nitems:\n{}", "- {<<: *a}\n".repeat(90_000))),
        ("not-utf8", "a: \u{fffd}\n".repeat(170_000)),
    ] {
        place.render(&guest, stream.as_bytes(), &[]).check(name, &[0, 1, 4], "");
        place.run(["diff", "adds.wasm", "--timeout", "2s"], stream.as_bytes()).check(name, &[0, 1, 2, 4, 6], "");
    }
}

/// Host functions that are given as much as a call can name, until the time is over.
#[test]
fn calls_that_are_long() {
    let flood = |body: &str| {
        format!(
            r#"(module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
              (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
              (import "extism:host/env" "free" (func $free (param i64)))
              (import "extism:host/env" "log_warn" (func $log (param i64)))
              (memory (export "memory") 400) (global $block (mut i64) (i64.const 0))
              (func $vectors (local $n i32) (loop $next
                (i32.store (i32.mul (local.get $n) (i32.const 8)) (i32.const 65536))
                (i32.store (i32.add (i32.mul (local.get $n) (i32.const 8)) (i32.const 4)) (i32.const 26000000))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $n) (i32.const 160)))))
              (func (export "helm_plugin_main") (result i32)
                (call $vectors) (global.set $block (call $alloc (i64.const 20000000)))
                (memory.fill (i32.const 65536) (i32.const 10) (i32.const 26000000))
                (loop $again {body} (br $again)) i32.const 0))"#
        )
    };
    for (name, body) in [
        ("write", "(drop (call $write (i32.const 1) (i32.const 0) (i32.const 160) (i32.const 60000)))"),
        ("stderr", "(drop (call $write (i32.const 2) (i32.const 0) (i32.const 160) (i32.const 60000)))"),
        ("lines", "(drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 60000)))"),
        ("random", "(drop (call $random (i32.const 65536) (i32.const 26000000)))"),
        ("log", "(call $log (global.get $block))"),
    ] {
        let place = Place::new();
        let guest = place.guest(&format!("{name}.wasm"), &flood(body));
        place.render(&guest, STREAM, &["--log-level", "info"]).check(name, &[4], "it ran longer than 2s");
    }
}

/// The process of a run ends itself when the time is over: with the error that the plugin would have been stopped with,
/// which is kept as well, without a byte of an answer, and with nothing left behind.
#[test]
fn the_end_of_a_run_is_told_and_leaves_nothing_behind() {
    let body = |start: &str, main: &str| {
        format!(
            r#"(module (memory (export "memory") 1) (func $main {main}) {start}
              (func (export "helm_plugin_main") (result i32) (call $main) i32.const 0))"#
        )
    };
    let endless = "(loop $again (br $again))";
    for (name, start, main, command) in [
        ("main", "", endless, "run"),
        ("start", "(start $main)", endless, "run"),
        ("recursion", "", "(loop $again (call $inner) (br $again))) (func $inner (nop)", "run"),
        ("diff", "", endless, "diff"),
    ] {
        let place = Place::new();
        let guest = place.guest("endless.wasm", &body(start, main));
        let files = |folder: &str| {
            let entries = std::fs::read_dir(place.path(folder)).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = files("cache/code");
        let arguments = [command, guest.to_str().unwrap(), "--timeout", "100ms", "--output", "json"];
        let spent = place.run(arguments, STREAM);
        spent.check(name, &[4], r#""message": "it ran longer than 100ms""#);
        assert_eq!(spent.answered, 0, "{name}");
        let told: serde_json::Value = serde_json::from_str(&spent.stderr).unwrap();
        assert_eq!(told["error"]["plugin"], "endless");
        assert_eq!(told["error"]["hints"][0], "if it needs longer, raise the limit with `--timeout`");
        assert_eq!(files("cache/code"), before, "{name}");
        assert_eq!(files("state/windlass"), ["cache.key", "failures.jsonl"], "{name}");
        let kept = place.run(["why"], b"");
        assert!(kept.answered > 0, "{name}: {}", kept.stderr);
    }
}

/// `diff` has time of its own, but no other bounds.
#[test]
fn differences() {
    let place = Place::new();
    let guest = place.guest("answer.wasm", &Answer::of("", "a: 1\n---\n", 20 * MIB, "b: 1\n").raw_guest());
    let stream = (0..100_000).map(|line| format!("{line}: 1\n")).collect::<String>();
    let spent = place.run(["diff", guest.to_str().unwrap(), "--timeout", "4s"], stream.as_bytes());
    spent.check_memory("diff");
}
