//! The judgement: what becomes of a call site.

use std::collections::BTreeMap;
use std::fmt;

use super::Finding;
use super::cli;
use super::deeds::{self, Deed};
use super::facts::{CliUse, Inline, RendererRef, Site};
use super::profile::{Behaviour, once};
use super::program::{Programs, Resolved};

/// What becomes of a post-renderer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The chart has a value for it.
    Values,
    /// It does nothing, or nothing under Helm 4.
    Drop,
    /// Ready-made plugins do it.
    Replace,
    /// A program from standard input to standard output, which compiles to a plugin.
    Compile,
    /// It is written again as a plugin.
    Port,
    /// It needs the network, a cluster or secrets: it stays a subprocess plugin, or gets grants.
    Keep,
    /// It only passes a parameter on.
    Knob,
    /// It is a Windlass plugin already.
    Already,
    /// The program, or what it reads, is not in the tree.
    Unresolved,
}

impl Verdict {
    /// All of them, in the order of a summary.
    pub const ALL: [Self; 9] = [
        Self::Values,
        Self::Drop,
        Self::Replace,
        Self::Compile,
        Self::Port,
        Self::Keep,
        Self::Knob,
        Self::Already,
        Self::Unresolved,
    ];

    /// What it means, for people.
    pub fn says(self) -> &'static str {
        match self {
            Self::Values => "the chart has a value for it",
            Self::Drop => "it does nothing, or nothing under Helm 4",
            Self::Replace => "ready-made plugins do it",
            Self::Compile => "a pure program, which compiles to a plugin",
            Self::Port => "it is written again as a plugin",
            Self::Keep => "it needs the network, a cluster or secrets: a subprocess plugin, or grants",
            Self::Knob => "it only passes a parameter on",
            Self::Already => "it is a Windlass plugin already",
            Self::Unresolved => "the program, or what it reads, is not in the tree",
        }
    }

    /// Its word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Drop => "drop",
            Self::Replace => "replace",
            Self::Compile => "compile",
            Self::Port => "port",
            Self::Keep => "keep",
            Self::Knob => "knob",
            Self::Already => "already",
            Self::Unresolved => "unresolved",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Makes a finding of a site and what its program turned out to be.
pub(crate) fn judge(
    programs: &Programs<'_>,
    file: &str,
    site: &Site,
    resolved: Resolved,
    callers: Option<&BTreeMap<String, Vec<String>>>,
) -> Finding {
    let Resolved { executable, behaviour, is_missing, is_plugin } = resolved;
    let (verdict, why) = decide(programs, file, site, &executable, &behaviour, is_missing, callers);
    let mut plugins = match verdict {
        Verdict::Replace | Verdict::Values | Verdict::Compile | Verdict::Port | Verdict::Keep => {
            deeds::proposals(&behaviour.deeds)
        }
        _ => Vec::new(),
    };
    if matches!(verdict, Verdict::Port) {
        plugins.push(vec!["script".to_owned()]);
    }
    let mut helm4 = behaviour.helm4.clone();
    bites(site, &executable, &behaviour, verdict, is_plugin, &mut helm4);
    let config = config(verdict, &plugins, &behaviour, &executable);
    Finding {
        file: file.to_owned(),
        line: site.line,
        kind: site.kind.to_owned(),
        executable,
        verdict,
        plugins,
        config,
        effort: effort(verdict, &behaviour),
        needs: behaviour.needs.clone(),
        helm4,
        defects: behaviour.defects.clone(),
        why: match &site.note {
            Some(note) => format!("{why} ({note})"),
            None => why,
        },
        rule: None,
    }
}

