//! What `windlass new` makes works: its own tests pass, it builds, its cases hold in the sandbox, and the result runs
//! in Windlass and in Helm's engine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{Finished, feed, on_path};
use xtask::helm::Version;
use xtask::{peers, tools, workspace};

const STREAM: &[u8] =
    b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  switch: on # as it was\n";

/// Runs a program and gives its stdout.
fn succeed(command: &mut Command) -> Vec<u8> {
    let finished = feed(command, b"").expect("the program starts");
    assert_eq!(finished.code, Some(0), "{command:?}: {}", finished.stderr);
    finished.stdout
}

/// An installed program has no checkout beside it: the PDK's sources come with the new plugin.
#[test]
fn a_new_plugin_builds_without_a_checkout() {
    let sandbox = Sandbox::new();
    let program = sandbox.program("bin/windlass");
    let home = std::env::var_os("HOME").unwrap_or_default();
    let run = |folder: &Path, arguments: &[&str]| {
        let mut command = Command::new(&program);
        sandbox.apply(command.args(arguments)).current_dir(folder);
        command.env("HOME", &home).env("CARGO_TARGET_DIR", workspace::target().join("tests/template"));
        succeed(&mut command)
    };
    run(sandbox.path(), &["new", "far-away"]);
    let folder = sandbox.path().join("far-away");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("windlass-pdk = { path = \"vendor/windlass/pdk\" }"), "{manifest}");
    std::fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    run(&folder, &["build"]);
    let output = sandbox.succeed(["run", &folder.display().to_string(), "--set", "annotations.team=payments"], STREAM);
    assert!(String::from_utf8_lossy(&output).contains("    team: payments\n"));
}

/// A new plugin by a template, and whoever works on it: in a home of its own, with the compilers' caches of the
/// machine.
struct Author {
    sandbox: Sandbox,
    folder: PathBuf,
    zig: Option<PathBuf>,
}

/// What every template's plugin is called here.
const NAME: &str = "my-plugin";

impl Author {
    fn new(template: &str) -> Self {
        let sandbox = Sandbox::new();
        succeed(&mut sandbox.windlass(["new", NAME, "--template", template]));
        let folder = sandbox.path().join(NAME);
        Self { sandbox, folder, zig: None }
    }

    fn in_empty_folder() -> Self {
        let sandbox = Sandbox::new();
        let folder = sandbox.path().join("empty");
        std::fs::create_dir(&folder).expect("a folder");
        Self { sandbox, folder, zig: None }
    }

    /// A program in the sandbox's `bin`, with plugins that come with it.
    fn bundle(&self, plugins: &[&str]) -> PathBuf {
        let program = self.sandbox.program("bin/windlass");
        for (name, file) in plugins.iter().flat_map(|name| [(name, "plugin.yaml"), (name, "plugin.wasm")]) {
            let copy = self.sandbox.write(&format!("bin/plugins/{name}/{file}"), "");
            std::fs::copy(needs::plugin(name).join(file), copy).expect("the plugin");
        }
        program
    }

