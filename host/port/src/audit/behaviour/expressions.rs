//! What expressions of yq and line programs (sed, awk) do.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::super::deeds::{self, Deed};
use super::regex;
use crate::audit::profile::{Behaviour, once};

static SELECT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"select\s*\(").ok());
static ASSIGNS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\|=|\+=|\*=|//=|[^=!<>|+*/]=[^=])").ok());

/// What a yq or jq expression does.
pub(crate) fn of_expression(text: &str, behaviour: &mut Behaviour) {
    let (outside, guards) = without_selects(text);
    let assigns = regex(&ASSIGNS).is_some_and(|assigns| assigns.is_match(&outside));
    let deletes = outside.contains("del(");
    // An environment variable by its name.
    for mark in ["strenv(", "env(", "env.", "$ENV."] {
        for piece in text.split(mark).skip(1) {
            let name: String =
                piece.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
            once(&mut behaviour.needs.env, name);
        }
    }
    if text.contains("now") && outside.contains("now") || text.contains("strftime") {
        behaviour.needs.clock = true;
    }
    let has_select = !guards.is_empty();
    if !assigns && !deletes {
        if has_select || outside.contains("filter(") {
            deeds::add(&mut behaviour.deeds, Deed::Select);
            select_config(&guards, behaviour);
        } else if outside.contains("unique_by") || outside.contains("group_by") {
            deeds::add(&mut behaviour.deeds, Deed::Deduplicate);
        } else if text.trim().is_empty() || matches!(text.trim(), "." | "-" | ".\n-") {
            behaviour.is_nothing = behaviour.deeds.is_empty();
        } else if !outside.trim_matches(['.', '-', '\n', ' ', '|']).is_empty() {
            deeds::add(&mut behaviour.deeds, Deed::Expression);
        }
        return;
    }
    if outside.contains("unique_by") {
        deeds::add(&mut behaviour.deeds, Deed::Deduplicate);
    }
    let before = behaviour.deeds.len();
    if outside.contains("del()") && !assigns {
        deeds::add(&mut behaviour.deeds, Deed::Select);
        select_config(&guards, behaviour);
        return;
    }
    deeds::of_words(&outside, &mut behaviour.deeds);
    // Only dropping objects and keeping others: `select(.kind != "X") | ...` with assignments drops too.
    let drops = guards.iter().any(|guard| guard.contains("!=") || guard.contains("not"))
        && !outside.contains("(|")
        && text.trim_start().starts_with("select");
    if drops {
        deeds::add(&mut behaviour.deeds, Deed::Select);
    }
    if outside.contains(".metadata.namespace") {
        deeds::add(&mut behaviour.deeds, Deed::Namespace);
    }
    if behaviour.deeds.len() == before
        || outside.contains("sub(") && !behaviour.deeds.contains(&Deed::Images)
        || outside.contains(".data")
        || outside.contains("from_yaml")
        || outside.contains("fromjson")
    {
        deeds::add(
            &mut behaviour.deeds,
            if outside.contains(".data")
                || outside.contains("sub(")
                || outside.contains("from_yaml")
                || outside.contains("fromjson")
            {
                Deed::Expression
            } else {
                Deed::Patch
            },
        );
    }
    if guards.is_empty()
        && (outside.contains(".spec.template") || outside.contains(".containers"))
        && !text.contains(".kind")
    {
        once(
            &mut behaviour.defects,
            "edits every document, not only those that have such a field: no guard on the kind",
        );
    }
    missed_kinds(text, behaviour);
}

fn select_config(guards: &[String], behaviour: &mut Behaviour) {
    for guard in guards {
        let names = crate::audit::scope::quoted(guard);
        let bare = guard.split("==").nth(1).map(str::trim).filter(|text| names.is_empty() && !text.is_empty());
        let kinds =
            if names.is_empty() { bare.unwrap_or_default().trim_end_matches(')').to_owned() } else { names.join("|") };
        let drops = guard.contains("!=") || guard.contains("not");
        if guard.contains("CustomResourceDefinition") && !drops {
            behaviour.only_crds = true;
        }
        if guard.contains("kind") {
            once(&mut behaviour.config, format!("{}: [{{kind: {kinds}}}]", if drops { "drop" } else { "keep" }));
        }
    }
}

