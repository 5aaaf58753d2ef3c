//! What a command needs, observed: it runs once, with nothing granted, and what it looks for is written down.

use std::sync::Mutex;

use serde::Serialize;

use crate::event::{Event, LogLevel};
use crate::inspect;
use crate::plugin::verify::Verified;
use crate::render;
use crate::sandbox::grants::{self, Grants};
use crate::sandbox::limits::Limits;
use crate::sandbox::options::{Graft, RenderOptions, Step};

/// What a command did in a run without grants.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Why it failed, if it did: without what it needs it may.
    pub error: Option<String>,
    /// What it looked for and was not granted.
    pub sought: Vec<Sought>,
    /// The capabilities that its imports could use, by their words. Of variables nobody can tell which ones it reads:
    /// they are handed over all together.
    pub usable_grants: Vec<&'static str>,
}

/// A path that a command looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sought {
    /// `read` or `write`.
    pub capability: &'static str,
    /// The path.
    pub path: String,
    /// The flag that would grant it.
    pub flag: Option<String>,
}

/// Runs `plugin` once on `stream`, with this configuration and nothing granted.
#[must_use]
pub fn observe(plugin: &Verified, stream: Vec<u8>, options: &RenderOptions<'_>) -> Observation {
    let sought: Mutex<Vec<Sought>> = Mutex::default();
    let note = |event: Event<'_>| {
        if let Event::Sought { capability, path, .. } = event
            && let Ok(mut sought) = sought.lock()
        {
            let (capability, flag) = (capability.word(), grants::flag_for(capability, path));
            sought.push(Sought { capability, path: path.to_owned(), flag });
        }
        (options.on_event)(event);
    };
    let mut watched = RenderOptions::new(options.cache.clone(), &note);
    watched.compiler = options.compiler.clone();
    watched.log_level = LogLevel::Off;
    let step = Step {
        plugin: plugin.clone(),
        config: Vec::new(),
        extra_args: Vec::new(),
        grants: Grants::default(),
        limits: Limits::default(),
        graft: Graft::Never,
    };
    let error = render::render(&[step], stream, &watched).err().map(|error| error.to_string());
    let usable_grants = inspect::inspect(plugin).map(|inspection| inspection.usable_grants).unwrap_or_default();
    Observation { error, sought: sought.into_inner().unwrap_or_default(), usable_grants }
}
