//! A post-renderer that cannot move yet, kept as it is: a plugin folder for Helm 4's subprocess runtime that runs it as
//! Helm 3 did.
//!
//! Helm 4 takes a plugin instead of a path, throws away what a plugin says and refuses an answer without objects. So
//! the plugin starts Windlass, which starts the program: with the same arguments and folder, no sandbox and no limits
//! but one on the size of its answer. What it says and how it ends is kept for `windlass why`.

use std::fs;
use std::io::{Read, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use super::scene::{copy_bounded, is_executable};
use crate::error::Error;
use crate::helm::plugin_yaml;
use crate::input;
use crate::limits::table::{MAX_DOCUMENT, MAX_STREAM};
use crate::sandbox::stream;

/// What is kept of what the program says.
const MAX_MESSAGES: usize = 64 << 10;
/// The most files beside a script that its text may name.
const MAX_NAMED: usize = 200;

/// A plugin folder that was written.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The plugin's name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// What lies in it beside plugin.yaml and the README, relative to `files`.
    pub files: Vec<String>,
}

/// Writes the plugin `name` into `folder`: `script`, the files beside it that its text names, and `more`; `arguments`
/// come before those that Helm is given.
///
/// # Errors
/// A name that Helm does not take, a script that is none, a folder that is there, files that cannot be copied.
pub fn keep(
    script: &Path,
    name: Option<&str>,
    folder: Option<&Path>,
    more: &[PathBuf],
    arguments: &[String],
) -> Result<Kept, Error> {
    let file = script.canonicalize().ok().filter(|file| file.is_file()).ok_or_else(|| {
        Error::usage(format!("{} is no file", script.display())).hint("give the post-renderer's file")
    })?;
    let beside = file.parent().unwrap_or(Path::new("/")).to_owned();
    let base = file.file_name().map(|base| base.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match name {
        Some(name) => name.to_owned(),
        None => name_of(&base),
    };
    if !plugin_yaml::is_name(&name) {
        return Err(Error::usage(format!("`{name}` is no plugin's name"))
            .hint("letters, digits, `-` and `_`: choose one with `--name`"));
    }
    let folder = folder.map_or_else(|| PathBuf::from(&name), Path::to_owned);
    if folder.exists() {
        return Err(Error::usage(format!("{} is there already", folder.display()))
            .hint("take it away, or choose another place with `--out`"));
    }
    let mut files = vec![base.clone()];
    if let Ok(text) = input::read_text(&file, MAX_DOCUMENT) {
        files.extend(named_beside(&text, &beside, &base));
    }
    for path in more {
        let place = path.canonicalize().ok().and_then(|path| Some(path.strip_prefix(&beside).ok()?.to_owned()));
        let place = place.ok_or_else(|| {
            Error::usage(format!("{} is not in the folder of the script", path.display()))
                .hint("what the script reads elsewhere must be there on every machine")
        })?;
        files.push(place.display().to_string());
    }
    files.sort();
    files.dedup();
    let inside = folder.join("files");
    let unwritable = |error: std::io::Error| Error::usage(format!("{} cannot be written: {error}", folder.display()));
    fs::create_dir_all(&inside).map_err(unwritable)?;
    for place in &files {
        copy_bounded(&beside.join(place), &inside.join(place))
            .map_err(|why| Error::usage(format!("{} cannot be copied: {why}", beside.join(place).display())))?;
    }
    fs::write(folder.join("plugin.yaml"), yaml(&name, &base, arguments)).map_err(unwritable)?;
    fs::write(folder.join("README.md"), readme(&name, &base, &files)).map_err(unwritable)?;
    Ok(Kept { name, folder, files })
}

fn name_of(base: &str) -> String {
    let stem = base.split('.').find(|part| !part.is_empty()).unwrap_or_default();
    let name: String = stem
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') { letter } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "kept".to_owned() } else { name.to_owned() }
}

/// The files and folders beside a script that its text names, by their places. It is a guess that errs on neither side
/// for long: `windlass port compare` shows what is missing.
fn named_beside(text: &str, beside: &Path, own: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '/');
    let mut found = Vec::new();
    for word in text.split(|letter: char| !is_part(letter)) {
        let word = word.trim_matches('/').trim_start_matches("./").trim_end_matches('.');
        let path = Path::new(word);
        let goes_down = path.components().all(|part| matches!(part, Component::Normal(_)));
        if word.is_empty() || word == own || !goes_down || found.iter().any(|known| known == word) {
            continue;
        }
        let place = beside.join(path);
        // A link may lead anywhere.
        let is_inside = place.canonicalize().is_ok_and(|place| place.starts_with(beside) && place != *beside);
        if is_inside {
            found.push(word.to_owned());
        }
        if found.len() >= MAX_NAMED {
            break;
        }
    }
    found
}

/// A text in YAML, whatever it holds.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn yaml(name: &str, base: &str, arguments: &[String]) -> String {
    let script = quoted(&format!("${{HELM_PLUGIN_DIR}}/files/{base}"));
    // Helm expands variables in arguments: a dollar of the user's own stays one.
    let arguments: String =
        arguments.iter().map(|argument| format!("        - {}\n", quoted(&argument.replace('$', "$$")))).collect();
    format!(
        "# Made by `windlass port keep`: it runs the program as Helm 3 did, outside of any sandbox.\n\
         apiVersion: v1\nname: {}\ntype: postrenderer/v1\nversion: 0.1.0\nruntime: subprocess\nruntimeConfig:\n  platformCommand:\n    \
         - command: windlass\n      args:\n        - port\n        - run-kept\n        - {script}\n        - --\n{arguments}",
        quoted(name)
    )
}

