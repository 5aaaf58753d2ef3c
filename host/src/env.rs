//! The environment: every variable that Windlass reads stands in one table, which is also its documentation
//! (`docs/environment.md`). Nothing else in the host reads one; clippy holds that.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::secrets::Secrets;

/// Whose variable it is, which is how the documentation is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Ours.
    Windlass,
    /// Helm's, which it sets for plugins or reads itself.
    Helm,
    /// The system's: the XDG base directories, the terminal, other programs.
    System,
    /// Read by a library that Windlass is built with.
    Library,
}

/// A variable of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whose it is.
    pub owner: Owner,
    /// What it says.
    pub says: &'static str,
    /// Who reads it.
    pub read_by: &'static str,
    /// What holds where it is unset.
    pub default: &'static str,
    /// Whether its value may be a secret, which no message and no record shows.
    pub is_secret: bool,
}

macro_rules! variables {
    ($($owner:ident $id:ident = $name:literal: $says:literal, read by $read_by:literal, else $default:literal
        $(, $secret:ident)?;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $says, ".")]
            pub const $id: Variable = Variable {
                name: $name,
                owner: Owner::$owner,
                says: $says,
                read_by: $read_by,
                default: $default,
                is_secret: !stringify!($($secret)?).is_empty(),
            };
        )*
        /// Every variable, in the order of the documentation.
        pub const TABLE: &[Variable] = &[$($id),*];
    };
}

variables! {
    Windlass CACHE_DIR = "WINDLASS_CACHE_DIR": "the folder of compiled plugins and of what was fetched, as an absolute path",
        read by "every command that runs or fetches plugins", else "`windlass` in `XDG_CACHE_HOME`";
    Windlass OFFLINE = "WINDLASS_OFFLINE": "unless empty or `0`, no registry is contacted, and toolchains are started offline",
        read by "every command that fetches or sends plugins, `build`", else "the network is used";
    Windlass REQUIRE_INPUT = "WINDLASS_REQUIRE_INPUT": "`1`: a stream without objects is an error (as `--require-input`); \
        `0`: it is none",
        read by "`run`", else "it is an error where `ARGOCD_APP_NAME` is set";
    Windlass LOG = "WINDLASS_LOG": "the least level of plugins' log lines and findings that is shown, where no flag can be \
        given: `trace`, `debug`, `info`, `warn`, `error` or `off` (as `--log-level`)",
        read by "`run`, `diff`", else "`warn`";
    Windlass BLESS = "WINDLASS_BLESS": "`1`: the answers of a plugin become the expected ones of its cases",
        read by "`test`", else "the two are compared";
    Helm HELM_PLUGIN_NAME = "HELM_PLUGIN_NAME": "set, with `HELM_PLUGIN_DIR`, where Helm started this process as a plugin: \
        stderr is then kept for `why`, as Helm 4 shows nothing of it",
        read by "`run`, `why`", else "a person or a pipe started it";
    Helm HELM_PLUGIN_DIR = "HELM_PLUGIN_DIR": "see `HELM_PLUGIN_NAME`", read by "`run`", else "the same";
    Helm HELM_PLUGINS = "HELM_PLUGINS": "Helm's folders of plugins, the first of which is written to",
        read by "`helm enable`", else "`plugins` in `HELM_DATA_HOME`";
    Helm HELM_DATA_HOME = "HELM_DATA_HOME": "Helm's data", read by "`helm enable`",
        else "`helm` in `XDG_DATA_HOME` (macOS: `~/Library/helm`)";
    Helm HELM_CONFIG_HOME = "HELM_CONFIG_HOME": "Helm's configuration, with its credentials for registries",
        read by "every command that contacts a registry",
        else "`helm` in `XDG_CONFIG_HOME` (macOS: `~/Library/Preferences/helm`)";
    Helm HELM_REGISTRY_CONFIG = "HELM_REGISTRY_CONFIG": "Helm's file of credentials for registries",
        read by "every command that contacts a registry", else "`registry/config.json` in `HELM_CONFIG_HOME`";
    Helm HELM_NAMESPACE = "HELM_NAMESPACE": "the namespace of a release", read by "`wait`, `status`", else "the context's";
    Helm HELM_KUBECONTEXT = "HELM_KUBECONTEXT": "the context of the kubeconfig",
        read by "every command that contacts a cluster", else "the current one";
    Helm HELM_DRIVER = "HELM_DRIVER": "where Helm keeps releases: `secret` or `configmap`", read by "`wait`, `status`",
        else "both are looked into";
    System HOME = "HOME": "the home directory, as an absolute path", read by "whatever keeps a file", else "there is none";
    System XDG_CACHE_HOME = "XDG_CACHE_HOME": "the folder of caches, as an absolute path",
        read by "every command that runs or fetches plugins", else "`~/.cache`";
    System XDG_CONFIG_HOME = "XDG_CONFIG_HOME": "the folder of configuration: the user's trust policy is \
        `windlass/policy.yaml` there", read by "every command that opens a plugin", else "`~/.config`";
    System XDG_DATA_HOME = "XDG_DATA_HOME": "the folder of data: installed plugins are in `windlass/plugins` there",
        read by "`install`, `list`, `uninstall`, every command that opens a plugin by its name", else "`~/.local/share`";
    System XDG_STATE_HOME = "XDG_STATE_HOME": "the folder of state: the record of the last failure, and the key of the cache",
        read by "every command that runs plugins, `why`", else "`~/.local/state`";
    System DOCKER_CONFIG = "DOCKER_CONFIG": "Docker's folder of configuration, with its credentials for registries",
        read by "every command that contacts a registry", else "`~/.docker`";
    System ARGOCD_APP_NAME = "ARGOCD_APP_NAME": "set by Argo CD for its plugins: a stream without objects, which would \
        delete an application, is then an error", read by "`run`", else "it is a warning";
    System NO_COLOR = "NO_COLOR": "unless empty, no colour", read by "every command", else "colour on terminals";
    System TERM = "TERM": "`dumb`: no colour", read by "every command", else "colour on terminals";
    System COLUMNS = "COLUMNS": "how wide output is, where it is no terminal", read by "every command that writes tables",
        else "100";
    System CARGO = "CARGO": "the cargo to start", read by "`build`, `test`, `dev`", else "`cargo` by `PATH`";
    System CARGO_HOME = "CARGO_HOME": "cargo's folder, whose name is kept out of modules", read by "`build`, `test`, `dev`",
        else "`~/.cargo`";
    System HTTP_PROXY = "HTTP_PROXY": "the proxy for `http` (also `http_proxy`); `NO_PROXY` names who is reached without",
        read by "every command that contacts a registry; plugins never use a proxy", else "none", secret;
    System HTTPS_PROXY = "HTTPS_PROXY": "the proxy for `https` (also `https_proxy`)",
        read by "every command that contacts a registry", else "none", secret;
    System ALL_PROXY = "ALL_PROXY": "the proxy for both (also `all_proxy`)",
        read by "every command that contacts a registry", else "none", secret;
    Library NO_PROXY = "NO_PROXY": "hosts that are reached without a proxy", read by "reqwest", else "none";
    Library KUBECONFIG = "KUBECONFIG": "the kubeconfig", read by "kube, in every command that contacts a cluster",
        else "`~/.kube/config`, or the pod's own account";
    Library SSL_CERT_FILE = "SSL_CERT_FILE": "a file of certificate authorities that are trusted besides `SSL_CERT_DIR`",
        read by "rustls", else "the system's";
    Library SSL_CERT_DIR = "SSL_CERT_DIR": "a folder of such files", read by "rustls", else "the system's";
    Library TMPDIR = "TMPDIR": "the folder of temporary files", read by "tempfile", else "`/tmp`";
}

