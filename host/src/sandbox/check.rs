//! Would Helm survive this output? What it would drop silently, misread or stumble over is refused here,
//! with the plugin's name and the place, before a byte of it is written.
//!
//! The rules are those that Helm's own source leads to: an output that is blank fails; a bare `...`, a second JSON text
//! in one document and text behind `---` lose documents; the annotation that tells Helm which file a document came from
//! must neither vanish nor be made up; a hook that loses its annotation becomes a release resource. Dropped, added and
//! reordered documents are fine.
//!
//! Nearly all lines plainly are what they should be, so a linear scan decides almost always. A document that it does
//! not plainly understand, and the first of the changed ones whatever they look like, are parsed in full. What came in
//! wrong is not the plugin's doing. Input and output are gone through side by side ([`lockstep`]): as long as they
//! differ by nothing that a rule speaks of, the rules need not be asked.
//!
//! The guest has ended by now and its limits with it, so all of this is done under a [`Budget`], in work that is linear
//! in the two streams: places are found in one pass, nothing is copied but what is needed, and that is cut.

mod lockstep;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use lockstep::{Document, Documents, keeps_step, marker, markers, next_line, next_unindented};
use memchr::{memchr_iter, memmem};
use windlass_manifest::{Budget, ErrorKind, Exhausted, Kind, Object, Path, read_text};

use crate::error::Error;
use crate::sandbox::run::RawOutput;
use crate::sandbox::stream::Stream;
use crate::secrets::Secrets;

/// The annotation with which Helm 4 marks the file that a document came from.
const FILENAME: &str = "postrenderer.helm.sh/postrender-filename";
/// The annotation that makes a document a hook.
const HOOK: &str = "helm.sh/hook";

/// By this annotation a plugin says that it means to make an object of a hook: `names::FORMER_HOOK_ANNOTATION` of the
/// PDK.
const FORMER_HOOK: &str = "windlass.dev/former-hook";
/// How many bytes of changed documents are parsed even if they look plain: what is garbage is so from its beginning.
const PARSED_ALWAYS: usize = 64 << 10;
/// How many bytes of a name, a kind and the like are looked at: Kubernetes takes 253 at most.
const MAX_HEADER: usize = 512;
/// How many bytes of an annotation of Helm's are looked at: a path has no more.
const MAX_ANNOTATION: usize = 4096;
/// How many bytes of a text of the output an error shows.
const MAX_SHOWN: usize = 1024;
/// The hooks that Helm knows; it drops a document with another.
const HOOK_TYPES: [&str; 11] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
    "crd-install",
];

/// Output that Helm survives.
#[derive(Debug)]
pub struct Checked {
    pub(crate) stream: Stream,
    pub(crate) changed: bool,
}

/// Checks `output` against the stream that the plugin got, which is handed back where nothing changed.
///
/// # Errors
/// The output breaks a rule (exit 1), the message names the rule and the place; or reading it needs more than the
/// budget (exit 4).
pub fn check(input: Stream, output: RawOutput, budget: &Budget) -> Result<Checked, Error> {
    if output.is_unchanged {
        return Ok(Checked { stream: input, changed: false });
    }
    // Without a piece of the output: the record of failures keeps errors, and an output may hold Secrets.
    check_stream(&input, &output.stream, Care::USUAL, budget)
        .map_err(|error| error.hint("this is a defect of the plugin; report it to the plugin's author"))
        // What it names, the plugin has chosen.
        .map_err(|error| error.quoting(&Secrets::of_stream(&input)))?;
    Ok(Checked { stream: output.stream, changed: true })
}

/// The answer needs more than the budget.
fn exhausted(exhausted: Exhausted) -> Error {
    match exhausted {
        Exhausted::Time => Error::limit("checking its output takes longer than the plugin's time and a second")
            .hint("if you trust it with more, raise the limit with `--timeout`"),
        Exhausted::Bytes { .. } | Exhausted::Entries { .. } => {
            Error::limit("checking its output takes more memory than the plugin may use, and 256 MiB")
                .hint("if you trust it with more, raise the limit with `--memory`")
        }
    }
}

/// How much of an answer is looked at closely.
#[derive(Clone, Copy)]
struct Care {
    /// Ask the rules about markers and annotations whatever the answer is: what tests hold the quick way to.
    ask_always: bool,
    /// How many bytes of changed documents are parsed even if they look plain.
    parse_always: usize,
}

