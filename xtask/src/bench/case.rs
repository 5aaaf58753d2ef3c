//! The programs that are compared, all given the same job: one label on every object of a stream.

use crate::command::{self, During, Result};
use crate::{build, peers, say, tools, workspace};
use std::path::{Path, PathBuf};

/// The label of the job.
const LABEL: (&str, &str) = ("team", "payments");

/// What makes a case ready before each run.
type Prepare = Box<dyn Fn(&Stream) -> Result<()>>;

/// A program and how it is called.
pub struct Case {
    /// Its name in the report.
    pub name: &'static str,
    /// Program and arguments; the stream comes on stdin.
    pub command: Vec<String>,
    /// Environment variables on top of ours.
    pub environment: Vec<(&'static str, PathBuf)>,
    /// A variable that names a folder which is new and empty for each run.
    pub fresh_folder: Option<&'static str>,
    /// Runs before each run, not measured.
    pub prepare: Option<Prepare>,
    /// It measures its last call itself and prints a JSON list of times on stderr.
    pub reports_last_call: bool,
    /// It runs on streams of all sizes, not only on the one where everything is compared.
    pub any_size: bool,
    /// It runs on real charts.
    pub on_charts: bool,
}

/// The names of cases that the goals refer to.
pub mod name {
    #![allow(missing_docs)]
    pub const TRUE: &str = "/bin/true";
    pub const CAT: &str = "/bin/cat";
    pub const NATIVE: &str = "label-injector, native";
    pub const WARM: &str = "windlass, warm";
    pub const COLD: &str = "windlass, cold";
    pub const KUSTOMIZE: &str = "kustomize";
    pub const SCRIPT: &str = "script around kustomize";
    pub const YQ: &str = "yq";
    pub const ENGINE_COLD: &str = "Helm's engine, cold";
    pub const ENGINE_WARM: &str = "Helm's engine, warm";
    pub const ENGINE_NEXT: &str = "Helm's engine, next call";
    pub const EXTISM_CRATE: &str = "extism crate";
    pub const CHAIN: &str = "windlass, five plugins";
    pub const FIVE_KUSTOMIZE: &str = "five kustomize in a row";
    pub const ONE_KUSTOMIZE: &str = "one kustomize, five patches";
    /// Without a post-renderer, with Windlass, with kustomize.
    pub const TEMPLATE: [&str; 3] = ["helm template", "helm template, windlass", "helm template, kustomize"];
    pub const INSTALL: [&str; 3] = ["helm install", "helm install, windlass", "helm install, kustomize"];
    pub const THOUSAND_TRUE: &str = "1,000 x /bin/true";
    pub const THOUSAND: &str = "1,000 x windlass";
    pub const TWELVE: &str = "windlass, twelve plugins";
}

/// A stream in a file.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name in the report.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

impl Stream {
    /// Writes a stream into the folder of the benchmark.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(folder: &Path, name: &str, stream: &[u8]) -> Result<Self> {
        let path = folder.join(format!("{}.yaml", name.replace(' ', "-")));
        std::fs::write(&path, stream).during(format_args!("cannot write {}", path.display()))?;
        Ok(Self { name: name.to_owned(), path, bytes: stream.len() as u64 })
    }

    /// Real charts as Helm 4 hands them over, where they are at hand; the three largest when `quick`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn of_corpus(quick: bool) -> Result<Vec<Self>> {
        let Some(corpus) = workspace::corpus() else {
            say::note("no real charts here (shared/corpus); not measured");
            return Ok(Vec::new());
        };
        let folder = corpus.join("helm4");
        let mut streams = Vec::new();
        for entry in std::fs::read_dir(&folder).during(format_args!("cannot read {}", folder.display()))? {
            let path = entry.during(format_args!("cannot read {}", folder.display()))?.path();
            let bytes = path.metadata().during(format_args!("cannot read {}", path.display()))?.len();
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            streams.push(Self { name, path, bytes });
        }
        streams.sort_by_key(|stream| std::cmp::Reverse(stream.bytes));
        if quick {
            streams.truncate(3);
        }
        Ok(streams)
    }
}

