//! Names of Services in texts: `web.prod.svc`, `web.prod.svc.cluster.local`, `web-0.web.prod.svc`.

use windlass_pdk::{Error, Kind, Node, Object, Path, warn};

use crate::moves::Moves;
use crate::settings::ServiceNames as Choice;

/// How many nodes of one object are looked at; only aliases of aliases make more.
const MAX_SEARCHED: usize = 200_000;

/// How many places a warning names.
const MAX_NAMED: usize = 5;

/// Rewrites the names, or remembers where they stand.
pub(crate) struct ServiceNames<'m> {
    moves: &'m Moves<'m>,
    choice: Choice,
    left: Vec<String>,
    count: usize,
}

impl<'m> ServiceNames<'m> {
    pub(crate) fn new(moves: &'m Moves<'m>, choice: Choice) -> Self {
        ServiceNames { moves, choice, left: Vec::new(), count: 0 }
    }

    pub(crate) fn treat(&mut self, object: &mut Object<'_>) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut left = MAX_SEARCHED;
        if self.search(object.root(), &Path::root(), &mut left, &mut found).is_none() {
            let message = "it has too many entries, by aliases of aliases, to be searched for names of Services";
            return Err(object.refuse(message).into());
        }
        for (path, text) in found {
            if self.choice == Choice::Rewrite {
                object.set_text(&path, &text)?;
                continue;
            }
            self.count += 1;
            if self.left.len() < MAX_NAMED {
                self.left.push(format!("{}: {path}", object.describe()));
            }
        }
        Ok(())
    }

    /// Says which names stayed.
    pub(crate) fn warn(&self) {
        if self.count > 0 {
            let more = self.count - self.left.len();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            warn!(
                "names of Services with their former namespace stay as they are ({}{more}); `serviceNames: rewrite` changes them",
                self.left.join("; ")
            );
        }
    }

    fn search(&self, node: Node<'_>, path: &Path, left: &mut usize, found: &mut Vec<(Path, String)>) -> Option<()> {
        *left = left.checked_sub(1)?;
        match node.kind() {
            Kind::Map => {
                for (key, below) in node.entries() {
                    self.search(below, &path.key(key.into_owned()), left, found)?;
                }
            }
            Kind::List => {
                for (index, below) in node.items().enumerate() {
                    self.search(below, &path.index(index), left, found)?;
                }
            }
            Kind::Scalar => {
                let text = node.as_str();
                if let Some(text) = text.filter(|text| text.contains(".svc"))
                    && let Some(rewritten) = self.rewrite(&text)
                {
                    found.push((path.clone(), rewritten));
                }
            }
        }
        Some(())
    }

    /// The text with new namespaces; nothing if it has none to change.
    fn rewrite(&self, text: &str) -> Option<String> {
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '-';
        let mut rewritten = String::with_capacity(text.len());
        let (mut done, mut is_changed) = (0, false);
        for (dot, _) in text.match_indices(".svc") {
            let before = text.get(done..dot).unwrap_or_default();
            let after = text.get(dot + ".svc".len()..).unwrap_or_default();
            // `.svcs` is another word.
            if after.starts_with(is_name) {
                continue;
            }
            let (start, namespace) = split_last(before, is_name);
            let Some(rest) = start.strip_suffix('.') else { continue };
            let (_, name) = split_last(rest, is_name);
            if let Some(new) = self.moves.object("Service", name, namespace) {
                rewritten.push_str(start);
                rewritten.push_str(new);
                done = dot;
                is_changed = true;
            }
        }
        rewritten.push_str(text.get(done..).unwrap_or_default());
        is_changed.then_some(rewritten)
    }
}

/// The text up to its last word, and that word.
fn split_last(text: &str, is_word: impl Fn(char) -> bool) -> (&str, &str) {
    let start = text.trim_end_matches(is_word).len();
    text.split_at(start)
}