impl Care {
    const USUAL: Self = Self { ask_always: false, parse_always: PARSED_ALWAYS };
}

fn check_stream(old: &[u8], output: &[u8], care: Care, budget: &Budget) -> Result<(), Error> {
    let new = std::str::from_utf8(output).map_err(|error| {
        let line = line_of(output, error.valid_up_to());
        Error::refused(format!("its output is not UTF-8 (line {line})"))
    })?;
    if new.trim_ascii().is_empty() {
        if old.trim_ascii().is_empty() {
            return Ok(());
        }
        return Err(Error::refused("it answered nothing, which Helm takes for a failure"));
    }
    let old = Input { bytes: old, text: OnceCell::new() };
    let lines = Lines::of(new);
    let mut in_step = !care.ask_always;
    if !in_step {
        check_markers(old.text(), new, budget)?;
    }
    let mut unchanged = Unchanged::of(&old);
    let mut before = Documents::of(old.bytes);
    let mut sample = care.parse_always;
    for document in Documents::of(output) {
        budget.work(document.text.len()).map_err(exhausted)?;
        let earlier = before.next();
        if in_step && !earlier.is_some_and(|earlier| keeps_step(earlier, document)) {
            in_step = false;
            check_markers(old.text(), new, budget)?;
        }
        if earlier.is_some_and(|earlier| earlier.text == document.text) {
            continue;
        }
        if sample > 0 {
            sample = sample.saturating_sub(document.text.len());
        } else if is_plainly_an_object(document.text) && !has_odd_characters(document.text) {
            continue;
        }
        match parse_document(&document, &lines, budget) {
            Err(error) if budget.spent().is_some() || !unchanged.contains(document.text) => {
                // A marker that does not belong there is the better explanation.
                return check_markers(old.text(), new, budget).and(Err(error));
            }
            _ => {}
        }
    }
    if in_step && before.next().is_none() {
        return Ok(());
    }
    check_markers(old.text(), new, budget)?;
    check_annotations(old.text(), new, budget)
}

/// The stream that the plugin got. Only the rules need it as text.
struct Input<'s> {
    bytes: &'s [u8],
    text: OnceCell<Cow<'s, str>>,
}

impl Input<'_> {
    fn text(&self) -> &str {
        // A stream is UTF-8 nearly always, and finding that out costs a third of a lossy reading.
        let read =
            || std::str::from_utf8(self.bytes).map_or_else(|_| String::from_utf8_lossy(self.bytes), Cow::Borrowed);
        self.text.get_or_init(read)
    }
}

/// The documents of the input, looked at only when one of the output is wrong.
struct Unchanged<'s> {
    old: &'s Input<'s>,
    documents: Option<HashSet<&'s [u8]>>,
}

impl<'s> Unchanged<'s> {
    fn of(old: &'s Input<'s>) -> Self {
        Self { old, documents: None }
    }

    /// True if the document came in like this: then nothing about it is the plugin's doing.
    fn contains(&mut self, document: &[u8]) -> bool {
        // As text: what came in broken and was handed on with a sign in its place is not the plugin's doing either.
        let documents =
            || Documents::of(self.old.text().as_bytes()).map(|document| document.text.trim_ascii_end()).collect();
        self.documents.get_or_insert_with(documents).contains(document.trim_ascii_end())
    }
}

/// Counts lines of a text. Going forward costs one pass in all.
struct Lines<'s> {
    text: &'s str,
    /// An offset and the line ends before it.
    counted: Cell<(usize, usize)>,
}

impl<'s> Lines<'s> {
    fn of(text: &'s str) -> Self {
        Self { text, counted: Cell::new((0, 0)) }
    }

    /// The 1-based line of a byte.
    fn number(&self, offset: usize) -> usize {
        let (from, before) = match self.counted.get() {
            (from, before) if from <= offset => (from, before),
            _ => (0, 0),
        };
        let more = self.text.as_bytes().get(from..offset).unwrap_or_default();
        let before = before + memchr_iter(b'\n', more).count();
        self.counted.set((offset, before));
        before + 1
    }
}

fn line_of(text: &[u8], offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', text.get(..offset).unwrap_or(text)).count()
}

