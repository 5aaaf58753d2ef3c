//! Texts of several lines: a block that changes keeps the lines that it keeps.

use super::splice::Splice;
use super::{Planner, Refusal};
use crate::emit;
use crate::path::Segment;
use crate::tree::{NodeData, Shape, flag};

impl Planner<'_> {
    /// Makes a literal block (`|`) at a path hold another text, still as a block: the lines that the two have in common
    /// in the beginning and in the end stay as they stand. `None` where that cannot be written so.
    pub(crate) fn set_lines(&self, path: &[Segment], text: &str) -> Result<Option<Vec<Splice>>, Refusal> {
        let resolved = self.resolve(path)?;
        let data = self.source.node(self.last(&resolved).node);
        let is_ours = resolved.matched == path.len()
            && data.shape == Shape::Literal
            && data.flags & (flag::ALIASED | flag::TAG) == 0
            && (data.end as usize) < self.source.text.len();
        Ok(if is_ours { self.lines_of(data, text) } else { None })
    }

    fn lines_of(&self, data: NodeData, text: &str) -> Option<Vec<Splice>> {
        let (start, end) = (data.start as usize, data.end as usize);
        let source = self.source.text.get(start..end)?;
        let (header, content) = source.split_once('\n')?;
        let newline = if header.ends_with('\r') { "\r\n" } else { "\n" };
        // The indentation is what the first line has; where it is said (`|2`) or blank lines are kept (`|+`) it is not
        // ours.
        let indicator = header.get(1..)?.split([' ', '\t', '\r']).next()?;
        if !matches!(indicator, "" | "-") {
            return None;
        }
        let (body, wanted) = match text.strip_suffix('\n') {
            Some(body) => (body, ""),
            None => (text, "-"),
        };
        let lines: Vec<&str> = body.split('\n').collect();
        let is_writable = |character: char| character == '\t' || !(emit::is_escaped(character) || character == '\r');
        let first = lines.iter().find(|line| !line.is_empty())?;
        if first.starts_with([' ', '\t']) || body.ends_with('\n') || !body.chars().all(|c| c == '\n' || is_writable(c))
        {
            return None;
        }
        let old: Vec<&str> = content.split('\n').collect();
        let indent = old.iter().find(|line| !line.trim().is_empty())?;
        let indent = indent.get(..indent.len() - indent.trim_start_matches(' ').len())?;
        let bare =
            |line: &&str| line.strip_suffix('\r').unwrap_or(line).strip_prefix(indent).unwrap_or_default().to_owned();
        let old_lines: Vec<String> = old.iter().map(bare).collect();
        let in_common = |pairs: &mut dyn Iterator<Item = (&String, &&str)>| pairs.take_while(|(a, b)| a == *b).count();
        let before = in_common(&mut old_lines.iter().zip(&lines));
        let shorter = old_lines.len().min(lines.len()) - before;
        let after = in_common(&mut old_lines.iter().rev().zip(lines.iter().rev())).min(shorter);
        let mut out = String::new();
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                out.push_str(newline);
            }
            let from_end = lines.len() - at;
            let kept = match () {
                () if at < before => old.get(at),
                () if from_end <= after => old.get(old.len() - from_end),
                () => None,
            };
            match kept {
                Some(kept) => out.push_str(kept.strip_suffix('\r').unwrap_or(kept)),
                None if line.is_empty() => {}
                None => {
                    out.push_str(indent);
                    out.push_str(line);
                }
            }
        }
        let mut splices = Vec::new();
        if indicator != wanted {
            splices.push(Splice::new(start + 1, start + 1 + indicator.len(), wanted));
        }
        let from = start + header.len() + 1;
        let ends_in_return = content.ends_with('\r');
        splices.push(Splice::new(from, end - usize::from(ends_in_return), out));
        Some(splices)
    }
}