    /// Puts the sandbox's `bin` and other folders in front of a command's PATH.
    fn find_first<'f>(&self, command: &mut Command, others: impl Iterator<Item = &'f Path>) {
        let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).map(OsStr::to_owned);
        let path = path.unwrap_or_default();
        let first = std::iter::once(self.sandbox.path().join("bin")).chain(others.map(Path::to_owned));
        let folders = std::env::join_paths(first.chain(std::env::split_paths(&path))).expect("a PATH");
        command.env("PATH", folders);
    }

    /// A program in the plugin's folder.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.sandbox.apply(&mut command).current_dir(&self.folder);
        // Compilers and their caches are found by the home that they were installed into. What the workspace has
        // compiled counts.
        command.env("HOME", std::env::var_os("HOME").unwrap_or_default()).env("GOWORK", "off");
        command.env("CARGO_TARGET_DIR", workspace::target().join("tests/template"));
        if let Some(zig) = self.zig.as_ref().and_then(|zig| zig.parent()) {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let windlass = needs::windlass();
            let folders = [Some(zig), windlass.parent()].into_iter().flatten().map(Path::to_owned);
            let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).expect("a PATH");
            let cache = workspace::target().join("tests/zig");
            command.env("PATH", path).env("ZIG_GLOBAL_CACHE_DIR", &cache).env("ZIG_LOCAL_CACHE_DIR", cache);
        }
        command
    }

    fn windlass(&self, arguments: &[&str]) -> Vec<u8> {
        succeed(self.command(needs::windlass()).args(arguments))
    }

    /// The built module, which names no folder of this machine.
    fn build(&self) -> PathBuf {
        self.windlass(&["build"]);
        let module = self.folder.join("plugin.wasm");
        let wasm = std::fs::read(&module).expect("a module");
        let home = format!("{}/", std::env::var("HOME").unwrap_or_default());
        for machine in [home.as_bytes(), self.sandbox.path().to_str().expect("a path").as_bytes()] {
            let is_there = wasm.windows(machine.len()).any(|window| window == machine);
            assert!(!is_there, "{} is in the plugin", String::from_utf8_lossy(machine));
        }
        module
    }

    /// The plugin's cases hold, in the sandbox.
    fn cases(&self, at_least: u64) {
        let report = self.windlass(&["test", "--output", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
        assert_eq!(report["failed"], 0, "{report}");
        assert!(report["passed"].as_u64().is_some_and(|passed| passed >= at_least), "{report}");
    }

    /// It makes a package that Helm can install.
    fn package(&self) {
        self.windlass(&["package"]);
        assert!(self.folder.join(format!("{NAME}-0.1.0.tgz")).is_file());
    }

    fn chart(&self) -> PathBuf {
        self.sandbox.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
        self.sandbox.write("chart/templates/settings.yaml", STREAM);
        self.sandbox.path().join("chart")
    }

    /// Real Helm 4 runs it, installed from its folder; `words` are Helm's post-renderer arguments.
    fn under_helm_4(&self, words: &[&str]) -> Option<Finished> {
        let helm = self.sandbox.helm(Version::Four)?;
        let mut install = helm.command();
        install.args(["plugin", "install"]).arg(&self.folder);
        let installed = self.finish(install);
        assert_eq!(installed.code, Some(0), "{}", installed.stderr);
        let mut template = helm.template(&self.chart());
        template.args(["--post-renderer", NAME]);
        template.args(words.iter().flat_map(|word| ["--post-renderer-args", word]));
        Some(self.finish(template))
    }

    /// A Helm, which finds the windlass of the sandbox's `bin` first, where there is one.
    fn finish(&self, mut command: Command) -> Finished {
        self.sandbox.apply(&mut command);
        self.find_first(&mut command, std::iter::empty());
        feed(&mut command, b"").expect("the program starts")
    }

    /// Real Helm 3 runs a program with these words.
    fn under_helm_3(&self, program: &Path, words: &[&str]) -> Option<Finished> {
        let helm = self.sandbox.helm(Version::Three)?;
        let mut template = helm.template(&self.chart());
        template.arg("--post-renderer").arg(program);
        template.args(words.iter().flat_map(|word| ["--post-renderer-args", word]));
        Some(self.finish(template))
    }

    /// Windlass, both Helms and Helm's engine run it, and `expected` is in what comes of it; `module` is for the
    /// engine, with what plugin.yaml configures.
    fn everywhere(&self, words: &[&str], expected: &str, module: Option<(&Path, &[&str])>) -> String {
        let plugin = self.folder.display().to_string();
        let arguments: Vec<&str> = ["run", &plugin, "--"].iter().chain(words).copied().collect();
        let ours = String::from_utf8(self.sandbox.succeed(&arguments, STREAM)).expect("UTF-8");
        assert!(ours.contains(expected) && ours.contains("  switch: on # as it was\n"), "{ours}");
        let through_windlass: Vec<&str> = ["run", &plugin, "--"].iter().chain(words).copied().collect();
        for helm in [self.under_helm_3(&needs::windlass(), &through_windlass), self.under_helm_4(words)] {
            let Some(rendered) = helm else { continue };
            let text = String::from_utf8_lossy(&rendered.stdout).into_owned();
            assert_eq!(rendered.code, Some(0), "{}", rendered.stderr);
            assert!(text.contains(expected) && text.contains("  switch: on"), "{text}");
        }
        if let (Some((module, config)), Some(engine)) = (module, needs::peer(peers::HELM_ENGINE)) {
            let mut command = Command::new(engine);
            command.args(config.iter().flat_map(|entry| ["-config", entry])).arg(module).args(words);
            let theirs = feed(&mut command, STREAM).expect("the program starts");
            assert_eq!(theirs.code, Some(0), "{}", theirs.stderr);
            let text = String::from_utf8_lossy(&theirs.stdout);
            assert!(text.contains(expected) && text.contains("  switch: on"), "{text}");
        }
        ours
    }
}

#[test]
fn the_rust_template_works() {
    let author = Author::new("rust");
    // The versions that this workspace was tested with, and no network.
    std::fs::copy(workspace::root().join("Cargo.lock"), author.folder.join("Cargo.lock")).expect("a lock file");
    let mut cargo = workspace::cargo();
    cargo.current_dir(&author.folder).env("CARGO_TARGET_DIR", workspace::target().join("tests/template"));
    succeed(cargo.args(["test", "--quiet"]));
    // The loop's own profile builds, and leaves plugin.wasm alone.
    author.windlass(&["dev", "--once"]);
    assert!(!author.folder.join("plugin.wasm").exists());
    let module = author.build();
    author.cases(3);
    author.package();
    let config = "annotations={\"managed-by\": \"my-plugin\"}";
    author.everywhere(&["annotations.team=payments"], "    team: payments\n", Some((&module, &[config])));
    // Defaults that the plugin would not take are told to its author, not to everybody who runs it.
    let plugin_yaml = author.folder.join("plugin.yaml");
    let right = std::fs::read_to_string(&plugin_yaml).expect("a plugin.yaml");
    for (stale, told) in
        [("annotations: {}\n", "annotations: name at least one"), ("lables: {}\n", "unknown key `lables`")]
    {
        let kept = right.split_once("    annotations:").expect("defaults").0;
        std::fs::write(&plugin_yaml, format!("{kept}    {stale}")).expect("a plugin.yaml");
        for command in ["build", "package"] {
            let refused = feed(author.command(needs::windlass()).arg(command), b"").expect("the program starts");
            assert_eq!(refused.code, Some(2), "{command} {stale}: {}", refused.stderr);
            assert!(refused.stderr.contains(told), "{command}: {}", refused.stderr);
        }
    }
}

#[test]
fn the_rust_policy_template_works() {
    let author = Author::new("rust-policy");
    std::fs::copy(workspace::root().join("Cargo.lock"), author.folder.join("Cargo.lock")).expect("a lock file");
    let cargo = |arguments: &[&str]| {
        let mut cargo = workspace::cargo();
        cargo.current_dir(&author.folder).env("CARGO_TARGET_DIR", workspace::target().join("tests/template"));
        feed(cargo.args(arguments), b"").expect("cargo starts")
    };
    let lint = || cargo(&["clippy", "--quiet", "--all-targets", "--", "--deny", "warnings"]);
    for finished in [cargo(&["test", "--quiet"]), lint()] {
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }
    let module = author.build();
    author.cases(3);
    author.package();
    author.everywhere(&[], "name: settings", Some((&module, &[])));
    let pod = b"# Source: shop/templates/web.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - image: web:2\n";
    let words = ["run", &author.folder.display().to_string(), "--set", "registries={registry.example}"];
    let refused = author.sandbox.run(words, pod);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for part in ["shop/templates/web.yaml", "Pod/web", "spec.containers[0].image (line 8)", "`web:2`"] {
        assert!(refused.stderr.contains(part), "{part} is not in {}", refused.stderr);
    }
    // What a plugin cannot do is told by clippy already.
    let library = author.folder.join("src/lib.rs");
    let text = std::fs::read_to_string(&library).expect("a library");
    let careless = "pub fn careless() {\n    println!(\"{:?}\", std::fs::read(\"x\"));\n}\n";
    std::fs::write(&library, format!("{text}\n{careless}")).expect("a library");
    let refused = lint();
    assert_ne!(refused.code, Some(0));
    for part in ["`std::println`", "`std::fs::read`", "use `windlass_pdk::info!`"] {
        assert!(refused.stderr.contains(part), "{part} is not in {}", refused.stderr);
    }
}

#[test]
fn the_go_template_works() {
    if !on_path("go") {
        assert!(!workspace::ci(), "Go is needed");
        return;
    }
    let library = workspace::root().join("pdk/go");
    for words in [["vet", "./..."], ["test", "./..."]] {
        succeed(Command::new("go").args(words).current_dir(&library).env("GOWORK", "off"));
    }
    let author = Author::new("go");
    let go = |arguments: &[&str]| succeed(author.command("go").args(arguments));
    go(&["vet", "./..."]);
    go(&["test", "./..."]);
    let module = author.build();
    author.cases(3);
    author.package();
    let config = "annotations={\"managed-by\": \"my-plugin\"}";
    let ours = author.everywhere(&["annotations.team=payments"], "    team: payments\n", Some((&module, &[config])));

    // The same program as a post-renderer of Helm 3's own, and as a command.
    let native = author.folder.join("native");
    go(&["build", "-o", "native", "."]);
    if let Some(rendered) = author.under_helm_3(&native, &["annotations.team=payments"]) {
        assert_eq!(rendered.code, Some(0), "{}", rendered.stderr);
        assert!(String::from_utf8_lossy(&rendered.stdout).contains("    team: payments\n"));
    }
    let refused = feed(Command::new(&native).arg("annotation.team=payments"), STREAM).expect("it starts");
    assert_eq!(refused.code, Some(2));
    assert_eq!(refused.stderr, "annotation: unknown key, did you mean `annotations`?\n");
    let mut build = author.command("go");
    build.args(["build", "-tags", "command", "-o", "command.wasm", "."]).envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    succeed(&mut build);
    let command = author.folder.join("command.wasm").display().to_string();
    let words = ["run", &command, "--", "annotations.managed-by=my-plugin", "annotations.team=payments"];
    assert_eq!(String::from_utf8_lossy(&author.sandbox.succeed(words, STREAM)), ours, "as a command and as a plugin");
}

#[test]
fn the_command_template_works() {
    let mut author = Author::new("command");
    author.zig = needs::tool(tools::ZIG);
    if author.zig.is_none() {
        return;
    }
    let module = author.build();
    author.cases(3);
    author.package();
    // What the makefile makes is the same.
    let made = std::fs::read(&module).expect("a module");
    succeed(author.command("make").args(["--always-make", "plugin.wasm"]));
    assert!(std::fs::read(&module).expect("a module") == made, "make and `windlass build` differ");
    author.windlass(&["package", "--runtime", "extism", "--destination", "for-helm"]);
    let unpacked = author.sandbox.path().join("unpacked");
    std::fs::create_dir(&unpacked).expect("a folder");
    let archive = author.folder.join(format!("for-helm/{NAME}-0.1.0.tgz"));
    succeed(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&unpacked));
    let joined = unpacked.join(NAME).join("plugin.wasm");
    let config = "args=[\"CustomResourceDefinition\"]";
    let ours = author.everywhere(&["Secret"], "  name: settings\n", Some((&joined, &[config])));
    assert_eq!(ours.as_bytes(), STREAM);
    let none = author.sandbox.succeed(["run", &author.folder.display().to_string(), "--", "ConfigMap"], STREAM);
    assert_eq!(none, b"# empty\n");
}

