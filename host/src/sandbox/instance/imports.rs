//! Which imports a module may have, what each needs, and the linking of those that it has.

use std::collections::HashSet;

use wasmtime::{ExternType, Linker};
use windlass_abi::capabilities::{Capability, Request, TABLE};
use windlass_abi::config::nearest;
use windlass_abi::metadata::{Asked, Metadata};
use windlass_abi::raw::{EXTISM_MODULE, WINDLASS_MODULE};

use super::functions::HostFunction;
use super::{Host, extism, granted, wasi};
use crate::error::Error;
use crate::sandbox::compile::Compiled;
use crate::sandbox::grants::{self, Grants};
use crate::text::shown_name;

/// What an import needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportNeed {
    /// Nothing: every plugin may call it.
    Nothing,
    /// A grant of this capability.
    Grant(Capability),
    /// Windlass has no such function.
    Unknown,
}

/// What the import `module`.`name` needs.
pub(crate) fn import_need(module: &str, name: &str) -> ImportNeed {
    if find(module, name).is_none() {
        return ImportNeed::Unknown;
    }
    Capability::of_import(module, name).map_or(ImportNeed::Nothing, ImportNeed::Grant)
}

/// What of the import `module`.`name` only a grant opens, although everybody may call it.
pub(crate) fn opened_by(module: &str, name: &str) -> &'static [Capability] {
    if module == wasi::MODULE { wasi::opened_by(name) } else { &[] }
}

/// Links what the module imports, and only that.
///
/// # Errors
/// It asks, by an import or in its metadata, for something that was not granted (exit 3), imports what nobody offers
/// (exit 3), or a function with another signature (exit 2).
pub(super) fn link(compiled: &Compiled, grants: &Grants) -> Result<Linker<Host>, Error> {
    let asks = compiled.asks()?;
    check_asks(asks.unwrap_or_default(), grants)?;
    let requested: Vec<Capability> = asks.unwrap_or_default().iter().map(|asked| asked.request.capability()).collect();
    let does_without = |capability: Capability| {
        let mut asks = asks.unwrap_or_default().iter();
        asks.any(|asked| asked.is_optional && asked.request.capability() == capability)
    };
    let mut seen = HashSet::new();
    let mut linker = Linker::new(compiled.module().engine());
    for import in compiled.module().imports() {
        let (module, name) = (import.module(), import.name());
        match import_need(module, name) {
            ImportNeed::Unknown => return Err(unknown(module, name)),
            ImportNeed::Grant(capability) if !grants.has(capability) && !does_without(capability) => {
                return Err(ungranted(module, name, capability));
            }
            ImportNeed::Grant(capability) => {
                if asks.is_some() && !requested.contains(&capability) {
                    return Err(undeclared(module, name, capability));
                }
            }
            ImportNeed::Nothing => {}
        }
        let ExternType::Func(function) = import.ty() else {
            return Err(Error::usage(format!(
                "it imports `{}` of `{}`, which is a function, as something else",
                shown_name(name),
                shown_name(module)
            )));
        };
        let is = text_of(&function);
        let Some(offered) = find(module, name) else { return Err(unknown(module, name)) };
        if offered.signature != is {
            let wanted = offered.signature;
            return Err(Error::usage(format!("it imports `{name}` of `{module}` as `{is}`, and that is `{wanted}`"))
                .hint("build it with a current PDK of its language"));
        }
        // A module may import one function many times.
        if !seen.insert((module, name)) {
            continue;
        }
        if let ImportNeed::Grant(capability) = import_need(module, name)
            && !grants.has(capability)
        {
            let (called_module, called) = (module.to_owned(), name.to_owned());
            let defined = linker.func_new(module, name, function, move |_, _, _| {
                Err(wasmtime::Error::new(unused(&called_module, &called, capability)))
            });
            defined.map_err(|error| Error::bug(format!("`{name}` of `{module}` cannot be linked: {error:#}")))?;
            continue;
        }
        (offered.define)(&mut linker, offered)
            .map_err(|error| Error::bug(format!("`{name}` of `{module}` cannot be linked: {error:#}")))?;
    }
    Ok(linker)
}

/// Which of the grants reach the guest through WASI as well. A plugin that says what it asks for gets no more than
/// that.
///
/// # Errors
/// Its metadata is not what the PDK writes (exit 2).
pub(super) fn reach_through_wasi(compiled: &Compiled, grants: &Grants) -> Result<Vec<Capability>, Error> {
    let imports_wasi = || compiled.module().imports().any(|import| import.module() == wasi::MODULE);
    if grants.is_empty() || !imports_wasi() {
        return Ok(Vec::new());
    }
    let asks = compiled.asks()?;
    let is_asked = |capability: Capability| {
        asks.is_none_or(|asks| asks.iter().any(|asked| asked.request.capability() == capability))
    };
    Ok(TABLE.iter().map(|row| row.capability).filter(|one| grants.has(*one) && is_asked(*one)).collect())
}

/// Every function that guests may import.
pub(crate) fn host_functions() -> impl Iterator<Item = &'static HostFunction> {
    [extism::FUNCTIONS, granted::FUNCTIONS, wasi::FUNCTIONS, wasi::ON_FILES].into_iter().flatten()
}

