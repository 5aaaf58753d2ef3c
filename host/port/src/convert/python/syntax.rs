//! As much of Python's syntax as post-renderers have: statements by their indentation, expressions as trees.

/// How deep statements and expressions nest.
const MAX_DEPTH: usize = 40;
/// How many statements a program has.
const MAX_STATEMENTS: usize = 2_000;
/// How many statements share a line.
const MAX_ON_A_LINE: usize = 50;
/// How many words and signs an expression has: each may be a level of its tree.
const MAX_TOKENS: usize = 1_000;

/// A statement with its line, from 1.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// `if`, `elif` and `else`, which has no condition.
    If(Vec<(Option<Expression>, Vec<Statement>)>),
    For(String, Expression, Vec<Statement>),
    Def(String, Vec<String>, Vec<Statement>),
    /// `target = value`; with `+` for `+=`.
    Assign(Expression, Option<char>, Expression),
    Delete(Expression),
    Return(Option<Expression>),
    Raise(String),
    Expression(Expression),
    Continue,
    /// What does nothing here: imports, `pass`, texts.
    Nothing,
    /// Anything else, as it is written.
    Unknown(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Name(String),
    Text(String),
    /// An f-string: texts and expressions in turn.
    Format(Vec<Expression>),
    Number(String),
    True,
    False,
    None,
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    Attribute(Box<Expression>, String),
    Index(Box<Expression>, Box<Expression>),
    Call(Box<Expression>, Vec<Expression>, Vec<(String, Expression)>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    /// `a if condition else b`.
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `[item for name in list if condition]`.
    Each(Box<Expression>, String, Box<Expression>, Vec<Expression>),
}

/// What a call gives, by position and by name.
type Arguments = (Vec<Expression>, Vec<(String, Expression)>);

struct Line {
    number: usize,
    indent: usize,
    text: String,
}

/// Reads a program; what is not known is [`What::Unknown`].
pub(super) fn read(source: &str) -> Vec<Statement> {
    let lines = logical_lines(source);
    let mut at = 0;
    let mut left = MAX_STATEMENTS;
    block(&lines, &mut at, 0, 0, &mut left)
}

/// Lines joined where a bracket or a text of three quotes is open, without comments.
fn logical_lines(source: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<Line> = None;
    let mut depth = 0_usize;
    let mut quote: Option<String> = None;
    // Whether the open line has a text of three quotes, in which line breaks count.
    let mut has_long_text = false;
    for (number, written) in source.lines().enumerate() {
        let mut text = String::new();
        let mut rest = written;
        while let Some(letter) = rest.chars().next() {
            if let Some(mark) = &quote {
                if letter == '\\' {
                    let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
                    text.push_str(rest.get(..end).unwrap_or_default());
                    rest = rest.get(end..).unwrap_or_default();
                } else if rest.starts_with(mark.as_str()) {
                    text.push_str(mark);
                    rest = rest.get(mark.len()..).unwrap_or_default();
                    quote = None;
                } else {
                    text.push(letter);
                    rest = rest.get(letter.len_utf8()..).unwrap_or_default();
                }
                continue;
            }
            match letter {
                '#' => break,
                '"' | '\'' => {
                    let three: String = std::iter::repeat_n(letter, 3).collect();
                    let mark = if rest.starts_with(&three) { three } else { letter.to_string() };
                    has_long_text |= mark == "\"\"\"";
                    text.push_str(&mark);
                    rest = rest.get(mark.len()..).unwrap_or_default();
                    quote = Some(mark);
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            text.push(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
        // A text in one quote ends with its line.
        if quote.as_ref().is_some_and(|mark| mark.len() == 1) {
            quote = None;
        }
        let line = match open.take() {
            Some(mut line) => {
                line.text.push(if quote.is_some() || has_long_text { '\n' } else { ' ' });
                line.text.push_str(if quote.is_some() { &text } else { text.trim_start() });
                line
            }
            None => {
                let indent = text.chars().take_while(|letter| letter.is_whitespace()).count();
                Line { number: number + 1, indent, text: text.trim().to_owned() }
            }
        };
        if depth > 0 || quote.is_some() {
            open = Some(line);
        } else if let Some(joined) = line.text.strip_suffix('\\') {
            open = Some(Line { text: joined.to_owned(), ..line });
        } else {
            has_long_text = false;
            if !line.text.trim().is_empty() {
                lines.push(line);
            }
        }
    }
    lines.extend(open);
    lines
}

fn block(lines: &[Line], at: &mut usize, indent: usize, depth: usize, left: &mut usize) -> Vec<Statement> {
    let mut out: Vec<Statement> = Vec::new();
    while let Some(line) = lines.get(*at) {
        if line.indent < indent {
            break;
        }
        *at += 1;
        let Some(fewer) = left.checked_sub(1).filter(|_| depth < MAX_DEPTH) else {
            out.push(Statement { line: line.number, what: What::Unknown("the rest, as there is too much".to_owned()) });
            *at = lines.len();
            break;
        };
        *left = fewer;
        let text = line.text.trim();
        let unknown = || What::Unknown(text.to_owned());
        let (head, after) = split_head(text);
        let Some(head) = head else {
            let are_several = text.contains(';') && !text.contains(['"', '\'']);
            let simple: Vec<&str> =
                if are_several { text.split(';').take(MAX_ON_A_LINE + 1).collect() } else { vec![text] };
            if simple.len() > MAX_ON_A_LINE {
                out.push(Statement { line: line.number, what: unknown() });
                continue;
            }
            out.extend(simple.into_iter().map(|text| Statement { line: line.number, what: simple_statement(text) }));
            continue;
        };
        let body = if after.is_empty() {
            let inner = lines.get(*at).map_or(0, |next| next.indent);
            if inner > line.indent { block(lines, at, inner, depth + 1, left) } else { Vec::new() }
        } else {
            vec![Statement { line: line.number, what: simple_statement(after) }]
        };
        let (word, rest) = head
            .split_once([' ', '('])
            .map_or((head, ""), |(word, _)| (word, head.get(word.len()..).unwrap_or_default()));
        let what = match word {
            "if" => expression(rest).map(|condition| What::If(vec![(Some(condition), body)])),
            "elif" | "else" => {
                let condition = if word == "elif" { expression(rest).map(Some) } else { Some(None) };
                match (condition, out.last_mut()) {
                    (Some(condition), Some(Statement { what: What::If(branches), .. })) => {
                        branches.push((condition, body));
                        continue;
                    }
                    _ => None,
                }
            }
            "for" => rest.trim().split_once(" in ").and_then(|(name, list)| {
                let name = name.trim();
                is_name(name).then_some(())?;
                Some(What::For(name.to_owned(), expression(list)?, body))
            }),
            "def" => rest.trim().split_once('(').map(|(name, parameters)| {
                let parameters = parameters.rsplit_once(')').map_or(parameters, |(inside, _)| inside);
                let names = parameters.split(',').filter_map(|one| one.split([':', '=']).next());
                let names = names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
                What::Def(name.trim().to_owned(), names.collect(), body)
            }),
            _ => None,
        };
        out.push(Statement { line: line.number, what: what.unwrap_or_else(unknown) });
    }
    out
}

/// A compound statement's head without its colon, and what stands behind it on the line.
fn split_head(text: &str) -> (Option<&str>, &str) {
    const COMPOUND: &[&str] =
        &["if", "elif", "else", "for", "def", "while", "with", "try", "except", "finally", "class", "async", "match"];
    let word = text.split([' ', ':', '(']).next().unwrap_or_default();
    if !COMPOUND.contains(&word) {
        return (None, text);
    }
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(mark), _) if mark == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ':') if depth == 0 => {
                let (head, after) = text.split_at(at);
                return (Some(head), after.get(1..).unwrap_or_default().trim());
            }
            _ => {}
        }
    }
    (None, text)
}

fn is_name(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == '_') && !text.is_empty()
}

