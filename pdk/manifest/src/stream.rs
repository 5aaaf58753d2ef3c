//! A stream of manifests: visiting its objects, putting the output together.

use crate::budget::Budget;
use crate::document::Fate;
use crate::emit;
use crate::error::{Error, ErrorKind};
use crate::object::Object;
use crate::split::{self, count_lines, newline_of};
use crate::value::Value;

/// A stream of Kubernetes manifests: YAML documents, split by `---` lines.
///
/// Documents are parsed one at a time while they are visited, into buffers that are reused. What no edit touched leaves
/// byte for byte as it came in.
///
/// ```
/// use windlass_manifest::{Manifests, Path, Value};
///
/// let mut manifests = Manifests::from_bytes(b"kind: Pod\nmetadata:\n  name: web # the shop\n".to_vec())?;
/// manifests.visit(|object| {
///     object.set(&Path::new(["metadata", "labels", "team"]), Value::from("payments"))?;
///     Ok::<(), windlass_manifest::Error>(())
/// })?;
/// assert_eq!(
///     String::from_utf8_lossy(&manifests.into_bytes()),
///     "kind: Pod\nmetadata:\n  name: web # the shop\n  labels:\n    team: payments\n",
/// );
/// # Ok::<(), windlass_manifest::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Manifests {
    stream: String,
    is_changed: bool,
    /// For each object, in order, whether it was changed; empty until an object is.
    changed: Vec<bool>,
    /// Objects that are gone.
    deleted: usize,
}

