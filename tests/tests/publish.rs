//! `cargo xtask publish` against real registries, with the plugins that were built already: every sample plugin, next
//! to a chart.

use serde_json::Value;
use std::path::{Path, PathBuf};
use windlass_tests::needs;
use windlass_tests::shipping::{PLUGIN, STREAM, Stage, key};
use xtask::publish::{Options, publish, table};
use xtask::workspace;

fn folders() -> Vec<PathBuf> {
    workspace::plugin_names().unwrap().iter().map(|name| needs::plugin(name)).collect()
}

fn states(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["state"].as_str().unwrap()).collect()
}

#[test]
fn all_plugins_are_published_next_to_a_chart() {
    for stage in [Stage::distribution(), Stage::with_referrers()].into_iter().flatten() {
        let Some((chart, helm)) = stage.push_chart() else { return };
        let packages = stage.sandbox.path().join("packages");
        let options = |dry_run: bool| Options {
            registry: stage.oci("plugins"),
            chart: Some(chart.clone()),
            sign: Some(PathBuf::from(key("secret.gpg"))),
            dry_run,
            flags: stage.flags.clone(),
        };
        let folders = folders();
        let all = |state: &'static str| vec![state; folders.len()];

        // A dry run sends nothing.
        let rows = publish(&folders, &packages, &options(true)).unwrap();
        assert_eq!(states(&rows), all("would push"));
        assert_eq!(stage.answer(&["discover", &chart])["plugins"], Value::Array(Vec::new()));
        stage.refuse(&["pull", rows[0]["reference"].as_str().unwrap()], b"", 5, "has no");

        let rows = publish(&folders, &packages, &options(false)).unwrap();
        assert_eq!(states(&rows), all("pushed"));
        assert_eq!(stage.answer(&["discover", &chart])["plugins"].as_array().unwrap().len(), folders.len());
        for row in &rows {
            stage.succeed(&["verify", row["reference"].as_str().unwrap(), "--keyring", &key("public.gpg")], b"");
            stage.succeed(&["verify", row["attached"].as_str().unwrap(), "--keyring", &key("public.gpg")], b"");
        }
        let shown = table(&rows);
        assert_eq!(shown.lines().count(), folders.len() + 1, "{shown}");
        assert!(shown.contains(rows[0]["digest"].as_str().unwrap()), "{shown}");

        // What is there with the same content stays as it is, though the new signature is of another second.
        for dry_run in [true, false] {
            let again = publish(&folders, &packages, &options(dry_run)).unwrap();
            assert_eq!(states(&again), all("unchanged"));
            assert_eq!(again[0]["digest"], rows[0]["digest"]);
        }

        // Helm takes what was published.
        let installed = rows.iter().find(|row| row["name"] == PLUGIN).unwrap()["reference"].as_str().unwrap();
        helm.succeed(&["plugin", "install", installed, "--plain-http", "--keyring", &key("public.gpg")]);

        other_content_is_refused(&stage, &folders, &packages, &options);
    }
}

/// One plugin with other content, and one that is not there yet: nothing is sent.
fn other_content_is_refused(stage: &Stage, folders: &[PathBuf], packages: &Path, options: &dyn Fn(bool) -> Options) {
    let changed = stage.sandbox.path().join("changed").join(PLUGIN);
    std::fs::create_dir_all(&changed).unwrap();
    for file in ["plugin.yaml", "plugin.wasm"] {
        std::fs::copy(needs::plugin(PLUGIN).join(file), changed.join(file)).unwrap();
    }
    std::fs::write(changed.join("README.md"), "other").unwrap();
    let new = stage.sandbox.path().join("new");
    std::fs::create_dir(&new).unwrap();
    std::fs::write(
        new.join("plugin.wasm"),
        wat::parse_str(r#"(module (func (export "helm_plugin_main") (result i32) i32.const 0))"#).unwrap(),
    )
    .unwrap();
    let yaml = std::fs::read_to_string(needs::plugin(PLUGIN).join("plugin.yaml")).unwrap();
    std::fs::write(new.join("plugin.yaml"), yaml.replace("name: label-injector", "name: new")).unwrap();
    let folders = [new, changed, folders.last().unwrap().clone()];
    let rows = publish(&folders, packages, &options(true)).unwrap();
    assert_eq!(states(&rows), ["would push", "refused", "unchanged"]);
    let failure = publish(&folders, packages, &options(false)).unwrap_err();
    assert!(failure.message().contains(PLUGIN) && failure.message().contains("nothing was pushed"), "{failure}");
    stage.refuse(&["pull", &stage.oci("plugins/new:0.1.0")], b"", 5, "has no");
    stage.succeed(&["run", &stage.oci(&format!("plugins/{PLUGIN}:0.1.0")), "--keyring", &key("public.gpg")], STREAM);
}
