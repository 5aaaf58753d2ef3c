//! What Kubernetes sees: every mutated document is read by us and by Go's two parsers (`tests/peers/yaml-oracle`, whose
//! path is in `WINDLASS_YAML_ORACLE`), and both must see the same nodes, the same values, or refuse. Then a random edit
//! is made, and Go must read its output, as the document it read before plus the edit.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use serde::Deserialize;
use serde_json::Value as Json;
use windlass_fuzz::Random;
use windlass_manifest::{Error, Manifests, Path};

use windlass_testing::manifests::{self, Edit, Oracle};

/// What we refuse and Go reads, on purpose; the parts of our messages that say so, each with its reason.
const REFUSED_BY_US: [&str; 10] = [
    // Other readers see other lines there: an object could hide in it.
    "U+0085, U+2028 or U+2029",
    // Go reads the first of them and drops the rest without a word.
    "text behind the end of the document",
    // Go reads a document no further than it must and does not see what is behind it.
    "found a control character",
    // What Go does depends on its buffers.
    "byte order mark",
    // Go looks no further than the end of the first document, and a directive is one, whatever it says.
    "found a version of YAML",
    // Longer than Kubernetes allows, and every item of a list may repeat it.
    "of more than 1024 bytes",
    // Deeper than any manifest.
    "nested too deep",
    // Nobody's chart has one; decoding it is code for nothing.
    "a tag with `%`",
    // Helm and Kubernetes cut a stream there, other readers do not.
    "starts with `---` and goes on",
    // A document that is no object is no manifest.
    "not an object",
];

/// What Go's first step reads and its second, which makes JSON of it, refuses; we read it, as nothing in it can hide:
/// Kubernetes refuses the whole document.
const REFUSED_AS_JSON: [&str; 9] = [
    "cannot decode",
    "invalid map key",
    "nsupported map key",
    "map merge requires",
    "excessive aliasing",
    "contains itself",
    "invalid base64",
    "nsupported value",
    "cannot unmarshal",
];

struct Go {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What Go made of a document: its JSON and its nodes.
struct Answer {
    json: Result<Json, String>,
    nodes: Result<Json, String>,
}

impl Go {
    fn start(program: &str) -> std::io::Result<Self> {
        let mut child = Command::new(program).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Ok(Self { child, requests, answers })
    }