/// All cases that can run on this machine; a note for each that cannot.
///
/// # Errors
/// The native program does not compile, or a file cannot be written.
pub fn all(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = vec![
        case(name::TRUE, ["/bin/true"]).at_any_size(),
        case(name::CAT, ["/bin/cat"]).at_any_size(),
        case(name::NATIVE, [native()?.display().to_string(), format!("labels.{}={}", LABEL.0, LABEL.1)])
            .at_any_size()
            .for_charts(),
    ];
    cases.extend(windlass(folder)?);
    match tools::KUSTOMIZE.ensure() {
        Ok(program) => cases.extend(kustomize(folder, &program)?),
        Err(failure) => say::failure(&failure),
    }
    match tools::YQ.ensure() {
        Ok(program) => cases.push(
            case(name::YQ, [program.display().to_string(), format!(".metadata.labels.{} = \"{}\"", LABEL.0, LABEL.1)])
                .for_charts(),
        ),
        Err(failure) => say::failure(&failure),
    }
    match peers::HELM_ENGINE.ensure() {
        Ok(program) => cases.extend(helm_engine(folder, &program)),
        Err(failure) => say::failure(&failure),
    }
    match peers::EXTISM_CRATE.ensure() {
        Ok(program) => {
            let plugin = workspace::built_plugin("label-injector").display().to_string();
            let word = format!("labels.{}={}", LABEL.0, LABEL.1);
            cases.push(case(name::EXTISM_CRATE, [program.display().to_string(), plugin, word]));
        }
        Err(failure) => say::failure(&failure),
    }
    Ok(cases)
}

/// Five transformations in a row: five plugins in one run, five programs after each other, and one program that does
/// all five.
///
/// # Errors
/// A file cannot be written.
pub fn chains(folder: &Path) -> Result<Vec<Case>> {
    let write =
        |path: PathBuf, text: &str| std::fs::write(&path, text).during(format_args!("cannot write {}", path.display()));
    let plugin = workspace::built_plugin("label-injector").display().to_string();
    let chain_folder = folder.join("chain");
    let mut pipeline = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n".to_owned();
    let mut patches = "resources: [all.yaml]\npatches:\n".to_owned();
    for number in 1..=5 {
        pipeline.push_str(&format!("- use: {plugin}\n  config:\n    labels: {{step-{number}: done}}\n"));
        patches.push_str(&format!(
            "- target: {{kind: .*}}\n  patch: '[{{\"op\": \"add\", \"path\": \"/metadata/labels/step-{number}\", \"value\": \"done\"}}]'\n"
        ));
        let overlay = chain_folder.join(number.to_string());
        std::fs::create_dir_all(&overlay).during("cannot make an overlay")?;
        let kustomization = format!("resources: [all.yaml]\nlabels:\n- pairs: {{step-{number}: done}}\n");
        write(overlay.join("kustomization.yaml"), &kustomization)?;
    }
    write(folder.join("chain.yaml"), &pipeline)?;
    let windlass = workspace::windlass().display().to_string();
    let pipeline = folder.join("chain.yaml").display().to_string();
    let mut chain = case(name::CHAIN, [windlass.as_str(), "run", "--pipeline", &pipeline]);
    chain.environment.push(("WINDLASS_CACHE_DIR", folder.join("windlass-cache")));
    let mut cases = vec![chain, twelve(folder)?];

    let Some(program) = tools::KUSTOMIZE.installed() else { return Ok(cases) };
    let program = program.display().to_string();
    // Each program starts when the one before has ended, as a program that reads a file must.
    let script = "#!/bin/sh\ncd \"$1\" && cat > 1/all.yaml &&\nfor n in 1 2 3 4; do\n  \"$2\" build $n > $((n + 1))/all.yaml || exit\ndone\nexec \"$2\" build 5\n";
    write(folder.join("chain.sh"), script)?;
    let script = folder.join("chain.sh").display().to_string();
    cases.push(case(name::FIVE_KUSTOMIZE, ["/bin/sh", &script, &chain_folder.display().to_string(), &program]));
    let overlay = chain_folder.join("all");
    std::fs::create_dir_all(&overlay).during("cannot make an overlay")?;
    write(overlay.join("kustomization.yaml"), &patches)?;
    let mut one = case(name::ONE_KUSTOMIZE, [program.as_str(), "build", &overlay.display().to_string()]);
    one.prepare = Some(copied_to(overlay));
    cases.push(one);
    Ok(cases)
}

/// Twelve plugins of twelve kinds in one run.
fn twelve(folder: &Path) -> Result<Case> {
    let mut pipeline = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n".to_owned();
    for (plugin, config) in [
        ("label-injector", "labels: {team: payments}"),
        ("namespace", "namespace: shop"),
        ("images", "images: [{name: registry.example/parts/part-0, newTag: \"2.0\"}]"),
        ("containers", "set: {terminationMessagePolicy: File}"),
        ("scheduling", "nodeSelector: {disk: ssd}"),
        ("sidecar-injector", "containers: [{name: log-shipper, image: \"ghcr.io/example/log-shipper:1.10\"}]"),
        ("select", "keep: [{kind: .*}]"),
        ("checksum", ""),
        ("hooks", ""),
        ("rename", "nameSuffix: -b"),
        ("kstatus", ""),
        ("label-injector", "annotations: {step: last}"),
    ] {
        let path = workspace::built_plugin(plugin).display().to_string();
        pipeline.push_str(&format!("- use: {path}\n  config: {{{config}}}\n"));
    }
    let path = folder.join("twelve.yaml");
    std::fs::write(&path, pipeline).during(format_args!("cannot write {}", path.display()))?;
    let windlass = workspace::windlass().display().to_string();
    let mut twelve =
        case(name::TWELVE, [windlass, "run".to_owned(), "--pipeline".to_owned(), path.display().to_string()]);
    twelve.environment.push(("WINDLASS_CACHE_DIR", folder.join("windlass-cache")));
    Ok(twelve)
}

