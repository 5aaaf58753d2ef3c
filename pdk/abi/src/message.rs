//! Helm's JSON message: `{"manifests": "<yaml>", "extraArgs": ["..."]}` in, `{"manifests": "<yaml>"}` out.
//!
//! The codec is written by hand because the message is one huge string: it is unescaped inside the buffer it arrived
//! in, in runs, and costs a guest neither a JSON tree nor a second copy. It is strict JSON (RFC 8259) otherwise: raw
//! control characters, lone surrogates, trailing text and nesting beyond 128 levels are errors. Unknown keys are
//! skipped, a repeated key counts with its last value, as in Go.
//!
//! What a released Helm may really send, and the answer to each, is tabled at [`parse_input`].

use std::fmt;

/// Helm's message, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The manifest stream. Not checked to be UTF-8: whoever splits it names the line.
    pub manifests: Vec<u8>,
    /// What the user gave with `--post-renderer-args`.
    pub extra_args: Vec<String>,
}

/// Why a message could not be read. Prints as one sentence that says what was found and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageError {
    text: String,
}

impl MessageError {
    fn new(text: impl Into<String>) -> Self {
        MessageError { text: text.into() }
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for MessageError {}

/// What to do about helm/helm#31832, in every error that it may cause.
const HELM_BUG: &str = "Helm up to 4.3 cannot hand manifests to WebAssembly post-renderers (helm/helm#31832). \
                        Run the plugin through Windlass instead: install the package with `runtime: subprocess`, or use \
                        `windlass run PLUGIN` as the post-renderer";

/// Reads Helm's message. The stream is unescaped inside `message`, which becomes [`Input::manifests`].
///
/// | `manifests` is | answer |
/// |---|---|
/// | a string | the stream (an empty one means a chart without resources) |
/// | a string of nothing but base64 | decoded; no manifest stream looks like that, as it has neither a colon nor a line break |
/// | `{}`, `null`, missing | an error that names helm/helm#31832 and the way out: released Helm sends `{}` |
/// | anything else | an error that says what was found |
///
/// # Errors
/// The table above, text that is not JSON, `extraArgs` that are not strings.
pub fn parse_input(mut message: Vec<u8>) -> Result<Input, MessageError> {
    if message.iter().all(u8::is_ascii_whitespace) {
        return Err(MessageError::new(
            "the input is empty: expected Helm's JSON message `{\"manifests\": \"...\"}`; is this called by something other than \
             Helm or Windlass?",
        ));
    }
    let fields = read_fields(&message, true)?;
    let Some(manifests) = fields.manifests else {
        return Err(MessageError::new(format!("the message has no `manifests`. {HELM_BUG}")));
    };
    match manifests {
        Found::Null => Err(MessageError::new(format!("`manifests` is null. {HELM_BUG}"))),
        Found::EmptyObject => Err(MessageError::new(format!("`manifests` is `{{}}`. {HELM_BUG}"))),
        Found::Other(what) => {
            Err(MessageError::new(format!("`manifests` is {what}: expected the manifest stream as a string")))
        }
        Found::String { start, end } => {
            let length = unescape_in_place(&mut message, start, end)?;
            message.truncate(length);
            if let Some(decoded) = decode_base64(&message) {
                message = decoded;
            }
            Ok(Input { manifests: message, extra_args: fields.extra_args })
        }
    }
}

/// Reads the answer of a guest, `{"manifests": "<yaml>"}`; the stream is unescaped inside `message`.
///
/// # Errors
/// Anything that is not a JSON object with a string `manifests`.
pub fn parse_output(mut message: Vec<u8>) -> Result<Vec<u8>, MessageError> {
    if message.iter().all(u8::is_ascii_whitespace) {
        return Err(MessageError::new("the plugin answered nothing: expected `{\"manifests\": \"...\"}`"));
    }
    if !message.trim_ascii_start().starts_with(b"{") {
        return Err(MessageError::new("the plugin's answer is not JSON: it must begin with `{\"manifests\": ...`"));
    }
    let fields = read_fields(&message, false)?;
    match fields.manifests {
        Some(Found::String { start, end }) => {
            let length = unescape_in_place(&mut message, start, end)?;
            message.truncate(length);
            Ok(message)
        }
        Some(Found::Null) => Err(MessageError::new("the plugin's answer has `manifests: null`: expected a string")),
        Some(Found::EmptyObject) => {
            Err(MessageError::new("the plugin's answer has `manifests: {}`: expected a string"))
        }
        Some(Found::Other(what)) => {
            Err(MessageError::new(format!("`manifests` of the plugin's answer is {what}: expected a string")))
        }
        None => Err(MessageError::new("the plugin's answer has no `manifests`")),
    }
}

/// Writes `{"manifests":"<stream>"}`. Bytes that are not UTF-8 pass as they are.
pub fn encode_output(stream: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(stream.len() + stream.len() / 16 + 32);
    message.extend_from_slice(b"{\"manifests\":");
    write_string(&mut message, stream);
    message.push(b'}');
    message
}

/// Writes `{"manifests":"<stream>","extraArgs":[...]}`, as Helm will once helm/helm#31832 is fixed.
pub fn encode_input(stream: &[u8], extra_args: &[String]) -> Vec<u8> {
    let mut message = encode_output(stream);
    message.pop();
    message.extend_from_slice(b",\"extraArgs\":");
    write_strings(&mut message, extra_args);
    message.push(b'}');
    message
}

/// Writes the arguments of the raw entry: a JSON array of strings, or nothing at all for none.
pub fn encode_args(extra_args: &[String]) -> Vec<u8> {
    let mut text = Vec::new();
    if !extra_args.is_empty() {
        write_strings(&mut text, extra_args);
    }
    text
}

/// Reads the arguments of the raw entry; the empty text stands for none.
///
/// # Errors
/// Text that is not a JSON array of strings.
pub fn parse_args(text: &[u8]) -> Result<Vec<String>, MessageError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader { text, at: 0 };
    let args = reader.string_list()?;
    reader.end()?;
    Ok(args)
}

fn write_strings(text: &mut Vec<u8>, strings: &[String]) {
    text.push(b'[');
    for (index, string) in strings.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        write_string(text, string.as_bytes());
    }
    text.push(b']');
}

