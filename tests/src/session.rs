//! Terminal sessions in Markdown files, as tests: what a document shows is what happens.
//!
//! A fenced block marked `console` is a session. Lines that start with `$ ` are commands; a command goes on over lines
//! that end with `\`. The lines up to the next command are what it prints, stdout and stderr together.
//!
//! - ```` ```console ```` runs in the repository's root.
//! - ```` ```console tmp ```` runs in a scratch folder, the same one for all such blocks of the file; what one block
//!   makes, the next one finds.
//! - ```` ```console skip ```` is not run; say why in the text around it.
//!
//! In the expected lines, `...` alone on a line stands for any number of lines, and `[..]` for anything within a line.
//! A command that fails must show what it prints. `WINDLASS_BLESS=1` writes what was printed into the file.

use crate::sandbox::Sandbox;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::command::feed;
use xtask::workspace;

/// A command of a session and what it must print.
#[derive(Debug, PartialEq, Eq)]
struct SessionLine {
    /// The line of the command in the file, from 1.
    line: usize,
    command: String,
    /// The expected lines, and the range of lines (from 0) that they take in the file.
    expected: Vec<String>,
    range: std::ops::Range<usize>,
}

/// Where a block runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Scratch,
    Nowhere,
}

/// A block of a file.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    place: Place,
    steps: Vec<SessionLine>,
}

/// Runs every session of a file, and fails when one prints something else.
///
/// # Panics
/// A session does not hold; the message shows the file, the line, and both texts.
pub fn check(file: &Path) {
    let (problems, corrections) = run(file);
    if problems.is_empty() {
        return;
    }
    if std::env::var_os("WINDLASS_BLESS").is_none_or(|value| value != "1") {
        panic!("\n{problems}`WINDLASS_BLESS=1` writes what was printed into the file");
    }
    let text = std::fs::read_to_string(file).expect("the file was just read");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (range, printed) in corrections.into_iter().rev() {
        lines.splice(range, printed);
    }
    std::fs::write(file, lines.join("\n") + "\n").expect("the file can be written");
}

/// Whether every session of a file is true.
///
/// # Panics
/// The file cannot be read.
#[must_use]
pub fn is_true(file: &Path) -> bool {
    run(file).0.is_empty()
}

/// What a person needs to see, and the lines that would make the file true.
type Findings = (String, Vec<(std::ops::Range<usize>, Vec<String>)>);

/// Runs every session of a file.
fn run(file: &Path) -> Findings {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let blocks = blocks(&text.lines().map(str::to_owned).collect::<Vec<_>>());
    let (mut problems, mut corrections) = (String::new(), Vec::new());
    if blocks.iter().all(|block| block.place == Place::Nowhere) {
        return (problems, corrections);
    }
    let sandbox = Sandbox::new();
    let scratch = sandbox.path().join("scratch");
    std::fs::create_dir(&scratch).expect("a scratch folder");
    for block in blocks {
        let folder = match block.place {
            Place::Root => workspace::root(),
            Place::Scratch => &scratch,
            Place::Nowhere => continue,
        };
        for (step, (printed, code)) in block.steps.iter().zip(play(&sandbox, folder, &block.steps)) {
            let silent_failure = code != 0 && step.expected.is_empty();
            if matches(&step.expected, &printed) && !silent_failure {
                continue;
            }
            let _ = writeln!(
                problems,
                "{}:{}: $ {} (exit code {code})\n--- expected\n{}\n--- printed\n{}\n",
                file.display(),
                step.line,
                step.command,
                step.expected.join("\n"),
                printed.join("\n")
            );
            corrections.push((step.range.clone(), printed));
        }
    }
    (problems, corrections)
}

/// The sessions of a file.
fn blocks(lines: &[String]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut index = 0;
    while let Some(line) = lines.get(index) {
        index += 1;
        let place = match line.trim_end() {
            "```console" => Place::Root,
            "```console tmp" => Place::Scratch,
            "```console skip" => Place::Nowhere,
            _ => continue,
        };
        let end =
            index + lines[index..].iter().position(|line| line.trim_end() == "```").unwrap_or(lines.len() - index);
        blocks.push(Block { place, steps: steps(lines, index, end) });
        index = end + 1;
    }
    blocks
}