impl Variable {
    /// Its value; none where it is unset.
    #[must_use]
    pub fn os(&self) -> Option<OsString> {
        any(self.name)
    }

    /// Its value, unless it is empty.
    #[must_use]
    pub fn set(&self) -> Option<OsString> {
        self.os().filter(|value| !value.is_empty())
    }

    /// Its value as a path, unless it is empty.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.set().map(PathBuf::from)
    }

    /// Its value as an absolute path. As the XDG specification says, one that is not counts as unset.
    #[must_use]
    pub fn absolute_path(&self) -> Option<PathBuf> {
        self.path().filter(|path| path.is_absolute())
    }

    /// Its text, unless that is blank or not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.os()?.into_string().ok().filter(|value| !value.trim().is_empty())
    }

    /// Whether it says yes: neither unset, empty nor `0`.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.set().is_some_and(|value| value != "0")
    }
}

/// The value of a variable that a person named: of a grant (`--allow-env NAME`), or another spelling of one in the
/// table.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one door to the environment")]
pub fn any(name: &str) -> Option<OsString> {
    // A name with `=` or NUL is never set, and some systems abort over one.
    let is_name = !name.is_empty() && !name.contains(['=', '\0']);
    if is_name { std::env::var_os(name) } else { None }
}

/// The values that may be secrets.
pub(crate) fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    for variable in TABLE.iter().filter(|variable| variable.is_secret) {
        let spellings = [variable.os(), any(&variable.name.to_ascii_lowercase())];
        spellings
            .into_iter()
            .flatten()
            .filter_map(|value| value.into_string().ok())
            .for_each(|value| secrets.add(&value));
    }
    secrets
}

/// The table as Markdown, which is `docs/environment.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = "# Environment variables\n\nEvery variable that Windlass reads, from the table that it reads them by \
                    (`host/src/env.rs`). A flag of the\nsame meaning wins. A plugin sees none of them: it reads what \
                    `--allow-env NAME` or `env` in `windlass.yaml` grants, and\nthe value of what was granted is kept out \
                    of every record, as are those marked as secret here.\n"
        .to_owned();
    for (title, owner) in [
        ("Windlass's own", Owner::Windlass),
        ("Helm's", Owner::Helm),
        ("The system's", Owner::System),
        ("Read by libraries", Owner::Library),
    ] {
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "\n## {title}\n\n| variable | says | read by | where it is unset | secret |\n|---|---|---|---|---|\n"
        );
        for Variable { name, says, read_by, default, is_secret, .. } in TABLE.iter().filter(|row| row.owner == owner) {
            let secret = if *is_secret { "may be" } else { "" };
            let _ = writeln!(text, "| `{name}` | {says} | {read_by} | {default} | {secret} |");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    /// The names of variables of Windlass and Helm that are texts of their own in a source.
    fn names(text: &str) -> impl Iterator<Item = &str> {
        let is_ours = |part: &&str| {
            ["WINDLASS_", "HELM_"].iter().any(|prefix| part.starts_with(prefix))
                && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        text.split('"').filter(is_ours)
    }

    fn sources(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                sources(&entry, found);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&entry).expect("a source");
                found.push((entry, text));
            }
        }
    }

    #[test]
    fn no_variable_is_read_beside_the_table() {
        let mut found = Vec::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 50);
        for (path, text) in found.iter().filter(|(path, _)| !path.ends_with("src/env.rs")) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for call in ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("] {
                assert!(!code.contains(call), "{}: `{call}` reads beside host/src/env.rs", path.display());
            }
            let known = names(code).next();
            assert_eq!(known, None, "{}: a variable that belongs into host/src/env.rs", path.display());
        }
    }

    #[test]
    fn every_variable_is_there_once() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(TABLE[at + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
