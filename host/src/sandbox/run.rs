//! A live instance and a stream to whatever the plugin answers.

use std::ops::Range;
use std::time::{Duration, Instant};

use wasmtime::TypedFunc;
use windlass_abi::message;
use windlass_abi::raw::{self, Answer, FailureCode};

use crate::cluster::Connection;
use crate::command::CommandLine;
use crate::error::Error;
use crate::event::{Event, LogLevel};
use crate::finding::Finding;
use crate::sandbox::compile::{Compiled, compile, load_kept};
use crate::sandbox::grants::Grants;
use crate::sandbox::instance::{Entry, Instance, Setup};
use crate::sandbox::limits::Limits;
use crate::sandbox::options::{RenderOptions, Step};
use crate::sandbox::stream::Stream;

/// What a plugin answered, not yet checked.
#[derive(Debug)]
pub struct RawOutput {
    pub(crate) stream: Stream,
    pub(crate) is_unchanged: bool,
    pub(crate) took: Duration,
    pub(crate) peak_memory: u64,
    pub(crate) findings: Vec<Finding>,
}

/// A step with the code of its own plugin: the two cannot be of different ones.
pub struct CompiledStep<'s> {
    step: &'s Step,
    compiled: Compiled,
}

impl<'s> CompiledStep<'s> {
    /// Compiles the step's plugin, or takes its code from the cache.
    ///
    /// # Errors
    /// Those of [`compile`].
    pub fn new(step: &'s Step, options: &RenderOptions<'_>) -> Result<Self, Error> {
        let compiled = compile(&step.plugin, step.limits.compile, options)?;
        Ok(Self { step, compiled })
    }

    /// [`Self::new`] where the plugin's code is kept and can be used; none says nothing.
    pub(crate) fn of_kept(step: &'s Step, options: &RenderOptions<'_>) -> Option<Self> {
        load_kept(&step.plugin, options).map(|compiled| Self { step, compiled })
    }

    /// The plugin's code.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

/// Runs a step once on `stream`, in a fresh store.
///
/// # Errors
/// See [`crate::render::render`]; the error names the plugin.
pub fn run(step: &CompiledStep<'_>, stream: &[u8], options: &RenderOptions<'_>) -> Result<RawOutput, Error> {
    let CompiledStep { step, compiled } = step;
    let started = Instant::now();
    let setup = Setup {
        config: &step.config,
        grants: &step.grants,
        limits: &step.limits,
        cluster: &options.cluster,
        log_level: options.log_level,
        stream_length: stream.len(),
    };
    let (answer, logs, found, sought, peak_memory) = match Instance::new(compiled, &setup) {
        Ok(mut instance) => {
            let answer = call(&mut instance, stream, compiled.name(), step);
            let (remains, memory) = instance.finish();
            let answer = answer.map(|answer| match answer {
                EntryAnswer::Unchanged => None,
                EntryAnswer::Bytes(bytes) => Some(Stream::from(bytes)),
                EntryAnswer::InMemory(place) => Some(memory.into_stream(place)),
            });
            (answer, remains.logs, remains.found, remains.sought, remains.peak_memory)
        }
        Err(stillborn) => (Err(stillborn.error), stillborn.logs, stillborn.found, Vec::new(), 0),
    };
    for (level, message) in &logs {
        (options.on_event)(Event::Log { plugin: compiled.name(), level: *level, message });
    }
    for (capability, path) in &sought {
        (options.on_event)(Event::Sought { plugin: compiled.name(), capability: *capability, path });
    }
    let findings = found.finish(compiled.name());
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(error.in_plugin(compiled.name()).with_findings(findings)),
    };
    let is_unchanged = answer.as_deref().is_none_or(|output| output == stream);
    let stream = answer.filter(|_| !is_unchanged).unwrap_or_default();
    Ok(RawOutput { stream, is_unchanged, took: started.elapsed(), peak_memory, findings })
}

/// Asks a plugin something else than to render: bytes in, bytes out, through the export `name`, in a fresh store.
///
/// The export is of the raw entry's kind, `(pointer, length) -> i64` with `windlass_alloc` beside it, or of Extism's,
/// `() -> i32` with Extism's input and output.
///
/// # Errors
/// As [`run`]; also where there is no such export (exit 2) and where the plugin gives no answer (exit 1).
pub fn ask(
    compiled: &Compiled,
    name: &str,
    question: &[u8],
    config: &[(String, String)],
    grants: &Grants,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let cluster = &Connection::default();
    let setup = Setup { config, grants, limits, cluster, log_level: LogLevel::Off, stream_length: question.len() };
    let answer = match Instance::new(compiled, &setup) {
        Ok(mut instance) => answer(&mut instance, name, question),
        Err(stillborn) => Err(stillborn.error),
    };
    answer.map_err(|error| error.in_plugin(compiled.name()))
}