/// Appends one JSON string in quotes. Copies runs that need no escape in one piece.
pub fn write_string(text: &mut Vec<u8>, string: &[u8]) {
    text.push(b'"');
    let mut rest = string;
    loop {
        let run = plain_run(rest);
        let (plain, tail) = rest.split_at(run);
        text.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else { break };
        rest = tail;
        match byte {
            b'"' => text.extend_from_slice(b"\\\""),
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                text.extend_from_slice(b"\\u00");
                text.extend([byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
            }
        }
    }
    text.push(b'"');
}

/// How many bytes from the start are neither `"`, `\` nor a control character. Eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // The lowest marked byte is exact; marks above it may be borrow artefacts, which is why only the lowest is used.
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut chunks = bytes.chunks_exact(8);
    let mut run = 0;
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        let word = u64::from_le_bytes(eight);
        let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let marks = below_space | zero_bytes(word ^ (ONES * 0x22)) | zero_bytes(word ^ (ONES * 0x5c));
        if marks != 0 {
            return run + (marks.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    run + chunks.remainder().iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

/// What stands under a key, without its content.
enum Found {
    Null,
    EmptyObject,
    /// The bytes between the quotes, still escaped.
    String {
        start: usize,
        end: usize,
    },
    Other(&'static str),
}

struct Fields {
    manifests: Option<Found>,
    extra_args: Vec<String>,
}

/// An answer has no arguments: whatever stands under that key is passed over, as it may be millions of texts.
fn read_fields(message: &[u8], has_args: bool) -> Result<Fields, MessageError> {
    let mut reader = Reader { text: message, at: 0 };
    let mut fields = Fields { manifests: None, extra_args: Vec::new() };
    if reader.peek() != Some(b'{') {
        return Err(MessageError::new(
            "the input is not Helm's JSON message: it must begin with `{\"manifests\": ...`; to transform a plain YAML stream \
             use `windlass run PLUGIN`",
        ));
    }
    reader.at += 1;
    if reader.peek() == Some(b'}') {
        reader.at += 1;
    } else {
        loop {
            let key = reader.string()?;
            reader.expect(b':')?;
            match key.as_str() {
                "manifests" => fields.manifests = Some(reader.found()?),
                "extraArgs" if has_args => fields.extra_args = reader.string_list()?,
                _ => reader.skip_value(0)?,
            }
            match reader.next_token()? {
                b',' => {}
                b'}' => break,
                _ => return Err(reader.error_before("`,` or `}`")),
            }
        }
    }
    reader.end()?;
    Ok(fields)
}

/// Deep enough for any message, shallow enough for a guest's stack.
const MAX_DEPTH: usize = 128;

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte that is not white space, not consumed.
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn next_token(&mut self) -> Result<u8, MessageError> {
        let byte = self.peek().ok_or_else(|| MessageError::new("the JSON message ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), MessageError> {
        if self.next_token()? == wanted { Ok(()) } else { Err(self.error_before(&format!("`{}`", wanted as char))) }
    }

    /// An error about the byte just consumed.
    fn error_before(&self, wanted: &str) -> MessageError {
        error_at(self.at.saturating_sub(1), wanted)
    }

    fn end(&mut self) -> Result<(), MessageError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(error_at(self.at, "the end")),
        }
    }

    /// Consumes a string up to its closing quote and tells where its escaped content lies. Escapes are checked when
    /// the content is unescaped; only the extent matters here.
    fn string_extent(&mut self) -> Result<(usize, usize), MessageError> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.at += plain_run(rest);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((start, self.at - 1));
                }
                Some(b'\\') => self.at += 2,
                Some(_) => return Err(error_at(self.at, "a string without raw control characters")),
                None => return Err(MessageError::new("the JSON message ends inside a string")),
            }
        }
    }

    fn string(&mut self) -> Result<String, MessageError> {
        let (start, end) = self.string_extent()?;
        let mut content = self.text.get(start..end).unwrap_or_default().to_vec();
        let length = content.len();
        let length = unescape_in_place(&mut content, 0, length)?;
        content.truncate(length);
        String::from_utf8(content).map_err(|_| error_at(start, "UTF-8 text"))
    }

    fn string_list(&mut self) -> Result<Vec<String>, MessageError> {
        let mut strings = Vec::new();
        if self.peek() == Some(b'n') {
            self.skip_value(0)?;
            return Ok(strings);
        }
        if self.next_token()? != b'[' {
            return Err(MessageError::new("`extraArgs` must be a list of strings"));
        }
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(strings);
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(MessageError::new(format!("`extraArgs[{}]` must be a string", strings.len())));
            }
            strings.push(self.string()?);
            match self.next_token()? {
                b',' => {}
                b']' => return Ok(strings),
                _ => return Err(self.error_before("`,` or `]`")),
            }
        }
    }

    fn found(&mut self) -> Result<Found, MessageError> {
        Ok(match self.peek() {
            Some(b'"') => {
                let (start, end) = self.string_extent()?;
                Found::String { start, end }
            }
            Some(b'{') => {
                let open = self.at;
                self.skip_value(0)?;
                let inside = self.text.get(open + 1..self.at.saturating_sub(1)).unwrap_or_default();
                if inside.iter().all(u8::is_ascii_whitespace) { Found::EmptyObject } else { Found::Other("an object") }
            }
            first => {
                self.skip_value(0)?;
                match first {
                    Some(b'n') => Found::Null,
                    Some(b'[') => Found::Other("a list"),
                    Some(b't' | b'f') => Found::Other("a boolean"),
                    _ => Found::Other("a number"),
                }
            }
        })
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), MessageError> {
        if depth > MAX_DEPTH {
            return Err(MessageError::new("the JSON message is nested too deep"));
        }
        match self.peek() {
            Some(b'"') => self.string_extent().map(|_| ()),
            Some(open @ (b'{' | b'[')) => {
                let close = if open == b'{' { b'}' } else { b']' };
                self.at += 1;
                if self.peek() == Some(close) {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    if open == b'{' {
                        self.string_extent()?;
                        self.expect(b':')?;
                    }
                    self.skip_value(depth + 1)?;
                    match self.next_token()? {
                        b',' => {}
                        byte if byte == close => return Ok(()),
                        _ => return Err(self.error_before(&format!("`,` or `{}`", close as char))),
                    }
                }
            }
            Some(_) => self.skip_word(),
            None => Err(MessageError::new("the JSON message ends too early")),
        }
    }

    fn skip_word(&mut self) -> Result<(), MessageError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')).count();
        let word = rest.get(..length).unwrap_or_default();
        if !(matches!(word, b"null" | b"true" | b"false") || is_number(word)) {
            return Err(error_at(self.at, "a JSON value"));
        }
        self.at += length;
        Ok(())
    }
}