fn line_at(stream: &str, at: usize) -> &str {
    stream.get(at..next_line(stream.as_bytes(), at)).unwrap_or_default().trim_end()
}

/// `...`, text behind `---`, and directives: what loses documents in Helm, unless it was there before.
fn check_markers(old: &str, new: &str, budget: &Budget) -> Result<(), Error> {
    let mut was_there = WasThere { old, lines: None };
    let end_of_text = new.trim_ascii_end().len();
    let bytes = new.as_bytes();
    let first = marker(bytes, 0, b"...").then_some(0);
    for at in first.into_iter().chain(markers(bytes, b"\n...")) {
        let line = line_at(new, at);
        budget.work(line.len()).map_err(exhausted)?;
        if next_line(bytes, at) < end_of_text && !was_there.contains(line) {
            return Err(Error::refused(format!(
                "its output has a bare `...` on line {}, behind which Helm drops every document",
                line_of(bytes, at)
            )));
        }
    }
    let first = new.starts_with("---").then_some(0);
    let starts = memmem::find_iter(bytes, "\n---").map(|at| at + 1);
    for at in first.into_iter().chain(starts).filter(|at| !marker(bytes, *at, b"---")) {
        let line = line_at(new, at);
        budget.work(line.len()).map_err(exhausted)?;
        if !was_there.contains(line) {
            return Err(Error::refused(format!(
                "its output has a line that starts with `---` and goes on, line {}: Helm starts another document there",
                line_of(bytes, at)
            )));
        }
    }
    for at in markers(bytes, b"\n---") {
        let line = line_at(new, at);
        budget.work(line.len()).map_err(exhausted)?;
        let behind = line.get(3..).unwrap_or_default().trim_start();
        if !behind.is_empty() && !behind.starts_with('#') && !was_there.contains(line) {
            return Err(Error::refused(format!(
                "its output has text behind `---` on line {}, which Helm cannot read",
                line_of(bytes, at)
            )));
        }
    }
    let starts_with_directive = |stream: &str| {
        stream
            .lines()
            .find(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .is_some_and(|line| line.starts_with('%'))
    };
    if starts_with_directive(new) && !starts_with_directive(old) {
        return Err(Error::refused("its output starts with a `%` directive, which Helm cannot read"));
    }
    Ok(())
}

/// The marker lines of the input, looked for only when the output has an odd one.
struct WasThere<'s> {
    old: &'s str,
    lines: Option<HashSet<&'s str>>,
}

impl WasThere<'_> {
    fn contains(&mut self, line: &str) -> bool {
        let is_marker = |line: &&str| line.starts_with("---") || line.starts_with("...");
        let lines = || self.old.lines().map(str::trim_end).filter(is_marker).collect();
        self.lines.get_or_insert_with(lines).contains(line)
    }
}

/// The parser's judgement where the scan is not sure: a document must be an object with a map as its metadata.
fn parse_document(document: &Document<'_>, lines: &Lines<'_>, budget: &Budget) -> Result<(), Error> {
    let first_line = lines.number(document.start);
    let mut wrong_metadata = None;
    let text = lines.text.get(document.start..document.start + document.text.len()).unwrap_or_default();
    let read = read_text(text, budget, |object| {
        let metadata = object.get(&Path::new(["metadata"]));
        if metadata.is_some_and(|node| node.kind() != Kind::Map && !node.is_null()) {
            wrong_metadata.get_or_insert_with(|| shown(object));
        }
        Ok::<(), windlass_manifest::Error>(())
    });
    read.map_err(|error| {
        let line = (first_line + error.line()).saturating_sub(1);
        misread(&error, budget, &format!(" (line {line} of the output)"))
    })?;
    match wrong_metadata {
        None => Ok(()),
        Some(object) => Err(Error::refused(format!(
            "the metadata of {object} is not a map, in the document that starts on line {first_line} of the output"
        ))),
    }
}

/// The error of an output that is no manifests; or that is too much to find out.
fn misread(error: &windlass_manifest::Error, budget: &Budget, place: &str) -> Error {
    match (budget.spent(), error.kind()) {
        (Some(spent), ErrorKind::Time | ErrorKind::TooLarge) => exhausted(spent),
        _ => Error::refused(format!("its output cannot be read: {}{place}", head(error.message(), MAX_SHOWN))),
    }
}