    fn ask(&mut self, document: &str) -> Answer {
        let request = format!("{}\n{document}", document.len());
        self.requests.write_all(request.as_bytes()).expect("the peer reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the peer answers");
        let (json, nodes) = line.trim_end_matches('\n').split_once('\t').expect("two answers");
        let parse = |text: &str| match text.strip_prefix('!') {
            Some(error) => Err(error.to_owned()),
            None => {
                let mut json = serde_json::Deserializer::from_str(text);
                json.disable_recursion_limit();
                Ok(Json::deserialize(&mut json).unwrap_or_else(|error| panic!("{error}: {text}")))
            }
        };
        Answer { json: parse(json), nodes: parse(nodes) }
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> ExitCode {
    let Ok(program) = std::env::var("WINDLASS_YAML_ORACLE") else {
        eprintln!("WINDLASS_YAML_ORACLE must name the peer; `cargo xtask fuzz go` sees to it");
        return ExitCode::FAILURE;
    };
    let go = RefCell::new(Go::start(&program).expect("the peer starts"));
    windlass_fuzz::run("go", |text, random| {
        for document in manifests::documents(text).into_iter().take(3) {
            let document = if random.below(2) == 0 { document } else { with_other_white_space(document, random) };
            let outcome = check(&mut go.borrow_mut(), &document, random);
            outcome.map_err(|finding| format!("{finding}\ndocument {document:?}"))?;
        }
        Ok(())
    })
}

/// Puts white space where it looks as if it meant nothing: at ends and starts of lines, and as lines of its own.
fn with_other_white_space(mut document: String, random: &mut Random) -> String {
    for _ in 0..1 + random.below(4) {
        let ends: Vec<usize> = document.match_indices('\n').map(|(at, _)| at).chain([document.len()]).collect();
        let end = random.pick(&ends);
        let lines =
            ["\n", "\n\t", "\n  \t", "\n          \t", "\n      \t  ", "\n  ", "\n          ", "\r\n", "\n\n\t\n"];
        match random.below(4) {
            0 => document.insert_str(end, random.pick(&[" ", "\t", "  \t", "\r", "   "])),
            1 | 2 => document.insert_str(end, random.pick(&lines)),
            _ if end < document.len() => document.insert_str(end + 1, random.pick(&[" ", "\t", "  "])),
            _ => {}
        }
    }
    document
}

/// As Helm cuts it out of its stream: without the line that starts it.
fn without_marker(document: &str) -> &str {
    match document.strip_prefix("---") {
        Some(rest) if rest.starts_with(['\n', '\r', ' ', '\t']) || rest.is_empty() => {
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            match line.trim_start() {
                _ if line.trim_end_matches(['\r', '\n']).contains('\r') => document,
                "" => &rest[line.len()..],
                comment if comment.starts_with('#') => &rest[line.len()..],
                _ => document,
            }
        }
        _ => document,
    }
}

fn check(go: &mut Go, document: &str, random: &mut Random) -> Result<(), String> {
    let seen = go.ask(without_marker(document));
    let own = windlass_manifest::nodes_as_json(document);
    let is_meant = |error: &str, list: &[&str]| list.iter().any(|part| error.contains(part));
    match (&own, &seen.nodes, &seen.json) {
        (Err(error), _, _) if is_meant(error, &REFUSED_BY_US) => return Ok(()),
        (Err(_), Err(_), _) | (Err(_), _, Err(_)) => return Ok(()),
        // A `...` where there was nothing.
        (Ok(nodes), Err(_), Err(_)) if nodes == "null" || nodes == r#"["plain",""]"# => return Ok(()),
        (Err(error), Ok(_), Ok(value)) => return Err(format!("we refuse what Go reads: {error}\nGo: {value}")),
        (Ok(_), Err(error), _) => return Err(format!("Go (v3) refuses what we read: {error}")),
        (Ok(_), _, Err(error)) if is_meant(error, &REFUSED_AS_JSON) => return Ok(()),
        (Ok(nodes), Ok(_), Err(error)) => return Err(format!("Go (v2) refuses what we read: {error}\nwe: {nodes}")),
        (Ok(own), Ok(expected), Ok(_)) => {
            let own: Json = from_json(own);
            if !same_nodes(&own, expected) {
                return Err(format!("other nodes\nwe: {own}\nGo: {expected}"));
            }
        }
    }
    let Ok(before) = seen.json else { return Ok(()) };
    let Some(own) = values(document)? else { return Ok(()) };
    let before = oracle(&before);
    let paths = before.objects();
    if paths.len() != own.len() {
        return Err(format!("{} objects, not {}", own.len(), paths.len()));
    }
    for (path, own) in paths.iter().zip(&own) {
        let mut before = before.clone();
        let expected = before.at(path.segments());
        let own = own.as_ref().map(|own| oracle(&from_json(own)));
        if let (Some(expected), Some(own)) = (expected, own)
            && !own.means(expected)
        {
            return Err(format!("another value at {path}\nwe: {own:?}\nGo: {expected:?}"));
        }
    }
    edit(go, document, &before, random)
}

fn from_json(text: &str) -> Json {
    let mut json = serde_json::Deserializer::from_str(text);
    json.disable_recursion_limit();
    Json::deserialize(&mut json).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn oracle(json: &Json) -> Oracle {
    let mut oracle = Oracle::deserialize(json).expect("JSON is YAML");
    make_whole_numbers_integers(&mut oracle);
    oracle
}

/// `-1e3` and `-1000` are one number.
fn make_whole_numbers_integers(oracle: &mut Oracle) {
    match oracle {
        Oracle::Float(number) if number.fract() == 0.0 && number.abs() < 1e18 => *oracle = Oracle::Int(*number as i128),
        Oracle::List(items) => items.iter_mut().for_each(make_whole_numbers_integers),
        Oracle::Map(entries) => entries.iter_mut().for_each(|(_, value)| make_whole_numbers_integers(value)),
        _ => {}
    }
}

/// The values of the objects as JSON, where they have one; none where the document holds no object.
fn values(document: &str) -> Result<Option<Vec<Option<String>>>, String> {
    let manifests = Manifests::from_bytes(document.as_bytes().to_vec()).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    let outcome = manifests.read(|object| {
        found.push(object.root().to_value().ok().map(|value| value.to_json()));
        Ok::<(), Error>(())
    });
    match outcome {
        Err(error) if REFUSED_BY_US.iter().any(|part| error.to_string().contains(part)) => Ok(None),
        Err(error) => Err(format!("the objects are refused: {error}")),
        Ok(()) if found.is_empty() => Ok(None),
        Ok(()) => Ok(Some(found)),
    }
}

/// The same kinds and texts; a tag's name is not compared.
fn same_nodes(own: &Json, expected: &Json) -> bool {
    match (own, expected) {
        (Json::Array(own), Json::Array(expected)) => match (own.as_slice(), expected.as_slice()) {
            ([Json::String(own), own_text], [Json::String(style), text]) => {
                // We keep what base64 stands for; the values are compared further on.
                (own_text == text || style == "!!binary") && (own == style || own == "tag")
            }
            _ => own.len() == expected.len() && own.iter().zip(expected).all(|(own, node)| same_nodes(own, node)),
        },
        (Json::Object(own), Json::Object(expected)) => {
            own.len() == expected.len()
                && own.iter().zip(expected).all(|((own_kind, own), (kind, node))| {
                    own_kind == kind
                        && match (own, node) {
                            (Json::Array(own), Json::Array(nodes)) => {
                                own.len() == nodes.len()
                                    && own.iter().zip(nodes).all(|(own, node)| same_nodes(own, node))
                            }
                            _ => own == node,
                        }
                })
        }
        // An empty document.
        (Json::Null, _) | (_, Json::Null) => [own, expected].iter().all(|node| is_nothing(node)),
        _ => own == expected,
    }
}

fn is_nothing(node: &Json) -> bool {
    matches!(node, Json::Null) || node.as_array().is_some_and(|node| node.last() == Some(&Json::String(String::new())))
}

/// Makes a random edit of a random object; its output must be to Go what the input was, plus the edit.
fn edit(go: &mut Go, document: &str, before: &Oracle, random: &mut Random) -> Result<(), String> {
    let Ok(objects) = manifests::objects_with_paths(document) else { return Ok(()) };
    if objects.is_empty() {
        return Ok(());
    }
    let paths = before.objects();
    let wanted = random.below(objects.len());
    let (path, kind, length) = &objects[wanted][random.below(objects[wanted].len())];
    let edits = manifests::edits_at(path, *kind, *length);
    let edit: &Edit = &edits[random.below(edits.len())];
    let mut manifests = Manifests::from_bytes(document.as_bytes().to_vec()).map_err(|error| error.to_string())?;
    match manifests::visit_nth(&mut manifests, wanted, edit) {
        Ok(_) => {}
        // Refused.
        Err(_) => return Ok(()),
    }
    let output = manifests.as_str().to_owned();
    let mut expected = before.clone();
    let object: &Path = &paths[wanted];
    edit.apply_to_oracle(&mut expected, object);
    let seen = go.ask(without_marker(&output));
    let made = || format!("{edit:?} of object {wanted}\n--- output\n{output}\n---");
    if let Err(error) = &seen.nodes {
        return Err(format!("{}\nGo (v3) refuses the output: {error}", made()));
    }
    match seen.json {
        Err(error) => Err(format!("{}\nGo (v2) refuses the output: {error}", made())),
        Ok(after) if !oracle(&after).means(&expected) => {
            Err(format!("{}\nGo reads {after}\nexpected {expected:?}", made()))
        }
        Ok(_) => Ok(()),
    }
}