/// Without code: the plugins are those that come with Windlass.
#[test]
fn the_pipeline_template_works() {
    let author = Author::new("pipeline");
    let program = author.bundle(&["label-injector", "checksum"]);
    let report = succeed(author.command(&program).args(["test", "--output", "json"]));
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!((&report["failed"], &report["passed"]), (&0.into(), &3.into()), "{report}");
    let through = |helm: &Author, words: &[&str]| helm.under_helm_3(&program, words);
    let pipeline = author.folder.join("windlass.yaml").display().to_string();
    let words = ["run", "--pipeline", &pipeline, "--", "labels.team=orders"];
    let rendered = [through(&author, &words), author.under_helm_4(&["labels.team=orders"])];
    for rendered in rendered.into_iter().flatten() {
        assert_eq!(rendered.code, Some(0), "{}", rendered.stderr);
        assert!(String::from_utf8_lossy(&rendered.stdout).contains("    team: orders\n"));
    }
    // Its file says what is configured.
    author.sandbox.write(&format!("{NAME}/tests/cases/other-team/config.yaml"), "labels: {team: a}\n");
    let refused = feed(author.command(&program).arg("test"), b"").expect("it starts");
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("means nothing to a pipeline"), "{}", refused.stderr);
}

/// A script for the plugin that runs JavaScript.
#[test]
fn the_javascript_template_works() {
    if !workspace::built_plugin("script").join("plugin.wasm").is_file() {
        assert!(!workspace::ci(), "the plugin script is needed");
        return;
    }
    let author = Author::new("javascript");
    let program = author.bundle(&["script"]);
    let report = succeed(author.command(&program).args(["test", "--output", "json"]));
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!((&report["failed"], &report["passed"]), (&0.into(), &3.into()), "{report}");
    let pipeline = author.folder.join("windlass.yaml").display().to_string();
    let words = ["run", "--pipeline", &pipeline, "--", "args.team=orders"];
    for rendered in
        [author.under_helm_3(&program, &words), author.under_helm_4(&["args.team=orders"])].into_iter().flatten()
    {
        assert_eq!(rendered.code, Some(0), "{}", rendered.stderr);
        assert!(String::from_utf8_lossy(&rendered.stdout).contains("    team: orders\n"));
    }
}

