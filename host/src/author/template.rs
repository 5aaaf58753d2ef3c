//! A new plugin from one of the templates that the program carries.
//!
//! The templates are folders for cargo-generate; `windlass new` fills in the same placeholders: `{{project-name}}`,
//! `{{crate_name}}`, and those that the template's cargo-generate.toml declares with a default. As cargo-generate does,
//! it drops the ending `.liquid` of a file's name: a Cargo.toml would keep its folder out of the package on crates.io.
//!
//! The PDK comes from the checkout that the program lies in, else as sources that the program carries and puts into
//! [`VENDOR`] of the new folder: the very version that this program was tested with, and no network is needed. The
//! sources of windlass-go always come along, into [`GO_FOLDER`].

mod name;

use std::fs;
use std::path::{Path, PathBuf};

use windlass_abi::config::nearest;

use crate::error::Error;

/// A template: its name and its files.
struct Template {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

const TEMPLATES: &[Template] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The sources of the PDK, by their paths below [`VENDOR`].
const PDK_SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pdk.rs"));

/// Where a new plugin keeps the PDK's sources, when it needs them.
pub const VENDOR: &str = "vendor/windlass";

/// The sources of windlass-go, by their paths below [`GO_FOLDER`].
const GO_SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/go.rs"));

/// Where a new plugin in Go keeps windlass-go. Not `vendor`, which Go takes for its own.
pub const GO_FOLDER: &str = "windlass-go";

/// For cargo-generate alone.
const CARGO_GENERATE: &str = "cargo-generate.toml";
/// The ending of a template's file that the file it makes lacks.
const LIQUID: &str = ".liquid";
/// The placeholder for how Cargo finds the PDK.
const PDK: &str = "pdk";
/// The placeholder for how Go finds windlass-go.
const GO: &str = "windlass_go";

/// The names of the templates.
pub fn names() -> Vec<&'static str> {
    TEMPLATES.iter().map(|template| template.name).collect()
}

/// Writes the plugin `name` into `folder`, which must be missing or empty, and returns the files in the template's
/// order. `defined` are placeholders with values of the caller's own.
///
/// # Errors
/// An unknown template, a name that crates or registries do not take, a folder with something in it, an unknown
/// placeholder (exit 2).
pub fn write(template: &str, name: &str, folder: &Path, defined: &[(String, String)]) -> Result<Vec<PathBuf>, Error> {
    let found = TEMPLATES.iter().find(|known| known.name == template).ok_or_else(|| {
        let error = Error::usage(format!("there is no template `{template}`"));
        match nearest(template, names()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("templates: {}", names().join(", "))),
        }
    })?;
    name::check(name)?;
    let (placeholders, carried) = placeholders(found, name, defined)?;
    let is_occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_occupied || folder.is_file() {
        return Err(
            Error::usage(format!("`{}` is there already", folder.display())).hint("choose another folder with `--dir`")
        );
    }
    let unwritable = |error: std::io::Error| Error::usage(format!("`{}` cannot be written: {error}", folder.display()));
    let mut written = Vec::new();
    let write = |file: &Path, text: &str| {
        file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text)).map_err(unwritable)
    };
    for (path, text) in found.files.iter().filter(|(path, _)| *path != CARGO_GENERATE) {
        let path = fill(path.strip_suffix(LIQUID).unwrap_or(path), &placeholders);
        let file = folder.join(path);
        write(&file, &fill(text, &placeholders))?;
        written.push(file);
    }
    if let Some(Carried { folder: inside, files }) = carried {
        for (path, text) in files {
            write(&folder.join(inside).join(path), text)?;
        }
        written.push(folder.join(inside));
    }
    Ok(written)
}

/// Sources that the program puts beside a new plugin: a folder and the files in it.
struct Carried {
    folder: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// The placeholders with their values.
type Placeholders = Vec<(String, String)>;

fn placeholders(
    template: &Template,
    name: &str,
    defined: &[(String, String)],
) -> Result<(Placeholders, Option<Carried>), Error> {
    let mut known =
        vec![("project-name".to_owned(), name.to_owned()), ("crate_name".to_owned(), name.replace('-', "_"))];
    let declared = template.files.iter().find(|(path, _)| *path == CARGO_GENERATE).map_or("", |(_, text)| *text);
    known.extend(declared_defaults(declared));
    let mut carried = None;
    for (key, value) in known.iter_mut().filter(|(key, _)| !defined.iter().any(|(own, _)| own == key)) {
        match key.as_str() {
            PDK => {
                *value = if let Some(path) = pdk_of_this_checkout() {
                    format!("{{ path = {:?} }}", path.display().to_string())
                } else {
                    carried = Some(Carried { folder: VENDOR, files: PDK_SOURCES });
                    format!("{{ path = \"{VENDOR}/pdk\" }}")
                };
            }
            GO => {
                carried = Some(Carried { folder: GO_FOLDER, files: GO_SOURCES });
                *value = format!("\nreplace github.com/windlass-dev/windlass/pdk/go => ./{GO_FOLDER}");
            }
            _ => {}
        }
    }
    for (key, value) in defined {
        match known.iter_mut().find(|(known, _)| known == key) {
            Some((_, current)) => value.clone_into(current),
            None => {
                let names: Vec<&str> = known.iter().map(|(key, _)| key.as_str()).collect();
                return Err(Error::usage(format!("the template has no placeholder `{key}`"))
                    .hint(format!("placeholders: {}", names.join(", "))));
            }
        }
    }
    Ok((known, carried))
}

/// The `[placeholders.NAME]` tables of a cargo-generate.toml with a `default = '...'` (or `"..."` without escapes).
fn declared_defaults(text: &str) -> Vec<(String, String)> {
    let mut defaults = Vec::new();
    let mut table = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line.strip_prefix("[placeholders.").and_then(|rest| rest.strip_suffix(']'));
        } else if let (Some(name), Some((key, value))) = (table, line.split_once('='))
            && key.trim() == "default"
        {
            let value = value.trim();
            let quote = if value.starts_with('\'') { '\'' } else { '"' };
            defaults.push((name.to_owned(), value.trim_matches(quote).to_owned()));
        }
    }
    defaults
}

/// The PDK's source, when this program was built from it and still lies below it: then a new plugin needs no network.
fn pdk_of_this_checkout() -> Option<PathBuf> {
    let program = std::env::current_exe().and_then(fs::canonicalize).ok()?;
    program.ancestors().map(|folder| folder.join("pdk")).find(|pdk| {
        crate::input::read_text(&pdk.join("Cargo.toml"), crate::limits::table::MAX_DOCUMENT)
            .is_ok_and(|text| text.contains("name = \"windlass-pdk\""))
    })
}

/// Replaces `{{name}}`; braces around anything else (GitHub's `${{ }}`) stay.
fn fill(text: &str, placeholders: &[(String, String)]) -> String {
    placeholders.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{{{key}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let placeholders = [("project-name".to_owned(), "demo".to_owned())];
        assert_eq!(
            fill("{{project-name}} ${{ github.ref }} {{other}}", &placeholders),
            "demo ${{ github.ref }} {{other}}"
        );
    }

    #[test]
    fn defaults_are_read_from_cargo_generate_toml() {
        let text = "[template]\ndefault = \"x\"\n[placeholders.pdk]\ntype = \"string\"\ndefault = '{ git = \"u\" }'\n[placeholders.n]\ndefault = \"d\"\n";
        let expected = [("pdk", "{ git = \"u\" }"), ("n", "d")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(declared_defaults(text), expected);
    }
}
