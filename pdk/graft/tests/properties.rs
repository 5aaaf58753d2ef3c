//! Properties over objects made at random, and hostile pairs of streams. The numbers are the same everywhere.

use windlass_graft::{Budget, Dialect, Error, Options, Value, compare, graft, graft_within};

/// A small generator of numbers, so that a failing case has a number.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn scalar(&mut self) -> Value {
        const TEXTS: [&str; 10] = ["a", "on", "0755", "", "two\nlines\n", "\n lead\n", "1.20", "ü: #x", "null", " b "];
        match self.below(6) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Number(["1", "0755", "1.20", "1e3", "1_000", "0x1F"][self.below(6) as usize].to_owned()),
            _ => Value::from(TEXTS[self.below(10) as usize]),
        }
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 1 } else { 4 }) {
            1 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            2 | 3 => {
                let count = self.below(5);
                let mut entries: Vec<(String, Value)> = Vec::new();
                for _ in 0..count {
                    let key = ["name", "a", "b", "on", "x.y/z", "labels", "0755"][self.below(7) as usize];
                    if entries.iter().all(|(other, _)| other != key) {
                        entries.push((key.to_owned(), self.value(depth - 1)));
                    }
                }
                Value::Map(entries)
            }
            _ => self.scalar(),
        }
    }

    /// Changes a value here and there.
    fn mutate(&mut self, value: &mut Value, depth: u64) {
        match value {
            Value::Map(entries) => {
                for (_, value) in entries.iter_mut() {
                    if self.below(3) == 0 {
                        self.mutate(value, depth.saturating_sub(1));
                    }
                }
                if self.below(4) == 0 && !entries.is_empty() {
                    entries.remove(self.below(entries.len() as u64) as usize);
                }
                if self.below(4) == 0 && entries.iter().all(|(key, _)| key != "new") {
                    entries.insert(0, ("new".to_owned(), self.value(depth.saturating_sub(1))));
                }
            }
            Value::List(items) => {
                for value in items.iter_mut() {
                    if self.below(3) == 0 {
                        self.mutate(value, depth.saturating_sub(1));
                    }
                }
                if self.below(3) == 0 && !items.is_empty() {
                    items.remove(self.below(items.len() as u64) as usize);
                }
                for _ in 0..self.below(3) {
                    items.insert(self.below(items.len() as u64 + 1) as usize, self.value(depth.saturating_sub(1)));
                }
            }
            _ => *value = self.value(depth.min(1)),
        }
    }
}

