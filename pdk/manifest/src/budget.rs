//! What reading may use up: time, bytes of expanded text, entries. One [`Budget`] goes with a text through every stage
//! that reads it, so that what the stages use counts together.
//!
//! What is charged, and by whom:
//!
//! | call | for |
//! |---|---|
//! | [`Budget::entries`] | each node of a value, each object of a list, each key; an alias charges what it stands for |
//! | [`Budget::bytes`] | text that reading makes beside its input: decoded scalars, aliases written out, paths, copies of headers |
//! | [`Budget::work`] | bytes that are looked at, again whenever they are looked at again |
//!
//! The nodes of a document's arena are not taken, as the next document has the same arena: no document may have more of
//! them than the budget had entries.
//!
//! Charge **before** the memory is taken. A budget that is used up stays so: every later charge fails as the first did,
//! so no stage goes on because another one lost the error.

use std::cell::Cell;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// Looked-at bytes between two looks at the clock: some 20 microseconds at the parser's speed.
const WORK_BETWEEN_LOOKS: u64 = 4 << 10;
/// What an entry or a made text counts as work, so that time is seen to pass there too.
const WORK_OF_ENTRY: u64 = 16;

/// How much may be read. See the module's comment for what is charged.
///
/// ```
/// use windlass_manifest::{Budget, Exhausted};
///
/// let budget = Budget::new(100, 10);
/// assert_eq!(budget.bytes(60), Ok(()));
/// assert_eq!(budget.bytes(60), Err(Exhausted::Bytes { limit: 100 }));
/// assert_eq!(budget.entries(1), Err(Exhausted::Bytes { limit: 100 }), "it stays used up");
/// ```
pub struct Budget {
    byte_limit: u64,
    entry_limit: u64,
    bytes_left: Cell<u64>,
    entries_left: Cell<u64>,
    work_until_look: Cell<u64>,
    is_over: Option<Box<dyn Fn() -> bool>>,
    spent: Cell<Option<Exhausted>>,
}

/// Why a budget gives no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The clock says that it is over.
    Time,
    /// More bytes of text were asked for.
    Bytes {
        /// How many the budget had in the beginning.
        limit: u64,
    },
    /// More entries were asked for.
    Entries {
        /// How many the budget had in the beginning.
        limit: u64,
    },
}

impl Budget {
    /// Entries that reading a text may make beside one for each of its bytes, which is what aliases and lists in lists
    /// may add. The largest charts hold a tenth of that in all.
    pub const ENTRIES: u64 = 1_000_000;
    /// Bytes of text that reading may make beside four times the text, which is what scalars, decoded and copied, take
    /// at most.
    pub const BYTES: u64 = 32 << 20;

    /// A budget of so many bytes of made text and so many entries, without a clock.
    #[must_use]
    pub fn new(bytes: u64, entries: u64) -> Self {
        Self {
            byte_limit: bytes,
            entry_limit: entries,
            bytes_left: Cell::new(bytes),
            entries_left: Cell::new(entries),
            work_until_look: Cell::new(WORK_BETWEEN_LOOKS),
            is_over: None,
            spent: Cell::new(None),
        }
    }

    /// The budget of whoever names none: [`Budget::BYTES`] and [`Budget::ENTRIES`] beside what grows with a text of
    /// `length` bytes, and no clock. A guest has the clock of its host.
    #[must_use]
    pub fn for_text(length: usize) -> Self {
        let length = length as u64;
        Self::new(Self::BYTES.saturating_add(length.saturating_mul(4)), Self::ENTRIES.saturating_add(length))
    }

    /// The same with a clock: once `is_over` says true, nothing more is given. It is asked every few kilobytes of work,
    /// so it should be cheap.
    #[must_use]
    pub fn with_clock(self, is_over: impl Fn() -> bool + 'static) -> Self {
        // Looked at at once: time may be over before there is any work.
        Self { is_over: Some(Box::new(is_over)), work_until_look: Cell::new(0), ..self }
    }

    /// Takes `count` bytes of text that is about to be made.
    ///
    /// # Errors
    /// There are not so many left, or the budget was used up before.
    pub fn bytes(&self, count: usize) -> Result<(), Exhausted> {
        self.work(count)?;
        match self.bytes_left.get().checked_sub(count as u64) {
            Some(left) => {
                self.bytes_left.set(left);
                Ok(())
            }
            None => self.is_spent(Exhausted::Bytes { limit: self.byte_limit }),
        }
    }

    /// Takes `count` entries that are about to be made.
    ///
    /// # Errors
    /// There are not so many left, or the budget was used up before.
    pub fn entries(&self, count: usize) -> Result<(), Exhausted> {
        let count = count as u64;
        self.do_work(count.saturating_mul(WORK_OF_ENTRY))?;
        match self.entries_left.get().checked_sub(count) {
            Some(left) => {
                self.entries_left.set(left);
                Ok(())
            }
            None => self.is_spent(Exhausted::Entries { limit: self.entry_limit }),
        }
    }