/// The function that is imported as `name` of `module`; none if there is no such function.
fn find(module: &str, name: &str) -> Option<&'static HostFunction> {
    host_functions().find(|function| function.module == module && function.name == name)
}

/// A signature in the table's notation: parameters, a colon, results; `i` and `I` are 32 and 64 bits.
fn text_of(function: &wasmtime::FuncType) -> String {
    let letter = |value: wasmtime::ValType| match value {
        wasmtime::ValType::I32 => 'i',
        wasmtime::ValType::I64 => 'I',
        wasmtime::ValType::F32 => 'f',
        wasmtime::ValType::F64 => 'F',
        wasmtime::ValType::V128 => 'v',
        wasmtime::ValType::Ref(_) => 'r',
    };
    function.params().map(letter).chain(std::iter::once(':')).chain(function.results().map(letter)).collect()
}

/// Checks what the plugin's metadata asks for.
fn check_asks(asks: &[Asked], grants: &Grants) -> Result<(), Error> {
    let missing: Vec<&Asked> =
        asks.iter().filter(|asked| !asked.is_optional && !grants.cover(&asked.request)).collect();
    let what = match missing.as_slice() {
        [] => return Ok(()),
        [one] => format!("it asks for {}, which it was not granted", shown(one)),
        many => format!(
            "it asks for {} things that it was not granted: {}",
            many.len(),
            many.iter().map(|asked| shown(asked)).collect::<Vec<_>>().join(", ")
        ),
    };
    Err(grants::not_granted(what, missing.iter().map(|asked| &asked.request)))
}

/// What is asked for and the author's reason, as an error says it.
fn shown(asked: &Asked) -> String {
    let request = match &asked.request {
        Request::Any(capability) => format!("`{capability}`"),
        request if request.to_string().is_empty() => format!("`{}`", request.capability()),
        request => format!("`{}` `{request}`", request.capability()),
    };
    match asked.why.as_str() {
        "" => request,
        why => format!("{request} (\"{}\")", shown_name(why)),
    }
}

/// What the metadata section asks for.
///
/// # Errors
/// The section is not what the PDK writes, or is for a newer Windlass (exit 2).
pub(crate) fn asks(metadata_json: Option<&str>) -> Result<Vec<Asked>, Error> {
    let Some(text) = metadata_json else { return Ok(Vec::new()) };
    let metadata = Metadata::parse(text.as_bytes())
        .map_err(|error| Error::usage(error.to_string()).hint("build it with the PDK of this Windlass"))?;
    Ok(metadata.asks)
}

fn ungranted(module: &str, name: &str, capability: Capability) -> Error {
    needs_grant(format!("it imports `{name}` of `{module}`"), capability)
}

/// A plugin that does without a grant used it nevertheless.
fn unused(module: &str, name: &str, capability: Capability) -> Error {
    needs_grant(format!("it calls `{name}` of `{module}`"), capability)
}

fn needs_grant(what: String, capability: Capability) -> Error {
    let row = capability.row();
    let flag = match row.value {
        Some(form) => format!("{} {form}", row.flag),
        None => row.flag.to_owned(),
    };
    let example = row.example.map_or_else(String::new, |example| format!(", for example `{} {example}`", row.flag));
    Error::denied(format!("{what}, which needs `{}`, and that was not granted", row.word))
        .hint(format!("if you trust it with this, add `{flag}`{example}"))
}

/// A plugin that says what it asks for must say all of it: what a person reads before granting has to be true.
fn undeclared(module: &str, name: &str, capability: Capability) -> Error {
    Error::denied(format!(
        "it imports `{name}` of `{module}` and its metadata does not ask for `{}`",
        capability.word()
    ))
    .hint("the plugin's author must declare it among the plugin's capabilities")
}

fn unknown(module: &str, name: &str) -> Error {
    let error = Error::denied(format!(
        "it imports `{}` of `{}`, which Windlass does not offer and nobody can grant",
        shown_name(name),
        shown_name(module)
    ));
    let modules = [EXTISM_MODULE, WINDLASS_MODULE, wasi::MODULE];
    let meant = if modules.contains(&module) { module } else { EXTISM_MODULE };
    let names: Vec<&str> = host_functions().filter(|row| row.module == meant).map(|row| row.name).collect();
    if let Some(near) = nearest(name, names.iter().copied()) {
        let module = meant;
        return error.hint(format!("the nearest that there is: `{near}` of `{module}`"));
    }
    match nearest(module, modules) {
        Some(near) if near != module => error.hint(format!("the nearest module that there is: `{near}`")),
        _ => error.hint("`windlass inspect` lists what a plugin imports and what each import needs"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{TABLE, host_functions};

    #[test]
    fn every_import_is_there_once_and_those_of_the_capabilities_are() {
        let mut seen = BTreeSet::new();
        assert!(host_functions().all(|row| seen.insert((row.module, row.name))));
        for import in TABLE.iter().flat_map(|row| row.imports) {
            assert!(seen.contains(&(import.module, import.name)), "{} of {}", import.name, import.module);
        }
    }
}
