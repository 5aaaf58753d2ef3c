//! The plugins as a release ships them: their modules gone over by Binaryen's `wasm-opt`, at one exact version, so that
//! the same sources still give the same bytes. What is made is tested as the plugins themselves are, before it counts.

use super::{file_name, sha256};
use crate::command::{self, During, Result};
use crate::{say, tools, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Faster code in fewer bytes. Only what Helm's engine takes is on: with all features, the module is one that it
/// refuses.
const FLAGS: [&str; 7] = [
    "-O3",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The file beside an optimised module that says of which module it was made.
const MADE_OF: &str = ".made-of";

/// Optimises the modules of `plugins` into `out/plugins/NAME`.
///
/// # Errors
/// There is no Node, a module cannot be read by `wasm-opt`, or a plugin fails its cases.
pub(super) fn make(out: &Path, plugins: &[PathBuf]) -> Result<()> {
    let program = tools::WASM_OPT.ensure()?;
    for plugin in plugins {
        let (name, module) = (file_name(plugin), plugin.join("plugin.wasm"));
        let folder = out.join("plugins").join(&name);
        std::fs::create_dir_all(&folder).during(format_args!("cannot make {}", folder.display()))?;
        // Says so only when all below is done.
        drop(std::fs::remove_file(folder.join(MADE_OF)));
        let smaller = folder.join("plugin.wasm");
        command::run(Command::new("node").arg(&program).args(FLAGS).arg(&module).arg("-o").arg(&smaller))?;
        let copy = |file: &str| std::fs::copy(plugin.join(file), folder.join(file));
        copy("plugin.yaml").during(format_args!("cannot copy {name}'s plugin.yaml"))?;
        let source = workspace::root().join("plugins").join(&name);
        command::run_quietly(
            Command::new(workspace::windlass()).arg("test").arg(&source).arg("--plugin").arg(&folder),
        )?;
        let digest = sha256(&module)?;
        std::fs::write(folder.join(MADE_OF), digest).during(format_args!("cannot write to {}", folder.display()))?;
        say::note(&format!("{name}: {} -> {} bytes", size(&module)?, size(&smaller)?));
    }
    Ok(())
}

/// The folder of a built plugin to ship: the optimised one, where it was made of this very module.
///
/// # Errors
/// The module cannot be read.
pub fn shipped(out: &Path, plugin: &Path) -> Result<PathBuf> {
    let folder = out.join("plugins").join(file_name(plugin));
    let made_of = std::fs::read_to_string(folder.join(MADE_OF)).unwrap_or_default();
    Ok(if made_of == sha256(&plugin.join("plugin.wasm"))? { folder } else { plugin.to_owned() })
}

fn size(path: &Path) -> Result<u64> {
    Ok(path.metadata().during(format_args!("cannot read {}", path.display()))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_of_another_module_is_not_shipped() {
        let place = std::env::temp_dir().join(format!("windlass-shipped-{}", std::process::id()));
        let (out, plugin) = (place.join("out"), place.join("built/a"));
        let made = out.join("plugins/a");
        std::fs::create_dir_all(&plugin).unwrap();
        std::fs::create_dir_all(&made).unwrap();
        std::fs::write(plugin.join("plugin.wasm"), "one").unwrap();
        assert_eq!(shipped(&out, &plugin).unwrap(), plugin, "nothing was made");
        std::fs::write(made.join(MADE_OF), sha256(&plugin.join("plugin.wasm")).unwrap()).unwrap();
        assert_eq!(shipped(&out, &plugin).unwrap(), made);
        std::fs::write(plugin.join("plugin.wasm"), "two").unwrap();
        assert_eq!(shipped(&out, &plugin).unwrap(), plugin, "it was built again");
        std::fs::remove_dir_all(&place).unwrap();
    }
}
