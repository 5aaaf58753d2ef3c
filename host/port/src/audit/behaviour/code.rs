//! What programs in Python, Go and other languages do, by their words.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::super::deeds::{self, Deed};
use super::{NETWORK, SECRETS, code_lines, missed_kinds, regex};
use crate::audit::profile::{Behaviour, once};

const PYTHON_NETWORK: &[&str] = &[
    "requests",
    "urllib",
    "http.client",
    "httpx",
    "aiohttp",
    "socket",
    "boto3",
    "botocore",
    "hvac",
    "docker",
    "google.cloud",
    "azure",
    "paramiko",
    "consul",
    "redis",
    "grpc",
];
const GO_NETWORK: &[&str] = &[
    "net/http",
    "\"net\"",
    "cloud.google.com",
    "aws-sdk-go",
    "azure-sdk",
    "hashicorp/vault",
    "go-containerregistry",
    "google.golang.org/grpc",
    "oras-go",
];
const RUST_NETWORK: &[&str] = &["reqwest", "hyper", "std::net", "tokio::net", "ureq", "kube::", "aws_sdk"];

static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""([^"\n]{1,120})"|'([^'\n]{1,120})'|:([a-zA-Z_]\w*)|\.([A-Za-z_]\w*)"#).ok());
static DROPS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?is)\bkinds?\b[^\n]{0,80}(?:==|!=|\bin\b|not in|includes|eql\?|contains)[^\n]{0,120}[\n\s:{(]{0,12}[^\n]{0,20}\b(?:continue|next|return nil|return null|return false|return none)\b|\[[^\]]*for [^\]]* if [^\]]*kind|\.filter\([^)]*kind|reject\b[^\n]*kind|select\b[^\n]*\{[^}\n]*kind|delete_if|where-object[^\n]*kind"#).ok()
});
static ENVIRONMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:environ(?:\.get)?\s*[\[(]\s*|[Gg]etenv\(\s*|LookupEnv\(\s*|ENV(?:\.fetch)?\s*[\[(]\s*|process\.env\.|env::var\(\s*|\$env:)["']?([A-Za-z_][A-Za-z0-9_]*)"#).ok()
});
static STARTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:subprocess\.\w+|check_output|Popen|exec\.Command|os\.system|execSync|spawnSync|spawn|execFile|execFileSync|Command::new|Open3\.\w+|os\.popen)\(\s*\[?\s*(?:ctx\s*,\s*)?["'`]([^"'`\s]+)"#).ok()
});
static HOSTS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"https?://([A-Za-z0-9.\-]+)").ok());
static OPENS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?:\bopen|ReadFile|read_to_string|readFileSync|File\.read|load_file|Path|read_text)\(\s*["']([^"']+)["']"#,
    )
    .ok()
});

