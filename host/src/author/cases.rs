//! Declarative cases: folders under a plugin's `tests/cases`, run through the sandbox.
//!
//! | file | holds |
//! |---|---|
//! | `input.yaml` | the stream |
//! | `config.yaml` | the configuration, a map (optional) |
//! | `args.txt` | extra arguments, one per line (optional) |
//! | `grants.yaml` | what is granted, as under `grants` in windlass.yaml; folders count from the case (optional) |
//! | `expected.yaml` | the exact answer, or |
//! | `error.txt` | the exact error text and a line break |
//!
//! The cases of a pipeline have neither config.yaml nor grants.yaml: its file says both.
//!
//! The PDK's own test helper runs the same folders natively, so the configuration goes to the plugin as it is: without
//! the defaults of plugin.yaml, and checked by nobody but the plugin.
//!
//! Cases come with the plugin, so they are its author's word and not that of whoever runs them. A case reads, writes
//! and grants what lies below its own folder (links resolved), which is no link itself, and the clock and random bytes;
//! any other grant in it is a question that a flag of the person answers.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use windlass_abi::capabilities::Grant;
use windlass_abi::config::to_entries;
use windlass_manifest::Value;

use crate::config::pipeline::read_grants;
use crate::config::settings::{self, PlacedConfig};
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_STREAM;
use crate::plugin::verify::Verified;
use crate::render;
use crate::sandbox::grants::Grants;
use crate::sandbox::limits::Limits;
use crate::sandbox::options::{Graft, RenderOptions, Step};

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseReport {
    /// The folder's name.
    pub name: String,
    /// Whether the answer was the expected one.
    pub passed: bool,
    /// Whether its expectation was written anew.
    pub blessed: bool,
    /// Why it failed, several lines with the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The folder of a case. Nothing outside of it is touched, wherever links in it lead.
#[derive(Clone, Debug)]
pub struct CaseFolder {
    /// As it is shown.
    path: PathBuf,
    /// With links resolved.
    resolved: PathBuf,
}

impl CaseFolder {
    /// The folder's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn leads_out(&self, file: &str) -> Error {
        Error::denied(format!("`{}` leads out of its case", self.path.join(file).display()))
            .hint("a case holds its files itself: replace the link by what it stands for")
    }

    /// Where a file of the case is, links resolved; nothing when there is none.
    fn existing(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        let path = self.resolved.join(name);
        if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let unreadable =
            |why: String| Error::usage(format!("`{}` cannot be read: {why}", self.path.join(name).display()));
        let resolved = fs::canonicalize(&path).map_err(|error| unreadable(error.to_string()))?;
        if !resolved.starts_with(&self.resolved) {
            return Err(self.leads_out(name));
        }
        if !resolved.is_file() {
            return Err(unreadable("it is not a file".to_owned()));
        }
        Ok(Some(resolved))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = self.existing(name)? else { return Ok(None) };
        input::read(&path, MAX_STREAM)
            .map(Some)
            .map_err(|error| Error::usage(format!("`{}` cannot be read: {error}", self.path.join(name).display())))
    }

    fn settings(&self, name: &str) -> Result<Option<PlacedConfig>, Error> {
        // Read by the path that is shown in errors; that it stays inside was just seen.
        Ok(match self.existing(name)? {
            Some(_) => Some(settings::load(&self.path.join(name))?),
            None => None,
        })
    }

    /// Writes a file in place of what is there, a link as well.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let write = || -> std::io::Result<()> {
            let mut temporary = tempfile::NamedTempFile::new_in(&self.resolved)?;
            std::io::Write::write_all(&mut temporary, bytes)?;
            fs::set_permissions(temporary.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
            temporary.persist(self.resolved.join(name))?;
            Ok(())
        };
        write().map_err(|error| Error::usage(format!("`{}` cannot be written: {error}", self.path.display())))
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        match fs::remove_file(self.resolved.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::usage(format!("`{}` cannot be written: {error}", self.path.display())))
            }
            _ => Ok(()),
        }
    }
}

