//! The events of one YAML document, as the parser of Helm and Kubernetes finds them.
//!
//! That parser is `go-yaml`, a translation of libyaml; what it accepts, refuses and reads differs from YAML 1.2 in
//! dozens of places, and a manifest means what *it* reads. So this is libyaml's algorithm too, over one text in memory,
//! with the byte span of everything: `scan` makes tokens, the state machine here makes events. Left out is what no
//! manifest can use (other encodings, `%` in tags), and refused is what other readers would take for other lines: the
//! raw line breaks U+0085, U+2028 and U+2029. A fuzz target compares it with `go-yaml` itself.
//!
//! A crate of its own, so that a plugin's module can have it optimised for size and `windlass-manifest`, which reads
//! nearly every document without it, for speed.

mod scan;

use scan::{Kind, Scanner, Token};
pub use scan::{Problem, Style};

/// What comes next in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A document starts.
    DocumentStart,
    /// It ends.
    DocumentEnd,
    /// A reference to the node that was given a name.
    Alias,
    /// A scalar. Plain and of no length: nothing is there.
    Scalar(Style),
    /// A list starts.
    ListStart {
        /// Between brackets.
        is_flow: bool,
    },
    /// A map starts.
    MapStart {
        /// Between braces; or the one pair of `[a: b]`.
        is_flow: bool,
        /// The one pair of `[a: b]`, which has no braces.
        is_pair: bool,
    },
    /// The list or map ends.
    End,
}

/// What a tag makes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A type that scalars have without tags: a number, a boolean, nothing (`!!int`, `!!float`, `!!bool`, `!!null`).
    Plain,
    /// Base64 of the text that is meant (`!!binary`).
    Binary,
    /// That of a merge key (`!!merge`), or none in particular (`!`): `<<` merges with it, also in quotes, and anything
    /// else is a text.
    Merge,
    /// Any other; a scalar is then a text.
    Other,
}

/// Where something happens in the text, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Event<'t> {
    /// What.
    pub kind: EventKind,
    /// Where the node starts, behind its anchor and tag: a block list at its first dash, a block map at its first key
    /// or what stands in front of it, a block scalar at its `|` or `>`. Nothing is right behind what it follows.
    pub start: usize,
    /// Just behind a scalar or an alias, a block scalar before the line end of its last line; behind the bracket that
    /// ends a flow collection.
    pub end: usize,
    /// The anchor's name, or the name an alias refers to.
    pub name: Option<&'t str>,
    /// Its tag.
    pub tag: Option<Tag>,
    /// Where the first of anchor and tag starts, if there is one.
    pub properties: Option<usize>,
    value: (usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FirstDocument,
    Document,
    Content,
    DocumentEnd,
    Ended,
    List,
    ListAtMap,
    MapKey,
    MapValue,
    FlowList { is_first: bool },
    PairKey,
    PairValue,
    PairEnd,
    FlowKey { is_first: bool },
    FlowValue,
    FlowNoValue,
}

/// The events of one text, in order. Nothing comes after the first problem.
pub struct Events<'t> {
    scanner: Scanner<'t>,
    state: State,
    states: Vec<State>,
    /// Handles and prefixes of the document's tag directives.
    handles: Vec<(&'t str, &'t str)>,
    has_version: bool,
    /// Behind the last token that was taken.
    last_end: usize,
    problem: Option<Problem>,
}

impl std::fmt::Debug for Events<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Events")
    }
}

/// The first character that a YAML text must not have: a control character, or a line break that is one to some
/// readers.
fn find_forbidden(text: &str) -> Option<Problem> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().find_map(|(at, &byte)| {
        let next = |distance: usize| bytes.get(at + distance).copied().unwrap_or(0);
        let message = match byte {
            b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0xC3..=0xE1 | 0xE3..=0xEE | 0xF0.. => return None,
            0xC2 if next(1) == 0x85 => ODD_BREAK,
            0xE2 if next(1) == 0x80 && matches!(next(2), 0xA8 | 0xA9) => ODD_BREAK,
            0xC2 if next(1) < 0xA0 => CONTROL,
            0xEF if next(1) == 0xBF && next(2) >= 0xBE => CONTROL,
            0xEF if next(1) == 0xBB && next(2) == 0xBF && at != 0 => MARK,
            0..b' ' | 0x7F => CONTROL,
            _ => return None,
        };
        Some(Problem { message, at })
    })
}

