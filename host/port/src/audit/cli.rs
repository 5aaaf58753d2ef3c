//! Helm's own command line: which commands are Helm's, and what of them bites under Helm 4.

use super::facts::{CliUse, Facts};
use super::scope::{Scope, Value};
use super::shell::{Command, Word};

/// A call of Helm: its subcommand, and where its words start.
#[derive(Clone, Debug)]
pub(crate) struct HelmCall {
    pub(crate) subcommand: String,
    pub(crate) start: usize,
}

const SUBCOMMANDS: &[&str] = &[
    "install",
    "upgrade",
    "template",
    "rollback",
    "uninstall",
    "delete",
    "list",
    "ls",
    "status",
    "get",
    "history",
    "test",
    "lint",
    "package",
    "push",
    "pull",
    "repo",
    "registry",
    "dependency",
    "dep",
    "plugin",
    "show",
    "search",
    "env",
    "version",
    "create",
    "verify",
    "diff",
    "secrets",
];

/// Whether a command starts Helm, under whatever name and behind whatever runs it.
pub(crate) fn helm_call(command: &Command, scope: &Scope) -> Option<HelmCall> {
    let position = command.words.iter().take(12).position(|word| is_helm(word, scope))?;
    let mut index = position + 1;
    let mut subcommand = String::new();
    while let Some(word) = command.words.get(index) {
        let text = word.text().unwrap_or_default();
        if SUBCOMMANDS.contains(&text.as_str()) {
            subcommand = text;
            // `helm diff upgrade`, `helm secrets upgrade`.
            if !matches!(subcommand.as_str(), "diff" | "secrets") {
                break;
            }
        }
        index += 1;
    }
    Some(HelmCall { subcommand, start: index })
}

fn is_helm(word: &Word, scope: &Scope) -> bool {
    let source = word.source();
    let name = source.rsplit('/').next().unwrap_or_default();
    if matches!(name, "helm" | "helm3" | "helm4" | "helm.exe" | "helmfile" | "microk8s.helm" | "microk8s.helm3") {
        return true;
    }
    let is_variable = name.starts_with("${") && name.ends_with('}') && plain(name).contains("helm");
    is_variable
        && scope.values(word, 0, None).iter().all(|value| match value {
            Value::Known { text, .. } => text.contains("helm"),
            Value::Parameter { .. } => true,
        })
}

fn plain(text: &str) -> String {
    super::scope::plain_name(text)
}

/// A rule about Helm's command line: what changed between Helm 3 and 4.
#[derive(Clone, Copy, Debug)]
pub struct CliRule {
    /// The identifier that findings carry.
    pub id: &'static str,
    /// What is found, in a few words.
    pub title: &'static str,
    /// Why it matters and what to write instead.
    pub why: &'static str,
    /// Where Helm says so.
    pub source: &'static str,
}