/// Copies the stream to where kustomize reads it.
fn copied_to(overlay: PathBuf) -> Prepare {
    Box::new(move |stream| {
        std::fs::copy(&stream.path, overlay.join("all.yaml")).during("cannot copy the stream").map(drop)
    })
}

pub(super) fn case<const N: usize>(name: &'static str, command: [impl Into<String>; N]) -> Case {
    Case {
        name,
        command: command.into_iter().map(Into::into).collect(),
        environment: Vec::new(),
        fresh_folder: None,
        prepare: None,
        reports_last_call: false,
        any_size: false,
        on_charts: false,
    }
}

impl Case {
    /// Whether it is a program by others, which need not manage every stream.
    #[must_use]
    pub fn may_fail(&self) -> bool {
        [name::KUSTOMIZE, name::SCRIPT, name::YQ].contains(&self.name)
    }

    fn at_any_size(mut self) -> Self {
        self.any_size = true;
        self
    }

    fn for_charts(mut self) -> Self {
        self.on_charts = true;
        self
    }
}

/// The plugin compiled for this machine, without any sandbox.
fn native() -> Result<PathBuf> {
    command::run(workspace::cargo().args([
        "build",
        "--locked",
        "--quiet",
        "--release",
        "--package",
        "windlass-tests",
        "--bin",
        "native-label-injector",
    ]))?;
    Ok(workspace::target().join("release").join("native-label-injector"))
}

fn windlass(folder: &Path) -> Result<[Case; 2]> {
    build::host()?;
    let plugin = workspace::built_plugin("label-injector").display().to_string();
    let command = [
        workspace::windlass().display().to_string(),
        "run".to_owned(),
        plugin,
        "--set".to_owned(),
        format!("labels.{}={}", LABEL.0, LABEL.1),
    ];
    let mut warm = case(name::WARM, command.clone()).at_any_size().for_charts();
    warm.environment.push(("WINDLASS_CACHE_DIR", folder.join("windlass-cache")));
    let mut cold = case(name::COLD, command);
    cold.fresh_folder = Some("WINDLASS_CACHE_DIR");
    Ok([warm, cold])
}

/// kustomize as a program reads the stream from a file; as a post-renderer it needs a script around it.
fn kustomize(folder: &Path, program: &Path) -> Result<[Case; 2]> {
    let overlay = folder.join("overlay");
    std::fs::create_dir_all(&overlay).during("cannot make the overlay")?;
    let kustomization = format!("resources: [all.yaml]\nlabels:\n- pairs: {{{}: {}}}\n", LABEL.0, LABEL.1);
    std::fs::write(overlay.join("kustomization.yaml"), kustomization).during("cannot write the overlay")?;
    let script = script(folder)?;
    let (overlay_name, program) = (overlay.display().to_string(), program.display().to_string());
    let mut direct = case(name::KUSTOMIZE, [program.clone(), "build".to_owned(), overlay_name.clone()]).for_charts();
    direct.prepare = Some(copied_to(overlay));
    let script = case(name::SCRIPT, ["/bin/sh".to_owned(), script.display().to_string(), overlay_name, program]);
    Ok([direct, script])
}

/// The script that is found most often in public repositories, word for word but for the file's name. It takes the
/// overlay's folder and the program.
pub(super) fn script(folder: &Path) -> Result<PathBuf> {
    let script = folder.join("post-render.sh");
    std::fs::write(&script, "#!/bin/sh\ncd \"$1\" && cat <&0 > all.yaml && \"$2\" build . && rm all.yaml\n")
        .during("cannot write the script")?;
    Ok(script)
}

fn helm_engine(folder: &Path, program: &Path) -> [Case; 3] {
    let program = program.display().to_string();
    let plugin = workspace::built_plugin("label-injector").display().to_string();
    let word = format!("labels.{}={}", LABEL.0, LABEL.1);
    let cache = folder.join("wazero-cache").display().to_string();
    let warm = [program.clone(), "-cache".to_owned(), cache.clone(), plugin.clone(), word.clone()];
    let next = [
        program.clone(),
        "-cache".to_owned(),
        cache,
        "-repeat".to_owned(),
        "3".to_owned(),
        "-times".to_owned(),
        plugin.clone(),
        word.clone(),
    ];
    let mut next = case(name::ENGINE_NEXT, next);
    next.reports_last_call = true;
    [case(name::ENGINE_COLD, [program, plugin, word]), case(name::ENGINE_WARM, warm).for_charts(), next]
}