/// The commands between two lines.
fn steps(lines: &[String], start: usize, end: usize) -> Vec<SessionLine> {
    let mut steps: Vec<SessionLine> = Vec::new();
    let mut index = start;
    while index < end {
        let line = &lines[index];
        if let Some(command) = line.strip_prefix("$ ") {
            let number = index + 1;
            let mut command = command.to_owned();
            while command.ends_with('\\') && index + 1 < end {
                index += 1;
                command.push('\n');
                command.push_str(&lines[index]);
            }
            steps.push(SessionLine { line: number, command, expected: Vec::new(), range: index + 1..index + 1 });
        } else if let Some(step) = steps.last_mut() {
            step.expected.push(line.clone());
            step.range.end = index + 1;
        }
        index += 1;
    }
    steps
}

/// Runs the commands of a block in one shell; what each printed, and its exit code.
fn play(sandbox: &Sandbox, folder: &Path, steps: &[SessionLine]) -> Vec<(Vec<String>, i32)> {
    // The mark cannot come from a command by accident, and tells the exit code of the command before it.
    const MARK: &str = "\u{1}end of command ";
    let mut script = String::from("exec 2>&1\n");
    for step in steps {
        // `$?` of the step before stays visible, so that a session can say `echo $?`.
        let _ = writeln!(script, "(exit ${{last:-0}})\n{}\nlast=$?; printf '%s%s\\n' '{MARK}' \"$last\"", step.command);
    }
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]);
    sandbox.apply(&mut bash).current_dir(folder);
    let finished = feed(&mut bash, b"").expect("bash starts");
    let printed = String::from_utf8_lossy(&finished.stdout).into_owned();
    let mut results = Vec::new();
    let mut rest = printed.as_str();
    for _ in steps {
        let (output, after) = rest.split_once(MARK).unwrap_or((rest, "127\n"));
        let (code, after) = after.split_once('\n').unwrap_or((after, ""));
        results.push((output.lines().map(|line| line.trim_end().to_owned()).collect(), code.parse().unwrap_or(127)));
        rest = after;
    }
    results
}

/// Whether the printed lines are the expected ones.
fn matches(expected: &[String], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first.trim() == "..." => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, after)| line_matches(first.trim_end(), line) && matches(rest, after)),
    }
}

/// Whether a line is the expected one, where `[..]` stands for anything.
fn line_matches(expected: &str, line: &str) -> bool {
    match expected.split_once("[..]") {
        None => expected == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_matches(after, &rest[at..]))
        }),
    }
}

/// The Markdown files of the repository that may hold sessions.
///
/// # Panics
/// A folder cannot be read.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let mut folders = vec![workspace::root().to_owned()];
    folders.extend(workspace::folders(&workspace::root().join("plugins")).expect("the plugins"));
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::{Place, blocks, line_matches, matches};

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn commands_and_their_output_are_told_apart() {
        let found = blocks(&lines("text\n```console tmp\n$ echo \\\n  a\na\n$ true\n```\n```sh\n$ no\n```"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, Place::Scratch);
        assert_eq!(found[0].steps.len(), 2);
        assert_eq!(found[0].steps[0].command, "echo \\\n  a");
        assert_eq!(found[0].steps[0].expected, ["a"]);
        assert_eq!(found[0].steps[0].range, 4..5);
        assert_eq!(found[0].steps[1].expected, [""; 0]);
    }

    #[test]
    fn dots_stand_for_lines() {
        assert!(matches(&lines("a\n...\nz"), &lines("a\nb\nc\nz")));
        assert!(matches(&lines("a\n..."), &lines("a")));
        assert!(!matches(&lines("a\n...\nz"), &lines("a\nb")));
        assert!(!matches(&lines("a"), &lines("a\nb")));
    }

    #[test]
    fn bracketed_dots_stand_for_text() {
        assert!(line_matches("sha256:[..] (12 bytes)", "sha256:abc (12 bytes)"));
        assert!(line_matches("[..]", ""));
        assert!(!line_matches("sha256:[..] (12 bytes)", "sha256:abc (13 bytes)"));
    }
}
