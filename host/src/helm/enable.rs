//! Registers Windlass itself as a post-renderer of Helm 4: a plugin folder whose command is this very program.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::plugin_yaml::{self, POST_RENDERER, is_name};
use crate::env;
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_DOCUMENT;
use crate::text::quoted;

/// The name under which Helm finds the plugin, unless another is given.
pub const DEFAULT_NAME: &str = "windlass";

/// The word between the arguments that [`enable`] writes down and those that Helm adds.
const HELM_ARGS: &str = "--helm-args";

/// Whether Helm has started this process as a plugin: only then it sets these variables. Helm 4 shows nothing of what
/// such a process writes to stderr (helm/helm#31843).
pub fn is_under_helm() -> bool {
    [env::HELM_PLUGIN_NAME, env::HELM_PLUGIN_DIR].iter().all(|variable| variable.os().is_some())
}

/// A command line (the program first) as it would be without Helm 4 in between. Helm 3 starts a program, so its users
/// give `run` as the first of `--post-renderer-args`; a registered post-renderer says `run` already. One configuration
/// serves both when that word counts once, and a pipeline that is named there takes the place of the registered one.
pub fn command_line(mut arguments: Vec<OsString>, is_under_helm: bool) -> Vec<OsString> {
    if arguments.get(1).is_none_or(|command| command != "run") {
        return arguments;
    }
    let marker = arguments.iter().take_while(|word| *word != "--").position(|word| word == HELM_ARGS);
    let mut added = match marker {
        Some(at) => {
            let added = arguments.split_off(at + 1);
            arguments.truncate(at);
            added
        }
        None if is_under_helm => arguments.split_off(2),
        None => return arguments,
    };
    if added.first().is_some_and(|word| word == "run") {
        added.remove(0);
    }
    let names_a_pipeline =
        |word: &OsString| word.to_str().is_some_and(|word| word == "--pipeline" || word.starts_with("--pipeline="));
    if added.iter().take_while(|word| *word != "--").any(names_a_pipeline)
        && let Some(at) = arguments.iter().position(|word| word == "--pipeline")
    {
        arguments.drain(at..(at + 2).min(arguments.len()));
    }
    arguments.append(&mut added);
    arguments
}

/// What the registered post-renderer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The name for `helm template CHART --post-renderer NAME`.
    pub name: String,
    /// The arguments of `windlass run` that come before those of `--post-renderer-args`.
    pub arguments: Vec<String>,
    /// Helm's plugin folder.
    pub plugins_dir: PathBuf,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The plugin's folder.
    pub folder: PathBuf,
    /// False if it was all there already.
    pub changed: bool,
}

/// The folder Helm 4 looks in: the first of HELM_PLUGINS, else `plugins` of HELM_DATA_HOME, of XDG_DATA_HOME/helm, or
/// of the home's .local/share/helm (on macOS, Library/helm). Helm 3 looks in the same place.
///
/// # Errors
/// No variable says where it is and there is no home directory (exit 2).
pub fn plugins_dir() -> Result<PathBuf, Error> {
    if let Some(list) = env::HELM_PLUGINS.set() {
        // As Helm: a list, of which the first is where it installs to.
        if let Some(first) = std::env::split_paths(&list).find(|path| !path.as_os_str().is_empty()) {
            return Ok(first);
        }
    }
    let data =
        env::HELM_DATA_HOME.path().or_else(|| env::XDG_DATA_HOME.path().map(|data| data.join("helm"))).or_else(|| {
            let below = if cfg!(target_os = "macos") { "Library/helm" } else { ".local/share/helm" };
            env::HOME.path().map(|home| home.join(below))
        });
    match data {
        Some(data) => Ok(data.join("plugins")),
        None => Err(Error::usage("Helm's plugin folder is not known: neither HELM_PLUGINS nor HOME is set")
            .hint("name it with `--plugins-dir`")),
    }
}

/// Registers. Safe to repeat; what another program put there is left alone.
///
/// # Errors
/// A name or an argument that Helm would misread, a folder of the same name that is not ours, a name that another
/// plugin has, a folder that cannot be written (exit 2).
pub fn enable(registration: &Registration, program: &Path, replace: bool) -> Result<Registered, Error> {
    let Registration { name, arguments, plugins_dir } = registration;
    if !is_name(name) {
        return Err(Error::usage(format!("`{name}` cannot be the name of a Helm plugin"))
            .hint("names hold letters, digits, `-` and `_`"));
    }
    if let Some(argument) = arguments.iter().find(|argument| argument.contains('$')) {
        return Err(Error::usage(format!("Helm would replace the `$` in `{argument}`, and it cannot be escaped"))
            .hint("move the file to a path without `$`"));
    }
    refuse_same_name(plugins_dir, name)?;
    let folder = plugins_dir.join(name);
    let text = text(name, arguments);
    let file = folder.join("plugin.yaml");
    let link = folder.join("bin").join("windlass");
    if folder.exists() && !file.exists() {
        return Err(Error::usage(format!("{} is there already and is not a Helm plugin", folder.display()))
            .hint("give the plugin another name with `--name`"));
    }
    match input::read_text(&file, MAX_DOCUMENT) {
        Ok(there) if there == text && fs::read_link(&link).is_ok_and(|target| target == program) => {
            return Ok(Registered { folder, changed: false });
        }
        Ok(there) if !there.starts_with(OURS) && !replace => {
            return Err(Error::usage(format!("another plugin `{name}` is in {}", folder.display()))
                .hint("give this one another name with `--name`, or replace the other with `--force`"));
        }
        _ => {}
    }
    let unwritable = |error: io::Error| Error::usage(format!("{} cannot be written: {error}", folder.display()));
    fs::create_dir_all(folder.join("bin")).map_err(unwritable)?;
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
        _ => {}
    }
    // A link inside the plugin: Helm splits `command` at spaces before it expands variables, so a program below a
    // folder with a space in its name could not be written down.
    std::os::unix::fs::symlink(program, &link).map_err(unwritable)?;
    let beside = folder.join(".plugin.yaml.new");
    fs::write(&beside, &text).and_then(|()| fs::rename(&beside, &file)).map_err(unwritable)?;
    Ok(Registered { folder, changed: true })
}

