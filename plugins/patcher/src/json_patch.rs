//! JSON Patch (RFC 6902): a list of operations, each at a place that a JSON pointer (RFC 6901) names.

use windlass_pdk::shape::Shape;
use windlass_pdk::{Config, ConfigError, Error, Kind, Node, Object, Path, Schema, Value};

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    action: Action,
    path: Pointer,
}

#[derive(Clone, Debug)]
enum Action {
    Add(Value),
    Replace(Value),
    Test(Value),
    Remove,
    Move(Pointer),
    Copy(Pointer),
}

/// An operation as it is written.
#[derive(Debug, Config)]
struct Written {
    op: Word,
    path: Pointer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
enum Word {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

impl Config for Operation {
    const SCHEMA: Schema = Schema::Map(&Schema::Any);

    fn read(value: Value) -> Result<Self, ConfigError> {
        let Value::Map(mut entries) = value else {
            return Err(ConfigError::new(format!("expected a map, found {}", value.type_name())));
        };
        // Taken out by hand: here null is a value like any other, and not a missing one.
        let mut take = |name: &str| entries.iter().position(|(key, _)| key == name).map(|at| entries.remove(at).1);
        let (value, from) = (take("value"), take("from"));
        // RFC 6902: members that an operation does not define are ignored.
        entries.retain(|(key, _)| Written::KEYS.iter().any(|known| known.name == key));
        let written = Written::read(Value::Map(entries))?;
        let value = || value.ok_or_else(|| ConfigError::new("is required").under("value"));
        let from = || match from.filter(|from| !from.is_null()) {
            Some(from) => Pointer::read(from).map_err(|error| error.under("from")),
            None => Err(ConfigError::new("is required").under("from")),
        };
        let action = match written.op {
            Word::Add => Action::Add(value()?),
            Word::Replace => Action::Replace(value()?),
            Word::Test => Action::Test(value()?),
            Word::Remove => Action::Remove,
            Word::Move => Action::Move(from()?),
            Word::Copy => Action::Copy(from()?),
        };
        let operation = Operation { action, path: written.path };
        if operation.path.tokens.is_empty() && !matches!(operation.action, Action::Test(_)) {
            return Err(ConfigError::new("the whole object cannot be changed at once").under("path"));
        }
        if let Action::Move(from) = &operation.action
            && *from != operation.path
            && operation.path.tokens.starts_with(&from.tokens)
        {
            return Err(ConfigError::new("nothing can be moved into itself").under("path"));
        }
        Ok(operation)
    }
}

/// A JSON pointer: the keys and indexes on the way to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    fn parse(text: &str) -> Result<Self, String> {
        let tokens = match text.strip_prefix('/') {
            None if text.is_empty() => return Ok(Pointer { tokens: Vec::new() }),
            None => return Err(format!("`{text}` does not begin with a slash")),
            Some(tokens) => tokens,
        };
        let mut pointer = Pointer { tokens: Vec::new() };
        for token in tokens.split('/') {
            let mut unescaped = String::new();
            let mut characters = token.chars();
            while let Some(character) = characters.next() {
                unescaped.push(match character {
                    // Every `~` begins `~0` or `~1`.
                    '~' => match characters.next() {
                        Some('0') => '~',
                        Some('1') => '/',
                        _ => {
                            let problem = "has a `~` that is neither `~0` (a tilde) nor `~1` (a slash)";
                            return Err(format!("`{text}` {problem}"));
                        }
                    },
                    other => other,
                });
            }
            pointer.tokens.push(unescaped);
        }
        Ok(pointer)
    }
}

impl Pointer {
    /// Whether this is the place behind the last item of a list.
    fn is_end(&self) -> bool {
        self.tokens.last().is_some_and(|token| token == "-")
    }
}

impl Config for Pointer {
    const SCHEMA: Schema = Schema::Text { pattern: None };

    fn read(value: Value) -> Result<Self, ConfigError> {
        Pointer::parse(&String::read(value)?).map_err(ConfigError::new)
    }
}

