//! The whole path: `PluginRef` → fetch → verify → compile (cached) → instantiate with grants and limits → run →
//! graft → check.
//!
//! Read [`open`] and [`render`] downwards. Each arrow is a type that only its stage can make, so no step can be
//! skipped.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use windlass_abi::capabilities::Grant;

use crate::env;
use crate::error::Error;
use crate::finding::{self, Finding, Level};
use crate::plugin::fetch;
use crate::plugin::opening::FetchOptions;
use crate::plugin::verify::{self, Verified};
use crate::sandbox::check::check;
use crate::sandbox::compile::{Compiled, compile};
use crate::sandbox::graft::{Answerer, graft};
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::CompileLimits;
use crate::sandbox::options::{RenderOptions, Step};
use crate::sandbox::run::{CompiledStep, RawOutput, run};
use crate::sandbox::stream::Stream;
use crate::secrets::Secrets;
use crate::source::PluginRef;

/// The checked output of a chain.
#[derive(Debug)]
pub struct Rendered {
    /// The stream that goes to stdout, never half of one. For an empty input it is `# empty\n`: Helm refuses nothing.
    pub stream: Stream,
    /// True if any plugin changed a byte.
    pub changed: bool,
    /// What each plugin did, in order.
    pub steps: Vec<StepReport>,
    /// What the plugins found, in order; nothing of it is denied.
    pub findings: Vec<Finding>,
    /// What must be taken out of the findings before they are kept.
    pub(crate) secrets: Secrets,
}

/// What one plugin of a chain did.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// The plugin's name.
    pub plugin: String,
    /// True if it changed a byte.
    pub changed: bool,
    /// Wall-clock time of instantiation and run.
    pub took: Duration,
    /// Peak of the memory that it made the host hold, in bytes.
    pub peak_memory: u64,
}

/// Fetches a plugin and verifies it: what its configuration is merged and checked against. What comes from afar is
/// judged by the user's own policy.
///
/// # Errors
/// Those of [`open_with`].
pub fn open(reference: &PluginRef) -> Result<Verified, Error> {
    let remote = match reference {
        PluginRef::Path(_) | PluginRef::Installed(_) => FetchOptions::none(),
        PluginRef::Oci(_) | PluginRef::Attached(_) | PluginRef::Layout { .. } => FetchOptions::of_user()?,
    };
    open_with(reference, &remote)
}

/// [`open`], with a say in how registries are reached, whom to believe and what is locked.
///
/// # Errors
/// Those of [`fetch::fetch`] and [`verify::verify`].
pub fn open_with(reference: &PluginRef, remote: &FetchOptions) -> Result<Verified, Error> {
    verify::verify(fetch::fetch(reference, remote)?, remote)
}

/// Compiles a plugin into the cache, so that its first [`render`] finds the code there.
///
/// # Errors
/// It cannot be compiled or is not one that can run here, or the cache cannot be used.
pub fn prepare(plugin: &Verified, limits: CompileLimits, options: &RenderOptions<'_>) -> Result<(), Error> {
    compile(plugin, limits, options).map(drop)
}

/// Sends `stream` through the plugins in order. All or nothing: nothing is handed back that Helm would not survive.
///
/// # Errors
/// A plugin cannot be compiled or linked (exit 2), lacks a grant (exit 3), hits a limit (exit 4), refuses the stream or
/// breaks a rule (exit 1); the error names the plugin.
pub fn render(steps: &[Step], stream: Vec<u8>, options: &RenderOptions<'_>) -> Result<Rendered, Error> {
    // While one plugin runs, the code of the next is read and authenticated. Only what is kept: nothing is compiled for
    // a plugin whose turn may never come.
    let later = steps.get(1..).unwrap_or_default();
    let (sender, kept) = mpsc::sync_channel(1);
    thread::scope(|scope| {
        let load = move || {
            let _ = later.iter().try_for_each(|step| sender.send(CompiledStep::of_kept(step, options)));
        };
        if !later.is_empty() {
            // Without a thread each is loaded when it is its turn.
            let _ = thread::Builder::new().name("loader".into()).spawn_scoped(scope, load);
        }
        // It takes the receiver along: when the chain ends early, the thread is told so.
        let ready = move |number: usize, step| match (number > 0).then(|| kept.recv()) {
            Some(Ok(Some(ready))) => Ok(ready),
            _ => CompiledStep::new(step, options),
        };
        let mut findings = Vec::new();
        match render_with(steps, stream, options, ready, &mut findings) {
            Ok(rendered) => Ok(Rendered { findings, ..rendered }),
            Err(error) => {
                findings.extend_from_slice(error.findings());
                Err(error.with_findings(findings))
            }
        }
    })
}

