//! Is this a module that can run here? Every way in which it is not gets a message of its own.

use std::sync::Arc;

use wasmparser::{Encoding, ExternalKind, FuncType, Parser, Payload, TypeRef, ValType, WasmFeatures};
use windlass_abi::config::nearest;
use windlass_abi::raw;

use super::rules::{self, Fault};
use crate::command;
use crate::error::Error;
use crate::limits::table::{MAX_LISTED, MAX_SHOWN_VALUES};
use crate::source;
use crate::text::{SHOWN_NAME_CHARACTERS, shown_name};

/// What Helm's engine (wazero with its `CoreFeaturesV2`) accepts.
pub(crate) const HELM_FEATURES: WasmFeatures = WasmFeatures::WASM2.union(WasmFeatures::GC_TYPES);
/// What Windlass accepts: without `externref`, which would need a garbage collector and which no guest language uses.
const FEATURES: WasmFeatures = WasmFeatures::WASM2.difference(WasmFeatures::GC_TYPES);

/// What an import or export is, as a reader sees it: `(i64, i64) -> i64` for a function, else `memory`, `table`,
/// `global`. A module names one type many times, so the text is shared.
pub(crate) type Shown = Arc<str>;

/// A function type; of a long list of values only the first ones.
fn signature(function: &FuncType) -> Shown {
    let shown = MAX_SHOWN_VALUES as usize;
    let join = |types: &[ValType]| {
        let mut texts: Vec<String> = types.iter().take(shown).map(ToString::to_string).collect();
        if types.len() > shown {
            texts.push(format!("… and {} more", types.len() - shown));
        }
        texts.join(", ")
    };
    let parameters = join(function.params());
    match function.results() {
        [] => format!("({parameters})"),
        [one] => format!("({parameters}) -> {one}"),
        many => format!("({parameters}) -> ({})", join(many)),
    }
    .into()
}

/// Something that a module imports.
#[derive(Debug, Clone)]
pub(crate) struct ImportShape {
    pub(crate) module: String,
    pub(crate) name: String,
    /// What it is.
    pub(crate) what: Shown,
}

/// Something that a module exports.
#[derive(Debug, Clone)]
pub(crate) struct ExportShape {
    pub(crate) name: String,
    /// What it is.
    pub(crate) what: Shown,
}

/// The outside of a module.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModuleShape {
    pub(crate) imports: Vec<ImportShape>,
    pub(crate) exports: Vec<ExportShape>,
}

/// Checks the whole module: format, features, every function body, and the entry.
///
/// # Errors
/// It is not a WebAssembly module, is broken, needs a proposal that Helm's engine lacks, or has no entry (exit 2); or
/// it takes more work to check than code that a compiler made (exit 4).
pub(crate) fn validate(wasm: &[u8]) -> Result<ModuleShape, Error> {
    check_format(wasm)?;
    rules::check(wasm, FEATURES).map_err(|fault| match fault {
        Fault::Invalid(error) => explain(wasm, &error),
        Fault::Moves(_) | Fault::Operands => Error::limit(format!("the module is too dear to check: {fault}"))
            .hint("a plugin does not need that: do not trust it"),
    })?;
    let shape = shape(wasm)?;
    check_entry(&shape)?;
    Ok(shape)
}