/// The case folders of a plugin, sorted by name.
///
/// # Errors
/// There are none (exit 2): a test that tests nothing must not pass. One is not in tests/cases itself (exit 3).
pub fn find(plugin_folder: &Path) -> Result<Vec<CaseFolder>, Error> {
    let folder = plugin_folder.join("tests").join("cases");
    let none = || {
        Error::usage(format!("there are no cases in `{}`", folder.display()))
            .hint("a case is a folder with input.yaml and either expected.yaml or error.txt")
    };
    let place = fs::canonicalize(plugin_folder).map_err(|_| none())?.join("tests").join("cases");
    let entries = fs::read_dir(&folder).map_err(|_| none())?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    paths.sort();
    let cases: Vec<CaseFolder> = paths
        .into_iter()
        .map(|path| match fs::canonicalize(&path) {
            // A link to `..` would make the whole plugin, its source and its `.git` the case's own, to be written to.
            Ok(resolved) if path.file_name().is_some_and(|name| resolved == place.join(name)) => {
                Ok(CaseFolder { path, resolved })
            }
            _ => Err(Error::denied(format!("the case `{}` is a link, or behind one", path.display()))
                .hint("a case is a folder in tests/cases itself: replace the link by what it stands for")),
        })
        .collect::<Result<_, _>>()?;
    if cases.is_empty() { Err(none()) } else { Ok(cases) }
}

/// A case that was read, with the grants that it may have.
#[derive(Clone, Debug)]
pub struct Case {
    folder: CaseFolder,
    input: Vec<u8>,
    config: Vec<(String, String)>,
    extra_args: Vec<String>,
    grants: Grants,
}

impl Case {
    /// Reads a case. `flags` are the grants of the person who runs it: a case gets those of them that it asks for.
    ///
    /// # Errors
    /// Its files cannot be read or make no sense (exit 2); it asks for what only a person may grant (exit 3).
    pub fn read(folder: CaseFolder, flags: &Grants) -> Result<Self, Error> {
        let input = folder.read("input.yaml")?.ok_or_else(|| {
            Error::usage(format!("the case `{}` has no input.yaml", folder.path.display())).hint("it holds the stream")
        })?;
        let config = match folder.settings("config.yaml")?.map(|written| written.node.to_value()) {
            Some(Value::Map(tree)) => to_entries(&tree),
            _ => Vec::new(),
        };
        let arguments = folder.read("args.txt")?.unwrap_or_default();
        let extra_args = String::from_utf8_lossy(&arguments).lines().map(str::to_owned).collect();
        let grants = match folder.settings("grants.yaml")? {
            Some(written) => {
                let asked = read_grants(&written.node, "grants", &folder.path)
                    .map_err(|misread| misread.in_file(&written.file))?;
                permitted(&folder, &asked, flags)?
            }
            None => Grants::default(),
        };
        Ok(Self { folder, input, config, extra_args, grants })
    }
}

/// The grants that a case asks for, if all of them are its own to give or a person's flags give them as well.
fn permitted(folder: &CaseFolder, asked: &Grants, flags: &Grants) -> Result<Grants, Error> {
    let mut permitted = Grants::default();
    for grant in asked.iter() {
        // A folder is opened by the path that was judged, not by one with links in it.
        let resolved = with_folder_resolved(grant)
            .map_err(|error| Error::usage(format!("the case `{}` grants {grant}: {error}", folder.path.display())))?;
        let is_inside = match &resolved {
            Grant::Read { host, .. } | Grant::Write { host, .. } => Path::new(host).starts_with(&folder.resolved),
            Grant::Clock | Grant::Random => true,
            Grant::Net(_) | Grant::Env(_) | Grant::Kube(_) => false,
        };
        let is_given = || flags.iter().any(|flag| with_folder_resolved(flag).is_ok_and(|flag| flag == resolved));
        if !is_inside && !is_given() {
            let flag = format!("{} {resolved}", resolved.capability().flag());
            return Err(Error::denied(format!(
                "the case `{}` asks in its grants.yaml for {flag}, which a case cannot grant itself",
                folder.path.display()
            ))
            .hint(format!("if you trust the plugin with this, add `{flag}`")));
        }
        permitted.add(resolved);
    }
    Ok(permitted)
}

