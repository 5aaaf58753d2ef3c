//! Which module may import which: no circle in any package, and in the host floors, each of which knows only those
//! below.
//!
//! ARCHITECTURE.md shows the floors as they are here, with the arrows that the code has.

mod imports;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::command::{During, Result};
use crate::workspace;
use imports::{Arrow, Module, Source, arrows, sources};

/// The host's modules from the ground up. A module may import those of lower floors; on the ground floor, whose modules
/// are many and small, also its neighbours. Nothing may go round in a circle.
const FLOORS: &[&[&str]] = &[
    &[
        "text", "secrets", "error", "limits", "digest", "pages", "input", "env", "dirs", "store", "document", "source",
        "reach", "command", "event", "cluster", "finding",
    ],
    &["helm"],
    &["trust", "oci"],
    &["plugin"],
    &["sandbox"],
    &["render", "inspect", "diff"],
    &["config", "wait"],
    &["author"],
    &["port"],
    &["cli"],
];

/// Imports that go upwards all the same, each with its reason. The fewer the better: five are the most.
const UPWARD: &[(&str, &str, &str)] = &[];

/// The packages that are held to have no circle, beside the plugins.
const PACKAGES: &[&str] = &[
    "host",
    "host/port",
    "pdk",
    "pdk/abi",
    "pdk/macros",
    "pdk/kstatus",
    "pdk/graft",
    "pdk/manifest",
    "pdk/manifest/events",
    "xtask",
];

/// Everything that breaks the order.
///
/// # Errors
/// A source cannot be read.
pub(crate) fn problems() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in packages()? {
        let sources = sources(&workspace::root().join(&package).join("src"))?;
        let arrows = arrows(&sources);
        problems.extend(circle(&arrows).map(|circle| told(&package, &sources, &circle)));
        if package == "host" {
            if let Some(circle) = circle(&between_wings(&arrows)) {
                problems.push(told(&package, &sources, &circle));
            }
            problems.extend(check_floors(&sources, &arrows, FLOORS, UPWARD));
            problems.extend(check_map(&map(&sources, &arrows))?);
        }
    }
    Ok(problems)
}

/// The arrows with whole wings at their ends, which are no circle either.
fn between_wings(arrows: &[Arrow]) -> Vec<Arrow> {
    let wing = |module: &Module| module.get(..1).unwrap_or_default().to_vec();
    let arrows = arrows.iter().map(|Arrow { from, to, line }| Arrow { from: wing(from), to: wing(to), line: *line });
    arrows.filter(|arrow| arrow.from != arrow.to && !arrow.from.is_empty() && !arrow.to.is_empty()).collect()
}

fn packages() -> Result<Vec<String>> {
    let plugins = workspace::plugin_names()?.into_iter().map(|name| format!("plugins/{name}"));
    Ok(PACKAGES.iter().map(|package| (*package).to_owned()).chain(plugins).collect())
}

/// The shortest way from a module back to itself; none where there is no circle.
fn circle(arrows: &[Arrow]) -> Option<Vec<&Arrow>> {
    let mut out: BTreeMap<&Module, Vec<&Arrow>> = BTreeMap::new();
    for arrow in arrows {
        out.entry(&arrow.from).or_default().push(arrow);
    }
    out.keys().filter_map(|start| way_back(start, &out)).min_by_key(Vec::len)
}

fn way_back<'a>(start: &'a Module, out: &BTreeMap<&'a Module, Vec<&'a Arrow>>) -> Option<Vec<&'a Arrow>> {
    let mut came_by: BTreeMap<&Module, &Arrow> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(module) = next.pop_front() {
        for arrow in out.get(module).into_iter().flatten() {
            if came_by.contains_key(&arrow.to) {
                continue;
            }
            came_by.insert(&arrow.to, arrow);
            if arrow.to != *start {
                next.push_back(&arrow.to);
                continue;
            }
            let mut way = vec![*arrow];
            while let Some(arrow) = way.last().filter(|arrow| arrow.from != *start).and_then(|at| came_by.get(&at.from))
            {
                way.push(arrow);
            }
            way.reverse();
            return Some(way);
        }
    }
    None
}

