//! Messages for the person who runs the plugin, through Extism's log functions.
//!
//! Helm's own engine shows none of them; Windlass shows those of the level it is told to.
//!
//! ```
//! windlass_pdk::info!("{} objects changed", 3);
//! ```

mod level;

use std::fmt;

use crate::host;
pub use level::Level;

/// Logs a message; it is not even formatted when the host does not want its level. The macros are shorter to write.
pub fn log(level: Level, message: fmt::Arguments<'_>) {
    if host::is_logged(level) {
        host::log(level, &message.to_string());
    }
}

/// Logs at [`Level::Debug`], with the arguments of `format!`.
#[macro_export]
macro_rules! debug {
    ($($argument:tt)+) => { $crate::log::log($crate::log::Level::Debug, ::core::format_args!($($argument)+)) };
}

/// Logs at [`Level::Info`], with the arguments of `format!`.
#[macro_export]
macro_rules! info {
    ($($argument:tt)+) => { $crate::log::log($crate::log::Level::Info, ::core::format_args!($($argument)+)) };
}

/// Logs at [`Level::Warn`], with the arguments of `format!`.
#[macro_export]
macro_rules! warn {
    ($($argument:tt)+) => { $crate::log::log($crate::log::Level::Warn, ::core::format_args!($($argument)+)) };
}