fn simple_statement(text: &str) -> What {
    let text = text.trim();
    let word = text.split([' ', '(']).next().unwrap_or_default();
    match word {
        "import" | "from" | "pass" | "global" | "nonlocal" => return What::Nothing,
        "continue" => return What::Continue,
        "return" => {
            let rest = text.get(6..).unwrap_or_default().trim();
            return match (rest.is_empty(), expression(rest)) {
                (true, _) => What::Return(None),
                (false, Some(value)) => What::Return(Some(value)),
                (false, None) => What::Unknown(text.to_owned()),
            };
        }
        "del" => {
            return expression(text.get(3..).unwrap_or_default())
                .map_or_else(|| What::Unknown(text.to_owned()), What::Delete);
        }
        "raise" => return What::Raise(text.to_owned()),
        _ => {}
    }
    if let Some((target, operator, value)) = assignment(text) {
        return match (expression(target), expression(value)) {
            (Some(target), Some(value)) => What::Assign(target, operator, value),
            _ => What::Unknown(text.to_owned()),
        };
    }
    match expression(text) {
        Some(Expression::Text(_)) => What::Nothing,
        Some(found) => What::Expression(found),
        None => What::Unknown(text.to_owned()),
    }
}

/// `target = value` and `target += value`, outside of brackets and texts.
fn assignment(text: &str) -> Option<(&str, Option<char>, &str)> {
    let mut depth = 0_usize;
    let mut quote = None;
    let bytes = text.as_bytes();
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(mark), _) if mark == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, '=') if depth == 0 => {
                if bytes.get(at + 1) == Some(&b'=') {
                    return None;
                }
                let before = text.get(..at)?;
                let value = text.get(at + 1..)?;
                return match before.chars().last()? {
                    '!' | '<' | '>' | ':' | '-' | '*' | '/' | '%' | '|' | '&' => None,
                    '+' => Some((before.get(..before.len() - 1)?, Some('+'), value)),
                    // `name: type = value`.
                    _ => Some((before.split(": ").next()?.trim(), None, value)),
                };
            }
            _ => {}
        }
    }
    None
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String, bool),
    Number(String),
    Sign(String),
}

