//! Unchanged programs as plugins: built by `windlass build`, they give the bytes that they give natively, in Windlass
//! and, once packaged for it, in Helm's engine.

use std::path::{Path, PathBuf};
use std::process::Command;
use windlass_tests::needs;
use windlass_tests::sandbox::Sandbox;
use xtask::command::{feed, on_path};
use xtask::helm::Version;
use xtask::{peers, tools, workspace};

const STREAM: &[u8] = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  text: \"tab\\t quote\\\" \u{e4}\u{1f600}\"\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: b\n".as_bytes();

/// A program of `tests/guests`, built for the sandbox in a folder of its own, and natively.
struct Program {
    folder: PathBuf,
    native: PathBuf,
}

impl Program {
    /// None where its compiler is not there.
    fn build(sandbox: &Sandbox, name: &str) -> Option<Self> {
        let sources = workspace::root().join("tests/guests").join(name);
        let folder = sandbox.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for entry in std::fs::read_dir(sources).expect("the program") {
            let file = entry.expect("a file").path();
            std::fs::copy(&file, folder.join(file.file_name().expect("a name"))).expect("copied");
        }
        let native = folder.join("native");
        let mut build = sandbox.windlass(["build"]);
        build.arg(&folder);
        let mut natively = if name.ends_with("go") {
            if !on_path("go") {
                assert!(!workspace::ci(), "Go is needed");
                return None;
            }
            let mut go = Command::new("go");
            go.args(["build", "-o"]).arg(&native).arg(".").current_dir(&folder).env("GOWORK", "off");
            go
        } else {
            let zig = needs::tool(tools::ZIG)?;
            let cache = sandbox.path().join("zig");
            let path = std::env::var_os("PATH").unwrap_or_default();
            let folder_of_zig = zig.parent().expect("a folder").to_owned();
            let path = std::env::join_paths(std::iter::once(folder_of_zig).chain(std::env::split_paths(&path)));
            build.env("PATH", path.expect("a PATH"));
            let mut cc = Command::new(&zig);
            cc.args(["cc", "-o"]).arg(&native).arg(folder.join("main.c"));
            for command in [&mut build, &mut cc] {
                command.env("ZIG_GLOBAL_CACHE_DIR", &cache).env("ZIG_LOCAL_CACHE_DIR", &cache);
            }
            cc
        };
        // Go's own caches are those of the machine.
        for variable in ["HOME", "GOPATH", "GOCACHE", "GOMODCACHE"] {
            if let Some(value) = std::env::var_os(variable) {
                build.env(variable, value);
            }
        }
        for command in [&mut build, &mut natively] {
            let finished = feed(command, b"").expect("it starts");
            assert_eq!(finished.code, Some(0), "{name}: {}", finished.stderr);
        }
        Some(Self { folder, native })
    }

    /// What it answers natively.
    fn natively(&self, arguments: &[&str]) -> Vec<u8> {
        let finished = feed(Command::new(&self.native).args(arguments).env_clear(), STREAM).expect("it starts");
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished.stdout
    }

    fn path(&self) -> &str {
        self.folder.to_str().expect("UTF-8")
    }
}

fn check(name: &str) {
    let sandbox = Sandbox::new();
    let Some(program) = Program::build(&sandbox, name) else { return };
    assert!(program.folder.join("plugin.yaml").is_file(), "a program that has no plugin.yaml gets one");
    let native = program.natively(&["payments"]);
    assert_eq!(sandbox.succeed(["run", "--no-graft", program.path(), "--", "payments"], STREAM), native);
    assert_eq!(sandbox.succeed(["run", "--no-graft", program.path(), "--set", "args[0]=payments"], STREAM), native);
    let pipeline = format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: {}\n  config: {{args: [payments]}}\n  graft: false\n",
        program.path()
    );
    let pipeline = sandbox.write("windlass.yaml", pipeline).display().to_string();
    assert_eq!(sandbox.succeed(["run", "--pipeline", &pipeline], STREAM), native);

    // Files and variables by grants only.
    sandbox.write("data/team", "from-a-file");
    let with_file =
        sandbox.succeed(["run", "--no-graft", program.path(), "--allow-read", "/data=data", "--", "file"], STREAM);
    assert!(String::from_utf8_lossy(&with_file).contains("from-a-file"), "{name}");
    let with_env =
        sandbox.succeed(["run", "--no-graft", program.path(), "--set", "env.TEAM=of-the-configuration"], STREAM);
    assert!(String::from_utf8_lossy(&with_env).contains("of-the-configuration"), "{name}");

    in_helm_engine(&sandbox, &program, &native);
}