fn answer(instance: &mut Instance, name: &str, question: &[u8]) -> Result<Vec<u8>, Error> {
    let no_answer = || Error::refused(format!("`{name}` gave no answer"));
    if let (Some(alloc), Some(function)) =
        (instance.export::<i32, i32>(raw::ALLOC), instance.export::<(i32, i32), i64>(name))
    {
        let (address, length) = hand_over(instance, &alloc, question)?;
        let packed = instance.call(&function, (address, length))?;
        return match Answer::unpack(packed) {
            Answer::Unchanged => Err(no_answer()),
            Answer::Output { pointer, length } => {
                let place = instance.answer_place(pointer, length)?;
                Ok(instance.memory_bytes(place).to_vec())
            }
            Answer::Failed(code) => Err(failed(instance, code, packed.wrapping_neg())),
        };
    }
    let Some(function) = instance.export::<(), i32>(name) else {
        return Err(Error::usage(format!("it has no export `{name}` of a known type")));
    };
    instance.set_input(question.to_vec())?;
    let code = instance.call(&function, ())?;
    if code != 0 {
        return Err(failed(instance, FailureCode::from_number(code.into()), code.into()));
    }
    instance.take_output()?.ok_or_else(no_answer)
}

/// Copies bytes into memory that the guest makes for them.
fn hand_over(instance: &mut Instance, alloc: &TypedFunc<i32, i32>, bytes: &[u8]) -> Result<(i32, i32), Error> {
    let length = i32::try_from(bytes.len())
        .map_err(|_| Error::limit("the stream is larger than the 2 GiB that a plugin can take"))?;
    let address = instance.call(alloc, length)?;
    if address == 0 {
        return Err(Error::limit(format!("it has no memory for {length} bytes"))
            .hint("if you trust it with more, raise the limit with `--memory`"));
    }
    // WebAssembly's numbers have no sign: addresses from 2^31 up arrive as negative ones.
    instance.write_memory(address as u32, bytes)?;
    Ok((address, length))
}

/// What a plugin's entry answered.
enum EntryAnswer {
    /// The output is the input.
    Unchanged,
    Bytes(Vec<u8>),
    /// The output lies here in the guest's memory, all of it inside.
    InMemory(Range<usize>),
}

fn call(instance: &mut Instance, stream: &[u8], name: &str, step: &Step) -> Result<EntryAnswer, Error> {
    let extra_args = step.extra_args.as_slice();
    match instance.entry()? {
        Entry::Raw { alloc, render } => {
            let (stream_address, stream_length) = hand_over(instance, &alloc, stream)?;
            let (args_address, args_length) = match extra_args {
                [] => (0, 0),
                args => hand_over(instance, &alloc, &message::encode_args(args))?,
            };
            let packed = instance.call(&render, (stream_address, stream_length, args_address, args_length))?;
            match Answer::unpack(packed) {
                Answer::Unchanged => Ok(EntryAnswer::Unchanged),
                Answer::Output { pointer, length } => instance.answer_place(pointer, length).map(EntryAnswer::InMemory),
                Answer::Failed(code) => Err(failed(instance, code, packed.wrapping_neg())),
            }
        }
        Entry::Message(entry) => {
            instance.set_input(message::encode_input(stream, extra_args))?;
            let code = instance.call_message(&entry)?;
            if code != 0 || instance.has_error_text() {
                return Err(failed(instance, FailureCode::from_number(code.into()), code.into()));
            }
            let output = instance.take_output()?.unwrap_or_default();
            let output = message::parse_output(output).map_err(|error| Error::refused(error.to_string()))?;
            if output.len() as u64 > instance.max_output() {
                return Err(instance.too_much_output(output.len() as u64));
            }
            Ok(EntryAnswer::Bytes(output))
        }
        Entry::Command(start) => {
            let line = CommandLine::read(name, &step.config, extra_args)?;
            instance.run_command(&start, line, stream).map(EntryAnswer::Bytes)
        }
    }
}

/// The error of a plugin that returned a failure code.
fn failed(instance: &mut Instance, code: FailureCode, number: i64) -> Error {
    let text = instance.error_text().unwrap_or_else(|| format!("it failed with code {number} and did not say why"));
    match code {
        FailureCode::Refused => Error::refused(text),
        FailureCode::Config => Error::usage(text),
    }
}
