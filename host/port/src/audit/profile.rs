//! What is known of a program, whoever finds it out: what it does, needs and gets wrong.

use super::deeds::Deed;

/// What a program needs beside its standard input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    /// Programs it starts.
    pub programs: Vec<String>,
    /// Environment variables it reads.
    pub env: Vec<String>,
    /// Files it reads.
    pub files: Vec<String>,
    /// Hosts or services it talks to.
    pub network: Vec<String>,
    /// Arguments it takes.
    pub arguments: Vec<String>,
    /// Whether it asks a cluster.
    pub cluster: bool,
    /// Whether its output depends on time or chance.
    pub clock: bool,
    /// Files it writes.
    pub writes: Vec<String>,
}

/// The whole of what is known of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) deeds: Vec<Deed>,
    pub(crate) needs: Needs,
    pub(crate) defects: Vec<String>,
    pub(crate) helm4: Vec<String>,
    /// Needs what no sandbox without grants gives: what.
    pub(crate) keeps: Vec<String>,
    /// Hands the stream on as it is.
    pub(crate) is_nothing: bool,
    /// Is Windlass or one of its plugins.
    pub(crate) is_windlass: bool,
    /// Starts whatever it is told to.
    pub(crate) is_bridge: bool,
    /// What is not in the tree.
    pub(crate) missing: Vec<String>,
    /// Logic that no ready-made plugin is known to have.
    pub(crate) is_own: bool,
    /// A program in Go, Rust or C.
    pub(crate) compiles: bool,
    pub(crate) language: String,
    pub(crate) lines: usize,
    /// Hints for the configuration, one a line.
    pub(crate) config: Vec<String>,
    /// Does something under Helm 3 alone.
    pub(crate) only_helm3: bool,
    pub(crate) only_crds: bool,
}

pub(crate) fn once(list: &mut Vec<String>, item: impl Into<String>) {
    let item = item.into();
    if !item.is_empty() && list.len() < 100 && !list.contains(&item) {
        list.push(item);
    }
}
