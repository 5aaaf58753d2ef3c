//! What ConfigMaps and Secrets hold, as hashes.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use windlass_pdk::{Error, Kind, Node, Object, Value, names};

/// An object that pods may refer to.
pub(crate) struct Source {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) is_hook: bool,
    pub(crate) content: Content,
}

/// The hash of the value of each key.
#[derive(Default)]
pub(crate) struct Content {
    keys: BTreeMap<String, String>,
}

/// The kinds that are known, with their groups.
pub(crate) const KINDS: [(&str, &str); 3] =
    [("", "ConfigMap"), ("", "Secret"), ("secrets-store.csi.x-k8s.io", "SecretProviderClass")];

impl Source {
    /// Reads an object, if it is one that pods refer to.
    pub(crate) fn of(object: &Object<'_>) -> Result<Option<Self>, Error> {
        let known = KINDS.iter().find(|(group, kind)| *group == object.group() && *kind == object.kind());
        let Some((_, kind)) = known else { return Ok(None) };
        let mut content = Content::default();
        let root = object.root();
        match *kind {
            "ConfigMap" => {
                content.add(root.get("data"), |text| text.as_bytes().to_vec());
                content.add(root.get("binaryData"), decode);
            }
            "Secret" => {
                content.add(root.get("data"), decode);
                // The API server lets these win.
                content.add(root.get("stringData"), |text| text.as_bytes().to_vec());
            }
            _ => {
                for part in ["spec", "parameters"] {
                    if let Some(node) = root.get(part) {
                        let value = sorted(node.to_value()?);
                        content.keys.insert(part.to_owned(), hex(&Sha256::digest(value.to_json().as_bytes())));
                    }
                }
            }
        }
        Ok(Some(Source {
            kind,
            name: object.name().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            is_hook: object.annotation(names::HOOK_ANNOTATION).is_some(),
            content,
        }))
    }
}

impl Content {
    fn add(&mut self, map: Option<Node<'_>>, bytes: impl Fn(&str) -> Vec<u8>) {
        for (key, value) in map.iter().flat_map(Node::entries) {
            if value.kind() != Kind::Scalar || value.is_null() {
                continue;
            }
            let text = value.scalar_text().unwrap_or_default();
            self.keys.insert(key.into_owned(), hex(&Sha256::digest(bytes(&text))));
        }
    }

    /// The hash of some keys, or of all; one that is not there counts as such.
    pub(crate) fn hash(&self, keys: Option<&[&str]>) -> String {
        match keys {
            None => Self::combine(self.keys.iter().map(|(key, hash)| (key.as_str(), hash.as_str()))),
            Some(keys) => {
                let mut keys = keys.to_vec();
                keys.sort_unstable();
                keys.dedup();
                Self::combine(keys.into_iter().map(|key| (key, self.keys.get(key).map_or("", String::as_str))))
            }
        }
    }

    /// One hash of several, in their order.
    pub(crate) fn combine<'p>(parts: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
        let mut hasher = Sha256::new();
        for (name, hash) in parts {
            // A zero byte is part of no name.
            hasher.update(name.as_bytes());
            hasher.update([0]);
            hasher.update(hash.as_bytes());
            hasher.update([0]);
        }
        hex(&hasher.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that a base64 text stands for; text that is none stands for itself.
fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.trim_end_matches([' ', '\n', '\r', '=']).bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' | b'\r' | b' ' => continue,
            _ => return text.as_bytes().to_vec(),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    out
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Map(entries) => {
            let sorted: BTreeMap<String, Value> =
                entries.into_iter().map(|(key, value)| (key, self::sorted(value))).collect();
            sorted.into_iter().collect()
        }
        Value::List(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