/// An expression; none where it is more than this reader knows.
pub(super) fn expression(text: &str) -> Option<Expression> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let found = parser.choice()?;
    // `a, b` without brackets is no value that is known here.
    (parser.at == parser.tokens.len()).then_some(found)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if tokens.len() >= MAX_TOKENS {
            return None;
        }
        let take = |length: usize| (rest.get(..length).unwrap_or_default(), rest.get(length..).unwrap_or_default());
        if letter.is_whitespace() {
            rest = take(letter.len_utf8()).1;
        } else if let Some((prefix, mark)) = text_start(rest) {
            let (body, after) = text_body(rest.get(prefix.len() + mark.len()..)?, &mark)?;
            let is_raw = prefix.contains(['r', 'R']);
            let body = if is_raw { body.to_owned() } else { unescaped(body)? };
            tokens.push(Token::Text(body, prefix.contains(['f', 'F'])));
            rest = after;
        } else if letter.is_alphabetic() || letter == '_' {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            let (name, after) = take(end);
            tokens.push(Token::Name(name.to_owned()));
            rest = after;
        } else if letter.is_ascii_digit() {
            let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            let (number, after) = take(end);
            tokens.push(Token::Number(number.to_owned()));
            rest = after;
        } else {
            let two = rest.get(..2).filter(|two| matches!(*two, "==" | "!=" | "<=" | ">="));
            let length = two.map_or(letter.len_utf8(), str::len);
            let (sign, after) = take(length);
            tokens.push(Token::Sign(sign.to_owned()));
            rest = after;
        }
    }
    Some(tokens)
}

fn text_start(rest: &str) -> Option<(&str, String)> {
    let end = rest.bytes().take(3).position(|byte| matches!(byte, b'"' | b'\''))?;
    let (prefix, from) = rest.split_at(end);
    if !prefix.chars().all(|letter| "rRfFbBuU".contains(letter)) {
        return None;
    }
    let quote = from.chars().next()?;
    let three: String = std::iter::repeat_n(quote, 3).collect();
    Some((prefix, if from.starts_with(&three) { three } else { quote.to_string() }))
}

