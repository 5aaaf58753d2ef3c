//! Documents in which much is shared: anchors, aliases and merge keys in every style, at random. A file of its own, as
//! the tests with Go's parser (`tests/tests/anchors.rs` of the workspace) use it too.
#![allow(dead_code, unreachable_pub, missing_docs)]

/// What a document is made of.
pub struct Anchored<'r> {
    /// A number below a bound.
    below: &'r mut dyn FnMut(usize) -> usize,
    /// Whether a name may be defined again.
    redefines: bool,
    text: String,
    /// The anchors that an alias may refer to, and whether they are of maps.
    anchors: Vec<(String, bool)>,
    count: usize,
}

const KEYS: [&str; 8] = ["app", "labels", "name", "env", "ports", "spec", "\"quoted key\"", "data"];

/// A document with `kind: X` and some entries below it.
pub fn document(redefines: bool, below: &mut dyn FnMut(usize) -> usize) -> String {
    let mut document = Anchored { below, redefines, text: String::new(), anchors: Vec::new(), count: 0 };
    document.text.push_str("kind: X\n");
    let entries = 3 + document.chance(4);
    for number in 0..entries {
        document.text.push_str(&format!("top{number}:"));
        document.block_value(0, 4);
    }
    document.text
}

impl Anchored<'_> {
    fn chance(&mut self, bound: usize) -> usize {
        (self.below)(bound)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.chance(bound) == 0
    }

    /// An alias to something, in one of three places.
    fn alias(&mut self, wants_map: bool) -> Option<String> {
        let usable: Vec<String> =
            self.anchors.iter().filter(|(_, is_map)| *is_map || !wants_map).map(|(name, _)| name.clone()).collect();
        if usable.is_empty() {
            return None;
        }
        let at = self.chance(usable.len());
        Some(format!("*{}", usable[at]))
    }

    /// A name to define, sometimes; until the node is written no alias may refer to it.
    fn name(&mut self) -> Option<String> {
        if !self.one_in(3) {
            return None;
        }
        self.count += 1;
        let name = match self.redefines {
            true => format!("x{}", self.chance(3)),
            false => format!("a{}", self.count),
        };
        self.anchors.retain(|(other, _)| *other != name);
        Some(name)
    }

    fn done(&mut self, name: Option<String>, is_map: bool) {
        // What was defined inside under the same name stands after it in the text.
        if let Some(name) = name
            && self.anchors.iter().all(|(other, _)| *other != name)
        {
            self.anchors.push((name, is_map));
        }
    }

    fn comment(&mut self) {
        if self.one_in(5) {
            self.text.push_str(" # comment");
        }
    }

    fn line(&mut self, column: usize) {
        if self.one_in(9) {
            let at = self.chance(2) * column;
            self.text.push_str(&format!("{}# above\n", " ".repeat(at)));
        }
        self.text.push_str(&" ".repeat(column));
    }

    /// What stands behind `key:` at a column, with the line end.
    fn block_value(&mut self, column: usize, depth: usize) {
        if self.one_in(3)
            && let Some(alias) = self.alias(false)
        {
            let lead = match self.one_in(8) {
                true => format!("\n{}", " ".repeat(column + 3)),
                false => " ".to_owned(),
            };
            self.text.push_str(&format!("{lead}{alias}"));
            self.comment();
            self.text.push('\n');
            return;
        }
        let name = self.name();
        let anchor = name.as_ref().map_or(String::new(), |name| format!(" &{name}"));
        let mut is_map = false;
        match self.chance(if depth == 0 { 4 } else { 9 }) {
            0 | 1 => {
                self.text.push_str(&format!("{anchor} "));
                self.plain();
                self.comment();
                self.text.push('\n');
            }
            2 => {
                let indent = " ".repeat(column + 2);
                let lines = match self.chance(4) {
                    0 => format!(" |\n{indent}one\n\n{indent}  two\n"),
                    1 => format!(" >-\n{indent}one\n{indent}two\n"),
                    2 => format!(" \"one\n{indent}two \\\n{indent}three\"\n"),
                    _ => format!(" one\n{indent}two\n"),
                };
                self.text.push_str(&format!("{anchor}{lines}"));
            }
            3 => {
                self.text.push_str(&format!("{anchor} "));
                is_map = self.flow(2);
                self.comment();
                self.text.push('\n');
            }
            4..=6 => {
                self.text.push_str(&anchor);
                self.comment();
                self.text.push('\n');
                let column = column + 2 + 2 * self.chance(2);
                self.block_map(column, depth - 1, true);
                is_map = true;
            }
            _ => {
                self.text.push_str(&anchor);
                self.comment();
                self.text.push('\n');
                let column = column + 2 * self.chance(2);
                self.block_list(column, depth - 1);
            }
        }
        self.done(name, is_map);
    }

    fn block_map(&mut self, column: usize, depth: usize, on_own_line: bool) {
        let mut is_first = !on_own_line;
        if self.one_in(4) {
            let merged = match self.one_in(3) {
                true => self.alias(true).and_then(|one| Some(format!("[{one}, {}]", self.alias(true)?))),
                false => self.alias(true),
            };
            if let Some(merged) = merged {
                if !std::mem::take(&mut is_first) {
                    self.line(column);
                }
                self.text.push_str(&format!("<<: {merged}"));
                self.comment();
                self.text.push('\n');
            }
        }
        let from = self.chance(KEYS.len());
        for number in 0..1 + self.chance(4) {
            if !std::mem::take(&mut is_first) {
                self.line(column);
            }
            self.text.push_str(&format!("{}:", KEYS[(from + number) % KEYS.len()]));
            self.block_value(column, depth);
        }
    }

    fn block_list(&mut self, column: usize, depth: usize) {
        for _ in 0..1 + self.chance(4) {
            self.line(column);
            self.text.push('-');
            if depth == 0 || !self.one_in(2) {
                // As behind a key; what comes on lines of its own stands to the right of the dash.
                self.block_value(column + 1, depth);
            } else {
                self.text.push(' ');
                self.block_map(column + 2, depth - 1, false);
            }
        }
    }

    fn plain(&mut self) {
        let scalars = [
            "web",
            "1",
            "0755",
            "1.20",
            "yes",
            "\"on\"",
            "'it''s'",
            "~",
            "\"a\\tb\"",
            "http://x/y?a=b,c",
            "a b",
            "[]",
            "{}",
            "2026-11-30",
            "\"\"",
            "é",
        ];
        let at = self.chance(scalars.len());
        self.text.push_str(scalars[at]);
    }

    /// A flow collection; answers whether it is a map.
    fn flow(&mut self, depth: usize) -> bool {
        let is_map = !self.one_in(3);
        self.text.push(if is_map { '{' } else { '[' });
        let from = self.chance(KEYS.len());
        if is_map
            && self.one_in(5)
            && let Some(alias) = self.alias(true)
        {
            self.text.push_str(&format!("<<: {alias}, "));
        }
        for number in 0..1 + self.chance(3) {
            if number > 0 {
                self.text.push_str(", ");
            }
            if is_map {
                self.text.push_str(&format!("{}: ", KEYS[(from + number) % KEYS.len()]));
            }
            if self.one_in(3)
                && let Some(alias) = self.alias(false)
            {
                self.text.push_str(&alias);
                continue;
            }
            let name = self.name();
            if let Some(name) = &name {
                self.text.push_str(&format!("&{name} "));
            }
            let mut is_map = false;
            match depth > 0 && self.one_in(2) {
                true => is_map = self.flow(depth - 1),
                false => {
                    let scalars = ["web", "\"web\"", "1", "'on'", "null", "-1.5"];
                    let at = self.chance(scalars.len());
                    self.text.push_str(scalars[at]);
                }
            }
            self.done(name, is_map);
        }
        self.text.push(if is_map { '}' } else { ']' });
        is_map
    }
}