/// What go-yaml does with one depends on where the buffers of its reader end: it may drop the first character of a
/// line.
const MARK: &str = "found a byte order mark (U+FEFF) that is not at the start of the stream";
const CONTROL: &str = "found a control character, which YAML does not allow";
const ODD_BREAK: &str = "found a raw U+0085, U+2028 or U+2029, which ends a line for Kubernetes and not for other \
                         readers; write it as an escape in double quotes";

/// How many tag directives a document may have, as each tag is looked for among them. No manifest has one.
const MAX_HANDLES: usize = 100;

impl<'t> Events<'t> {
    /// Prepares to read a text in which collections may be nested so deep.
    #[must_use]
    #[inline(never)]
    pub fn new(text: &'t str, max_depth: usize) -> Self {
        Self {
            scanner: Scanner::new(text, max_depth),
            state: State::FirstDocument,
            states: Vec::new(),
            handles: Vec::new(),
            has_version: false,
            last_end: 0,
            problem: find_forbidden(text),
        }
    }

    /// The text of a scalar, until the next event is asked for.
    #[must_use]
    pub fn text(&self, event: &Event<'t>) -> &str {
        self.scanner.values.get(event.value.0..event.value.1).unwrap_or_default()
    }

    /// The next event; nothing at the end of the text.
    ///
    /// # Errors
    /// What go-yaml would not read.
    #[inline(never)]
    pub fn next_event(&mut self) -> Result<Option<Event<'t>>, Problem> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        self.scanner.forget_values();
        let event = self.step();
        if let Err(problem) = event {
            self.problem = Some(problem);
        }
        event
    }

    fn peek(&mut self) -> Result<Token, Problem> {
        self.scanner.peek()
    }

    fn skip(&mut self, token: Token) {
        self.last_end = token.end;
        self.scanner.skip();
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        let text: &'t str = self.scanner.text;
        text.get(from..to).unwrap_or_default()
    }

    fn pop(&mut self) {
        self.state = self.states.pop().unwrap_or(State::Ended);
    }

    fn event(kind: EventKind, start: usize, end: usize) -> Event<'t> {
        Event { kind, start, end, name: None, tag: None, properties: None, value: (0, 0) }
    }

    /// Nothing where a node should be: right behind what was read last.
    fn nothing(&mut self, next: State) -> Result<Option<Event<'t>>, Problem> {
        self.state = next;
        Ok(Some(Self::event(EventKind::Scalar(Style::Plain), self.last_end, self.last_end)))
    }

    fn end(&mut self, token: Token) -> Result<Option<Event<'t>>, Problem> {
        self.pop();
        self.skip(token);
        Ok(Some(Self::event(EventKind::End, token.start, token.end)))
    }

    fn step(&mut self) -> Result<Option<Event<'t>>, Problem> {
        let state = self.state;
        let token = match state {
            State::Ended => return Ok(None),
            _ => self.peek()?,
        };
        let problem = |message| Err(Problem { message, at: token.start });
        match state {
            State::FirstDocument | State::Document => self.document(state == State::FirstDocument),
            State::Content => match token.kind {
                Kind::Version | Kind::TagDirective | Kind::DocumentStart | Kind::DocumentEnd | Kind::End => {
                    self.states.pop();
                    self.nothing(State::DocumentEnd)
                }
                _ => self.node(true, false),
            },
            State::DocumentEnd => {
                if token.kind == Kind::DocumentEnd {
                    self.skip(token);
                }
                self.handles.clear();
                self.has_version = false;
                self.state = State::Document;
                Ok(Some(Self::event(EventKind::DocumentEnd, token.start, token.start)))
            }
            State::List | State::ListAtMap => match token.kind {
                Kind::Entry => {
                    self.skip(token);
                    let next = self.peek()?.kind;
                    let is_nothing = matches!(next, Kind::Entry | Kind::BlockEnd)
                        || state == State::ListAtMap && matches!(next, Kind::Key | Kind::Value);
                    self.child(state, is_nothing, true, false)
                }
                Kind::BlockEnd if state == State::List => self.end(token),
                _ if state == State::List => problem("an item (`- `) should be here"),
                _ => {
                    self.pop();
                    Ok(Some(Self::event(EventKind::End, token.start, token.start)))
                }
            },
            State::MapKey => match token.kind {
                Kind::Key => {
                    self.skip(token);
                    let next = self.peek()?.kind;
                    let is_nothing = matches!(next, Kind::Key | Kind::Value | Kind::BlockEnd);
                    self.child(State::MapValue, is_nothing, true, true)
                }
                Kind::BlockEnd => self.end(token),
                _ => problem("a key should be here"),
            },
            State::MapValue => {
                if token.kind != Kind::Value {
                    return self.nothing(State::MapKey);
                }
                self.skip(token);
                let next = self.peek()?.kind;
                let is_nothing = matches!(next, Kind::Key | Kind::Value | Kind::BlockEnd);
                self.child(State::MapKey, is_nothing, true, true)
            }
            State::FlowList { is_first } => {
                let token = self.next_in_flow(token, is_first, Kind::FlowListEnd)?;
                match token.kind {
                    Kind::FlowListEnd => self.end(token),
                    Kind::Key => {
                        self.state = State::PairKey;
                        self.skip(token);
                        let kind = EventKind::MapStart { is_flow: true, is_pair: true };
                        Ok(Some(Self::event(kind, token.start, token.end)))
                    }
                    _ => self.child(State::FlowList { is_first: false }, false, false, false),
                }
            }
            State::PairKey => {
                let is_nothing = matches!(token.kind, Kind::Value | Kind::Comma | Kind::FlowListEnd);
                if is_nothing {
                    // As libyaml does: the `:` goes too, and what follows is an error.
                    self.skip(token);
                }
                self.child(State::PairValue, is_nothing, false, false)
            }
            State::PairValue => {
                let mut is_nothing = true;
                if token.kind == Kind::Value {
                    self.skip(token);
                    is_nothing = matches!(self.peek()?.kind, Kind::Comma | Kind::FlowListEnd);
                }
                self.child(State::PairEnd, is_nothing, false, false)
            }
            State::PairEnd => {
                self.state = State::FlowList { is_first: false };
                Ok(Some(Self::event(EventKind::End, token.start, token.start)))
            }
            State::FlowKey { is_first } => {
                let token = self.next_in_flow(token, is_first, Kind::FlowMapEnd)?;
                match token.kind {
                    Kind::FlowMapEnd => self.end(token),
                    Kind::Key => {
                        self.skip(token);
                        let next = self.peek()?.kind;
                        let is_nothing = matches!(next, Kind::Value | Kind::Comma | Kind::FlowMapEnd);
                        self.child(State::FlowValue, is_nothing, false, false)
                    }
                    _ => self.child(State::FlowNoValue, false, false, false),
                }
            }
            State::FlowValue => {
                let mut is_nothing = true;
                if token.kind == Kind::Value {
                    self.skip(token);
                    is_nothing = matches!(self.peek()?.kind, Kind::Comma | Kind::FlowMapEnd);
                }
                self.child(State::FlowKey { is_first: false }, is_nothing, false, false)
            }
            State::FlowNoValue => self.nothing(State::FlowKey { is_first: false }),
            State::Ended => Ok(None),
        }
    }

    /// A node, after which `next` comes.
    fn child(
        &mut self,
        next: State,
        is_nothing: bool,
        is_block: bool,
        may_be_list: bool,
    ) -> Result<Option<Event<'t>>, Problem> {
        if is_nothing {
            return self.nothing(next);
        }
        self.states.push(next);
        self.node(is_block, may_be_list)
    }

    fn next_in_flow(&mut self, token: Token, is_first: bool, end: Kind) -> Result<Token, Problem> {
        if is_first || token.kind == end {
            return Ok(token);
        }
        if token.kind != Kind::Comma {
            let message = match token.kind {
                Kind::End => "unclosed bracket",
                _ => "a comma or the closing bracket should be here",
            };
            return Err(Problem { message, at: token.start });
        }
        self.skip(token);
        self.peek()
    }

    fn document(&mut self, is_first: bool) -> Result<Option<Event<'t>>, Problem> {
        let mut token = self.peek()?;
        while !is_first && token.kind == Kind::DocumentEnd {
            self.skip(token);
            token = self.peek()?;
        }
        if token.kind == Kind::End {
            self.state = State::Ended;
            return Ok(None);
        }
        let start = token.start;
        let mut is_explicit = !is_first;
        while matches!(token.kind, Kind::Version | Kind::TagDirective) {
            is_explicit = true;
            let handle = self.slice(token.start, token.handle_end);
            let is_known = match token.kind {
                Kind::Version => std::mem::replace(&mut self.has_version, true),
                _ => self.handles.iter().any(|(known, _)| *known == handle),
            };
            if is_known {
                return Err(Problem { message: "found the same directive twice", at: token.start });
            }
            if token.kind == Kind::TagDirective {
                if self.handles.len() >= MAX_HANDLES {
                    return Err(Problem { message: "found more than 100 tag directives", at: token.start });
                }
                self.handles.push((handle, self.slice(token.value.0, token.value.1)));
            }
            self.skip(token);
            token = self.peek()?;
        }
        self.states.push(State::DocumentEnd);
        if token.kind == Kind::DocumentStart {
            self.state = State::Content;
            self.skip(token);
        } else if is_explicit {
            return Err(Problem { message: "a document should start here with `---`", at: token.start });
        } else {
            self.state = State::Content;
        }
        Ok(Some(Self::event(EventKind::DocumentStart, start, start)))
    }

    fn tag(&self, token: Token) -> Result<Tag, Problem> {
        let handle = self.slice(token.start, token.handle_end);
        let rest = self.slice(token.value.0, token.value.1);
        let own = self.handles.iter().find(|(known, _)| *known == handle).map(|&(_, prefix)| prefix);
        const CORE: &str = "tag:yaml.org,2002:";
        let prefix = match (own, handle) {
            (Some(prefix), _) => prefix,
            (None, "") => "",
            (None, "!") => "!",
            (None, "!!") => CORE,
            _ => return Err(Problem { message: "found a tag with a handle that no directive names", at: token.start }),
        };
        let is = |name: &str| prefix.bytes().chain(rest.bytes()).eq(CORE.bytes().chain(name.bytes()));
        Ok(match () {
            () if ["null", "bool", "int", "float"].into_iter().any(is) => Tag::Plain,
            () if is("binary") => Tag::Binary,
            () if is("merge") || (prefix.is_empty() && rest == "!") => Tag::Merge,
            () => Tag::Other,
        })
    }

    fn node(&mut self, is_block: bool, may_be_list: bool) -> Result<Option<Event<'t>>, Problem> {
        let mut token = self.peek()?;
        let name_of = |events: &Self, token: Token| events.slice(token.start + 1, token.end);
        let mut event = Self::event(EventKind::Alias, token.start, token.end);
        if token.kind == Kind::Alias {
            event.name = Some(name_of(self, token));
            self.pop();
            self.skip(token);
            return Ok(Some(event));
        }
        loop {
            match token.kind {
                Kind::Anchor if event.name.is_none() => event.name = Some(name_of(self, token)),
                Kind::Tag if event.tag.is_none() => event.tag = Some(self.tag(token)?),
                _ => break,
            }
            event.properties.get_or_insert(token.start);
            self.skip(token);
            token = self.peek()?;
        }
        (event.start, event.end) = (token.start, token.end);
        let (kind, next) = match token.kind {
            Kind::Entry if may_be_list => (EventKind::ListStart { is_flow: false }, State::ListAtMap),
            Kind::Scalar(style) => {
                event.value = token.value;
                self.pop();
                (EventKind::Scalar(style), self.state)
            }
            Kind::FlowList => (EventKind::ListStart { is_flow: true }, State::FlowList { is_first: true }),
            Kind::FlowMap => (EventKind::MapStart { is_flow: true, is_pair: false }, State::FlowKey { is_first: true }),
            Kind::BlockList if is_block => (EventKind::ListStart { is_flow: false }, State::List),
            Kind::BlockMap if is_block => (EventKind::MapStart { is_flow: false, is_pair: false }, State::MapKey),
            _ if event.properties.is_some() => {
                self.pop();
                event.kind = EventKind::Scalar(Style::Plain);
                (event.start, event.end) = (self.last_end, self.last_end);
                return Ok(Some(event));
            }
            _ => return Err(Problem { message: "a value should be here", at: token.start }),
        };
        event.kind = kind;
        self.state = next;
        if token.kind != Kind::Entry {
            self.skip(token);
        }
        Ok(Some(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_directives_are_few() {
        let problem = |count: usize| {
            let directives: String = (0..count).map(|number| format!("%TAG !a{number}! b\n")).collect();
            let text = format!("{directives}--- !a7!c d\n");
            let mut events = Events::new(&text, 10);
            loop {
                match events.next_event() {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(problem) => return Some(problem.message),
                }
            }
        };
        assert_eq!((problem(100), problem(101)), (None, Some("found more than 100 tag directives")));
    }
}
