//! The audit on a fixture company of every kind of caller, with the table that an expert would write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use windlass_port::audit::{self, Finding, Report};

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn audited(path: &Path) -> Report {
    audit::audit(&[path], &|_| {}).unwrap()
}

/// One line of the expected table.
struct Expected {
    verdict: String,
    /// Alternatives that an expert accepts, each a sorted list of plugins; none where no plugin is meant.
    plugins: Vec<Vec<String>>,
}

fn expected() -> BTreeMap<(String, usize), Vec<Expected>> {
    let mut all: BTreeMap<_, Vec<Expected>> = BTreeMap::new();
    for line in include_str!("company.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, at, verdict, plugins] = fields.as_slice() else { panic!("{line}") };
        let plugins = plugins.split(',').filter(|one| !one.is_empty()).map(|one| sorted(one.split('+'))).collect();
        let one = Expected { verdict: (*verdict).to_owned(), plugins };
        all.entry(((*file).to_owned(), at.parse().unwrap())).or_default().push(one);
    }
    all
}

fn sorted<'s>(names: impl Iterator<Item = &'s str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

/// Misses, false alarms, other verdicts and other plugins are counted and named; the repository holds none of them.
#[test]
fn the_fixture_company_is_judged_as_an_expert_would() {
    let report = audited(&here("company"));
    let mut found: BTreeMap<(String, usize), Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.rule.is_none()) {
        found.entry((finding.file.clone(), finding.line)).or_default().push(finding);
    }
    let (mut missed, mut verdicts, mut proposals) = (Vec::new(), Vec::new(), Vec::new());
    let expected = expected();
    for (place, wanted) in &expected {
        let given = found.get(place).map_or(&[][..], Vec::as_slice);
        if given.len() < wanted.len() {
            missed.push(format!("{}:{}", place.0, place.1));
            continue;
        }
        for one in wanted {
            let same: Vec<_> = given.iter().filter(|finding| finding.verdict.word() == one.verdict).collect();
            let fits = |finding: &&&Finding| {
                let mut offers = finding.plugins.iter().map(|offer| sorted(offer.iter().map(String::as_str)));
                one.plugins.is_empty() || offers.any(|offer| one.plugins.contains(&offer))
            };
            if same.is_empty() {
                let given: Vec<&str> = given.iter().map(|finding| finding.verdict.word()).collect();
                verdicts.push(format!("{}:{}: {} is not among {given:?}", place.0, place.1, one.verdict));
            } else if !same.iter().any(fits) {
                proposals.push(format!("{}:{}: none of {:?}", place.0, place.1, one.plugins));
            }
        }
    }
    let alarms: Vec<String> = found
        .keys()
        .filter(|place| !expected.contains_key(place))
        .map(|(file, line)| format!("{file}:{line}"))
        .collect();
    let sites: usize = expected.values().map(Vec::len).sum();
    println!(
        "{sites} call sites: {} missed, {} false alarms, {} verdicts and {} proposals other than the expert's",
        missed.len(),
        alarms.len(),
        verdicts.len(),
        proposals.len()
    );
    assert!(sites >= 60, "the fixture company has become small");
    let wrong: Vec<String> = missed.into_iter().chain(alarms).chain(verdicts).chain(proposals).collect();
    for one in &wrong {
        println!("{one}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Hostile trees end, and say what was left out.
#[test]
fn hostile_trees_are_read_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let call = "helm upgrade a ./a --post-renderer ./x.sh\n";
    std::fs::write(place("large.sh"), format!("{call}{}", "# more\n".repeat(1_600_000))).unwrap();
    std::fs::write(place("binary.sh"), b"helm --post-renderer\0\0\0").unwrap();
    std::fs::write(place("latin.sh"), b"# caf\xe9 helm\nhelm upgrade a ./a --post-renderer ./x.sh\n").unwrap();
    std::os::unix::fs::symlink("..", place("loop")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place("out.sh")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, place("pipe.sh"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let bomb = (0..40).fold("a0: &a0 [helm, --post-renderer]\n".to_owned(), |text, level| {
        format!(
            "{text}a{0}: &a{0} [*a{level},*a{level},*a{level},*a{level},*a{level},*a{level},*a{level},*a{level}]\n",
            level + 1
        )
    });
    std::fs::write(place("bomb.yaml"), bomb).unwrap();
    std::fs::write(place("deep.tf"), format!("# helm\na = {}{}\n", "[".repeat(100_000), "]".repeat(100_000))).unwrap();
    std::fs::write(place("deep.sh"), format!("helm {} --post-renderer ./x\n", "$(".repeat(100_000))).unwrap();
    std::fs::write(place("deep.yaml"), format!("helm: {}\n", "[".repeat(100_000))).unwrap();
    std::fs::write(place("quotes.sh"), format!("helm {}", "eval \"bash -c '".repeat(50_000))).unwrap();
    let report = audited(folder.path());
    let lines: Vec<(&str, usize)> =
        report.findings.iter().map(|finding| (finding.file.as_str(), finding.line)).collect();
    assert!(lines.contains(&("latin.sh", 2)), "{lines:?}");
    let skipped: BTreeMap<&str, &str> =
        report.skipped.iter().map(|one| (one.file.as_str(), one.why.as_str())).collect();
    for (file, why) in [
        ("large.sh", "larger than 4 MiB"),
        ("binary.sh", "binary"),
        ("latin.sh", "not UTF-8"),
        ("loop", "out of the tree"),
        ("out.sh", "out of the tree"),
        ("pipe.sh", "neither a file nor a folder"),
        ("deep.tf", "nested too deep"),
    ] {
        assert!(skipped.get(file).is_some_and(|given| given.contains(why)), "{file}: {skipped:?}");
    }
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let (path, error) = audit::audit(&[Path::new("no/such/folder")], &|_| {}).unwrap_err();
    assert_eq!((path.as_str(), error.kind()), ("no/such/folder", std::io::ErrorKind::NotFound));
}

#[test]
fn every_rule_about_helms_command_line_is_documented_with_its_source() {
    let page = include_str!("../../../docs/port.md");
    for rule in audit::RULES {
        assert!(
            page.contains(&format!("| `{}` | {} |", rule.id, rule.title)) && page.contains(rule.source),
            "{}",
            rule.id
        );
    }
}

/// The rules themselves, on a script that breaks them.
#[test]
fn helms_own_command_line_is_judged_by_rules() {
    let folder = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\n# helm upgrade a ./a --force\nhelm upgrade a ./a --force --atomic\nhelm install b ./b --dry-run\n\
                  helm upgrade c ./c --dry-run=server\nhelm plugin install https://example.test/x\nhelm upgrade d ./d --wait=true\n\
                  echo helm upgrade --force\nkubectl apply --force -f x\nhelm registry login oci://registry.test/team\n";
    std::fs::write(folder.path().join("deploy.sh"), script).unwrap();
    let place = folder.path().join("chart/templates");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("hpa.yaml"), "kind: HorizontalPodAutoscaler\n").unwrap();
    std::fs::write(place.join("web.yaml"), "kind: Deployment\nspec:\n  replicas: 2\n").unwrap();
    let guarded = "kind: Deployment\nspec:\n  {{- if not .Values.autoscaling.enabled }}\n  replicas: 2\n  {{- end }}\n";
    std::fs::write(place.join("api.yaml"), guarded).unwrap();
    let reader = "# last-applied-configuration\nx = meta['kubectl.kubernetes.io/last-applied-configuration']\n";
    std::fs::write(folder.path().join("read.py"), reader).unwrap();
    let report = audited(folder.path());
    let found: Vec<(usize, &str)> = report.findings.iter().filter_map(|one| Some((one.line, one.rule?))).collect();
    let expected = [
        (2, "helm-last-applied"),
        (3, "helm-atomic"),
        (3, "helm-force"),
        (3, "helm-server-side"),
        (4, "helm-dry-run"),
        (6, "helm-plugin-unverified"),
        (7, "helm-wait"),
        (10, "helm-registry-login"),
    ];
    let mut found = found;
    found.sort_unstable();
    assert_eq!(found, expected);
}
