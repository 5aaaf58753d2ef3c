//! `readiness` in windlass.yaml: when objects of one's own kinds are ready, for `windlass wait` and `windlass status`.
//!
//! ```yaml
//! readiness:
//!   - group: example.org # `*.example.org`: every group below; "" is the core group
//!     kinds: [Database] # left out: every kind of the group
//!     success: ['{.phase} == "Ready"'] # any of these
//!     all: ['{.conditions[?(@.type=="Synced")].status} == "True"'] # and all of these
//!     failure: ['{.phase} == "Failed"'] # any of these, looked at first
//!   - group: networking.k8s.io
//!     kinds: [Ingress]
//!     exists: true # ready as soon as it is there
//! ```

use windlass_kstatus::{Expression, OwnRule};
use windlass_manifest::Value;

use crate::document::{Misread, Node, refuse_unknown_keys};

pub(super) const RULE: [&str; 6] = ["group", "kinds", "success", "all", "failure", "exists"];

/// Reads the list.
pub(super) fn read(list: &Node) -> Result<Vec<OwnRule>, Misread> {
    let items = list.as_list("readiness")?;
    items.iter().enumerate().map(|(index, item)| rule(item, &format!("readiness[{index}]"))).collect()
}

fn rule(item: &Node, at: &str) -> Result<OwnRule, Misread> {
    refuse_unknown_keys(item.as_map(at)?, &RULE, at)?;
    let group = item.get("group").ok_or_else(|| {
        Misread::new(item.place, format!("{at}.group is missing"))
            .with_hint("name the API group of the kinds; `\"\"` is the core group")
    })?;
    let texts = |key: &str| -> Result<Vec<&Node>, Misread> {
        let list = item.get(key).filter(|node| !node.is_null());
        list.map_or(Ok(Vec::new()), |node| Ok(node.as_list(&format!("{at}.{key}"))?.iter().collect()))
    };
    let expressions = |key: &str| -> Result<Vec<Expression>, Misread> {
        let read = |(index, node)| expression(node, &format!("{at}.{key}[{index}]"));
        texts(key)?.into_iter().enumerate().map(read).collect()
    };
    let kinds = texts("kinds")?.into_iter().map(|node| Ok(node.as_text(&format!("{at}.kinds"))?.to_owned()));
    let rule = OwnRule {
        group: group.as_text(&format!("{at}.group"))?.to_owned(),
        kinds: kinds.collect::<Result<_, _>>()?,
        success: expressions("success")?,
        all: expressions("all")?,
        failure: expressions("failure")?,
        exists: item.get("exists").map_or(Ok(false), |node| boolean(node, &format!("{at}.exists")))?,
    };
    if rule.group == "*" || rule.group.is_empty() && rule.kinds.is_empty() {
        return Err(Misread::new(item.place, format!("{at}: it would be a rule for every kind"))
            .with_hint("name the kinds with `kinds`"));
    }
    match (rule.exists, rule.success.is_empty() && rule.all.is_empty()) {
        (true, _) if rule.expressions().next().is_some() => {
            Err(Misread::new(item.place, format!("{at}: `exists: true` asks for nothing, and there are expressions"))
                .with_hint("leave one of them out"))
        }
        (false, true) => Err(Misread::new(item.place, format!("{at} does not say what ready means"))
            .with_hint("give `success` (any of these), `all` (all of these), or `exists: true`")),
        _ => Ok(rule),
    }
}

fn expression(node: &Node, what: &str) -> Result<Expression, Misread> {
    let text = node.as_text(what)?;
    Expression::parse(text).map_err(|error| {
        Misread::new(node.place, format!("{what}, character {}: {error}", error.column(text)))
            .with_hint("write `'{.phase} == \"Ready\"'`; the path begins at the status")
    })
}

fn boolean(node: &Node, what: &str) -> Result<bool, Misread> {
    match node.to_value() {
        Value::Bool(yes) => Ok(yes),
        _ => Err(Misread::new(node.place, format!("{what}: expected true or false, found {}", node.kind()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    fn check(body: &str, expected: Result<usize, &str>) {
        let text = format!("readiness:\n{body}");
        let root = document::read(&text).map(|root| root.and_then(|root| root.get("readiness").cloned()));
        let list = root.unwrap_or_default().unwrap_or_else(|| panic!("a list in {text}"));
        let found = read(&list).map(|rules| rules.len()).map_err(|misread| {
            let hint = misread.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{}:{} {}{hint}", misread.place.line, misread.place.column, misread.message)
        });
        assert_eq!(found.as_ref().map_err(String::as_str), expected.as_ref().map_err(|text| *text), "{text}");
    }

    #[test]
    fn rules_and_their_breaches() {
        check("- {group: example.org, kinds: [Database], success: ['{.phase} == Ready'], failure: []}\n", Ok(1));
        check(
            "- {group: '*.example.org', all: ['{.a} == 1', '{.b} == 2']}\n- {group: '', kinds: [Pod], exists: true}\n",
            Ok(2),
        );
        check(
            "- group: example.org\n  sucess: []\n",
            Err("3:3 unknown key `sucess` in readiness[0] (did you mean `success`?)"),
        );
        check(
            "- kinds: [A]\n",
            Err("2:3 readiness[0].group is missing (name the API group of the kinds; `\"\"` is the core group)"),
        );
        check(
            "- group: example.org\n  success:\n  - '{.phase} = x'\n",
            Err(
                "4:5 readiness[0].success[0], character 10: expected one of == != < <= > >= after the path (write `'{.phase} == \"Ready\"'`; the path begins at the status)",
            ),
        );
        check(
            "- group: example.org\n",
            Err(
                "2:3 readiness[0] does not say what ready means (give `success` (any of these), `all` (all of these), or `exists: true`)",
            ),
        );
        check(
            "- {group: example.org, exists: true, all: ['{.a} == 1']}\n",
            Err("2:3 readiness[0]: `exists: true` asks for nothing, and there are expressions (leave one of them out)"),
        );
        check(
            "- {group: example.org, exists: 1}\n",
            Err("2:32 readiness[0].exists: expected true or false, found a number"),
        );
        check(
            "- {group: '', exists: true}\n",
            Err("2:3 readiness[0]: it would be a rule for every kind (name the kinds with `kinds`)"),
        );
        check("  a: b\n", Err("2:3 readiness: expected a list, found a map"));
    }
}
