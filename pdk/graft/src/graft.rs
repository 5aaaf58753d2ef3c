//! An answer's changes, made in the original's text.

use windlass_manifest::{self as manifest, Budget, ErrorKind, Object, Path, Value, visit_document};

use crate::differ::{Differ, Found, What};
use crate::edits::edits;
use crate::item::Item;
use crate::note::{Error, Note, NoteKind, ReadError};
use crate::stream::{self, Placed};

/// What is done with values that a tool's YAML changed and the tool did not mean to: `on` that became `"on"`, `0755`
/// that became 755, dates with a time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// They stay as they were, and a note says so.
    #[default]
    Keep,
    /// They are taken as they came, and a note says so.
    Report,
    /// Nothing is made: an error names them.
    Refuse,
}

/// How an answer is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What is done with what a YAML dialect changed.
    pub dialect: Dialect,
}

/// The original with an answer's changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grafted {
    /// The stream. Empty if the answer has no objects and the original had nothing else.
    pub text: String,
    /// What there is to know, in the order of the original.
    pub notes: Vec<Note>,
    /// How many objects were changed.
    pub changed: usize,
    /// How many are new.
    pub added: usize,
    /// How many are gone.
    pub removed: usize,
}

/// Makes the changes of an answer to the stream that it was made from, in that stream's text. See the crate's comment.
///
/// For each object, what comes out means what the answer means, but for what [`Dialect`] says; that is checked, and an
/// object for which it cannot be had by edits stands as the tool printed it, with a note. Objects that the answer adds
/// come last, as they were printed; those that it lacks are dropped with their documents.
///
/// # Errors
/// A stream that cannot be read, or that takes more than [`Budget::for_text`] of both; values that a dialect changed,
/// where that is to be refused.
pub fn graft(original: &str, answer: &str, options: &Options) -> Result<Grafted, Error> {
    // What is compared, checked and edited again is read several times.
    let length = original.len().saturating_add(answer.len()).saturating_mul(4);
    graft_within(original, answer, options, &Budget::for_text(length))
}

/// [`graft`] under a budget that the caller has for more than this.
///
/// # Errors
/// As for [`graft`]; a budget that is used up.
pub fn graft_within(original: &str, answer: &str, options: &Options, budget: &Budget) -> Result<Grafted, Error> {
    if original == answer {
        return Ok(Grafted { text: original.to_owned(), ..Grafted::default() });
    }
    let before = stream::objects(original, budget, false).map_err(ReadError::of_original)?;
    let after = stream::objects(answer, budget, true).map_err(ReadError::of_answer)?;
    let partners = stream::pair(&before, &after);
    let mut grafter = Grafter {
        original,
        answer,
        keeps: options.dialect != Dialect::Report,
        budget,
        before: &before,
        after: &after,
        partners: &partners,
        out: Grafted { text: String::with_capacity(original.len() + original.len() / 16), ..Grafted::default() },
    };
    grafter.documents()?;
    grafter.new_objects()?;
    let out = grafter.out;
    if options.dialect == Dialect::Refuse {
        let notes: Vec<Note> =
            out.notes.into_iter().filter(|note| matches!(note.kind, NoteKind::Dialect { .. })).collect();
        if !notes.is_empty() {
            return Err(Error::Dialect(notes));
        }
        return Ok(Grafted { notes: Vec::new(), ..out });
    }
    Ok(out)
}

/// What the edits of one object may cost, in entries and items that are gone over: a second or two.
pub(crate) const MAX_COST: usize = 100_000_000;

struct Grafter<'g> {
    original: &'g str,
    answer: &'g str,
    keeps: bool,
    budget: &'g Budget,
    before: &'g [Placed],
    after: &'g [Placed],
    partners: &'g [Option<usize>],
    out: Grafted,
}

/// An object of the original and what it became.
#[derive(Clone, Copy)]
struct Pair<'g> {
    object: &'g Placed,
    partner: Option<&'g Placed>,
}