/// docs/authoring.md, run as it stands there: at most eight commands to a plugin of one's own under real Helm 4. The
/// lines below a session are among those that its last command prints.
#[test]
fn the_author_page_is_true() {
    let page = std::fs::read_to_string(workspace::root().join("docs/authoring.md")).expect("the page");
    let mut templates = 0;
    for section in page.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap_or_default();
        let session =
            section.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a session");
        let commands: Vec<&str> = session.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        let shown: Vec<&str> = session.lines().filter(|line| !line.starts_with("$ ")).collect();
        assert!(!commands.is_empty() && commands.len() <= 8, "{name}: {} commands", commands.len());
        assert!(!shown.is_empty(), "{name} shows nothing");
        let author = Author::in_empty_folder();
        let Some(helm) = author.sandbox.helm(Version::Four) else { return };
        let author = Author { zig: needs::tool(tools::ZIG), ..author };
        if name == "command" && author.zig.is_none() || name == "go" && !on_path("go") {
            continue;
        }
        if name == "pipeline" {
            author.bundle(&["label-injector", "checksum"]);
        }
        // The versions that this workspace was tested with.
        let lock = workspace::root().join("Cargo.lock").display().to_string();
        let locked = commands.join("\n").replacen("windlass build", &format!("cp {lock} .; windlass build"), 1);
        let mut bash = author.command("bash");
        bash.args(["-e", "-c", &locked]);
        for (key, value) in helm.command().get_envs() {
            match value {
                Some(value) => bash.env(key, value),
                None => bash.env_remove(key),
            };
        }
        let helm = helm.command();
        author.find_first(&mut bash, Path::new(helm.get_program()).parent().into_iter());
        let printed = String::from_utf8(succeed(&mut bash)).expect("UTF-8");
        for line in shown {
            assert!(printed.lines().any(|printed| printed == line), "{name}: {line:?} is not in\n{printed}");
        }
        templates += 1;
    }
    assert!(templates >= 1, "a template was tried");
}

/// A name that means something else is refused whatever the template, before a file is written.
#[test]
fn names_are_checked_for_every_template() {
    let sandbox = Sandbox::new();
    let templates = workspace::folders(&workspace::root().join("templates")).expect("templates");
    for template in templates.iter().filter_map(|folder| folder.file_name()?.to_str()) {
        for name in ["test", "fn"] {
            let finished = sandbox.run(["new", name, "--template", template], b"");
            assert_eq!(finished.code, Some(2), "{template} {name}");
            assert!(
                finished.stderr.contains(&format!("`{name}` cannot be the name of a plugin: it is a")),
                "{}",
                finished.stderr
            );
            assert!(!sandbox.path().join(name).exists());
        }
    }
}
