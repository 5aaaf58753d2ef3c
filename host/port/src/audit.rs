//! Finds every place in a tree of files where a Helm post-renderer is chosen, and judges the program behind it.
//!
//! ```text
//! tree       what files there are                      (no link is followed, every read is bounded)
//! callers/   a file        -> facts: sites, variables  (a reader for each family of files)
//! calls      shell text    -> sites                    (shell text is in nearly all of them)
//! program    a site        -> the program              (in the file, written by it, in the tree)
//! behaviour  the program   -> what it does and needs   (overlay: kustomize's words; deeds: the plugins' words)
//! verdict    all of that   -> a finding
//! report/    findings      -> a table, JSON, SARIF, CSV, HTML
//! ```

mod behaviour;
mod callers;
mod calls;
mod cli;
mod deeds;
mod facts;
mod fragment;
mod language;
mod overlay;
mod profile;
mod program;
pub mod report;
mod scope;
pub(crate) mod shell;
pub(crate) mod tree;
mod verdict;
pub(crate) mod yaml;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use callers::Context;
pub use cli::{CliRule, RULES};
use facts::{Facts, RendererRef, Site};
use language::Language;
pub use profile::Needs;
use program::Programs;
use scope::plain_name;
pub use tree::Skipped;
use tree::Tree;
pub use verdict::Verdict;

/// The stack of a worker: HCL's parser is recursive, and brackets may be nested 200 deep.
const STACK: usize = 64 << 20;

/// One place where a program is chosen, and what was found out about it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The file, relative to the path that was given.
    pub file: String,
    /// 1-based: where the program is chosen.
    pub line: usize,
    /// What kind of caller it is (`shell`, `helmfile`, `flux`, ...), or `helm-cli`.
    pub kind: String,
    /// The program: a file of the tree where there is one, else as it is named.
    pub executable: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Alternatives, each a list of plugins, the closest first.
    pub plugins: Vec<Vec<String>>,
    /// A pipeline to start from; empty where there is none.
    pub config: String,
    /// `minutes`, `hours` or `days`.
    pub effort: &'static str,
    /// What the program needs beside its standard input.
    pub needs: Needs,
    /// What bites under Helm 4.
    pub helm4: Vec<String>,
    /// What is wrong with the program today.
    pub defects: Vec<String>,
    /// Why the verdict is what it is.
    pub why: String,
    /// The rule of a `helm-cli` finding.
    pub rule: Option<&'static str>,
}

/// All that an audit has to say.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Ordered by file and line.
    pub findings: Vec<Finding>,
    /// What was left out, with the reason.
    pub skipped: Vec<Skipped>,
    /// How many files there were.
    pub files: usize,
    /// How many of them were read.
    pub read: usize,
}

/// How far an audit is.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// Looking for files: so many so far.
    Walking(usize),
    /// Reading: so many of all.
    Reading(usize, usize),
}

/// Audits everything below the paths, one after the other.
///
/// # Errors
/// A path is not there or cannot be opened: the path with the reason.
pub fn audit(paths: &[&Path], progress: &(dyn Fn(Progress) + Sync)) -> Result<Report, (String, io::Error)> {
    let mut report = Report::default();
    for path in paths {
        let tree = Tree::walk(path, &mut |count| progress(Progress::Walking(count)))
            .map_err(|error| (path.display().to_string(), error))?;
        one(tree, progress, &mut report);
    }
    report.findings.sort_by(|left, right| {
        (&left.file, left.line, &left.executable).cmp(&(&right.file, right.line, &right.executable))
    });
    Ok(report)
}

fn one(mut tree: Tree, progress: &(dyn Fn(Progress) + Sync), report: &mut Report) {
    let (mut facts, read, notes) = read_all(&tree, progress);
    born_at_run_time(&mut facts);
    for (file, why) in notes {
        tree.skip(&file, &why);
    }
    report.files += tree.entries.len();
    report.read += read;
    plugins_of_argo(&tree, &mut facts);
    let callers = callers_of_parameters(&tree, &mut facts);
    for (file, line) in contested_replicas(&tree) {
        let found = facts::CliUse { line, rule: "helm-server-side", text: "replicas".to_owned() };
        report.findings.push(verdict::of_cli(&file, &found));
    }
    let programs = Programs { tree: &tree, facts: &facts };
    let mut seen = BTreeSet::new();
    let mut files: Vec<&String> = facts.keys().collect();
    files.sort_unstable();
    for file in files {
        let Some(own) = facts.get(file) else { continue };
        let mut sites: Vec<&Site> = own.sites.iter().collect();
        sites.sort_by_key(|site| site.line);
        for site in sites {
            if is_refused(&tree, file, site.line) {
                continue;
            }
            let resolved = programs.resolve(file, site);
            let finding = verdict::judge(&programs, file, site, resolved, callers.get(file));
            if seen.insert((finding.file.clone(), finding.line, finding.executable.clone())) {
                report.findings.push(finding);
            }
        }
        for found in &own.cli {
            report.findings.push(verdict::of_cli(file, found));
        }
    }
    report.skipped.extend(tree.skipped);
}