/// Looks at the first bytes.
fn check_format(wasm: &[u8]) -> Result<(), Error> {
    let not_wasm = |what: &str| Error::usage(format!("this is not a WebAssembly module but {what}"));
    let text_start = wasm.trim_ascii_start();
    if wasm.is_empty() {
        return Err(Error::usage("the file is empty").hint("build the plugin again with `windlass build`"));
    }
    if wasm.starts_with(b"\x7fELF") {
        return Err(not_wasm("machine code that some tool compiled ahead of time")
            .hint("give the `.wasm` that it was made from: Windlass runs no foreign machine code"));
    }
    if text_start.starts_with(b"(") || text_start.starts_with(b";;") {
        return Err(not_wasm("WebAssembly's text format").hint("turn it into a binary with `wat2wasm`"));
    }
    if wasm.starts_with(&[0x1f, 0x8b]) {
        return Err(not_wasm("a gzip archive").hint("give an archive the ending `.tgz`"));
    }
    if !wasm.starts_with(b"\0asm") {
        return Err(Error::usage("this is not a WebAssembly module").hint(source::FORMS));
    }
    if wasm.len() < 8 {
        return Err(cut_off());
    }
    if Parser::is_component(wasm) {
        return Err(Error::usage("this is a WebAssembly component, not a module").hint(
            "Helm's engine runs modules only: build for `wasm32-unknown-unknown` or `wasm32-wasip1`, not for `wasm32-wasip2`",
        ));
    }
    if !Parser::is_core_wasm(wasm) {
        return Err(Error::usage("this is a WebAssembly module of a version that is not known"));
    }
    Ok(())
}

fn cut_off() -> Error {
    Error::usage("the WebAssembly module is cut off").hint("build or fetch the plugin again")
}

fn explain(wasm: &[u8], error: &wasmparser::BinaryReaderError) -> Error {
    let offset = error.offset();
    let message = error.message().lines().next().unwrap_or_default().to_owned();
    if rules::check(wasm, HELM_FEATURES).is_ok() {
        return Error::usage(format!(
            "the WebAssembly module uses `externref`, which Windlass does not offer: {message} (at offset {offset:#x})"
        ));
    }
    // A module that is right once everything is allowed lacks nothing but the permission.
    let everything = WasmFeatures::all().difference(WasmFeatures::COMPONENT_MODEL | WasmFeatures::STACK_SWITCHING);
    if rules::check(wasm, everything).is_ok() {
        return Error::usage(format!(
            "the WebAssembly module needs a feature that Helm's engine does not have: {message} (at offset {offset:#x})"
        ))
        .hint("build it for WebAssembly 2.0: no threads, tail calls, exceptions, multiple memories, 64-bit memories, relaxed SIMD or extended constants");
    }
    if message.contains("unexpected end") {
        return cut_off();
    }
    Error::usage(format!("the WebAssembly module is invalid: {message} (at offset {offset:#x})"))
        .hint("build or fetch the plugin again")
}

fn check_entry(shape: &ModuleShape) -> Result<(), Error> {
    let what = |name: &str| shape.exports.iter().find(|export| export.name == name).map(|export| &*export.what);
    let wrong_type = |name: &str, is: &str, wanted: &str| {
        Error::usage(format!("the plugin's entry `{name}` is `{is}` and must be `{wanted}`"))
    };
    let mut has_entry = false;
    if let Some(is) = what(raw::HELM_ENTRY) {
        if is != "() -> i32" && is != "()" {
            return Err(wrong_type(raw::HELM_ENTRY, is, "() -> i32"));
        }
        has_entry = true;
    }
    if let Some(is) = what(raw::RENDER) {
        if is != RENDER_SIGNATURE {
            return Err(wrong_type(raw::RENDER, is, RENDER_SIGNATURE));
        }
        for (name, wanted) in [(raw::ALLOC, "(i32) -> i32"), (raw::MEMORY, "memory")] {
            match what(name) {
                Some(is) if is == wanted => {}
                Some(is) => return Err(wrong_type(name, is, wanted)),
                None => return Err(Error::usage(format!("the plugin exports `{}` without `{name}`", raw::RENDER))),
            }
        }
        has_entry = true;
    }
    if has_entry {
        return Ok(());
    }
    if let Some(is) = what(command::START) {
        return if is == "()" { Ok(()) } else { Err(wrong_type(command::START, is, "()")) };
    }
    let error = Error::usage(format!(
        "the plugin has no entry: it exports neither `{}` nor `{}`, nor the `{}` of a command",
        raw::HELM_ENTRY,
        raw::RENDER,
        command::START
    ));
    let names =
        shape.exports.iter().map(|export| export.name.as_str()).filter(|name| name.len() < 2 * SHOWN_NAME_CHARACTERS);
    Err(match nearest(raw::HELM_ENTRY, names) {
        Some(near) => error.hint(format!("it exports `{}`: rename that to `{}`", shown_name(near), raw::HELM_ENTRY)),
        None => error.hint(format!("a plugin exports `{}`; the PDK's macro makes it", raw::HELM_ENTRY)),
    })
}

