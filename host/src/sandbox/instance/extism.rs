//! Extism's host functions, as its PDKs import them from `extism:host/env`.

use wasmtime::Caller;
use windlass_abi::raw::EXTISM_MODULE;

use super::Host;
use super::functions::{HostFunction, host_function};
use crate::error::Error;
use crate::event::LogLevel;

type Call<'a> = Caller<'a, Host>;

/// Every function that needs no grant.
pub(super) const FUNCTIONS: &[HostFunction] = &[
    host_function!(EXTISM_MODULE, "alloc", "I:I", |mut call: Call<'_>, length: u64| {
        let host = call.data_mut();
        host.kernel.alloc(&mut host.budget, length).map_err(stop)
    }),
    host_function!(EXTISM_MODULE, "config_get", "I:I", |mut call: Call<'_>, key: u64| config_get(call.data_mut(), key)
        .map_err(stop)),
    host_function!(EXTISM_MODULE, "error_get", ":I", |call: Call<'_>| call.data().kernel.error_get()),
    host_function!(EXTISM_MODULE, "error_set", "I:", |mut call: Call<'_>, at: u64| call
        .data_mut()
        .kernel
        .error_set(at)
        .map_err(stop)),
    host_function!(EXTISM_MODULE, "free", "I:", |mut call: Call<'_>, at: u64| {
        let host = call.data_mut();
        host.kernel.free(&mut host.budget, at);
    }),
    host_function!(EXTISM_MODULE, "get_log_level", ":i", |call: Call<'_>| level_number(call.data().logs.level())),
    host_function!(EXTISM_MODULE, "input_length", ":I", |call: Call<'_>| call.data().kernel.input_length()),
    host_function!(EXTISM_MODULE, "input_load_u64", "I:I", |call: Call<'_>, at: u64| call
        .data()
        .kernel
        .input_load_u64(at)),
    host_function!(EXTISM_MODULE, "input_load_u8", "I:i", |call: Call<'_>, at: u64| u32::from(
        call.data().kernel.input_load_u8(at)
    )),
    host_function!(EXTISM_MODULE, "length", "I:I", |mut call: Call<'_>, at: u64| call.data_mut().kernel.length(at)),
    host_function!(EXTISM_MODULE, "length_unsafe", "I:I", |mut call: Call<'_>, at: u64| call
        .data_mut()
        .kernel
        .length(at)),
    host_function!(EXTISM_MODULE, "load_u64", "I:I", |mut call: Call<'_>, at: u64| call
        .data_mut()
        .kernel
        .load_u64(at)
        .map_err(stop)),
    host_function!(EXTISM_MODULE, "load_u8", "I:i", |mut call: Call<'_>, at: u64| {
        call.data_mut().kernel.load_u8(at).map(u32::from).map_err(stop)
    }),
    host_function!(EXTISM_MODULE, "log_debug", "I:", |mut call: Call<'_>, at: u64| log(
        call.data_mut(),
        LogLevel::Debug,
        at
    )),
    host_function!(EXTISM_MODULE, "log_error", "I:", |mut call: Call<'_>, at: u64| log(
        call.data_mut(),
        LogLevel::Error,
        at
    )),
    host_function!(EXTISM_MODULE, "log_info", "I:", |mut call: Call<'_>, at: u64| log(
        call.data_mut(),
        LogLevel::Info,
        at
    )),
    host_function!(EXTISM_MODULE, "log_trace", "I:", |mut call: Call<'_>, at: u64| log(
        call.data_mut(),
        LogLevel::Trace,
        at
    )),
    host_function!(EXTISM_MODULE, "log_warn", "I:", |mut call: Call<'_>, at: u64| log(
        call.data_mut(),
        LogLevel::Warn,
        at
    )),
    host_function!(EXTISM_MODULE, "output_set", "II:", |mut call: Call<'_>, at: u64, length: u64| {
        call.data_mut().kernel.output_set(at, length).map_err(stop)
    }),
    host_function!(EXTISM_MODULE, "store_u64", "II:", |mut call: Call<'_>, at: u64, value: u64| {
        call.data_mut().kernel.store_u64(at, value).map_err(stop)
    }),
    host_function!(EXTISM_MODULE, "store_u8", "Ii:", |mut call: Call<'_>, at: u64, value: u32| {
        // Extism's type of the value is a byte; the upper bits are not part of it.
        call.data_mut().kernel.store_u8(at, value as u8).map_err(stop)
    }),
    host_function!(EXTISM_MODULE, "var_get", "I:I", |mut call: Call<'_>, key: u64| var_get(call.data_mut(), key)
        .map_err(stop)),
    host_function!(EXTISM_MODULE, "var_set", "II:", |mut call: Call<'_>, key: u64, value: u64| {
        var_set(call.data_mut(), key, value).map_err(stop)
    }),
];

/// What a variable costs beside its bytes.
const VARIABLE_OVERHEAD: u64 = 96;

/// Ends the guest with this error.
fn stop(error: Error) -> wasmtime::Error {
    wasmtime::Error::new(error)
}

fn log(host: &mut Host, level: LogLevel, at: u64) -> wasmtime::Result<()> {
    let message = host.kernel.bytes(at, "log").map_err(stop)?;
    host.logs.log(level, message);
    Ok(())
}

/// Extism's numbers of levels: what is below is not worth the guest's effort.
fn level_number(level: LogLevel) -> i32 {
    match level {
        LogLevel::Trace => 0,
        LogLevel::Debug => 1,
        LogLevel::Info => 2,
        LogLevel::Warn => 3,
        LogLevel::Error => 4,
        LogLevel::Off => i32::MAX,
    }
}

fn config_get(host: &mut Host, key: u64) -> Result<u64, Error> {
    let key = host.kernel.bytes(key, "config_get")?;
    match host.config.iter().find(|(name, _)| name.as_bytes() == key) {
        Some((_, value)) => host.kernel.alloc_bytes(&mut host.budget, value.as_bytes()),
        None => Ok(0),
    }
}

fn var_get(host: &mut Host, key: u64) -> Result<u64, Error> {
    let key = host.kernel.bytes(key, "var_get")?;
    match host.variables.get(key) {
        Some(value) => host.kernel.alloc_bytes(&mut host.budget, value),
        None => Ok(0),
    }
}

fn var_set(host: &mut Host, key: u64, value: u64) -> Result<(), Error> {
    let name = host.kernel.bytes(key, "var_set")?;
    let cost = |key: &[u8], value: &[u8]| (key.len() + value.len()) as u64 + VARIABLE_OVERHEAD;
    if let Some((name, old)) = host.variables.remove_entry(name) {
        host.budget.release(cost(&name, &old));
    }
    if value == 0 {
        return Ok(());
    }
    // Counted before they are copied.
    let name_length = host.kernel.bytes(key, "var_set")?.len() as u64;
    host.budget.charge(name_length + cost(&[], host.kernel.bytes(value, "var_set")?))?;
    let name = host.kernel.bytes(key, "var_set")?.to_vec();
    let value = host.kernel.bytes(value, "var_set")?.to_vec();
    host.variables.insert(name, value);
    Ok(())
}
