//! The functions behind a module's exports. `#[plugin]` writes the exports themselves, which only pass on to these.

use std::panic;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windlass_abi::message::parse_args;
use windlass_abi::raw::Answer;

use crate::error::Error;
use crate::host;
use crate::plugin::{Plugin, Rendered, render, render_message};

/// `helm_plugin_main`: 0, or a failure code with the text set.
pub fn helm_plugin_main<P: Plugin>() -> i32 {
    report_panics::<P>();
    match render_message::<P>(host::input(), host::config) {
        Ok(answer) => {
            host::output(&answer);
            0
        }
        Err(error) => fail(&error).number(),
    }
}

/// Buffers that the host has asked for and not yet handed over, and the last output, which it may still read.
static HOST_BUFFERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static LAST_OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// A module has one thread, and a panic ends it: there is nothing to wait for and no state to distrust.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `windlass_alloc`: the address of a buffer of that length that the host may fill, 0 when there is no memory.
pub fn alloc(length: i32) -> i32 {
    // At least one byte, so that each buffer has an address of its own.
    let length = (length as u32 as usize).max(1);
    // Asked first, as `vec!` ends the module where there is no memory; `resize` would write byte by byte.
    if Vec::<u8>::new().try_reserve_exact(length).is_err() {
        return 0;
    }
    let buffer = vec![0; length];
    let address = buffer.as_ptr() as usize;
    lock(&HOST_BUFFERS).push(buffer);
    address as i32
}

/// `windlass_render`: what [`Answer::pack`] makes of the result.
pub fn raw_render<P: Plugin>(stream: i32, stream_length: i32, args: i32, args_length: i32) -> i64 {
    report_panics::<P>();
    let answer = match render_buffers::<P>((stream, stream_length), (args, args_length)) {
        Ok(Rendered { is_changed: false, .. }) => Answer::Unchanged,
        Ok(Rendered { stream, .. }) => hand_out(Ok(stream)),
        Err(error) => Answer::Failed(fail(&error)),
    };
    answer.pack()
}

fn render_buffers<P: Plugin>(stream: (i32, i32), args: (i32, i32)) -> Result<Rendered, Error> {
    let stream = take_buffer(stream)?;
    let args = if args.1 == 0 { Vec::new() } else { take_buffer(args)? };
    // Buffers that were asked for and not handed over belong to nobody now.
    lock(&HOST_BUFFERS).clear();
    render::<P>(stream, &parse_args(&args)?, host::config)
}

fn take_buffer((address, length): (i32, i32)) -> Result<Vec<u8>, Error> {
    let (address, length) = (address as u32, length as u32 as usize);
    let mut buffers = lock(&HOST_BUFFERS);
    let position = buffers
        .iter()
        // Natively, where tests call the entries, an address is the lower half of a pointer.
        .position(|buffer| buffer.as_ptr() as usize as u32 == address && buffer.len() >= length)
        .ok_or_else(|| {
            Error::config("the host passed memory to `windlass_render` that it had not got from `windlass_alloc`")
        })?;
    let mut buffer = buffers.swap_remove(position);
    buffer.truncate(length);
    Ok(buffer)
}

/// An export beside the entries, of the raw kind: bytes in, bytes out, as for `windlass_render`. `answer` says what.
///
/// ```text
/// #[cfg(target_arch = "wasm32")]
/// #[allow(unsafe_code)] // an exported name must be the only one of its kind in the module
/// #[unsafe(no_mangle)]
/// extern "C" fn windlass_readiness(pointer: i32, length: i32) -> i64 {
///     windlass_pdk::entry::raw_answer::<MyPlugin>(pointer, length, my_answer)
/// }
/// ```
pub fn raw_answer<P: Plugin>(pointer: i32, length: i32, answer: fn(&[u8]) -> Result<Vec<u8>, Error>) -> i64 {
    report_panics::<P>();
    let question = take_buffer((pointer, length));
    lock(&HOST_BUFFERS).clear();
    hand_out(question.and_then(|question| answer(&question))).pack()
}

/// The same with Extism's input and output: 0, or a failure code with the text set.
pub fn message_answer<P: Plugin>(answer: fn(&[u8]) -> Result<Vec<u8>, Error>) -> i32 {
    report_panics::<P>();
    match answer(&host::input()) {
        Ok(output) => {
            host::output(&output);
            0
        }
        Err(error) => fail(&error).number(),
    }
}

/// Keeps an output where the host can read it.
fn hand_out(output: Result<Vec<u8>, Error>) -> Answer {
    let output = match output {
        Ok(output) => output,
        Err(error) => return Answer::Failed(fail(&error)),
    };
    let (address, length) = (output.as_ptr() as usize, output.len());
    *lock(&LAST_OUTPUT) = output;
    match (i32::try_from(address), u32::try_from(length)) {
        (Ok(address), Ok(length)) => Answer::Output { pointer: address as u32, length },
        _ => Answer::Failed(fail(&Error::new("the output lies beyond 2 GiB of the plugin's memory"))),
    }
}

fn fail(error: &Error) -> windlass_abi::raw::FailureCode {
    host::set_error(&error.to_string());
    error.code()
}

/// A panic traps the module, and its message would be lost: this sets it as the error text first.
fn report_panics<P: Plugin>() {
    if cfg!(target_arch = "wasm32") {
        panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("no message");
            let place =
                panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
            host::set_error(&format!("bug in the plugin {}: it panicked{place}: {message}", P::METADATA.name));
        }));
    }
}
