//! `cargo xtask demo`: the project's awkward chart through two sample plugins in the sandbox, with a readable diff.
//!
//! What needs nothing but Rust comes first: the stream that Helm 4 handed over when it was recorded, and a plugin that
//! travels in a folder. Then, unless `--quick` leaves it out, the same under real Helm 3, real Helm 4 and a registry,
//! whose first build takes minutes. Everything it makes is in `target/demo`, to look at.

mod registry;

use crate::command::{self, During, Failure, Result};
use crate::helm::{self, Helm, Version};
use crate::lines::{self, Edit};
use crate::{build, expect_only, peers, say, streams, workspace};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The chart of the demo.
const CHART: &str = "awkward";

/// What the two plugins are asked to do. The paths are relative to the file, which is `target/demo/windlass.yaml`.
const PIPELINE: &str = "\
apiVersion: windlass.dev/v1alpha1
kind: Pipeline
plugins:
- use: ../plugins/label-injector
  config:
    labels: {team: payments, cost-center: \"0420\"}
- use: ../plugins/sidecar-injector
  config:
    targets: [{kind: Deployment|StatefulSet}]
    containers:
    - name: log-shipper
      image: ghcr.io/example/log-shipper:1.10
      resources:
        limits: {memory: 32Mi}
";

/// Runs the command.
///
/// # Errors
/// Something does not compile, Helm fails, or a plugin changed what it was not asked to change.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    expect_only(arguments, &["--quick"])?;
    let start = Instant::now();
    build::host()?;
    for plugin in build::plugins()? {
        say::note(&format!("{}: {} KB of WebAssembly", plugin.name, plugin.size / 1000));
    }
    let stage = Stage::new()?;
    let recorded = stage.run_on_record()?;
    stage.diff(&recorded)?;
    registry::through_a_folder(&stage.folder, &recorded)?;
    if arguments.is_empty() {
        under_helm(&stage, &recorded)?;
    } else {
        say::step("without `--quick`: the same under real Helm 3 and Helm 4, and through a registry");
    }
    say::step(&format!("demo done in {}; the files are in {}", say::duration(start.elapsed()), stage.folder.display()));
    Ok(ExitCode::SUCCESS)
}

/// The part that takes Helm and a registry. What cannot be had is said and left out.
fn under_helm(stage: &Stage, recorded: &Path) -> Result<()> {
    announce();
    let mut stream = recorded.to_owned();
    let mut helm_4 = None;
    for version in Version::ALL {
        match version.tool().ensure() {
            Ok(program) => {
                stream = stage.render(version, program.clone())?;
                helm_4 = Some(program).filter(|_| matches!(version, Version::Four)).or(helm_4);
            }
            Err(failure) => {
                say::failure(&failure);
                say::note(&format!("going on without {}", version.title()));
            }
        }
    }
    match (helm_4, peers::DISTRIBUTION.ensure()) {
        // Windlass itself talks to no registry then, not even to one on this machine.
        _ if workspace::offline() => say::note("WINDLASS_OFFLINE=1: going on without a registry"),
        (Some(helm), Ok(_)) => {
            registry::next_to_a_chart(&stage.folder.join("registry"), &helm::chart(CHART), helm, &stream)?;
        }
        (_, Err(failure)) => {
            say::failure(&failure);
            say::note("going on without a registry");
        }
        (None, Ok(_)) => say::note("going on without a registry: it takes Helm 4 to show it"),
    }
    Ok(())
}

/// Says what is about to be built, where something is.
fn announce() {
    let mut missing: Vec<String> = Version::ALL
        .iter()
        .map(|version| version.tool())
        .filter(|tool| tool.installed().is_none())
        .map(|tool| tool.title())
        .collect();
    if !matches!(peers::DISTRIBUTION.built(), Ok(Some(_))) {
        missing.push("a registry".to_owned());
    }
    if !missing.is_empty() {
        say::step(&format!("now with real Helm and a registry; building {} takes minutes, once", missing.join(", ")));
        say::note("`cargo xtask demo --quick` leaves this out");
    }
}

/// The folder of the demo and what is in it.
struct Stage {
    folder: PathBuf,
    pipeline: PathBuf,
}