/// Charts that set `replicas` and bring an autoscaler for it: under server-side apply both own the field. A condition
/// on autoscaling around it is what keeps them apart.
fn contested_replicas(tree: &Tree) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let scalers = tree.entries.iter().filter(|entry| {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        entry.path.contains("templates/") && (name.contains("hpa") || name.contains("autoscal"))
    });
    let mut folders: Vec<&str> =
        scalers.filter_map(|entry| entry.path.rsplit_once('/')).map(|(folder, _)| folder).collect();
    folders.dedup();
    for folder in folders.into_iter().take(5_000) {
        for path in tree.files_in(folder) {
            let Some(text) =
                tree.text(path).filter(|text| text.contains("kind: Deployment") || text.contains("kind: StatefulSet"))
            else {
                continue;
            };
            let lines: Vec<&str> = text.lines().collect();
            let guarded = |at: usize| {
                lines
                    .iter()
                    .take(at)
                    .skip(at.saturating_sub(3))
                    .any(|line| line.to_ascii_lowercase().contains("autoscal"))
            };
            let at = lines.iter().position(|line| line.starts_with("  replicas:"));
            if let Some(at) =
                at.filter(|at| !guarded(*at) && !lines.get(*at).is_some_and(|line| line.contains("autoscal")))
            {
                found.push((path.to_owned(), at + 1));
            }
        }
    }
    found
}

/// Programs that read what client-side apply left behind.
fn reads_last_applied(text: &str, facts: &mut Facts) {
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        let is_comment = bare.starts_with('#') || bare.starts_with("//") || bare.starts_with('*');
        if line.contains("last-applied-configuration") && !is_comment && facts.cli.len() < 10_000 {
            let text = "last-applied-configuration".to_owned();
            facts.cli.push(facts::CliUse { line: number + 1, rule: "helm-last-applied", text });
        }
    }
}

/// Whether a file is worth more than a look: it speaks of Helm or of a post-renderer.
fn speaks(bytes: &[u8], path: &str) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(bytes, needle).is_some();
    has(b"helm")
        || has(b"ost-render")
        || has(b"ost_render")
        || has(b"ostRender")
        || has(b"ostrender")
        || has(b"OST_RENDER")
        || has(b"HELM")
        || has(b"Helm")
        || has(b"last-applied-configuration")
        || path.contains("helm")
        || path.ends_with("fleet.yaml")
}

type AllFacts = (HashMap<String, Facts>, usize, Vec<(String, String)>);

fn read_all(tree: &Tree, progress: &(dyn Fn(Progress) + Sync)) -> AllFacts {
    let next = AtomicUsize::new(0);
    let count = AtomicUsize::new(0);
    let found = Mutex::new((HashMap::new(), Vec::new()));
    let total = tree.entries.len();
    let work = || {
        let mut own: Vec<(String, Facts)> = Vec::new();
        let mut notes: Vec<(String, String)> = Vec::new();
        loop {
            let start = next.fetch_add(64, Ordering::Relaxed);
            if start >= total {
                break;
            }
            for entry in tree.entries.iter().skip(start).take(64) {
                if let Some(facts) = one_file(tree, &entry.path, entry.size, false, &mut notes) {
                    count.fetch_add(1, Ordering::Relaxed);
                    own.push((entry.path.clone(), facts));
                }
            }
            progress(Progress::Reading(start.min(total), total));
        }
        if let Ok(mut found) = found.lock() {
            found.0.extend(own);
            found.1.extend(notes);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            // Without a thread the others do the work; without any, this one does.
            let _ = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        }
    });
    if next.load(Ordering::Relaxed) == 0 {
        work();
    }
    let (facts, mut notes) = found.into_inner().unwrap_or_default();
    notes.sort();
    (facts, count.into_inner(), notes)
}

