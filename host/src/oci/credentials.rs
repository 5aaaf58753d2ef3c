//! Who we are to a registry: read from, and written to, the files that Helm and Docker keep.
//!
//! The order is Helm's (`pkg/registry`, oras-go's credential store): Helm's `registry/config.json`, then Docker's
//! `config.json`; in each, a helper for this very host, then the file's general helper, then the entry in the file.
//! Secrets are passed to helpers on stdin, never as arguments, and no type here prints them.
//!
//! An entry may be for a part of a registry only (`HOST/team-a`, as podman writes them: containers-auth.json(5)): the
//! longest path that a repository is in wins, before any helper, as helpers know hosts alone; what is for another path
//! is never sent.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::env;
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_KEY_FILE;
use crate::source::RegistryHost;

/// The key under which Docker Hub's credentials are kept, whatever name its registry goes by.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// A text that is not printed: not by `Debug`, not in errors, not in JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// What we show a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A name and a password.
    Password {
        /// The user's name.
        username: String,
        /// The password or access token.
        password: Secret,
    },
    /// A refresh token, exchanged at the registry's token server (`identitytoken`).
    Identity(Secret),
    /// A token for the registry itself (`registrytoken`).
    Bearer(Secret),
}

/// The credential files, in the order they are asked.
#[derive(Clone, Debug)]
pub struct CredentialFiles {
    files: Vec<PathBuf>,
}

impl CredentialFiles {
    /// `explicit` (`--registry-config`) alone, or Helm's file followed by Docker's.
    #[must_use]
    pub fn locate(explicit: Option<&Path>) -> Self {
        let files = match explicit {
            Some(path) => vec![path.to_owned()],
            None => helm_file().into_iter().chain(docker_file()).collect(),
        };
        Self { files }
    }

