//! Which object of the stream an object of the script's result is, where the script made a new one of it.

use std::collections::{HashMap, HashSet};

use windlass_pdk::Value;

use crate::engine::Left;

/// What is to become of a stream.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Of each object, in order.
    pub(crate) fates: Vec<Fate>,
    /// New objects, each with the place of the object that it goes before; the number of objects for the end.
    pub(crate) additions: Vec<(usize, Value)>,
}

/// What is to become of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Dropped,
    Same,
    Changed(Value),
}

/// What makes an object that one.
#[derive(PartialEq, Eq, Hash)]
struct Identity(Vec<Option<String>>);

/// How an object is recognised, the surest first.
#[derive(Clone, Copy)]
enum By {
    /// By all that it says: of several that are called the same, the one that did not change.
    Content,
    /// By group, version, kind, namespace and name.
    All,
    /// By kind and name: it got another namespace, or version.
    KindAndName,
    /// By kind and its place in the array: it got another name. Only where the array is as long as it was.
    Place,
}

impl Identity {
    fn of(object: &Value, place: usize, by: By) -> Self {
        let metadata = object.get("metadata");
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let of_metadata = |key| text(metadata.and_then(|metadata| metadata.get(key)));
        let kind = text(object.get("kind"));
        Identity(match by {
            By::Content => vec![Some(format!("{object:?}"))],
            By::All => vec![text(object.get("apiVersion")), kind, of_metadata("namespace"), of_metadata("name")],
            By::KindAndName => vec![kind, of_metadata("name")],
            By::Place => vec![kind, Some(place.to_string())],
        })
    }
}

/// Pairs what a script left with what it was given: what it did not make anew is known, and of the rest what is
/// called the same is the same ([`By`]). The order of those that stay means nothing.
pub(crate) fn pair(objects: &[Value], left: Vec<Left>) -> Plan {
    let mut fates: Vec<Option<Fate>> = vec![None; objects.len()];
    let mut rest: Vec<(usize, Value)> = Vec::new();
    let mut places: Vec<Option<usize>> = Vec::with_capacity(left.len());
    for (at, left) in left.into_iter().enumerate() {
        let (place, fate) = match left {
            Left::Same(place) => (place, Fate::Same),
            Left::Changed(place, value) => (place, Fate::Changed(value)),
            Left::Other(value) => {
                places.push(None);
                rest.push((at, value));
                continue;
            }
        };
        match fates.get_mut(place) {
            Some(known @ None) => {
                *known = Some(fate);
                places.push(Some(place));
            }
            // One that is there twice is another one the second time.
            _ => {
                places.push(None);
                let value = match fate {
                    Fate::Changed(value) => value,
                    Fate::Same | Fate::Dropped => objects.get(place).cloned().unwrap_or_default(),
                };
                rest.push((at, value));
            }
        }
    }
    let is_as_long = places.len() == objects.len();
    for by in [By::Content, By::All, By::KindAndName, By::Place] {
        let needed = match by {
            By::Content => some_are_called_the_same(objects),
            By::Place => is_as_long,
            By::All | By::KindAndName => true,
        };
        if rest.is_empty() || !needed {
            continue;
        }
        let mut free: HashMap<Identity, Vec<usize>> = HashMap::new();
        for (place, object) in objects.iter().enumerate().rev() {
            if fates.get(place) == Some(&None) {
                free.entry(Identity::of(object, place, by)).or_default().push(place);
            }
        }
        let mut unknown = Vec::new();
        for (at, value) in rest {
            let place = free.get_mut(&Identity::of(&value, at, by)).and_then(Vec::pop);
            match place.and_then(|place| fates.get_mut(place)) {
                Some(fate) => {
                    *fate = Some(Fate::Changed(value));
                    if let Some(known) = places.get_mut(at) {
                        *known = place;
                    }
                }
                None => unknown.push((at, value)),
            }
        }
        rest = unknown;
    }
    let new = rest;
    // Before the object that follows in the script's array, or at the end.
    let mut following = vec![objects.len(); places.len() + 1];
    for (at, place) in places.iter().enumerate().rev() {
        let next = following.get(at + 1).copied().unwrap_or(objects.len());
        if let Some(slot) = following.get_mut(at) {
            *slot = place.unwrap_or(next);
        }
    }
    let additions =
        new.into_iter().map(|(at, value)| (following.get(at).copied().unwrap_or(objects.len()), value)).collect();
    Plan { fates: fates.into_iter().map(Option::unwrap_or_default).collect(), additions }
}

fn some_are_called_the_same(objects: &[Value]) -> bool {
    let mut seen = HashSet::with_capacity(objects.len());
    objects.iter().any(|object| !seen.insert(Identity::of(object, 0, By::All)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, data: &str) -> Value {
        Value::from_yaml(&format!("kind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {data}\n")).unwrap()
    }

    #[test]
    fn objects_find_their_places() {
        let before = [object("a", "1"), object("b", "1"), object("b", "2")];
        let changed = |value: &Value| Fate::Changed(value.clone());
        let check = |left: Vec<Left>, fates: [Fate; 3], additions: &[(usize, Value)]| {
            let plan = pair(&before, left);
            assert_eq!((plan.fates.as_slice(), plan.additions.as_slice()), (fates.as_slice(), additions));
        };
        check(Vec::new(), [Fate::Dropped, Fate::Dropped, Fate::Dropped], &[]);
        let (a, b, c) = (object("a", "9"), object("b", "8"), object("c", "7"));
        // By what it is called, in order; what is known first.
        check(
            vec![Left::Other(b.clone()), Left::Other(a.clone()), Left::Same(1)],
            [changed(&a), Fate::Same, changed(&b)],
            &[],
        );
        // New ones where they stand.
        let left =
            vec![Left::Other(c.clone()), Left::Same(0), Left::Other(c.clone()), Left::Same(2), Left::Other(c.clone())];
        check(left, [Fate::Same, Fate::Dropped, Fate::Same], &[(0, c.clone()), (2, c.clone()), (3, c.clone())]);
        // With another name, where nothing came or went; with another kind it is another object.
        check(vec![Left::Same(0), Left::Other(c.clone()), Left::Same(2)], [Fate::Same, changed(&c), Fate::Same], &[]);
        check(
            vec![Left::Same(0), Left::Other(c.clone())],
            [Fate::Same, Fate::Dropped, Fate::Dropped],
            &[(3, c.clone())],
        );
        // Of those that are called the same, what did not change is itself.
        let left: Vec<Left> = before.iter().rev().cloned().map(Left::Other).collect();
        check(left, [changed(&before[0]), changed(&before[1]), changed(&before[2])], &[]);
        // The same one twice.
        check(
            vec![Left::Same(0), Left::Same(0)],
            [Fate::Same, Fate::Dropped, Fate::Dropped],
            &[(3, before[0].clone())],
        );
    }
}
