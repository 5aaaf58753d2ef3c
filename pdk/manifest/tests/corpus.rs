//! Folders as cases: `tests/corpus/NAME/input.yaml`, the edits in `edits.yaml`, and the exact bytes that must come out
//! in `expected.yaml`, or the exact error in `error.txt`. `WINDLASS_BLESS=1 cargo test -p windlass-manifest` writes
//! them anew.
//!
//! `edits.yaml` is a list. Each entry has one of `set`, `merge`, `append`, `insert` (with `index`), `remove` with a
//! path, `delete: true` or `push`, a `value` where one is needed, and may have `object: Kind/name`; without it all
//! objects are edited. Each object gets all its edits in one visit; `push` comes after.

use std::fs;
use std::path::{Path as FilePath, PathBuf};

use serde::Deserialize;
use windlass_manifest::{Error, Manifests, Path, Value, from_yaml_str};
use windlass_testing::manifests::Edit;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    object: Option<String>,
    set: Option<String>,
    merge: Option<String>,
    append: Option<String>,
    insert: Option<String>,
    index: Option<usize>,
    remove: Option<String>,
    #[serde(default)]
    delete: bool,
    push: Option<Value>,
    #[serde(default)]
    value: Value,
}

impl Change {
    fn edit(&self) -> Option<Edit> {
        let path = |text: &str| -> Path { text.parse().unwrap_or_else(|error| panic!("{text}: {error}")) };
        let entries = || self.value.as_map().expect("a map as value").to_vec();
        None.or_else(|| self.set.as_deref().map(|text| Edit::Set(path(text), self.value.clone())))
            .or_else(|| self.merge.as_deref().map(|text| Edit::Merge(path(text), entries())))
            .or_else(|| self.append.as_deref().map(|text| Edit::Append(path(text), self.value.clone())))
            .or_else(|| {
                let index = self.index.unwrap_or_default();
                self.insert.as_deref().map(|text| Edit::Insert(path(text), index, self.value.clone()))
            })
            .or_else(|| self.remove.as_deref().map(|text| Edit::Remove(path(text))))
            .or_else(|| self.delete.then_some(Edit::Delete))
    }
}

fn run(input: Vec<u8>, steps: &[Change]) -> Result<Vec<u8>, Error> {
    let mut manifests = Manifests::from_bytes(input)?;
    manifests.visit(|object| {
        let name = format!("{}/{}", object.kind(), object.name());
        for step in steps {
            if step.object.as_ref().is_none_or(|wanted| *wanted == name)
                && let Some(edit) = step.edit()
            {
                edit.apply(object)?;
            }
        }
        Ok::<(), Error>(())
    })?;
    for object in steps.iter().filter_map(|step| step.push.as_ref()) {
        manifests.push(object)?;
    }
    Ok(manifests.into_bytes())
}

fn check(folder: &FilePath) -> Result<(), String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |file: &str| fs::read(folder.join(file)).map_err(|error| format!("{name}/{file}: {error}"));
    let steps: Vec<Change> = from_yaml_str(&String::from_utf8_lossy(&read("edits.yaml")?))
        .map_err(|error| format!("{name}/edits.yaml: {error}"))?;
    let (file, found) = match run(read("input.yaml")?, &steps) {
        Ok(output) => ("expected.yaml", output),
        Err(error) => ("error.txt", format!("{error}\n").into_bytes()),
    };
    let other = if file == "error.txt" { "expected.yaml" } else { "error.txt" };
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        let _ = fs::remove_file(folder.join(other));
        return fs::write(folder.join(file), found).map_err(|error| error.to_string());
    }
    if folder.join(other).exists() {
        return Err(format!("{name}: {other} is expected, not\n{}", String::from_utf8_lossy(&found)));
    }
    let expected = read(file)?;
    match expected == found {
        true => Ok(()),
        false => Err(format!(
            "{name}/{file} is\n{}\nnot\n{}",
            String::from_utf8_lossy(&found),
            String::from_utf8_lossy(&expected)
        )),
    }
}

#[test]
fn cases() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).expect("the cases").filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    assert!(folders.len() > 20, "only {} cases", folders.len());
    let wrong: Vec<String> = folders.iter().filter_map(|folder| check(folder).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