impl Manifests {
    /// Takes a stream. Nothing is parsed yet.
    ///
    /// # Errors
    /// Bytes that are not UTF-8, with document and line; a stream of 4 GiB or more.
    pub fn from_bytes(stream: Vec<u8>) -> Result<Self, Error> {
        if u32::try_from(stream.len()).is_err() {
            return Err(too_long());
        }
        let stream = String::from_utf8(stream).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            not_utf8(error.as_bytes(), valid)
        })?;
        Ok(Self { stream, is_changed: false, changed: Vec::new(), deleted: 0 })
    }

    /// Calls a function for every object in order: the root of each document that holds something, and the items of
    /// `kind: List`, of typed lists such as `ConfigMapList` and of KRM `ResourceList`s instead of the lists themselves.
    /// Documents of comments or nothing are passed over and kept. A later visit sees the edits of an earlier one.
    ///
    /// # Errors
    /// A document that is not YAML or no object (with its number and line), and what the function returns. After an
    /// error the stream is as it was before this visit.
    pub fn visit<E: From<Error>>(
        &mut self,
        mut visitor: impl FnMut(&mut Object<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut failure = None;
        let outcome = self.visit_until(&mut |object| match visitor(object) {
            Ok(()) => true,
            Err(error) => {
                failure = Some(error);
                false
            }
        });
        match failure {
            Some(error) => Err(error),
            None => outcome.map_err(E::from),
        }
    }

    /// Like [`Manifests::visit`], without edits.
    ///
    /// # Errors
    /// As for [`Manifests::visit`].
    pub fn read<E: From<Error>>(&self, reader: impl FnMut(&Object<'_>) -> Result<(), E>) -> Result<(), E> {
        read_text(&self.stream, &Budget::for_text(self.stream.len()), reader)
    }

    /// Adds an object as a document of its own at the end.
    ///
    /// # Errors
    /// A value that is not a map, or that cannot be written as YAML ([`Value::to_yaml`]).
    pub fn push(&mut self, object: &Value) -> Result<(), Error> {
        check_object(object)?;
        let newline = newline_of(&self.stream);
        let style = emit::BlockStyle { step: 2, list_indent: emit::ListIndent::SameColumn, newline };
        let mut added = String::new();
        if !self.stream.trim_matches(['\u{feff}', ' ', '\n', '\r']).is_empty() {
            if !self.stream.ends_with('\n') {
                added.push_str(newline);
            }
            added.push_str("---");
            added.push_str(newline);
        }
        emit::write_block(object, 0, style, &mut added);
        added.push_str(newline);
        if self.changed.is_empty() {
            self.changed = vec![false; self.count_objects()?];
        }
        self.stream.push_str(&added);
        self.changed.push(true);
        self.is_changed = true;
        Ok(())
    }

    /// Adds objects as documents of their own, each in front of the document that holds the object at its position (0
    /// is the first object, also of the items of lists); one past the last object goes to the end, as with
    /// [`Manifests::push`]. Positions are those before the call; objects for one position stay in their order.
    ///
    /// # Errors
    /// As for [`Manifests::push`], and a document that begins with a directive (`%YAML`), which nothing can stand
    /// before.
    pub fn insert(&mut self, additions: &[(usize, Value)]) -> Result<(), Error> {
        // Where the document of each object starts, on which line, and which object is its first.
        let mut places: Vec<(usize, usize, usize)> = Vec::new();
        walk_documents(&self.stream, &Budget::for_text(self.stream.len()), &mut |start, line, count| {
            let first = places.len();
            places.extend(std::iter::repeat_n((start, line, first), count));
        })?;
        let mut inserted: Vec<(usize, usize, usize, &Value)> = Vec::new();
        for (position, object) in additions {
            check_object(object)?;
            let Some(&(start, line, first)) = places.get(*position) else { continue };
            let at = inserted.partition_point(|place| place.0 <= first);
            inserted.insert(at, (first, start, line, object));
        }
        if !inserted.is_empty() {
            self.insert_sorted(&inserted, places.len())?;
        }
        for (_, object) in additions.iter().filter(|(position, _)| *position >= places.len()) {
            self.push(object)?;
        }
        Ok(())
    }

    /// Inserts objects, each with the number of the object that it goes before, and the offset and line of that one's
    /// document, in the order of the stream.
    fn insert_sorted(&mut self, inserted: &[(usize, usize, usize, &Value)], count: usize) -> Result<(), Error> {
        let newline = newline_of(&self.stream);
        let style = emit::BlockStyle { step: 2, list_indent: emit::ListIndent::SameColumn, newline };
        let mut text = String::with_capacity(self.stream.len() + self.stream.len() / 16 + 1024);
        let mut before = self.changed.clone();
        before.resize(count, false);
        let (mut changed, mut passed, mut copied) = (Vec::with_capacity(count + inserted.len()), 0, 0);
        for &(first, start, line, object) in inserted {
            let document = self.stream.get(start..).unwrap_or_default();
            let (start, document) = match document.strip_prefix('\u{feff}') {
                Some(after) => (start + document.len() - after.len(), after),
                None => (start, document),
            };
            if begins_with_directive(document) {
                let message = "begins with a directive, and nothing can be put before that";
                let subject = format!("the document at line {line}");
                return Err(Error::new(ErrorKind::Layout, subject, line, message));
            }
            changed.extend(before.get(passed..first).unwrap_or_default());
            changed.push(true);
            passed = first;
            text.push_str(self.stream.get(copied..start).unwrap_or_default());
            copied = start;
            let is_marked = split::is_marker(document.as_bytes(), b"---");
            if is_marked {
                text.push_str("---");
                text.push_str(newline);
            }
            emit::write_block(object, 0, style, &mut text);
            text.push_str(newline);
            if !is_marked {
                text.push_str("---");
                text.push_str(newline);
            }
        }
        changed.extend(before.get(passed..).unwrap_or_default());
        text.push_str(self.stream.get(copied..).unwrap_or_default());
        (self.stream, self.changed, self.is_changed) = (text, changed, true);
        Ok(())
    }

    /// How many objects were edited, added or deleted; each counts once.
    pub fn changed_objects(&self) -> usize {
        self.deleted + self.changed.iter().filter(|&&changed| changed).count()
    }

    /// Whether any byte differs from the stream that came in.
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The stream as it is now; if nothing changed, the very buffer that came in.
    pub fn into_bytes(self) -> Vec<u8> {
        self.stream.into_bytes()
    }

    /// The stream as it is now.
    pub fn as_str(&self) -> &str {
        &self.stream
    }

    fn count_objects(&self) -> Result<usize, Error> {
        let mut count = 0;
        walk(&self.stream, 1, &Budget::for_text(self.stream.len()), &mut |_| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    fn visit_until(&mut self, visitor: &mut dyn FnMut(&mut Object<'_>) -> bool) -> Result<(), Error> {
        let Some(output) = walk(&self.stream, 1, &Budget::for_text(self.stream.len()), visitor)? else { return Ok(()) };
        let mut before = std::mem::take(&mut self.changed).into_iter();
        for fate in output.fates {
            let was_changed = before.next().unwrap_or(false);
            match fate {
                Fate::Deleted => self.deleted += 1,
                Fate::Changed => self.changed.push(true),
                Fate::Kept => self.changed.push(was_changed),
            }
        }
        self.stream = output.text;
        self.is_changed = true;
        Ok(())
    }
}

/// Calls a function for every object of a stream in order, as [`Manifests::read`] does, without a copy of the text and
/// under a budget that the caller has for more than this.
///
/// # Errors
/// As for [`Manifests::visit`]; a budget that is used up ([`ErrorKind::Time`], [`ErrorKind::TooLarge`]).
pub fn read_text<E: From<Error>>(
    text: &str,
    budget: &Budget,
    mut reader: impl FnMut(&Object<'_>) -> Result<(), E>,
) -> Result<(), E> {
    if u32::try_from(text.len()).is_err() {
        return Err(too_long().into());
    }
    visit_document(text, 1, budget, |object| reader(object)).map(|_| ())
}

/// Calls a function for every object of a part of a stream that starts on a 1-based line of it, as [`Manifests::visit`]
/// does, under a budget that the caller has for more than this. Answers with the edited text, or `None` where nothing
/// was edited.
///
/// # Errors
/// As for [`read_text`], and edits that were refused.
pub fn visit_document<E: From<Error>>(
    text: &str,
    first_line: usize,
    budget: &Budget,
    mut visitor: impl FnMut(&mut Object<'_>) -> Result<(), E>,
) -> Result<Option<String>, E> {
    let mut failure = None;
    let outcome = walk(text, first_line, budget, &mut |object| match visitor(object) {
        Ok(()) => true,
        Err(error) => {
            failure = Some(error);
            false
        }
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(outcome?.map(|output| output.text)),
    }
}

/// The outcome of a visit that changed something.
struct Output {
    text: String,
    fates: Vec<Fate>,
}

/// Puts the output together while documents are visited, so that nothing of earlier documents is kept but the output.
pub(crate) struct Assembler<'s> {
    stream: &'s str,
    output: Option<String>,
    /// How much of the stream is in the output.
    copied: usize,
}

impl<'s> Assembler<'s> {
    pub(crate) fn new(stream: &'s str) -> Self {
        Self { stream, output: None, copied: 0 }
    }

    /// Replaces a range of the stream, at or behind all ranges replaced before. Nothing is done and `None` answered for
    /// a range that is not: bytes of the stream would be gone without anybody having said so.
    pub(crate) fn replace(&mut self, start: usize, end: usize, text: &str) -> Option<()> {
        let stream = self.stream;
        let before = stream.get(self.copied..start)?;
        stream.get(start..end)?;
        let output = self.output.get_or_insert_with(|| {
            // Edits are small against the stream; a sixteenth spares most streams a second, larger buffer.
            String::with_capacity(stream.len() + stream.len() / 16 + 1024)
        });
        output.push_str(before);
        output.push_str(text);
        self.copied = end;
        Some(())
    }

    pub(crate) fn finish(mut self) -> Option<String> {
        let output = self.output.as_mut()?;
        output.push_str(self.stream.get(self.copied..)?);
        self.output
    }
}

/// Visits every object of a stream until the visitor returns false; the outcome is `None` if nothing changed.
fn walk(
    stream: &str,
    first_line: usize,
    budget: &Budget,
    visitor: &mut dyn FnMut(&mut Object<'_>) -> bool,
) -> Result<Option<Output>, Error> {
    let mut assembler = Assembler::new(stream);
    let mut fates = Vec::new();
    let mut object = Object::new();
    let mut line = first_line;
    let mut number = 0;
    let mut start = 0;
    while start < stream.len() {
        number += 1;
        let extent = object.session.load(stream.get(start..).unwrap_or_default(), (start, line, number), budget)?;
        let mut is_stopped = false;
        for position in 0..object.session.count_in_document() {
            object.session.enter(position)?;
            let goes_on = visitor(&mut object);
            object.session.leave(budget)?;
            if !goes_on {
                is_stopped = true;
                break;
            }
        }
        if is_stopped {
            return Ok(None);
        }
        object
            .session
            .finish_document(&mut fates, &mut |from, to, text| assembler.replace(start + from, start + to, text))?;
        line += extent.line_ends;
        start += extent.length;
    }
    Ok(assembler.finish().map(|text| Output { text, fates }))
}

/// Tells of each document where it starts, on which line, and how many objects it holds.
fn walk_documents(stream: &str, budget: &Budget, look: &mut dyn FnMut(usize, usize, usize)) -> Result<(), Error> {
    let mut object = Object::new();
    let (mut line, mut number, mut start) = (1, 0, 0);
    while start < stream.len() {
        number += 1;
        let extent = object.session.load(stream.get(start..).unwrap_or_default(), (start, line, number), budget)?;
        look(start, line, object.session.count_in_document());
        line += extent.line_ends;
        start += extent.length;
    }
    Ok(())
}

fn check_object(object: &Value) -> Result<(), Error> {
    if object.as_map().is_none_or(<[_]>::is_empty) {
        return Err(Error::new(ErrorKind::NotAnObject, "", 0, "only a map with entries can be added as an object"));
    }
    object.check_writable()
}

/// Whether a directive stands before anything else than comments.
fn begins_with_directive(document: &str) -> bool {
    let line = document.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    line.is_some_and(|line| line.starts_with('%'))
}

#[cold]
fn too_long() -> Error {
    Error::new(ErrorKind::TooLarge, "", 0, "the stream has 4 GiB or more")
}

#[cold]
fn not_utf8(bytes: &[u8], valid: usize) -> Error {
    let before = bytes.get(..valid).unwrap_or_default();
    let line = 1 + count_lines(before);
    let mut number = 0;
    let mut start = 0;
    while start <= valid && start < bytes.len() {
        number += 1;
        start = split::document_end(bytes, start);
    }
    let message = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "the stream is UTF-16, not UTF-8",
        _ => "the stream is not UTF-8",
    };
    Error::new(ErrorKind::NotUtf8, format!("document {number} (line {line})"), line, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects named after their positions are inserted; the outcome, and how many objects count as changed.
    #[track_caller]
    fn check(stream: &str, positions: &[usize], expected: &str) {
        let object = |position: &usize| (*position, Value::map([("kind", Value::from(format!("N{position}")))]));
        let additions: Vec<_> = positions.iter().map(object).collect();
        let mut manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("a stream");
        manifests.insert(&additions).expect("can be inserted");
        assert_eq!(manifests.as_str(), expected);
        assert_eq!(manifests.changed_objects(), positions.len());
    }

    #[test]
    fn objects_are_inserted_before_documents() {
        check("", &[0], "kind: N0\n");
        check("kind: A\n", &[0, 1], "kind: N0\n---\nkind: A\n---\nkind: N1\n");
        check("\u{feff}# c\nkind: A\n", &[0], "\u{feff}kind: N0\n---\n# c\nkind: A\n");
        check(
            "---\n# Source: x\nkind: A\n---\nkind: B\n",
            &[1, 0],
            "---\nkind: N0\n---\n# Source: x\nkind: A\n---\nkind: N1\n---\nkind: B\n",
        );
        check(
            "kind: A\n---\n# only\n---\nkind: B",
            &[1, 2],
            "kind: A\n---\n# only\n---\nkind: N1\n---\nkind: B\n---\nkind: N2\n",
        );
        check("kind: A\r\n...\r\nkind: B\r\n", &[1], "kind: A\r\n...\r\nkind: N1\r\n---\r\nkind: B\r\n");
        let list = "kind: List\napiVersion: v1\nitems:\n- kind: A\n- kind: B\n";
        check(list, &[1, 0, 2], &format!("kind: N1\n---\nkind: N0\n---\n{list}---\nkind: N2\n"));
    }

    #[test]
    fn nothing_stands_before_a_directive() {
        let stream = "# c\n%YAML 1.1\n---\nkind: A\n";
        let mut manifests = Manifests::from_bytes(stream.as_bytes().to_vec()).expect("a stream");
        let error = manifests.insert(&[(0, Value::map([("kind", Value::from("N"))]))]).expect_err("a directive");
        assert!(error.to_string().contains("directive"), "{error}");
        assert_eq!((manifests.as_str(), manifests.changed_objects()), (stream, 0));
    }

    #[test]
    fn changes_before_an_insertion_still_count() {
        let mut manifests = Manifests::from_bytes(b"kind: A\n---\nkind: B\n".to_vec()).expect("a stream");
        let edit = |object: &mut Object<'_>| match object.kind() {
            "B" => object.set(&"x".parse().expect("a path"), Value::from(1_i64)).map(|_| ()),
            _ => Ok(()),
        };
        manifests.visit(edit).expect("an edit");
        manifests.insert(&[(1, Value::map([("kind", Value::from("Added"))]))]).expect("an insertion");
        assert_eq!(manifests.changed_objects(), 2);
        manifests.visit(edit).expect("no edit");
        assert_eq!(manifests.as_str(), "kind: A\n---\nkind: Added\n---\nkind: B\nx: 1\n");
    }
}