/// What a program in another language does, as far as its strings and calls say.
pub(crate) fn of_code(text: &str, language: &str, behaviour: &mut Behaviour) {
    if behaviour.language.is_empty() || behaviour.language == "shell" {
        language.clone_into(&mut behaviour.language);
    }
    let code = without_comments(text, language);
    let lines = code_lines(&code);
    behaviour.lines += lines;
    behaviour.compiles = behaviour.compiles || matches!(language, "go" | "rust" | "c");
    for found in regex(&ENVIRONMENT).into_iter().flat_map(|regex| regex.captures_iter(&code)).take(100) {
        once(&mut behaviour.needs.env, found.get(1).map_or("", |name| name.as_str()));
    }
    let mut starts_programs = false;
    for found in regex(&STARTS).into_iter().flat_map(|regex| regex.captures_iter(&code)).take(100) {
        starts_programs = true;
        let program = found.get(1).map_or("", |name| name.as_str());
        once(&mut behaviour.needs.programs, program);
        if NETWORK.iter().any(|(name, _)| *name == program) {
            once(&mut behaviour.keeps, format!("starts `{program}`, which talks to the network"));
            once(&mut behaviour.needs.network, program);
        } else if matches!(program, "kubectl" | "oc") && !code.contains("kustomize") {
            behaviour.needs.cluster = true;
            once(&mut behaviour.keeps, format!("starts `{program}`"));
        } else if SECRETS.contains(&program) {
            once(&mut behaviour.keeps, format!("`{program}` reads secrets or their keys"));
        }
    }
    if !starts_programs
        && (code.contains("subprocess") || code.contains("\"os/exec\"") || code.contains("child_process"))
    {
        behaviour.is_own = true;
        starts_programs = true;
        once(&mut behaviour.needs.programs, "?");
    }
    let imports = |name: &str| {
        code.contains(&format!("import {name}"))
            || code.contains(&format!("from {name}"))
            || code.contains(&format!("require('{name}"))
            || code.contains(&format!("require \"{name}"))
            || code.contains(&format!("from '{name}"))
            || code.contains(&format!("require(\"{name}"))
    };
    let mut network: Vec<&str> = match language {
        "go" => GO_NETWORK.iter().copied().filter(|name| code.contains(name)).collect(),
        "rust" => RUST_NETWORK.iter().copied().filter(|name| code.contains(name)).collect(),
        "c" => ["sys/socket.h", "curl/curl.h"].into_iter().filter(|name| code.contains(name)).collect(),
        "ruby" => ["net/http", "open-uri", "faraday", "vault"]
            .into_iter()
            .filter(|name| imports(name) || code.contains(&format!("require '{name}'")))
            .collect(),
        "node" => ["http", "https", "axios", "node-fetch", "got", "@aws-sdk", "aws-sdk", "node-vault"]
            .into_iter()
            .filter(|name| imports(name))
            .collect(),
        "powershell" => {
            ["Invoke-WebRequest", "Invoke-RestMethod"].into_iter().filter(|name| code.contains(name)).collect()
        }
        _ => PYTHON_NETWORK.iter().copied().filter(|name| imports(name)).collect(),
    };
    if language == "node" && code.contains("fetch(") {
        network.push("fetch");
    }
    if !network.is_empty() {
        for host in regex(&HOSTS).into_iter().flat_map(|regex| regex.captures_iter(&code)).take(20) {
            once(&mut behaviour.needs.network, host.get(1).map_or("", |host| host.as_str()));
        }
        if behaviour.needs.network.is_empty() {
            network.iter().for_each(|name| once(&mut behaviour.needs.network, name.trim_matches('"')));
        }
        once(&mut behaviour.keeps, format!("talks to the network ({})", network.join(", ")));
    }
    let cluster = code.contains("client-go")
        || imports("kubernetes")
        || code.contains("kubernetes.client")
        || code.contains("load_incluster_config")
        || code.contains("@kubernetes/client-node")
        || code.contains("controller-runtime");
    if cluster {
        behaviour.needs.cluster = true;
        once(&mut behaviour.keeps, "asks the cluster");
    }
    let clock = [
        "datetime.now",
        "datetime.utcnow",
        "time.time(",
        "time.Now(",
        "Date.now(",
        "new Date()",
        "Time.now",
        "uuid.uuid4",
        "random.",
        "rand.",
        "Get-Date",
        "SystemTime::now",
        "SecureRandom",
        "crypto.randomUUID",
        "time.strftime",
    ];
    if clock.iter().any(|word| code.contains(word)) {
        behaviour.needs.clock = true;
        once(&mut behaviour.defects, "the output differs from run to run (time or chance)");
    }
    for found in regex(&OPENS).into_iter().flat_map(|regex| regex.captures_iter(&code)).take(50) {
        let name = found.get(1).map_or("", |name| name.as_str());
        let writes = code.contains(&format!("\"{name}\", \"w"))
            || code.contains(&format!("'{name}', 'w"))
            || code.contains("writeFileSync");
        once(if writes { &mut behaviour.needs.writes } else { &mut behaviour.needs.files }, name);
    }
    if code.contains("sys.argv")
        || code.contains("argparse")
        || code.contains("os.Args")
        || code.contains("ARGV")
        || code.contains("process.argv")
        || code.contains("$args")
        || code.contains("env::args")
        || code.contains("flag.Parse")
    {
        once(&mut behaviour.needs.arguments, "its own arguments");
    }
    if starts_programs && (code.contains("kustomize")) {
        deeds::add(&mut behaviour.deeds, Deed::Patch);
    }
    code_deeds(&code, behaviour);
    behaviour.is_own = behaviour.is_own || lines > 90;
    if code.contains("split('---')")
        || code.contains("split(\"---\")")
        || code.contains("SplitN(") && code.contains("\"---\"")
        || code.contains("split(\"\\n---")
    {
        once(&mut behaviour.defects, "splits documents at `---` wherever it stands, also within texts");
    }
    if language == "python" && code.contains("yaml.dump")
        || language == "ruby" && code.contains("YAML.dump")
        || code.contains("yaml.dump_all")
        || code.contains("safe_dump_all")
    {
        once(&mut behaviour.defects, "writes everything anew: comments, quoting and order are lost");
    }
    missed_kinds(&code, behaviour);
}

