//! `windlass helm enable`: Windlass as a post-renderer of Helm 4.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::printer::{Outcome, Printer};
use crate::config::pipeline::Pipeline;
use crate::dirs;
use crate::error::Error;
use crate::helm::enable::{self, DEFAULT_NAME, Registration};
use crate::render;
use crate::source::PluginRef;
use crate::text::Text;

/// What Windlass does for Helm.
#[derive(Args, Debug)]
pub(super) struct HelmArgs {
    #[command(subcommand)]
    command: HelmCommand,
}

#[derive(Subcommand, Debug)]
enum HelmCommand {
    Enable(EnableArgs),
}

/// Register Windlass as a post-renderer of Helm 4. Safe to repeat.
///
/// Afterwards `helm template CHART --post-renderer windlass` runs what --pipeline or PLUGIN say; without them, name
/// the plugins with --post-renderer-args. Helm 3 needs none of this: it takes a program,
/// `--post-renderer windlass --post-renderer-args run`.
#[derive(Args, Debug)]
struct EnableArgs {
    /// Plugins that the post-renderer runs.
    #[arg(value_name = "PLUGIN", conflicts_with = "pipeline")]
    plugins: Vec<PluginRef>,
    /// The pipeline that the post-renderer runs.
    #[arg(long, value_name = "FILE")]
    pipeline: Option<PathBuf>,
    /// Refuse plugins whose digests are not those of the windlass.lock beside the pipeline.
    // Clap asks for no pipeline where one would conflict with what is there.
    #[arg(long, requires = "pipeline", conflicts_with = "plugins")]
    locked: bool,
    /// Helm's name for the post-renderer.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAME)]
    name: String,
    /// Helm's plugin folder [default: the first of HELM_PLUGINS, else that of HELM_DATA_HOME or the home directory].
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// Replace a plugin of the same name that Windlass did not write.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: &HelmArgs, printer: &Printer) -> Result<Outcome, Error> {
    match &arguments.command {
        HelmCommand::Enable(arguments) => enable(arguments, printer),
    }
}

fn enable(arguments: &EnableArgs, printer: &Printer) -> Result<Outcome, Error> {
    let mut run = Vec::new();
    if let Some(pipeline) = &arguments.pipeline {
        // Found wrong now rather than by Helm, which would not say why.
        for plugin in &Pipeline::load(pipeline)?.plugins {
            // Others are looked at with what the pipeline's `trust` and the lock file say, when they run.
            if matches!(plugin.reference, PluginRef::Path(_) | PluginRef::Installed(_)) {
                render::open(&plugin.reference)?;
            }
        }
        run.extend(["--pipeline".to_owned(), absolute(pipeline)?]);
    }
    if arguments.locked {
        run.push("--locked".to_owned());
    }
    for plugin in &arguments.plugins {
        let opened = render::open(plugin)?;
        run.push(match plugin {
            PluginRef::Path(path) => absolute(path)?,
            PluginRef::Layout { folder, tag } => {
                let folder = absolute(folder)?.into();
                PluginRef::Layout { folder, tag: tag.clone() }.to_string()
            }
            // Helm runs it in another folder, where the same name would be another plugin.
            PluginRef::Installed(name) if !dirs::installed_names().contains(name) => {
                absolute(opened.folder().unwrap_or_else(|| Path::new(name)))?
            }
            other => other.to_string(),
        });
    }
    let plugins_dir = match &arguments.plugins_dir {
        Some(folder) => folder.clone(),
        None => enable::plugins_dir()?,
    };
    let program = std::env::current_exe()
        .map_err(|error| Error::usage(format!("the path of this program cannot be found: {error}")))?;
    let registration = Registration { name: arguments.name.clone(), arguments: run, plugins_dir };
    let registered = enable::enable(&registration, &program, arguments.force)?;
    if arguments.plugins_dir.is_none() {
        printer.warning(
            "Helm 3 looks in the same folder and loses its own plugin commands as long as a Helm 4 plugin is there; \
             with both Helms in use, give `--plugins-dir` and set HELM_PLUGINS for Helm 4 alone",
        );
    }
    let state = if registered.changed { "` is registered in " } else { "` was registered already in " };
    let text = Text::new().say("post-renderer `").show(&registration.name).say(state).show(registered.folder.display());
    let text = text.say("\ntry: helm template CHART --post-renderer ").show(&registration.name).say("\n");
    let json = json!({ "name": registration.name, "folder": registered.folder, "changed": registered.changed });
    Ok(Outcome::report(text, json))
}

fn absolute(path: &Path) -> Result<String, Error> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::usage(format!("`{}` has no absolute path: {error}", path.display())))?;
    absolute
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::usage(format!("`{}` is not UTF-8, which plugin.yaml must be", path.display())))
}
