//! Joins the adapter (`adapter.wat`) to a command, so that Helm's own engine can run it: one module with the command's
//! memory, in which the functions of WASI that the adapter has are the adapter's, and `helm_plugin_main` is its entry.
//!
//! Function indices change, as imports come and go in front of all others; types and globals of the adapter follow
//! those of the command, so that the command's own stay. Names of functions are left out: they would be wrong.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error as ReencodeError, Reencode, utils};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, FunctionSection, GlobalSection, ImportSection, Module,
    SectionId, TypeSection,
};
use wasmparser::{ExternalKind, FunctionBody, Global, Parser, Payload, RecGroup, TypeRef};
use windlass_abi::raw::{HELM_ENTRY, MEMORY};

use crate::error::Error;

type Fault = ReencodeError<Infallible>;

/// The adapter, from `adapter.wat` by `build.rs`.
const ADAPTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adapter.wasm"));

const WASI: &str = "wasi_snapshot_preview1";
/// The adapter's word for what it imports of the command.
const COMMAND: &str = "command";

/// What of a module the joining has to know.
#[derive(Default)]
struct Parts<'a> {
    types: Vec<RecGroup>,
    type_count: u32,
    /// Functions that are imported: module, name, type.
    imports: Vec<(&'a str, &'a str, u32)>,
    /// Types of the functions that it defines.
    functions: Vec<u32>,
    imported_globals: u32,
    globals: Vec<Global<'a>>,
    /// Functions that are exported.
    exports: Vec<(&'a str, u32)>,
    bodies: Vec<FunctionBody<'a>>,
    /// Whether it exports its memory.
    has_memory: bool,
}

impl<'a> Parts<'a> {
    fn read(wasm: &'a [u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut parts = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for group in types {
                        let group = group?;
                        parts.type_count += u32::try_from(group.types().len()).unwrap_or(u32::MAX);
                        parts.types.push(group);
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(index) => parts.imports.push((import.module, import.name, index)),
                            TypeRef::Global(_) => parts.imported_globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    for function in functions {
                        parts.functions.push(function?);
                    }
                }
                Payload::GlobalSection(globals) => {
                    for global in globals {
                        parts.globals.push(global?);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            parts.exports.push((export.name, export.index));
                        }
                        parts.has_memory |= export.kind == ExternalKind::Memory && export.name == MEMORY;
                    }
                }
                Payload::CodeSectionEntry(body) => parts.bodies.push(body),
                _ => {}
            }
        }
        Ok(parts)
    }

    fn export(&self, name: &str) -> Option<u32> {
        self.exports.iter().find(|(known, _)| *known == name).map(|(_, index)| *index)
    }
}

/// Where every function of both ends up.
struct Plan<'a> {
    command: Parts<'a>,
    adapter: Parts<'a>,
    /// The imports of the new module: module, name, type (in the new module).
    imports: Vec<(&'a str, &'a str, u32)>,
    /// The new index of each function of the command, and of the adapter.
    of_command: Vec<u32>,
    of_adapter: Vec<u32>,
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl<'a> Plan<'a> {
    fn new(command: Parts<'a>, adapter: Parts<'a>) -> Option<Self> {
        let mut imports: Vec<(&str, &str, u32)> = Vec::new();
        // First the imports that stay, each with its place.
        let mut kept = Vec::new();
        for (module, name, kind) in &command.imports {
            let is_replaced = *module == WASI && adapter.export(name).is_some();
            kept.push((!is_replaced).then(|| {
                imports.push((module, name, *kind));
                count(imports.len()) - 1
            }));
        }
        let mut added = Vec::new();
        for (module, name, kind) in &adapter.imports {
            added.push((*module != COMMAND).then(|| {
                imports.push((module, name, kind + command.type_count));
                count(imports.len()) - 1
            }));
        }
        let first = count(imports.len());
        let first_of_adapter = first + count(command.functions.len());
        let adapter_imports = count(adapter.imports.len());
        let own = |index: u32| first_of_adapter + (index - adapter_imports);
        let mut of_command = Vec::new();
        for (place, (_, name, _)) in kept.iter().zip(&command.imports) {
            of_command.push(match place {
                Some(place) => *place,
                None => own(adapter.export(name)?),
            });
        }
        of_command.extend((0..count(command.functions.len())).map(|index| first + index));
        let mut of_adapter = Vec::new();
        for (place, (_, name, _)) in added.iter().zip(&adapter.imports) {
            of_adapter.push(match place {
                Some(place) => *place,
                None => *of_command.get(command.export(name)? as usize)?,
            });
        }
        of_adapter.extend((0..count(adapter.functions.len())).map(|index| first_of_adapter + index));
        Some(Self { command, adapter, imports, of_command, of_adapter })
    }
}

/// Rewrites the command.
struct OfCommand<'p, 'a>(&'p Plan<'a>);

/// Rewrites the adapter.
struct OfAdapter<'p, 'a>(&'p Plan<'a>);