/// [`render`], with the code that `ready` finds for each step.
fn render_with<'s>(
    steps: &'s [Step],
    stream: Vec<u8>,
    options: &RenderOptions<'_>,
    ready: impl Fn(usize, &'s Step) -> Result<CompiledStep<'s>, Error>,
    findings: &mut Vec<Finding>,
) -> Result<Rendered, Error> {
    let mut rendered = Rendered {
        stream: stream.into(),
        changed: false,
        steps: Vec::with_capacity(steps.len()),
        findings: Vec::new(),
        secrets: Secrets::default(),
    };
    for (number, step) in steps.iter().enumerate() {
        let ready = ready(number, step)?;
        let compiled = ready.compiled();
        let started = Instant::now();
        let mut output = run(&ready, &rendered.stream, options)
            .map_err(|error| told(error).quoting(&secrets_of(&rendered.stream, &step.grants)))?;
        let found = std::mem::take(&mut output.findings);
        if !found.is_empty() {
            let secrets = secrets_of(&rendered.stream, &step.grants);
            if found.iter().any(|finding| finding.level == Level::Deny) {
                // Whatever it answers: somebody who asks for reports must not get a release that one of them denies.
                let error = Error::refused(finding::refusal(&found)).in_plugin(compiled.name());
                return Err(error.with_findings(found).quoting(&secrets));
            }
            rendered.secrets.extend(&secrets);
            findings.extend(found);
        }
        let plugin = Answerer {
            name: compiled.name(),
            reprints: compiled.prints_anew(),
            graft: step.graft,
            limits: &step.limits,
        };
        let output = graft(&rendered.stream, output, &plugin, options.on_event)
            .map_err(|error| error.in_plugin(compiled.name()).quoting(&secrets_of(&rendered.stream, &step.grants)))?;
        let mut report = StepReport::new(compiled, &output);
        let held = rendered.stream.held().saturating_add(output.stream.held());
        let budget = step.limits.budget_to_check(started, rendered.stream.len(), held);
        let checked = check(rendered.stream, output, &budget).map_err(|error| error.in_plugin(compiled.name()))?;
        report.changed = checked.changed;
        rendered.changed |= checked.changed;
        rendered.stream = checked.stream;
        rendered.steps.push(report);
    }
    if rendered.stream.trim_ascii().is_empty() {
        // Helm takes blank output for a failure, and a chart may have nothing to render.
        rendered.stream = b"# empty\n".to_vec().into();
    }
    Ok(rendered)
}

/// The error of a plugin that denied something by findings, with all of them in its text.
fn told(error: Error) -> Error {
    let told = finding::refusal(error.findings());
    // The PDK makes the same text.
    if told.is_empty() || error.message() == told {
        return error;
    }
    let message = match error.message() {
        message if message.starts_with("it ended with exit code") => told,
        message => format!("{message}\n{told}"),
    };
    error.saying(message)
}

/// What a plugin may have read that no record may keep: the Secrets of its stream, and variables that it was granted,
/// which are where tokens are.
fn secrets_of(stream: &[u8], grants: &Grants) -> Secrets {
    let mut secrets = Secrets::of_stream(stream);
    for grant in grants.iter() {
        if let Grant::Env(name) = grant
            && let Some(Ok(value)) = env::any(name).map(std::ffi::OsString::into_string)
        {
            secrets.add(&value);
        }
    }
    secrets
}

impl StepReport {
    fn new(compiled: &Compiled, output: &RawOutput) -> Self {
        Self { plugin: compiled.name().to_owned(), changed: false, took: output.took, peak_memory: output.peak_memory }
    }
}
