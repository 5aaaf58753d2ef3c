//! What a file is written in.

/// The language a file is in, by its name and its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Shell,
    Yaml,
    Hcl,
    Make,
    Just,
    Docker,
    Code(Syntax),
    Toml,
    Env,
}

/// How a language writes strings and comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Go,
    Python,
    Script,
    Nix,
    Ruby,
    Groovy,
    Java,
    PowerShell,
}

impl Syntax {
    /// The language's name, where one stands for its family.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Syntax::Go => "go",
            Syntax::Python => "python",
            Syntax::Script => "node",
            Syntax::Nix => "nix",
            Syntax::Ruby => "ruby",
            Syntax::Groovy => "groovy",
            Syntax::Java => "java",
            Syntax::PowerShell => "powershell",
        }
    }
}
