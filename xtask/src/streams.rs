//! `cargo xtask streams [--bless]`: what both Helms hand to a post-renderer for the charts in `tests/charts`, recorded
//! in `tests/streams/helm3` and `helm4`. Tests read the records where there is no Helm; this keeps them true.

use crate::command::{During, Failure, Result};
use crate::helm::{self, Helm, Version};
use crate::{expect_only, say, workspace};
use std::path::PathBuf;
use std::process::ExitCode;

/// The charts that are recorded.
pub const CHARTS: &[&str] = &["awkward"];

/// The record of what a Helm hands over for a chart.
#[must_use]
pub fn recorded(version: Version, chart: &str) -> PathBuf {
    workspace::root().join("tests/streams").join(version.folder_name()).join(format!("{chart}.yaml"))
}

/// Runs the command.
///
/// # Errors
/// A record is not what Helm hands over today (and `--bless` was not given), or Helm cannot be had.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &["--bless"])?;
    let bless = !arguments.is_empty();
    let home = workspace::target().join("xtask/helm-home");
    let mut stale = Vec::new();
    for version in Version::ALL {
        let helm = Helm::new(version, version.tool().ensure()?, &home.join(version.folder_name()))?;
        for chart in CHARTS {
            let path = recorded(version, chart);
            let stream = helm.handed_over(&helm::chart(chart))?;
            if std::fs::read(&path).is_ok_and(|record| record == stream) {
                continue;
            }
            if bless {
                std::fs::create_dir_all(path.parent().unwrap_or(&path)).during("cannot make the folder")?;
                std::fs::write(&path, &stream).during(format_args!("cannot write {}", path.display()))?;
                say::note(&format!("wrote {}", path.display()));
            } else {
                stale.push(path.display().to_string());
            }
        }
    }
    if stale.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(format!("not what Helm hands over: {}", stale.join(", ")))
        .hint("run `cargo xtask streams --bless`"))
}
