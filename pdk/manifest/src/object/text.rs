//! Texts of several lines.

use super::Object;
use crate::error::Error;
use crate::path::Path;
use crate::value::Value;

impl Object<'_> {
    /// As [`Object::set`] for a text: one that stands as a literal block (`|`) stays one, and keeps the lines that it
    /// keeps.
    ///
    /// # Errors
    /// As for [`Object::set`].
    pub fn set_text(&mut self, path: &Path, text: &str) -> Result<bool, Error> {
        let value = Value::String(text.to_owned());
        if self.get(path).is_some_and(|node| node.means(&value)) {
            return Ok(false);
        }
        self.session.check_value(&value)?;
        let path = path.segments();
        self.session.edit(path, path, |planner| match planner.set_lines(path, text)? {
            Some(splices) => Ok(splices),
            None => planner.set(path, &value),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Manifests, Path};

    #[test]
    fn a_literal_block_stays_one() {
        let with =
            |line: &str| format!("kind: A\ndata:\n  text: |\n    one: {line}   # kept\n\n    two: 0755\n  other: x\n");
        let mut manifests = Manifests::from_bytes(with("a").into_bytes()).expect("a stream");
        let mut changed = Vec::new();
        for _ in 0..2 {
            manifests
                .visit(|object| {
                    let path = Path::new(["data", "text"]);
                    changed.push(object.set_text(&path, "one: b   # kept\n\ntwo: 0755\n")?);
                    object.set_text(&Path::new(["data", "other"]), "on")?;
                    Ok::<(), Error>(())
                })
                .expect("edited");
        }
        assert_eq!(changed, [true, false]);
        assert_eq!(manifests.as_str(), with("b").replace("other: x", "other: \"on\""));
    }
}
