//! `cargo xtask bench [--quick] [--json FILE]`: how fast Windlass is, and how much memory it takes, side by side with
//! what people use today. One run, every case in turn on the same input, so that a busy machine is busy for all of
//! them.
//!
//! | module | job |
//! |---|---|
//! | [`synthetic`] | streams of any size, as Helm 4 hands them over |
//! | [`case`] | the programs that are compared, and how each is called |
//! | [`end_to_end`] | Helm with and without a post-renderer; a thousand small runs |
//! | [`measure`] | wall time, CPU time and peak memory of one process; medians |
//! | [`report`] | the tables, the goals, and the JSON |

use crate::command::{During, Failure, Result};
use crate::{build, say, setup, workspace};
use std::path::PathBuf;
use std::process::ExitCode;

pub mod case;
pub mod end_to_end;
pub mod measure;
pub mod report;
pub mod synthetic;

use case::Case;
use measure::Sample;

/// Objects of the stream on which everything is compared (design §6: 760 objects, 0.85 MB).
const COMPARED_OBJECTS: usize = 760;

/// The sizes that show whether time and memory grow with the stream and not faster, in bytes.
const SIZES: &[(usize, &str)] = &[
    (1_000, "1 KB"),
    (10_000, "10 KB"),
    (100_000, "100 KB"),
    (1_000_000, "1 MB"),
    (10_000_000, "10 MB"),
    (100_000_000, "100 MB"),
];

/// The measured samples of a case on a stream.
#[derive(Debug)]
pub struct Measured {
    /// Which part of the report it belongs to.
    pub table: String,
    /// The stream.
    pub stream: String,
    /// Bytes of the stream.
    pub bytes: u64,
    /// The program.
    pub case: &'static str,
    /// One for each run.
    pub samples: Vec<Sample>,
}

/// Runs the command.
///
/// # Errors
/// Something does not compile, or a program fails on a stream.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    if arguments.first().is_some_and(|argument| argument == measure::CHILD) {
        return measure::child(&arguments[1..]);
    }
    let (quick, json) = options(arguments)?;
    build::host()?;
    let plugins = build::plugins()?;
    setup::wasm_target()?;
    let folder = workspace::target().join("bench");
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).during("cannot clear the last run")?;
    }
    std::fs::create_dir_all(&folder).during(format_args!("cannot make {}", folder.display()))?;
    let cases = case::all(&folder)?;
    let rounds = if quick { 3 } else { 11 };

    let mut measured = Vec::new();
    // Everything side by side on one stream.
    let stream = case::Stream::write(&folder, "760 objects", &synthetic::objects(COMPARED_OBJECTS))?;
    measured.extend(compare("side by side", &stream, &cases, |_| true, rounds)?);
    measured.extend(compare("five in a row", &stream, &case::chains(&folder)?, |_| true, rounds)?);
    // What a user waits for. Helm reads its chart, and nothing from the stream.
    measured.extend(compare("end to end", &stream, &end_to_end::helm(&folder)?, |_| true, rounds.min(7))?);
    let small = case::Stream::write(&folder, "10 KB", &synthetic::bytes(10_000))?;
    measured.extend(compare("a thousand runs", &small, &end_to_end::thousand(&folder, &small)?, |_| true, 3)?);
    // Windlass, and what bounds it from below, from small to large.
    for (size, name) in SIZES {
        if quick && *size > 10_000_000 {
            continue;
        }
        let stream = case::Stream::write(&folder, name, &synthetic::bytes(*size))?;
        let rounds = if *size > 10_000_000 { rounds.min(5) } else { rounds };
        measured.extend(compare("by size", &stream, &cases, |case| case.any_size, rounds)?);
    }
    // Real charts.
    for stream in case::Stream::of_corpus(quick)? {
        measured.extend(compare("real charts", &stream, &cases, |case| case.on_charts, rounds.min(5))?);
    }

    let label_injector = plugins.iter().find(|plugin| plugin.name == "label-injector").map_or(0, |plugin| plugin.size);
    report::print(&measured, label_injector);
    let path = json.unwrap_or_else(|| folder.join("bench.json"));
    std::fs::write(&path, report::json(&measured, label_injector))
        .during(format_args!("cannot write {}", path.display()))?;
    say::step(&format!("the same as JSON: {}", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: &[String]) -> Result<(bool, Option<PathBuf>)> {
    let mut quick = false;
    let mut json = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--json" => {
                let file = rest.next().ok_or_else(|| Failure::new("`--json` needs a file"))?;
                json = Some(PathBuf::from(file));
            }
            unknown => {
                return Err(Failure::new(format!("unknown argument `{unknown}`")).hint("known: --quick, --json FILE"));
            }
        }
    }
    Ok((quick, json))
}

/// Runs the chosen cases on a stream, in turn, `rounds` times after one that does not count.
fn compare(
    table: &str,
    stream: &case::Stream,
    cases: &[Case],
    chosen: impl Fn(&Case) -> bool,
    rounds: usize,
) -> Result<Vec<Measured>> {
    say::step(&format!("{table}: {} ({} bytes)", stream.name, stream.bytes));
    let mut measured: Vec<(&Case, Measured)> = cases
        .iter()
        .filter(|case| chosen(case))
        .map(|case| {
            let empty = Measured {
                table: table.to_owned(),
                stream: stream.name.clone(),
                bytes: stream.bytes,
                case: case.name,
                samples: Vec::new(),
            };
            (case, empty)
        })
        .collect();
    let mut failed = Vec::new();
    for round in 0..=rounds {
        for (case, measured) in &mut measured {
            // Slow programs get fewer rounds; their spread is small beside their time.
            let slow = measured.samples.iter().map(|sample| sample.wall).sum::<f64>() > 5_000.0;
            if failed.contains(&case.name) || (slow && measured.samples.len() >= 3) {
                continue;
            }
            match measure::once(case, stream) {
                Ok(sample) if round > 0 => measured.samples.push(sample),
                Ok(_) => {}
                // kustomize refuses charts where a hook and an object of the release have one name.
                Err(failure) if case.may_fail() && round == 0 => {
                    say::note(&format!("left out: {}", failure.message().lines().next().unwrap_or_default()));
                    failed.push(case.name);
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(measured.into_iter().map(|(_, measured)| measured).filter(|measured| !measured.samples.is_empty()).collect())
}