fn error_at(offset: usize, wanted: &str) -> MessageError {
    MessageError::new(format!("the message is not JSON: expected {wanted} at byte {offset}"))
}

/// RFC 8259's grammar of numbers.
fn is_number(word: &[u8]) -> bool {
    fn digits(text: &[u8]) -> (usize, &[u8]) {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count, text.get(count..).unwrap_or_default())
    }
    let unsigned = word.strip_prefix(b"-").unwrap_or(word);
    let (count, mut rest) = digits(unsigned);
    if count == 0 || (count > 1 && unsigned.starts_with(b"0")) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let (count, tail) = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = tail;
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let (count, tail) = digits(exponent);
        if count == 0 {
            return false;
        }
        rest = tail;
    }
    rest.is_empty()
}

/// Unescapes `text[start..end]` to the beginning of `text` and returns the length there. An escape is never shorter
/// than what it stands for, so writing never overtakes reading.
fn unescape_in_place(text: &mut [u8], start: usize, end: usize) -> Result<usize, MessageError> {
    let mut read = start;
    let mut write = 0;
    while read < end {
        let run = plain_run(text.get(read..end).unwrap_or_default());
        text.copy_within(read..read + run, write);
        read += run;
        write += run;
        if read >= end {
            break;
        }
        let (character, length) = unescape_one(text.get(read..end).unwrap_or_default(), read)?;
        read += length;
        let mut utf8 = [0; 4];
        let utf8 = character.encode_utf8(&mut utf8).as_bytes();
        if let Some(place) = text.get_mut(write..write + utf8.len()) {
            place.copy_from_slice(utf8);
        }
        write += utf8.len();
    }
    Ok(write)
}