impl Stage {
    fn new() -> Result<Self> {
        let folder = workspace::target().join("demo");
        let pipeline = folder.join("windlass.yaml");
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder).during("cannot clear the last demo")?;
        }
        std::fs::create_dir_all(&folder).during(format_args!("cannot make {}", folder.display()))?;
        std::fs::write(&pipeline, PIPELINE).during(format_args!("cannot write {}", pipeline.display()))?;
        say::step(&format!("the pipeline, {}", pipeline.display()));
        PIPELINE.lines().for_each(say::note);
        Ok(Self { folder, pipeline })
    }

    /// Renders the chart with a Helm, without and with the pipeline, and checks that nothing else changed. Gives the
    /// file that holds what Helm handed to Windlass.
    fn render(&self, version: Version, program: PathBuf) -> Result<PathBuf> {
        let folder = self.folder.join(version.folder_name());
        let helm = Helm::new(version, program, &folder.join("home"))?;
        let chart = helm::chart(CHART);
        let pipeline = self.pipeline.display().to_string();
        let copy = match version {
            Version::Three => vec!["--post-renderer", "cat"],
            Version::Four => {
                helm.add_plugin("copy", "    - command: cat\n")?;
                vec!["--post-renderer", "copy"]
            }
        };
        let windlass = workspace::windlass().display().to_string();
        let through_windlass = match version {
            Version::Three => vec![windlass.as_str(), "run", "--pipeline", &pipeline],
            Version::Four => {
                command::output(Command::new(&windlass).args(["helm", "enable"]).env("HELM_PLUGINS", helm.plugins()))?;
                vec!["windlass", "--pipeline", &pipeline]
            }
        };
        let mut arguments = Vec::new();
        for (index, word) in through_windlass.into_iter().enumerate() {
            arguments.push(if index == 0 { "--post-renderer" } else { "--post-renderer-args" });
            arguments.push(word);
        }

        say::step(&format!("{} renders {} through both plugins", version.title(), chart.display()));
        say::note(&format!("helm template {} {} {}", helm::RELEASE, chart.display(), arguments.join(" ")));
        let before = command::output(helm.template(&chart).args(copy))?;
        let start = Instant::now();
        let after = command::output(helm.template(&chart).args(&arguments))?;
        let took = start.elapsed();
        let stream = folder.join("handed-over.yaml");
        let write = |path: &Path, bytes: &[u8]| {
            std::fs::write(path, bytes).during(format_args!("cannot write {}", path.display()))
        };
        write(&folder.join("rendered-before.yaml"), &before)?;
        write(&folder.join("rendered-after.yaml"), &after)?;
        write(&stream, &helm.handed_over(&chart)?)?;
        say::note(&format!("{} in {}", summary(&before, &after)?, say::duration(took)));
        Ok(stream)
    }

    /// The plugins on the recorded stream, which needs no Helm.
    fn run_on_record(&self) -> Result<PathBuf> {
        let stream = streams::recorded(Version::Four, CHART);
        say::step("both plugins on what Helm 4 handed over for the chart when it was recorded");
        say::note(&stream.display().to_string());
        let before = std::fs::read(&stream).during(format_args!("cannot read {}", stream.display()))?;
        let finished = command::feed(
            Command::new(workspace::windlass()).args(["run", "--pipeline"]).arg(&self.pipeline),
            &before,
        )?;
        if finished.code != Some(0) {
            return Err(Failure::new(format!("windlass failed: {}", finished.stderr.trim())));
        }
        let path = self.folder.join("rendered-after.yaml");
        std::fs::write(&path, &finished.stdout).during(format_args!("cannot write {}", path.display()))?;
        say::note(&summary(&before, &finished.stdout)?);
        Ok(stream)
    }

    /// Shows what the pipeline does to a stream, object by object.
    fn diff(&self, stream: &Path) -> Result<()> {
        say::step("what changed, by `windlass diff`");
        let color = if std::io::stdout().is_terminal() { "always" } else { "auto" };
        let mut diff = Command::new(workspace::windlass());
        diff.args(["diff", "--color", color, "--pipeline"]).arg(&self.pipeline).arg("--file").arg(stream);
        let status = diff.status().during("cannot start windlass")?;
        // 1 says that something would change, which is what a demo wants to see.
        if status.code() == Some(1) { Ok(()) } else { Err(Failure::new(format!("windlass diff ended with {status}"))) }
    }
}

/// Says how much changed, and refuses a change of anything that was there before.
fn summary(before: &[u8], after: &[u8]) -> Result<String> {
    let before = std::str::from_utf8(before).during("Helm's output is not UTF-8")?;
    let after = std::str::from_utf8(after).during("the output is not UTF-8")?;
    let edits = lines::edits(before, after).map_err(Failure::new)?;
    let extended = edits.iter().filter(|(_, edit)| matches!(edit, Edit::Extended(_))).count();
    Ok(format!(
        "{} lines: all there, in order; {} new, {extended} extended, 0 lost",
        before.lines().count(),
        edits.len() - extended
    ))
}