/// The facts of one file; nothing where it cannot hold a caller.
fn one_file(tree: &Tree, path: &str, size: u64, pipes: bool, notes: &mut Vec<(String, String)>) -> Option<Facts> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let by_name = callers::language(path, "");
    // A file without an ending may be a script: its first line says.
    let has_ending = name.trim_start_matches('.').contains('.');
    if by_name.is_none() && has_ending {
        return None;
    }
    if size > tree::MAX_FILE {
        if by_name.is_some() {
            notes.push((path.to_owned(), "larger than 4 MiB: not read".to_owned()));
        }
        return None;
    }
    let bytes = match tree.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            if by_name.is_some() {
                notes.push((path.to_owned(), format!("cannot be read: {}", tree::reason(&error))));
            }
            return None;
        }
    };
    if !speaks(&bytes, path) {
        return None;
    }
    if bytes.get(..bytes.len().min(8_192))?.contains(&0) {
        if by_name.is_some() {
            notes.push((path.to_owned(), "holds zero bytes: a binary, not read".to_owned()));
        }
        return None;
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            notes.push((path.to_owned(), "is not UTF-8: read with the odd bytes replaced".to_owned()));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    let language = by_name.or_else(|| callers::language(path, text.lines().next().unwrap_or_default()))?;
    let plugins = RefCell::new(Vec::new());
    let lower_helm = text.contains("helm") || text.contains("Helm") || text.contains("HELM") || path.contains("helm");
    let context = Context {
        path,
        kind: callers::kind(path, language, text),
        pipes: pipes || text.contains("ARGOCD_"),
        speaks_of_helm: lower_helm,
        nesting: 0,
        plugins: &plugins,
    };
    let mut facts = Facts::default();
    let scope = callers::read(text, language, &context, &mut facts);
    if matches!(language, Language::Shell | Language::Make | Language::Code(_)) {
        reads_last_applied(text, &mut facts);
    }
    facts.plugins = plugins.into_inner();
    facts.exported = scope.named_like("render");
    facts.language = Some(language);
    notes.extend(facts.notes.drain(..).map(|note| (path.to_owned(), note)));
    Some(facts)
}

/// A variable that holds a file which the script writes itself is no parameter.
fn born_at_run_time(facts: &mut HashMap<String, Facts>) {
    for own in facts.values_mut() {
        for site in &mut own.sites {
            if let RendererRef::Parameter(name) = &site.chosen {
                let written = format!("${{{name}}}");
                if own.written.iter().any(|one| one.target == written) {
                    site.chosen = RendererRef::Program(written);
                }
            }
        }
    }
}

/// Whether what one file sets under a name can be what another reads under it.
fn can_reach(from: Option<Language>, to: Option<Language>, name: &str) -> bool {
    let is_code = |language: Option<Language>| matches!(language, Some(Language::Code(_)));
    let is_hcl = |language: Option<Language>| language == Some(Language::Hcl);
    let is_named = plain_name(name).contains("postrender");
    match () {
        () if is_code(from) || is_code(to) => is_named && is_code(from) && is_code(to),
        () => is_hcl(from) == is_hcl(to),
    }
}

/// Scripts that an Argo CD plugin runs are read again: what they print is what is deployed.
fn plugins_of_argo(tree: &Tree, facts: &mut HashMap<String, Facts>) {
    let wanted: Vec<(String, String)> =
        facts.iter().flat_map(|(file, own)| own.plugins.iter().map(|name| (file.clone(), name.clone()))).collect();
    for (file, name) in wanted {
        let repository = tree.repository(&file);
        for path in tree.named(&name, &repository).into_iter().map(str::to_owned).collect::<Vec<_>>() {
            if let Some(again) = one_file(tree, &path, tree.size(&path), true, &mut Vec::new()) {
                let mut again = again;
                again.sites.iter_mut().for_each(|site| site.kind = "argocd");
                facts.insert(path, again);
            }
        }
    }
}

/// Of each file with a parameter: who gives it a value, as `file:line`, by the parameter's name.
pub(crate) type Callers = HashMap<String, BTreeMap<String, Vec<String>>>;