/// What came of a document's edits.
enum Edited {
    /// The text, if any of it changed, and how many objects of it did.
    As { text: Option<String>, changed: usize, notes: Vec<Note> },
    /// Some object cannot be edited.
    Not(String),
}

impl<'g> Grafter<'g> {
    fn documents(&mut self) -> Result<(), Error> {
        let mut copied = 0;
        let mut from = 0;
        while let Some(first) = self.before.get(from) {
            let objects = self.before.get(from..).unwrap_or_default();
            let count = objects.iter().take_while(|object| object.start == first.start).count().max(1);
            let pairs: Vec<Pair<'g>> = objects
                .iter()
                .take(count)
                .zip(self.partners.get(from..).unwrap_or_default())
                .map(|(object, partner)| Pair { object, partner: partner.and_then(|at| self.after.get(at)) })
                .collect();
            self.copy(copied, first.start);
            self.document(&pairs)?;
            copied = first.end;
            from += count;
        }
        self.copy(copied, self.original.len());
        Ok(())
    }

    fn copy(&mut self, from: usize, to: usize) {
        self.out.text.push_str(self.original.get(from..to).unwrap_or_default());
    }

    fn document(&mut self, pairs: &[Pair<'g>]) -> Result<(), Error> {
        let Some(first) = pairs.first() else { return Ok(()) };
        let text = first.object.document(self.original);
        let gone = pairs.iter().filter(|pair| pair.partner.is_none()).count();
        self.out.removed += gone;
        if gone == pairs.len() {
            // A list of nothing is nothing.
            return Ok(());
        }
        let is_as_it_was = |pair: &Pair<'_>| {
            pair.partner.is_some_and(|partner| {
                !pair.object.is_item && !partner.is_item && body(partner.document(self.answer)) == body(text)
            })
        };
        if pairs.iter().all(is_as_it_was) {
            self.out.text.push_str(text);
            return Ok(());
        }
        let reason = match self.edit(pairs, text)? {
            Edited::As { text: None, changed: _, notes } if gone == 0 => {
                self.out.notes.extend(notes);
                self.out.text.push_str(text);
                return Ok(());
            }
            Edited::As { text: edited, changed, notes } => {
                let edited = edited.as_deref().unwrap_or(text);
                match self.check(pairs, edited)? {
                    true => {
                        self.out.changed += changed;
                        self.out.notes.extend(notes);
                        self.out.text.push_str(edited);
                        return Ok(());
                    }
                    false => "the edits do not add up to what it should mean".to_owned(),
                }
            }
            Edited::Not(reason) => reason,
        };
        self.as_printed(pairs, text, &reason)
    }

