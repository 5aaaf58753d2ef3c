//! What a test needs from outside: a tool, a peer, a built plugin.
//!
//! Away from build servers a missing tool skips the test, with a line that says so. With `CI=true` it fails.

use std::path::PathBuf;
use xtask::foreign::ForeignGuest;
use xtask::peers::Peer;
use xtask::tools::Tool;
use xtask::{Result, workspace};

/// An installed tool; `None` when the test should end here.
///
/// # Panics
/// The tool cannot be had, with `CI=true`.
#[must_use]
pub fn tool(tool: Tool) -> Option<PathBuf> {
    found(
        tool.installed()
            .map_or_else(|| if workspace::ci() { tool.ensure().map(Some) } else { Ok(None) }, |path| Ok(Some(path))),
        &tool.title(),
    )
}

/// A built peer; `None` when the test should end here. One that takes minutes to build is only built with `CI=true`,
/// and by `cargo xtask setup` and `test`.
///
/// # Panics
/// The peer does not build, with `CI=true`.
#[must_use]
pub fn peer(peer: Peer) -> Option<PathBuf> {
    let waits = !peer.is_costly() || workspace::ci();
    found(if waits { peer.ensure().map(Some) } else { peer.built() }, &peer.title())
}

/// The built module of a guest by another toolchain; `None` when the test should end here.
///
/// # Panics
/// It does not build, with `CI=true`.
#[must_use]
pub fn foreign(guest: ForeignGuest) -> Option<PathBuf> {
    found(guest.ensure().map(Some), &guest.title())
}

fn found(result: Result<Option<PathBuf>>, title: &str) -> Option<PathBuf> {
    match result {
        Ok(Some(program)) => Some(program),
        Err(failure) if workspace::ci() => panic!("{title} is needed: {failure}"),
        Ok(None) => {
            eprintln!("skipped: {title} is not installed (`cargo xtask setup`)");
            None
        }
        Err(failure) => {
            eprintln!("skipped: {title}: {failure}");
            None
        }
    }
}

/// The release binary.
///
/// # Panics
/// It was not built.
#[must_use]
pub fn windlass() -> PathBuf {
    built(workspace::windlass())
}

/// The folder of a built sample plugin.
///
/// # Panics
/// It was not built.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    let folder = workspace::built_plugin(name);
    built(folder.join("plugin.wasm"));
    folder
}

fn built(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} is missing: run `cargo xtask build`", path.display());
    path
}
