//! Tokens: the scanner of libyaml, as `go-yaml` has it, over one text in memory.
//!
//! Kept close to its model on purpose, function by function: what counts is that both find the same tokens in every
//! text, also where neither does what YAML's specification says. Positions are bytes. The text has no NUL and no line
//! breaks but CR and LF: [`crate::Events::new`] is where that is seen to.

/// What is wrong with a text, and the byte where that was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the parser did not understand.
    pub message: &'static str,
    /// Where.
    pub at: usize,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; also one that is not there at all.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// Behind `|`.
    Literal,
    /// Behind `>`.
    Folded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    End,
    Version,
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockList,
    BlockMap,
    BlockEnd,
    FlowList,
    FlowListEnd,
    FlowMap,
    FlowMapEnd,
    Entry,
    Comma,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar(Style),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// A scalar's text in [`Scanner::values`]; of a tag what follows its handle, of a tag directive its prefix.
    pub(crate) value: (usize, usize),
    /// The end of a tag's handle.
    pub(crate) handle_end: usize,
}

/// A place where a key may have started that has no `?` in front.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    is_possible: bool,
    is_required: bool,
    /// The token waits until it is known whether it starts a key. go-yaml forgets about that for `{}` and `[]`.
    is_waited_for: bool,
    token: usize,
    at: usize,
}

/// How many characters a key may have in front of its colon.
const MAX_KEY: usize = 1024;

pub(crate) struct Scanner<'t> {
    pub(crate) text: &'t str,
    /// Collections may be nested this deep.
    max_depth: usize,
    at: usize,
    line_start: usize,
    indent: isize,
    indents: Vec<isize>,
    may_be_key: bool,
    /// One for each open flow collection, and one for the block around them.
    keys: Vec<SimpleKey>,
    tokens: Vec<Token>,
    head: usize,
    /// How many tokens were handed out.
    taken: usize,
    /// The texts of the scalars among the tokens.
    pub(crate) values: String,
}

type Outcome = Result<(), Problem>;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_break_or_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0)
}

