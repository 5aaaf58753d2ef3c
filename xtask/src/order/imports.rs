//! What the modules of a package import from each other, read from its sources.
//!
//! This is a reader of tokens, no compiler: `use` items and paths in code (`crate::a::B`, `super::c`, a child's name)
//! are followed to the file that a path leads to, through `pub use` where one stands in between. Code for tests is left
//! out: a test may look wherever it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::command::{During, Result};

/// A module's path in its package; empty for the root.
pub(super) type Module = Vec<String>;

/// One module that imports another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrow {
    /// Who imports.
    pub(super) from: Module,
    /// What is imported.
    pub(super) to: Module,
    /// Where the import stands.
    pub(super) line: usize,
}

/// A file's own account: its path and text.
pub(super) struct Source {
    /// The module that the file is.
    pub(super) module: Module,
    /// Its path, for messages.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
}

/// The sources of a package below `folder` (its `src`), sorted by module; files for tests and `main.rs` are left out.
///
/// # Errors
/// A folder or a file cannot be read.
pub(super) fn sources(folder: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = std::fs::read_dir(&next).during(format!("cannot read {}", next.display()))?;
        for entry in entries.filter_map(std::result::Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(module) = path.strip_prefix(folder).ok().and_then(module_of) {
                let text = std::fs::read_to_string(&path).during(format!("cannot read {}", path.display()))?;
                found.push(Source { module, path, text });
            }
        }
    }
    found.sort_by(|one, other| one.module.cmp(&other.module));
    Ok(found)
}

/// The module that a file below `src` is; none for what is not part of the library or only of its tests.
fn module_of(path: &Path) -> Option<Module> {
    let mut parts: Module =
        path.with_extension("").iter().map(|part| part.to_str().map(str::to_owned)).collect::<Option<_>>()?;
    if path.extension()? != "rs" || parts.iter().any(|part| part == "tests") || parts.first()? == "main" {
        return None;
    }
    if parts.last().is_some_and(|name| name == "mod") || parts == ["lib"] {
        parts.pop();
    }
    Some(parts)
}

/// Who imports whom, once for each pair, at its first line. What a module takes from the file that it is a part of
/// (`super::X`, where `X` is defined in the file beside the folder) is no arrow: the two are one room.
pub(super) fn arrows(sources: &[Source]) -> Vec<Arrow> {
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| source.module.as_slice()).collect();
    let read: Vec<Vec<Import>> = sources.iter().map(|source| imports(source, &modules)).collect();
    let mut names: BTreeMap<(&[String], &str), &[String]> = BTreeMap::new();
    for (source, imports) in sources.iter().zip(&read) {
        for import in imports {
            if let Some(name) = &import.name {
                names.insert((&source.module, name), &import.path);
            }
        }
    }
    let mut arrows: BTreeMap<(Module, Module), usize> = BTreeMap::new();
    for (source, imports) in sources.iter().zip(&read) {
        for import in imports {
            let to = definition(&import.path, &modules, &names);
            if !source.module.starts_with(&to) {
                let line = arrows.entry((source.module.clone(), to)).or_insert(import.line);
                *line = import.line.min(*line);
            }
        }
    }
    arrows.into_iter().map(|((from, to), line)| Arrow { from, to, line }).collect()
}

/// The module in which the thing that a path names is defined.
fn definition(
    path: &[String],
    modules: &BTreeSet<&[String]>,
    names: &BTreeMap<(&[String], &str), &[String]>,
) -> Module {
    let mut path = path.to_vec();
    let module_in =
        |path: &[String]| (0..=path.len()).rev().find(|length| modules.contains(&path[..*length])).unwrap_or_default();
    // A name that is passed on more often than this goes round in a circle.
    for _ in 0..8 {
        let length = module_in(&path);
        let (module, rest) = path.split_at(length);
        let passed_on = rest.split_first().and_then(|(name, rest)| Some((names.get(&(module, name.as_str()))?, rest)));
        match passed_on {
            Some((whole, rest)) => path = [whole, rest].concat(),
            None => return module.to_vec(),
        }
    }
    path.truncate(module_in(&path));
    path
}

/// A path within the package that a file uses.
struct Import {
    path: Vec<String>,
    /// The name that the file has it by, where it is from a `use` item.
    name: Option<String>,
    line: usize,
}

