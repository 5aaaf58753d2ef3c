//! Key-value variables that live as long as the host keeps the plugin loaded. Under Helm and `windlass run` that is
//! one run.

use crate::host;

/// The value of a variable, if it was set.
pub fn get(key: &str) -> Option<Vec<u8>> {
    host::variable(key)
}

/// Sets a variable.
pub fn set(key: &str, value: &[u8]) {
    host::set_variable(key, Some(value));
}

/// Removes a variable; one that is not there stays not there.
pub fn remove(key: &str) {
    host::set_variable(key, None);
}
