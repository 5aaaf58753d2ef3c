//! The order of environment variables: `$(NAME)` in a value refers to a variable that stands earlier in the list.
//!
//! Kubernetes leaves a reference to a variable that stands later as it is written, without a word. So a new variable
//! is put before those that refer to it and after those that it refers to.

/// A variable of a container as far as its place in the list matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Empty for a variable that takes its value from elsewhere: such a value is not expanded.
    pub(crate) value: String,
}

/// A variable that would have to stand both after `after` and before `before`, which come the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoPlace {
    pub(crate) after: String,
    pub(crate) before: String,
}

/// The names that a value refers to. `$$(NAME)` is no reference, and neither is an unclosed `$(NAME`.
///
/// The rule is that of `k8s.io/kubernetes/third_party/forked/golang/expansion`.
pub(crate) fn references(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            rest = rest.split_once('$')?.1;
            if let Some(escaped) = rest.strip_prefix('$') {
                rest = escaped;
            } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|opened| opened.split_once(')')) {
                rest = after;
                return Some(name);
            }
        }
    })
}

fn refers(value: &str, name: &str) -> bool {
    references(value).any(|reference| reference == name)
}

/// Where in `list` a new variable belongs: before the first that refers to it, otherwise at the end.
///
/// # Errors
/// One that it refers to stands after one that refers to it.
pub(crate) fn place(list: &[Variable], new: &Variable) -> Result<usize, NoPlace> {
    let reader = list.iter().position(|there| refers(&there.value, &new.name)).unwrap_or(list.len());
    match list.get(reader..).into_iter().flatten().find(|there| refers(&new.value, &there.name)) {
        Some(late) => {
            let before = list.get(reader).map(|there| there.name.clone()).unwrap_or_default();
            // A variable of that name may also stand early enough; the later one is what Kubernetes takes in the end,
            // but what the reference sees is the earlier.
            let early = list.get(..reader).into_iter().flatten().any(|there| there.name == late.name);
            if early { Ok(reader) } else { Err(NoPlace { after: late.name.clone(), before }) }
        }
        None => Ok(reader),
    }
}

/// The first variable after `index` to which the one at `index` refers, and none of that name before it.
pub(crate) fn reads_later(list: &[Variable], index: usize) -> Option<&str> {
    let reader = list.get(index)?;
    let later = list.get(index + 1..)?;
    references(&reader.value).find(|&name| {
        let is = |there: &Variable| there.name == name;
        name != reader.name && later.iter().any(is) && !list.get(..index).is_some_and(|early| early.iter().any(is))
    })
}

/// Sorts configured variables so that each stands after those that it refers to, otherwise in their own order, and
/// gives their indexes.
///
/// # Errors
/// The names of variables that refer to each other in a circle.
pub(crate) fn order(variables: &[Variable]) -> Result<Vec<usize>, Vec<String>> {
    let mut waiting: Vec<usize> = (0..variables.len()).collect();
    let mut ordered = Vec::with_capacity(variables.len());
    while !waiting.is_empty() {
        let blocked = |&&index: &&usize| {
            let Some(variable) = variables.get(index) else { return false };
            waiting
                .iter()
                .filter_map(|&other| variables.get(other))
                .any(|other| other.name != variable.name && refers(&variable.value, &other.name))
        };
        match waiting.iter().position(|index| !blocked(&index)) {
            Some(position) => ordered.push(waiting.remove(position)),
            None => {
                return Err(waiting
                    .iter()
                    .filter_map(|&index| variables.get(index))
                    .map(|one| one.name.clone())
                    .collect());
            }
        }
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(&str, &str)]) -> Vec<Variable> {
        entries.iter().map(|&(name, value)| Variable { name: name.to_owned(), value: value.to_owned() }).collect()
    }

    #[track_caller]
    fn check_references(value: &str, expected: &[&str]) {
        assert_eq!(references(value).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn references_are_read_as_kubernetes_reads_them() {
        check_references("", &[]);
        check_references("$(A)", &["A"]);
        check_references("x$(A)y$(B)", &["A", "B"]);
        check_references("$$(A) $$$(B)", &["B"]);
        check_references("$A ${A} $ $", &[]);
        check_references("$(A", &[]);
        check_references("$(A$(B)", &["A$(B"]);
        check_references("$()", &[""]);
    }

    #[track_caller]
    fn check_place(there: &[(&str, &str)], new: (&str, &str), expected: Result<usize, (&str, &str)>) {
        let new = list(&[new]).remove(0);
        let place = place(&list(there), &new).map_err(|no| (no.after, no.before));
        assert_eq!(place, expected.map_err(|(after, before)| (after.to_owned(), before.to_owned())));
    }

    #[test]
    fn a_new_variable_stands_before_its_readers_and_after_what_it_reads() {
        check_place(&[], ("A", "x"), Ok(0));
        check_place(&[("X", "1"), ("Y", "2")], ("A", "x"), Ok(2));
        check_place(&[("X", "1"), ("Y", "$(A)"), ("Z", "$(A)")], ("A", "x"), Ok(1));
        check_place(&[("X", "1"), ("Y", "$(A)")], ("A", "$(X)"), Ok(1));
        check_place(&[("Y", "$(A)"), ("X", "1")], ("A", "$(X)"), Err(("X", "Y")));
        check_place(&[("Y", "$(A)")], ("A", "$(Y)"), Err(("Y", "Y")));
        check_place(&[("X", "0"), ("Y", "$(A)"), ("X", "1")], ("A", "$(X)"), Ok(1));
        check_place(&[("Y", "$$(A)")], ("A", "x"), Ok(1));
    }

    #[test]
    fn a_replaced_variable_may_only_read_what_stands_before_it() {
        let variables = list(&[("A", "$(B)"), ("B", "$(B)"), ("C", "$(B) $(D)")]);
        assert_eq!(reads_later(&variables, 0), Some("B"));
        assert_eq!(reads_later(&variables, 1), None);
        assert_eq!(reads_later(&variables, 2), None);
        assert_eq!(reads_later(&variables, 3), None);
    }

    #[test]
    fn configured_variables_are_sorted_by_what_they_read() {
        assert_eq!(order(&list(&[("C", "$(B)"), ("B", "$(A)"), ("A", "a")])), Ok(vec![2, 1, 0]));
        assert_eq!(order(&list(&[("A", "$(A)"), ("B", "")])), Ok(vec![0, 1]));
        assert_eq!(
            order(&list(&[("X", "x"), ("A", "$(B)"), ("B", "$(A)")])),
            Err(vec!["A".to_owned(), "B".to_owned()])
        );
    }
}