fn told(package: &str, sources: &[Source], circle: &[&Arrow]) -> String {
    let steps: Vec<String> = circle
        .iter()
        .map(|arrow| format!("{}:{} imports `{}`", path_of(sources, &arrow.from), arrow.line, shown(&arrow.to)))
        .collect();
    format!("{package}: modules import each other in a circle: {}", steps.join(", "))
}

/// Arrows that lead upwards, modules without a floor, exceptions that nobody needs.
fn check_floors(
    sources: &[Source],
    arrows: &[Arrow],
    floors: &[&[&str]],
    upward: &[(&str, &str, &str)],
) -> Vec<String> {
    let floor = |wing: &str| floors.iter().position(|floor| floor.contains(&wing));
    let mut problems = Vec::new();
    for wing in wings(sources) {
        if floor(wing).is_none() {
            problems.push(format!("host: the module `{wing}` stands on no floor of xtask/src/order.rs"));
        }
    }
    let mut used = BTreeSet::new();
    for arrow in arrows {
        let (Some(from), Some(to)) = (arrow.from.first(), arrow.to.first()) else { continue };
        let (Some(lower), Some(upper)) = (floor(from), floor(to)) else { continue };
        let is_allowed = from == to || upper < lower || (upper == 0 && lower == 0);
        if is_allowed {
            continue;
        }
        if let Some((from, to, _)) = upward.iter().find(|(one, other, _)| one == from && other == to) {
            used.insert((*from, *to));
            continue;
        }
        problems.push(format!(
            "{}:{}: imports `{}`, and `{to}` stands no floor below `{from}`: move what both need down, or the import up \
             (xtask/src/order.rs)",
            path_of(sources, &arrow.from),
            arrow.line,
            shown(&arrow.to)
        ));
    }
    for (from, to, _) in upward {
        if !used.contains(&(*from, *to)) {
            problems.push(format!(
                "xtask/src/order.rs: nothing in `{from}` imports `{to}` any more: take the exception out"
            ));
        }
    }
    if upward.len() > 5 {
        problems.push("xtask/src/order.rs: more than five exceptions to the order".to_owned());
    }
    problems
}

fn wings(sources: &[Source]) -> BTreeSet<&str> {
    sources.iter().filter_map(|source| source.module.first()).map(String::as_str).collect()
}