/// An object as an error names it: [`Object::describe`], cut.
fn shown(object: &Object<'_>) -> String {
    let (kind, name) = (head(object.kind(), MAX_HEADER), head(object.name(), MAX_HEADER));
    let kind = if kind.is_empty() { "object" } else { kind };
    let slash = if name.is_empty() { "" } else { "/" };
    format!("{kind}{slash}{name} (line {})", object.line())
}

/// The beginning of a text.
fn head(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// True if every line of the document that starts in column 0 is a comment or a plain `key:`, and `metadata:` is
/// followed by a nested key. False says nothing.
fn is_plainly_an_object(document: &[u8]) -> bool {
    let mut start = 0;
    let mut has_key = false;
    let mut is_below_metadata = false;
    while start < document.len() {
        let end = next_line(document, start);
        let line = document.get(start..end).unwrap_or_default();
        match line.first() {
            // Nearly all lines: the next that matters is in column 0.
            Some(b' ') if has_key && !is_below_metadata => {
                start = next_unindented(document, start);
                continue;
            }
            None | Some(b'\n' | b'#') => {}
            Some(b'\r') if line == b"\r\n" => {}
            Some(b' ') => {
                let text = line.trim_ascii();
                if !text.is_empty() && !text.starts_with(b"#") {
                    if !has_key || !is_plain_key(text) {
                        return false;
                    }
                    is_below_metadata = false;
                }
            }
            // The item of a list under a key, with no indentation.
            Some(b'-') if has_key && !is_below_metadata && line.get(1).is_some_and(|next| *next == b' ') => {}
            Some(_) => {
                if is_below_metadata || !is_plain_key(line) {
                    return false;
                }
                has_key = true;
                if let Some(value) = line.strip_prefix(b"metadata:") {
                    let value = value.trim_ascii();
                    is_below_metadata = value.is_empty() || value.starts_with(b"#");
                    if !is_below_metadata {
                        return false;
                    }
                }
            }
        }
        start = end;
    }
    !is_below_metadata
}

/// Whether there is a line break that is one to Kubernetes alone (U+0085, U+2028, U+2029), behind which an object could
/// hide in a comment, or a byte order mark: the parser is asked.
fn has_odd_characters(text: &[u8]) -> bool {
    let has = |odd: &str| memmem::find(text, odd.as_bytes()).is_some();
    !text.is_ascii() && ["\u{85}", "\u{2028}", "\u{2029}", "\u{feff}"].iter().any(|odd| has(odd))
}

/// True if `line` starts with letters, digits, `_`, `-`, `.` or `/`, then `:` and white space or the end.
fn is_plain_key(line: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let length = line.iter().take_while(|byte| is_letter(byte)).count();
    length > 0
        && line.get(length) == Some(&b':')
        && matches!(line.get(length + 1), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
}

/// The annotations with which Helm finds its way back must be those of the input.
fn check_annotations(old: &str, new: &str, budget: &Budget) -> Result<(), Error> {
    // Line for line the same: nothing was lost or made up.
    if values(old, FILENAME).eq(values(new, FILENAME)) && values(old, HOOK).eq(values(new, HOOK)) {
        return Ok(());
    }
    let mut census = Census::default();
    objects(old, budget, |object| census.before(object, budget))?;
    objects(new, budget, |object| census.after(object, budget))?;
    if !census.has_losses() {
        return Ok(());
    }
    // Nothing of an object is kept that could name it, so it is looked for again.
    objects(new, budget, |object| census.refuse_loss(object))
}

/// Reads the objects of a stream.
fn objects(
    stream: &str,
    budget: &Budget,
    mut reader: impl FnMut(&Object<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    read_text(stream, budget, |object| reader(object).map_err(Unread::Refused)).map_err(|unread| match unread {
        Unread::Refused(error) => error,
        Unread::Misread(error) => misread(&error, budget, &format!(" (line {} of it)", error.line())),
    })
}

/// Why the objects of a stream were not all read.
enum Unread {
    Misread(windlass_manifest::Error),
    Refused(Error),
}

impl From<windlass_manifest::Error> for Unread {
    fn from(error: windlass_manifest::Error) -> Self {
        Self::Misread(error)
    }
}

/// What follows `key` on each line that has it, up to where it stands again on that line; also where it is the
/// beginning of a longer key.
fn values<'s>(stream: &'s str, key: &'s str) -> impl Iterator<Item = &'s str> {
    let mut places = memmem::find_iter(stream.as_bytes(), key).peekable();
    let mut line_end = 0;
    std::iter::from_fn(move || {
        let at = places.next()?;
        if at >= line_end {
            line_end = next_line(stream.as_bytes(), at);
        }
        let end = places.peek().map_or(line_end, |next| line_end.min(*next));
        Some(stream.get(at..end).unwrap_or_default().trim_end())
    })
}

/// A text's hash, with a key that nobody outside knows: the text itself is not kept, as there may be millions.
type Print = u128;

/// How many objects there are that are identified alike, and how many of them lack an annotation of Helm's.
#[derive(Clone, Copy, Default)]
struct Tally {
    objects: u32,
    without_filename: u32,
    without_hook: u32,
}

impl Tally {
    fn count(&mut self, has_filename: bool, has_hook: bool) {
        // No stream has as many as this: each takes a byte of less than 4 GiB.
        self.objects = self.objects.saturating_add(1);
        self.without_filename = self.without_filename.saturating_add(u32::from(!has_filename));
        self.without_hook = self.without_hook.saturating_add(u32::from(!has_hook));
    }
}

/// The objects of the input and those of the output.
#[derive(Clone, Copy, Default)]
struct Change {
    before: Tally,
    after: Tally,
}

impl Change {
    /// Whether fewer objects have an annotation; the argument tells how many of a tally lack it.
    fn has_lost(&self, lack: fn(&Tally) -> u32) -> bool {
        // Further objects of the same name are new ones, which may lack what the others have.
        let added = self.after.objects.saturating_sub(self.before.objects);
        lack(&self.after) > lack(&self.before).saturating_add(added)
    }

    fn has_lost_filename(&self) -> bool {
        self.has_lost(|tally| tally.without_filename)
    }

    fn has_lost_hook(&self) -> bool {
        self.has_lost(|tally| tally.without_hook)
    }
}

/// What Helm's annotations say about the objects of two streams, in some 50 bytes for those that are identified alike.
/// Texts are cut: what is longer than a header may be is no object that Kubernetes takes.
#[derive(Default)]
struct Census {
    /// 128 bits, so that no two texts meet by chance.
    keys: [RandomState; 2],
    objects: HashMap<Print, Change>,
    filenames: HashSet<Print>,
    hooks: HashSet<Print>,
}

/// How much more a map may hold than its entries, at the moment when it grows.
const MAP_GROWTH: usize = 4;

impl Census {
    fn print(&self, text: impl Hash) -> Print {
        let [high, low] = self.keys.each_ref().map(|key| Print::from(key.hash_one(&text)));
        high << 64 | low
    }

    fn identity(&self, object: &Object<'_>) -> Print {
        let namespace = object.namespace().unwrap_or_default();
        self.print([object.api_version(), object.kind(), namespace, object.name()].map(|text| head(text, MAX_HEADER)))
    }

    fn change(&mut self, object: &Object<'_>, budget: &Budget) -> Result<&mut Change, Error> {
        match self.objects.entry(self.identity(object)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                budget.bytes(MAP_GROWTH * size_of::<(Print, Change)>()).map_err(exhausted)?;
                Ok(place.insert(Change::default()))
            }
        }
    }

    /// Counts an object of the input.
    fn before(&mut self, object: &Object<'_>, budget: &Budget) -> Result<(), Error> {
        let [filename, hook] = [FILENAME, HOOK].map(|key| annotation(object, key).map(|value| self.print(&*value)));
        for (known, print) in [(&mut self.filenames, filename), (&mut self.hooks, hook)] {
            if let Some(print) = print
                && !known.contains(&print)
            {
                budget.bytes(MAP_GROWTH * size_of::<Print>()).map_err(exhausted)?;
                known.insert(print);
            }
        }
        self.change(object, budget)?.before.count(filename.is_some(), hook.is_some());
        Ok(())
    }

    /// Counts an object of the output, and refuses what is made up.
    fn after(&mut self, object: &Object<'_>, budget: &Budget) -> Result<(), Error> {
        let [filename, hook] = [FILENAME, HOOK].map(|key| annotation(object, key));
        if let Some(name) = &filename
            && !self.filenames.contains(&self.print(&**name))
        {
            return Err(Error::refused(format!(
                "it made up the annotation `{FILENAME}: {}` on {} of its output, which is Helm's own",
                head(name, MAX_SHOWN),
                shown(object)
            )));
        }
        if let Some(hook) = &hook
            && !self.hooks.contains(&self.print(&**hook))
            && let Some(unknown) = hook.split(',').map(str::trim).find(|hook| !HOOK_TYPES.contains(hook))
        {
            return Err(Error::refused(format!(
                "it made {} of its output a hook of the kind `{}`, which Helm does not know and drops",
                shown(object),
                head(unknown, MAX_SHOWN)
            )));
        }
        let (has_filename, has_hook) = (filename.is_some(), hook.is_some());
        self.change(object, budget)?.after.count(has_filename, has_hook);
        Ok(())
    }

    fn has_losses(&self) -> bool {
        self.objects.values().any(|change| change.has_lost_filename() || change.has_lost_hook())
    }

    /// Refuses an object of the output that lost an annotation.
    fn refuse_loss(&self, object: &Object<'_>) -> Result<(), Error> {
        let change = self.objects.get(&self.identity(object)).copied().unwrap_or_default();
        let (annotation, harm) = match () {
            () if change.has_lost_filename() => (FILENAME, "without which Helm loses its file"),
            () if change.has_lost_hook() && annotation(object, FORMER_HOOK).is_none() => {
                (HOOK, "which makes the hook a part of the release")
            }
            () => return Ok(()),
        };
        Err(Error::refused(format!(
            "it removed the annotation `{annotation}` from {} of its output, {harm}",
            shown(object)
        )))
    }
}

/// The value of an annotation, as far as it is looked at.
fn annotation<'a>(object: &'a Object<'_>, key: &str) -> Option<Cow<'a, str>> {
    Some(match object.annotation(key)? {
        Cow::Borrowed(value) => Cow::Borrowed(head(value, MAX_ANNOTATION)),
        Cow::Owned(value) => Cow::Owned(head(&value, MAX_ANNOTATION).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const INPUT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    postrenderer.helm.sh/postrender-filename: 'c/templates/a.yaml'\ndata:\n  on: \"yes\"\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: b\n  annotations:\n    postrenderer.helm.sh/postrender-filename: 'c/templates/b.yaml'\n    helm.sh/hook: pre-install\n    helm.sh/hook-weight: \"1\"\nspec: {}\n";

    /// Checks what a plugin made of `input`; `expected` is a part of the error, empty for none.
    #[track_caller]
    fn check_from(input: &str, output: impl Into<Vec<u8>>, expected: &str) {
        let output = output.into();
        check_both_ways(input.as_bytes(), &output);
        let output = RawOutput {
            stream: output.into(),
            is_unchanged: false,
            took: Duration::ZERO,
            peak_memory: 0,
            findings: Vec::new(),
        };
        let stream = output.stream.to_vec();
        match check(input.as_bytes().to_vec().into(), output, &Budget::for_text(stream.len())) {
            Ok(checked) => {
                assert_eq!(expected, "", "the output is accepted");
                assert!(checked.changed && *checked.stream == *stream);
            }
            Err(error) => {
                assert!(!expected.is_empty() && error.to_string().contains(expected), "{error}");
                assert_eq!(error.exit_code(), crate::error::ExitCode::Refused);
            }
        }
    }

    /// Side by side and with every rule asked, the verdict is the same.
    #[track_caller]
    fn check_both_ways(input: &[u8], output: &[u8]) {
        for parse_always in [0, PARSED_ALWAYS] {
            let [quick, full] = [false, true].map(|ask_always| {
                let budget = Budget::for_text(output.len());
                let verdict = check_stream(input, output, Care { ask_always, parse_always }, &budget);
                verdict.map_err(|error| error.to_string())
            });
            let shown = String::from_utf8_lossy;
            assert_eq!(quick, full, "{parse_always} parsed\n{}\nbecame\n{}", shown(input), shown(output));
        }
    }

    #[track_caller]
    fn check_edit(from: &str, to: &str, expected: &str) {
        assert!(INPUT.contains(from));
        check_from(INPUT, INPUT.replacen(from, to, 1), expected);
    }

    #[test]
    fn ordinary_edits_pass() {
        check_edit("  name: a\n", "  name: a\n  labels:\n    team: payments\n", "");
        check_edit("on: \"yes\"", "on: 'no'", "");
        check_edit("spec: {}", "spec:\n  template:\n    x: [1, 2]", "");
        check_edit("data:\n", "\"data\":\n", "");
        check_edit("data:\n  on: \"yes\"\n", "list:\n- a: 1\n- b\n", "");
        check_edit("kind: ConfigMap\n", "kind: ConfigMap\n# comment\n\n", "");
        check_from(INPUT, INPUT.replace('\n', "\r\n"), "");
        check_from(INPUT, format!("---\n{INPUT}"), "");
    }

    #[test]
    fn a_hook_becomes_an_object_only_if_that_is_said() {
        let object = |annotation: &str| {
            format!("apiVersion: v1\nkind: Job\nmetadata:\n  name: j\n  annotations:\n    {annotation}: test\n")
        };
        check_from(&object(HOOK), object(FORMER_HOOK), "");
        check_from(&object(HOOK), object("example.com/other"), "which makes the hook a part of the release");
    }

    #[test]
    fn documents_may_be_dropped_added_and_moved() {
        let (first, second) = INPUT.split_once("---\n").unwrap();
        check_from(INPUT, first, "");
        check_from(INPUT, second, "");
        check_from(INPUT, format!("{second}---\n{first}"), "");
        check_from(INPUT, format!("{INPUT}---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n"), "");
        check_from(INPUT, format!("{INPUT}---\n{second}"), "");
        check_from(INPUT, "# nothing is left\n", "");
        check_from(INPUT, r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}"#, "");
    }

    #[test]
    fn blank_output_is_refused_unless_the_input_was_blank() {
        check_from(INPUT, "", "answered nothing");
        check_from(INPUT, " \n\t\n", "answered nothing");
        check_from("", "\n", "");
        check_from("\n", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n", "");
    }

    #[test]
    fn garbage_is_refused_with_its_line() {
        check_from(INPUT, b"a: \xff\n".to_vec(), "not UTF-8 (line 1)");
        check_from(INPUT, [INPUT.as_bytes(), b"\n\xc3("].concat(), "not UTF-8 (line 20)");
        check_from(INPUT, "hello", "cannot be read");
        check_from(INPUT, "- a\n- b\n", "cannot be read");
        check_from(INPUT, "a: [1\n", "cannot be read");
        check_from("kind: A\n", "kind: A\nx: [1\n", "cannot be read");
        check_from("kind: A\n---\nx: [1\n", "kind: B\n---\nx: [1\n", "");
        check_from(INPUT, "{a: [1\n", "cannot be read");
        check_edit("data:\n", "data\n", "cannot be read");
        let long = format!("{INPUT}---\n").repeat(400);
        check_from(&long, format!("{long}kind: A\n# x\u{2028}spec: {{}}\n"), "U+2028");
        check_from(&long, format!("{long}kind: A\nx: \"a\u{85}b\"\n"), "U+0085");
        check_from(&long, format!("{long}kind: A\nx: \"a\\u2028b\"\n"), "");
        check_edit("spec: {}", "}{", "line 18 of the output");
        check_edit("metadata:\n  name: a\n", "metadata: a\nx:\n  name: a\n", "the metadata of ConfigMap");
        check_edit("metadata:\n  name: a\n", "metadata:\n- name: a\nx:\n", "the metadata of ConfigMap");
    }

    /// What lines an answer may have that its input had not: harmless ones, and all that a rule speaks of.
    const LINES: &[&str] = &[
        "    team: payments\n",
        "  labels:\n",
        "- item\n",
        "\n",
        "   \n",
        "# comment\n",
        "  # comment\n",
        "\ttab\n",
        "---\n",
        "--- # fine\n",
        "--- {a: 1}\n",
        "---x: 1\n",
        "...\n",
        "%YAML 1.2\n",
        "metadata:\n",
        "metadata: {}\n",
        "key: value\n",
        "word\n",
        "    helm.sh/hook: pre-install\n",
        "    helm.sh/hook: never\n",
        "    postrenderer.helm.sh/postrender-filename: 'c/templates/b.yaml'\n",
        "    helm.sh/chart: c-1\n",
        "  odd: \u{2028}x\n",
        "# odd \u{85}kind: A\n",
        "  cr: x\r\n",
        "\r\n",
        "  open: [1\n",
        "  - name: a\n",
    ];

    #[test]
    fn side_by_side_and_by_all_rules_are_the_same() {
        // Always the same choices.
        let mut state = 17_u64;
        let mut below = |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % end.max(1)
        };
        for _ in 0..4000 {
            let mut input: Vec<&str> = INPUT.split_inclusive('\n').collect();
            let edit = |lines: &mut Vec<&str>, below: &mut dyn FnMut(usize) -> usize, most: usize| {
                for _ in 0..below(most) {
                    let (at, line) = (below(lines.len()), LINES[below(LINES.len())]);
                    match below(5) {
                        0 if !lines.is_empty() => drop(lines.remove(at)),
                        1 if !lines.is_empty() => lines[at] = line,
                        2 if !lines.is_empty() => lines.push(lines[at].trim_end()),
                        _ => lines.insert(at, line),
                    }
                }
            };
            edit(&mut input, &mut below, 4);
            let mut output = input.clone();
            edit(&mut output, &mut below, 4);
            let mut input = input.concat().into_bytes();
            if below(20) == 0 {
                input.push(0xff);
            }
            check_both_ways(&input, output.concat().as_bytes());
        }
    }

    #[test]
    fn what_loses_documents_is_refused() {
        check_edit("---\n", "...\n", "bare `...` on line 9");
        check_edit("---\n", "...\n---\n", "bare `...` on line 9");
        check_from(INPUT, format!("{INPUT}...\n"), "");
        check_edit("---\n", "--- {a: 1}\n---\n", "text behind `---` on line 9");
        check_edit("---\n", "--- # fine\n", "");
        check_from(INPUT, format!("%YAML 1.2\n---\n{INPUT}"), "directive");
        check_from(INPUT, "{\"kind\":\"A\"}\n{\"kind\":\"B\"}\n", "cannot be read");
        check_edit("spec: {}", "---x: 1\nspec: {}", "starts with `---` and goes on, line 18");
        check_from(INPUT, format!("---- {INPUT}"), "starts with `---` and goes on, line 1");
        check_from("kind: A\n---x: 1\n", "kind: B\n---x: 1\n", "cannot be read");
        check_edit("on: \"yes\"", "text: |\n    ...\n    --- x", "");
    }

    #[test]
    fn helms_annotations_are_neither_lost_nor_made_up() {
        let filename = "postrenderer.helm.sh/postrender-filename";
        check_edit(
            &format!("    {filename}: 'c/templates/a.yaml'\n"),
            "    x: y\n",
            "it removed the annotation `postrenderer",
        );
        check_edit("c/templates/a.yaml", "c/templates/z.yaml", "it made up the annotation");
        check_edit("c/templates/a.yaml", "../../etc", "it made up the annotation");
        check_edit("'c/templates/a.yaml'", "c/templates/a.yaml", "");
        check_from("kind: A\n", format!("kind: A\nmetadata:\n  annotations:\n    {filename}: x\n"), "made up");
        check_edit("    helm.sh/hook: pre-install\n", "", "it removed the annotation `helm.sh/hook` from Job/b");
        check_edit("helm.sh/hook: pre-install", "helm.sh/hook: post-install, test", "");
        check_edit("helm.sh/hook: pre-install", "helm.sh/hook: before", "of the kind `before`");
        check_edit("helm.sh/hook-weight: \"1\"", "helm.sh/hook-weight: \"2\"", "");
    }

    #[test]
    fn the_scan_never_accepts_what_the_parser_refuses_in_column_0() {
        for text in [
            "x\n",
            "a: 1\nb\n",
            "metadata:\n",
            "metadata: 1\n",
            "metadata:\nkind: A\n",
            "- a\n",
            "  a: 1\n",
            "a: 1\n\tb\n",
        ] {
            assert!(!is_plainly_an_object(text.as_bytes()), "{text:?}");
        }
        for text in ["a: 1\n", "# c\na:\n- b\n- c\n", "metadata:\n  # c\n\n  name: x\n", "", "# only\n"] {
            assert!(is_plainly_an_object(text.as_bytes()), "{text:?}");
        }
    }
}