fn decide(
    programs: &Programs<'_>,
    file: &str,
    site: &Site,
    executable: &str,
    behaviour: &Behaviour,
    is_missing: bool,
    callers: Option<&BTreeMap<String, Vec<String>>>,
) -> (Verdict, String) {
    if let RendererRef::Parameter(name) = &site.chosen {
        let known = callers.and_then(|callers| callers.get(name)).map_or(&[][..], Vec::as_slice);
        let who = if known.is_empty() {
            "no caller in this tree gives it a value".to_owned()
        } else {
            format!("its callers: {}", known.join(", "))
        };
        return (Verdict::Knob, format!("passes `{name}` on; {who}"));
    }
    if behaviour.is_windlass {
        return (Verdict::Already, "runs Windlass or a WebAssembly plugin".to_owned());
    }
    if is_missing {
        return (Verdict::Unresolved, format!("`{executable}` is not in the tree"));
    }
    if behaviour.is_bridge && behaviour.deeds.is_empty() {
        return (Verdict::Knob, "starts whatever its arguments name".to_owned());
    }
    if !behaviour.keeps.is_empty() {
        return (
            Verdict::Keep,
            format!("{}: a subprocess plugin, or a plugin with these grants", behaviour.keeps.join("; ")),
        );
    }
    if !behaviour.missing.is_empty() {
        return (Verdict::Unresolved, format!("not in the tree: {}", behaviour.missing.join(", ")));
    }
    if behaviour.only_helm3 && behaviour.deeds.is_empty() {
        return (Verdict::Drop, "works on `# Source:` comments, which Helm 4 does not send".to_owned());
    }
    if behaviour.is_nothing && behaviour.deeds.is_empty() {
        return (Verdict::Drop, "hands the stream on as it is".to_owned());
    }
    let does = behaviour.deeds.iter().map(|deed| deed.says()).collect::<Vec<_>>().join(", ");
    if behaviour.compiles {
        return (
            Verdict::Compile,
            format!(
                "a {} program that is pure: {}",
                behaviour.language,
                if does.is_empty() { "from standard input to standard output" } else { &does }
            ),
        );
    }
    if behaviour.deeds.is_empty() || behaviour.is_own {
        let lines = behaviour.lines;
        let what =
            if does.is_empty() { "logic of its own".to_owned() } else { format!("{does}, with logic of its own") };
        return (Verdict::Port, format!("{what} ({lines} lines of {}): written again as a plugin", behaviour.language));
    }
    if let Some(value) = chart_value(programs, file, site, behaviour) {
        return (Verdict::Values, format!("{does}: the chart has `{value}` for it"));
    }
    (Verdict::Replace, does)
}

/// The value of a chart in the tree that does what the renderer does.
fn chart_value(programs: &Programs<'_>, file: &str, site: &Site, behaviour: &Behaviour) -> Option<String> {
    let chart = site.chart.as_deref()?;
    let [deed] = behaviour.deeds.as_slice() else { return None };
    // A program that looks at kinds, or a patch with a target, is narrower than a chart's value.
    let is_narrow = behaviour.config.iter().any(|line| line.starts_with("targets"))
        || !matches!(behaviour.language.as_str(), "kustomize" | "shell");
    if is_narrow || behaviour.needs.programs.iter().any(|program| program == "yq") {
        return None;
    }
    let wanted: &[&str] = match deed {
        Deed::Labels => &["commonLabels", "additionalLabels", "extraLabels", "globalLabels"],
        Deed::Annotations => &["commonAnnotations", "additionalAnnotations", "extraAnnotations"],
        Deed::Scheduling => {
            &["nodeSelector", "tolerations", "affinity", "priorityClassName", "topologySpreadConstraints"]
        }
        Deed::Containers => &["extraEnv", "extraEnvVars", "env", "resources", "securityContext", "extraArgs"],
        Deed::Volumes => &["extraVolumes", "imagePullSecrets", "volumes"],
        Deed::Sidecar => &["sidecars", "extraContainers"],
        Deed::InitContainer => &["initContainers", "extraInitContainers"],
        Deed::Resources => &["extraObjects", "extraManifests", "extraDeploy"],
        Deed::Images => &["imageRegistry", "registry"],
        _ => return None,
    };
    let chart = chart.trim_end_matches('/');
    let values = programs.find(file, &format!("{chart}/values.yaml"))?;
    let text = programs.tree.text(&values)?;
    let detail = behaviour.config.join(" ");
    wanted
        .iter()
        .find(|name| {
            let defined = text.lines().any(|line| {
                line.trim_start()
                    .trim_start_matches("# ")
                    .strip_prefix(**name)
                    .is_some_and(|rest| rest.starts_with(':'))
            });
            // Of several fields, the one that is touched.
            let is_general = matches!(deed, Deed::Scheduling | Deed::Containers);
            defined && (!is_general || detail.contains(**name))
        })
        .map(|name| (*name).to_owned())
}