/// The rules, in the order of their identifiers.
pub const RULES: &[CliRule] = &[
    CliRule {
        id: "helm-atomic",
        title: "`--atomic`",
        why: "Helm 4 calls it `--rollback-on-failure`; the old word is deprecated and still works. With it Helm waits by its \
              new watcher (kstatus), which fails earlier and for other reasons than Helm 3 did",
        source: "helm/helm v4 pkg/cmd/upgrade.go, install.go: MarkDeprecated(\"atomic\")",
    },
    CliRule {
        id: "helm-dry-run",
        title: "`--dry-run` without a value",
        why: "Helm 4 wants `--dry-run=client` or `--dry-run=server`; the bare flag is deprecated, and `true`/`false` with it",
        source: "helm/helm v4 pkg/cmd/install.go: addDryRunFlag",
    },
    CliRule {
        id: "helm-force",
        title: "`--force`",
        why: "Helm 4 calls it `--force-replace`, and it cannot go with server-side apply: a release that is applied \
              server-side refuses it. `--force-conflicts` is what takes fields from other owners",
        source: "helm/helm v4 pkg/cmd/upgrade.go, rollback.go: --force-replace, --force-conflicts",
    },
    CliRule {
        id: "helm-last-applied",
        title: "reads `last-applied-configuration`",
        why: "objects that are applied server-side, as Helm 4 does for new releases, carry no such annotation: read \
              managedFields instead",
        source: "HIP-0023, helm/helm v4 pkg/kube/client.go: server-side apply",
    },
    CliRule {
        id: "helm-plugin-unverified",
        title: "`helm plugin install` without a decision about verification",
        why: "Helm 4 verifies plugins by default, and from 4.1.4 a missing provenance file is an error: sign the plugin or \
              say `--verify=false`",
        source: "helm/helm v4 pkg/cmd/plugin_install.go",
    },
    CliRule {
        id: "helm-post-renderer-twice",
        title: "`--post-renderer` given twice",
        why: "Helm 3 silently takes the last one, Helm 4 refuses: put both into one pipeline",
        source: "helm/helm v4 pkg/cmd/flags.go: postRendererString.Set",
    },
    CliRule {
        id: "helm-registry-login",
        title: "`helm registry login` with a path or a scheme",
        why: "Helm 4 takes the host alone",
        source: "helm/helm v4 pkg/cmd/registry_login.go",
    },
    CliRule {
        id: "helm-server-side",
        title: "server-side apply and fields of other owners",
        why: "Helm 4 applies new releases server-side: where an autoscaler, an operator or a person also sets a field (replicas \
              under a HorizontalPodAutoscaler), the upgrade stops with a conflict. Leave the field out of the chart, or say \
              `--force-conflicts` or `--server-side=false`",
        source: "HIP-0023, helm/helm v4 pkg/cmd/upgrade.go: --server-side",
    },
    CliRule {
        id: "helm-wait",
        title: "`--wait=true` or `--wait=false`",
        why: "Helm 4's `--wait` takes a strategy (`watcher`, `hookOnly`, `legacy`); truth values are deprecated",
        source: "helm/helm v4 pkg/cmd/flags.go: AddWaitFlag",
    },
];

/// Looks at one call of Helm.
pub(crate) fn look(call: &HelmCall, command: &Command, line: &dyn Fn(usize) -> usize, facts: &mut Facts) {
    let mut add = |word: &Word, rule: &'static str| {
        let text = word.source();
        let found = CliUse { line: line(word.line), rule, text };
        if facts.cli.len() < 10_000 && !facts.cli.contains(&found) {
            facts.cli.push(found);
        }
    };
    let deploys = matches!(call.subcommand.as_str(), "install" | "upgrade" | "rollback" | "template" | "uninstall");
    let mut flags = 0usize;
    for (position, word) in command.words.iter().enumerate().skip(call.start) {
        let text = word.source();
        let next = command.words.get(position + 1).and_then(Word::text).unwrap_or_default();
        match text.as_str() {
            "--force" if deploys => add(word, "helm-force"),
            "--atomic" | "--atomic=true" if deploys => add(word, "helm-atomic"),
            "--dry-run" | "--dry-run=true" | "--dry-run=false"
                if deploys && !matches!(next.as_str(), "client" | "server" | "none") =>
            {
                add(word, "helm-dry-run");
            }
            "--wait=true" | "--wait=false" if deploys => add(word, "helm-wait"),
            "--server-side" | "--server-side=true" if deploys => add(word, "helm-server-side"),
            _ => {}
        }
        if text == "--post-renderer" || text.starts_with("--post-renderer=") {
            flags += 1;
            if flags == 2 {
                add(word, "helm-post-renderer-twice");
            }
        }
        if call.subcommand == "registry" && command.words.get(position - 1).is_some_and(|word| word.is("login")) {
            let has_path = text.trim_start_matches("oci://").trim_start_matches("https://").contains('/');
            if !text.starts_with('-') && (text.contains("://") || has_path && !text.starts_with('$')) {
                add(word, "helm-registry-login");
            }
        }
        if call.subcommand == "plugin" && text == "install" {
            let decided =
                command.words.iter().any(|word| word.starts_with("--verify") || word.starts_with("--keyring"));
            if !decided {
                add(word, "helm-plugin-unverified");
            }
        }
    }
}
