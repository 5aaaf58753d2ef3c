//! What an object means, in the types that Helm sees, with as much of the notation as tells what another reader sees.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use windlass_manifest::{Budget, Kind, Node, Value};

use crate::note::ReadError;

/// How deep an object may be nested, as everywhere where values are made.
const MAX_DEPTH: usize = 200;

/// A node of an object.
#[derive(Clone, Debug)]
pub(crate) enum Item<'a> {
    Scalar(Scalar<'a>),
    List(Vec<Item<'a>>),
    Map(Vec<Entry<'a>>),
}

/// An entry of a map. Keys are unique.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    /// As Helm sees it: of `on` it is `true`.
    pub(crate) key: Cow<'a, str>,
    /// As it stands.
    pub(crate) written: Scalar<'a>,
    pub(crate) value: Item<'a>,
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar<'a> {
    /// After quotes, escapes and folding.
    pub(crate) text: Cow<'a, str>,
    pub(crate) typed: Type,
    pub(crate) style: Style,
}

/// What Helm takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Bool(bool),
    Number,
    Text,
}

/// How a scalar is written, as far as another reader cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Block,
}

/// A number by its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    /// A float that is a whole number is that number: JSON does not tell `1.0` from `1`.
    pub(crate) fn of_float(value: f64) -> Self {
        // Beyond this a float does not tell neighbouring whole numbers apart anyway.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match value.fract() == 0.0 && value.abs() <= EXACT {
            true => Number::Whole(value as i128),
            false => Number::Float(value),
        }
    }

    /// The number of a text in a notation that Helm's YAML takes for one.
    fn of_helm(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse::<i64>()
            && (text == "0" || !text.trim_start_matches(['-', '+']).starts_with('0'))
        {
            return Some(Number::Whole(whole.into()));
        }
        let json = Value::Number(text.to_owned()).to_json();
        match json.parse::<i128>() {
            Ok(whole) => Some(Number::Whole(whole)),
            Err(_) => json.parse::<f64>().ok().map(Number::of_float),
        }
    }

    /// As a program sees it whose numbers are all 64-bit floats.
    pub(crate) fn as_float(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Float(value) => value,
        }
    }
}

impl<'a> Scalar<'a> {
    fn of(node: &Node<'a>, text: Cow<'a, str>) -> Self {
        let typed = match () {
            () if node.is_null() => Type::Null,
            () if node.is_number() => Type::Number,
            () => node.as_bool().map_or(Type::Text, Type::Bool),
        };
        let style = match () {
            () if node.is_plain() => Style::Plain,
            () if node.is_block_scalar() => Style::Block,
            () => Style::Quoted,
        };
        Scalar { text, typed, style }
    }

    /// The number that this is; `None` for what is none, and for infinities and not-a-number.
    pub(crate) fn number(&self) -> Option<Number> {
        match self.typed {
            Type::Number => Number::of_helm(&self.text),
            _ => None,
        }
    }

    /// Whether both mean the same to Helm.
    pub(crate) fn means(&self, other: &Scalar<'_>) -> bool {
        match (self.typed, other.typed) {
            (Type::Number, Type::Number) => {
                self.text == other.text
                    || match (self.number(), other.number()) {
                        (None, None) => {
                            self.text.trim_start_matches('+').eq_ignore_ascii_case(other.text.trim_start_matches('+'))
                        }
                        (mine, others) => mine == others,
                    }
            }
            (Type::Text, Type::Text) => self.text == other.text,
            (mine, others) => mine == others,
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self.typed {
            Type::Null => Value::Null,
            Type::Bool(value) => Value::Bool(value),
            Type::Number => Value::Number(self.text.clone().into_owned()),
            Type::Text => Value::String(self.text.clone().into_owned()),
        }
    }

    fn into_owned(self) -> Scalar<'static> {
        Scalar { text: Cow::Owned(self.text.into_owned()), typed: self.typed, style: self.style }
    }

    fn hash_into(&self, hasher: &mut DefaultHasher) {
        match self.typed {
            Type::Null => 0_u8.hash(hasher),
            Type::Bool(value) => (1_u8, value).hash(hasher),
            Type::Number => match self.number() {
                Some(Number::Whole(whole)) => (2_u8, whole).hash(hasher),
                Some(Number::Float(value)) => (3_u8, value.to_bits()).hash(hasher),
                None => 4_u8.hash(hasher),
            },
            Type::Text => (5_u8, &self.text).hash(hasher),
        }
    }
}

impl Entry<'_> {
    fn meaning(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.key, self.value.meaning()).hash(&mut hasher);
        hasher.finish()
    }
}

impl<'a> Item<'a> {
    /// What a node means.
    ///
    /// # Errors
    /// A node nested deeper than 200 levels; a budget that is used up.
    pub(crate) fn of(node: Node<'a>, budget: &Budget) -> Result<Self, ReadError> {
        Self::below(node, budget, MAX_DEPTH)
    }

