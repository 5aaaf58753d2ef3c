//! One process, measured from outside: wall time, CPU time and peak memory.
//!
//! Each process is started by a small child of our own (`xtask bench --child …`) that does nothing else. That keeps the
//! figures apart: the kernel reports CPU time and peak memory only for "all children so far", and the peak of a process
//! includes what its parent had mapped when it was started.

use crate::command::{self, During, Failure, Result};
use crate::workspace;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use super::case::{Case, Stream};

/// The argument that makes us the small child.
pub const CHILD: &str = "--child";

/// The environment variable that asks for a fresh, empty folder in the variable that it names.
const FRESH: &str = "XTASK_BENCH_FRESH";

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// From start to end, in milliseconds.
    pub wall: f64,
    /// User and system time, in milliseconds.
    pub cpu: f64,
    /// Peak resident memory, in megabytes.
    pub memory: f64,
}

/// Runs a case once.
///
/// # Errors
/// The program fails on the stream.
pub fn once(case: &Case, stream: &Stream) -> Result<Sample> {
    let xtask = std::env::current_exe().during("cannot find xtask itself")?;
    let mut child = Command::new(xtask);
    child.args(["bench", CHILD]).arg(&stream.path).args(&case.command);
    for (name, value) in &case.environment {
        child.env(name, value);
    }
    if let Some(name) = case.fresh_folder {
        child.env(FRESH, name);
    }
    if let Some(prepare) = &case.prepare {
        prepare(stream)?;
    }
    let line = command::output(&mut child)
        .map_err(|failure| Failure::new(format!("{} on {}: {}", case.name, stream.name, failure.message())))?;
    let value: serde_json::Value = serde_json::from_slice(&line).during("cannot read what the child measured")?;
    let field = |name: &str| value[name].as_f64().unwrap_or(f64::NAN);
    // Some programs measure one call within the process themselves.
    let wall = if case.reports_last_call { field("lastCall") } else { field("wall") };
    Ok(Sample { wall, cpu: field("cpu"), memory: field("memory") })
}

/// The small child: `STREAM PROGRAM [ARGUMENT...]`, and one JSON object on stdout.
///
/// # Errors
/// The program cannot be started, or fails.
pub fn child(arguments: &[String]) -> Result<ExitCode> {
    let [stream, program, arguments @ ..] = arguments else {
        return Err(Failure::new("the child of the benchmark needs a stream and a program"));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(open(stream)?).stdout(Stdio::piped()).stderr(Stdio::piped());
    let fresh = std::env::var("XTASK_BENCH_FRESH").ok().map(|name| {
        let folder = workspace::target().join("bench").join(format!("fresh-{}", std::process::id()));
        (name, folder)
    });
    command.env_remove(FRESH);
    if let Some((name, folder)) = &fresh {
        command.env(name, folder);
    }
    let start = Instant::now();
    let mut process = command.spawn().during(format_args!("cannot start {program}"))?;
    let stderr = process.stderr.take();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut stderr) = stderr {
            // What cannot be read is missing from a message, no more.
            drop(stderr.read_to_string(&mut text));
        }
        text
    });
    // The output is read as Helm reads it, from a pipe, and thrown away.
    let mut bytes = 0_u64;
    if let Some(mut stdout) = process.stdout.take() {
        let mut chunk = vec![0; 1 << 18];
        loop {
            match stdout.read(&mut chunk).during("cannot read the output")? {
                0 => break,
                count => bytes += count as u64,
            }
        }
    }
    let status = process.wait().during("cannot wait for the program")?;
    let wall = start.elapsed().as_secs_f64() * 1e3;
    let errors = errors.join().unwrap_or_default();
    if let Some((_, folder)) = fresh {
        drop(std::fs::remove_dir_all(folder));
    }
    if !status.success() {
        return Err(Failure::new(format!("{program} ended with {status}: {}", errors.trim())));
    }
    let (cpu, memory) = children()?;
    let times: Vec<f64> = errors.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    println!(
        "{}",
        serde_json::json!({"wall": wall, "cpu": cpu, "memory": memory, "bytes": bytes, "lastCall": times.last()})
    );
    Ok(ExitCode::SUCCESS)
}

fn open(path: &str) -> Result<std::fs::File> {
    std::fs::File::open(Path::new(path)).during(format_args!("cannot open {path}"))
}

/// CPU time in milliseconds and peak memory in megabytes of all children that ended.
fn children() -> Result<(f64, f64)> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).during("cannot read what the program used")?;
    let milliseconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1.0 } else { 1024.0 };
    Ok((milliseconds(usage.user_time()) + milliseconds(usage.system_time()), usage.max_rss() as f64 * unit / 1e6))
}

/// The median of one figure.
#[must_use]
pub fn median(samples: &[Sample], figure: fn(&Sample) -> f64) -> f64 {
    let sorted = sorted(samples, figure);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The smallest and the largest of one figure.
#[must_use]
pub fn spread(samples: &[Sample], figure: fn(&Sample) -> f64) -> (f64, f64) {
    let sorted = sorted(samples, figure);
    (sorted.first().copied().unwrap_or(f64::NAN), sorted.last().copied().unwrap_or(f64::NAN))
}

fn sorted(samples: &[Sample], figure: fn(&Sample) -> f64) -> Vec<f64> {
    let mut sorted: Vec<f64> = samples.iter().map(figure).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::{Sample, median, spread};

    #[test]
    fn the_median_is_in_the_middle() {
        let samples: Vec<Sample> = [5.0, 1.0, 3.0, 9.0].map(|wall| Sample { wall, cpu: 0.0, memory: 0.0 }).to_vec();
        assert_eq!(median(&samples, |sample| sample.wall), 4.0);
        assert_eq!(spread(&samples, |sample| sample.wall), (1.0, 9.0));
    }
}