/// The same program, packaged for Helm's engine: the same bytes there, and in Windlass.
fn in_helm_engine(sandbox: &Sandbox, program: &Program, native: &[u8]) {
    let packages = sandbox.path().join("packages").display().to_string();
    sandbox.succeed(["package", program.path(), "--runtime", "extism", "-d", &packages], b"");
    let archive = std::fs::read_dir(&packages).expect("packages").next().expect("one").expect("an entry").path();
    let unpacked = sandbox.path().join("unpacked");
    std::fs::create_dir(&unpacked).expect("a folder");
    let status = Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&unpacked).status().expect("tar starts");
    assert!(status.success());
    let folder = std::fs::read_dir(&unpacked).expect("a plugin").next().expect("one").expect("an entry").path();
    let plugin = folder.to_str().expect("UTF-8");
    assert_eq!(sandbox.succeed(["run", plugin, "--", "payments"], STREAM), native);
    let Some(engine) = needs::peer(peers::HELM_ENGINE) else { return };
    let run = |argument: &str, stream: &[u8]| {
        let mut command = Command::new(&engine);
        command.args(["-timeout", "60000", "-cache"]).arg(sandbox.path().join("wazero")).arg(&folder).arg(argument);
        feed(&mut command, stream).expect("the program starts")
    };
    let finished = run("payments", STREAM);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout == native, "other bytes in Helm's engine");
    // Its standard error is the error's text, as in Windlass.
    let (argument, stream, text) = match program.folder.ends_with("command-go") {
        true => ("x", b"a: [".as_slice(), "labels: yaml:"),
        false => ("fail", STREAM, "it says \"no\""),
    };
    let finished = run(argument, stream);
    assert!(finished.code != Some(0) && finished.stderr.contains(text), "{}", finished.stderr);
    for plugin in [plugin, program.path()] {
        let finished = sandbox.run(["run", plugin, "--", argument], stream);
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(finished.stderr.contains(text), "{}", finished.stderr);
    }
}

#[test]
fn an_unchanged_go_program_gives_its_native_bytes() {
    check("command-go");
}

#[test]
fn an_unchanged_c_program_gives_its_native_bytes() {
    check("command-c");
}

/// As the executable of Helm 3's flag.
#[test]
fn helm_3_runs_a_command_through_windlass() {
    let sandbox = Sandbox::new();
    let Some(helm) = sandbox.helm(Version::Three) else { return };
    let Some(program) = Program::build(&sandbox, "command-go") else { return };
    let chart = sandbox.write("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    sandbox.write("chart/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n");
    let mut command = helm.command();
    command.args(["template", "r"]).arg(chart.parent().expect("a chart")).args(["--post-renderer", "windlass"]);
    for word in ["run", "--no-graft", program.path(), "--", "payments"] {
        command.args(["--post-renderer-args", word]);
    }
    let finished = sandbox.finish(command);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(String::from_utf8_lossy(&finished.stdout).contains("team: payments"));
}

/// A folder without any source says so.
#[test]
fn what_is_no_source_is_refused() {
    let sandbox = Sandbox::new();
    let folder = sandbox.write("empty/README", "").with_file_name("");
    let finished = sandbox.run([Path::new("build"), &folder], b"");
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("neither Cargo.toml nor go.mod nor files in C"), "{}", finished.stderr);
}
