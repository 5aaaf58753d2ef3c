//! What old and new are compared on: streams in files, charts that Helm renders, folders of both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_STREAM;

/// The most inputs of one comparison.
const MAX_INPUTS: usize = 10_000;
/// How deep folders are looked through.
const MAX_DEPTH: usize = 16;

/// One stream to compare on.
#[derive(Clone, Debug)]
pub struct Input {
    /// As reports call it.
    pub name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Stream(PathBuf),
    Chart(PathBuf),
}

/// The inputs that these paths name.
///
/// # Errors
/// A path is neither a stream, a chart nor a folder of them.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        if path.is_dir() {
            walk(path, 0, &mut found)?;
        } else {
            let is_archive = path.extension().is_some_and(|extension| extension == "tgz");
            let place = if is_archive { Place::Chart(path.clone()) } else { Place::Stream(path.clone()) };
            found.push(Input { name: path.display().to_string(), place });
        }
        if found.len() == before {
            return Err(Error::usage(format!("{} holds neither streams nor charts", path.display()))
                .hint("a stream ends in .yaml or .yml, a chart is a folder with Chart.yaml or a .tgz"));
        }
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<Input>) -> Result<(), Error> {
    let name = folder.display().to_string();
    if folder.join("Chart.yaml").is_file() {
        found.push(Input { name, place: Place::Chart(folder.to_owned()) });
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let unreadable = |error: std::io::Error| Error::usage(format!("{name} cannot be read: {error}"));
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
        if entries.len() > MAX_INPUTS {
            return Err(Error::limit(format!("{name} has more than {MAX_INPUTS} entries")));
        }
    }
    entries.sort();
    for path in entries {
        let name = path.display().to_string();
        let is = |ending: &str| path.extension().is_some_and(|extension| extension == ending);
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if is("yaml") || is("yml") {
            found.push(Input { name, place: Place::Stream(path) });
        } else if is("tgz") {
            found.push(Input { name, place: Place::Chart(path) });
        }
        if found.len() > MAX_INPUTS {
            return Err(Error::limit(format!("there are more than {MAX_INPUTS} inputs")));
        }
    }
    Ok(())
}

impl Input {
    /// A stream in a file.
    pub fn stream(name: String, file: PathBuf) -> Self {
        Self { name, place: Place::Stream(file) }
    }

    /// Reads the stream, or lets Helm render the chart with these files of values.
    ///
    /// # Errors
    /// The file cannot be read, there is no Helm, or Helm fails.
    pub fn read(&self, values: &[PathBuf]) -> Result<Vec<u8>, Error> {
        match &self.place {
            Place::Stream(file) => input::read_named(file, MAX_STREAM)
                .map_err(|error| Error::usage(format!("{} cannot be read: {error}", self.name))),
            Place::Chart(chart) => render(chart, values),
        }
    }
}

fn render(chart: &Path, values: &[PathBuf]) -> Result<Vec<u8>, Error> {
    let mut command = Command::new("helm");
    // A name that looks like a flag is none.
    command.args(["template", "release"]).args(values.iter().map(|file| format!("--values={}", file.display())));
    command.arg("--").arg(chart).stdin(Stdio::null());
    let output = command.output().map_err(|error| {
        Error::usage(format!("Helm, which renders the chart {}, cannot be started: {error}", chart.display()))
            .hint("install it, or give streams that `helm template` wrote into files")
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(Error::usage(format!("`helm template` of {} failed: {last}", chart.display()))
        .hint("the chart may need values: `--values FILE`"))
}
