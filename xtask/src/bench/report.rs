//! What was measured, as tables and as JSON, and which goals hold.

use super::Measured;
use super::case::name;
use super::measure::{Sample, median, spread};
use serde_json::{Value, json};

const WALL: fn(&Sample) -> f64 = |sample| sample.wall;
const CPU: fn(&Sample) -> f64 = |sample| sample.cpu;
const MEMORY: fn(&Sample) -> f64 = |sample| sample.memory;

/// Prints the tables and the goals.
pub fn print(measured: &[Measured], label_injector_bytes: u64) {
    let mut heading = (String::new(), String::new());
    for (index, one) in measured.iter().enumerate() {
        if heading != (one.table.clone(), one.stream.clone()) {
            heading = (one.table.clone(), one.stream.clone());
            println!("\n{}: {} ({} bytes)", one.table, one.stream, one.bytes);
            println!(
                "{:<26} {:>10} {:>21} {:>10} {:>10} {:>9} {:>10}",
                "", "wall ms", "(least - most)", "CPU ms", "peak MB", "MB/s", "x windlass"
            );
        }
        let wall = median(&one.samples, WALL);
        let (least, most) = spread(&one.samples, WALL);
        let windlass = measured[..]
            .iter()
            .find(|other| {
                [name::WARM, name::CHAIN].contains(&other.case)
                    && (&other.table, &other.stream) == (&measured[index].table, &measured[index].stream)
            })
            .map_or(f64::NAN, |other| median(&other.samples, WALL));
        println!(
            "{:<26} {wall:>10.2} {:>21} {:>10.2} {:>10.1} {:>9.1} {:>10.2}",
            one.case,
            format!("({least:.2} - {most:.2})"),
            median(&one.samples, CPU),
            spread(&one.samples, MEMORY).1,
            one.bytes as f64 / 1e3 / wall,
            wall / windlass,
        );
    }
    let memory = |stream: &str| {
        let one = measured.iter().find(|one| one.stream == stream && one.case == name::WARM);
        one.map_or(f64::NAN, |one| spread(&one.samples, MEMORY).1)
    };
    println!("\nmemory for each MB of stream, 1 MB to 10 MB: {:.2} MB", (memory("10 MB") - memory("1 MB")) / 9.0);
    println!("\ngoals");
    for goal in goals(measured, label_injector_bytes) {
        let verdict = match goal.holds {
            Some(true) => "holds",
            Some(false) => "DOES NOT HOLD",
            None => "not measured",
        };
        println!("{:<74} {:>14}   {verdict}", goal.what, goal.found);
    }
}

/// The same for programs.
#[must_use]
pub fn json(measured: &[Measured], label_injector_bytes: u64) -> String {
    let figures = |samples: &[Sample], figure: fn(&Sample) -> f64| {
        let (least, most) = spread(samples, figure);
        json!({"median": median(samples, figure), "least": least, "most": most})
    };
    let rows: Vec<Value> = measured
        .iter()
        .map(|one| {
            json!({
                "table": one.table, "stream": one.stream, "bytes": one.bytes, "case": one.case,
                "runs": one.samples.len(),
                "wallMs": figures(&one.samples, WALL), "cpuMs": figures(&one.samples, CPU),
                "peakMb": figures(&one.samples, MEMORY),
            })
        })
        .collect();
    let goals: Vec<Value> = goals(measured, label_injector_bytes)
        .into_iter()
        .map(|goal| json!({"goal": goal.what, "found": goal.found, "holds": goal.holds}))
        .collect();
    format!("{:#}\n", json!({"labelInjectorBytes": label_injector_bytes, "measured": rows, "goals": goals}))
}

/// A number to reach (design §6).
struct Goal {
    what: &'static str,
    found: String,
    /// `None`: what it needs was not measured.
    holds: Option<bool>,
}

fn goals(measured: &[Measured], label_injector_bytes: u64) -> Vec<Goal> {
    // Charts are streams of their own names; nothing else is measured on two streams of one name.
    let find = |stream: &str, case: &str| measured.iter().find(|one| one.stream == stream && one.case == case);
    let wall = |stream: &str, case: &str| find(stream, case).map_or(f64::NAN, |one| median(&one.samples, WALL));
    let cpu = |stream: &str, case: &str| find(stream, case).map_or(f64::NAN, |one| median(&one.samples, CPU));
    let compared = "760 objects";
    let warm = wall(compared, name::WARM);
    let at_least = |what, found: f64, limit: f64, unit: &str| Goal {
        what,
        found: format!("{found:.1}{unit}"),
        holds: (!found.is_nan()).then_some(found >= limit),
    };
    let at_most = |what, found: f64, limit: f64, unit: &str| Goal {
        what,
        found: format!("{found:.2}{unit}"),
        holds: (!found.is_nan()).then_some(found <= limit),
    };
    // The largest stream that was measured decides; the fixed cost of a process is small beside it.
    let per_megabyte = |stream: &str| {
        find(stream, name::WARM)
            .map_or(f64::NAN, |one| (median(&one.samples, WALL) - wall("1 KB", name::WARM)) / (one.bytes as f64 / 1e6))
    };
    let largest = if wall("100 MB", name::WARM).is_nan() { "10 MB" } else { "100 MB" };
    // How far above the limit of its stream the worst case is; negative is below.
    let memory = measured
        .iter()
        .filter(|one| one.case == name::WARM)
        .map(|one| spread(&one.samples, MEMORY).1 - (32.0 + 3.0 * one.bytes as f64 / 1e6))
        .fold(f64::NAN, f64::max);
    vec![
        at_least(
            "kustomize / windlass warm, 760 objects: 100 or more",
            wall(compared, name::KUSTOMIZE) / warm,
            100.0,
            "x",
        ),
        at_least(
            "Helm's engine warm / windlass warm, 760 objects: 12 or more",
            wall(compared, name::ENGINE_WARM) / warm,
            12.0,
            "x",
        ),
        at_least(
            "Helm's engine warm / windlass warm, argo-cd: 18 or more",
            wall("argo-cd", name::ENGINE_WARM) / wall("argo-cd", name::WARM),
            18.0,
            "x",
        ),
        at_most(
            "windlass / native, whole process, 10 MB: 1.25 or less",
            wall("10 MB", name::WARM) / wall("10 MB", name::NATIVE),
            1.25,
            "x",
        ),
        at_most(
            "CPU of windlass / of /bin/cat, 10 MB: 5 or less",
            cpu("10 MB", name::WARM) / cpu("10 MB", name::CAT),
            5.0,
            "x",
        ),
        at_most(
            "windlass / /bin/true, 10 KB: 2.5 or less",
            wall("10 KB", name::WARM) / wall("10 KB", name::TRUE),
            2.5,
            "x",
        ),
        at_most("first run, cold cache, 760 objects: 200 ms or less", wall(compared, name::COLD), 200.0, " ms"),
        at_most("twelve plugins / one, 760 objects: 6 or less", wall(compared, name::TWELVE) / warm, 6.0, "x"),
        at_most(
            "linear: ms per MB on the largest stream / on 1 MB: 1.25 or less",
            per_megabyte(largest) / per_megabyte("1 MB"),
            1.25,
            "x",
        ),
        at_most("peak memory, worst stream, above 32 MB + 3 x stream: 0 or less", memory, 0.0, " MB"),
        at_most("label-injector's wasm: 300 KB or less", label_injector_bytes as f64 / 1e3, 300.0, " KB"),
    ]
}