fn moved(map: &[u32], index: u32) -> Result<u32, Fault> {
    // A module that was validated names no other functions.
    map.get(index as usize).copied().ok_or(ReencodeError::CanonicalizedHeapTypeReference)
}

impl Reencode for OfAdapter<'_, '_> {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Fault> {
        moved(&self.0.of_adapter, index)
    }

    fn type_index(&mut self, index: u32) -> Result<u32, Fault> {
        Ok(index + self.0.command.type_count)
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Fault> {
        Ok(index + self.0.command.imported_globals + count(self.0.command.globals.len()))
    }
}

impl OfCommand<'_, '_> {
    fn add_types(&self, types: &mut TypeSection) -> Result<(), Fault> {
        for group in &self.0.adapter.types {
            utils::parse_recursive_type_group(&mut OfAdapter(self.0), types.ty(), group.clone())?;
        }
        Ok(())
    }

    fn add_imports(&self, imports: &mut ImportSection) {
        for (module, name, kind) in &self.0.imports {
            imports.import(module, name, EntityType::Function(*kind));
        }
    }

    fn add_functions(&self, functions: &mut FunctionSection) {
        for kind in &self.0.adapter.functions {
            functions.function(kind + self.0.command.type_count);
        }
    }

    fn add_globals(&self, globals: &mut GlobalSection) -> Result<(), Fault> {
        for global in &self.0.adapter.globals {
            utils::parse_global(&mut OfAdapter(self.0), globals, global.clone())?;
        }
        Ok(())
    }
}

impl Reencode for OfCommand<'_, '_> {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Fault> {
        moved(&self.0.of_command, index)
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Fault> {
        utils::parse_type_section(self, types, section)?;
        self.add_types(types)
    }

    /// Functions first, in the order of the plan; then what else is imported.
    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Fault> {
        self.add_imports(imports);
        for import in section.into_imports() {
            let import = import.map_err(ReencodeError::ParseError)?;
            if !matches!(import.ty, TypeRef::Func(_)) {
                utils::parse_import(self, imports, import)?;
            }
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Fault> {
        utils::parse_function_section(self, functions, section)?;
        self.add_functions(functions);
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Fault> {
        utils::parse_global_section(self, globals, section)?;
        self.add_globals(globals)
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Fault> {
        utils::parse_export_section(self, exports, section)?;
        if let Some(entry) = self.0.adapter.export(HELM_ENTRY) {
            exports.export(HELM_ENTRY, ExportKind::Func, moved(&self.0.of_adapter, entry)?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Fault> {
        utils::parse_code_section(self, code, section)?;
        for body in &self.0.adapter.bodies {
            utils::parse_function_body(&mut OfAdapter(self.0), code, body.clone())?;
        }
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Fault> {
        if matches!(section.name(), "name") || section.name().starts_with(".debug_") {
            return Ok(());
        }
        utils::parse_custom_section(self, module, section)
    }

    /// A command need not have imports or globals; the adapter has both.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Fault> {
        let order = |id: Option<SectionId>, otherwise: u8| id.map_or(otherwise, place);
        let (from, to) = (order(after, 0), order(before, u8::MAX));
        let is_missing = |id: SectionId| from < place(id) && place(id) < to;
        if is_missing(SectionId::Import) {
            let mut imports = ImportSection::new();
            self.add_imports(&mut imports);
            module.section(&imports);
        }
        if is_missing(SectionId::Global) {
            let mut globals = GlobalSection::new();
            self.add_globals(&mut globals)?;
            module.section(&globals);
        }
        Ok(())
    }
}

/// The place of a section in a module.
fn place(id: SectionId) -> u8 {
    match id {
        SectionId::Custom => 0,
        SectionId::Type => 1,
        SectionId::Import => 2,
        SectionId::Function => 3,
        SectionId::Table => 4,
        SectionId::Memory => 5,
        SectionId::Tag => 6,
        SectionId::Global => 7,
        SectionId::Export => 8,
        SectionId::Start => 9,
        SectionId::Element => 10,
        SectionId::DataCount => 11,
        SectionId::Code => 12,
        SectionId::Data => 13,
    }
}

/// It is the command's fault: it has to have what the adapter imports of it.
fn refused(why: impl std::fmt::Display) -> Error {
    Error::usage(format!("the command cannot be made a plugin for Helm's engine: {why}"))
        .hint("package it with `--runtime subprocess`: then Windlass runs it")
}

/// The command `wasm`, which was validated, as a plugin for Helm's engine.
///
/// # Errors
/// It does not export its memory, or is not what it was validated as (exit 2).
pub(crate) fn join(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let command = Parts::read(wasm).map_err(refused)?;
    if !command.has_memory {
        return Err(refused("it exports no `memory`"));
    }
    let adapter = Parts::read(ADAPTER).map_err(|error| Error::bug(format!("the adapter is broken: {error}")))?;
    let plan = Plan::new(command, adapter).ok_or_else(|| refused("it exports no `_start`"))?;
    let mut module = Module::new();
    OfCommand(&plan).parse_core_module(&mut module, Parser::new(0), wasm).map_err(refused)?;
    Ok(module.finish())
}
