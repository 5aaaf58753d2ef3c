//! What is wrong in an object, and what would mend it.

use windlass_pdk::{Path, Value};

use crate::settings::Sort;

/// What is wrong at a place.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) sort: Sort,
    pub(crate) path: Path,
    pub(crate) message: String,
    pub(crate) mend: Mend,
}

/// What mends it.
#[derive(Debug)]
pub(crate) enum Mend {
    /// Nobody knows but the author.
    None,
    /// The value that means what was meant.
    Set(Path, Value),
    /// What is at the path goes.
    Remove,
}