fn imports(source: &Source, modules: &BTreeSet<&[String]>) -> Vec<Import> {
    let tokens = tokens(&source.text);
    let mut reader = Reader { tokens: &tokens, at: 0, module: source.module.clone(), blocks: Vec::new(), modules };
    let mut found = Vec::new();
    while reader.at < tokens.len() {
        reader.step(&mut found);
    }
    found
}

/// A word, `::`, or another sign; literals and comments are left out.
struct Token<'t> {
    text: &'t str,
    line: usize,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => 1 + string_length(&rest[1..]),
            '\'' => quote_length(rest),
            'r' | 'b' if raw_string_length(rest).is_some() => raw_string_length(rest).unwrap_or(1),
            _ if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
                tokens.push(Token { text: &rest[..length], line });
                length
            }
            ':' if rest.starts_with("::") => {
                tokens.push(Token { text: "::", line });
                2
            }
            _ => {
                if !first.is_whitespace() && !first.is_ascii_digit() {
                    tokens.push(Token { text: &rest[..first.len_utf8()], line });
                }
                first.len_utf8()
            }
        };
        let (taken, behind) = rest.split_at(length);
        line += taken.matches('\n').count();
        rest = behind;
    }
    tokens
}

/// How much of what stands behind a quotation mark belongs to the string, with its end.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// A character, or the quote of a lifetime.
fn quote_length(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some(_)) => letters.find(|(_, letter)| *letter == '\'').map_or(1, |(at, _)| at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The length of a string that begins with `r`, `b`, `br` or so.
fn raw_string_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text);
    let Some(raw) = body.strip_prefix('r') else {
        return body.strip_prefix('"').map(|inside| 2 + string_length(inside));
    };
    let inside = raw.trim_start_matches('#');
    let end = format!("\"{}", &raw[..raw.len() - inside.len()]);
    let inside = inside.strip_prefix('"')?;
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + length)
}

struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
    /// The module that the reader is in, those inside the file included.
    module: Module,
    /// For each open brace whether it is a module's.
    blocks: Vec<bool>,
    modules: &'t BTreeSet<&'t [String]>,
}

