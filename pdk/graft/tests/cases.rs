//! Folders as cases: `tests/cases/NAME` has `original.yaml`, `answer.yaml`, and what comes out in `expected.yaml` with
//! `notes.txt`, or in `error.txt`; `dialect.txt` says `report` or `refuse` where it is not `keep`.
//! `WINDLASS_BLESS=1 cargo test -p windlass-graft` writes them anew.

use std::fs;
use std::path::Path;

use windlass_graft::{Dialect, Options, compare, graft};

fn check(folder: &Path) {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let (original, answer) = (read("original.yaml").expect("an original"), read("answer.yaml").expect("an answer"));
    let dialect = match read("dialect.txt").as_deref().map(str::trim) {
        None => Dialect::Keep,
        Some("report") => Dialect::Report,
        Some("refuse") => Dialect::Refuse,
        Some(other) => panic!("{other} is no dialect"),
    };
    let outcome = graft(&original, &answer, &Options { dialect });
    let (text, notes, error) = match &outcome {
        Ok(grafted) => {
            let counts = format!("changed {}, added {}, removed {}\n", grafted.changed, grafted.added, grafted.removed);
            let notes: String = grafted.notes.iter().map(|note| format!("{note}\n")).collect();
            (Some(grafted.text.clone()), Some(counts + &notes), None)
        }
        Err(error) => (None, None, Some(format!("{error}\n"))),
    };
    if let Some(text) = &text {
        let left = compare(text, &answer).expect("both can be read");
        let is_right = if dialect == Dialect::Report { left.is_same() } else { left.is_same_but_for_dialects() };
        assert!(is_right, "{}: {left:?}", folder.display());
        let again = graft(text, &answer, &Options { dialect }).expect("grafted again");
        assert_eq!(&again.text, text, "{}: a second time", folder.display());
    }
    for (name, found) in [("expected.yaml", text), ("notes.txt", notes), ("error.txt", error)] {
        let path = folder.join(name);
        if std::env::var_os("WINDLASS_BLESS").is_some() {
            match &found {
                Some(found) => fs::write(&path, found).expect("written"),
                None => drop(fs::remove_file(&path)),
            }
        }
        assert_eq!(read(name), found, "{}", path.display());
    }
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> = fs::read_dir(folder).expect("cases").map(|entry| entry.expect("a case").path()).collect();
    folders.sort();
    assert!(folders.len() >= 20, "{folders:?}");
    folders.iter().for_each(|folder| check(folder));
}
