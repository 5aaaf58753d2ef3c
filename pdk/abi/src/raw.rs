//! The raw entry: the stream goes in and out of guest memory as it is, without JSON.
//!
//! A guest exports [`MEMORY`], [`ALLOC`] and [`RENDER`]:
//!
//! ```text
//! windlass_alloc(len: i32) -> i32
//! windlass_render(stream_ptr: i32, stream_len: i32, args_ptr: i32, args_len: i32) -> i64
//! ```
//!
//! The host asks `windlass_alloc` for a buffer of the stream's length and one for the arguments (a JSON array of
//! strings; length 0 stands for none), fills both and calls `windlass_render`. From then on the buffers belong to the
//! guest. `windlass_alloc` answers 0 when it has no memory. What `windlass_render` answers is a [`Answer`] packed into
//! 64 bits. Config, vars, logs and the error text go through Extism's imports, as in the JSON entry.

/// The export that Helm calls: JSON message in, JSON message out, `() -> i32`.
pub const HELM_ENTRY: &str = "helm_plugin_main";
/// The guest's memory, into which the host writes and from which it reads.
pub const MEMORY: &str = "memory";
/// Export that reserves guest memory for the host.
pub const ALLOC: &str = "windlass_alloc";
/// Export that transforms a stream.
pub const RENDER: &str = "windlass_render";

/// Module of every import that Extism defines.
pub const EXTISM_MODULE: &str = "extism:host/env";
/// Module of the imports that only Windlass offers; a plugin that has one cannot run in Helm's own engine.
pub const WINDLASS_MODULE: &str = "windlass:host/env";

/// What a failing guest says about the cause. Both entries use the same numbers: `helm_plugin_main` returns the
/// number, the raw entry its negative. The text goes through Extism's `error_set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCode {
    /// The plugin said no: the stream is not what it accepts.
    Refused = 1,
    /// The plugin's configuration or an extra argument is wrong, or the stream is not what it can read.
    Config = 2,
}

impl FailureCode {
    /// The number that crosses the boundary.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// Reads a number from a guest. Guests not written with the PDK may answer any number; all that are not
    /// [`FailureCode::Config`] count as [`FailureCode::Refused`].
    pub const fn from_number(number: i64) -> Self {
        if number == FailureCode::Config as i64 { FailureCode::Config } else { FailureCode::Refused }
    }
}

/// The result of the raw entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The stream stays as it was: the host passes its own input on, nothing is copied.
    Unchanged,
    /// The output lies in guest memory.
    Output {
        /// Address in guest memory, in bytes. Not checked: the host must.
        pointer: u32,
        /// Length in bytes. Not checked: the host must.
        length: u32,
    },
    /// The guest failed and has set an error text.
    Failed(FailureCode),
}

impl Answer {
    /// Packs the answer: 0, `pointer << 32 | length`, or the negative failure code.
    ///
    /// A pointer of 2^31 or more would look like a failure. The PDK's memory never grows that far; another guest must
    /// see to it itself.
    pub const fn pack(self) -> i64 {
        match self {
            Answer::Unchanged => 0,
            Answer::Output { pointer, length } => ((pointer as i64) << 32) | length as i64,
            Answer::Failed(code) => -(code as i64),
        }
    }

    /// Reads what a guest returned. Every number means something; a hostile one is caught by the host's bounds check.
    pub const fn unpack(packed: i64) -> Self {
        if packed == 0 {
            Answer::Unchanged
        } else if packed < 0 {
            Answer::Failed(FailureCode::from_number(packed.wrapping_neg()))
        } else {
            Answer::Output { pointer: (packed >> 32) as u32, length: packed as u32 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_packing() {
        for answer in [
            Answer::Unchanged,
            Answer::Output { pointer: 1, length: 0 },
            Answer::Output { pointer: 0x7fff_ffff, length: u32::MAX },
            Answer::Failed(FailureCode::Refused),
            Answer::Failed(FailureCode::Config),
        ] {
            assert_eq!(Answer::unpack(answer.pack()), answer);
        }
    }

    #[test]
    fn any_number_of_a_guest_means_something() {
        assert_eq!(Answer::unpack(i64::MIN), Answer::Failed(FailureCode::Refused));
        assert_eq!(Answer::unpack(-77), Answer::Failed(FailureCode::Refused));
        assert_eq!(Answer::unpack(i64::MAX), Answer::Output { pointer: 0x7fff_ffff, length: u32::MAX });
    }
}
