//! Small things that are read of a pod or of a setting.

use windlass_pdk::Node;

/// A path without slashes at its end: `/data` and `/data/` are one place.
pub(crate) fn normal(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => path.get(..1).unwrap_or(path),
        trimmed => trimmed,
    }
}

/// The text of a scalar under `key`, empty when there is none.
pub(crate) fn text(map: Node<'_>, key: &str) -> String {
    map.get(key).and_then(|node| node.scalar_text().map(|text| text.into_owned())).unwrap_or_default()
}
