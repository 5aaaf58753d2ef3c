//! Paths to nodes inside an object, such as `spec.template.spec.containers[0].env`.

use std::fmt;
use std::str::FromStr;

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// The value of this key of a map.
    Key(String),
    /// The item at this 0-based index of a list.
    Index(usize),
}

/// A path from the root of an object to one of its nodes. The empty path is the object itself.
///
/// Prints as `spec.containers[0].env` and parses from the same form. In that form a backslash keeps the dot, the
/// bracket or the backslash that follows it as part of a key: `metadata.annotations.example\.com/owner`.
///
/// ```
/// use windlass_manifest::Path;
/// let path = Path::new(["spec", "containers"]).index(0).key("env");
/// assert_eq!(path.to_string(), "spec.containers[0].env");
/// assert_eq!("spec.containers[0].env".parse(), Ok(path));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    segments: Vec<Segment>,
}

impl Path {
    /// The path of the object itself.
    pub const fn root() -> Self {
        Self { segments: Vec::new() }
    }

    /// A path through maps by these keys.
    pub fn new<I>(keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self { segments: keys.into_iter().map(|key| Segment::Key(key.into())).collect() }
    }

    /// This path, one key further.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// This path, one list item further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// This path followed by the steps of `rest`.
    #[must_use]
    pub fn join(&self, rest: &Path) -> Self {
        let mut segments = Vec::with_capacity(self.segments.len() + rest.segments.len());
        segments.extend_from_slice(&self.segments);
        segments.extend_from_slice(&rest.segments);
        Self { segments }
    }

    /// The steps from the object to the node.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Adds a step at the end.
    pub fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    /// Takes the last step off and returns it.
    pub fn pop(&mut self) -> Option<Segment> {
        self.segments.pop()
    }

    /// Whether this is the path of the object itself.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.segments.len() + 1);
        segments.extend_from_slice(&self.segments);
        segments.push(segment);
        Self { segments }
    }
}

impl From<Vec<Segment>> for Path {
    fn from(segments: Vec<Segment>) -> Self {
        Self { segments }
    }
}

/// Whether one of the paths leads to a node at, above or below the other's.
pub(crate) fn overlap(left: &[Segment], right: &[Segment]) -> bool {
    left.iter().zip(right).all(|(left, right)| left == right)
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_segments(&self.segments, formatter)
    }
}

pub(crate) fn write_segments(segments: &[Segment], out: &mut impl fmt::Write) -> fmt::Result {
    for (position, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Key(key) => {
                if position > 0 {
                    out.write_char('.')?;
                }
                for character in key.chars() {
                    if matches!(character, '.' | '[' | ']' | '\\') {
                        out.write_char('\\')?;
                    }
                    out.write_char(character)?;
                }
            }
            Segment::Index(index) => write!(out, "[{index}]")?,
        }
    }
    Ok(())
}

/// Why a text is not a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    message: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message)
    }
}

impl std::error::Error for PathError {}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut segments = Vec::new();
        let mut characters = text.chars().peekable();
        let mut expect_key = !text.is_empty() && !text.starts_with('[');
        loop {
            if expect_key {
                let mut key = String::new();
                while let Some(&character) = characters.peek() {
                    match character {
                        '.' | '[' => break,
                        ']' => {
                            return Err(PathError { message: "a `]` without a `[` before it; write `\\]` in a key" });
                        }
                        '\\' => {
                            characters.next();
                            let escaped =
                                characters.next().ok_or(PathError { message: "a path cannot end in a backslash" })?;
                            key.push(escaped);
                        }
                        _ => {
                            characters.next();
                            key.push(character);
                        }
                    }
                }
                if key.is_empty() {
                    return Err(PathError { message: "a path cannot hold an empty key" });
                }
                segments.push(Segment::Key(key));
                expect_key = false;
            }
            match characters.next() {
                None => return Ok(Self { segments }),
                Some('.') => expect_key = true,
                Some('[') => {
                    let mut digits = String::new();
                    loop {
                        match characters.next() {
                            Some(']') => break,
                            Some(digit) if digit.is_ascii_digit() => digits.push(digit),
                            _ => return Err(PathError { message: "an index is written `[0]`" }),
                        }
                    }
                    let index = digits.parse().map_err(|_| PathError { message: "an index is written `[0]`" })?;
                    segments.push(Segment::Index(index));
                }
                Some(_) => return Err(PathError { message: "after `]` comes `.`, `[` or the end of the path" }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_the_same_form() {
        for text in ["", "a", "a.b", "a[0].b[12][3]", "[1].a", r"metadata.annotations.example\.com/x\[1\]"] {
            let path: Path = text.parse().expect(text);
            assert_eq!(path.to_string(), text);
        }
        assert_eq!(Path::new(["a.b"]).to_string(), r"a\.b");
    }

    #[test]
    fn refuses_what_is_not_a_path() {
        for text in [".", "a.", "a..b", "a[", "a[x]", "a[]", "a[1]b", "a]", "a\\", "a[99999999999999999999999]"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }

    #[test]
    fn overlap_is_prefix_in_either_direction() {
        let labels = Path::new(["metadata", "labels"]);
        assert!(overlap(labels.segments(), labels.key("a").segments()));
        assert!(overlap(labels.key("a").segments(), labels.segments()));
        assert!(overlap(labels.segments(), Path::root().segments()));
        assert!(!overlap(labels.segments(), Path::new(["metadata", "name"]).segments()));
    }
}