fn path_of(sources: &[Source], module: &Module) -> String {
    let path = sources.iter().find(|source| source.module == *module).map(|source| source.path.clone());
    let path = path.unwrap_or_else(|| PathBuf::from(module.join("/")));
    path.strip_prefix(workspace::root()).unwrap_or(&path).display().to_string()
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// What begins and ends the part of ARCHITECTURE.md that is made from the code.
const MAP_BEGINS: &str = "<!-- made by `WINDLASS_BLESS=1 cargo xtask tidy` -->\n";
const MAP_ENDS: &str = "<!-- made until here -->\n";

/// The host's wings from the ground up, with what each is for and imports.
fn map(sources: &[Source], arrows: &[Arrow]) -> String {
    let mut text = "| floor | in `host/src` | is for | imports |\n|---|---|---|---|\n".to_owned();
    for (number, floor) in FLOORS.iter().enumerate() {
        for wing in *floor {
            let imports: BTreeSet<&str> = arrows
                .iter()
                .filter(|arrow| arrow.from.first().is_some_and(|from| from == wing))
                .filter_map(|arrow| arrow.to.first().map(String::as_str))
                .filter(|to| to != wing)
                .collect();
            let (ground, above): (Vec<&str>, Vec<&str>) =
                imports.into_iter().partition(|to| number > 0 && FLOORS[0].contains(to));
            let mut shown: Vec<String> = above.iter().map(|to| format!("`{to}`")).collect();
            if !ground.is_empty() {
                shown.push("the ground floor".to_owned());
            }
            let is_folder = sources.iter().any(|source| source.module.len() > 1 && source.module[0] == *wing);
            let suffix = if is_folder { "/" } else { ".rs" };
            let purpose = sources.iter().find(|source| source.module == [*wing]).map(purpose).unwrap_or_default();
            // Writing into a string cannot fail.
            let _ = writeln!(text, "| {number} | `{wing}{suffix}` | {purpose} | {} |", shown.join(", "));
        }
    }
    text
}

/// The first sentence of a module's documentation.
fn purpose(source: &Source) -> String {
    let lines = source.text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ").replace("[`", "`").replace("`]", "`").replace("crate::", "");
    let end = paragraph.find(". ").map_or(paragraph.len(), |at| at);
    paragraph[..end].trim_end_matches('.').replace('|', "\\|")
}

/// Compares the map in ARCHITECTURE.md with the code's, or writes it there.
fn check_map(map: &str) -> Result<Option<String>> {
    let path = workspace::root().join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).during("cannot read ARCHITECTURE.md")?;
    let Some((before, rest)) = text.split_once(MAP_BEGINS) else {
        return Ok(Some(format!("ARCHITECTURE.md: no line `{}`", MAP_BEGINS.trim())));
    };
    let Some((_, after)) = rest.split_once(MAP_ENDS) else {
        return Ok(Some(format!("ARCHITECTURE.md: no line `{}`", MAP_ENDS.trim())));
    };
    let wanted = format!("{before}{MAP_BEGINS}\n{map}\n{MAP_ENDS}{after}");
    if wanted == text {
        return Ok(None);
    }
    if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, wanted).during("cannot write ARCHITECTURE.md")?;
        return Ok(None);
    }
    Ok(Some("ARCHITECTURE.md: its map is not the code's: WINDLASS_BLESS=1 cargo xtask tidy writes it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Arrow, Module, Source, check_floors, circle};

    fn module(path: &str) -> Module {
        path.split("::").map(str::to_owned).collect()
    }

    fn arrows(text: &str) -> Vec<Arrow> {
        text.split_whitespace()
            .filter_map(|arrow| arrow.split_once('>'))
            .enumerate()
            .map(|(at, (from, to))| Arrow { from: module(from), to: module(to), line: at + 1 })
            .collect()
    }

    #[test]
    fn a_circle_is_found_by_its_shortest_way() {
        for (text, expected) in
            [("a>b b>c a>c", None), ("a>b b>a", Some("a>b b>a")), ("x>a a>b b>c c>d d>a c>b", Some("b>c c>b"))]
        {
            let arrows = arrows(text);
            let found = circle(&arrows).map(|way| {
                let steps: Vec<String> =
                    way.iter().map(|arrow| format!("{}>{}", arrow.from.join("::"), arrow.to.join("::"))).collect();
                steps.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn upward_arrows_and_modules_without_a_floor_are_named() {
        let floors: &[&[&str]] = &[&["ground", "cellar"], &["hall", "room"], &["roof"]];
        let sources: Vec<Source> = ["ground", "cellar", "hall::x", "room", "roof", "tree"]
            .into_iter()
            .map(|path| Source { module: module(path), path: path.into(), text: String::new() })
            .collect();
        let upward = [("hall", "room", "because")];
        let check = |text: &str, expected: &[&str]| {
            let problems = check_floors(&sources, &arrows(text), floors, &upward);
            assert_eq!(problems.len(), expected.len(), "{text}: {problems:?}");
            for (problem, expected) in problems.iter().zip(expected) {
                assert!(problem.contains(expected), "{text}: {problem}");
            }
        };
        let tree = "`tree` stands on no floor";
        check("roof>hall ground>cellar hall::x>ground hall::x>room", &[tree]);
        check("hall::x>room ground>roof", &[tree, "ground:2: imports `roof`"]);
        check("room>hall::x", &[tree, "room:1: imports `hall::x`", "take the exception out"]);
    }
}
