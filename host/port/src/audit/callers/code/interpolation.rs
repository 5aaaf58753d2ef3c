//! Strings that have variables in them.

use crate::audit::language::Syntax;
use crate::audit::shell::{Part, Word, words};

/// A string with the variables of its language.
pub(super) fn interpolated(text: &str, syntax: Syntax) -> Word {
    let text = match syntax {
        Syntax::Nix => nix_variables(text),
        _ => text.to_owned(),
    };
    if !text.contains('$') {
        return Word::literal(&text, 0);
    }
    let found = words(&text);
    let parts = found.into_iter().flat_map(|word| word.parts).map(|part| match part {
        Part::Variable { name, default, indirect } => {
            Part::Variable { name: name.rsplit('.').next().unwrap_or_default().to_owned(), default, indirect }
        }
        other => other,
    });
    Word { parts: parts.collect(), line: 0, quoted: true }
}

/// Nix's `${./x.sh}` is that path, `${pkgs.yq}/bin/yq` is `yq`, `${renderer}` a variable.
pub(super) fn nix_variables(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = from.find('}') else { break };
        let inside = from.get(2..end).unwrap_or_default().trim();
        let after = from.get(end + 1..).unwrap_or_default();
        if inside.starts_with("./") || inside.starts_with("../") {
            out.push_str(inside);
            rest = after;
        } else if inside.contains("pkgs.") && after.starts_with("/bin/") {
            rest = after.get(5..).unwrap_or_default();
        } else {
            out.push_str("${");
            out.push_str(inside.rsplit('.').next().unwrap_or(inside));
            out.push('}');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}
