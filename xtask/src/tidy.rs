//! `cargo xtask tidy`: rules of this repository that neither the compiler nor clippy checks.

use crate::command::{self, During, Failure, Result};
use crate::{expect_only, order, say, workspace};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Text that has no place in any file: traces of the machine it was written on, and unfinished work. Spelled in two
/// halves, so that this file does not break its own rules.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("/wo", "rk/", "a path of somebody's machine"),
    ("/ro", "ot/", "a path of somebody's machine"),
    ("Co-Authored", "-By:", "a trailer of a tool"),
    ("FIX", "ME", "unfinished work"),
    ("TO", "DO", "unfinished work"),
    ("#[ig", "nore", "a test that never runs"),
];

/// Files where a forbidden word is data: licence texts, lock files, recorded charts.
const DATA: &[&str] = &["Cargo.lock", "go.sum", "LICENSE"];

/// The most lines a Rust file may have. A longer one holds two things.
const MOST_LINES: usize = 1_200;

/// The most columns a line of comment may have. rustfmt holds the lines of code.
const MOST_COLUMNS: usize = 120;

/// Which packages of the workspace a package may depend on (ARCHITECTURE.md, "Directions").
const MAY_DEPEND: &[(&str, &[&str])] = &[
    ("windlass-manifest-events", &[]),
    ("windlass-manifest", &["windlass-manifest-events"]),
    ("windlass-graft", &["windlass-manifest"]),
    ("windlass-kstatus", &["windlass-manifest"]),
    ("windlass-abi", &["windlass-manifest"]),
    ("windlass-pdk-macros", &["windlass-abi", "windlass-manifest"]),
    ("windlass-pdk", &["windlass-pdk-macros", "windlass-abi", "windlass-manifest"]),
    ("windlass-port", &["windlass-manifest", "windlass-manifest-events"]),
    (
        "windlass",
        &[
            "windlass-abi",
            "windlass-manifest",
            "windlass-manifest-events",
            "windlass-graft",
            "windlass-kstatus",
            "windlass-port",
        ],
    ),
    ("xtask", &[]),
];

/// What plugins may depend on.
const PLUGINS_MAY_DEPEND: &[&str] =
    &["windlass-pdk", "windlass-pdk-macros", "windlass-abi", "windlass-manifest", "windlass-graft", "windlass-kstatus"];

/// Runs the command.
///
/// # Errors
/// Lists every rule that is broken, with file and line.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &[])?;
    let problems = problems()?;
    for problem in &problems {
        say::note(problem);
    }
    if problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(format!("{} rules are broken; see above", problems.len())))
}

/// Everything that breaks a rule, as `FILE:LINE: what`.
fn problems() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in tracked_files()? {
        let Ok(text) = std::fs::read_to_string(workspace::root().join(&path)) else {
            // Not text, or deleted and not yet committed.
            continue;
        };
        check_text(&path, &text, &mut problems);
    }
    check_where_is(&mut problems)?;
    check_plugins(&mut problems)?;
    check_dependencies(&mut problems)?;
    problems.extend(order::problems()?);
    Ok(problems)
}

fn check_text(path: &Path, text: &str, problems: &mut Vec<String>) {
    let shown = path.display();
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !DATA.contains(&file_name) {
        for (first, second, what) in FORBIDDEN {
            let word = format!("{first}{second}");
            for (number, line) in text.lines().enumerate() {
                if contains_word(line, &word) {
                    problems.push(format!("{shown}:{}: {what} (`{word}`)", number + 1));
                }
            }
        }
    }
    if path.extension().is_some_and(|extension| extension == "rs") {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            problems.push(format!("{shown}:{lines}: more than {MOST_LINES} lines; split it"));
        }
        problems.extend(
            long_comments(text)
                .map(|line| format!("{shown}:{line}: a comment of more than {MOST_COLUMNS} columns; break it")),
        );
        problems.extend(loose_headings(text).map(|line| {
            format!("{shown}:{line}: an empty line behind `# Errors` or `# Panics`; the text follows at once")
        }));
        let mut code = text.lines().filter(|line| !line.trim().is_empty());
        let documented = code.next().is_some_and(|line| line.starts_with("//!") || line.starts_with("#!["));
        // Cases of the macro's own tests and the fixture company are input, not code of ours; a `tests.rs` belongs to
        // the file beside its folder.
        let exempt = path
            .components()
            .any(|part| ["ui", "templates", "tests.rs", "company"].iter().any(|name| part.as_os_str() == *name));
        if !documented && !exempt {
            problems.push(format!("{shown}:1: does not start with what the file is for (`//! …`)"));
        }
    }
}