fn code_deeds(code: &str, behaviour: &mut Behaviour) {
    let mut touched = String::new();
    for found in regex(&QUOTED).into_iter().flat_map(|regex| regex.captures_iter(code)).take(5_000) {
        let word = (1..=4).find_map(|group| found.get(group)).map_or("", |word| word.as_str());
        if !word.contains("://") && !word.starts_with("--") {
            // Go's fields are written in capitals.
            let mut letters = word.chars();
            let lower = letters
                .next()
                .map(|first| first.to_ascii_lowercase().to_string() + letters.as_str())
                .unwrap_or_default();
            touched.push_str(if word.contains('.') || word.contains('/') || code.contains("apiVersion: ") {
                word
            } else {
                &lower
            });
            touched.push('\n');
        }
    }
    let lower = code.to_ascii_lowercase();
    let mut found = Vec::new();
    let has = |word: &str| touched.lines().any(|line| line == word);
    let drops = regex(&DROPS).is_some_and(|drops| drops.is_match(code));
    deeds::appended(code, &mut found);
    let is_checksum = lower.contains("sha256") && lower.contains("checksum")
        || lower.contains("hashlib")
        || lower.contains("crypto/sha256");
    let is_duplicate = lower.contains("dedup")
        || lower.contains("duplicate")
        || lower.contains("seen") && (lower.contains("env") || lower.contains("name"));
    let adds_objects = [
        "docs.append(",
        "documents.append(",
        "docs.push(",
        "documents.push(",
        "resources.append(",
        "docs << ",
        "objects.append(",
        "manifests.append(",
    ]
    .iter()
    .any(|word| code.contains(word))
        && (code.contains("\"apiVersion\":") || code.contains("'apiVersion':") || code.contains("apiVersion:"));
    let is_policy = (lower.contains("sys.exit(1)")
        || lower.contains("os.exit(1)")
        || lower.contains("process.exit(1)")
        || lower.contains("exit 1")
        || lower.contains("exit(2)"))
        && [
            "violation",
            "forbidden",
            "not allowed",
            "denied",
            "policy",
            "privileged",
            "must have",
            "must not",
            "must set",
            "missing required",
            ":latest",
        ]
        .iter()
        .any(|word| lower.contains(word));
    let assigns = [
        "] = ",
        ".setdefault(",
        "] ||= ",
        ".update(",
        "] += ",
        ".append(",
        ".pop(",
        "del ",
        ".delete(",
        "replace(",
        "sub(",
        "]=",
        ".push(",
        "<< ",
        ".merge!(",
        "Labels[",
        "Annotations[",
        "SetNestedField",
        "SetLabels",
        "SetAnnotations",
        ".insert(",
        "re.sub",
        "gsub",
    ]
    .iter()
    .any(|word| code.contains(word));
    if is_policy && !code.contains("= labels") {
        deeds::add(&mut found, Deed::Policy);
    }
    if is_checksum {
        deeds::add(&mut found, Deed::Checksum);
    } else if is_duplicate {
        deeds::add(&mut found, Deed::Deduplicate);
    } else if assigns {
        if has("labels") || has("setLabels") {
            deeds::add(&mut found, Deed::Labels);
        }
        if touched.contains("helm.sh/hook") {
            deeds::add(&mut found, Deed::Hooks);
        } else if has("annotations") || has("setAnnotations") {
            deeds::add(&mut found, Deed::Annotations);
        }
        let image = has("image") && !found.contains(&Deed::Sidecar) && !found.contains(&Deed::InitContainer);
        if image
            && (lower.contains("replace")
                || lower.contains("sub(")
                || lower.contains("registry")
                || lower.contains("mirror")
                || lower.contains("[\"image\"] =")
                || lower.contains("['image'] =")
                || lower.contains(".image =")
                || lower.contains("prefix"))
        {
            deeds::add(&mut found, if lower.contains("digest") { Deed::Digests } else { Deed::Images });
        }
        let in_container = !found.contains(&Deed::Sidecar) && !found.contains(&Deed::InitContainer);
        if in_container
            && [
                "env",
                "resources",
                "securityContext",
                "livenessProbe",
                "readinessProbe",
                "args",
                "imagePullPolicy",
                "runAsUser",
                "limits",
                "envFrom",
                "lifecycle",
            ]
            .iter()
            .any(|word| has(word))
        {
            deeds::add(&mut found, Deed::Containers);
        }
        if ["volumes", "volumeMounts", "imagePullSecrets"].iter().any(|word| has(word)) && in_container {
            deeds::add(&mut found, Deed::Volumes);
        }
        if [
            "nodeSelector",
            "tolerations",
            "affinity",
            "topologySpreadConstraints",
            "priorityClassName",
            "runtimeClassName",
            "hostNetwork",
            "dnsPolicy",
            "dnsConfig",
        ]
        .iter()
        .any(|word| has(word))
        {
            deeds::add(&mut found, Deed::Scheduling);
        }
        if has("namespace")
            && (code.contains("[\"namespace\"] =")
                || code.contains("['namespace'] =")
                || code.contains(".Namespace =")
                || code.contains("setdefault(\"namespace\"")
                || code.contains("SetNamespace"))
        {
            deeds::add(&mut found, Deed::Namespace);
        }
        if [
            "replicas",
            "serviceAccountName",
            "webhooks",
            "failurePolicy",
            "rules",
            "clusterIP",
            "loadBalancerIP",
            "storageClassName",
        ]
        .iter()
        .any(|word| has(word))
            && !drops
        {
            deeds::add(&mut found, Deed::Patch);
        }
    }
    if adds_objects {
        deeds::add(&mut found, Deed::Resources);
    }
    if drops
        && (found.is_empty()
            || lower.contains("drop")
            || lower.contains("filter")
            || lower.contains("exclude")
            || lower.contains("skip_kinds")
            || lower.contains("remove"))
    {
        deeds::add(&mut found, Deed::Select);
    }
    if found.is_empty()
        && (lower.contains("re.sub")
            || lower.contains(".replace(")
            || lower.contains("gsub")
            || lower.contains("-replace")
            || lower.contains("replaceall"))
    {
        if has("image") || lower.contains("docker.io") || lower.contains("registry") {
            deeds::add(&mut found, Deed::Images);
        } else {
            deeds::add(&mut found, Deed::Expression);
            once(&mut behaviour.defects, "edits YAML as text by regular expressions");
        }
    }
    let is_pass_through = found.is_empty()
        && [
            "sys.stdout.write(sys.stdin.read())",
            "print(sys.stdin.read()",
            "io.Copy(os.Stdout, os.Stdin)",
            "stdin.pipe(process.stdout)",
            "shutil.copyfileobj(sys.stdin",
            "return renderedManifests, nil",
            "puts STDIN.read",
            "print STDIN.read",
        ]
        .iter()
        .any(|word| code.contains(word));
    if is_pass_through && behaviour.deeds.is_empty() {
        behaviour.is_nothing = true;
    }
    if found.is_empty() && !is_pass_through && behaviour.deeds.is_empty() {
        behaviour.is_own = true;
    }
    for deed in found {
        deeds::add(&mut behaviour.deeds, deed);
    }
}

/// Comments left out, as far as lines show them.
fn without_comments(text: &str, language: &str) -> String {
    let mark = match language {
        "python" | "ruby" | "powershell" | "perl" => "#",
        _ => "//",
    };
    let mut out = String::with_capacity(text.len());
    let mut in_doc = false;
    let mut in_block = false;
    for line in text.lines() {
        let bare = line.trim_start();
        if language == "python" {
            let quotes = bare.matches("\"\"\"").count() + bare.matches("'''").count();
            let starts = bare.starts_with("\"\"\"") || bare.starts_with("'''");
            if in_doc {
                in_doc = quotes == 0;
                continue;
            }
            if starts {
                in_doc = quotes == 1;
                continue;
            }
        } else if mark == "//" {
            if in_block {
                in_block = !bare.contains("*/");
                continue;
            }
            if bare.starts_with("/*") {
                in_block = !bare.contains("*/");
                continue;
            }
        }
        if bare.starts_with(mark) {
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}
