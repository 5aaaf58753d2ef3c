//! The fast way to read a document: one pass over its lines, for documents that are written plainly.
//!
//! Nearly everything Helm hands over is `key: value` and `- item` lines in block style, with one-line plain, quoted or
//! flow values, block scalars, comments and blank lines. This scanner accepts exactly that and records the same spans
//! as the parser would. It does not try to understand anything else: an anchor, an alias, a tag, a tab in front of
//! content, a value over several lines or a line it does not know makes it give up on the document, and the parser
//! reads it. Giving up is never wrong, accepting must never be; the tests compare both ways over all manifests there
//! are and over mutations of them.

use crate::split::Extent;
use crate::tree::{Level, NodeData, Shape, Tree, flag};

/// Deeper documents are left to the parser, which has a limit.
const MAX_DEPTH: usize = 100;
/// Longer keys are left to the parser, which has a limit.
const MAX_KEY_LENGTH: usize = 256;

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Marks a document that is left to the parser.
struct NotPlain;

/// Why a document was not read.
pub(crate) enum GaveUp {
    /// The parser has to read it.
    NotPlain,
    /// It has more than [`Tree::node_limit`].
    TooManyNodes,
}

type Outcome<T> = Result<T, NotPlain>;

/// Reads the document at the start of a text, which may go on with further documents. The answer is the document's
/// extent.
pub(crate) fn read(text: &str, tree: &mut Tree) -> Result<Extent, GaveUp> {
    tree.clear();
    let mut levels = std::mem::take(&mut tree.levels);
    levels.clear();
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        lines: Lines::new(text.as_bytes()),
        nodes: &mut tree.nodes,
        node_limit: tree.node_limit.0,
        has_too_many: false,
        levels,
        pending: None,
        may_go_on: false,
        last_end: 0,
        next_line: 0,
        lines_taken: 0,
    };
    let outcome = scanner.document();
    let has_too_many = scanner.has_too_many;
    tree.levels = scanner.levels;
    outcome.map_err(|NotPlain| {
        tree.clear();
        if has_too_many { GaveUp::TooManyNodes } else { GaveUp::NotPlain }
    })
}

/// Finds line ends, eight bytes at a time, and looks at every byte on the way: control characters and line breaks that
/// not all readers agree on are not plain.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Start of the word that `mask` is of.
    word: usize,
    /// Line ends of that word that were not given out: the high bit of each byte that is one.
    mask: u64,
    /// Where the next word starts.
    next: usize,
    /// Just past the last tab seen.
    tabs_end: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, word: 0, mask: 0, next: 0, tabs_end: 0 }
    }

    /// The offset of the next line end; of the end of the text where there is none.
    #[inline(always)]
    fn next_end(&mut self) -> Outcome<usize> {
        while self.mask == 0 {
            let rest = self.bytes.get(self.next..).unwrap_or_default();
            let word = match rest.first_chunk::<8>() {
                Some(word) => u64::from_le_bytes(*word),
                None if rest.is_empty() => return Ok(self.bytes.len()),
                None => {
                    let mut padded = [b' '; 8];
                    padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                    u64::from_le_bytes(padded)
                }
            };
            self.word = self.next;
            self.next += 8;
            // Whether there is a byte below the space, DEL, or one that is not ASCII. Not exact for each byte, as
            // carries go from one to the next, but there is none without such a byte.
            if ((word.wrapping_sub(ONES * 0x20) & !word) | word.wrapping_add(ONES) | word) & HIGHS == 0 {
                continue;
            }
            // Exact for each byte: no carry goes from one to the next.
            let below_space = !((word | HIGHS) - ONES * 0x20) & !word & HIGHS;
            self.mask = equal(word, b'\n');
            if below_space | (word & HIGHS) | equal(word, 0x7f) != self.mask {
                self.check_word(word, below_space & !self.mask)?;
            }
        }
        let at = self.word + self.mask.trailing_zeros() as usize / 8;
        self.mask &= self.mask - 1;
        Ok(at)
    }

    #[cold]
    fn check_word(&mut self, word: u64, controls: u64) -> Outcome<()> {
        let tabs = equal(word, b'\t');
        if controls & !tabs != 0 || equal(word, 0x7f) != 0 {
            return Err(NotPlain);
        }
        if tabs != 0 {
            self.tabs_end = self.word + 8;
        }
        if word & HIGHS == 0 {
            return Ok(());
        }
        // Of what is not ASCII: C1 controls (with NEL), the line and paragraph separators, byte order marks and
        // non-characters.
        for (position, byte) in word.to_le_bytes().into_iter().enumerate() {
            let rest = self.bytes.get(self.word + position + 1..).unwrap_or_default();
            let is_odd = match byte {
                0xC2 => matches!(rest, [0x80..=0x9F, ..]),
                0xE2 => matches!(rest, [0x80, 0xA8 | 0xA9, ..]),
                0xEF => matches!(rest, [0xBB, 0xBF, ..] | [0xBF, 0xBE | 0xBF, ..]),
                _ => false,
            };
            if is_odd {
                return Err(NotPlain);
            }
        }
        Ok(())
    }
}

