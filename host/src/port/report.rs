//! What comparisons found, for programs and as one HTML file that needs nothing else.

use serde_json::{Value as Json, json};
use windlass_graft::{Change, Difference, NoteKind, ObjectDifference};

use super::compare::{Compared, Verdict, difference_json, value_json};
use super::old::Network;
use crate::diff;
use crate::text::one_line;

/// The worst verdict; equal where nothing was compared.
#[must_use]
pub fn worst(all: &[Compared]) -> Verdict {
    all.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Equal)
}

/// What became of an object, in one word.
pub(crate) fn change_word(change: Change) -> &'static str {
    match change {
        Change::Changed => "changed",
        Change::Added => "onlyNew",
        Change::Removed => "onlyOld",
    }
}

/// All of it for programs.
#[must_use]
pub fn json(all: &[Compared], network: Option<Network>) -> Json {
    let count = |verdict: Verdict| all.iter().filter(|one| one.verdict == verdict).count();
    json!({
        "verdict": worst(all).word(),
        "summary": {
            "inputs": all.len(),
            "equal": count(Verdict::Equal),
            "equalButForDamage": count(Verdict::EqualButForDamage),
            "differs": count(Verdict::Differs),
        },
        "network": network.map(Network::word),
        "inputs": all.iter().map(input_json).collect::<Vec<_>>(),
    })
}

fn input_json(one: &Compared) -> Json {
    let damage = one.damage.iter().filter_map(|note| {
        let NoteKind::Dialect { path, before, after, cause, .. } = &note.kind else { return None };
        Some(json!({
            "object": note.object,
            "path": path.to_string(),
            "input": value_json(before),
            "old": after.as_ref().map(value_json),
            "cause": cause.to_string(),
        }))
    });
    json!({
        "input": one.input,
        "verdict": one.verdict.word(),
        "damage": damage.collect::<Vec<_>>(),
        "differences": objects_json(&one.differences, "old", "new"),
        "oldChanged": objects_json(&one.old_changed, "input", "old"),
        "newChanged": objects_json(&one.new_changed, "input", "new"),
        "unstable": objects_json(&one.unstable, "first", "second"),
        "commentsLost": one.comments_lost,
        "failures": one.failures,
    })
}

fn objects_json(objects: &[ObjectDifference], before: &str, after: &str) -> Vec<Json> {
    let object_json = |object: &ObjectDifference| {
        json!({
            "change": change_word(object.change),
            "apiVersion": object.api_version,
            "kind": object.kind,
            "namespace": object.namespace,
            "name": object.name,
            "line": object.line_before.or(object.line_after),
            "differences": object.differences.iter()
                .map(|difference| difference_json(difference, before, after)).collect::<Vec<_>>(),
        })
    };
    objects.iter().map(object_json).collect()
}

