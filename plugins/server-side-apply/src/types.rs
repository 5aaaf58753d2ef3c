//! What the API server wants in each field of Kubernetes' own kinds.

mod table;

/// The type of a field, as a row of the table spells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Type(&'static str);

/// What a type is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Whatever it is.
    Any,
    Text,
    Integer,
    Number,
    Boolean,
    /// A string or a number: quantities, and ports by name or number.
    Quantity,
    /// A map with these fields.
    Fields(Fields),
    /// A map with any keys.
    Map(Type),
    /// A list that the API server takes as one value.
    List(Type),
    /// A list of scalars, each once.
    Set(Type),
    /// A list of maps, told apart by these keys (joined by commas).
    Keyed(&'static str, Type),
}

/// The fields of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields(&'static str);

impl Fields {
    /// What an object of this kind consists of, and whether that is known to be all: it is not for custom resources,
    /// nor for versions that the table does not have.
    pub(crate) fn of(group: &str, version: &str, kind: &str) -> (Self, bool) {
        let kinds = table::KINDS.iter().filter(|(known, _)| *known == group).flat_map(|(_, kinds)| kinds.split(' '));
        let mut versions =
            kinds.filter_map(|it| it.split_once('/')).filter(|(known, _)| *known == kind).map(|(_, versions)| versions);
        let Some(versions) = versions.next() else { return (Self::row("0"), false) };
        let rows = || versions.split(',').filter_map(|it| it.split_once('='));
        match rows().find(|(known, _)| *known == version) {
            Some((_, row)) => (Self::row(row), true),
            None => (rows().next().map_or(Self::row("0"), |(_, row)| Self::row(row)), false),
        }
    }

    fn row(number: &str) -> Self {
        let row = number.parse::<usize>().ok().and_then(|number| table::ROWS.get(number));
        Fields(row.copied().unwrap_or_default())
    }

    /// The type of a field, if there is one of this name.
    pub(crate) fn get(self, key: &str) -> Option<Type> {
        let mut entries = self.0.split(' ').filter_map(|entry| entry.split_once('='));
        entries.find(|(_, keys)| keys.split(',').any(|known| known == key)).map(|(of, _)| Type(of))
    }
}

impl Type {
    pub(crate) fn shape(self) -> Shape {
        let rest = |count: usize| Type(self.0.get(count..).unwrap_or_default());
        match self.0.as_bytes().first() {
            Some(b's') => Shape::Text,
            Some(b'i') => Shape::Integer,
            Some(b'n') => Shape::Number,
            Some(b'b') => Shape::Boolean,
            Some(b'q') => Shape::Quantity,
            Some(b'{') => Shape::Map(rest(1)),
            Some(b'[') => Shape::List(rest(1)),
            Some(b'+') => Shape::Set(rest(1)),
            Some(b':') => match self.0.get(1..).and_then(|rest| rest.split_once('[')) {
                Some((keys, of)) => Shape::Keyed(keys, Type(of)),
                None => Shape::Any,
            },
            Some(byte) if byte.is_ascii_digit() => Shape::Fields(Fields::row(self.0)),
            _ => Shape::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_table_is_known() {
        for row in table::ROWS {
            for (of, _) in row.split(' ').filter_map(|entry| entry.split_once('=')) {
                let mut of = Type(of);
                loop {
                    of = match of.shape() {
                        Shape::Map(inner) | Shape::List(inner) | Shape::Set(inner) | Shape::Keyed(_, inner) => inner,
                        Shape::Any => break assert_eq!(of.0, "?"),
                        Shape::Fields(_) => {
                            break assert!(of.0.parse::<usize>().expect("a number") < table::ROWS.len());
                        }
                        _ => break,
                    };
                }
            }
        }
        for (_, kinds) in table::KINDS {
            for row in kinds.split([' ', ',']).filter_map(|entry| entry.split_once('=')).map(|(_, row)| row) {
                assert!(row.parse::<usize>().expect("a number") < table::ROWS.len(), "{row}");
            }
        }
    }
}
