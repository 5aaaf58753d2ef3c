//! From the text of a pattern to its tree.

/// A pattern as a tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One character.
    Set(Set),
    /// The beginning of the text.
    Start,
    /// The end of the text.
    End,
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
}

/// The characters in some ranges, both ends inclusive, or all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    ranges: Vec<(char, char)>,
    is_negated: bool,
}

impl Set {
    fn of(ranges: &[(char, char)]) -> Self {
        Set { ranges: ranges.to_vec(), is_negated: false }
    }

    fn except(ranges: &[(char, char)]) -> Self {
        Set { ranges: ranges.to_vec(), is_negated: true }
    }

    pub(super) fn contains(&self, character: char) -> bool {
        self.ranges.iter().any(|&(low, high)| low <= character && character <= high) != self.is_negated
    }
}

/// The bound of Go and the `regex` crate's default for one repetition.
const MAX_REPEAT: u32 = 1000;
/// Deep enough for any name, shallow enough for a guest's stack.
const MAX_DEPTH: usize = 64;

pub(super) fn parse(text: &str) -> Result<Node, String> {
    let (ignore_case, rest) = match text.strip_prefix("(?i)") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parser = Parser { rest, ignore_case, depth: 0 };
    let node = parser.alternatives()?;
    if parser.rest.is_empty() { Ok(node) } else { Err("`)` without `(`".to_owned()) }
}