fn bites(
    site: &Site,
    executable: &str,
    behaviour: &Behaviour,
    verdict: Verdict,
    is_plugin: bool,
    helm4: &mut Vec<String>,
) {
    if matches!(verdict, Verdict::Knob | Verdict::Already) {
        return;
    }
    let by_flag = !matches!(site.kind, "flux" | "fleet" | "sveltos" | "crossplane" | "argocd")
        && !matches!(site.chosen, RendererRef::Inline(Inline::Kustomize { .. } | Inline::Code { .. }));
    if by_flag && !is_plugin {
        once(
            helm4,
            format!("Helm 4 takes the name of a plugin: `{executable}` is a path or a program, and is refused"),
        );
    }
    if site.times > 1 {
        once(helm4, "the flag is given twice: Helm 3 takes the last, Helm 4 refuses");
    }
    if behaviour.only_crds {
        once(
            helm4,
            "`crds/` never reaches a Helm 4 post-renderer: keeping only CRDs gives `produced empty output`; filter after `helm template`, or use `helm show crds`",
        );
    }
    if behaviour.deeds.contains(&Deed::Select) && !behaviour.only_crds {
        once(helm4, "an output without objects is an error");
    }
    if behaviour.deeds.contains(&Deed::Checksum) {
        once(helm4, "hooks and the filename annotation enter the checksum: it changes once, and every pod restarts");
    }
    let broad = behaviour.deeds.iter().any(|deed| {
        matches!(deed, Deed::Labels | Deed::Annotations | Deed::Namespace | Deed::Rename | Deed::Images | Deed::Select)
    });
    if broad || behaviour.language == "python" {
        once(helm4, "hooks are in the stream");
    }
    if behaviour.needs.programs.iter().any(|program| program == "kustomize" || program == "kubectl") {
        once(helm4, "hooks are in the stream: a hook and a template of one name make kustomize fail");
    }
    if behaviour.deeds.contains(&Deed::Deduplicate) {
        once(helm4, "server-side apply refuses duplicate keys in lists, which Helm 3 accepted");
    }
}

fn config(verdict: Verdict, plugins: &[Vec<String>], behaviour: &Behaviour, executable: &str) -> String {
    match verdict {
        Verdict::Replace | Verdict::Values | Verdict::Port => {
            let Some(first) = plugins.first() else { return String::new() };
            let mut text = String::from("plugins:\n");
            for plugin in first {
                text.push_str(&format!("- use: {plugin}\n"));
            }
            for line in &behaviour.config {
                text.push_str(&format!("# {}\n", line.trim_start_matches("# ")));
            }
            text
        }
        Verdict::Keep => {
            let name = executable.rsplit('/').next().unwrap_or_default();
            let name: String = name
                .split('.')
                .next()
                .unwrap_or_default()
                .chars()
                .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
                .collect();
            let mut text = format!(
                "apiVersion: v1\nname: {name}\nversion: 0.1.0\ntype: postrenderer/v1\nruntime: subprocess\nruntimeConfig:\n  platformCommand:\n  - command: ${{HELM_PLUGIN_DIR}}/{}\n",
                executable.rsplit('/').next().unwrap_or_default()
            );
            for host in &behaviour.needs.network {
                text.push_str(&format!("# as a plugin: --allow-net {host}\n"));
            }
            for name in &behaviour.needs.env {
                text.push_str(&format!("# as a plugin: --allow-env {name}\n"));
            }
            if behaviour.needs.cluster {
                text.push_str("# as a plugin: --allow-kube get:RESOURCE\n");
            }
            text
        }
        Verdict::Compile => "# windlass port compile DIR\n".to_owned(),
        _ => String::new(),
    }
}

fn effort(verdict: Verdict, behaviour: &Behaviour) -> &'static str {
    match verdict {
        Verdict::Already | Verdict::Drop | Verdict::Knob => "minutes",
        Verdict::Values | Verdict::Replace if behaviour.deeds.len() <= 2 => "minutes",
        Verdict::Values | Verdict::Replace | Verdict::Compile | Verdict::Keep | Verdict::Unresolved => "hours",
        Verdict::Port if behaviour.lines > 150 => "days",
        Verdict::Port => "hours",
    }
}

/// A finding about Helm's own command line.
pub(crate) fn of_cli(file: &str, found: &CliUse) -> Finding {
    let rule = cli::RULES.iter().find(|rule| rule.id == found.rule);
    Finding {
        file: file.to_owned(),
        line: found.line,
        kind: "helm-cli".to_owned(),
        executable: "helm".to_owned(),
        verdict: Verdict::Port,
        plugins: Vec::new(),
        config: String::new(),
        effort: "minutes",
        needs: super::Needs::default(),
        helm4: rule.map(|rule| vec![format!("{}: {}", rule.title, rule.why)]).unwrap_or_default(),
        defects: Vec::new(),
        why: rule.map(|rule| format!("{} [{}; {}]", rule.why, rule.id, rule.source)).unwrap_or_default(),
        rule: Some(found.rule),
    }
}
