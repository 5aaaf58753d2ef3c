//! `windlass cache`: what is kept on this machine.

use std::fs;
use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;

use super::printer::Outcome;
use crate::dirs;
use crate::error::Error;
use crate::text::Text;

/// What lies in the cache folder: each part is a folder of its own, and nothing else there is ever touched.
const PARTS: [(&str, &str); 2] = [
    (crate::sandbox::compile::cache::FOLDER, "compiled plugins"),
    (crate::oci::blobs::FOLDER, "content from registries"),
];

/// Look at the cache, or empty it. Everything in it is made anew when needed.
#[derive(Args, Debug)]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Subcommand, Debug)]
enum CacheCommand {
    /// Where the cache is and what it holds.
    Info,
    /// Empty the cache.
    Clean,
}

pub(super) fn run(arguments: &CacheArgs) -> Result<Outcome, Error> {
    let folder = dirs::cache()?;
    let parts: Vec<(&str, &str, Usage)> =
        PARTS.iter().map(|(name, what)| (*name, *what, usage(&folder.join(name)))).collect();
    let json_parts: Vec<_> = parts
        .iter()
        .map(|(name, _, usage)| json!({ "name": name, "files": usage.files, "bytes": usage.bytes }))
        .collect();
    let json = json!({ "folder": folder, "parts": json_parts });
    let lines: Text = parts
        .iter()
        .map(|(_, what, usage)| {
            Text::new().show(what).say(": ").show(usage.files).say(" files, ").show(usage.bytes).say(" bytes\n")
        })
        .collect();
    match arguments.command {
        CacheCommand::Info => Ok(Outcome::report(Text::new().show(folder.display()).say("\n").then(&lines), json)),
        CacheCommand::Clean => {
            for (name, _, _) in &parts {
                let part = folder.join(name);
                // A link would lead out of the cache.
                if part.is_symlink() || !part.is_dir() {
                    continue;
                }
                fs::remove_dir_all(&part)
                    .map_err(|error| Error::usage(format!("`{}` cannot be removed: {error}", part.display())))?;
            }
            let text = Text::new().say("removed from ").show(folder.display()).say("\n").then(&lines);
            Ok(Outcome::report(text, json))
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    files: u64,
    bytes: u64,
}

/// What lies below a folder; links are not followed, and what cannot be read counts as nothing.
fn usage(folder: &Path) -> Usage {
    let mut total = Usage::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => {
                    total.files += 1;
                    total.bytes += metadata.len();
                }
                Err(_) => {}
            }
        }
    }
    total
}