/// The expression without its `select(...)`, and what stands in them.
fn without_selects(text: &str) -> (String, Vec<String>) {
    let mut outside = String::with_capacity(text.len());
    let mut guards = Vec::new();
    let mut at = 0;
    let Some(select) = regex(&SELECT) else { return (text.to_owned(), guards) };
    while let Some(found) = text.get(at..).and_then(|rest| select.find(rest)) {
        outside.push_str(text.get(at..at + found.start()).unwrap_or_default());
        let start = at + found.end();
        let mut depth = 1usize;
        let mut end = text.len();
        for (index, byte) in text.bytes().enumerate().skip(start) {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                end = index;
                break;
            }
        }
        guards.push(text.get(start..end).unwrap_or_default().to_owned());
        at = (end + 1).min(text.len());
        if guards.len() > 200 {
            break;
        }
    }
    outside.push_str(text.get(at..).unwrap_or_default());
    (outside, guards)
}

/// Only some of the kinds that hold pods, or no init containers.
pub(crate) fn missed_kinds(text: &str, behaviour: &mut Behaviour) {
    let touches_pods = text.contains("containers") || text.contains("template");
    if !touches_pods {
        return;
    }
    if text.contains("Deployment") && !text.contains("StatefulSet") && !text.contains("DaemonSet") {
        once(&mut behaviour.defects, "only Deployments: StatefulSets, DaemonSets, Jobs, CronJobs and Pods are missed");
    }
    if text.contains("containers") && text.contains("image") && !text.contains("initContainers") {
        once(&mut behaviour.defects, "init containers are missed");
    }
}

/// What sed, awk or perl do, as far as a pattern says.
pub(crate) fn of_line_program(text: &str, name: &str, behaviour: &mut Behaviour) {
    if text.contains("Source:") {
        once(&mut behaviour.helm4, "`# Source:` comments do not come under Helm 4: the pattern never matches");
        let is_only = text.lines().count() <= 1 && text.contains("/d");
        if is_only {
            behaviour.only_helm3 = true;
            return;
        }
    }
    let before = behaviour.deeds.len();
    let lower = text.to_ascii_lowercase();
    let is_range = text.contains(",/") && (text.contains("/d") || text.contains("p;"))
        || text.contains("RS=")
        || lower.contains("kind:")
            && (lower.contains("skip") || text.contains("!~") || text.contains("next") || text.contains("/d"));
    if is_range && (lower.contains("kind:") || lower.contains("---")) {
        deeds::add(&mut behaviour.deeds, Deed::Select);
    }
    let registry = lower.contains("image")
        || lower.contains("docker.io")
        || lower.contains("quay.io")
        || lower.contains("ghcr.io")
        || lower.contains("gcr.io")
        || lower.contains("registry")
        || lower.contains("mirror");
    if registry {
        deeds::add(&mut behaviour.deeds, Deed::Images);
    }
    if lower.contains("namespace:") {
        deeds::add(&mut behaviour.deeds, Deed::Namespace);
    }
    if lower.contains("labels") {
        deeds::add(&mut behaviour.deeds, Deed::Labels);
    }
    if lower.contains("annotations") {
        deeds::add(&mut behaviour.deeds, Deed::Annotations);
    }
    if text.contains("helm.sh/hook") {
        deeds::add(&mut behaviour.deeds, Deed::Hooks);
    }
    let is_token = text.contains("@@") || text.contains("__") || text.contains("{{") || text.contains("%%");
    if behaviour.deeds.len() == before {
        if is_token {
            deeds::add(&mut behaviour.deeds, Deed::Placeholders);
        } else if ["replicas", "serviceaccountname", "type:", "storageclassname", "apiversion"]
            .iter()
            .any(|word| lower.contains(word))
        {
            deeds::add(&mut behaviour.deeds, Deed::Patch);
        } else {
            deeds::add(&mut behaviour.deeds, Deed::Expression);
        }
    }
    once(
        &mut behaviour.defects,
        format!("`{name}` edits YAML by regular expressions: quoting, indentation and order of lines decide"),
    );
}
