//! Packages: a plugin's folder as the archive that Helm installs, the same bytes for the same files, and its
//! provenance.

use std::path::Path;

use serde_json::Value as Json;
use windlass_abi::raw::{HELM_ENTRY, WINDLASS_MODULE};

use crate::author::build::Tool;
use crate::author::{adapter, defaults};
use crate::digest::Digest;
use crate::error::Error;
use crate::event::Event;
use crate::helm::archive::{ArchivedFile, PLUGIN_YAML, PluginArchive};
use crate::helm::plugin_yaml::{self, PluginYaml, Runtime};
use crate::limits::table::MAX_UNPACKED;
use crate::plugin::opening::FetchOptions;
use crate::plugin::{fetch, identity, verify};
use crate::sandbox::compile::cache::CodeCache;
use crate::sandbox::compile::validate;
use crate::sandbox::options::RenderOptions;
use crate::source::PluginRef;
use crate::trust::openpgp::SecretKey;
use crate::trust::provenance;

/// Taken from a source folder besides plugin.yaml and plugin.wasm; a folder that is not one is taken whole.
const DOCUMENTS: [&str; 4] = ["README", "LICENSE", "NOTICE", "CHANGELOG"];

/// A plugin, packaged.
#[derive(Clone, Debug)]
pub struct Package {
    /// What its plugin.yaml says.
    pub plugin: PluginYaml,
    /// `NAME-VERSION.tgz`.
    pub archive_name: String,
    /// The archive.
    pub archive: Vec<u8>,
    /// The digest of the wasm in it.
    pub wasm: Digest,
    /// The provenance, when a key was given.
    pub provenance: Option<String>,
}

/// Packages the plugin in `folder`: plugin.yaml is checked by Helm's rules (and those that Helm skips), the module
/// against what Helm's engine takes.
///
/// With `runtime` the package's plugin.yaml is for that runtime of Helm's, whatever the folder's is for: name, version,
/// source and configuration stay, other settings of the old runtime mean nothing to the new one and go.
///
/// # Errors
/// What breaks a rule, with its place (exit 2).
pub fn package(folder: &Path, runtime: Option<Runtime>, key: Option<&SecretKey>) -> Result<Package, Error> {
    if !folder.join(PLUGIN_YAML).is_file() {
        return Err(Error::usage(format!("`{}` has no {PLUGIN_YAML}, so it is not a plugin", folder.display()))
            .hint("give the folder that holds plugin.yaml and plugin.wasm"));
    }
    let remote = FetchOptions::none();
    let verified = verify::verify(fetch::fetch(&PluginRef::Path(folder.to_owned()), &remote)?, &remote)?;
    let mut plugin =
        identity::read_plugin_yaml(&verified)?.ok_or_else(|| Error::bug("a plugin.yaml that was there is gone"))?;
    identity::refuse_two_identities(&verified)?;
    let ignore = |_: Event<'_>| {};
    defaults::check(&verified, &RenderOptions::new(CodeCache::default_place(), &ignore))?;
    let target = runtime.unwrap_or(plugin.runtime);
    // Helm's engine gives a command no input: the adapter does.
    let wasm = match target == Runtime::Extism && verified.is_command() {
        true => {
            validate::validate(verified.wasm())?;
            adapter::join(verified.wasm())?
        }
        false => verified.wasm().to_vec(),
    };
    check_module(&wasm, target)?;
    let mut files = collect(folder)?;
    let mut replace = |path: &str, bytes: Vec<u8>| {
        files.retain(|(name, _)| name != path);
        files.push((path.to_owned(), ArchivedFile { bytes, executable: false }));
    };
    let mut text = verified.plugin_yaml().unwrap_or_default().to_owned();
    if let Some(runtime) = runtime.filter(|runtime| *runtime != plugin.runtime) {
        text = for_runtime(&plugin, runtime);
        plugin = plugin_yaml::read(&text).map_err(|problem| problem.in_file("the new plugin.yaml"))?;
    }
    if plugin.runtime == Runtime::Subprocess && !plugin.has_command {
        return Err(Error::usage(
            "plugin.yaml has no runtimeConfig.platformCommand, so Helm would have nothing to start",
        )
        .hint("add `platformCommand: [{command: windlass, args: [run, \"${HELM_PLUGIN_DIR}\", --]}]`"));
    }
    replace(PLUGIN_YAML, text.into_bytes());
    let digest = Digest::of(&wasm);
    replace("plugin.wasm", wasm);
    let archive = PluginArchive::from_files(&plugin.name, files)?.to_bytes()?;
    let archive_name = format!("{}-{}.tgz", plugin.name, plugin.version);
    let provenance = key.map(|key| provenance::sign(&archive, &archive_name, &plugin, key)).transpose()?;
    Ok(Package { plugin, archive_name, archive, wasm: digest, provenance })
}

