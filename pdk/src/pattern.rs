//! Regular expressions in a configuration.
//!
//! The engine is this crate's own: the smallest published one (`regex-lite`) makes a module 60 KB larger, a quarter of
//! what label-injector may weigh, for patterns like `web-.*`. Its syntax is the part of Go's (and the `regex` crate's)
//! that such patterns use: literals, `.`, classes like `[a-z_]` and `[^0-9]`, `\d \w \s` and their opposites, groups,
//! `|`, `* + ? {m} {m,} {m,n}`, `^` and `$`, and `(?i)` at the front. Anything else is an error, never a guess.
//! Matching takes time proportional to pattern times text, whatever the pattern; the tests compare it with
//! `regex-lite`.

mod parse;
mod program;

use program::Program;

/// A regular expression that a whole text must match, as kustomize anchors those of its targets. The empty one matches
/// everything, as there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Anything,
    /// No character of it is special: compared, not searched.
    Exactly(String),
    Program(Program),
}

impl Pattern {
    /// Parses a regular expression.
    ///
    /// # Errors
    /// A text that is none, or uses what this engine does not have.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Pattern(Kind::Anything));
        }
        if !text.contains(['.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$', '\\']) {
            return Ok(Pattern(Kind::Exactly(text.to_owned())));
        }
        compile(text).map(|program| Pattern(Kind::Program(program)))
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Anything => true,
            Kind::Exactly(wanted) => wanted == text,
            Kind::Program(program) => program.matches_whole(text),
        }
    }
}

fn compile(text: &str) -> Result<Program, String> {
    parse::parse(text)
        .and_then(|node| Program::compile(&node))
        .map_err(|problem| format!("`{text}` is not a regular expression that can be used here: {problem}"))
}

/// Whether a regular expression matches somewhere in a text.
///
/// # Errors
/// As [`Pattern::parse`].
pub fn is_found(pattern: &str, text: &str) -> Result<bool, String> {
    compile(pattern).map(|program| program.matches_somewhere(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_anchored_at_both_ends() {
        for (pattern, text, expected) in [
            ("", "anything", true),
            ("web", "web", true),
            ("web", "web-1", false),
            ("web.*", "web-1", true),
            ("a|b", "ab", false),
            ("a|b", "b", true),
            ("^web$", "web", true),
            ("(^web$)", "web", true),
            ("web^", "web", false),
            ("[a-z]+-[0-9]{2}", "db-07", true),
            ("[a-z]+-[0-9]{2}", "db-7", false),
            ("[]a]+", "a]", true),
            ("[^]a]", "]", false),
            ("[a-]", "-", true),
            (r"[\d.]+", "1.20", true),
            (r"v1\.2", "v1.2", true),
            (r"v1\.2", "v1x2", false),
            ("(?i)Config.*", "configMAP", true),
            ("(a|)(b?)", "", true),
            ("(a*)*", "aaa", true),
            ("(?:ab){2,3}", "ababab", true),
            ("(?:ab){2,3}", "ab", false),
            ("a{0}", "", true),
            ("x{", "x{", true),
            (r"\w+\s\S", "é_1 !", false),
            (".", "é", true),
            (".", "\n", false),
        ] {
            assert_eq!(Pattern::parse(pattern).map(|parsed| parsed.matches(text)), Ok(expected), "{pattern} on {text}");
        }
        assert_eq!(is_found("^[a-z]+$", "abc"), Ok(true));
        assert_eq!(is_found("b", "abc"), Ok(true));
        assert_eq!(is_found("^b", "abc"), Ok(false));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (pattern, part) in [
            ("(", "`)` is missing"),
            ("a)|(?:b", "`)` without `(`"),
            ("*a", "nothing to repeat"),
            ("a**", "nothing to repeat"),
            ("[a", "`]` is missing"),
            ("[z-a]", "goes backwards"),
            ("a{3,2}", "goes backwards"),
            ("a{2000}", "repeats too often"),
            ("((a{1000}){1000}){1000}", "too large"),
            (r"\", "ends with a backslash"),
            (r"\1", "`\\1` is not supported"),
            (r"\b", "`\\b` is not supported"),
            (r"\pL", "`\\p` is not supported"),
            ("(?=a)", "groups like `(?=` are not supported"),
            ("[[:alpha:]]", "not supported"),
            (&"(".repeat(1000), "too deep"),
        ] {
            let problem = Pattern::parse(pattern).expect_err(pattern);
            assert!(problem.contains(part), "{problem:?} does not contain {part:?}");
        }
    }

    #[test]
    fn hostile_patterns_take_linear_time() {
        let pattern = Pattern::parse("(a|a|a*)*(a?){500}b").expect("a pattern");
        assert!(!pattern.matches(&"a".repeat(2000)));
    }

    proptest! {
        #[test]
        fn matching_agrees_with_an_independent_engine(
            pattern in r"([abc.]|\[\^?[a-c-]{1,2}b\]|\((a|b\|)?c?\)|\(\?:ab?\||\)|\\[dwsDWS.]|[|^$]|[abc.][*+?]\??|[abc.)]\{[0-2](,[2-3]?)?\}){0,6}",
            texts in prop::collection::vec("[abc1 .\n-]{0,6}", 8),
        ) {
            // What this engine refuses it may refuse; what it accepts must mean the same.
            let (Ok(ours), Ok(theirs)) = (compile(&pattern), regex_lite::Regex::new(&pattern)) else { return Ok(()) };
            let Ok(whole) = regex_lite::Regex::new(&format!("^(?:{pattern})$")) else { return Ok(()) };
            for text in texts {
                prop_assert_eq!(ours.matches_somewhere(&text), theirs.is_match(&text), "{} in {:?}", pattern, text);
                prop_assert_eq!(ours.matches_whole(&text), whole.is_match(&text), "{} on {:?}", pattern, text);
            }
        }

        #[test]
        fn no_text_panics(pattern in r"[a-c()\[\]{}|*+?^$.,\\0-9-]{0,12}") {
            let _ = Pattern::parse(&pattern).map(|parsed| parsed.matches("abc"));
        }
    }
}