/// The same grant with the links in its folder resolved.
fn with_folder_resolved(grant: &Grant) -> std::io::Result<Grant> {
    let resolved = |host: &str| {
        let path = fs::canonicalize(host)?;
        path.to_str().map(str::to_owned).ok_or_else(|| std::io::Error::other("its path is not UTF-8"))
    };
    Ok(match grant {
        Grant::Read { guest, host } => Grant::Read { guest: guest.clone(), host: resolved(host)? },
        Grant::Write { guest, host } => Grant::Write { guest: guest.clone(), host: resolved(host)? },
        other => other.clone(),
    })
}

impl Case {
    /// Runs it; with `bless` its expectation becomes what came out.
    ///
    /// # Errors
    /// Its expectation cannot be read or written (exit 2). A plugin that does otherwise than expected is no error but a
    /// report.
    pub fn run(self, plugin: &Verified, bless: bool, options: &RenderOptions<'_>) -> Result<CaseReport, Error> {
        let Self { folder, input, config, extra_args, grants } = self;
        let step = Step {
            plugin: plugin.clone(),
            config,
            extra_args,
            grants,
            limits: Limits::default(),
            graft: Graft::default(),
        };
        compare(&folder, input, &[step], bless, options)
    }

    /// Its extra arguments.
    #[must_use]
    pub fn extra_args(&self) -> &[String] {
        &self.extra_args
    }

    /// Runs the steps of a pipeline, which says itself what is configured and granted.
    ///
    /// # Errors
    /// As [`Case::run`]; the case has a config.yaml or a grants.yaml (exit 2).
    pub fn run_pipeline(self, steps: &[Step], bless: bool, options: &RenderOptions<'_>) -> Result<CaseReport, Error> {
        for file in ["config.yaml", "grants.yaml"] {
            if self.folder.existing(file)?.is_some() {
                return Err(Error::usage(format!(
                    "`{}` means nothing to a pipeline, which is configured in its own file",
                    self.folder.path.join(file).display()
                ))
                .hint("args.txt overrides settings, one KEY=VALUE per line"));
            }
        }
        compare(&self.folder, self.input, steps, bless, options)
    }
}

fn compare(
    folder: &CaseFolder,
    input: Vec<u8>,
    steps: &[Step],
    bless: bool,
    options: &RenderOptions<'_>,
) -> Result<CaseReport, Error> {
    let name = folder.name();
    let answer = render::render(steps, input, options);
    // A limit of this machine or a trap is no answer of the plugin, and nothing to expect of it.
    let is_no_answer = answer.as_ref().is_err_and(|error| error.is_limit() || error.detail_text().is_some());
    let (came, file, other) = match answer {
        Ok(rendered) => (rendered.stream.into_bytes(), EXPECTED, ERROR),
        Err(error) if error.is_bug() => return Err(error),
        Err(error) => (format!("{}\n", error.message()).into_bytes(), ERROR, EXPECTED),
    };
    let (expected, unexpected) = (folder.read(file)?, folder.read(other)?);
    if expected.as_ref() == Some(&came) && unexpected.is_none() {
        return Ok(CaseReport { name, passed: true, blessed: false, problem: None });
    }
    if bless && is_no_answer {
        let problem = format!("this is no answer that a case may expect: {}", lossy(&came).trim_end());
        return Ok(CaseReport { name, passed: false, blessed: false, problem: Some(problem) });
    }
    if bless {
        folder.write(file, &came)?;
        folder.remove(other)?;
        return Ok(CaseReport { name, passed: true, blessed: true, problem: None });
    }
    let problem = match (expected, unexpected) {
        (None, Some(_)) => format!("expected {other}, but got what belongs into {file}:\n{}", lossy(&came)),
        (None, None) => {
            format!("there is neither expected.yaml nor error.txt; got for {file}:\n{}", lossy(&came))
        }
        (Some(_), Some(_)) => "there are both expected.yaml and error.txt: remove one".to_owned(),
        (Some(expected), None) => format!("{file} differs:\n{}", difference(&expected, &came)),
    };
    Ok(CaseReport { name, passed: false, blessed: false, problem: Some(problem) })
}

