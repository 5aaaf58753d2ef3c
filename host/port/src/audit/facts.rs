//! What one file says: the places where a post-renderer is chosen, before anything is followed beyond the file.

use super::language::Language;
use super::shell::Word;

/// The program as the file names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RendererRef {
    /// A path, a program or a plugin by its name.
    Program(String),
    /// Whatever a parameter is given elsewhere.
    Parameter(String),
    /// The program stands in the file itself.
    Inline(Inline),
}

/// A program or its like that is written where it is used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inline {
    /// A script: its text, where its first line is, how people would call it.
    Script { text: String, line: usize, name: String },
    /// YAML in kustomize's words: patches, images and so on.
    Kustomize { text: String, line: usize, name: String },
    /// Code of the program that embeds Helm.
    Code { text: String, line: usize, name: String, language: &'static str },
}

/// A place where a program is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) line: usize,
    pub(crate) kind: &'static str,
    pub(crate) chosen: RendererRef,
    /// What it is called with.
    pub(crate) arguments: Vec<String>,
    /// The charts or releases named beside it, as written.
    pub(crate) chart: Option<String>,
    /// How often the flag stands in the one command.
    pub(crate) times: usize,
    /// Helm 3's flag takes a command through a shell or the like: its lines that pass it on.
    pub(crate) note: Option<String>,
}

impl Site {
    pub(crate) fn new(line: usize, kind: &'static str, chosen: RendererRef) -> Self {
        Self { line, kind, chosen, arguments: Vec::new(), chart: None, times: 1, note: None }
    }
}

/// A file that a script writes with a text of its own.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The target as written, variables as `${NAME}`.
    pub(crate) target: String,
    pub(crate) text: String,
}

/// A file that is copied to where it is called.
#[derive(Clone, Debug)]
pub(crate) struct Copied {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A finding about Helm's own command line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CliUse {
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) text: String,
}

/// A command that starts a program of the tree, with what it gives it: for parameters of scripts.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) program: String,
    pub(crate) words: Vec<(Word, usize)>,
    pub(crate) variables: Vec<(String, Word, usize)>,
}

/// Everything of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) sites: Vec<Site>,
    pub(crate) written: Vec<Written>,
    pub(crate) copied: Vec<Copied>,
    pub(crate) cli: Vec<CliUse>,
    pub(crate) started: Vec<Started>,
    /// Variables whose name speaks of a post-renderer, or that the environment of a CI sets: name, word, line.
    pub(crate) exported: Vec<(String, Word, usize)>,
    /// What could not be read, for the report.
    pub(crate) notes: Vec<String>,
    /// Scripts that an Argo CD plugin runs.
    pub(crate) plugins: Vec<String>,
    /// What the file is written in.
    pub(crate) language: Option<Language>,
}

impl Facts {
    pub(crate) fn add(&mut self, site: Site) {
        let same = |known: &&mut Site| known.line == site.line && known.chosen == site.chosen;
        let is_full = self.sites.len() >= 10_000;
        match self.sites.iter_mut().find(same) {
            Some(known) => {
                if known.arguments.is_empty() {
                    known.arguments = site.arguments;
                }
                known.times = known.times.max(site.times);
            }
            None if is_full => {}
            None => self.sites.push(site),
        }
    }
}
