//! Streams to try a plugin on, beside its cases.

use std::path::{Path, PathBuf};
use std::{env, fs};

use windlass_manifest::Value;

use super::{run, take_findings, take_logs};
use crate::findings;
use crate::log::Level;
use crate::plugin::Plugin;

/// A stream and where it comes from.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The path of its file, for messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Every `input.yaml` of the case folders below `folder` (relative to the package) that is UTF-8.
///
/// # Panics
/// When there is none.
pub fn case_inputs(folder: impl AsRef<Path>) -> Vec<Stream> {
    let folder = package().join(folder);
    let cases =
        fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("input.yaml")));
    let streams = read(cases.collect());
    assert!(!streams.is_empty(), "no case folders with an input.yaml in {}", folder.display());
    streams
}

/// The rendered charts (`*.yaml`, at any depth) of the first folder of this name that stands above the package; none
/// when there is no such folder.
pub fn rendered_charts(folder: &str) -> Vec<Stream> {
    let package = package();
    let found = package.ancestors().map(|above| above.join(folder)).find(|folder| folder.is_dir());
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = found.into_iter().collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "yaml") => files.push(path),
                false => {}
            }
        }
    }
    read(files)
}

/// The objects of a stream as values, in their order.
///
/// # Panics
/// When it is no stream of objects.
pub fn objects(stream: &str) -> Vec<Value> {
    let manifests = windlass_manifest::Manifests::from_bytes(stream.as_bytes().to_vec()).expect("a stream");
    let mut objects = Vec::new();
    let read = manifests.read(|object| {
        objects.push(object.root().to_value()?);
        Ok::<(), windlass_manifest::Error>(())
    });
    read.expect("objects");
    objects
}

/// Checks that a plugin run on its own output changes nothing; streams that it refuses are left out.
///
/// # Panics
/// When a second run changes or refuses what the first one gave.
pub fn check_twice_is_once<P: Plugin>(config: &str, streams: impl IntoIterator<Item = Stream>) {
    for Stream { name, text } in streams {
        let Ok(once) = run::<P>(config, &[], &text) else { continue };
        assert_eq!(run::<P>(config, &[], &once), Ok(once), "{name}");
    }
}

/// [`check_twice_is_once`] with each configuration, on every chart at hand and on the inputs of the plugin's own cases
/// (`tests/cases`).
///
/// # Panics
/// As [`check_twice_is_once`].
pub fn check_charts_twice<P: Plugin>(configs: &[&str]) {
    for config in configs {
        let charts = rendered_charts("shared/corpus").into_iter().chain(rendered_charts("tests/streams"));
        check_twice_is_once::<P>(config, charts.chain(case_inputs("tests/cases")));
    }
}

/// What a run warns of, in its log and by findings (those last). Earlier ones of this thread are dropped.
///
/// # Panics
/// When the plugin refuses the stream.
#[track_caller]
pub fn warnings<P: Plugin>(config: &str, input: &str) -> Vec<String> {
    take_logs();
    take_findings();
    if let Err(error) = run::<P>(config, &[], input) {
        panic!("the plugin refuses the stream: {error}");
    }
    let logged = take_logs().into_iter().filter(|(level, _)| *level == Level::Warn).map(|(_, text)| text);
    let found = take_findings().into_iter().filter(|finding| finding.level == findings::Level::Warn);
    logged.chain(found.map(|finding| finding.describe())).collect()
}

fn package() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

fn read(mut files: Vec<PathBuf>) -> Vec<Stream> {
    files.sort();
    let stream = |path: PathBuf| {
        Some(Stream { text: String::from_utf8(fs::read(&path).ok()?).ok()?, name: path.display().to_string() })
    };
    files.into_iter().filter_map(stream).collect()
}
