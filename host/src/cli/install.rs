//! `windlass install`, `uninstall` and `list`: plugins for the user.

use clap::Args;
use serde_json::json;

use super::ahead::compile_ahead;
use super::plugin_args::CompileArgs;
use super::printer::{Outcome, Printer, style};
use super::remote_args::RemoteArgs;
use super::verify::texts;
use crate::dirs::{bundled, bundled_names, installed_names};
use crate::error::Error;
use crate::plugin::{identity, installed};
use crate::render;
use crate::source::PluginRef;
use crate::text::{Text, one_line};

/// Install a plugin for the current user, so that its name alone runs it, and compile it ahead.
#[derive(Args, Debug)]
pub(super) struct InstallArgs {
    /// A .wasm file, a plugin folder, a .tgz, oci://HOST/REPO/NAME:VERSION or oci-layout:DIR[:TAG].
    #[arg(value_name = "PLUGIN")]
    plugin: PluginRef,
    /// Replace another version that is installed under the same name.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    compile: CompileArgs,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Remove an installed plugin.
#[derive(Args, Debug)]
pub(super) struct UninstallArgs {
    /// Its name.
    #[arg(value_name = "NAME")]
    name: String,
}

/// List the installed plugins, or those that came with Windlass.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// List the plugins that came with Windlass, which run by their names as well: an installed one of that name goes
    /// first.
    #[arg(long)]
    bundled: bool,
}

pub(super) fn install(arguments: &InstallArgs, printer: &Printer) -> Result<Outcome, Error> {
    let remote = arguments.remote.remote_for(&arguments.plugin, true, printer)?;
    let plugin = render::open_with(&arguments.plugin, &remote)?;
    let (identity, folder) = installed::install(&plugin, arguments.force)?;
    compile_ahead(&plugin, arguments.compile, printer);
    let text = Text::new().show(format!("{} {}", identity.name, identity.version).trim_end());
    let text = text.say(" is installed in ").show(folder.display()).say("\n");
    let json = json!({
        "name": identity.name,
        "version": identity.version,
        "digest": plugin.digest().to_string(),
        "folder": folder,
        "trusted": texts(plugin.reasons()),
    });
    Ok(Outcome::report(text, json))
}

pub(super) fn uninstall(arguments: &UninstallArgs) -> Result<Outcome, Error> {
    let folder = installed::uninstall(&arguments.name)?;
    let text = Text::new().show(&arguments.name).say(" is gone from ").show(folder.display()).say("\n");
    Ok(Outcome::report(text, json!({ "name": arguments.name, "folder": folder })))
}

pub(super) fn list(arguments: &ListArgs) -> Result<Outcome, Error> {
    let mut rows = Vec::new();
    let mut entries = Vec::new();
    let names = if arguments.bundled { bundled_names() } else { installed_names() };
    for name in names {
        let bundled = arguments.bundled.then(|| bundled(&name)).flatten();
        let reference = bundled.map_or_else(|| PluginRef::Installed(name.clone()), PluginRef::Path);
        // A broken plugin must not hide the others.
        let found = render::open(&reference)
            .and_then(|plugin| identity::identify(&plugin).map(|identity| (plugin.digest().to_string(), identity)));
        match found {
            Ok((digest, identity)) => {
                rows.push([name.clone(), identity.version.clone(), identity.description.clone()]);
                entries.push(json!({
                    "name": name,
                    "version": identity.version,
                    "description": identity.description,
                    "digest": digest,
                }));
            }
            Err(error) => {
                rows.push([name.clone(), "broken".to_owned(), error.to_string()]);
                entries.push(json!({ "name": name, "error": error.to_string() }));
            }
        }
    }
    let text = if rows.is_empty() {
        Text::new().say(if arguments.bundled {
            "no plugins came with this program: it stands alone, without a `plugins` folder beside it\n"
        } else {
            "no plugins are installed\n"
        })
    } else {
        let rows: Vec<[String; 3]> = rows
            .iter()
            .map(|row| row.each_ref().map(|cell| one_line(&cell.trim_end().replace('\n', " ")).into_owned()))
            .collect();
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(0), width(1));
        rows.iter()
            .map(|[name, version, description]| {
                let rest = format!("  {version:second$}  {description}");
                Text::new().style(style::NAME, format!("{name:first$}")).show(rest.trim_end()).say("\n")
            })
            .collect()
    };
    Ok(Outcome::report(text, json!({ "plugins": entries })))
}
