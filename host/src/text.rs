//! Text that a person reads on a terminal, made so that it cannot lie: the one place that knows which characters do.
//!
//! Foreign text (a plugin's, a stream's, a registry's, a file's name) may hold characters that move the cursor, colour
//! what follows, turn the order of reading round or show nothing at all. [`printable`] and [`one_line`] write them as
//! escapes, so that what is seen is what is there. [`Text`] is what the command line shows: its own words are constants
//! of the program, everything else goes through these functions on the way in, so that no value can be forgotten.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::io;

use anstyle::Style;
use serde_json::Value as Json;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Whether a character makes text look like something else than it is.
///
/// Control characters move the cursor and begin escape sequences; the marks, embeddings, overrides and isolates of
/// Unicode's bidirectional algorithm (UAX #9) reorder what is read; line and paragraph separators end a line for some
/// readers; what Unicode calls Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 16) shows nothing,
/// and may hold a whole text. Of the latter, joiners (U+200C, U+200D) and the first variation selectors (U+FE00-FE0F)
/// stay: words and emoji need them.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' // soft hyphen
                | '\u{34f}' // combining grapheme joiner
                | '\u{61c}' // Arabic letter mark
                | '\u{115f}'..='\u{1160}' // Hangul fillers
                | '\u{17b4}'..='\u{17b5}' // Khmer inherent vowels
                | '\u{180b}'..='\u{180f}' // Mongolian variation selectors and vowel separator
                | '\u{200b}' // zero width space
                | '\u{200e}'
                | '\u{200f}' // left-to-right and right-to-left mark
                | '\u{2028}'
                | '\u{2029}' // line and paragraph separator
                | '\u{202a}'..='\u{202e}' // embeddings and overrides
                | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates, deprecated format characters
                | '\u{3164}' // Hangul filler
                | '\u{feff}' // zero width no-break space
                | '\u{ffa0}' // halfwidth Hangul filler
                | '\u{fff0}'..='\u{fffb}' // unassigned, interlinear annotation
                | '\u{1bca0}'..='\u{1bca3}' // shorthand format controls
                | '\u{1d173}'..='\u{1d17a}' // musical format controls
                | '\u{e0000}'..='\u{e0fff}' // tags, variation selectors supplement
        )
}

fn escaped(text: &str, must_go: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&must_go) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if must_go(letter) { safe.extend(letter.escape_default()) } else { safe.push(letter) }
    }
    Cow::Owned(safe)
}

/// `text` with every deceiving character written as an escape (`\u{1b}`); line feeds and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| deceives(letter) && !matches!(letter, '\n' | '\t'))
}

/// [`printable`] on one line: line feeds are written as `\n`.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| deceives(letter) && letter != '\t')
}

/// Text of one paragraph with line breaks between words, so that no line is longer than `width` characters unless a
/// word is. It is still foreign: what shows it makes it safe.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::with_capacity(text.len() + 16);
    let mut length = 0;
    for word in text.split_whitespace() {
        let letters = word.chars().count();
        if length > 0 && length + 1 + letters > width {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += letters;
    }
    lines
}

/// The beginning of a foreign value, for an error message that puts it between quotes or backquotes: on one line, at
/// most `longest` characters, and the marks that end it written as escapes.
pub(crate) fn shown(text: &str, longest: usize) -> String {
    let mut start = text.chars();
    let mut kept = String::new();
    for letter in start.by_ref().take(longest) {
        match letter {
            '`' => kept.extend(letter.escape_unicode()),
            '"' | '\\' => kept.extend(letter.escape_default()),
            _ if deceives(letter) => kept.extend(letter.escape_default()),
            _ => kept.push(letter),
        }
    }
    if start.next().is_some() {
        kept.push('…');
    }
    kept
}

/// A value from a registry, a layout or an archive as it may stand in a message: its first 200 characters, made safe.
pub(crate) fn shown_value(text: &str) -> String {
    shown(text, 200)
}

/// How many characters of a name from a guest are shown.
pub(crate) const SHOWN_NAME_CHARACTERS: usize = 80;

/// A name from a guest as it can stand in a message: short, on one line, without control characters.
pub(crate) fn shown_name(name: &str) -> String {
    shown(name, SHOWN_NAME_CHARACTERS)
}

/// What the command line shows a person. Its own words are constants; every value is made safe as it is added, so the
/// only escape sequences in it are those of its own styles.
#[derive(Clone, Debug, Default)]
pub struct Text(String);

impl Text {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds words of Windlass's own.
    #[must_use]
    pub fn say(mut self, words: &'static str) -> Self {
        self.0.push_str(words);
        self
    }

    /// Adds a value, on one line.
    #[must_use]
    pub fn show(mut self, value: impl Display) -> Self {
        self.0.push_str(&one_line(&value.to_string()));
        self
    }

    /// Adds a value in a style, on one line.
    #[must_use]
    pub fn style(mut self, style: Style, value: impl Display) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{style}{}{style:#}", one_line(&value.to_string()));
        self
    }

    /// Adds a value of several lines; all but its first are indented by so many spaces, so that none can pass for a
    /// line of Windlass's own.
    #[must_use]
    pub fn block(mut self, value: impl Display, indentation: usize) -> Self {
        let value = value.to_string();
        self.0.push_str(&printable(&value).replace('\n', &format!("\n{:indentation$}", "")));
        self
    }

    /// Adds another text.
    #[must_use]
    pub fn then(mut self, text: &Text) -> Self {
        self.0.push_str(&text.0);
        self
    }

    /// Adds a help text of the command line's definition, which is made of constants.
    #[must_use]
    pub(crate) fn help(mut self, help: &clap::builder::StyledStr) -> Self {
        let _ = write!(self.0, "{}", help.ansi());
        self
    }

