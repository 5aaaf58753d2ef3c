//! What can be known of a plugin without running it.

use wasmparser::{Parser, Payload};

/// The name of the custom section that holds a plugin's metadata, as JSON.
pub const METADATA_SECTION: &str = "windlass.plugin";

/// The text of the first metadata section. Sections are skipped, not parsed, so this costs next to nothing; whatever is
/// wrong with the module behind the section is found when it is compiled.
pub(crate) fn metadata_json(wasm: &[u8]) -> Option<&str> {
    Parser::new(0).parse_all(wasm).map_while(Result::ok).find_map(|payload| match payload {
        Payload::CustomSection(section) if section.name() == METADATA_SECTION => {
            std::str::from_utf8(section.data()).ok()
        }
        _ => None,
    })
}
