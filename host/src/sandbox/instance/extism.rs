//! Extism's host functions, as its PDKs import them from `extism:host/env`.

use wasmtime::{Caller, Linker};
use windlass_abi::raw::EXTISM_MODULE;

use super::Host;
use crate::error::Error;
use crate::event::LogLevel;

/// Every function with its signature: parameters, a colon, results; `i` and `I` are 32 and 64 bits.
const TABLE: [(&str, &str); 26] = [
    ("alloc", "I:I"),
    ("config_get", "I:I"),
    ("error_get", ":I"),
    ("error_set", "I:"),
    ("free", "I:"),
    ("get_log_level", ":i"),
    ("http_headers", ":I"),
    ("http_request", "II:I"),
    ("http_status_code", ":i"),
    ("input_length", ":I"),
    ("input_load_u64", "I:I"),
    ("input_load_u8", "I:i"),
    ("length", "I:I"),
    ("length_unsafe", "I:I"),
    ("load_u64", "I:I"),
    ("load_u8", "I:i"),
    ("log_debug", "I:"),
    ("log_error", "I:"),
    ("log_info", "I:"),
    ("log_trace", "I:"),
    ("log_warn", "I:"),
    ("output_set", "II:"),
    ("store_u64", "II:"),
    ("store_u8", "Ii:"),
    ("var_get", "I:I"),
    ("var_set", "II:"),
];

/// What a variable costs beside its bytes.
const VARIABLE_OVERHEAD: u64 = 96;

/// The signature of the function `name`; none if there is no such function.
pub(super) fn signature(name: &str) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == name).map(|(_, signature)| *signature)
}

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// Ends the guest with this error.
fn stop(error: Error) -> wasmtime::Error {
    wasmtime::Error::new(error)
}

/// Defines the function `name`, which must be in the table.
pub(super) fn define(linker: &mut Linker<Host>, name: &str) -> wasmtime::Result<()> {
    type Call<'a> = Caller<'a, Host>;
    let module = EXTISM_MODULE;
    match name {
        "input_length" => linker.func_wrap(module, name, |call: Call<'_>| call.data().kernel.input_length()),
        "input_load_u8" => {
            linker.func_wrap(module, name, |call: Call<'_>, at: u64| u32::from(call.data().kernel.input_load_u8(at)))
        }
        "input_load_u64" => {
            linker.func_wrap(module, name, |call: Call<'_>, at: u64| call.data().kernel.input_load_u64(at))
        }
        "alloc" => linker.func_wrap(module, name, |mut call: Call<'_>, length: u64| {
            let host = call.data_mut();
            host.kernel.alloc(&mut host.budget, length).map_err(stop)
        }),
        "free" => linker.func_wrap(module, name, |mut call: Call<'_>, at: u64| {
            let host = call.data_mut();
            host.kernel.free(&mut host.budget, at);
        }),
        "length" | "length_unsafe" => {
            linker.func_wrap(module, name, |mut call: Call<'_>, at: u64| call.data_mut().kernel.length(at))
        }
        "load_u8" => linker.func_wrap(module, name, |mut call: Call<'_>, at: u64| {
            call.data_mut().kernel.load_u8(at).map(u32::from).map_err(stop)
        }),
        "load_u64" => linker
            .func_wrap(module, name, |mut call: Call<'_>, at: u64| call.data_mut().kernel.load_u64(at).map_err(stop)),
        "store_u8" => linker.func_wrap(module, name, |mut call: Call<'_>, at: u64, value: u32| {
            // Extism's type of the value is a byte; the upper bits are not part of it.
            call.data_mut().kernel.store_u8(at, value as u8).map_err(stop)
        }),
        "store_u64" => linker.func_wrap(module, name, |mut call: Call<'_>, at: u64, value: u64| {
            call.data_mut().kernel.store_u64(at, value).map_err(stop)
        }),
        "output_set" => linker.func_wrap(module, name, |mut call: Call<'_>, at: u64, length: u64| {
            call.data_mut().kernel.output_set(at, length).map_err(stop)
        }),
        "error_set" => linker
            .func_wrap(module, name, |mut call: Call<'_>, at: u64| call.data_mut().kernel.error_set(at).map_err(stop)),
        "error_get" => linker.func_wrap(module, name, |call: Call<'_>| call.data().kernel.error_get()),
        "config_get" => linker
            .func_wrap(module, name, |mut call: Call<'_>, key: u64| config_get(call.data_mut(), key).map_err(stop)),
        "var_get" => {
            linker.func_wrap(module, name, |mut call: Call<'_>, key: u64| var_get(call.data_mut(), key).map_err(stop))
        }
        "var_set" => linker.func_wrap(module, name, |mut call: Call<'_>, key: u64, value: u64| {
            var_set(call.data_mut(), key, value).map_err(stop)
        }),
        "log_trace" => define_log(linker, name, LogLevel::Trace),
        "log_debug" => define_log(linker, name, LogLevel::Debug),
        "log_info" => define_log(linker, name, LogLevel::Info),
        "log_warn" => define_log(linker, name, LogLevel::Warn),
        "log_error" => define_log(linker, name, LogLevel::Error),
        "get_log_level" => linker.func_wrap(module, name, |call: Call<'_>| level_number(call.data().logs.level())),
        _ => return Ok(()),
    }
    .map(|_| ())
}

fn define_log<'l>(linker: &'l mut Linker<Host>, name: &str, level: LogLevel) -> wasmtime::Result<&'l mut Linker<Host>> {
    linker.func_wrap(EXTISM_MODULE, name, move |mut call: Caller<'_, Host>, at: u64| {
        let host = call.data_mut();
        let message = host.kernel.bytes(at, "log").map_err(stop)?;
        host.logs.log(level, message);
        Ok(())
    })
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