    /// The credential for a repository of a registry, if one of the files has one. The repository is empty for the
    /// registry as a whole.
    ///
    /// # Errors
    /// When a file or a helper that is named in it cannot be used; a missing file is none.
    pub fn find(&self, registry: &str, repository: &str) -> Result<Option<Credential>, Error> {
        for file in &self.files {
            if let Some(config) = read_config(file)?
                && let Some(credential) = find_in(&config, file, registry, repository)?
            {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// Keeps a credential in the first file, or in the helper that it names. Returns where it went.
    ///
    /// # Errors
    /// When the file cannot be written, or the helper fails.
    pub fn store(&self, place: &Place, username: &str, password: &Secret) -> Result<String, Error> {
        let file = self.first()?;
        let mut config = read_config(file)?.unwrap_or_default();
        if let Some(helper) = helper_of(&config, place) {
            let message = json!({"ServerURL": place.key(), "Username": username, "Secret": password.reveal()});
            run_helper(&helper, "store", &message.to_string())?;
            return Ok(format!("the credential helper {helper}"));
        }
        let auth = BASE64.encode(format!("{username}:{}", password.reveal()));
        let auths = config.entry("auths").or_insert_with(|| json!({}));
        let auths = auths.as_object_mut().ok_or_else(|| malformed(file, "`auths` is not a map"))?;
        auths.insert(place.key(), json!({ "auth": auth }));
        write_config(file, &config)?;
        Ok(file.display().to_string())
    }

    /// Forgets the credential of a place in the first file or its helper, and no other's. Returns whether there was
    /// one.
    ///
    /// # Errors
    /// When the file cannot be written, or the helper fails.
    pub fn erase(&self, place: &Place) -> Result<bool, Error> {
        let file = self.first()?;
        let Some(mut config) = read_config(file)? else { return Ok(false) };
        let mut found = false;
        if let Some(helper) = helper_of(&config, place) {
            run_helper(&helper, "erase", &place.key())?;
            found = true;
        }
        if let Some(auths) = config.get_mut("auths").and_then(Value::as_object_mut) {
            let before = auths.len();
            auths.retain(|key, _| Place::of_key(key) != *place);
            if auths.len() != before {
                write_config(file, &config)?;
                found = true;
            }
        }
        Ok(found)
    }

    fn first(&self) -> Result<&PathBuf, Error> {
        self.files.first().ok_or_else(|| {
            Error::usage("there is no place for credentials: HOME is not set")
                .hint("give a file with `--registry-config`")
        })
    }
}

fn helm_file() -> Option<PathBuf> {
    if let Some(file) = env::HELM_REGISTRY_CONFIG.path() {
        return Some(file);
    }
    let folder =
        env::HELM_CONFIG_HOME.path().or_else(|| Some(env::XDG_CONFIG_HOME.path()?.join("helm"))).or_else(|| {
            let home = env::HOME.path()?;
            Some(if cfg!(target_os = "macos") {
                home.join("Library/Preferences/helm")
            } else {
                home.join(".config/helm")
            })
        })?;
    Some(folder.join("registry").join("config.json"))
}

fn docker_file() -> Option<PathBuf> {
    let folder = env::DOCKER_CONFIG.path().or_else(|| Some(env::HOME.path()?.join(".docker")))?;
    Some(folder.join("config.json"))
}

fn malformed(file: &Path, why: impl std::fmt::Display) -> Error {
    Error::usage(format!("cannot read the credentials in {}: {why}", file.display()))
}

fn read_config(file: &Path) -> Result<Option<Map<String, Value>>, Error> {
    let text = match input::read_named(file, MAX_KEY_FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(malformed(file, error)),
    };
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    // The parser's own message quotes what it stumbled over, which here may be a password.
    let config = serde_json::from_slice(&text)
        .map_err(|e| malformed(file, format!("line {}, column {}: not JSON", e.line(), e.column())))?;
    Ok(Some(config))
}

/// Replaces the file in one step; only its owner may read it.
fn write_config(file: &Path, config: &Map<String, Value>) -> Result<(), Error> {
    let failed =
        |e: &dyn std::fmt::Display| Error::usage(format!("cannot write the credentials to {}: {e}", file.display()));
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    // The file is made with mode 0600 by `tempfile`, before a byte is in it.
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    serde_json::to_writer_pretty(&mut temporary, config).map_err(|e| failed(&e))?;
    temporary.write_all(b"\n").map_err(|e| failed(&e))?;
    temporary.persist(file).map_err(|e| failed(&e.error))?;
    Ok(())
}

fn find_in(
    config: &Map<String, Value>,
    file: &Path,
    registry: &str,
    repository: &str,
) -> Result<Option<Credential>, Error> {
    let whole = Place::new(registry, "");
    let auths = config.get("auths").and_then(Value::as_object).into_iter().flatten();
    let fitting = auths.map(|(key, entry)| (Place::of_key(key), key, entry));
    let fitting = fitting.filter(|(place, ..)| place.holds(&whole.host, repository));
    // Of the spellings of one place the one that is written today.
    let best = fitting.max_by_key(|(place, key, _)| (place.path.len(), **key == place.key()));
    let has_own_path = best.as_ref().is_some_and(|(place, ..)| !place.path.is_empty());
    if let Some(helper) = helper_of(config, &whole).filter(|_| !has_own_path) {
        return run_helper(&helper, "get", &whole.key()).map(|answer| answer.and_then(|answer| from_helper(&answer)));
    }
    let Some((_, _, entry)) = best else { return Ok(None) };
    let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(token) = text("registrytoken") {
        return Ok(Some(Credential::Bearer(Secret::new(token))));
    }
    if let Some(token) = text("identitytoken") {
        return Ok(Some(Credential::Identity(Secret::new(token))));
    }
    if let Some(auth) = text("auth") {
        let decoded = BASE64.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (username, password) = decoded
            .as_deref()
            .and_then(|pair| pair.split_once(':'))
            .ok_or_else(|| malformed(file, format!("the entry of {registry} is not the base64 of NAME:PASSWORD")))?;
        // Docker pads old entries with NUL.
        return Ok(Some(Credential::Password {
            username: username.to_owned(),
            password: Secret::new(password.trim_matches('\0')),
        }));
    }
    match (text("username"), text("password")) {
        (Some(username), Some(password)) => {
            Ok(Some(Credential::Password { username: username.to_owned(), password: Secret::new(password) }))
        }
        _ => Ok(None),
    }
}

fn from_helper(answer: &str) -> Option<Credential> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let secret = Secret::new(answer.get("Secret")?.as_str()?);
    match answer.get("Username").and_then(Value::as_str).unwrap_or_default() {
        "<token>" => Some(Credential::Identity(secret)),
        "" if secret.reveal().is_empty() => None,
        username => Some(Credential::Password { username: username.to_owned(), password: secret }),
    }
}

/// The helper that keeps the credential of a whole registry: its own, else the file's. Helpers know no paths.
fn helper_of(config: &Map<String, Value>, place: &Place) -> Option<String> {
    if !place.path.is_empty() {
        return None;
    }
    let own = config.get("credHelpers").and_then(Value::as_object).into_iter().flatten();
    let mut own = own.filter(|(key, _)| Place::of_key(key) == *place).map(|(_, helper)| helper);
    let helper = own.next().or_else(|| config.get("credsStore"))?.as_str()?;
    (!helper.is_empty()).then(|| helper.to_owned())
}

/// Runs `docker-credential-NAME ACTION` with `input` on stdin; nothing when it knows no such credential.
fn run_helper(helper: &str, action: &str, input: &str) -> Result<Option<String>, Error> {
    let program = format!("docker-credential-{helper}");
    if helper.contains(['/', '\\']) {
        return Err(Error::usage(format!("`{helper}` is not the name of a credential helper")));
    }
    let failed =
        |why: &dyn std::fmt::Display| Error::usage(format!("the credential helper {program} {action} failed: {why}"));
    let mut child = Command::new(&program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(&e))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that answers without reading is within its rights.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|e| failed(&e))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(Some(text));
    }
    // Helpers report this on stdout, in these words (docker-credential-helpers, `credentials/error.go`).
    if text.contains("credentials not found") {
        return Ok(None);
    }
    Err(failed(&output.status))
}