    /// With its styles as escape sequences.
    pub(crate) fn as_ansi(&self) -> &str {
        &self.0
    }

    /// Without styles.
    pub fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.0).to_string()
    }
}

/// A message of several lines: those after the first are indented.
impl From<&str> for Text {
    fn from(message: &str) -> Self {
        Text::new().block(message, 2)
    }
}

impl From<&String> for Text {
    fn from(message: &String) -> Self {
        message.as_str().into()
    }
}

impl From<String> for Text {
    fn from(message: String) -> Self {
        message.as_str().into()
    }
}

impl FromIterator<Text> for Text {
    fn from_iter<I: IntoIterator<Item = Text>>(texts: I) -> Self {
        texts.into_iter().fold(Text::new(), |all, text| all.then(&text))
    }
}

/// JSON with a line break at its end. Deceiving characters are written as JSON's own escapes: the same document for a
/// program, harmless on a terminal.
///
/// # Errors
/// None that a [`Json`] value can cause.
pub fn json_bytes(json: &Json, pretty: bool) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if pretty {
        write_json(json, Escaping(PrettyFormatter::new()), &mut bytes)?;
    } else {
        write_json(json, Escaping(CompactFormatter), &mut bytes)?;
    }
    bytes.push(b'\n');
    Ok(bytes)
}

/// A text as a double-quoted scalar of YAML, in ASCII where YAML would read something else or nothing: JSON's escapes
/// are YAML's.
pub(crate) fn quoted(text: &str) -> String {
    let bytes = json_bytes(&Json::from(text), false).unwrap_or_default();
    String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()
}

fn write_json(json: &Json, formatter: impl Formatter, bytes: &mut Vec<u8>) -> io::Result<()> {
    use serde::Serialize as _;
    json.serialize(&mut Serializer::with_formatter(bytes, formatter)).map_err(io::Error::from)
}

/// Another formatter's layout, with deceiving characters of strings as `\uXXXX`.
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, letter)) = rest.char_indices().find(|(_, letter)| deceives(*letter)) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.strip_prefix(letter).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_key(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

impl Display for Text {
    /// Without styles.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor;
    use serde_json::json;

    /// One of each kind of character that must never reach a terminal raw.
    const DECEIVERS: &str = "\u{0}\u{7}\u{8}\r\u{1b}[31m\u{7f}\u{85}\u{9b}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{e0041}\u{ad}\u{34f}\u{115f}\u{180b}\u{3164}\u{ffa0}\u{1d173}\u{e0100}\u{e01ef}";

    fn check(function: impl Fn(&str) -> String, text: &str, expected: &str) {
        assert_eq!(function(text), expected, "{text:?}");
    }

    #[test]
    fn what_deceives_is_escaped_and_what_does_not_stays() {
        let printable = |text: &str| printable(text).into_owned();
        let one_line = |text: &str| one_line(text).into_owned();
        check(printable, "a\u{202e}b\u{1b}[2J\r\nc\td", "a\\u{202e}b\\u{1b}[2J\\r\nc\td");
        check(one_line, "a\nb\u{2028}c\td", "a\\nb\\u{2028}c\td");
        check(
            printable,
            "Grüße, 你好, שלום, 👩\u{200d}🔧, ❤\u{fe0f}, می\u{200c}خواهم",
            "Grüße, 你好, שלום, 👩\u{200d}🔧, ❤\u{fe0f}, می\u{200c}خواهم",
        );
        let shown = |text: &str| shown(text, 30);
        check(shown, &"x".repeat(31), &format!("{}…", "x".repeat(30)));
        check(shown, "a\nb` is \"good\", `c", r#"a\nb\u{60} is \"good\", \u{60}c"#);
        for safe in [printable(DECEIVERS), one_line(DECEIVERS), shown(DECEIVERS)] {
            assert!(!safe.contains(deceives), "{safe:?}");
        }
    }

    #[test]
    fn no_value_of_a_text_deceives_or_forges_a_line() {
        let hostile = format!("{DECEIVERS}\nerror: forged");
        let red = AnsiColor::Red.on_default();
        let text =
            Text::new().say("plugin ").show(&hostile).say("\n").style(red, &hostile).say("\n").block(&hostile, 4);
        let plain = text.plain();
        assert!(!plain.contains(|letter| deceives(letter) && letter != '\n'), "{plain:?}");
        assert!(plain.lines().all(|line| !line.starts_with("error")), "{plain}");
        assert_eq!(text.as_ansi().matches('\u{1b}').count(), 2, "the style's own beginning and end");
        assert_eq!(Text::from("one\ntwo").plain(), "one\n  two");
    }

    #[test]
    fn lines_break_between_words() {
        for (width, expected) in
            [(80, "one two three"), (7, "one two\nthree"), (3, "one\ntwo\nthree"), (0, "one\ntwo\nthree")]
        {
            assert_eq!(wrapped(" one  two\nthree ", width), expected);
        }
    }

    #[test]
    fn json_is_the_same_document_and_harmless() {
        let json = json!({ DECEIVERS: [DECEIVERS, "Grüße\n"], "n": 1, "none": {} });
        for pretty in [true, false] {
            let text = String::from_utf8(json_bytes(&json, pretty).unwrap()).unwrap();
            assert!(!text.contains(|letter| deceives(letter) && letter != '\n'), "{text:?}");
            assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), json);
        }
        assert_eq!(quoted("a\"\n\u{7f}\u{85}\u{2028}ü"), r#""a\"\n\u007f\u0085\u2028ü""#);
        assert_eq!(json_bytes(&json!({"a": [1, "b"]}), true).unwrap(), b"{\n  \"a\": [\n    1,\n    \"b\"\n  ]\n}\n");
    }
}