/// The first line of every plugin.yaml that [`enable`] writes.
const OURS: &str = "# Written by `windlass helm enable`";

fn text(name: &str, arguments: &[String]) -> String {
    let mut list = vec!["\"run\"".to_owned()];
    list.extend(arguments.iter().map(|argument| quoted(argument)));
    if !arguments.is_empty() {
        list.push(format!("\"{HELM_ARGS}\""));
    }
    format!(
        "{OURS}; run it again to change it.\n\
         apiVersion: v1\n\
         name: \"{name}\"\n\
         type: {POST_RENDERER}\n\
         version: {}\n\
         runtime: subprocess\n\
         runtimeConfig:\n  \
           platformCommand:\n    \
             - command: ${{HELM_PLUGIN_DIR}}/bin/windlass\n      \
               args: [{}]\n",
        env!("CARGO_PKG_VERSION"),
        list.join(", ")
    )
}

/// Two plugins of one name in one folder make Helm 4 refuse every plugin of that folder.
fn refuse_same_name(plugins_dir: &Path, name: &str) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(plugins_dir) else { return Ok(()) };
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.file_name() != *name) {
        let file = entry.path().join("plugin.yaml");
        let other = input::read_text(&file, MAX_DOCUMENT).ok().and_then(|text| plugin_yaml::name_of_any(&text));
        if other.as_deref() == Some(name) {
            return Err(Error::usage(format!("{} is already named `{name}`", entry.path().display()))
                .hint("Helm refuses a folder with two plugins of one name: choose another with `--name`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_enable_writes_is_what_helm_reads() {
        let arguments = ["--pipeline".to_owned(), "/a folder/\"x\"/windlass.yaml".to_owned()];
        let read = plugin_yaml::read(&text("1", &arguments)).expect("a valid plugin.yaml");
        assert_eq!((read.name.as_str(), read.version.to_string().as_str()), ("1", env!("CARGO_PKG_VERSION")));
        let expected = r#"args: ["run", "--pipeline", "/a folder/\"x\"/windlass.yaml", "--helm-args"]"#;
        assert!(text("1", &arguments).contains(expected));
    }

    #[test]
    fn the_word_run_counts_once() {
        let check = |line: &str, is_under_helm: bool, expected: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            let found = command_line(words, is_under_helm).join(std::ffi::OsStr::new(" "));
            assert_eq!(found.to_str(), Some(expected), "{line}");
        };
        check("w run run --pipeline a", true, "w run --pipeline a");
        check("w run run --pipeline a", false, "w run run --pipeline a");
        check("w run run run", true, "w run run");
        check("w run x --set run", true, "w run x --set run");
        check("w run --pipeline a --helm-args", true, "w run --pipeline a");
        check("w run --pipeline a --helm-args run --quiet", true, "w run --pipeline a --quiet");
        check("w run --locked --pipeline a --helm-args run --pipeline=b", true, "w run --locked --pipeline=b");
        check("w run x --helm-args run -- --pipeline", true, "w run x -- --pipeline");
        check("w diff run", true, "w diff run");
        check("w run x -- --helm-args run", false, "w run x -- --helm-args run");
        check("w", true, "w");
    }

    #[test]
    fn enable_is_safe_to_repeat_and_leaves_others_alone() {
        let plugins = tempfile::tempdir().expect("a temporary folder");
        let program = Path::new("/opt/with space/windlass");
        let mut registration = Registration {
            name: "windlass".to_owned(),
            arguments: Vec::new(),
            plugins_dir: plugins.path().join("new").join("plugins"),
        };
        let enabled = |registration: &Registration, replace: bool| {
            enable(registration, program, replace)
                .map(|registered| registered.changed)
                .map_err(|error| error.message().replace(&plugins.path().display().to_string(), "DIR"))
        };
        assert_eq!(enabled(&registration, false), Ok(true));
        assert_eq!(enabled(&registration, false), Ok(false));
        registration.arguments = vec!["label-injector".to_owned()];
        assert_eq!(enabled(&registration, false), Ok(true), "ours may be changed");
        let file = registration.plugins_dir.join("windlass/plugin.yaml");
        assert!(fs::read_to_string(&file).expect("written").contains("\"label-injector\""));
        assert_eq!(fs::read_link(file.with_file_name("bin").join("windlass")).expect("a link"), program);

        fs::write(&file, "apiVersion: v1\nname: windlass\n").expect("writable");
        assert_eq!(
            enabled(&registration, false),
            Err("another plugin `windlass` is in DIR/new/plugins/windlass".to_owned())
        );
        assert_eq!(enabled(&registration, true), Ok(true));

        registration.name = "mine".to_owned();
        fs::write(&file, "apiVersion: v1\nname: mine\ntype: cli/v1\n").expect("writable");
        assert_eq!(enabled(&registration, false), Err("DIR/new/plugins/windlass is already named `mine`".to_owned()));
        registration.name = "a/b".to_owned();
        assert_eq!(enabled(&registration, false), Err("`a/b` cannot be the name of a Helm plugin".to_owned()));
    }
}