/// Reads one escape at the start of `text`: the character and how many bytes the escape took.
fn unescape_one(text: &[u8], offset: usize) -> Result<(char, usize), MessageError> {
    let unit = |at: usize| -> Option<u32> {
        let digits = std::str::from_utf8(text.get(at..at + 4)?).ok()?;
        if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
    };
    let simple = |character: char| Ok((character, 2));
    match text.get(1) {
        Some(b'n') => simple('\n'),
        Some(b'"') => simple('"'),
        Some(b'\\') => simple('\\'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'/') => simple('/'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => {
            let first = unit(2).ok_or_else(|| error_at(offset, "four hex digits after `\\u`"))?;
            if let Some(character) = char::from_u32(first) {
                return Ok((character, 6));
            }
            let second = if text.get(6..8) == Some(b"\\u") { unit(8) } else { None };
            match second {
                Some(low @ 0xdc00..=0xdfff) if first < 0xdc00 => {
                    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00))
                        .map(|character| (character, 12))
                        .ok_or_else(|| error_at(offset, "a character"))
                }
                _ => Err(error_at(offset, "a pair of surrogates")),
            }
        }
        _ => Err(error_at(offset, "an escape that JSON knows")),
    }
}

/// Decodes standard base64 when all of `text` is that (a line break at the end is allowed) and not empty.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_end();
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let unpadded = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0u32;
    let mut count = 0;
    for &byte in unpadded {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    // What is left over must be zero bits, and what came out must be text: otherwise it was a word, not base64.
    (bits & ((1 << count) - 1) == 0 && std::str::from_utf8(&decoded).is_ok()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `Ok((stream, args))` or the error's text.
    #[track_caller]
    fn check(message: &str, expected: Result<(&str, &[&str]), &str>) {
        let actual = parse_input(message.as_bytes().to_vec())
            .map(|input| (String::from_utf8(input.manifests).expect("utf-8"), input.extra_args))
            .map_err(|error| error.to_string());
        match (&actual, expected) {
            (Ok((stream, args)), Ok((wanted, wanted_args))) => {
                assert_eq!(
                    (stream.as_str(), args.iter().map(String::as_str).collect::<Vec<_>>()),
                    (wanted, wanted_args.to_vec())
                );
            }
            (Err(text), Err(part)) => assert!(text.contains(part), "{text:?} does not contain {part:?}"),
            _ => panic!("{message:?} gave {actual:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn strings_are_the_stream() {
        check(r#"{"manifests":"a: 1\n","extraArgs":["x=1","y"]}"#, Ok(("a: 1\n", &["x=1", "y"])));
        check(r#" { "extraArgs" : null , "manifests" : "" } "#, Ok(("", &[])));
        check(
            r#"{"manifests":"a: \"\\\/\b\f\n\r\t\u003c\u00e9\ud83d\ude00é😀\""}"#,
            Ok(("a: \"\\/\u{8}\u{c}\n\r\t<é😀é😀\"", &[])),
        );
        check(r#"{"manifests":"a: 1","manifests":"b: 2"}"#, Ok(("b: 2", &[])));
        check(r#"{"release":{"name":"r","n":[1,-2.5e3,true,{}]},"manifests":"a: 1"}"#, Ok(("a: 1", &[])));
    }

    #[test]
    fn base64_is_decoded_and_words_are_not() {
        check(r#"{"manifests":"YTogMQo="}"#, Ok(("a: 1\n", &[])));
        check(r#"{"manifests":"YTogMQpiOiAyCg=="}"#, Ok(("a: 1\nb: 2\n", &[])));
        check(r#"{"manifests":"a: 1"}"#, Ok(("a: 1", &[])));
        check(r#"{"manifests":"\n"}"#, Ok(("\n", &[])));
    }

    #[test]
    fn what_released_helm_sends_names_the_bug_and_the_way_out() {
        for message in [
            r#"{"manifests":{},"extraArgs":[]}"#,
            r#"{"manifests":null}"#,
            r#"{"extraArgs":[]}"#,
            "{}",
            r#"{"manifests":{ }}"#,
        ] {
            check(message, Err("helm/helm#31832"));
            check(message, Err("windlass run PLUGIN"));
        }
    }

    #[test]
    fn everything_else_says_what_was_found() {
        check("", Err("the input is empty"));
        check(" \n", Err("the input is empty"));
        check("apiVersion: v1\n", Err("windlass run PLUGIN"));
        check(r#"{"manifests":3}"#, Err("is a number"));
        check(r#"{"manifests":true}"#, Err("is a boolean"));
        check(r#"{"manifests":["a"]}"#, Err("is a list"));
        check(r#"{"manifests":{"a":1}}"#, Err("is an object"));
        check(r#"{"manifests":"a","extraArgs":["x",1]}"#, Err("`extraArgs[1]` must be a string"));
        check(r#"{"manifests":"a","extraArgs":{}}"#, Err("`extraArgs` must be a list"));
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        check(r#"{"manifests":"a"#, Err("ends inside a string"));
        check(r#"{"manifests":"a\"#, Err("ends inside a string"));
        check(r#"{"manifests":"a" "#, Err("ends too early"));
        check(r#"{"manifests":"a"} x"#, Err("expected the end at byte 18"));
        check("{\"manifests\":\"a\nb\"}", Err("raw control characters at byte 15"));
        check(r#"{"manifests":"\ud83d"}"#, Err("a pair of surrogates"));
        check(r#"{"manifests":"\ud83d\u0041"}"#, Err("a pair of surrogates"));
        check(r#"{"manifests":"\udc00\ud800"}"#, Err("a pair of surrogates"));
        check(r#"{"manifests":"\u00g0"}"#, Err("four hex digits"));
        check(r#"{"manifests":"\u+123"}"#, Err("four hex digits"));
        check(r#"{"manifests":"\x"}"#, Err("an escape that JSON knows"));
        check(r#"{"manifests":01}"#, Err("a JSON value"));
        check(r#"{"manifests":nul}"#, Err("a JSON value"));
        check(&format!("{{\"x\":{}", "[".repeat(100_000)), Err("nested too deep"));
    }

    #[test]
    fn answers_of_guests_are_read() {
        let read = |text: &str| parse_output(text.as_bytes().to_vec()).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"manifests":"a: 1\n"}"#), Ok(b"a: 1\n".to_vec()));
        // A stream that looks like base64 is the guest's own doing; only Helm's input is guessed at.
        assert_eq!(read(r#"{"manifests":"YTogMQo="}"#), Ok(b"YTogMQo=".to_vec()));
        assert!(read("").is_err_and(|text| text.contains("answered nothing")));
        assert!(read("---\na: 1").is_err_and(|text| text.contains("the plugin's answer is not JSON")));
        assert!(read("{}").is_err_and(|text| text.contains("has no `manifests`")));
    }

    proptest! {
        #[test]
        fn encoded_messages_read_back(stream in any::<String>(), args in prop::collection::vec(any::<String>(), 0..4)) {
            // A colon keeps a random word from being taken for base64.
            let stream = format!("a: {stream}");
            let message = encode_input(stream.as_bytes(), &args);
            let independent: serde_json::Value = serde_json::from_slice(&message).expect("JSON");
            prop_assert_eq!(independent["manifests"].as_str(), Some(stream.as_str()));
            let input = parse_input(message).expect("our own message");
            prop_assert_eq!(input.manifests, stream.as_bytes());
            prop_assert_eq!(&input.extra_args, &args);
            prop_assert_eq!(parse_args(&encode_args(&args)).expect("our own arguments"), args);
            prop_assert_eq!(parse_output(encode_output(stream.as_bytes())).expect("our own answer"), stream.as_bytes());
        }

        #[test]
        fn no_input_panics_and_strictness_is_jsons(message in r#"\{"manifests":("[ -~é]{0,12}"|[ -~]{0,12})[},\]]{0,2}"#) {
            let ours = parse_input(message.clone().into_bytes());
            if ours.is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&message).is_ok(), "{}", message);
            }
        }
    }
}