/// What a login is for: a registry, or what lies below a path of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A registry's one name ([`RegistryHost`]).
    host: String,
    /// The parts of the path; none for the registry as a whole.
    path: Vec<String>,
}

impl Place {
    /// Everything of `registry` (`HOST[:PORT]`) that is at or below `path`, which may be empty.
    #[must_use]
    pub fn new(registry: &str, path: &str) -> Self {
        let host = registry.parse::<RegistryHost>().map(|host| host.name().to_owned());
        Self {
            // What is no registry is nobody's login, and stays as it is.
            host: host.unwrap_or_else(|_| registry.to_owned()),
            path: path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// Reads `HOST[:PORT][/PATH]` as it stands in credential files. Docker wrote a scheme and its API's version for
    /// years (`https://HOST/v1/`); they mean the host.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        let (is_url, rest) = match key.split_once("://") {
            Some((_, rest)) => (true, rest),
            None => (false, key),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_api = is_url && matches!(path.trim_end_matches('/'), "v0" | "v1" | "v2");
        Self::new(host, if is_api { "" } else { path })
    }

    fn holds(&self, host: &str, repository: &str) -> bool {
        let mut parts = repository.split('/');
        self.host == host && self.path.iter().all(|part| parts.next() == Some(part))
    }

    /// As files keep it today.
    fn key(&self) -> String {
        match self.path.as_slice() {
            [] if self.host == DOCKER_HUB => DOCKER_HUB_KEY.to_owned(),
            [] => self.host.clone(),
            path => format!("{}/{}", self.host, path.join("/")),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        self.path.iter().try_for_each(|part| write!(f, "/{part}"))
    }
}

/// Docker Hub's name in references.
const DOCKER_HUB: &str = "docker.io";

#[cfg(test)]
mod tests {
    use super::*;

    /// `place`: the registry, and the repository behind its slash.
    #[track_caller]
    fn check(config: &str, place: &str, expected: Option<Credential>) {
        let (registry, repository) = place.split_once('/').unwrap_or((place, ""));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, config).unwrap();
        let found = CredentialFiles { files: vec![folder.path().join("missing.json"), file] };
        let found = found.find(registry, repository).unwrap();
        assert_eq!(found, expected);
    }

    fn password(username: &str, password: &str) -> Option<Credential> {
        Some(Credential::Password { username: username.to_owned(), password: Secret::new(password) })
    }

    #[test]
    fn entries_are_found_as_helm_and_docker_find_them() {
        // base64 of `ann:a:b`: the password keeps its colon.
        let auths = |key: &str| format!(r#"{{"auths":{{"{key}":{{"auth":"YW5uOmE6Yg=="}}}}}}"#);
        check(&auths("reg.example:5000"), "reg.example:5000", password("ann", "a:b"));
        check(&auths("https://reg.example:5000/v1/"), "reg.example:5000", password("ann", "a:b"));
        check(&auths("reg.example:5000"), "reg.example", None);
        check(&auths("reg.example.evil"), "reg.example", None);
        check(&auths("https://index.docker.io/v1/"), "docker.io", password("ann", "a:b"));
        check(r#"{"auths":{"r":{"identitytoken":"t"}}}"#, "r", Some(Credential::Identity(Secret::new("t"))));
        check(r#"{"auths":{"r":{"registrytoken":"t"}}}"#, "r", Some(Credential::Bearer(Secret::new("t"))));
        check(r#"{"auths":{"r":{"username":"u","password":"p"}}}"#, "r", password("u", "p"));
        check(r#"{"auths":{"r":{}}}"#, "r", None);
        check("", "r", None);
    }

    /// containers-auth.json(5): the longest path wins, by whole parts; what is for another path is sent nowhere else.
    #[test]
    fn logins_by_path_stay_with_their_path() {
        // base64 of `host:h`, `a:a`, `deep:d`.
        let by_path =
            r#"{"auths":{"reg.example/team-a":{"auth":"YTph"},"reg.example/team-a/deep/":{"auth":"ZGVlcDpk"}}}"#;
        check(by_path, "reg.example/team-a/app", password("a", "a"));
        check(by_path, "reg.example/team-a", password("a", "a"));
        check(by_path, "REG.example./team-a/app", password("a", "a"));
        let spelled = r#"{"auths":{"REG.example.:05000/team-a":{"auth":"YTph"}}}"#;
        check(spelled, "reg.example:5000/team-a/app", password("a", "a"));
        check(spelled, "reg.example/team-a/app", None);
        check(by_path, "reg.example/team-a/deep/app", password("deep", "d"));
        for other in
            ["reg.example", "reg.example/team-b/app", "reg.example/team-ab", "reg.example/x/team-a", "other/team-a"]
        {
            check(by_path, other, None);
        }
        let both = r#"{"auths":{"reg.example/team-a":{"auth":"YTph"},"https://reg.example/v2/":{"auth":"aG9zdDpo"}}}"#;
        check(both, "reg.example/team-a/app", password("a", "a"));
        check(both, "reg.example/team-b/app", password("host", "h"));
        check(both, "reg.example", password("host", "h"));
        // No API's version: a part of the registry, and no more.
        let url = r#"{"auths":{"https://reg.example/team-a":{"auth":"YTph"}}}"#;
        check(url, "reg.example/team-b/app", None);
        check(url, "reg.example/team-a/app", password("a", "a"));
        let hub = r#"{"auths":{"docker.io/team-a":{"auth":"YTph"},"https://index.docker.io/v1/":{"auth":"aG9zdDpo"}}}"#;
        check(hub, "registry-1.docker.io/team-a/app", password("a", "a"));
        check(hub, "docker.io/library/nginx", password("host", "h"));
        // A helper knows hosts alone, so it is not asked about what has a login of its own.
        let helper = r#"{"auths":{"reg.example/team-a":{"auth":"YTph"}},"credsStore":"is-not-there"}"#;
        check(helper, "reg.example/team-a/app", password("a", "a"));
        // Nothing there is nothing to send for this path, not the host's login.
        let empty = r#"{"auths":{"reg.example/public":{},"reg.example":{"auth":"aG9zdDpo"}}}"#;
        check(empty, "reg.example/public/app", None);
    }

    #[test]
    fn errors_never_quote_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        for config in [r#"{"auths":{"r":{"auth":"hunter2"}}}"#, r#"{"auths":{"r":{"password":hunter2"#] {
            std::fs::write(&file, config).unwrap();
            let error = CredentialFiles { files: vec![file.clone()] }.find("r", "").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        assert!(!format!("{:?}", password("u", "hunter2")).contains("hunter2"));
    }

    #[test]
    fn storing_keeps_what_else_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("registry/config.json");
        let files = CredentialFiles { files: vec![file.clone()] };
        let place = Place::of_key;
        assert!(!files.erase(&place("r")).unwrap());
        files.store(&place("r"), "u", &Secret::new("p:q")).unwrap();
        files.store(&place("r/team"), "t", &Secret::new("x")).unwrap();
        assert_eq!(files.find("r", "").unwrap(), password("u", "p:q"));
        assert_eq!(files.find("r", "team/app").unwrap(), password("t", "x"));
        let mut config = read_config(&file).unwrap().unwrap();
        config.insert("HttpHeaders".to_owned(), json!({"a": "b"}));
        write_config(&file, &config).unwrap();
        files.store(&place("s"), "v", &Secret::new("w")).unwrap();
        assert!(files.erase(&place("r")).unwrap());
        assert_eq!(files.find("r", "").unwrap(), None);
        assert_eq!(files.find("r", "team/app").unwrap(), password("t", "x"), "another place's login stays");
        assert!(files.erase(&place("r/team")).unwrap());
        assert_eq!(files.find("r", "team/app").unwrap(), None);
        assert_eq!(files.find("s", "").unwrap(), password("v", "w"));
        assert_eq!(read_config(&file).unwrap().unwrap().get("HttpHeaders"), Some(&json!({"a": "b"})));
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
