//! `windlass lock`: pin a pipeline's plugins to what they are now.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::package::replace;
use super::printer::{Outcome, Printer};
use super::remote_args::RemoteArgs;
use crate::config::pipeline::Pipeline;
use crate::digest::Digest;
use crate::error::Error;
use crate::plugin::lock::{self, Lock, LockEntry};
use crate::plugin::{fetch, verify};
use crate::text::Text;

/// Write windlass.lock: the digests of each plugin of a pipeline, of its manifest where a registry or a layout has it,
/// else of its plugin.yaml and its wasm. `run --locked` runs nothing else.
///
/// A plugin that is locked already keeps its digests; when its tag has moved since, that is an error, unless --update
/// is given.
#[derive(Args, Debug)]
pub(super) struct LockArgs {
    /// The pipeline; the lock file is written beside it.
    #[arg(long, value_name = "FILE", default_value = "windlass.yaml")]
    pipeline: PathBuf,
    /// Take what the references stand for now, whatever the lock file says.
    #[arg(long)]
    update: bool,
    /// Write nothing; fail when the lock file is not up to date.
    #[arg(long, conflicts_with = "update")]
    check: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(arguments: &LockArgs, printer: &Printer) -> Result<Outcome, Error> {
    let pipeline = Pipeline::load(&arguments.pipeline)?;
    let path = lock::path_beside(&arguments.pipeline);
    let mut remote = arguments.remote.remote(true, printer)?;
    if let Some(trust) = &pipeline.trust {
        remote.trust.add_pipeline(trust, &pipeline.folder, &arguments.pipeline.display().to_string())?;
    }
    let there = Lock::load(&path)?;
    remote.lock = there.clone().filter(|_| !arguments.update);
    let mut entries = Vec::new();
    for plugin in &pipeline.plugins {
        let mut fetched = fetch::fetch(&plugin.reference, &remote)?;
        fetched.pin_by_locking();
        entries.push(verify::verify(fetched, &remote)?.lock_entry());
    }
    let new = Lock::new(entries);
    let is_changed = there.as_ref() != Some(&new);
    if is_changed && arguments.check {
        return Err(
            Error::denied(format!("{} is not up to date", path.display())).hint("write it anew with `windlass lock`")
        );
    }
    if is_changed {
        replace(&path, new.text(&lock::folder_of(&path)).as_bytes())?;
    }
    let rows: Vec<_> = new
        .entries()
        .iter()
        .map(|LockEntry { reference, manifest, plugin_yaml, wasm }| {
            let shown = |digest: &Option<Digest>| digest.map(|digest| digest.to_string());
            json!({
                "use": reference.to_string(),
                "manifest": shown(manifest),
                "pluginYaml": shown(plugin_yaml),
                "wasm": wasm.to_string(),
            })
        })
        .collect();
    let what = if is_changed { " is written: " } else { " is up to date: " };
    let plugins = if new.entries().len() == 1 { " plugin\n" } else { " plugins\n" };
    let text = Text::new().show(path.display()).say(what).show(new.entries().len()).say(plugins);
    Ok(Outcome::report(text, json!({"lock": path, "changed": is_changed, "plugins": rows})))
}
