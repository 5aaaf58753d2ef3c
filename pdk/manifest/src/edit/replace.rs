//! Replacing: another value, or a copy, where a node stands.

use super::copy::Content;
use super::splice::Splice;
use super::{PathStep, Plan, Planner, Refusal};
use crate::emit::{self, BlockStyle};
use crate::path::Segment;
use crate::tree::{NodeData, Shape};
use crate::value::Value;

impl Planner<'_> {
    pub(super) fn replace(&self, step: PathStep, path: &[Segment], value: &Value) -> Plan {
        let Some(parent) = step.parent else {
            return self.replace_root(self.source.node(step.node), path, value);
        };
        self.refuse_shared(parent, path)?;
        self.replace_by(step, path, &Content::Value(value))
    }

    pub(super) fn replace_by(&self, step: PathStep, path: &[Segment], content: &Content<'_>) -> Plan {
        let data = self.source.node(step.node);
        if let (Shape::Literal, Content::Value(Value::String(value))) = (data.shape, content)
            && let Some(splice) = self.rewrite_literal(data, value)
        {
            return Ok(vec![splice]);
        }
        let (outer, start, end) = (self.outer_start(step.node), data.start as usize, data.end as usize);
        let mut text = String::new();
        if self.in_flow(step.parent) {
            if data.shape == Shape::Empty && outer == start {
                // `{a:}` has none: to Helm that is the key `a:`.
                let has_colon = step.key.is_none_or(|key| start > self.source.node(key).end as usize);
                // Its colon would come here, and must be on the line that the key starts on.
                let key_is_on_one_line = step.key.is_none_or(|key| {
                    let key_start = self.source.node(key).start as usize;
                    !self.source.text.get(key_start..start).unwrap_or_default().contains('\n')
                });
                if !has_colon && !key_is_on_one_line {
                    return Err(self.layout(start, path, "has a key that goes over several lines"));
                }
                // The colon would become part of a tag's or an alias's name.
                let key_is_text = |key| !matches!(self.source.node(key).shape, Shape::Empty | Shape::Alias);
                if !has_colon && !step.key.is_none_or(key_is_text) {
                    return Err(self.layout(start, path, "has a key of a tag or an alias alone"));
                }
                text.push_str(if has_colon { " " } else { ": " });
            }
            content.write_inline(true, &mut text)?;
            return Ok(vec![Splice::new(outer, end, text)]);
        }
        let parent = step.parent.unwrap_or(self.root);
        let is_inline = content.is_inline();
        if self.source.node(parent).shape == Shape::BlockList {
            if data.shape == Shape::Empty && outer == start {
                text.push(' ');
                let column = self.column(start, path)? + 1;
                content.write_block(column, self.style(parent, column, is_inline), &mut text)?;
            } else if is_inline {
                content.write_inline(false, &mut text)?;
            } else {
                let line_end = self.clean_line_end(end, path)?;
                let column = self.column(outer, path)?;
                let style = self.style(parent, column, is_inline);
                if let Content::Copy(_) = content
                    && (line_end > end || !content.head().is_empty())
                {
                    // An anchor stands on the line of the dash, and a comment behind it stays there.
                    emit::write_line_start(column, style, &mut text);
                    content.write_block(column, style, &mut text)?;
                    return Ok(vec![Splice::new(outer, end, content.head()), Splice::new(line_end, line_end, text)]);
                }
                content.write_block(column, style, &mut text)?;
            }
            return Ok(vec![Splice::new(outer, end, text)]);
        }
        // The value of a key of a block map.
        let after_colon = self.after_colon(step, path)?;
        let is_block_collection = matches!(data.shape, Shape::BlockMap | Shape::BlockList);
        if is_inline {
            text.push(' ');
            content.write_inline(false, &mut text)?;
            if !is_block_collection {
                // A block scalar may stand in the column of its key, on a line of its own; nothing else may.
                let key_start = self.source.node(parent).start as usize;
                let is_at_key = self.line_start(outer) > after_colon
                    && self.line_prefix(outer).len() <= self.line_prefix(key_start).len();
                if is_at_key {
                    let between = self.source.text.get(after_colon..outer).unwrap_or_default();
                    if !between.trim().is_empty() {
                        return Err(self.layout(outer, path, "has a comment between its key and its value"));
                    }
                    return Ok(vec![Splice::new(after_colon, end, text)]);
                }
                let from = if outer > after_colon { outer } else { after_colon };
                let text = if outer > after_colon { text.split_off(1) } else { text };
                return Ok(vec![Splice::new(from, end, text)]);
            }
            if outer != start {
                return Ok(vec![Splice::new(after_colon, end, text)]);
            }
            let line_end = self.clean_line_end(after_colon, path)?;
            return Ok(vec![Splice::new(after_colon, after_colon, text), Splice::new(line_end, end, "")]);
        }
        let key_column = self.column(self.source.node(parent).start as usize, path)?;
        let style = self.style(parent, key_column, is_inline);
        let keeps_column = matches!(
            (data.shape, content),
            (Shape::BlockMap, Content::Value(Value::Map(_))) | (Shape::BlockList, Content::Value(Value::List(_)))
        );
        if keeps_column && outer == start {
            let column = self.column(start, path)?;
            content.write_block(column, style, &mut text)?;
            return Ok(vec![Splice::new(start, end, text)]);
        }
        let line_end = self.clean_line_end(end, path)?;
        let style = BlockStyle { newline: self.newline_at(line_end), ..style };
        content.write_lines(key_column, style, &mut text)?;
        let mut head = String::new();
        if !content.head().is_empty() {
            head.push(' ');
            head.push_str(content.head());
        }
        let is_on_key_line = self.line_start(end) <= after_colon;
        if is_on_key_line {
            // What stood there goes; a comment behind it stays on the line of the key.
            return Ok(vec![Splice::new(after_colon, end, head), Splice::new(line_end, line_end, text)]);
        }
        head.push_str(&text);
        Ok(vec![Splice::new(after_colon, end, head)])
    }

    /// Another text in a literal block (`|`): between the same first line and what follows. `None` where it would need
    /// another header (`|2`, another chomping) or quotes.
    fn rewrite_literal(&self, data: NodeData, value: &str) -> Option<Splice> {
        let old = self.source.text.get(data.start as usize..data.end as usize)?;
        let (header, body) = old.split_once('\n')?;
        let chomping = header.split([' ', '\t', '#', '\r']).next()?;
        let text = match chomping {
            "|" => value.strip_suffix('\n')?,
            "|-" => value,
            _ => return None,
        };
        let is_plain = |character: char| {
            matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
                && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
        };
        let last = text.rsplit('\n').next()?;
        if !text.chars().all(is_plain) || text.starts_with([' ', '\n']) || last.trim().is_empty() {
            return None;
        }
        let content = body.trim_end();
        let start = data.start as usize + header.len() + 1;
        if chomping == "|" && self.bytes().get(start + content.len()).is_none() {
            // At the end of the stream, without a line end that the text could have.
            return None;
        }
        let first = content.lines().find(|line| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start_matches(' ').len();
        let margin = first.get(..indent).filter(|margin| !margin.is_empty())?;
        if content.lines().any(|line| !line.trim().is_empty() && !line.starts_with(margin)) {
            return None;
        }
        let newline = if header.ends_with('\r') { "\r\n" } else { "\n" };
        let mut new = String::with_capacity(text.len() + text.len() / 8);
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                new.push_str(newline);
            }
            if !line.is_empty() {
                new.push_str(margin);
                new.push_str(line);
            }
        }
        Some(Splice::new(start, start + content.len(), new))
    }

    fn replace_root(&self, data: NodeData, path: &[Segment], value: &Value) -> Plan {
        let start = self.outer_start(0);
        let mut text = String::new();
        if data.shape == Shape::BlockMap && !emit::is_inline(value) {
            let column = self.column(start, path)?;
            let style = self.style(0, column, false);
            emit::write_block(value, column, style, &mut text);
        } else {
            emit::write_flow(value, &mut text);
        }
        Ok(vec![Splice::new(start, data.end as usize, text)])
    }

    /// Behind the `:` of an entry of a block map.
    fn after_colon(&self, step: PathStep, path: &[Segment]) -> Result<usize, Refusal> {
        let key_end = step.key.map_or(0, |key| self.source.node(key).end as usize);
        let blanks = self.bytes().get(key_end..).unwrap_or_default().iter().take_while(|&&byte| byte == b' ').count();
        let colon = key_end + blanks;
        if self.bytes().get(colon) != Some(&b':') {
            return Err(self.layout(key_end, path, "has an explicit key (`? key`)"));
        }
        Ok(colon + 1)
    }
}

#[cfg(test)]
mod tests {
    use crate::{ErrorKind, Manifests, Path, Value};

    #[test]
    fn a_colon_does_not_join_the_name_of_a_tag_or_an_alias() {
        for entry in ["? !t ", "? *a "] {
            let text = format!("{{kind: X, a: &a v, {entry}}}\n");
            let mut manifests = Manifests::from_bytes(text.into_bytes()).expect("a stream");
            let outcome = manifests.visit(|object| {
                let key = if entry.contains('!') { "" } else { "v" };
                object.set(&Path::new([key]), Value::Map(Vec::new())).map(|_| ())
            });
            assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::Layout), "{entry}");
        }
    }
}