/// The numbers of the lines of comment that are too long and could be broken: a row of a table and a word alone, such
/// as an address, cannot. A line of a string that looks like a comment ends with a backslash.
fn long_comments(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.lines().enumerate().filter_map(|(number, line)| {
        let comment = line.trim_start().strip_prefix("//")?.trim_start_matches(['/', '!']).trim();
        let is_whole = comment.starts_with('|') || comment.ends_with('\\') || !comment.contains(' ');
        (line.chars().count() > MOST_COLUMNS && !is_whole).then_some(number + 1)
    })
}

/// The numbers of the lines that keep a heading of a doc comment from its text: one layout for all.
fn loose_headings(text: &str) -> impl Iterator<Item = usize> + '_ {
    let pairs = text.lines().zip(text.lines().skip(1)).enumerate();
    pairs.filter_map(|(number, (heading, next))| {
        let heading = heading.trim_start().strip_prefix("/// # ")?;
        (matches!(heading, "Errors" | "Panics") && next.trim() == "///").then_some(number + 2)
    })
}

/// The heading of the table in ARCHITECTURE.md that says where things are.
const WHERE_IS: &str = "| to find | look into | for |\n|---|---|---|\n";

/// What ARCHITECTURE.md says of where things are is so: each file is there and has the names that are said of it.
fn check_where_is(problems: &mut Vec<String>) -> Result<()> {
    let text =
        std::fs::read_to_string(workspace::root().join("ARCHITECTURE.md")).during("cannot read ARCHITECTURE.md")?;
    let Some((_, rows)) = text.split_once(WHERE_IS) else {
        problems.push(format!("ARCHITECTURE.md: no table `{}`", WHERE_IS.lines().next().unwrap_or_default()));
        return Ok(());
    };
    for row in rows.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [what, place, names] = cells.as_slice() else {
            problems.push(format!("ARCHITECTURE.md: `{row}` has not three cells"));
            continue;
        };
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let places = words(place);
        if places.is_empty() {
            problems.push(format!("ARCHITECTURE.md: {what}: no place"));
        }
        let mut found = String::new();
        for place in places {
            let path = workspace::root().join(&place);
            match std::fs::read_to_string(&path) {
                Ok(text) => found.push_str(&text),
                Err(_) if path.is_dir() => {}
                Err(_) => problems.push(format!("ARCHITECTURE.md: {what}: there is no `{place}`")),
            }
        }
        for name in words(names).into_iter().filter(|name| !contains_word(&found, name)) {
            problems.push(format!("ARCHITECTURE.md: {what}: `{name}` is not there"));
        }
    }
    Ok(())
}

/// Whether `word` occurs in the line other than as the middle of a longer word.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let part_of_word = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        let starts_inside = word.starts_with(char::is_alphanumeric) && part_of_word(before);
        let is_path = word.starts_with('/') && (part_of_word(before) || before == Some('.'));
        let ends_inside = word.ends_with(char::is_alphanumeric) && part_of_word(after);
        !starts_inside && !is_path && !ends_inside
    })
}

/// Every plugin carries what its users need.
fn check_plugins(problems: &mut Vec<String>) -> Result<()> {
    for folder in workspace::folders(&workspace::root().join("plugins"))? {
        let shown = folder.strip_prefix(workspace::root()).unwrap_or(&folder).display();
        for file in ["Cargo.toml", "plugin.yaml", "README.md", "src/lib.rs"] {
            if !folder.join(file).is_file() {
                problems.push(format!("{shown}: no {file}"));
            }
        }
        if workspace::folders(&folder.join("tests/cases"))?.is_empty() {
            problems.push(format!("{shown}: no case in tests/cases"));
        }
    }
    Ok(())
}

/// Dependencies between packages of the workspace go one way only.
fn check_dependencies(problems: &mut Vec<String>) -> Result<()> {
    let metadata =
        command::output(workspace::cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).during("cannot read cargo's metadata")?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let path = package["manifest_path"].as_str().unwrap_or_default();
        let allowed = match MAY_DEPEND.iter().find(|(known, _)| *known == name) {
            Some((_, allowed)) => *allowed,
            None if path.contains("/plugins/") => PLUGINS_MAY_DEPEND,
            None => continue,
        };
        for dependency in package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let wanted = dependency["name"].as_str().unwrap_or_default();
            let ours = dependency["path"].is_string();
            let for_tests = dependency["kind"] == "dev";
            if ours && !for_tests && !allowed.contains(&wanted) {
                problems.push(format!("{name}: may not depend on {wanted} (ARCHITECTURE.md)"));
            }
        }
    }
    Ok(())
}

/// The files that git knows, or would add, relative to the root.
fn tracked_files() -> Result<Vec<PathBuf>> {
    let listed = command::output(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(workspace::root()),
    )?;
    Ok(String::from_utf8_lossy(&listed).split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}