/// What Helm's engine would stumble over, found before anybody downloads it.
fn check_module(wasm: &[u8], runtime: Runtime) -> Result<(), Error> {
    let shape = validate::validate(wasm)?;
    if runtime == Runtime::Subprocess {
        return Ok(());
    }
    if !shape.exports.iter().any(|export| export.name == HELM_ENTRY) {
        return Err(Error::usage(format!("the module does not export `{HELM_ENTRY}`, which Helm calls"))
            .hint("package it with `--runtime subprocess`, or build it with the PDK"));
    }
    if let Some(import) = shape.imports.iter().find(|import| import.module == WINDLASS_MODULE) {
        return Err(Error::usage(format!("the module imports `{}`, which Helm's engine does not have", import.name))
            .hint("package it with `--runtime subprocess`: then Windlass runs it"));
    }
    Ok(())
}

/// The files that go into the package, in no particular order.
fn collect(folder: &Path) -> Result<Vec<(String, ArchivedFile)>, Error> {
    let is_source = Tool::of(folder).is_some();
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let unreadable = |e: std::io::Error| Error::usage(format!("cannot read {}: {e}", current.display()));
        for entry in std::fs::read_dir(&current).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let name = name
                .to_str()
                .ok_or_else(|| Error::usage(format!("the name of {} is not UTF-8", path.display())))?
                .replace('\\', "/");
            let is_document =
                DOCUMENTS.iter().any(|document| name.to_ascii_uppercase().starts_with(document)) && !name.contains('/');
            if entry.file_name().to_string_lossy().starts_with('.') || (is_source && !is_document) {
                continue;
            }
            let metadata = std::fs::symlink_metadata(&path).map_err(unreadable)?;
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() {
                let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
                files.push((
                    name,
                    ArchivedFile { bytes: crate::input::read(&path, MAX_UNPACKED).map_err(unreadable)?, executable },
                ));
            } else {
                return Err(Error::usage(format!(
                    "{} is neither a file nor a folder, and Helm installs nothing else",
                    path.display()
                ))
                .hint("replace the link by a copy of what it points to"));
            }
        }
    }
    Ok(files)
}

/// A plugin.yaml for another runtime, with the same identity and configuration.
fn for_runtime(plugin: &PluginYaml, runtime: Runtime) -> String {
    let PluginYaml { name, version, source_url, config, .. } = plugin;
    let mut text = match runtime {
        Runtime::Subprocess => plugin_yaml::for_subprocess(name, &version.to_string()),
        Runtime::Extism => format!(
            "apiVersion: v1\nname: {name}\ntype: {}\nversion: {}\nruntime: {}\nruntimeConfig:\n",
            plugin_yaml::POST_RENDERER,
            Json::from(version.to_string()),
            runtime.word()
        ),
    };
    if !config.is_empty() {
        text.push_str("  config:\n");
    } else if runtime == Runtime::Extism {
        text = text.replace("runtimeConfig:\n", "runtimeConfig: {}\n");
    }
    for (key, value) in config {
        // JSON's quotes and escapes are YAML's. Helm's engine takes strings alone; the PDK reads YAML out of them.
        let value = match value {
            windlass_manifest::Value::String(text) => Json::from(text.as_str()).to_string(),
            other if runtime == Runtime::Extism => Json::from(other.to_json()).to_string(),
            other => other.to_json(),
        };
        text.push_str(&format!("    {}: {value}\n", Json::from(key.as_str())));
    }
    if let Some(url) = source_url {
        text.push_str(&format!("sourceURL: {}\n", Json::from(url.as_str())));
    }
    text
}
