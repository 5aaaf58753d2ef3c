//! Every limit on what comes from outside, in one place, with its reason. `docs/limits.md` shows it to people.
//!
//! With the defaults, no input up to 1 MiB and no answer of a plugin within its own limits takes the host more than the
//! run's timeout and [`TIME_TO_CHECK`], nor more than the run's memory limit and 256 MiB.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::ByteSize;
use crate::error::MAX_ERROR_TEXT;
use crate::finding::{MAX_FINDINGS, MAX_FINDINGS_TEXT};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Time for reading an answer after the run's own time is over.
pub const TIME_TO_CHECK: Duration = Duration::from_millis(800);
/// Memory for reading an answer beside what the guest may hold, with what the program takes itself.
pub const MEMORY_TO_CHECK: ByteSize = ByteSize(256 * MIB);
/// Time for reading one file.
pub const TIME_TO_READ: Duration = Duration::from_secs(10);

/// Bytes of a YAML or JSON file that people write: plugin.yaml, windlass.yaml, lock file, policy, configuration.
pub const MAX_DOCUMENT: u64 = MIB;
/// Nodes of such a file, counting those that aliases repeat.
pub const MAX_DOCUMENT_NODES: u64 = 100_000;
/// Text of such a file, counting what aliases repeat.
pub const MAX_DOCUMENT_TEXT: u64 = 4 * MIB;
/// Bytes of the metadata section of a module.
pub const MAX_METADATA: u64 = MIB;
/// Things that the metadata may ask for.
pub const MAX_ASKS: u64 = 100;
/// Bytes of a stream: what a plugin's 32-bit addresses can take.
pub const MAX_STREAM: u64 = (2 << 30) - 1;
/// Bytes of a plugin.wasm.
pub const MAX_WASM: u64 = 128 * MIB;
/// Bytes of a plugin archive.
pub const MAX_ARCHIVE: u64 = 128 * MIB;
/// Bytes of an OCI manifest; the specification asks registries to take 4 MiB and clients not to send more.
pub const MAX_MANIFEST_BYTES: u64 = 4 * MIB;
/// Bytes of a provenance file, a signature, or a signature's payload.
pub const MAX_PROVENANCE_BYTES: u64 = MIB;
/// Bytes of a keyring, which is read into memory.
pub const MAX_KEYRING_BYTES: u64 = 64 * MIB;
/// Bytes that an archive may unpack to, whatever its size.
pub const MAX_UNPACKED: u64 = 256 * MIB;
/// Bytes that any archive may unpack to beside [`UNPACKED_FOR_BYTE`] times its size.
pub const UNPACKED_AT_LEAST: u64 = 16 * MIB;
/// See [`UNPACKED_AT_LEAST`].
pub const UNPACKED_FOR_BYTE: u64 = 32;
/// Entries of an archive.
pub const MAX_ARCHIVE_ENTRIES: u64 = 4096;
/// Folders in the path of an archive's entry.
pub const MAX_ARCHIVE_DEPTH: u64 = 32;
/// Imports of a module, and exports.
pub const MAX_LISTED: u64 = 10_000;
/// Values that a module's instructions may move, beside [`MOVED_FOR_BYTE`] times its bytes.
pub const MOVED_AT_LEAST: u64 = 16 * MIB;
/// See [`MOVED_AT_LEAST`].
pub const MOVED_FOR_BYTE: u64 = 8;
/// Values that may lie on a function's stack at once.
pub const MAX_OPERANDS: u64 = 1_000_000;
/// Parameters or results that a signature is shown with.
pub const MAX_SHOWN_VALUES: u64 = 16;
/// Manifests that a layout's index may list.
pub const MAX_LAYOUT_ENTRIES: u64 = 4096;
/// Bytes of manifests that are read of one layout.
pub const MAX_LAYOUT_READ: u64 = 64 * MIB;
/// Bytes of a key file, certificate or credentials file.
pub const MAX_KEY_FILE: u64 = MIB;
/// Bytes of a password or passphrase on standard input.
pub const MAX_PASSWORD: u64 = 64 * KIB;
/// Address space of the compiler.
pub const MAX_COMPILE_MEMORY: ByteSize = ByteSize(2 << 30);
/// Processor time of the compiler: three times what the largest program that we know takes (kustomize, 31 MB, 24 s),
/// for slower machines.
pub const MAX_COMPILE_TIME: Duration = Duration::from_secs(90);
/// Time on the clock for the compiler, which need not be alone on its machine.
pub const MAX_COMPILE_CLOCK: Duration = Duration::from_secs(300);
/// Bytes of machine code beside [`CODE_FOR_BYTE`] times the module.
pub const CODE_AT_LEAST: u64 = 32 * MIB;
/// See [`CODE_AT_LEAST`].
pub const CODE_FOR_BYTE: u64 = 32;
/// Bytes of the stack that guest code may use: half of the smallest stack that a Rust thread gets by default.
pub const MAX_WASM_STACK: u64 = MIB;
/// Bytes that are looked at of what a guest logs.
pub const MAX_LOGGED: u64 = 4 * MIB;
/// Bytes of log lines that are kept.
pub const MAX_LOG: u64 = MIB;
/// Bytes of one log line.
pub const MAX_LOG_LINE: u64 = 16 * KIB;
/// Bytes of a name or another short text that a guest hands to a host function.
pub const MAX_GUEST_TEXT: u64 = 16 * KIB;
/// Bytes of a readiness plugin's answer about one object.
pub const MAX_READINESS: u64 = MIB;
/// Bytes that a stored release may unpack to.
pub const MAX_RELEASE: u64 = 64 * MIB;

