//! Real Helm, in a home of its own: it never sees the plugins, repositories or clusters of whoever runs it.

use crate::command::{self, During, Failure, Result};
use crate::tools::{HELM_3, HELM_4, Tool};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release name that demo, tests and recorded streams use.
pub const RELEASE: &str = "shop";

/// The namespace that demo, tests and recorded streams use.
pub const NAMESPACE: &str = "prod";

/// Which Helm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Helm 3: a post-renderer is an executable.
    Three,
    /// Helm 4: a post-renderer is a plugin.
    Four,
}

impl Version {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Three, Self::Four];

    /// The tool at its exact version.
    #[must_use]
    pub fn tool(self) -> Tool {
        match self {
            Self::Three => HELM_3,
            Self::Four => HELM_4,
        }
    }

    /// `helm3` or `helm4`, as in folder names.
    #[must_use]
    pub fn folder_name(self) -> &'static str {
        match self {
            Self::Three => "helm3",
            Self::Four => "helm4",
        }
    }

    /// `Helm 3` or `Helm 4`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Three => "Helm 3",
            Self::Four => "Helm 4",
        }
    }
}

/// A Helm with a home.
#[derive(Debug)]
pub struct Helm {
    /// Which one.
    pub version: Version,
    program: PathBuf,
    home: PathBuf,
}

impl Helm {
    /// Helm as `program`, with its plugins, cache and data under `home`.
    ///
    /// # Errors
    /// `home` cannot be made.
    pub fn new(version: Version, program: PathBuf, home: &Path) -> Result<Self> {
        let helm = Self { version, program, home: home.to_owned() };
        std::fs::create_dir_all(helm.plugins()).during(format_args!("cannot make {}", home.display()))?;
        Ok(helm)
    }

    /// Where this Helm looks for plugins.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.home.join("data/plugins")
    }

    /// Helm, ready for arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("HELM_")) {
                command.env_remove(name);
            }
        }
        command
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .env("HELM_PLUGINS", self.plugins())
            // No cluster, whatever the machine has.
            .env("KUBECONFIG", self.home.join("no-kubeconfig"));
        command
    }

    /// `helm template shop CHART --namespace prod`, ready for more arguments.
    #[must_use]
    pub fn template(&self, chart: &Path) -> Command {
        let mut command = self.command();
        command.args(["template", RELEASE]).arg(chart).args(["--namespace", NAMESPACE]);
        command
    }

    /// What this Helm hands to a post-renderer for a chart, byte for byte. Helm 3 is asked for CRDs as well.
    ///
    /// # Errors
    /// Helm cannot render the chart.
    pub fn handed_over(&self, chart: &Path) -> Result<Vec<u8>> {
        let record = self.home.join("handed-over.yaml");
        let mut template = self.template(chart);
        match self.version {
            Version::Three => {
                template.args(["--include-crds", "--post-renderer", "tee", "--post-renderer-args"]).arg(&record);
            }
            Version::Four => {
                // A plugin that records its input; the file is an extra argument of the user's, as in Helm 3.
                self.add_plugin("record", "    - command: tee\n")?;
                template.args(["--post-renderer", "record", "--post-renderer-args"]).arg(&record);
            }
        }
        let finished = command::feed(&mut template, b"")?;
        let stream = std::fs::read(&record);
        drop(std::fs::remove_file(&record));
        match stream {
            // A chart without resources: nothing came in, `tee` printed nothing, and Helm 4 calls that an error.
            Ok(stream) if finished.code == Some(0) || stream.is_empty() => Ok(stream),
            _ => Err(Failure::new(format!(
                "{} cannot render {}: {}",
                self.version.title(),
                chart.display(),
                finished.stderr.trim()
            ))),
        }
    }

    /// Adds a Helm 4 post-renderer that starts a program; `commands` is the list under `platformCommand`.
    ///
    /// # Errors
    /// The plugin folder cannot be written.
    pub fn add_plugin(&self, name: &str, commands: &str) -> Result<()> {
        let folder = self.plugins().join(name);
        std::fs::create_dir_all(&folder).during(format_args!("cannot make {}", folder.display()))?;
        let text = format!(
            "apiVersion: v1\nname: {name}\ntype: postrenderer/v1\nversion: 0.1.0\nruntime: subprocess\n\
             runtimeConfig:\n  platformCommand:\n{commands}"
        );
        std::fs::write(folder.join("plugin.yaml"), text).during(format_args!("cannot write into {}", folder.display()))
    }
}

/// The folder of a chart of ours.
#[must_use]
pub fn chart(name: &str) -> PathBuf {
    workspace::root().join("tests/charts").join(name)
}