impl Reader<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text)
    }

    fn step(&mut self, found: &mut Vec<Import>) {
        match self.text(self.at) {
            "#" if self.is_for_tests() => self.skip_item(),
            "mod" if self.text(self.at + 2) == "{" => {
                self.module.push(self.text(self.at + 1).to_owned());
                self.blocks.push(true);
                self.at += 3;
            }
            "{" => {
                self.blocks.push(false);
                self.at += 1;
            }
            "}" => {
                if self.blocks.pop() == Some(true) {
                    self.module.pop();
                }
                self.at += 1;
            }
            // `use<'a>` says what a type captures.
            "use" if self.text(self.at + 1) != "<" => {
                let line = self.tokens[self.at].line;
                self.at += 1;
                self.tree(&[], line, found);
            }
            _ => self.path(found),
        }
    }

    /// Whether an attribute stands here that leaves its item to tests.
    fn is_for_tests(&self) -> bool {
        ["#", "[", "cfg", "(", "test", ")"].iter().enumerate().all(|(at, text)| self.text(self.at + at) == *text)
    }

    /// Passes an item with its attributes.
    fn skip_item(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.tokens.len() {
            let text = self.text(self.at).to_owned();
            let is_attribute = text == "]" && depth == 1 && self.text(self.at + 1) == "#";
            self.at += 1;
            match text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" if depth == 1 => return,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                ";" if depth == 0 => return,
                _ => {}
            }
            if is_attribute {
                depth = 0;
            }
        }
    }

    /// A tree of a `use` item, behind what stands in front of its braces.
    fn tree(&mut self, before: &[String], line: usize, found: &mut Vec<Import>) {
        let mut path = before.to_vec();
        let mut name = None;
        loop {
            let text = self.text(self.at).to_owned();
            self.at += 1;
            match text.as_str() {
                "::" => {}
                "{" => {
                    while !matches!(self.text(self.at), "}" | ";" | "") {
                        self.tree(&path, line, found);
                        self.at += usize::from(self.text(self.at) == ",");
                    }
                    self.at += 1;
                    return;
                }
                "as" => {
                    name = Some(self.text(self.at).to_owned());
                    self.at += 1;
                }
                "}" | "," | ";" | "" => {
                    self.at -= 1;
                    break;
                }
                "self" if !path.is_empty() => {}
                _ => path.push(text),
            }
        }
        if let Some(path) = self.absolute(&path) {
            let is_of_file = !self.blocks.contains(&true);
            let name = name.or_else(|| path.last().cloned()).filter(|_| is_of_file);
            found.push(Import { path, name, line });
        }
    }

    /// A path in code.
    fn path(&mut self, found: &mut Vec<Import>) {
        let (start, line) = (self.at, self.tokens[self.at].line);
        self.at += 1;
        let is_path = self.text(self.at) == "::" && !matches!(self.text(start.wrapping_sub(1)), "::" | ".");
        if !is_path {
            return;
        }
        let mut path = vec![self.text(start).to_owned()];
        while self.text(self.at) == "::" && self.text(self.at + 1).starts_with(|c: char| c.is_alphabetic() || c == '_')
        {
            path.push(self.text(self.at + 1).to_owned());
            self.at += 2;
        }
        if let Some(path) = self.absolute(&path) {
            found.push(Import { path, name: None, line });
        }
    }

    /// A path from the package's root; none for what is not of this package.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&self.module, rest].concat()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let parent = self.module.get(..self.module.len().checked_sub(up)?)?;
                Some([parent, &path[up..]].concat())
            }
            _ => {
                let child = [self.module.as_slice(), std::slice::from_ref(first)].concat();
                self.modules.contains(child.as_slice()).then(|| [&self.module, path].concat())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrow, Source, arrows};

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let sources: Vec<Source> = files
            .iter()
            .map(|(module, text)| Source {
                module: module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect(),
                path: module.into(),
                text: (*text).to_owned(),
            })
            .collect();
        let found: Vec<String> = arrows(&sources)
            .into_iter()
            .map(|Arrow { from, to, line }| format!("{} -> {} at {line}", from.join("::"), to.join("::")))
            .collect();
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn imports_are_followed_to_where_things_are_defined() {
        check(
            &[("a", "use crate::b::{self, C as D,\n d::E};"), ("b", ""), ("b::d", "")],
            &["a -> b at 1", "a -> b::d at 1"],
        );
        check(&[("a", "fn f() {\n crate::b::c();\n}"), ("b", "")], &["a -> b at 2"]);
        // Passed on by the file beside the folder, under another name.
        check(
            &[("a", "use crate::b::D;"), ("b", "pub use c::C as D;"), ("b::c", "")],
            &["a -> b::c at 1", "b -> b::c at 1"],
        );
        check(&[("a::b", "use super::c::X;"), ("a::c", ""), ("a", "mod b;")], &["a::b -> a::c at 1"]);
        check(&[("a", "use std::b::C; fn f() { b::c(); }"), ("b", "")], &[]);
    }

    #[test]
    fn what_is_no_import_is_none() {
        let texts = "// use crate::b;\n/* crate::b::c */ const X: &str = \"use crate::b;\"; const Y: &str = r#\"\"crate::b::c\"#;";
        check(&[("a", texts), ("b", "")], &[]);
        check(&[("a", "#[cfg(test)]\n#[allow(x)]\nmod tests { use crate::b::c; }"), ("b", "")], &[]);
        check(&[("a", "#[cfg(test)]\nuse crate::b;\nuse crate::c;"), ("b", ""), ("c", "")], &["a -> c at 3"]);
        // A part takes what the whole defines, and a module inside a file is no file.
        check(&[("a::b", "use super::X; mod y { use super::Z; }"), ("a", "mod b;")], &[]);
        let captures = "fn f<'x>() -> impl I + use<'x> { g; crate::b::c() }";
        check(&[("a", captures), ("b", "")], &["a -> b at 1"]);
        check(&[("a", "use crate::{b; use"), ("b", "")], &["a -> b at 1"]);
        check(&[("a", "fn f<'x>(c: char) { if c == '\"' { crate::b::c('\\'') } }"), ("b", "")], &["a -> b at 1"]);
    }
}