    /// Edits the objects of a document.
    fn edit(&self, pairs: &[Pair<'g>], text: &str) -> Result<Edited, Error> {
        let first_line = pairs.first().map_or(1, |pair| pair.object.first_line);
        let (mut notes, mut changed) = (Vec::new(), 0);
        let (mut failure, mut is_too_much) = (None, false);
        let outcome = visit_document(text, first_line, self.budget, |object| {
            let Some(pair) = pairs.get(object.place().position) else { return Ok(()) };
            let Some(partner) = pair.partner else {
                return Ok(object.delete()?);
            };
            let found = match self.differences(object, pair.object, partner) {
                Ok(found) => found,
                Err(error) => {
                    failure = Some(error);
                    return Err(ReadError::Deep(0));
                }
            };
            let cost = found.iter().fold(0_usize, |sum, found| sum.saturating_add(found.cost));
            if cost > MAX_COST {
                is_too_much = true;
                return Err(ReadError::Deep(0));
            }
            notes.extend(found.iter().filter_map(|found| self.note(pair.object, found)));
            let is_changed = object.edit_together(&edits(&found, self.keeps), self.budget)?;
            changed += usize::from(is_changed);
            Ok::<(), ReadError>(())
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        if is_too_much {
            return Ok(Edited::Not("its changes are too many".to_owned()));
        }
        match outcome {
            Ok(text) => Ok(Edited::As { text, changed, notes }),
            Err(ReadError::Manifest(error)) => self.refusal(error).map(Edited::Not),
            Err(failure) => Err(failure.of_original()),
        }
    }

    /// Why an object cannot be edited; an error where nothing more can be done at all.
    fn refusal(&self, error: manifest::Error) -> Result<String, Error> {
        match self.budget.spent() {
            Some(exhausted) => Err(Error::Spent(exhausted)),
            None if error.kind() == ErrorKind::Time => Err(Error::Original(error)),
            None => Ok(error.message().to_owned()),
        }
    }

    fn differences(&self, object: &Object<'_>, placed: &Placed, partner: &Placed) -> Result<Vec<Found>, Error> {
        let was = Item::of(object.root(), self.budget).map_err(ReadError::of_original)?;
        let differences = |is: &Item<'_>| Ok(Differ::objects(&was, is, placed.shape(), self.keeps, self.budget)?);
        partner.with_item(self.answer, self.budget, differences).map_err(ReadError::of_answer)
    }

    fn note(&self, object: &Placed, found: &Found) -> Option<Note> {
        let (before, after, cause) = found.what.dialect()?;
        let kind = NoteKind::Dialect { path: found.path.clone(), before, after, cause, is_kept: self.keeps };
        Some(Note { object: object.described.clone(), kind })
    }

    /// Whether an edited document means what it should.
    fn check(&self, pairs: &[Pair<'g>], edited: &str) -> Result<bool, Error> {
        let left: Vec<(&Pair<'g>, &Placed)> =
            pairs.iter().filter_map(|pair| pair.partner.map(|partner| (pair, partner))).collect();
        let (mut count, mut is_right) = (0, true);
        let mut failure = None;
        let outcome = visit_document(edited, 1, self.budget, |object| {
            let expected = left.get(count);
            count += 1;
            let Some((pair, partner)) = expected else { return Ok(()) };
            match self.differences(object, pair.object, partner) {
                Ok(found) => {
                    let is_told = |found: &Found| self.keeps && found.what.dialect().is_some();
                    is_right &= found.iter().all(is_told);
                    Ok(())
                }
                Err(error) => {
                    failure = Some(error);
                    Err(ReadError::Deep(0))
                }
            }
        });
        match (failure, outcome) {
            (Some(failure), _) => Err(failure),
            (None, Ok(_)) => Ok(is_right && count == left.len()),
            (None, Err(ReadError::Manifest(error))) => self.refusal(error).map(|_| false),
            (None, Err(failure)) => Err(failure.of_original()),
        }
    }

    /// Puts the objects of a document as the tool printed them in its place.
    fn as_printed(&mut self, pairs: &[Pair<'g>], text: &str, reason: &str) -> Result<(), Error> {
        let head = head(text);
        self.out.text.push_str(head);
        let mut is_first = true;
        for pair in pairs {
            let Some(partner) = pair.partner else { continue };
            if !is_first {
                self.out.text.push_str("---\n");
            }
            is_first = false;
            self.out.changed += 1;
            let kind = NoteKind::AsPrinted { reason: reason.to_owned() };
            self.out.notes.push(Note { object: pair.object.described.clone(), kind });
            let kept = self.kept(pair, partner)?;
            self.printed(partner, &kept)?;
        }
        self.out.text.push_str(tail(text));
        Ok(())
    }

    /// What a dialect did to an object that stands as it was printed, to be undone there.
    fn kept(&mut self, pair: &Pair<'g>, partner: &Placed) -> Result<Vec<(Path, Value)>, Error> {
        let places = ((pair.object, self.original), (partner, self.answer));
        let found = crate::compare::differences(places.0, places.1, self.keeps, self.budget)?;
        let notes: Vec<Note> = found.iter().filter_map(|found| self.note(pair.object, found)).collect();
        self.out.notes.extend(notes);
        let kept = found.into_iter().filter_map(|found| match found.what {
            What::Dialect { before, .. } if self.keeps => Some((found.after_path, before)),
            _ => None,
        });
        Ok(kept.collect())
    }

    /// Writes an object of the answer as it was printed there, but for some values.
    fn printed(&mut self, object: &Placed, kept: &[(Path, Value)]) -> Result<(), Error> {
        let document = object.document(self.answer);
        let text = match (object.is_item, plain_body(document)) {
            (false, Some(text)) => text,
            _ => {
                let value = object.with_item(self.answer, self.budget, |item| Ok(item.to_value()));
                let text = value.map_err(ReadError::of_answer)?.to_yaml().map_err(Error::Answer)?;
                return self.push_printed(&text, kept);
            }
        };
        self.push_printed(text, kept)
    }

    fn push_printed(&mut self, text: &str, kept: &[(Path, Value)]) -> Result<(), Error> {
        let edited = visit_document(text, 1, self.budget, |object| {
            for (path, value) in kept {
                object.set(path, value.clone())?;
            }
            Ok::<(), ReadError>(())
        });
        // What cannot be edited there either stays as the note above says it came.
        let edited = edited.ok().flatten();
        let text = edited.as_deref().unwrap_or(text);
        self.out.text.push_str(text);
        if !text.ends_with('\n') {
            self.out.text.push('\n');
        }
        Ok(())
    }

    fn new_objects(&mut self) -> Result<(), Error> {
        let mut is_new = vec![true; self.after.len()];
        for partner in self.partners.iter().flatten() {
            if let Some(is_new) = is_new.get_mut(*partner) {
                *is_new = false;
            }
        }
        let before = std::mem::take(&mut self.out.text);
        for (object, is_new) in self.after.iter().zip(is_new) {
            if is_new {
                self.out.added += 1;
                self.out.text.push_str("---\n");
                self.printed(object, &[])?;
            }
        }
        let added = std::mem::replace(&mut self.out.text, before);
        if added.is_empty() {
            return Ok(());
        }
        let text = &mut self.out.text;
        if text.trim_matches(['\u{feff}', ' ', '\n', '\r']).is_empty() {
            text.push_str(added.strip_prefix("---\n").unwrap_or(&added));
        } else if text.ends_with('\n') {
            text.push_str(&added);
        } else {
            // A line end behind the last line could change what that line means.
            let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
            let is_marked = text.get(bom..).is_some_and(|text| text.starts_with("---"));
            text.insert_str(bom, &format!("{added}{}", if is_marked { "" } else { "---\n" }));
        }
        Ok(())
    }
}

/// A document without the marker that starts it.
fn body(document: &str) -> &str {
    document.strip_prefix("---\n").unwrap_or(document)
}

/// The lines of a document in front of its object: blanks, comments, and the marker.
fn head(document: &str) -> &str {
    let mut end = 0;
    for line in document.split_inclusive('\n') {
        let content = line.strip_prefix('\u{feff}').unwrap_or(line).trim();
        if !(content.is_empty() || content.starts_with('#') || content == "---") {
            break;
        }
        end += line.len();
    }
    document.get(..end).unwrap_or_default()
}

/// The marker that ends a document, and what follows it.
fn tail(document: &str) -> &str {
    let mut at = 0;
    for line in document.split_inclusive('\n') {
        if line.trim_end() == "..." || line.starts_with("... ") {
            return document.get(at..).unwrap_or_default();
        }
        at += line.len();
    }
    ""
}

/// A document's object as it stands, for another place; `None` where the document is more than that.
fn plain_body(document: &str) -> Option<&str> {
    let text = document.get(head(document).len()..)?;
    let is_more = |line: &str| line.starts_with("---") || line.starts_with("...") || line.starts_with('%');
    (!text.lines().any(is_more)).then_some(text)
}