fn readme(name: &str, base: &str, files: &[String]) -> String {
    let list: String = files.iter().map(|file| format!("- `files/{file}`\n")).collect();
    format!(
        "# {name}\n\nA post-renderer of Helm 3, kept as it was, as a plugin of Helm 4. It runs outside of any sandbox, with all rights of whoever\n\
         runs Helm.\n\n```console\n$ helm plugin install ./{name}\n$ helm upgrade --install web ./chart --post-renderer {name}\n```\n\n\
         Arguments are given as before, with `--post-renderer-args`. Under Helm 3: `--post-renderer ./{name}/files/{base}`.\n\n\
         Helm 4 hides what the program says. `windlass why` shows it, and how the program ended.\n\n\
         It needs `windlass` on the path, and whatever the program itself needs. It comes with:\n\n{list}\n\
         To get rid of it: `windlass port convert`, then `windlass port compare --old ./files/{base} --new windlass.yaml --input STREAM`.\n"
    )
}

/// Runs a kept program on standard input, as Helm 3 did, and hands back its answer.
///
/// # Errors
/// It cannot be started, or it fails: with what it said.
pub fn run(script: &Path, arguments: &[String]) -> Result<Vec<u8>, Error> {
    let shown = script.file_name().unwrap_or(script.as_os_str()).to_string_lossy().into_owned();
    let mut command = match is_executable(script) {
        true => Command::new(script),
        false => {
            let mut shell = Command::new("sh");
            shell.arg(script);
            shell
        }
    };
    command.args(arguments).stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        Error::usage(format!("{shown} cannot be started: {error}"))
            .hint("its first line names the interpreter, which must be installed here")
    })?;
    let messages = child.stderr.take().map(|pipe| thread::spawn(move || pass_on(pipe)));
    let answer = child.stdout.take().map(|pipe| input::read_to_limit(pipe, MAX_STREAM, 0));
    let status = child.wait().map_err(|error| Error::usage(format!("{shown} was lost: {error}")))?;
    let said = messages.and_then(|messages| messages.join().ok()).unwrap_or_default();
    if !status.success() {
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let last = if last.is_empty() { String::new() } else { format!(": {last}") };
        return Err(Error::refused(format!("{shown} ended with {status}{last}")).detail(said));
    }
    let answer = answer.unwrap_or_else(|| Ok(Vec::new()));
    let answer = answer.map_err(|error| Error::limit(format!("the answer of {shown} cannot be read: {error}")))?;
    // Helm 3 took an answer without objects, Helm 4 takes none without a byte.
    Ok(if answer.is_empty() || stream::is_empty(&answer) { b"# empty\n".to_vec() } else { answer })
}

/// Hands messages on as they come and keeps the last of them.
fn pass_on(mut pipe: impl Read) -> String {
    let mut kept: Vec<u8> = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut piece) {
        let piece = piece.get(..length).unwrap_or_default();
        // Nobody may be there to read it.
        let _ = std::io::stderr().write_all(piece);
        kept.extend_from_slice(piece);
        if kept.len() > 2 * MAX_MESSAGES {
            kept.drain(..kept.len() - MAX_MESSAGES);
        }
    }
    String::from_utf8_lossy(kept.get(kept.len().saturating_sub(MAX_MESSAGES)..).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_is_one_that_helm_reads_and_takes_what_the_script_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::create_dir_all(place("overlays/prod")).expect("made");
        fs::write(place("overlays/prod/kustomization.yaml"), "{}\n").expect("written");
        fs::write(place("secret.txt"), "x").expect("written");
        fs::write(place("more.txt"), "x").expect("written");
        std::os::unix::fs::symlink("/etc/passwd", place("link")).expect("linked");
        let script = "#!/bin/sh\ncat > all.yaml\n. ./link ../x\nkustomize build \"$(dirname \"$0\")/overlays/prod\"\n";
        fs::write(place("post render.sh"), script).expect("written");
        let out = place("out");
        let arguments = ["a b".to_owned(), "$HOME\n".to_owned()];
        let kept =
            keep(&place("post render.sh"), None, Some(&out), &[place("more.txt")], &arguments).expect("it is kept");
        assert_eq!(kept.name, "post-render");
        assert_eq!(kept.files, ["more.txt", "overlays/prod", "post render.sh"]);
        assert!(out.join("files/overlays/prod/kustomization.yaml").is_file());
        let yaml = fs::read_to_string(out.join("plugin.yaml")).expect("written");
        let read = plugin_yaml::read(&yaml).unwrap_or_else(|misread| panic!("{}: {yaml}", misread.message));
        assert!(read.has_command && read.name == "post-render", "{yaml}");
        assert!(yaml.contains("- \"a b\"\n") && yaml.contains("- \"$$HOME\\n\"\n"), "{yaml}");
        assert!(keep(&place("post render.sh"), None, Some(&out), &[], &[]).is_err(), "it would write over a folder");
    }

    #[test]
    fn a_kept_program_fails_with_what_it_said_and_may_answer_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("run");
        let check = |text: &str, expected: Result<&str, &str>| {
            fs::write(&script, text).expect("written");
            let found = run(&script, &["one".to_owned()]);
            let found = found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(found.as_deref().map_err(Error::message), expected);
        };
        check("echo \"kind: $1\"", Ok("kind: one\n"));
        check("echo hidden >&2", Ok("# empty\n"));
        check("echo why >&2; exit 3", Err("run ended with exit status: 3: why"));
    }
}