/// How a value is written: block style with comments, or as JSON.
fn written(value: &Value, random: &mut Random) -> String {
    if random.below(4) == 0 {
        return format!("{}\n", value.to_json());
    }
    let text = value.to_yaml().expect("writable");
    let lines = text.lines().map(|line| match (random.below(5), line.contains(['"', '|'])) {
        (0, false) => format!("{line} # why\n"),
        (1, false) => format!("# above\n{line}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn what_comes_out_means_what_the_answer_means() {
    for seed in 0..6000 {
        let mut random = Random(seed);
        let count = 1 + random.below(3);
        let (mut original, mut answer) = (Vec::new(), Vec::new());
        for number in 0..count {
            let mut object = Value::map([
                ("kind", Value::from(["Pod", "Custom"][random.below(2) as usize])),
                ("metadata", Value::map([("name", Value::from(format!("o{number}")))])),
                ("spec", random.value(4)),
            ]);
            original.push(written(&object, &mut random));
            random.mutate(&mut object, 3);
            if object.get("kind").is_some() && random.below(8) != 0 {
                answer.push(written(&object, &mut random));
            }
        }
        if random.below(2) == 0 {
            answer.reverse();
        }
        let (original, answer) = (original.join("---\n"), answer.join("---\n"));
        for dialect in [Dialect::Keep, Dialect::Report] {
            let grafted = graft(&original, &answer, &Options { dialect });
            let grafted = grafted.unwrap_or_else(|error| panic!("{seed}: {error}\n{original}\n=====\n{answer}"));
            let left = compare(&grafted.text, &answer).expect("both can be read");
            let is_right = match dialect {
                Dialect::Keep => left.is_same_but_for_dialects(),
                _ => left.is_same(),
            };
            let shown = || format!("{seed}: {left:?}\n{original}\n=====\n{answer}\n=====\n{}", grafted.text);
            assert!(is_right, "{}", shown());
            let again = graft(&grafted.text, &answer, &Options { dialect }).expect("grafted again");
            assert_eq!(again.text, grafted.text, "{}", shown());
        }
    }
}

/// Grafts a pair of streams that was made to cost: it must end with an answer that is right, or with a spent budget.
#[track_caller]
fn check_hostile(what: &str, original: &str, answer: &str) {
    let budget = Budget::for_text((original.len() + answer.len()) * 4);
    match graft_within(original, answer, &Options::default(), &budget) {
        Ok(grafted) => {
            let left = compare(&grafted.text, answer);
            assert!(left.is_ok_and(|left| left.is_same_but_for_dialects()), "{what}");
        }
        Err(Error::Spent(_)) => {}
        Err(Error::Original(error) | Error::Answer(error)) => assert!(budget.spent().is_some(), "{what}: {error}"),
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn hostile_pairs_end() {
    let object = |spec: &str| format!("kind: A\nmetadata: {{name: a}}\n{spec}");
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let list = |count: usize, item: &dyn Fn(usize) -> String| object(&format!("l:\n{}", lines(count, item)));
    let many = 4_000;
    check_hostile(
        "a list the other way round",
        &list(many, &|at| format!("- i{at}\n")),
        &list(many, &|at| format!("- i{}\n", many - at)),
    );
    check_hostile(
        "every second item gone",
        &list(many, &|at| format!("- i{at}\n")),
        &list(many / 2, &|at| format!("- i{}\n", at * 2)),
    );
    check_hostile(
        "every second item new",
        &list(many / 2, &|at| format!("- i{}\n", at * 2)),
        &list(many, &|at| format!("- i{at}\n")),
    );
    check_hostile(
        "two items over and over",
        &list(many, &|at| format!("- {}\n", at % 2)),
        &list(many, &|at| format!("- {}\n", at % 3)),
    );
    let flow =
        |count: usize, step: usize| object(&format!("l: [{}]\n", lines(count, &|at| format!("i{}, ", at * step))));
    check_hostile("gone from a flow list", &flow(4000, 1), &flow(2000, 2));
    let map =
        |count: usize, step: usize| object(&format!("m: {{{}}}\n", lines(count, &|at| format!("k{}: v, ", at * step))));
    check_hostile("gone from a flow map", &map(4000, 1), &map(2000, 2));
    check_hostile("other keys", &map(many, 1), &map(many, 3));
    let maps = |name: &dyn Fn(usize) -> usize| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n{}",
            lines(2500, &|at| format!("  - name: c{}\n    image: i{at}\n", name(at)))
        )
    };
    check_hostile("containers the other way round", &maps(&|at| at), &maps(&|at| 2500 - at));
    let nested = |depth: usize, leaf: &str| object(&format!("s: {}{leaf}{}\n", "[".repeat(depth), "]".repeat(depth)));
    check_hostile("deep", &nested(190, "a"), &nested(190, "b"));
    let bomb = |leaf: &str| {
        let levels = lines(30, &|at| format!("l{}: &l{} [*l{at}, *l{at}]\n", at + 1, at + 1));
        object(&format!("l0: &l0 {leaf}\n{levels}"))
    };
    check_hostile("aliases upon aliases", &bomb("a"), &bomb("b"));
    let named = |prefix: &str| {
        lines(3000, &|at| format!("---\nkind: A\nmetadata: {{name: {prefix}a{}}}\n", "a".repeat(at % 100)))
    };
    check_hostile("all renamed", &named(""), &named("b"));
    let equal = |extra: &str| lines(2000, &|_| format!("---\nkind: A\nmetadata: {{name: a}}\n{extra}"));
    check_hostile("all of one name", &equal(""), &equal("x: 1\n"));
    let items = |at: usize, extra: &str| format!("- kind: A\n  metadata: {{name: a{at}}}\n{extra}");
    let of_objects = |extra: &str| format!("kind: List\nitems:\n{}", lines(2000, &|at| items(at, extra)));
    check_hostile("a list of objects", &of_objects(""), &of_objects("  x: 1\n"));
    check_hostile(
        "half a list of objects",
        &of_objects(""),
        &format!("kind: List\nitems:\n{}", lines(2500, &|at| items(at * 2, ""))),
    );
    let anchors = |leaf: &str| {
        object(&format!(
            "{}{}",
            lines(200, &|at| format!("a{at}: &a{at} {{x: {leaf}}}\n")),
            lines(200, &|at| format!("b{at}: *a{at}\n"))
        ))
    };
    check_hostile(
        "anchors that all change",
        &anchors("1"),
        &object(&format!(
            "{}{}",
            lines(200, &|at| format!("a{at}: {{x: 2}}\n")),
            lines(200, &|at| format!("b{at}: {{x: 1}}\n"))
        )),
    );
    let conflicts = |from: usize| object(&lines(1000, &|at| format!("m{at}: {{a: 1, b: {}}}\n", at + from)));
    check_hostile("many small edits", &conflicts(0), &conflicts(7).replace("a: 1, ", ""));
}

#[test]
fn a_spent_budget_is_an_error_and_no_stream() {
    let original = "kind: A\nmetadata: {name: a}\nspec: {a: 1}\n";
    let answer = original.replace('1', "2");
    for entries in 0..40 {
        match graft_within(original, &answer, &Options::default(), &Budget::new(1 << 20, entries)) {
            Ok(grafted) => assert_eq!(grafted.text, answer),
            Err(Error::Spent(_) | Error::Original(_) | Error::Answer(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let over = Budget::new(1 << 20, 1 << 20).with_clock(|| true);
    assert!(graft_within(original, &answer, &Options::default(), &over).is_err());
}