    fn below(node: Node<'a>, budget: &Budget, depth: usize) -> Result<Self, ReadError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(ReadError::Deep(node.line()));
        };
        budget.entries(1)?;
        Ok(match node.kind() {
            Kind::Scalar => {
                let text = node.scalar_text().unwrap_or_default();
                budget.bytes(text.len())?;
                Item::Scalar(Scalar::of(&node, text))
            }
            Kind::List => {
                Item::List(node.items().map(|item| Self::below(item, budget, depth)).collect::<Result<_, _>>()?)
            }
            Kind::Map => {
                let entries = node.entries_with_keys().into_iter().map(|(key, written, value)| {
                    let written = match written {
                        Some(node) => Scalar::of(&node, node.scalar_text().unwrap_or_default()),
                        None => Scalar { text: key.clone(), typed: Type::Text, style: Style::Quoted },
                    };
                    Ok(Entry { key, written, value: Self::below(value, budget, depth)? })
                });
                Item::Map(entries.collect::<Result<_, ReadError>>()?)
            }
        })
    }

    /// A value as a node.
    ///
    /// # Errors
    /// As for [`Item::of`].
    pub(crate) fn of_value(value: &'a Value, budget: &Budget) -> Result<Self, ReadError> {
        Self::of_value_below(value, budget, MAX_DEPTH)
    }

    fn of_value_below(value: &'a Value, budget: &Budget, depth: usize) -> Result<Self, ReadError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(ReadError::Deep(1));
        };
        budget.entries(1)?;
        let scalar = |text: Cow<'a, str>, typed| Item::Scalar(Scalar { text, typed, style: Style::Quoted });
        Ok(match value {
            Value::Null => scalar("null".into(), Type::Null),
            Value::Bool(flag) => scalar(if *flag { "true" } else { "false" }.into(), Type::Bool(*flag)),
            Value::Number(text) => scalar(text.into(), Type::Number),
            Value::String(text) => scalar(text.into(), Type::Text),
            Value::List(items) => {
                let items = items.iter().map(|item| Self::of_value_below(item, budget, depth));
                Item::List(items.collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let written = Scalar { text: key.into(), typed: Type::Text, style: Style::Quoted };
                    Ok(Entry { key: key.into(), written, value: Self::of_value_below(value, budget, depth)? })
                });
                Item::Map(entries.collect::<Result<_, ReadError>>()?)
            }
        })
    }

    pub(crate) fn into_owned(self) -> Item<'static> {
        match self {
            Item::Scalar(scalar) => Item::Scalar(scalar.into_owned()),
            Item::List(items) => Item::List(items.into_iter().map(Item::into_owned).collect()),
            Item::Map(entries) => Item::Map(
                entries
                    .into_iter()
                    .map(|entry| Entry {
                        key: Cow::Owned(entry.key.into_owned()),
                        written: entry.written.into_owned(),
                        value: entry.value.into_owned(),
                    })
                    .collect(),
            ),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Item::Scalar(scalar) => scalar.to_value(),
            Item::List(items) => items.iter().map(Item::to_value).collect(),
            Item::Map(entries) => Value::Map(
                entries.iter().map(|entry| (entry.key.clone().into_owned(), entry.value.to_value())).collect(),
            ),
        }
    }

    /// The value of a key, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Item<'a>> {
        match self {
            Item::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    pub(crate) fn as_scalar(&self) -> Option<&Scalar<'a>> {
        match self {
            Item::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Item::Scalar(Scalar { typed: Type::Null, .. }))
    }

    /// Whether there is nothing in it: null, an empty map or an empty list.
    pub(crate) fn holds_nothing(&self) -> bool {
        match self {
            Item::Scalar(scalar) => scalar.typed == Type::Null,
            Item::List(items) => items.is_empty(),
            Item::Map(entries) => entries.is_empty(),
        }
    }

    /// How many nodes it has.
    pub(crate) fn size(&self) -> usize {
        match self {
            Item::Scalar(_) => 1,
            Item::List(items) => 1 + items.iter().map(Item::size).sum::<usize>(),
            Item::Map(entries) => 1 + entries.iter().map(|entry| 1 + entry.value.size()).sum::<usize>(),
        }
    }

    /// A number that is the same for what means the same.
    pub(crate) fn meaning(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Item::Scalar(scalar) => scalar.hash_into(&mut hasher),
            Item::List(items) => {
                6_u8.hash(&mut hasher);
                items.iter().for_each(|item| item.meaning().hash(&mut hasher));
            }
            Item::Map(entries) => {
                7_u8.hash(&mut hasher);
                // The order of entries means nothing.
                let sum = entries.iter().fold(0_u64, |sum, entry| sum.wrapping_add(entry.meaning()));
                sum.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Numbers that are the same for entries that mean the same, sorted; `None` for what is no map.
    pub(crate) fn entry_meanings(&self) -> Option<Vec<u64>> {
        let Item::Map(entries) = self else { return None };
        let mut meanings: Vec<u64> = entries.iter().map(Entry::meaning).collect();
        meanings.sort_unstable();
        Some(meanings)
    }

    /// A number that is the same for what is probably the same item of a list before and after a change: by what names
    /// it.
    pub(crate) fn likeness(&self) -> u64 {
        const NAMES: [&str; 9] = ["name", "key", "id", "host", "path", "type", "kind", "port", "apiGroups"];
        let mut hasher = DefaultHasher::new();
        match self {
            Item::Scalar(scalar) => (0_u8, &scalar.text).hash(&mut hasher),
            Item::List(items) => (1_u8, items.first().map(Item::meaning)).hash(&mut hasher),
            Item::Map(entries) => match NAMES.iter().find_map(|name| Some((name, self.get(name)?))) {
                Some((name, value)) => (2_u8, name, value.meaning()).hash(&mut hasher),
                None => (3_u8, entries.first().map(|entry| &entry.key)).hash(&mut hasher),
            },
        }
        hasher.finish()
    }
}