/// Whether an operation would change the keys that tell objects apart, or something above them.
pub(crate) fn changes_identity(operations: &[Operation]) -> bool {
    let identity = [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];
    let touches = |pointer: &Pointer| {
        identity.iter().any(|key| pointer.tokens.iter().zip(*key).all(|(token, key)| token == key))
            && !pointer.tokens.is_empty()
    };
    operations.iter().any(|operation| match &operation.action {
        Action::Test(_) => false,
        Action::Move(from) if *from == operation.path => false,
        Action::Move(from) => touches(from) || touches(&operation.path),
        Action::Add(_) | Action::Replace(_) | Action::Remove | Action::Copy(_) => touches(&operation.path),
    })
}

/// Applies the operations in order.
///
/// What is added to a list is left out where it stands already: a value at its index, a run of values for the end of
/// one list (`/-`) at that end. RFC 6902 would add it again, but a chart that is patched twice must look as if it was
/// patched once.
///
/// # Errors
/// A place that is not there, a failed `test`, and what cannot be edited safely.
pub(crate) fn apply(object: &mut Object<'_>, operations: &[Operation]) -> Result<(), Error> {
    let mut rest = operations;
    while let Some((operation, after)) = rest.split_first() {
        rest = after;
        let path = &operation.path;
        match &operation.action {
            Action::Add(value) if path.is_end() => {
                let mut values = vec![typed(object, path, value)];
                while let Some((Operation { action: Action::Add(value), path: next }, after)) = rest.split_first()
                    && next == path
                {
                    values.push(typed(object, path, value));
                    rest = after;
                }
                if !ends_with(object, path, &values) {
                    for value in values {
                        add(object, path, value)?;
                    }
                }
            }
            Action::Add(value) => {
                let value = typed(object, path, value);
                if !stands_in_list(object, path, &value) {
                    add(object, path, value)?;
                }
            }
            Action::Replace(value) => {
                let value = typed(object, path, value);
                let path = existing(object, path, "replace")?;
                object.set(&path, value)?;
            }
            Action::Remove => {
                let path = existing(object, path, "remove")?;
                object.remove(&path)?;
            }
            Action::Test(expected) => {
                let path = existing(object, path, "test")?;
                if !object.get(&path).is_some_and(|node| node.means(expected)) {
                    let actual = value_at(object, &path)?;
                    return Err(object
                        .refuse_at(&path, format!("the test failed: it is {actual}, not {expected}"))
                        .into());
                }
            }
            Action::Move(from) => {
                let source = existing(object, from, "move")?;
                if from == path {
                    continue;
                }
                let value = value_at(object, &source)?;
                object.remove(&source)?;
                let value = typed(object, path, &value);
                add(object, path, value)?;
            }
            Action::Copy(from) => {
                let source = existing(object, from, "copy")?;
                let value = typed(object, path, &value_at(object, &source)?);
                add(object, path, value)?;
            }
        }
    }
    Ok(())
}

/// A value as the API has it at a place: a string where labels and the like are.
fn typed(object: &Object<'_>, pointer: &Pointer, value: &Value) -> Value {
    let mut shape = Shape::of(object.group(), object.kind());
    let mut node = Some(object.root());
    for token in &pointer.tokens {
        // What is known of a list is known of its items.
        if node.is_none_or(|node| node.kind() != Kind::List) {
            shape = shape.below(token).1;
        }
        node = node.and_then(|node| step(node, &Path::root(), token).1);
    }
    shape.typed(value)
}

/// Whether the list whose end a pointer names ends with these values already.
fn ends_with(object: &Object<'_>, pointer: &Pointer, values: &[Value]) -> bool {
    let list = pointer.tokens.split_last().and_then(|(_, parents)| find(object, parents));
    let Some(list) = list.filter(|list| list.kind() == Kind::List) else { return false };
    let Some(first) = list.len().checked_sub(values.len()) else { return false };
    list.items().skip(first).zip(values).all(|(there, value)| there.means(value))
}

/// Whether a pointer names an item of a list that is this value already.
fn stands_in_list(object: &Object<'_>, pointer: &Pointer, value: &Value) -> bool {
    let Some((last, parents)) = pointer.tokens.split_last() else { return false };
    let list = find(object, parents).filter(|list| list.kind() == Kind::List);
    list.and_then(|list| list.at(index(last)?)).is_some_and(|there| there.means(value))
}

