//! What a new plugin may be called: a name that crates, Helm, registries and file systems all take.

use crate::error::Error;

/// The longest name: part of a repository in a registry, whose names end at 255 bytes.
const LONGEST: usize = 64;

/// Names that something else has already, with what that is.
const TAKEN: &[(&str, &[&str])] = &[
    (
        "a keyword of Rust",
        &[
            "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
            "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
            "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct",
            "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
            "yield",
        ],
    ),
    (
        "a keyword of Go",
        &[
            "case",
            "chan",
            "default",
            "defer",
            "fallthrough",
            "func",
            "go",
            "goto",
            "import",
            "interface",
            "map",
            "package",
            "range",
            "select",
            "switch",
            "var",
        ],
    ),
    ("a crate that comes with Rust", &["alloc", "core", "proc-macro", "std", "test"]),
    ("a folder of Cargo's own", &["build", "deps", "examples", "incremental", "target"]),
    (
        "a crate that a plugin is made of",
        &[
            "windlass",
            "windlass-abi",
            "windlass-manifest",
            "windlass-manifest-events",
            "windlass-pdk",
            "windlass-pdk-macros",
        ],
    ),
    (
        "a device on Windows, where no folder can have that name",
        &[
            "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt1", "lpt2",
            "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
        ],
    ),
];

/// Refuses a name that would make trouble later, whatever the template: a plugin may be written anew in another
/// language.
///
/// # Errors
/// What stands against the name (exit 2).
pub(super) fn check(name: &str) -> Result<(), Error> {
    let refused = |why: &str| Error::usage(format!("`{name}` cannot be the name of a plugin{why}"));
    let is_spelled = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !is_spelled {
        return Err(refused("").hint(
            "crates, Helm and registries all take lower-case letters, digits and single `-`, beginning with a letter",
        ));
    }
    if name.len() > LONGEST {
        return Err(refused(&format!(": it has {} letters, and {LONGEST} are the most", name.len())));
    }
    match TAKEN.iter().find(|(_, names)| names.contains(&name)) {
        Some((what, _)) => {
            Err(refused(&format!(": it is {what}")).hint(format!("add what it does, such as `{name}-labels`")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[track_caller]
    fn check_name(name: &str, expected: Result<(), &str>) {
        match (check(name).map_err(|error| error.to_string()), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(part)) => assert!(error.contains(part), "{name}: {error}"),
            (found, expected) => panic!("{name}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn names_that_mean_something_else_are_refused_with_the_reason() {
        for (name, part) in [
            ("test", "it is a crate that comes with Rust"),
            ("fn", "it is a keyword of Rust"),
            ("self", "it is a keyword of Rust"),
            ("func", "it is a keyword of Go"),
            ("proc-macro", "comes with Rust"),
            ("deps", "a folder of Cargo's own"),
            ("windlass-pdk", "a crate that a plugin is made of"),
            ("nul", "a device on Windows"),
            ("", "cannot be the name"),
            ("My-Plugin", "cannot be the name"),
            ("my_plugin", "cannot be the name"),
            ("1st", "cannot be the name"),
            ("a-", "cannot be the name"),
            ("a--b", "cannot be the name"),
            (&"a".repeat(65), "it has 65 letters, and 64 are the most"),
        ] {
            check_name(name, Err(part));
        }
        for name in ["a", "my-plugin", "tests", "fn-labels", "con1", "k8s", &"a".repeat(64)] {
            check_name(name, Ok(()));
        }
    }

    #[test]
    fn every_name_stands_once_and_is_spelled_as_a_name() {
        let mut names: Vec<&str> = super::TAKEN.iter().flat_map(|(_, names)| *names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| {
            name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        }));
    }
}