fn text_body<'t>(rest: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' {
            is_escaped = true;
        } else if rest.get(at..)?.starts_with(mark) {
            return Some((rest.get(..at)?, rest.get(at + mark.len()..)?));
        }
    }
    None
}

fn unescaped(body: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = body.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '\n' => {}
            same @ ('\\' | '"' | '\'') => out.push(same),
            _ => return None,
        }
    }
    Some(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if found == sign);
        self.at += usize::from(is);
        is
    }

    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Name(found)) if found == word);
        self.at += usize::from(is);
        is
    }

    fn choice(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = self.or()?;
        let found = if self.word("if") {
            let condition = self.or()?;
            if !self.word("else") {
                return None;
            }
            Expression::Choice(Box::new(condition), Box::new(value), Box::new(self.choice()?))
        } else {
            value
        };
        self.depth -= 1;
        Some(found)
    }

    fn or(&mut self) -> Option<Expression> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expression::Binary("or", Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Expression> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expression::Binary("and", Box::new(left), Box::new(self.not()?));
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Expression> {
        let mut count = 0;
        while self.word("not") {
            count += 1;
        }
        let inner = self.comparison()?;
        Some(if count % 2 == 1 { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Option<Expression> {
        let left = self.sum()?;
        for sign in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.sign(sign) {
                let sign = ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|known| *known == sign)?;
                return Some(Expression::Binary(sign, Box::new(left), Box::new(self.sum()?)));
            }
        }
        if self.word("in") {
            return Some(Expression::Binary("in", Box::new(left), Box::new(self.sum()?)));
        }
        if self.word("is") {
            let negated = self.word("not");
            let found = Expression::Binary("==", Box::new(left), Box::new(self.sum()?));
            return Some(if negated { Expression::Not(Box::new(found)) } else { found });
        }
        if self.word("not") {
            if !self.word("in") {
                return None;
            }
            let inside = Expression::Binary("in", Box::new(left), Box::new(self.sum()?));
            return Some(Expression::Not(Box::new(inside)));
        }
        Some(left)
    }

    fn sum(&mut self) -> Option<Expression> {
        let mut left = self.postfix()?;
        while self.sign("+") {
            left = Expression::Binary("+", Box::new(left), Box::new(self.postfix()?));
        }
        Some(left)
    }

    fn postfix(&mut self) -> Option<Expression> {
        let mut found = self.atom()?;
        loop {
            if self.sign(".") {
                let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else { return None };
                self.at += 1;
                found = Expression::Attribute(Box::new(found), name);
            } else if self.sign("[") {
                let index = self.choice()?;
                if !self.sign("]") {
                    return None;
                }
                found = Expression::Index(Box::new(found), Box::new(index));
            } else if self.sign("(") {
                let (arguments, named) = self.arguments()?;
                found = Expression::Call(Box::new(found), arguments, named);
            } else {
                return Some(found);
            }
        }
    }

    fn arguments(&mut self) -> Option<Arguments> {
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        while !self.sign(")") {
            match (self.tokens.get(self.at).cloned(), self.tokens.get(self.at + 1)) {
                (Some(Token::Name(name)), Some(Token::Sign(sign))) if sign == "=" => {
                    self.at += 2;
                    named.push((name, self.choice()?));
                }
                _ => {
                    let item = self.choice()?;
                    arguments.push(self.each(item)?);
                }
            }
            if !self.sign(",") && !matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if sign == ")") {
                return None;
            }
        }
        Some((arguments, named))
    }

    /// `item for name in list if condition`, behind an item.
    fn each(&mut self, item: Expression) -> Option<Expression> {
        if !self.word("for") {
            return Some(item);
        }
        let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else { return None };
        self.at += 1;
        if !self.word("in") {
            return None;
        }
        let list = self.or()?;
        let mut conditions = Vec::new();
        while self.word("if") {
            conditions.push(self.or()?);
        }
        Some(Expression::Each(Box::new(item), name, Box::new(list), conditions))
    }

    fn atom(&mut self) -> Option<Expression> {
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        Some(match token {
            Token::Name(name) => match name.as_str() {
                "True" => Expression::True,
                "False" => Expression::False,
                "None" => Expression::None,
                "lambda" | "await" | "yield" | "for" | "if" | "in" => return None,
                _ => Expression::Name(name),
            },
            Token::Number(number) => Expression::Number(number),
            Token::Text(text, is_format) => {
                let mut found = if is_format { format_pieces(&text)? } else { Expression::Text(text) };
                // Texts that stand beside each other are one.
                while let Some(Token::Text(more, is_format)) = self.tokens.get(self.at).cloned() {
                    self.at += 1;
                    let more = if is_format { format_pieces(&more)? } else { Expression::Text(more) };
                    found = Expression::Binary("+", Box::new(found), Box::new(more));
                }
                found
            }
            Token::Sign(sign) if sign == "-" => match self.atom()? {
                Expression::Number(number) => Expression::Number(format!("-{number}")),
                _ => return None,
            },
            Token::Sign(sign) if sign == "(" || sign == "[" => self.items(if sign == "(" { ")" } else { "]" })?,
            Token::Sign(sign) if sign == "{" => self.entries()?,
            Token::Sign(_) => return None,
        })
    }

    fn items(&mut self, end: &str) -> Option<Expression> {
        let mut items = Vec::new();
        let mut has_comma = false;
        while !self.sign(end) {
            let item = self.choice()?;
            match self.each(item)? {
                found @ Expression::Each(..) if items.is_empty() => {
                    return self.sign(end).then_some(found);
                }
                item => items.push(item),
            }
            if self.sign(",") {
                has_comma = true;
            } else if !matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if sign == end) {
                return None;
            }
        }
        match (end, has_comma, items.as_slice()) {
            (")", false, [only]) => Some(only.clone()),
            _ => Some(Expression::List(items)),
        }
    }

    fn entries(&mut self) -> Option<Expression> {
        let mut entries = Vec::new();
        let mut set = Vec::new();
        while !self.sign("}") {
            let key = self.choice()?;
            if self.sign(":") {
                entries.push((key, self.choice()?));
            } else {
                set.push(key);
            }
            if !self.sign(",") && !matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if sign == "}") {
                return None;
            }
        }
        match (entries.is_empty(), set.is_empty()) {
            (_, true) => Some(Expression::Map(entries)),
            (true, false) => Some(Expression::List(set)),
            (false, false) => None,
        }
    }
}

