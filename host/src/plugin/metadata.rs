//! The custom section with which a plugin describes itself.

use std::sync::Arc;

use wasmparser::{Chunk, Parser, Payload};
use windlass_abi::metadata::{Metadata, MetadataError};

/// The name of the custom section that holds a plugin's metadata, as JSON.
pub const METADATA_SECTION: &str = "windlass.plugin";

/// A plugin's metadata, where it has some, or why it cannot be understood.
pub(crate) type Described = Option<Result<Arc<Metadata>, MetadataError>>;

/// Reads the first metadata section.
pub(crate) fn read(wasm: &[u8]) -> Described {
    metadata_json(wasm).map(|text| Metadata::parse(text.as_bytes()).map(Arc::new))
}

/// The text of the first metadata section. Sections are skipped, not parsed, so this costs next to nothing; whatever is
/// wrong with the module is found when it is compiled.
pub(crate) fn metadata_json(wasm: &[u8]) -> Option<&str> {
    let mut parser = Parser::new(0);
    let mut rest = wasm;
    loop {
        let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) else { return None };
        match payload {
            Payload::CustomSection(section) if section.name() == METADATA_SECTION => {
                return std::str::from_utf8(section.data()).ok();
            }
            Payload::CodeSectionStart { size, .. } => {
                parser.skip_section();
                rest = rest.get(consumed.checked_add(size as usize)?..)?;
                continue;
            }
            Payload::End(_) => return None,
            _ => {}
        }
        rest = rest.get(consumed..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::metadata_json;

    #[test]
    fn the_metadata_is_found_behind_the_code_and_in_no_broken_module() {
        let wasm = wat::parse_str(r#"(module (func) (@custom "windlass.plugin" (after code) "{}"))"#).unwrap();
        assert_eq!(metadata_json(&wasm), Some("{}"));
        for length in 0..wasm.len() - 1 {
            assert_eq!(metadata_json(&wasm[..length]), None);
        }
        assert_eq!(metadata_json(b"not wasm"), None);
    }
}