/// The high bit of each byte that equals a given one; exact.
#[inline(always)]
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (ONES * byte as u64);
    !(((differs & !HIGHS) + !HIGHS) | differs) & HIGHS
}

/// The high bit of the first byte that equals a given one, and maybe of some behind it.
#[inline(always)]
const fn first_equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (ONES * byte as u64);
    differs.wrapping_sub(ONES) & !differs & HIGHS
}

struct Scanner<'a, 't> {
    bytes: &'a [u8],
    lines: Lines<'a>,
    nodes: &'t mut Vec<NodeData>,
    node_limit: usize,
    has_too_many: bool,
    levels: Vec<Level>,
    /// Behind the colon of a key whose value has not come yet.
    pending: Option<usize>,
    /// The last leaf is a plain scalar that the next line may carry on.
    may_go_on: bool,
    /// Where the last leaf ended.
    last_end: usize,
    /// Where the next line starts.
    next_line: usize,
    /// How many lines were taken.
    lines_taken: usize,
}

impl Scanner<'_, '_> {
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        // Past the end reads as a line end.
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    /// The first of two bytes in a range: eight bytes at a time, the last ones together with what follows the range.
    #[inline(always)]
    fn find_either(&self, from: usize, end: usize, one: u8, other: u8) -> Option<usize> {
        let mut at = from;
        while at < end {
            let Some(word) = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
                return (at..end).find(|&at| self.byte(at) == one || self.byte(at) == other);
            };
            let word = u64::from_le_bytes(*word);
            let found = first_equal(word, one) | first_equal(word, other);
            if found != 0 {
                let found = at + found.trailing_zeros() as usize / 8;
                return (found < end).then_some(found);
            }
            at += 8;
        }
        None
    }

    #[inline(always)]
    fn spaces_from(&self, mut at: usize) -> usize {
        loop {
            match self.bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
                Some(word) => {
                    let differs = u64::from_le_bytes(*word) ^ (ONES * b' ' as u64);
                    if differs != 0 {
                        return at + differs.trailing_zeros() as usize / 8;
                    }
                    at += 8;
                }
                None if self.byte(at) == b' ' => at += 1,
                None => return at,
            }
        }
    }

    /// The next line: where it starts and ends.
    #[inline(always)]
    fn take_line(&mut self) -> Outcome<Option<(usize, usize)>> {
        let start = self.next_line;
        if start >= self.bytes.len() {
            return Ok(None);
        }
        let end = self.lines.next_end()?;
        self.next_line = end + 1;
        self.lines_taken += 1;
        Ok(Some((start, end)))
    }

    /// Refuses a line with a tab.
    #[inline(always)]
    fn check_tabs(&self, line: usize, end: usize) -> Outcome<()> {
        let may_have = self.lines.tabs_end > line;
        match may_have && self.bytes.get(line..end).is_some_and(|line| line.contains(&b'\t')) {
            true => Err(NotPlain),
            false => Ok(()),
        }
    }

    /// Gives up on a document with too many nodes. To be asked wherever something repeats.
    #[inline(always)]
    fn check_nodes(&mut self) -> Outcome<()> {
        match self.nodes.len() > self.node_limit {
            true => {
                self.has_too_many = true;
                Err(NotPlain)
            }
            false => Ok(()),
        }
    }

    fn document(&mut self) -> Outcome<Extent> {
        let mut has_marker = false;
        // A line that was looked at and not used.
        let mut again = None;
        loop {
            let line = match again.take() {
                Some(line) => Some(line),
                None => self.take_line()?,
            };
            let Some((line, end)) = line else { break };
            let at = self.spaces_from(line);
            if at >= end {
                continue;
            }
            if self.byte(at) == b'#' {
                self.may_go_on = false;
                continue;
            }
            self.check_tabs(line, end)?;
            if at == line && matches!(self.byte(line), b'-' | b'.' | b'%') {
                let first = self.bytes.get(line..end).unwrap_or_default();
                if first.starts_with(b"---") && matches!(first.get(3), None | Some(b' ')) {
                    if has_marker || !self.nodes.is_empty() {
                        self.finish()?;
                        return Ok(Extent { length: line, line_ends: self.lines_taken - 1 });
                    }
                    let rest = self.spaces_from(line + 3);
                    if rest < end && self.byte(rest) != b'#' {
                        return Err(NotPlain);
                    }
                    has_marker = true;
                    continue;
                }
                if first.starts_with(b"---") || first.starts_with(b"...") || first.starts_with(b"%") {
                    return Err(NotPlain);
                }
            }
            again = self.line(line, at, end)?;
            self.check_nodes()?;
        }
        self.finish()?;
        let is_last_open = self.bytes.last() != Some(&b'\n');
        Ok(Extent { length: self.bytes.len(), line_ends: self.lines_taken - usize::from(is_last_open) })
    }

    /// The end of the document: closes what is open.
    fn finish(&mut self) -> Outcome<()> {
        if self.nodes.is_empty() {
            return Err(NotPlain);
        }
        self.value_stays_empty();
        while let Some(level) = self.levels.pop() {
            self.close(level);
        }
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, shape: Shape, start: usize, end: usize, flags: u8) -> u32 {
        let index = self.nodes.len() as u32;
        self.nodes.push(NodeData { start: start as u32, end: end as u32, next: index + 1, extra: 0, shape, flags });
        index
    }

    fn close(&mut self, level: Level) {
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(level.node as usize) {
            node.end = self.last_end as u32;
            node.next = next;
        }
    }

    fn open(&mut self, is_map: bool, start: usize, column: usize) -> Outcome<()> {
        if self.levels.len() >= MAX_DEPTH {
            return Err(NotPlain);
        }
        let node = self.push(if is_map { Shape::BlockMap } else { Shape::BlockList }, start, start, 0);
        self.levels.push(Level { node, column: column as u32, is_map });
        Ok(())
    }

    fn value_stays_empty(&mut self) {
        if let Some(at) = self.pending.take() {
            self.push(Shape::Empty, at, at, 0);
            self.last_end = at;
        }
    }

    /// One line with content, from its first byte that is no space. Answers with a line that was read and not used.
    fn line(&mut self, line: usize, at: usize, end: usize) -> Outcome<Option<(usize, usize)>> {
        let column = at - line;
        let is_item = self.byte(at) == b'-' && self.byte(at + 1) == b' ';
        let goes_on = std::mem::take(&mut self.may_go_on);
        let parent = self.levels.last().map_or(0, |level| level.column as usize);
        if self.pending.is_some() {
            // The key whose value comes, or does not.
            if is_item && column >= parent {
                self.pending = None;
                self.open(false, at, column)?;
            } else if column > parent {
                self.pending = None;
                return match self.key(at, end)? {
                    Some(colon) => {
                        self.open(true, at, column)?;
                        self.entry(at, colon, end, column)
                    }
                    // A value on a line of its own.
                    None if matches!(self.byte(at), b'|' | b'>') => Err(NotPlain),
                    None => self.value(at, end, parent),
                };
            } else {
                self.value_stays_empty();
            }
        } else if goes_on && column > parent {
            return self.go_on(at, end);
        }
        // Everything to the right of this line has ended.
        while let Some(&level) = self.levels.last() {
            let column = column as u32;
            if level.column > column || (level.column == column && !level.is_map && !is_item) {
                self.levels.pop();
                self.close(level);
            } else {
                break;
            }
        }
        match self.levels.last() {
            Some(level) if level.column as usize == column && level.is_map != is_item => {}
            None if self.nodes.is_empty() && column == 0 => self.open(!is_item, at, column)?,
            _ => return Err(NotPlain),
        }
        let mut at = at;
        let mut is_item = is_item;
        // Dashes in front of the content, each an item.
        while is_item {
            let dash = at - line;
            at = self.spaces_from(at + 1);
            if at >= end || self.byte(at) == b'#' {
                return Err(NotPlain);
            }
            is_item = self.byte(at) == b'-' && matches!(self.byte(at + 1), b' ' | b'\n');
            if is_item {
                self.open(false, at, at - line)?;
                continue;
            }
            // Either a scalar or the first key of a map.
            match self.key(at, end)? {
                Some(colon) => {
                    self.open(true, at, at - line)?;
                    return self.entry(at, colon, end, at - line);
                }
                None => return self.value(at, end, dash),
            }
        }
        match self.key(at, end)? {
            Some(colon) => self.entry(at, colon, end, column),
            None => Err(NotPlain),
        }
    }

    /// The colon of the key that starts here, if one does.
    fn key(&self, at: usize, end: usize) -> Outcome<Option<usize>> {
        let first = self.byte(at);
        if matches!(first, b'"' | b'\'') {
            let Some((close, flags)) = self.quoted(at, at + 1, end)? else {
                // What ends on another line is no key.
                return Ok(None);
            };
            if self.byte(self.spaces_from(close)) != b':' {
                return Ok(None);
            }
            let is_simple = flags == 0 && self.byte(close) == b':' && matches!(self.byte(close + 1), b' ' | b'\n');
            if !is_simple || close - at > MAX_KEY_LENGTH {
                return Err(NotPlain);
            }
            return Ok(Some(close));
        }
        if matches!(first, b'[' | b'{' | b'|' | b'>') {
            return Ok(None);
        }
        self.check_plain_start(at)?;
        let mut from = at;
        while let Some(found) = self.find_either(from, end, b':', b'#') {
            from = found + 1;
            match self.byte(found) {
                b':' if matches!(self.byte(found + 1), b' ' | b'\n') => {
                    let is_merge = self.bytes.get(at..found) == Some(b"<<");
                    if is_merge || found - at > MAX_KEY_LENGTH || self.byte(found - 1) == b' ' {
                        return Err(NotPlain);
                    }
                    return Ok(Some(found));
                }
                b'#' if self.byte(found - 1) == b' ' => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether a plain scalar may start with the byte here, in any YAML reader's opinion.
    #[inline(always)]
    fn check_plain_start(&self, at: usize) -> Outcome<()> {
        match self.byte(at) {
            b'-' if !matches!(self.byte(at + 1), b' ' | b'\n') => Ok(()),
            b'-' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' | b'\n' => Err(NotPlain),
            _ => Ok(()),
        }
    }

    /// A key, its colon and what comes behind it on the line.
    fn entry(&mut self, at: usize, colon: usize, end: usize, column: usize) -> Outcome<Option<(usize, usize)>> {
        let shape = match self.byte(at) {
            b'"' => Shape::DoubleQuoted,
            b'\'' => Shape::SingleQuoted,
            _ => Shape::Plain,
        };
        self.push(shape, at, colon, 0);
        self.last_end = colon;
        let value = self.spaces_from(colon + 1);
        if value >= end || self.byte(value) == b'#' {
            self.pending = Some(colon + 1);
            return Ok(None);
        }
        self.value(value, end, column)
    }

    /// A value, from its first byte; `column` is what its further lines must be indented beyond.
    fn value(&mut self, at: usize, end: usize, column: usize) -> Outcome<Option<(usize, usize)>> {
        let mut end = end;
        let close = match self.byte(at) {
            b'"' | b'\'' => {
                let close;
                (close, end) = self.quoted_over_lines(at, end, column)?;
                close
            }
            b'[' | b'{' => self.flow(at, end)?,
            b'|' | b'>' => return self.block_scalar(at, end, column),
            _ => {
                self.check_plain_start(at)?;
                let close = self.plain_end(at, end)?;
                self.push(Shape::Plain, at, close, 0);
                self.may_go_on = self.spaces_from(close) >= end;
                close
            }
        };
        // Only a comment may follow.
        let rest = self.spaces_from(close);
        if rest < end && (self.byte(rest) != b'#' || rest == close) {
            return Err(NotPlain);
        }
        self.last_end = close;
        Ok(None)
    }

    /// A further line of a plain scalar.
    #[cold]
    fn go_on(&mut self, at: usize, end: usize) -> Outcome<Option<(usize, usize)>> {
        self.check_plain_start(at)?;
        let close = self.plain_end(at, end)?;
        if let Some(node) = self.nodes.last_mut() {
            node.end = close as u32;
            node.flags = flag::UNDECODED;
        }
        self.last_end = close;
        self.may_go_on = self.spaces_from(close) >= end;
        Ok(None)
    }

    /// A quoted scalar in block style: behind its closing quote, and the end of the line that is on.
    fn quoted_over_lines(&mut self, start: usize, end: usize, column: usize) -> Outcome<(usize, usize)> {
        let shape = if self.byte(start) == b'"' { Shape::DoubleQuoted } else { Shape::SingleQuoted };
        let mut end = end;
        let mut from = start + 1;
        let mut flags = 0;
        loop {
            if let Some((close, more_flags)) = self.quoted(start, from, end)? {
                self.push(shape, start, close, flags | more_flags);
                return Ok((close, end));
            }
            flags = flag::UNDECODED;
            let (line, line_end) = self.take_line()?.ok_or(NotPlain)?;
            self.check_tabs(line, line_end)?;
            let at = self.spaces_from(line);
            if at < line_end && at - line <= column {
                return Err(NotPlain);
            }
            (from, end) = (line, line_end);
        }
    }

    /// The end of a plain scalar in block style.
    #[inline(always)]
    fn plain_end(&self, start: usize, end: usize) -> Outcome<usize> {
        let mut close = end;
        let mut from = start;
        while let Some(found) = self.find_either(from, end, b':', b'#') {
            from = found + 1;
            match self.byte(found) {
                b':' if matches!(self.byte(found + 1), b' ' | b'\n') => return Err(NotPlain),
                b'#' if found > start && self.byte(found - 1) == b' ' => {
                    close = found;
                    break;
                }
                _ => {}
            }
        }
        while close > start && self.byte(close - 1) == b' ' {
            close -= 1;
        }
        Ok(close)
    }

    /// Behind the closing quote of a quoted scalar that starts at `start`, looked for in `from..end` on one line, and
    /// whether it must be decoded. `None` if it goes on behind the line.
    fn quoted(&self, start: usize, from: usize, end: usize) -> Outcome<Option<(usize, u8)>> {
        let mut at = from;
        let mut flags = 0;
        if self.byte(start) == b'\'' {
            loop {
                let Some(quote) = self.find_either(at, end, b'\'', b'\'') else { return Ok(None) };
                at = quote + 1;
                if at >= end || self.byte(at) != b'\'' {
                    return Ok(Some((at, flags)));
                }
                flags = flag::UNDECODED;
                at += 1;
            }
        }
        loop {
            let Some(found) = self.find_either(at, end, b'"', b'\\') else { return Ok(None) };
            at = found;
            if self.byte(at) == b'"' {
                return Ok(Some((at + 1, flags)));
            }
            flags = flag::UNDECODED;
            at += match self.byte(at + 1) {
                b'"' | b'\\' | b'n' | b't' | b'r' | b' ' => 2,
                // A line end that does not count.
                b'\n' if at + 1 == end => return Ok(None),
                b'u' => {
                    let digits = self.bytes.get(at + 2..at + 6).unwrap_or_default();
                    let is_surrogate = matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                    if digits.len() != 4 || is_surrogate || !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(NotPlain);
                    }
                    6
                }
                _ => return Err(NotPlain),
            };
        }
    }

    /// A flow collection on one line; behind its closing bracket.
    fn flow(&mut self, start: usize, end: usize) -> Outcome<usize> {
        const MAX_FLOW_DEPTH: usize = 16;
        /// What may come next.
        #[derive(PartialEq)]
        enum Next {
            ItemOrClose,
            Item,
            CommaOrClose,
        }
        // The open collections: node and whether it is a map.
        let mut open = [(0u32, false); MAX_FLOW_DEPTH];
        let mut depth: usize = 0;
        let mut at = start;
        let mut next = Next::Item;
        loop {
            at = self.spaces_from(at);
            if at >= end {
                return Err(NotPlain);
            }
            let byte = self.byte(at);
            let parent = depth.checked_sub(1).and_then(|top| open.get(top)).copied();
            match (byte, parent) {
                (b']' | b'}', Some((node, is_map))) => {
                    // A comma in front of the bracket is left to the parser.
                    if next == Next::Item || is_map != (byte == b'}') {
                        return Err(NotPlain);
                    }
                    at += 1;
                    depth -= 1;
                    let next_node = self.nodes.len() as u32;
                    if let Some(node) = self.nodes.get_mut(node as usize) {
                        node.end = at as u32;
                        node.next = next_node;
                    }
                    if depth == 0 {
                        return Ok(at);
                    }
                    next = Next::CommaOrClose;
                }
                (b',', _) if next == Next::CommaOrClose => {
                    at += 1;
                    next = Next::Item;
                }
                _ if next == Next::CommaOrClose => return Err(NotPlain),
                _ => {
                    self.check_nodes()?;
                    if parent.is_some_and(|(_, is_map)| is_map) {
                        at = self.flow_key(at, end)?;
                        at = self.spaces_from(at);
                    }
                    match self.byte(at) {
                        bracket @ (b'[' | b'{') => {
                            let is_map = bracket == b'{';
                            let node = self.push(if is_map { Shape::FlowMap } else { Shape::FlowList }, at, at, 0);
                            *open.get_mut(depth).ok_or(NotPlain)? = (node, is_map);
                            depth += 1;
                            at += 1;
                            next = Next::ItemOrClose;
                        }
                        quote @ (b'"' | b'\'') => {
                            let (close, flags) = self.quoted(at, at + 1, end)?.ok_or(NotPlain)?;
                            let shape = if quote == b'"' { Shape::DoubleQuoted } else { Shape::SingleQuoted };
                            self.push(shape, at, close, flags);
                            at = close;
                            next = Next::CommaOrClose;
                        }
                        _ => {
                            let close = self.flow_plain_end(at, end)?;
                            self.push(Shape::Plain, at, close, 0);
                            at = close;
                            next = Next::CommaOrClose;
                        }
                    }
                }
            }
        }
    }

    /// Past a key of a flow map and its colon; the key's node is recorded.
    fn flow_key(&mut self, at: usize, end: usize) -> Outcome<usize> {
        let quote = self.byte(at);
        let close = if matches!(quote, b'"' | b'\'') {
            let (close, flags) = self.quoted(at, at + 1, end)?.ok_or(NotPlain)?;
            if flags != 0 {
                return Err(NotPlain);
            }
            self.push(if quote == b'"' { Shape::DoubleQuoted } else { Shape::SingleQuoted }, at, close, 0);
            // JSON has no blank behind the colon.
            if self.byte(close) != b':' {
                return Err(NotPlain);
            }
            close
        } else {
            let close = self.flow_plain_end(at, end)?;
            self.push(Shape::Plain, at, close, 0);
            if self.byte(close) != b':' || self.byte(close + 1) != b' ' || self.bytes.get(at..close) == Some(b"<<") {
                return Err(NotPlain);
            }
            close
        };
        if close - at > MAX_KEY_LENGTH {
            return Err(NotPlain);
        }
        Ok(close + 1)
    }

    /// The end of a plain scalar in flow style: only of letters, digits and a few signs that mean nothing anywhere.
    fn flow_plain_end(&self, start: usize, end: usize) -> Outcome<usize> {
        let text = self.bytes.get(start..end).unwrap_or_default();
        let is_safe =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-' | b'$' | b'=');
        let length = text.iter().take_while(|byte| is_safe(byte)).count();
        match text.first() {
            // A dash starts a scalar, such as the flag of a program, only in front of more of it.
            Some(b'-') if length == 1 => Err(NotPlain),
            None => Err(NotPlain),
            Some(_) if length == 0 => Err(NotPlain),
            Some(_) => Ok(start + length),
        }
    }

    /// The lines of a block scalar.
    fn block_scalar(&mut self, header: usize, end: usize, column: usize) -> Outcome<Option<(usize, usize)>> {
        let shape = if self.byte(header) == b'|' { Shape::Literal } else { Shape::Folded };
        let chomping = self.byte(header + 1);
        let header_end = header + 1 + usize::from(matches!(chomping, b'+' | b'-'));
        if self.spaces_from(header_end) < end {
            return Err(NotPlain);
        }
        let keeps = chomping == b'+';
        // The indentation of the text, once its first line has come.
        let mut indent = None;
        let mut blank_columns = 0;
        let mut text_end = header_end;
        let mut next = None;
        while let Some((start, line_end)) = self.take_line()? {
            let at = self.spaces_from(start).min(line_end);
            let spaces = at - start;
            let is_blank = at == line_end;
            match indent {
                _ if is_blank && indent.is_none_or(|indent| spaces <= indent) => {
                    blank_columns = blank_columns.max(spaces);
                    if keeps && line_end < self.bytes.len() {
                        text_end = line_end;
                    }
                }
                None if spaces > column => {
                    if blank_columns > spaces || self.byte(at) == b'\t' {
                        return Err(NotPlain);
                    }
                    indent = Some(spaces);
                    text_end = line_end;
                }
                Some(indent) if spaces >= indent => text_end = line_end,
                _ => {
                    // A line with less indentation ends the text; between the two it is odd.
                    if indent.is_none() || spaces > column || self.byte(at) == b'\t' {
                        return Err(NotPlain);
                    }
                    next = Some((start, line_end));
                    break;
                }
            }
        }
        if indent.is_none() {
            return Err(NotPlain);
        }
        self.push(shape, header, text_end, flag::UNDECODED);
        self.last_end = text_end;
        Ok(next)
    }
}