/// A value on one line, shortened.
pub(crate) fn shown(value: Option<&windlass_graft::Value>) -> String {
    const LONGEST: usize = 100;
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_json();
    let text = one_line(&text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// `Deployment/web in shop`.
pub(crate) fn object_name(object: &ObjectDifference) -> String {
    let namespace = object.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    format!("{}/{}{namespace}", object.kind, object.name)
}

/// The HTML report: both differences to the input, line by line, beside each other. All that came from outside is text
/// in it.
#[must_use]
pub fn html(all: &[Compared], old: &str, new: &str) -> String {
    let mut rows = String::new();
    for one in all {
        rows.push_str(&section(one));
    }
    let counts: Vec<String> = [Verdict::Equal, Verdict::EqualButForDamage, Verdict::Differs]
        .into_iter()
        .map(|verdict| (verdict, all.iter().filter(|one| one.verdict == verdict).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("<b class=\"{}\">{count} {verdict}</b>", verdict.word()))
        .collect();
    format!(
        "{HEAD}<h1>Old and new post-renderer</h1>\n<p>Old: <code>{}</code><br>New: <code>{}</code></p>\n<p>{}</p>\n{rows}</body></html>\n",
        escaped(old),
        escaped(new),
        counts.join(" "),
    )
}

fn section(one: &Compared) -> String {
    let mut inside = String::new();
    for failure in &one.failures {
        inside.push_str(&format!("<p class=\"differs\">{}</p>\n", escaped(failure)));
    }
    if !one.damage.is_empty() {
        let items = one.damage.iter().map(|note| format!("<li>{}</li>\n", escaped(&note.to_string())));
        inside.push_str(&format!("<h3>What the old tool's YAML broke</h3>\n<ul>{}</ul>\n", items.collect::<String>()));
    }
    if one.comments_lost > 0 {
        inside.push_str(&format!("<p>Lines of comments that the old tool lost: {}</p>\n", one.comments_lost));
    }
    inside.push_str(&table("Old and new differ", "old", "new", &one.differences));
    inside.push_str(&table("The old tool differs from itself", "first run", "second run", &one.unstable));
    let texts = &one.streams;
    let (left, right) = (lines(&texts.input, &texts.meant), lines(&texts.input, &texts.new));
    if one.failures.is_empty() {
        inside.push_str(&format!(
            "<div class=\"both\"><div><h3>What the old tool changed</h3>\n{left}</div><div><h3>What the pipeline changes</h3>\n{right}</div></div>\n"
        ));
    }
    let open = if one.verdict == Verdict::Differs { " open" } else { "" };
    format!(
        "<details{open}><summary><code>{}</code> <b class=\"{}\">{}</b></summary>\n{inside}</details>\n",
        escaped(&one.input),
        one.verdict.word(),
        one.verdict
    )
}

fn table(title: &str, before: &str, after: &str, objects: &[ObjectDifference]) -> String {
    if objects.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for object in objects {
        let name = escaped(&object_name(object));
        if object.differences.is_empty() {
            let word = if object.change == Change::Added { after } else { before };
            rows.push_str(&format!("<tr><td>{name}</td><td colspan=\"3\">only in {word}</td></tr>\n"));
        }
        for Difference { path, before, after, .. } in &object.differences {
            rows.push_str(&format!(
                "<tr><td>{name}</td><td><code>{}</code></td><td><code>{}</code></td><td><code>{}</code></td></tr>\n",
                escaped(&path.to_string()),
                escaped(&shown(before.as_ref())),
                escaped(&shown(after.as_ref())),
            ));
        }
    }
    format!(
        "<h3>{title}</h3>\n<table><tr><th>object</th><th>path</th><th>{before}</th><th>{after}</th></tr>\n{rows}</table>\n"
    )
}

/// The differing lines of two texts, with the lines around them.
fn lines(before: &str, after: &str) -> String {
    let objects = diff::compare(before.as_bytes(), after.as_bytes());
    if objects.is_empty() {
        return "<p>nothing</p>\n".to_owned();
    }
    let mut out = String::new();
    for object in objects {
        out.push_str(&format!("<h4>{}/{}</h4>\n<pre>", escaped(&object.kind), escaped(&object.name)));
        for line in object.hunks.iter().flat_map(|hunk| &hunk.lines) {
            let class = match line.as_bytes().first() {
                Some(b'+') => " class=\"added\"",
                Some(b'-') => " class=\"gone\"",
                _ => "",
            };
            out.push_str(&format!("<span{class}>{}</span>\n", escaped(line)));
        }
        out.push_str("</pre>\n");
    }
    out
}

/// A text from outside within HTML, also within attributes.
fn escaped(text: &str) -> String {
    crate::text::printable(&windlass_port::markup::html(text)).into_owned()
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>windlass port compare</title>\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n\
:root { color-scheme: light dark }\n\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem }\n\
table { border-collapse: collapse; width: 100% }\n\
td, th { border-bottom: 1px solid #8885; padding: .2rem .5rem; text-align: left; vertical-align: top; word-break: break-word }\n\
pre { overflow-x: auto; font-size: 13px } pre span { display: inline-block; min-width: 100% }\n\
.added { background: #2a72 } .gone { background: #c332 }\n\
.both { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem } .both > div { min-width: 0 }\n\
b.equal { color: #287a3c } b.equal-but-for-damage { color: #9a6700 } .differs { color: #c33 }\n\
summary { cursor: pointer; padding: .3rem 0 }\n\
@media (max-width: 50rem) { .both { grid-template-columns: 1fr } }\n\
@media print { details > * { display: block } }\n\
</style></head><body>\n";

#[cfg(test)]
mod tests {
    use super::super::old::Ran;
    use super::*;

    /// Names and values of a stream are text in the report, which loads nothing.
    #[test]
    fn what_came_from_outside_is_no_markup() {
        let stream = "kind: ConfigMap\nmetadata: {name: \"<script>a\"}\ndata: {a: \"<img src=x>\", b: \"\u{202e}\"}\n";
        let ran = Ran { stdout: stream.replace("src=x", "src=y").into(), stderr: String::new(), failure: None };
        let found = super::super::compare::judge("<b>", stream.as_bytes(), &ran, None, Ok(stream.into()), &[]);
        let page = html(&[found], "a && b <i>", "x");
        for bad in ["<script>", "<img", "<b>\"", "<i>", "\u{202e}", "http://", "https://"] {
            assert!(!page.contains(bad), "{bad}: {page}");
        }
        assert!(page.contains("&lt;img src=y&gt;"), "{page}");
    }
}
