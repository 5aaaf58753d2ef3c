//! Who decides whether an object is ready: a plugin in the sandbox, or the library that the kstatus plugin is made of.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use windlass_kstatus::{Options, Rules, Verdict, format_rfc3339, readiness_among};

use super::bounded;
use crate::digest::Digest;
use crate::error::Error;
use crate::limits::ByteSize;
use crate::limits::table::MAX_READINESS;
use crate::render;
use crate::sandbox::compile::{Compiled, compile};
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::RenderOptions;
use crate::sandbox::run;
use crate::secrets::Secrets;
use crate::source::PluginRef;

/// The export that answers: object in, status out.
pub const EXPORT: &str = "windlass_readiness";

/// By what is decided where an object has no annotations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Whose rules.
    pub rules: Rules,
    /// A Job is ready only when it is complete; so it is by the strict rules in any case.
    pub wait_for_jobs: bool,
}

/// Decides.
pub enum Judge {
    /// `windlass_kstatus`, which is the code of the kstatus plugin.
    Library,
    /// A plugin, in a sandbox that grants nothing.
    Plugin(Box<PluginJudge>),
}

/// A compiled plugin with its limits.
pub struct PluginJudge {
    compiled: Compiled,
    digest: Digest,
    limits: Limits,
}

impl Judge {
    /// Compiles a plugin that decides.
    ///
    /// # Errors
    /// Those of fetching, verifying and compiling, and a plugin without the export (exit 2).
    pub fn plugin(reference: &PluginRef, limits: Limits, options: &RenderOptions<'_>) -> Result<Self, Error> {
        let verified = render::open(reference)?;
        let compiled = compile(&verified, limits.compile, options)?;
        if !compiled.exports(EXPORT) {
            return Err(Error::usage(format!(
                "it does not export `{EXPORT}`, so it cannot tell whether an object is ready"
            ))
            .hint("the sample plugin `kstatus` does; its README documents the export")
            .in_plugin(compiled.name()));
        }
        Ok(Judge::Plugin(Box::new(PluginJudge { compiled, digest: verified.digest(), limits })))
    }

    /// The status of an object at this moment. `related` are pods and replica sets that say more about it.
    ///
    /// # Errors
    /// The plugin traps, hits a limit, says no, or answers something else than a status. None of that is ever taken
    /// for an answer.
    pub fn judge(&self, object: &Value, related: &[&Value], terms: Terms) -> Result<Verdict, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        match self {
            Judge::Library => {
                let Terms { rules, wait_for_jobs } = terms;
                let options = Options { rules, now: Some(now), wait_for_jobs, ..Options::default() };
                Ok(readiness_among(object, related, &options))
            }
            Judge::Plugin(plugin) => plugin.judge(object, related, now, terms),
        }
    }

    /// What decides, for people.
    pub fn describe(&self) -> String {
        match self {
            Judge::Library => format!("the built-in kstatus rules {}", env!("CARGO_PKG_VERSION")),
            Judge::Plugin(plugin) => format!("the plugin {} ({})", plugin.compiled.name(), plugin.digest),
        }
    }
}

impl PluginJudge {
    fn judge(&self, object: &Value, related: &[&Value], now: i64, terms: Terms) -> Result<Verdict, Error> {
        let mut question = json!({"object": object, "now": format_rfc3339(now), "waitForJobs": terms.wait_for_jobs});
        // A plugin of somebody else's may know no other rules than its own.
        if terms.rules != Rules::Helm4 {
            question["rules"] = terms.rules.as_str().into();
        }
        if !related.is_empty() {
            question["related"] = related.iter().map(|other| (*other).clone()).collect();
        }
        let question = question.to_string();
        let answer = run::ask(&self.compiled, EXPORT, question.as_bytes(), &[], &Grants::default(), &self.limits)
            .map_err(|error| error.quoting(&Secrets::of_object(object)))?;
        if answer.len() as u64 > MAX_READINESS {
            return Err(Error::limit(format!(
                "it answered {} bytes about one object, more than {}",
                answer.len(),
                ByteSize(MAX_READINESS)
            ))
            .in_plugin(self.compiled.name()));
        }
        let verdict: Verdict = serde_json::from_slice(&answer).map_err(|error| {
            Error::refused(format!("its answer to `{EXPORT}` is not a status: {error}"))
                .hint("report it to the plugin's author; an object that was not judged is never taken for ready")
                .in_plugin(self.compiled.name())
        })?;
        Ok(bounded(verdict))
    }
}