const EXPECTED: &str = "expected.yaml";
const ERROR: &str = "error.txt";

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `-` expected, `+` came; says so when only what lines do not show differs.
fn difference(expected: &[u8], came: &[u8]) -> String {
    let (expected, came) = (lossy(expected), lossy(came));
    let diff = similar::TextDiff::from_lines(&expected, &came);
    diff.unified_diff().context_radius(3).header("expected", "came").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitCode;
    use std::os::unix::fs::symlink;
    use windlass_abi::capabilities::Capability;

    /// A plugin's folder with one case, and a folder with secrets beside it.
    struct Downloaded {
        place: tempfile::TempDir,
    }

    impl Downloaded {
        fn new(grants: &str) -> Self {
            let place = tempfile::tempdir().unwrap();
            let case = place.path().join("plugin/tests/cases/one");
            fs::create_dir_all(case.join("data/deep")).unwrap();
            fs::create_dir_all(place.path().join("secrets")).unwrap();
            fs::write(place.path().join("secrets/key"), "key").unwrap();
            fs::write(case.join("input.yaml"), "a: b\n").unwrap();
            fs::write(case.join("grants.yaml"), grants.replace("PLACE", &place.path().display().to_string())).unwrap();
            symlink("../../../../secrets", case.join("link")).unwrap();
            symlink("data/deep", case.join("inner")).unwrap();
            Self { place }
        }

        fn plugin(&self) -> PathBuf {
            self.place.path().join("plugin")
        }

        fn case(&self) -> PathBuf {
            self.plugin().join("tests/cases/one")
        }

        fn read(&self, flags: &Grants) -> Result<Case, Error> {
            find(&self.plugin()).and_then(|mut cases| Case::read(cases.remove(0), flags))
        }
    }

    /// What a case with these grants is told: how many grants it gets, or the flag that it needs.
    #[track_caller]
    fn check(grants: &str, flags: &[(Capability, &str)], expected: Result<usize, &str>) {
        let downloaded = Downloaded::new(grants);
        let mut given = Grants::default();
        for (capability, value) in flags {
            given.allow(*capability, &value.replace("PLACE", &downloaded.place.path().display().to_string())).unwrap();
        }
        match (downloaded.read(&given), expected) {
            (Ok(case), Ok(count)) => assert_eq!(case.grants.iter().count(), count, "{grants}"),
            (Err(error), Err(says)) => {
                let text = format!("{error} {}", error.hints().join(" "));
                let canonical = fs::canonicalize(downloaded.place.path()).unwrap().display().to_string();
                assert!(text.replace(&canonical, "PLACE").contains(says), "{grants}: {text}");
            }
            (result, expected) => panic!("{grants}: {result:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_case_grants_itself_what_is_its_own() {
        check("{}", &[], Ok(0));
        check("{clock: true, random: true}", &[], Ok(2));
        check("{read: {/data: data, /deep: ./data/deep, /inner: inner, /all: .}, write: {/out: data}}", &[], Ok(5));
        check("{read: {/up: data/../data}}", &[], Ok(1));
    }

    #[test]
    fn what_else_a_case_asks_for_needs_the_flag() {
        use Capability::{Env, Kube, Net, Read, Write};
        for (grants, capability, value) in [
            ("{read: {/s: PLACE/secrets}}", Read, "/s=PLACE/secrets"),
            ("{read: {/s: link}}", Read, "/s=PLACE/secrets"),
            ("{read: {/s: data/../../../../../secrets}}", Read, "/s=PLACE/secrets"),
            ("{read: {/s: ..}}", Read, "/s=PLACE/plugin/tests/cases"),
            ("{read: {/s: /}}", Read, "/s=/"),
            ("{write: {/s: link}}", Write, "/s=PLACE/secrets"),
            ("{env: [HOME]}", Env, "HOME"),
            ("{net: [registry.example]}", Net, "registry.example"),
            ("{kube: ['get:secrets.v1']}", Kube, "get:secrets.v1"),
        ] {
            let flag = capability.flag();
            check(grants, &[], Err(&format!("asks in its grants.yaml for {flag} {value}")));
            check(grants, &[(capability, value)], Ok(1));
        }
        // Another name, another folder, another host: not the same grant.
        check("{read: {/s: link}}", &[(Read, "/t=PLACE/secrets")], Err("--allow-read /s=PLACE/secrets"));
        check("{read: {/s: link}}", &[(Write, "/s=PLACE/secrets")], Err("--allow-read /s=PLACE/secrets"));
        check("{env: [HOME]}", &[(Env, "HOMES")], Err("--allow-env HOME"));
        // A flag that no case asks for gives nothing.
        check("{}", &[(Env, "HOME")], Ok(0));
        check("{read: {/s: missing}}", &[], Err("grants /s="));
    }

    #[test]
    fn links_in_a_case_lead_nowhere() {
        for name in ["input.yaml", "config.yaml", "args.txt", "grants.yaml"] {
            let downloaded = Downloaded::new("{}");
            let file = downloaded.case().join(name);
            let _ = fs::remove_file(&file);
            symlink("../../../../secrets/key", &file).unwrap();
            let error = downloaded.read(&Grants::default()).unwrap_err();
            assert!(error.message().contains("leads out of its case"), "{name}: {error}");
            assert_eq!(error.exit_code(), ExitCode::Denied);
        }
        let downloaded = Downloaded::new("{}");
        let folder = find(&downloaded.plugin()).unwrap().remove(0);
        symlink("../../../../secrets/key", downloaded.case().join(EXPECTED)).unwrap();
        assert!(folder.read(EXPECTED).is_err());
        // Blessing replaces the link and not what it leads to.
        folder.write(EXPECTED, b"blessed").unwrap();
        assert_eq!(fs::read_to_string(downloaded.place.path().join("secrets/key")).unwrap(), "key");
        assert_eq!(folder.read(EXPECTED).unwrap().as_deref(), Some(&b"blessed"[..]));
    }

    #[test]
    fn a_case_lies_in_its_plugin() {
        // Neither outside of the plugin, nor all of it: what a case may write must not be its own source.
        for to in ["../../../secrets", "/", "../..", "..", ".", "../../tests", "one/data", "one"] {
            let downloaded = Downloaded::new("{}");
            symlink(to, downloaded.plugin().join("tests/cases/two")).unwrap();
            let error = find(&downloaded.plugin()).unwrap_err();
            assert!(error.message().contains("is a link, or behind one"), "{to}: {error}");
        }
        for (link, to) in [("tests", "."), ("tests/cases", ".."), ("tests/cases", "../src")] {
            let downloaded = Downloaded::new("{}");
            fs::create_dir_all(downloaded.plugin().join("src/deep")).unwrap();
            fs::create_dir_all(downloaded.plugin().join("cases/deep")).unwrap();
            let link = downloaded.plugin().join(link);
            fs::rename(&link, downloaded.place.path().join("moved")).unwrap();
            symlink(to, link).unwrap();
            assert_eq!(find(&downloaded.plugin()).unwrap_err().exit_code(), ExitCode::Denied, "{to}");
        }
        let downloaded = Downloaded::new("{}");
        fs::rename(downloaded.plugin().join("tests"), downloaded.place.path().join("secrets/tests")).unwrap();
        symlink("../secrets/tests", downloaded.plugin().join("tests")).unwrap();
        assert!(find(&downloaded.plugin()).is_err());
        // The plugin's folder itself is the user's word, by whatever links.
        let downloaded = Downloaded::new("{clock: true}");
        symlink("plugin", downloaded.place.path().join("other-name")).unwrap();
        let mut cases = find(&downloaded.place.path().join("other-name")).unwrap();
        assert!(Case::read(cases.remove(0), &Grants::default()).is_ok());
    }
}
