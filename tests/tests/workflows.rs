//! What the workflows of the build server call is there: every `cargo xtask` command in them, and every step of `dist`.

use serde_json::Value;
use std::path::PathBuf;
use xtask::workspace;

fn workflows() -> Vec<PathBuf> {
    let folder = workspace::root().join(".github/workflows");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")).collect()
}

/// Every shell line of a workflow.
fn lines(workflow: &Value) -> Vec<String> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().expect("steps"));
    steps.filter_map(|step| step["run"].as_str()).flat_map(str::lines).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_command_of_a_workflow_exists() {
    let mut commands = 0;
    for path in workflows() {
        let text = std::fs::read_to_string(&path).unwrap();
        let workflow: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for line in lines(&workflow) {
            if let Some(words) = line.strip_prefix("cargo xtask ") {
                commands += 1;
                let words: Vec<&str> = words.split_whitespace().collect();
                assert!(xtask::is_command(words[0]), "{}: {line}", path.display());
                if words[0] == "dist" {
                    assert!(xtask::dist::STEPS.contains(&words[1]), "{}: {line}", path.display());
                }
            } else if line.starts_with(".ci/") {
                commands += 1;
                assert!(workspace::root().join(&line).is_file(), "{}: {line}", path.display());
            }
        }
    }
    assert!(commands > 6, "{commands} commands of ours are in the workflows");
}

/// Each target that a release promises is one that the workflow builds.
#[test]
fn the_release_is_built_for_every_target() {
    let text = std::fs::read_to_string(workspace::root().join(".github/workflows/release.yaml")).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let rows = workflow["jobs"]["archives"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let targets: Vec<&str> = rows.iter().map(|row| row["target"].as_str().unwrap()).collect();
    assert_eq!(targets, xtask::dist::TARGETS);
}