    /// Says that `count` bytes are about to be looked at. Must not be asked for once per text but along the way: what
    /// is between two calls is not bounded by anything.
    ///
    /// # Errors
    /// The time is over, or the budget was used up before.
    pub fn work(&self, count: usize) -> Result<(), Exhausted> {
        self.do_work(count as u64)
    }

    fn do_work(&self, count: u64) -> Result<(), Exhausted> {
        if let Some(left) = self.work_until_look.get().checked_sub(count) {
            self.work_until_look.set(left);
            return match self.spent.get() {
                None => Ok(()),
                Some(spent) => Err(spent),
            };
        }
        self.look()
    }

    /// Looks at the clock.
    #[cold]
    fn look(&self) -> Result<(), Exhausted> {
        if let Some(spent) = self.spent.get() {
            return Err(spent);
        }
        self.work_until_look.set(WORK_BETWEEN_LOOKS);
        match &self.is_over {
            Some(is_over) if is_over() => self.is_spent(Exhausted::Time),
            _ => Ok(()),
        }
    }

    /// How many nodes the arena of a document may have.
    pub(crate) fn node_limit(&self) -> usize {
        usize::try_from(self.entry_limit).unwrap_or(usize::MAX)
    }

    /// A document has more nodes than [`Budget::node_limit`].
    #[cold]
    pub(crate) fn too_many_nodes(&self) -> Exhausted {
        let why = self.spent.get().unwrap_or(Exhausted::Entries { limit: self.entry_limit });
        self.spent.set(Some(why));
        why
    }

    #[cold]
    fn is_spent(&self, why: Exhausted) -> Result<(), Exhausted> {
        self.spent.set(Some(why));
        Err(why)
    }

    /// Why nothing more is given; none as long as something is.
    pub fn spent(&self) -> Option<Exhausted> {
        self.spent.get()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Budget")
            .field("bytes_left", &self.bytes_left.get())
            .field("entries_left", &self.entries_left.get())
            .field("has_clock", &self.is_over.is_some())
            .field("spent", &self.spent.get())
            .finish()
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exhausted::Time => formatter.write_str("reading it takes longer than there is time"),
            Exhausted::Bytes { limit } => {
                write!(formatter, "it makes more than {limit} bytes of text, counting what aliases repeat")
            }
            Exhausted::Entries { limit } => {
                write!(formatter, "it has more than {limit} entries, counting those that aliases repeat")
            }
        }
    }
}

impl std::error::Error for Exhausted {}

impl Exhausted {
    /// The error of whatever was being read: the object or document and its line, both may be unknown (`""`, 0).
    #[cold]
    pub(crate) fn at(self, subject: impl Into<String>, line: usize) -> Error {
        let kind = match self {
            Exhausted::Time => ErrorKind::Time,
            Exhausted::Bytes { .. } | Exhausted::Entries { .. } => ErrorKind::TooLarge,
        };
        Error::new(kind, subject, line, self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn each_limit_is_told_apart_and_stays() {
        let budget = Budget::new(10, 2);
        assert_eq!((budget.bytes(10), budget.entries(2), budget.work(1 << 30)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(budget.entries(1), Err(Exhausted::Entries { limit: 2 }));
        assert_eq!(budget.bytes(0), Err(Exhausted::Entries { limit: 2 }));
        assert_eq!(budget.spent(), Some(Exhausted::Entries { limit: 2 }));
        assert_eq!(Budget::new(10, 2).bytes(usize::MAX), Err(Exhausted::Bytes { limit: 10 }));
        assert_eq!(Budget::new(10, 2).entries(usize::MAX), Err(Exhausted::Entries { limit: 2 }));
    }

    #[test]
    fn the_clock_is_looked_at_in_the_beginning_and_along_the_way() {
        let is_over = Rc::new(Cell::new(false));
        let clock = Rc::clone(&is_over);
        let budget = Budget::for_text(1 << 20).with_clock(move || clock.get());
        assert_eq!(budget.work(1), Ok(()));
        is_over.set(true);
        let looked_at = (0..).take_while(|_| budget.work(1).is_ok()).count() as u64;
        assert!(looked_at <= WORK_BETWEEN_LOOKS, "{looked_at}");
        assert_eq!((budget.entries(1), budget.bytes(1)), (Err(Exhausted::Time), Err(Exhausted::Time)));
        assert_eq!(Budget::new(1, 1).with_clock(|| true).entries(1), Err(Exhausted::Time));
        let entries = Budget::for_text(0).with_clock(|| false);
        assert_eq!(entries.entries(1_000_000), Ok(()));
    }
}