/// How much.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    /// Bytes.
    Bytes(u64),
    /// Seconds and parts of them.
    Time(Duration),
    /// Things.
    Count(u64),
    /// More than one number.
    Text(&'static str),
}

/// A limit as people read it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Of what.
    pub of: &'static str,
    /// How much.
    pub amount: Amount,
    /// Why that much.
    pub reason: &'static str,
    /// The flag that changes it, if one does.
    pub flag: Option<&'static str>,
}

const fn row(of: &'static str, amount: Amount, reason: &'static str) -> Row {
    Row { of, amount, reason, flag: None }
}

const fn flagged(of: &'static str, amount: Amount, flag: &'static str, reason: &'static str) -> Row {
    Row { of, amount, reason, flag: Some(flag) }
}

/// The groups of the table.
pub const TABLE: &[(&str, &[Row])] = &[
    (
        "A plugin's run",
        &[
            flagged(
                "memory that the plugin makes Windlass hold",
                Amount::Text("64 MiB and 16 times the stream"),
                "--memory",
                "a plugin without the raw entry holds the stream as JSON, decoded, parsed and changed, with copies",
            ),
            flagged(
                "memory that a command makes Windlass hold",
                Amount::Text("256 MiB and 64 times the stream"),
                "--memory",
                "Go programs hold all objects as trees and collect seldom: yq takes some 60 times",
            ),
            flagged("time", Amount::Time(Duration::from_secs(10)), "--timeout", "far above any real render"),
            flagged("answer", Amount::Bytes(256 * MIB), "--max-output", "far above any release that Helm can store"),
            flagged(
                "scratch folder, in memory",
                Amount::Text("none"),
                "--scratch",
                "for programs that insist on a temporary file; beside the memory above",
            ),
            row("stack", Amount::Bytes(MAX_WASM_STACK), "half of what a thread gets by default"),
            row("log that is kept", Amount::Bytes(MAX_LOG), "more than anybody reads"),
            row("one line of log", Amount::Bytes(MAX_LOG_LINE), "a line is for people"),
            row("log that is looked at", Amount::Bytes(MAX_LOGGED), "what is dropped must not cost time"),
            row("findings of one run", Amount::Count(MAX_FINDINGS), "more than anybody mends; the rest is counted"),
            row("findings of one run, as text", Amount::Bytes(MAX_FINDINGS_TEXT), "as the number of them"),
            row(
                "name or path handed to a host function",
                Amount::Bytes(MAX_GUEST_TEXT),
                "the longest path of Linux is 4 KiB",
            ),
            row("error text", Amount::Bytes(MAX_ERROR_TEXT), "an error is read by people"),
        ],
    ),
    (
        "After a run: reading the answer",
        &[
            row(
                "time, beside the run's",
                Amount::Time(TIME_TO_CHECK),
                "a hundred megabytes are checked in a fifth of it",
            ),
            row(
                "memory, beside the run's",
                Amount::Bytes(MEMORY_TO_CHECK.0),
                "the program itself takes some 50 MiB of it",
            ),
        ],
    ),
    (
        "Compiling, once for each plugin",
        &[
            flagged(
                "memory",
                Amount::Text("768 MiB and 160 times the module, at most 2 GiB"),
                "--compile-memory",
                "address space, of which real modules touch a tenth; ends compile bombs",
            ),
            flagged(
                "processor time",
                Amount::Text("5 s and 3 s for each MiB of the module, at most 90 s"),
                "--compile-timeout",
                "real modules need a tenth",
            ),
            flagged(
                "time on the clock",
                Amount::Time(MAX_COMPILE_CLOCK),
                "--compile-timeout",
                "a busy machine has other things to do than compile",
            ),
            row(
                "machine code",
                Amount::Text("32 MiB and 32 times the module"),
                "real modules make up to 8 times their size",
            ),
        ],
    ),
    (
        "Files",
        &[
            row("stream", Amount::Bytes(MAX_STREAM), "what a plugin's 32-bit addresses can take"),
            row("plugin.wasm", Amount::Bytes(MAX_WASM), "seven times the largest guest we know"),
            row("archive (.tgz)", Amount::Bytes(MAX_ARCHIVE), "as plugin.wasm"),
            row(
                "archive, unpacked",
                Amount::Text("16 MiB and 32 times its size, at most 256 MiB"),
                "wasm packs to a third, text to a tenth; ends zip bombs",
            ),
            row("entries of an archive", Amount::Count(MAX_ARCHIVE_ENTRIES), "a plugin has a dozen"),
            row(
                "folders in an archive's path",
                Amount::Count(MAX_ARCHIVE_DEPTH),
                "each has to be compared with all others",
            ),
            row(
                "plugin.yaml, windlass.yaml, windlass.lock, policy.yaml, `--config`",
                Amount::Bytes(MAX_DOCUMENT),
                "people write them",
            ),
            row(
                "nodes of such a file, with what aliases repeat",
                Amount::Count(MAX_DOCUMENT_NODES),
                "ends alias bombs",
            ),
            row("text of such a file, with what aliases repeat", Amount::Bytes(MAX_DOCUMENT_TEXT), "ends alias bombs"),
            row(
                "time to read a stream for `wait` and `diff`",
                Amount::Time(TIME_TO_READ),
                "a gigabyte takes that long",
            ),
            row(
                "index and manifests of an OCI layout, each",
                Amount::Bytes(MAX_MANIFEST_BYTES),
                "as registries limit them",
            ),
            row("manifests that an index lists", Amount::Count(MAX_LAYOUT_ENTRIES), "a mirror has some hundred"),
            row("manifests that are read of one layout", Amount::Bytes(MAX_LAYOUT_READ), "each is some kilobytes"),
            row("provenance (.prov)", Amount::Bytes(MAX_PROVENANCE_BYTES), "some kilobytes"),
            row("keyring", Amount::Bytes(MAX_KEYRING_BYTES), "Debian's largest has 5 MB"),
            row("key, certificate, credentials file", Amount::Bytes(MAX_KEY_FILE), "some kilobytes"),
            row("password on standard input", Amount::Bytes(MAX_PASSWORD), "a token has some kilobytes"),
        ],
    ),
    (
        "Modules",
        &[
            row("metadata section", Amount::Bytes(MAX_METADATA), "the samples' have some kilobytes"),
            row("things that the metadata asks for", Amount::Count(MAX_ASKS), "a person has to read them"),
            row("imports, and exports", Amount::Count(MAX_LISTED), "Windlass offers below 100 functions"),
            row(
                "values that a module's instructions move",
                Amount::Text("16 Mi and 8 for each byte"),
                "compilers' code moves up to 4; ends modules whose every branch moves a thousand",
            ),
            row("values on a function's stack", Amount::Count(MAX_OPERANDS), "compilers keep some hundred there"),
            row(
                "parameters and results that `inspect` shows, each",
                Amount::Count(MAX_SHOWN_VALUES),
                "no host function has more than 9",
            ),
        ],
    ),
    (
        "`windlass wait`",
        &[
            row("stored release, unpacked", Amount::Bytes(MAX_RELEASE), "Helm stores at most 1 MiB packed"),
            row("a readiness plugin's answer", Amount::Bytes(MAX_READINESS), "a status has some hundred bytes"),
        ],
    ),
];

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Amount::Bytes(bytes) if bytes == MAX_STREAM => formatter.write_str("2 GiB"),
            Amount::Bytes(bytes) => {
                let (unit, factor) = [("GiB", 1 << 30), ("MiB", MIB), ("KiB", KIB)]
                    .into_iter()
                    .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor))
                    .unwrap_or(("bytes", 1));
                write!(formatter, "{} {unit}", bytes / factor)
            }
            Amount::Time(time) => write!(formatter, "{time:?}"),
            Amount::Count(count) => write!(formatter, "{count}"),
            Amount::Text(text) => formatter.write_str(text),
        }
    }
}

/// The table as Markdown, which is `docs/limits.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = "# Limits\n\nWhatever comes from outside is read under limits: a plugin and its answer, files, archives, layouts. With the defaults, no input\nup to 1 MiB and no answer of a plugin within its own limits takes Windlass more than the run's timeout and one second, nor more than\nthe run's memory limit and 256 MiB. Only regular files are opened; a pipe is read where the user names it as the shell does\n(`--config <(sops -d values.yaml)`), or on standard input. A limit without a flag is fixed.\n\nThis page is made from `host/src/limits/table.rs`. The limits of registries, HTTP and the cluster stand where they are kept:\n`host/src/oci/http.rs`, `host/src/sandbox/capabilities`.\n".to_owned();
    for (title, rows) in TABLE {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n## {title}\n\n| limit of | default | flag | why |\n|---|---|---|---|\n");
        for Row { of, amount, reason, flag } in *rows {
            let flag = flag.map(|flag| format!("`{flag}`")).unwrap_or_default();
            let _ = writeln!(text, "| {of} | {amount} | {flag} | {reason} |");
        }
    }
    text
}