fn find<'a>(object: &'a Object<'_>, tokens: &[String]) -> Option<Node<'a>> {
    tokens.iter().try_fold(object.root(), |node, token| step(node, &Path::root(), token).1)
}

fn value_at(object: &Object<'_>, path: &Path) -> Result<Value, Error> {
    match object.get(path) {
        Some(node) => Ok(node.to_value()?),
        None => Ok(Value::Null),
    }
}

fn add(object: &mut Object<'_>, pointer: &Pointer, value: Value) -> Result<(), Error> {
    let Some((last, parents)) = pointer.tokens.split_last() else { return Ok(()) };
    // Labels and annotations have a place even where there are none yet: kustomize adds to them, too.
    if let [above @ .., metadata, map] = parents
        && metadata == "metadata"
        && (map == "labels" || map == "annotations")
        && find(object, parents).is_none_or(|map| map.is_null())
    {
        let path = walk(object, above, pointer, "add")?;
        object.set(&path.key(metadata).key(map).key(last), value)?;
        return Ok(());
    }
    let parent = walk(object, parents, pointer, "add")?;
    let (kind, length) = match object.get(&parent) {
        Some(node) => (node.kind(), node.len()),
        None => (Kind::Scalar, 0),
    };
    match kind {
        Kind::Map => object.set(&parent.key(last), value)?,
        Kind::List if last == "-" => object.append(&parent, value)?,
        Kind::List => match index(last).filter(|&index| index <= length) {
            Some(index) if index == length => object.append(&parent, value)?,
            Some(index) => object.insert(&parent, index, value)?,
            None => {
                let message =
                    format!("cannot add `{pointer}`: the list has {length} items, and `{last}` is no place among them");
                return Err(object.refuse_at(&parent, message).into());
            }
        },
        Kind::Scalar => {
            let message = format!("cannot add `{pointer}`: what is above it is neither a map nor a list");
            return Err(object.refuse_at(&parent, message).into());
        }
    };
    Ok(())
}

fn existing(object: &Object<'_>, pointer: &Pointer, word: &str) -> Result<Path, Error> {
    walk(object, &pointer.tokens, pointer, word)
}

/// The path to a place that is there.
fn walk(object: &Object<'_>, tokens: &[String], pointer: &Pointer, word: &str) -> Result<Path, Error> {
    let mut path = Path::root();
    let mut node = object.root();
    for token in tokens {
        let (next, below) = step(node, &path, token);
        match below {
            Some(below) => node = below,
            None => {
                let message = format!(
                    "cannot {word} `{pointer}`: there is no `{token}` in it; add what is missing first, or narrow the target"
                );
                return Err(object.refuse_at(&path, message).into());
            }
        }
        path = next;
    }
    Ok(path)
}

fn step<'a>(node: Node<'a>, path: &Path, token: &str) -> (Path, Option<Node<'a>>) {
    match node.kind() {
        Kind::List => match index(token) {
            Some(index) => (path.index(index), node.at(index)),
            None => (path.clone(), None),
        },
        _ => (path.key(token), node.get(token)),
    }
}

/// An index as RFC 6901 writes it: digits without zeros in front.
fn index(token: &str) -> Option<usize> {
    let is_plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    if is_plain { token.parse().ok() } else { None }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for token in &self.tokens {
            write!(formatter, "/{}", token.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_as_rfc_6901_says() {
        for (text, expected) in [
            ("", vec![]),
            ("/", vec![""]),
            ("/a/0/-", vec!["a", "0", "-"]),
            ("/metadata/annotations/example.com~1owner", vec!["metadata", "annotations", "example.com/owner"]),
            ("/m~0n/~01", vec!["m~n", "~1"]),
        ] {
            let pointer = Pointer::parse(text).expect("a pointer");
            assert_eq!(pointer.tokens, expected, "{text}");
            assert_eq!(pointer.to_string(), text);
        }
        assert!(Pointer::parse("a").is_err());
        assert!(Pointer::parse("/a~2").is_err());
        assert!(Pointer::parse("/a~").is_err());
    }

    #[test]
    fn indexes_have_no_zeros_in_front() {
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("10"), Some(10));
        for bad in ["", "-", "01", "+1", "1a", "99999999999999999999"] {
            assert_eq!(index(bad), None, "{bad}");
        }
    }
}