/// The pieces of an f-string; none where one has a format of its own.
fn format_pieces(text: &str) -> Option<Expression> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let Some(at) = rest.find(['{', '}']) else {
            pieces.push(Expression::Text(rest.to_owned()));
            return Some(Expression::Format(pieces));
        };
        let (before, from) = rest.split_at(at);
        if from.starts_with("{{") || from.starts_with("}}") {
            pieces.push(Expression::Text(format!("{before}{}", from.get(..1)?)));
            rest = from.get(2..)?;
            continue;
        }
        pieces.push(Expression::Text(before.to_owned()));
        let inside = from.strip_prefix('{')?;
        let (inside, after) = inside.split_once('}')?;
        pieces.push(expression(inside)?);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neither a deep tree, nor a scan of the rest for each word: the second would take minutes here.
    #[test]
    fn a_strangers_program_is_read_in_linear_work() {
        let many = 100_000;
        for value in [
            vec!["'a'"; many].join("+"),
            vec!["a"; many].join(" and "),
            format!("d{}", ".a".repeat(many)),
            format!("d{}", "[0]".repeat(many)),
            format!("{}{}", "[".repeat(many), "]".repeat(many)),
            format!("{}a", "not ".repeat(many)),
            format!("{}z", "x if y else ".repeat(many)),
        ] {
            assert!(matches!(read(&format!("x = {value}\n"))[0].what, What::Unknown(_)), "{:.20}", value);
        }
        assert!(matches!(read(&"a;".repeat(many))[0].what, What::Unknown(_)));
        assert_eq!(read(&format!("x = [\n{}]\n", "1,\n".repeat(many))).len(), 1);
        assert!(read(&"x = 1\n".repeat(many)).len() <= MAX_STATEMENTS + 1);
    }
}