struct Parser<'t> {
    rest: &'t str,
    ignore_case: bool,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next();
        self.rest = characters.as_str();
        character
    }

    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Up to `)` or the end.
    fn alternatives(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("its groups are nested too deep".to_owned());
        }
        let mut alternatives = vec![self.sequence()?];
        while self.skip("|") {
            alternatives.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(Node::Alternate(alternatives))
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(character) = self.peek() {
            if matches!(character, '|' | ')') {
                break;
            }
            let node = self.atom()?;
            nodes.push(self.repetition(node)?);
        }
        Ok(Node::Concat(nodes))
    }

    fn atom(&mut self) -> Result<Node, String> {
        let Some(character) = self.next() else { return Ok(Node::Concat(Vec::new())) };
        Ok(match character {
            '.' => Node::Set(Set::except(&[('\n', '\n')])),
            '^' => Node::Start,
            '$' => Node::End,
            '(' => {
                if !self.skip("?:") && self.rest.starts_with('?') {
                    let kind: String = self.rest.chars().take(2).collect();
                    return Err(format!("groups like `({kind}` are not supported"));
                }
                let node = self.alternatives()?;
                if !self.skip(")") {
                    return Err("`)` is missing".to_owned());
                }
                node
            }
            '[' => Node::Set(self.class()?),
            '\\' => Node::Set(self.escape()?),
            '*' | '+' | '?' => return Err(format!("there is nothing to repeat before `{character}`")),
            // As in Go, a brace that begins no repetition is a brace.
            '{' if self.bounds()?.is_some() => return Err("there is nothing to repeat before `{`".to_owned()),
            other => Node::Set(self.single(other)),
        })
    }

    fn repetition(&mut self, node: Node) -> Result<Node, String> {
        let (min, max) = if self.skip("*") {
            (0, None)
        } else if self.skip("+") {
            (1, None)
        } else if self.skip("?") {
            (0, Some(1))
        } else if self.rest.starts_with('{') {
            let before = self.rest;
            self.next();
            match self.bounds()? {
                Some(bounds) => bounds,
                None => {
                    self.rest = before;
                    return Ok(node);
                }
            }
        } else {
            return Ok(node);
        };
        // Whether it takes much or little first makes no difference to whether it matches.
        self.skip("?");
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err("there is nothing to repeat before a second repetition".to_owned());
        }
        Ok(Node::Repeat { node: Box::new(node), min, max })
    }

    /// What follows `{`: `m}`, `m,}` or `m,n}`, consumed; `None`, and nothing consumed, for anything else.
    fn bounds(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let Some((inside, after)) = self.rest.split_once('}') else { return Ok(None) };
        let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true if !digits.is_empty() => Some(digits.parse::<u32>().unwrap_or(u32::MAX)),
            _ => None,
        };
        let bounds = match inside.split_once(',') {
            None => number(inside).map(|exactly| (exactly, Some(exactly))),
            Some((min, "")) => number(min).map(|min| (min, None)),
            Some((min, max)) => number(min).zip(number(max)).map(|(min, max)| (min, Some(max))),
        };
        let Some((min, max)) = bounds else { return Ok(None) };
        self.rest = after;
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT) {
            return Err(format!("`{{{inside}}}` repeats too often: at most {MAX_REPEAT} times"));
        }
        if max.is_some_and(|max| max < min) {
            return Err(format!("`{{{inside}}}` goes backwards"));
        }
        Ok(Some((min, max)))
    }

    fn single(&self, character: char) -> Set {
        let mut ranges = Vec::new();
        self.add_range(&mut ranges, character, character);
        Set { ranges, is_negated: false }
    }

    /// Adds a range, and its letters in the other case where case does not count.
    fn add_range(&self, ranges: &mut Vec<(char, char)>, low: char, high: char) {
        ranges.push((low, high));
        if self.ignore_case {
            ranges.extend(other_case(low, high, 'a', 'z', 'A'));
            ranges.extend(other_case(low, high, 'A', 'Z', 'a'));
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<Set, String> {
        const DIGITS: &[(char, char)] = &[('0', '9')];
        const WORDS: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
        const SPACES: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];
        let Some(character) = self.next() else { return Err("it ends with a backslash".to_owned()) };
        Ok(match character {
            'd' => Set::of(DIGITS),
            'D' => Set::except(DIGITS),
            'w' => Set::of(WORDS),
            'W' => Set::except(WORDS),
            's' => Set::of(SPACES),
            'S' => Set::except(SPACES),
            'n' => Set::of(&[('\n', '\n')]),
            'r' => Set::of(&[('\r', '\r')]),
            't' => Set::of(&[('\t', '\t')]),
            other if other.is_ascii_punctuation() => Set::of(&[(other, other)]),
            other => return Err(format!("`\\{other}` is not supported")),
        })
    }

    /// What follows `[`.
    fn class(&mut self) -> Result<Set, String> {
        let is_negated = self.skip("^");
        let mut ranges = Vec::new();
        let mut is_first = true;
        loop {
            if self.rest.starts_with("[:") || self.rest.starts_with("&&") || self.rest.starts_with("--") {
                return Err("named classes and set operations are not supported".to_owned());
            }
            let low = match self.next() {
                None => return Err("`]` is missing".to_owned()),
                // A bracket at the front is one of the characters.
                Some(']') if !is_first => return Ok(Set { ranges, is_negated }),
                Some('\\') => {
                    let set = self.escape()?;
                    if set.is_negated {
                        return Err("`\\D`, `\\W` and `\\S` are not supported in a class".to_owned());
                    }
                    match set.ranges.as_slice() {
                        [(low, high)] if low == high => *low,
                        _ => {
                            ranges.extend(set.ranges);
                            is_first = false;
                            continue;
                        }
                    }
                }
                Some(other) => other,
            };
            is_first = false;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1;
            if !is_range {
                self.add_range(&mut ranges, low, low);
                continue;
            }
            self.next();
            let high = match self.next() {
                Some('\\') => match self.escape()?.ranges.as_slice() {
                    [(low, high)] if low == high => *low,
                    _ => return Err("a range ends with one character".to_owned()),
                },
                Some('[') | None => return Err("`]` is missing, or a range ends with `[`".to_owned()),
                Some(other) => other,
            };
            if low > high {
                return Err(format!("`{low}-{high}` goes backwards"));
            }
            self.add_range(&mut ranges, low, high);
        }
    }
}

/// The part of `low-high` within `first-last`, moved to the letters that begin at `to`.
fn other_case(low: char, high: char, first: char, last: char, to: char) -> Option<(char, char)> {
    let (low, high) = (low.max(first), high.min(last));
    let moved = |letter: char| char::from_u32(letter as u32 - first as u32 + to as u32);
    if low <= high { moved(low).zip(moved(high)) } else { None }
}