fn is_blank_or_end(byte: u8) -> bool {
    is_blank(byte) || is_break_or_end(byte)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str, max_depth: usize) -> Self {
        // A byte order mark at the start is no part of the text.
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self {
            text,
            max_depth,
            at: start,
            line_start: start,
            indent: -1,
            indents: Vec::new(),
            may_be_key: true,
            keys: vec![SimpleKey::default()],
            tokens: Vec::new(),
            head: 0,
            taken: 0,
            values: String::new(),
        }
    }

    /// The next token, which stays the next one.
    pub(crate) fn peek(&mut self) -> Result<Token, Problem> {
        loop {
            let Some(token) = self.tokens.get(self.head).copied() else {
                self.tokens.clear();
                self.head = 0;
                self.fetch()?;
                continue;
            };
            if !self.head_may_be_key()? {
                return Ok(token);
            }
            self.fetch()?;
        }
    }

    /// Goes past the next token.
    pub(crate) fn skip(&mut self) {
        self.head += 1;
        self.taken += 1;
    }

    /// Forgets the texts of scalars that were handed out, where none is waiting. Of a long queue nothing is said: it is
    /// used up before another one grows.
    pub(crate) fn forget_values(&mut self) {
        let waiting = self.tokens.get(self.head..).unwrap_or_default();
        if waiting.len() <= 4 && !waiting.iter().any(|token| matches!(token.kind, Kind::Scalar(_))) {
            self.values.clear();
        }
    }

    fn problem(&self, message: &'static str) -> Outcome {
        Err(Problem { message, at: self.at })
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn here(&self) -> u8 {
        self.byte(self.at)
    }

    fn column(&self) -> isize {
        self.at as isize - self.line_start as isize
    }

    fn flow_level(&self) -> usize {
        self.keys.len() - 1
    }

    fn skip_while(&mut self, takes: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|&&byte| takes(byte)).count();
    }

    fn skip_break(&mut self) {
        self.at += if self.here() == b'\r' && self.byte(self.at + 1) == b'\n' { 2 } else { 1 };
        self.line_start = self.at;
    }

    fn skip_comment(&mut self) {
        if self.here() == b'#' {
            self.skip_while(|byte| !is_break_or_end(byte));
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, start, end: self.at, value: (0, 0), handle_end: start });
    }

    // ---- keys without `?` ------------------------------------------------------------------------------------------

    fn head_may_be_key(&mut self) -> Result<bool, Problem> {
        let taken = self.taken;
        let from = self.keys.partition_point(|key| key.token < taken);
        for level in from..self.keys.len() {
            match self.keys.get(level) {
                Some(key) if key.token == taken && key.is_possible && key.is_waited_for => {
                    return self.key_is_valid(level);
                }
                Some(key) if key.token == taken => {}
                _ => break,
            }
        }
        Ok(false)
    }

    fn key_is_valid(&mut self, level: usize) -> Result<bool, Problem> {
        let Some(key) = self.keys.get(level).copied().filter(|key| key.is_possible) else { return Ok(false) };
        let since = self.text.get(key.at..self.at).unwrap_or_default();
        if key.at >= self.line_start && (since.len() <= MAX_KEY || since.chars().count() <= MAX_KEY) {
            return Ok(true);
        }
        self.drop_key(level)?;
        Ok(false)
    }

    fn drop_key(&mut self, level: usize) -> Outcome {
        if let Some(key) = self.keys.get_mut(level)
            && key.is_possible
        {
            if key.is_required {
                return Err(Problem { message: "there is no `:` behind what should be a key", at: key.at });
            }
            key.is_possible = false;
        }
        Ok(())
    }

    fn drop_last_key(&mut self) -> Outcome {
        self.drop_key(self.keys.len() - 1)
    }

    fn save_key(&mut self) -> Outcome {
        if self.may_be_key {
            self.drop_last_key()?;
            let key = SimpleKey {
                is_possible: true,
                is_waited_for: true,
                is_required: self.flow_level() == 0 && self.indent == self.column(),
                token: self.next_token(),
                at: self.at,
            };
            if let Some(last) = self.keys.last_mut() {
                *last = key;
            }
        }
        Ok(())
    }

    /// The number of the token that is pushed next.
    fn next_token(&self) -> usize {
        self.taken + self.tokens.len() - self.head
    }

    // ---- indentation -----------------------------------------------------------------------------------------------

    /// Opens a block collection at a column that is further to the right; its token goes in front of that number.
    fn roll(&mut self, column: isize, number: usize, kind: Kind, start: usize) -> Outcome {
        if self.flow_level() > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > self.max_depth {
            return self.problem("the document is nested too deep");
        }
        self.insert(number, kind, start);
        Ok(())
    }

    fn insert(&mut self, number: usize, kind: Kind, start: usize) {
        let end = self.tokens.len();
        let place = number.checked_sub(self.taken).map_or(end, |ahead| (self.head + ahead).min(end));
        self.tokens.insert(place, Token { kind, start, end: start, value: (0, 0), handle_end: start });
    }

    fn unroll(&mut self, column: isize) {
        if self.flow_level() > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.at);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // ---- tokens ----------------------------------------------------------------------------------------------------

    fn fetch(&mut self) -> Outcome {
        self.skip_to_token();
        self.unroll(self.column());
        let first = self.here();
        let next = self.byte(self.at + 1);
        let in_flow = self.flow_level() > 0;
        if first == 0 {
            return self.fetch_end();
        }
        if self.column() == 0 {
            if first == b'%' {
                self.end_block()?;
                return self.scan_directive();
            }
            if self.is_marker() {
                self.end_block()?;
                let start = self.at;
                self.at += 3;
                self.push(if first == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd }, start);
                return Ok(());
            }
        }
        match first {
            b'[' => self.open_flow(Kind::FlowList),
            b'{' => self.open_flow(Kind::FlowMap),
            b']' => self.close_flow(Kind::FlowListEnd),
            b'}' => self.close_flow(Kind::FlowMapEnd),
            b',' => {
                self.drop_last_key()?;
                self.may_be_key = true;
                self.indicator(Kind::Comma);
                Ok(())
            }
            b'-' if is_blank_or_end(next) => {
                self.start_block(Kind::BlockList, "an item (`- `) cannot start here")?;
                self.may_be_key = true;
                self.indicator(Kind::Entry);
                Ok(())
            }
            b'?' if in_flow || is_blank_or_end(next) => {
                self.start_block(Kind::BlockMap, "a key (`? `) cannot start here")?;
                self.may_be_key = !in_flow;
                self.indicator(Kind::Key);
                Ok(())
            }
            b':' if in_flow || is_blank_or_end(next) => self.fetch_value(),
            b'*' => self.scan_anchor(Kind::Alias),
            b'&' => self.scan_anchor(Kind::Anchor),
            b'!' => self.scan_tag(),
            b'|' if !in_flow => self.scan_block(Style::Literal),
            b'>' if !in_flow => self.scan_block(Style::Folded),
            b'\'' => self.scan_quoted(Style::Single),
            b'"' => self.scan_quoted(Style::Double),
            b'-' if !is_blank(next) => self.scan_plain(),
            b'?' | b':' if !in_flow && !is_blank_or_end(next) => self.scan_plain(),
            b'-' | b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => {
                self.problem("found a character that cannot start any token")
            }
            _ => self.scan_plain(),
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            let takes_tabs = self.flow_level() > 0 || !self.may_be_key;
            self.skip_while(|byte| byte == b' ' || (takes_tabs && byte == b'\t'));
            self.skip_comment();
            if !is_break(self.here()) {
                return;
            }
            self.skip_break();
            self.may_be_key |= self.flow_level() == 0;
        }
    }

    /// Whether `---` or `...` is here, where a line starts.
    fn is_marker(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.column() == 0
            && (rest.starts_with(b"---") || rest.starts_with(b"..."))
            && is_blank_or_end(self.byte(self.at + 3))
    }

    fn end_block(&mut self) -> Outcome {
        self.unroll(-1);
        self.drop_last_key()?;
        self.may_be_key = false;
        Ok(())
    }

    fn fetch_end(&mut self) -> Outcome {
        self.line_start = self.at;
        self.end_block()?;
        self.push(Kind::End, self.at);
        Ok(())
    }

    fn indicator(&mut self, kind: Kind) {
        let start = self.at;
        self.at += 1;
        self.push(kind, start);
    }

    fn open_flow(&mut self, kind: Kind) -> Outcome {
        self.save_key()?;
        let token = self.next_token();
        self.keys.push(SimpleKey { token, at: self.at, ..SimpleKey::default() });
        if self.keys.len() > self.max_depth {
            return self.problem("the document is nested too deep");
        }
        self.may_be_key = true;
        self.indicator(kind);
        Ok(())
    }

    fn close_flow(&mut self, kind: Kind) -> Outcome {
        self.drop_last_key()?;
        if self.keys.len() > 1
            && let Some(closed) = self.keys.pop()
            && let Some(key) = self.keys.last_mut()
        {
            key.is_waited_for &= key.token != closed.token;
        }
        self.may_be_key = false;
        self.indicator(kind);
        Ok(())
    }

    fn start_block(&mut self, kind: Kind, message: &'static str) -> Outcome {
        if self.flow_level() == 0 {
            if !self.may_be_key {
                return self.problem(message);
            }
            self.roll(self.column(), self.next_token(), kind, self.at)?;
        }
        self.drop_last_key()
    }

    fn fetch_value(&mut self) -> Outcome {
        let level = self.keys.len() - 1;
        if self.key_is_valid(level)? {
            let key = self.keys.get(level).copied().unwrap_or_default();
            self.insert(key.token, Kind::Key, key.at);
            self.roll(key.at as isize - self.line_start as isize, key.token, Kind::BlockMap, key.at)?;
            if let Some(key) = self.keys.get_mut(level) {
                key.is_possible = false;
            }
            self.may_be_key = false;
        } else {
            if level == 0 {
                if !self.may_be_key {
                    return self.problem("a value (`: `) cannot start here");
                }
                self.roll(self.column(), self.next_token(), Kind::BlockMap, self.at)?;
            }
            self.may_be_key = level == 0;
        }
        self.indicator(Kind::Value);
        Ok(())
    }

    fn scan_directive(&mut self) -> Outcome {
        let start = self.at;
        self.at += 1;
        let name = self.at;
        self.skip_while(is_word);
        let kind = match self.text.get(name..self.at) {
            Some("YAML") => Kind::Version,
            Some("TAG") => Kind::TagDirective,
            _ => return self.problem("found an unknown directive"),
        };
        self.skip_while(is_blank);
        let value = self.at;
        let mut handle_end = value;
        if kind == Kind::Version {
            self.skip_while(|byte| byte.is_ascii_digit() || byte == b'.');
            if !matches!(self.text.get(value..self.at), Some("1.1" | "01.1" | "1.01" | "01.01")) {
                return self.problem("found a version of YAML other than 1.1, the one that Kubernetes reads");
            }
        } else {
            handle_end = self.scan_tag_handle();
            let handle = self.text.get(value..handle_end).unwrap_or_default();
            if !handle.starts_with('!') || (handle.len() > 1 && !handle.ends_with('!')) || !is_blank(self.here()) {
                return self.problem("found a tag directive that is not understood");
            }
            self.skip_while(is_blank);
        }
        let prefix = self.at;
        if kind == Kind::TagDirective {
            self.scan_uri()?;
            if prefix == self.at || !is_blank_or_end(self.here()) {
                return self.problem("found a tag directive that is not understood");
            }
        }
        self.push(kind, value);
        if let Some(token) = self.tokens.last_mut() {
            (token.value, token.handle_end) = ((prefix, self.at), handle_end);
        }
        self.rest_of_line(start)
    }

    /// Blanks, a comment and the line end.
    fn rest_of_line(&mut self, start: usize) -> Outcome {
        self.skip_while(is_blank);
        self.skip_comment();
        if !is_break_or_end(self.here()) {
            return Err(Problem { message: "found text where a comment or the line's end should be", at: start });
        }
        if is_break(self.here()) {
            self.skip_break();
        }
        Ok(())
    }

    fn scan_anchor(&mut self, kind: Kind) -> Outcome {
        self.save_key()?;
        self.may_be_key = false;
        let start = self.at;
        self.at += 1;
        self.skip_while(is_word);
        let after = self.here();
        if self.at == start + 1
            || !(is_blank_or_end(after) || matches!(after, b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'))
        {
            return self.problem("found a name of an anchor or alias with other than letters, digits, `_` and `-`");
        }
        self.push(kind, start);
        Ok(())
    }

    /// Past `!`, `!!` or `!name!`; past the `!` alone where it is none of these.
    fn scan_tag_handle(&mut self) -> usize {
        let start = self.at;
        if self.here() == b'!' {
            self.at += 1;
            self.skip_while(is_word);
            match self.here() {
                b'!' => self.at += 1,
                _ => self.at = start + 1,
            }
        }
        self.at
    }

    fn scan_uri(&mut self) -> Outcome {
        self.skip_while(|byte| is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte));
        match self.here() {
            b'%' => self.problem("a tag with `%` is not understood"),
            _ => Ok(()),
        }
    }

    fn scan_tag(&mut self) -> Outcome {
        self.save_key()?;
        self.may_be_key = false;
        let start = self.at;
        let is_verbatim = self.byte(self.at + 1) == b'<';
        let handle_end = if is_verbatim {
            self.at += 2;
            start
        } else {
            self.scan_tag_handle()
        };
        let from = self.at;
        self.scan_uri()?;
        let mut value = (from, self.at);
        let is_empty = from == self.at;
        if is_verbatim {
            if is_empty || self.here() != b'>' {
                return self.problem("found a tag without its `>`");
            }
            self.at += 1;
        } else if is_empty && handle_end > start + 1 {
            return self.problem("found a tag that ends with its handle");
        } else if is_empty {
            value = (start, self.at);
        }
        if !is_blank_or_end(self.here()) {
            return self.problem("found a tag without white space behind it");
        }
        self.push(Kind::Tag, start);
        if let Some(token) = self.tokens.last_mut() {
            (token.value, token.handle_end) = (value, if is_empty { start } else { handle_end });
        }
        Ok(())
    }

    // ---- scalars ---------------------------------------------------------------------------------------------------

    fn push_scalar(&mut self, style: Style, start: usize, end: usize, from: usize) {
        let value = (from, self.values.len());
        self.tokens.push(Token { kind: Kind::Scalar(style), start, end, value, handle_end: start });
    }

    fn copy(&mut self, from: usize, to: usize) {
        self.values.push_str(self.text.get(from..to).unwrap_or_default());
    }

    fn push_breaks(&mut self, count: usize) {
        self.values.extend(std::iter::repeat_n('\n', count));
    }

    fn scan_block(&mut self, style: Style) -> Outcome {
        self.drop_last_key()?;
        self.may_be_key = true;
        let start = self.at;
        let mut chomping = 0;
        let mut indent = 0;
        self.at += 1;
        for _ in 0..2 {
            match self.here() {
                sign @ (b'+' | b'-') if chomping == 0 => chomping = sign,
                b'0' if indent == 0 => return self.problem("found a block scalar with no indentation"),
                digit @ b'1'..=b'9' if indent == 0 => indent = isize::from(digit - b'0'),
                _ => break,
            }
            self.at += 1;
        }
        let mut end = self.at;
        self.rest_of_line(start)?;
        if indent > 0 {
            indent += self.indent.max(0);
        }
        let from = self.values.len();
        let keeps = chomping == b'+';
        // A line end that was not written yet, and blank lines behind it.
        let mut has_break = false;
        let mut blank_lines = self.block_breaks(&mut indent, keeps, &mut end)?;
        let mut leading_blank = false;
        while self.column() == indent && self.here() != 0 {
            let is_blank_here = is_blank(self.here());
            let folds = style == Style::Folded && has_break && !leading_blank && !is_blank_here;
            if folds && blank_lines == 0 {
                self.values.push(' ');
            } else if has_break && !folds {
                self.values.push('\n');
            }
            self.push_breaks(blank_lines);
            leading_blank = is_blank_here;
            let line = self.at;
            self.skip_while(|byte| !is_break_or_end(byte));
            self.copy(line, self.at);
            end = self.at;
            has_break = is_break(self.here());
            if has_break {
                self.skip_break();
            }
            blank_lines = self.block_breaks(&mut indent, keeps, &mut end)?;
        }
        if has_break && chomping != b'-' {
            self.values.push('\n');
        }
        if keeps {
            self.push_breaks(blank_lines);
        }
        self.push_scalar(style, start, end, from);
        Ok(())
    }

    /// Indentation and blank lines of a block scalar; finds its indentation where it is not known.
    fn block_breaks(&mut self, indent: &mut isize, keeps: bool, end: &mut usize) -> Result<usize, Problem> {
        let mut most = 0;
        let mut count = 0;
        loop {
            while (*indent == 0 || self.column() < *indent) && self.here() == b' ' {
                self.at += 1;
            }
            most = most.max(self.column());
            if (*indent == 0 || self.column() < *indent) && self.here() == b'\t' {
                self.problem("found a tab in the indentation of a block scalar")?;
            }
            if !is_break(self.here()) {
                break;
            }
            if keeps {
                *end = self.at;
            }
            self.skip_break();
            count += 1;
        }
        if *indent == 0 {
            *indent = most.max(self.indent + 1).max(1);
        }
        Ok(count)
    }

    fn scan_quoted(&mut self, style: Style) -> Outcome {
        self.save_key()?;
        self.may_be_key = false;
        let quote = self.here();
        let start = self.at;
        let from = self.values.len();
        self.at += 1;
        loop {
            if self.is_marker() {
                return self.problem("found a document marker inside a quoted scalar");
            }
            let mut is_at_line_start = false;
            let mut has_break = false;
            loop {
                let text = self.at;
                self.skip_while(|byte| !(is_blank_or_end(byte) || byte == quote || byte == b'\\'));
                self.copy(text, self.at);
                let (byte, next) = (self.here(), self.byte(self.at + 1));
                if byte == b'\'' && byte == quote && next == quote {
                    self.values.push('\'');
                    self.at += 2;
                } else if byte == b'\\' && quote == b'\'' {
                    self.values.push('\\');
                    self.at += 1;
                } else if byte == b'\\' && is_break(next) {
                    self.at += 1;
                    self.skip_break();
                    is_at_line_start = true;
                    break;
                } else if byte == b'\\' {
                    self.escape(next)?;
                } else {
                    break;
                }
            }
            match self.here() {
                0 => return Err(Problem { message: "unclosed quote", at: start }),
                byte if byte == quote => break,
                _ => {}
            }
            let blanks = self.at;
            let mut blank_lines = 0;
            let mut blanks_end = self.at;
            loop {
                self.skip_while(is_blank);
                if !is_at_line_start {
                    blanks_end = self.at;
                }
                if !is_break(self.here()) {
                    break;
                }
                self.skip_break();
                if is_at_line_start {
                    blank_lines += 1;
                } else {
                    (is_at_line_start, has_break) = (true, true);
                }
            }
            if !is_at_line_start {
                self.copy(blanks, blanks_end);
            } else if has_break && blank_lines == 0 {
                self.values.push(' ');
            } else {
                self.push_breaks(blank_lines);
            }
        }
        self.at += 1;
        self.push_scalar(style, start, self.at, from);
        Ok(())
    }

    /// An escape of a double-quoted scalar, at its backslash.
    fn escape(&mut self, kind: u8) -> Outcome {
        let digits = match kind {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let character = if digits > 0 {
            let from = self.at + 2;
            let number = self.text.get(from..from + digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
            number.and_then(|number| u32::from_str_radix(number, 16).ok()).and_then(char::from_u32)
        } else {
            Some(match kind {
                b'0' => '\0',
                b'a' => '\x07',
                b'b' => '\x08',
                b't' | b'\t' => '\t',
                b'n' => '\n',
                b'v' => '\x0b',
                b'f' => '\x0c',
                b'r' => '\r',
                b'e' => '\x1b',
                b' ' | b'"' | b'\'' | b'\\' => char::from(kind),
                b'N' => '\u{85}',
                b'_' => '\u{a0}',
                b'L' => '\u{2028}',
                b'P' => '\u{2029}',
                _ => return self.problem("found an unknown escape in a quoted scalar"),
            })
        };
        let Some(character) = character else {
            return self.problem("found an escape in a quoted scalar that is no character");
        };
        self.values.push(character);
        self.at += 2 + digits;
        Ok(())
    }

    fn scan_plain(&mut self) -> Outcome {
        self.save_key()?;
        self.may_be_key = false;
        let in_flow = self.flow_level() > 0;
        let (start, from) = (self.at, self.values.len());
        let mut end = start;
        let mut is_at_line_start = false;
        let mut blank_lines = 0;
        let mut blanks = (start, start);
        while !self.is_marker() && self.here() != b'#' {
            let word = self.at;
            loop {
                self.skip_while(|byte| {
                    !(is_blank_or_end(byte)
                        || byte == b':'
                        || in_flow && matches!(byte, b',' | b'?' | b'[' | b']' | b'{' | b'}'))
                });
                if self.here() != b':' || is_blank_or_end(self.byte(self.at + 1)) {
                    break;
                }
                self.at += 1;
            }
            if self.at > word {
                if !is_at_line_start {
                    self.copy(blanks.0, blanks.1);
                } else if blank_lines == 0 {
                    self.values.push(' ');
                } else {
                    self.push_breaks(blank_lines);
                }
                (is_at_line_start, blank_lines) = (false, 0);
                self.copy(word, self.at);
                end = self.at;
            }
            if !is_blank(self.here()) && !is_break(self.here()) {
                break;
            }
            let blanks_start = self.at;
            loop {
                match self.here() {
                    b'\t' if is_at_line_start && self.column() <= self.indent => {
                        return self.problem("found a tab in the indentation of what follows a plain scalar");
                    }
                    b' ' | b'\t' => self.at += 1,
                    b'\r' | b'\n' => {
                        self.skip_break();
                        blank_lines += usize::from(is_at_line_start);
                        is_at_line_start = true;
                    }
                    _ => break,
                }
            }
            blanks = (blanks_start, self.at);
            if !in_flow && self.column() <= self.indent {
                break;
            }
        }
        self.push_scalar(Style::Plain, start, end, from);
        self.may_be_key |= is_at_line_start;
        Ok(())
    }
}