/// Looks for what parameters are given elsewhere: those values are sites of their own, where they are written.
fn callers_of_parameters(tree: &Tree, facts: &mut HashMap<String, Facts>) -> Callers {
    let mut wanted: Vec<(String, String, &'static str)> = Vec::new();
    for (file, own) in facts.iter() {
        for site in &own.sites {
            if let RendererRef::Parameter(name) = &site.chosen {
                wanted.push((file.clone(), name.clone(), site.kind));
            }
        }
    }
    wanted.sort();
    wanted.dedup();
    let mut callers = Callers::new();
    if wanted.is_empty() {
        return callers;
    }
    starts_elsewhere(tree, facts, &wanted);
    let mut added: Vec<(String, Site)> = Vec::new();
    for (file, name, kind) in &wanted {
        let repository = tree.repository(file);
        let base = file.rsplit('/').next().unwrap_or_default();
        let is_action = matches!(base, "action.yml" | "action.yaml");
        let position = name.parse::<usize>().ok().filter(|position| *position > 0);
        let mut found: Vec<(String, usize, Option<String>)> = Vec::new();
        for (other, own) in facts.iter() {
            let same_repository = repository.is_empty() || other.starts_with(&format!("{repository}/"));
            if !same_repository && !is_action {
                continue;
            }
            for started in own.started.iter().filter(|started| started.program.rsplit('/').next() == Some(base)) {
                let given = match position {
                    Some(position) => started.words.get(position - 1).cloned(),
                    None => started
                        .variables
                        .iter()
                        .find(|(own, _, _)| own == name)
                        .map(|(_, word, line)| (word.clone(), *line)),
                };
                if let Some((word, line)) = given {
                    found.push((other.clone(), line, word.text()));
                }
            }
            let speaks = plain_name(name).contains("render");
            let reaches = can_reach(own.language, facts.get(file).and_then(|own| own.language), name);
            if other != file && speaks && position.is_none() && reaches {
                for (own_name, word, line) in &own.exported {
                    if plain_name(own_name) == plain_name(name) {
                        found.push((other.clone(), *line, word.text()));
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        let names = callers.entry(file.clone()).or_default().entry(name.clone()).or_default();
        for (other, line, text) in found.into_iter().take(100) {
            names.push(format!("{other}:{line}"));
            if let Some(text) = text.filter(|text| callers::yaml::is_choice(text) && !text.contains("--")) {
                let kind = callers::kind_of_path(&other).unwrap_or_else(|| {
                    facts
                        .get(&other)
                        .and_then(|own| own.language)
                        .map_or(*kind, |language| callers::kind(&other, language, ""))
                });
                let mut site = Site::new(line, kind, RendererRef::Program(text));
                site.note = Some(format!("given to `{file}`"));
                added.push((other, site));
            }
        }
    }
    for (file, site) in added {
        let own = facts.entry(file).or_default();
        let is_known = own.sites.iter().any(|known| known.line == site.line && known.chosen == site.chosen);
        if !is_known {
            own.add(site);
        }
    }
    callers
}

/// Files that speak of no Helm may start the scripts that do: those that name one are read for that alone.
fn starts_elsewhere(tree: &Tree, facts: &mut HashMap<String, Facts>, wanted: &[(String, String, &'static str)]) {
    let mut names: Vec<&str> = wanted
        .iter()
        .map(|(file, _, _)| file.rsplit('/').next().unwrap_or_default())
        .filter(|name| name.len() > 3)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(200);
    let mut total = 0u64;
    for entry in &tree.entries {
        let is_known = facts.contains_key(&entry.path);
        let fits = matches!(
            callers::language(&entry.path, ""),
            Some(
                Language::Shell
                    | Language::Yaml
                    | Language::Make
                    | Language::Just
                    | Language::Code(_)
                    | Language::Docker
            )
        );
        if is_known || !fits || entry.size > 200_000 || total > 256 << 20 {
            continue;
        }
        total += entry.size;
        let Some(text) = tree.text(&entry.path) else { continue };
        if !names.iter().any(|name| text.contains(name)) {
            continue;
        }
        let Some(language) = callers::language(&entry.path, text.lines().next().unwrap_or_default()) else { continue };
        let plugins = RefCell::new(Vec::new());
        let context = Context {
            path: &entry.path,
            kind: callers::kind(&entry.path, language, &text),
            pipes: false,
            speaks_of_helm: false,
            nesting: 0,
            plugins: &plugins,
        };
        let mut own = Facts::default();
        let _ = callers::read(&text, language, &context, &mut own);
        own.sites.clear();
        own.language = Some(language);
        facts.insert(entry.path.clone(), own);
    }
}

/// A test that the flag is refused: the lines around it say so.
fn is_refused(tree: &Tree, file: &str, line: usize) -> bool {
    let lower = file.to_ascii_lowercase();
    let is_test = ["test", "spec", ".bats", "e2e"].iter().any(|word| lower.contains(word));
    if !is_test {
        return false;
    }
    let Some(text) = tree.text(file) else { return false };
    let first = line.saturating_sub(5);
    let around: String = text.lines().skip(first).take(9).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    [
        "refus",
        "reject",
        "unsupported",
        "not supported",
        "wanterr: true",
        "wanterror",
        "expecterr",
        "should fail",
        "should have failed",
        "must fail",
        "tothrow",
        "assertraises",
        "pytest.raises",
        "errorcontains",
        "require.error",
        "assert.error",
        "forbidden",
        "denied",
        "not allowed",
        "assert_failure",
        "-ne 0",
        "invalid",
        "expected error",
        "should not be accepted",
    ]
    .iter()
    .any(|word| around.contains(word))
}