const RENDER_SIGNATURE: &str = "(i32, i32, i32, i32) -> i64";

/// Imports and exports of a module. Function bodies are not looked at.
///
/// # Errors
/// The sections before the code are broken, or there are more than a plugin could have (exit 2).
pub(crate) fn shape(wasm: &[u8]) -> Result<ModuleShape, Error> {
    check_format(wasm)?;
    let shape = read_shape(wasm).map_err(|error| explain(wasm, &error))?;
    for (count, what) in [(shape.imports.len(), "imports"), (shape.exports.len(), "exports")] {
        if count as u64 > MAX_LISTED {
            return Err(Error::usage(format!("the module has more than {MAX_LISTED} {what}, so it is no plugin")));
        }
    }
    Ok(shape)
}

/// One import and one export beyond the limit are read, to tell.
fn read_shape(wasm: &[u8]) -> Result<ModuleShape, wasmparser::BinaryReaderError> {
    let most = MAX_LISTED as usize + 1;
    let kind = ["function", "memory", "table", "global", "tag"].map(Shown::from);
    let [unknown_function, memory, table, global, tag] = &kind;
    let mut types: Vec<Shown> = Vec::new();
    let mut functions: Vec<u32> = Vec::new();
    let mut shape = ModuleShape::default();
    let of_type = |types: &[Shown], index: u32| types.get(index as usize).unwrap_or(unknown_function).clone();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::Version { encoding: Encoding::Component, .. } | Payload::CodeSectionStart { .. } => break,
            Payload::TypeSection(reader) => {
                for group in reader.into_iter_err_on_gc_types() {
                    types.push(signature(&group?));
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports().take(most) {
                    let import = import?;
                    let what = match import.ty {
                        TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                            functions.push(index);
                            of_type(&types, index)
                        }
                        TypeRef::Memory(_) => memory.clone(),
                        TypeRef::Table(_) => table.clone(),
                        TypeRef::Global(_) => global.clone(),
                        TypeRef::Tag(_) => tag.clone(),
                    };
                    shape.imports.push(ImportShape {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        what,
                    });
                }
            }
            Payload::FunctionSection(reader) => {
                for index in reader {
                    functions.push(index?);
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader.into_iter().take(most) {
                    let export = export?;
                    let what = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => functions
                            .get(export.index as usize)
                            .map_or_else(|| unknown_function.clone(), |index| of_type(&types, *index)),
                        ExternalKind::Memory => memory.clone(),
                        ExternalKind::Table => table.clone(),
                        ExternalKind::Global => global.clone(),
                        ExternalKind::Tag => tag.clone(),
                    };
                    shape.exports.push(ExportShape { name: export.name.to_owned(), what });
                }
            }
            _ => {}
        }
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Validates `wasm`: the error's text must contain `expected`, or there must be none where it is empty.
    #[track_caller]
    fn check(wasm: &[u8], expected: &str) {
        match validate(wasm) {
            Ok(_) => assert_eq!(expected, "", "the module is accepted"),
            Err(error) => {
                assert!(!expected.is_empty() && error.to_string().contains(expected), "{error}");
                assert_eq!(error.exit_code(), crate::error::ExitCode::Usage);
            }
        }
    }

    fn module(text: &str) -> Vec<u8> {
        wat::parse_str(format!(r#"(module {text} (func (export "helm_plugin_main") (result i32) i32.const 0))"#))
            .unwrap()
    }

    #[test]
    fn what_is_no_module_is_named() {
        check(b"", "empty");
        check(b"apiVersion: v1\n", "not a WebAssembly module");
        check(b"(module)", "text format");
        check(b"  ;; comment\n(module)", "text format");
        check(b"\x7fELF\x02\x01\x01", "ahead of time");
        check(&[0x1f, 0x8b, 8, 0], "gzip");
        check(b"\0asm", "cut off");
        check(b"\0asm\x02\0\0\0", "version");
        check(&wat::parse_str("(component)").unwrap(), "component");
        let whole = module("(memory 1)");
        for length in 9..whole.len() {
            assert!(validate(&whole[..length]).is_err(), "{length} bytes");
        }
        check(&whole[..whole.len() - 1], "cut off");
        check(&whole, "");
    }

    #[test]
    fn features_are_those_of_helms_engine() {
        for accepted in [
            "(func (param v128) (result v128) (i8x16.add (local.get 0) (local.get 0)))",
            "(func (result i32 i32) i32.const 0 i32.const 1)",
            "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
            "(table 1 funcref) (table 1 funcref)",
            "(func (drop (i32.trunc_sat_f32_s (f32.const 0))) (drop (i32.extend8_s (i32.const 0))))",
        ] {
            check(&module(accepted), "");
        }
        for refused in [
            "(memory 1 1 shared)",
            "(func $f return_call $f)",
            "(tag)",
            "(memory 1) (memory 1)",
            "(memory i64 1)",
            "(global i32 (i32.add (i32.const 1) (i32.const 1)))",
            "(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
            "(type (struct))",
        ] {
            check(&module(refused), "needs a feature that Helm's engine does not have");
        }
    }

    #[test]
    fn long_types_are_checked_up_to_some_work() {
        let values = "i32 ".repeat(40);
        let arguments: String = (0..40).map(|index| format!("(local.get {index}) ")).collect();
        let calls = |count: usize, end: &str| {
            let calls = format!("{arguments} {}", "(call $f) ".repeat(count));
            module(&format!(
                "(func $f (param {values}) (result {values}) unreachable) (func (param {values}) (result {values}) {calls} {end})"
            ))
        };
        check(&calls(1000, ""), "");
        check(&calls(1000, "drop"), "type mismatch");
        let error = validate(&calls(300_000, "")).unwrap_err();
        assert!(error.to_string().contains("move more than"), "{error}");
        assert_eq!(error.exit_code(), crate::error::ExitCode::Limit);
        let pushes = |count: usize| module(&format!("(func {} unreachable)", "(i32.const 0) ".repeat(count)));
        check(&pushes(1000), "");
        assert!(validate(&pushes(1_000_001)).unwrap_err().to_string().contains("on the stack"));
    }

    #[test]
    fn external_references_are_left_out() {
        check(&module("(table 1 externref)"), "`externref`");
    }

    #[test]
    fn entries_are_checked() {
        let check = |text: &str, expected: &str| check(&wat::parse_str(text).unwrap(), expected);
        check("(module)", "no entry");
        check(r#"(module (func (export "helm_plugin_main")))"#, "");
        check(r#"(module (func (export "helm_plugin_main") (param i32)))"#, "is `(i32)` and must be `() -> i32`");
        check(r#"(module (memory (export "helm_plugin_main") 1))"#, "is `memory`");
        let render = r#"(func (export "windlass_render") (param i32 i32 i32 i32) (result i64) i64.const 0)"#;
        let alloc = r#"(func (export "windlass_alloc") (param i32) (result i32) i32.const 0)"#;
        check(&format!("(module {render})"), "without `windlass_alloc`");
        check(&format!("(module {render} {alloc})"), "without `memory`");
        check(&format!(r#"(module {render} {alloc} (memory (export "memory") 1))"#), "");
        let error = validate(&wat::parse_str(r#"(module (func (export "helm_plugin_mian")))"#).unwrap()).unwrap_err();
        assert!(error.hints()[0].contains("helm_plugin_mian"));
    }
}
