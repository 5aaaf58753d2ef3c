//! What may lie in a folder, an archive or a layout that somebody else filled.

use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use windlass::digest::Digest;

use crate::measure::{Place, leb};

const MIB: usize = 1 << 20;
const HEAD: &str = "apiVersion: v1\nname: x\ntype: postrenderer/v1\nversion: 1.0.0\nruntime: subprocess\n";
const MODULE: &str = r#"(module (func (export "helm_plugin_main") (result i32) i32.const 0))"#;

fn module() -> Vec<u8> {
    wat::parse_str(MODULE).unwrap()
}

/// Texts of a small YAML file that are dear to read, with what the file begins with and a key that takes any map.
fn documents(head: &str, below: &str) -> Vec<(&'static str, String)> {
    let long = "x".repeat(MIB / 4);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut nested = "a: ".to_owned();
    for level in 1..9 {
        bomb.push_str(&format!("    a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")));
    }
    for level in 0..250 {
        nested.push_str(&format!("&n{level} [{}, ", "x".repeat(2000)));
    }
    nested.push_str(&"]".repeat(250));
    let keys: String = (0..90_000).map(|key| format!("    k{key}: 1\n")).collect();
    let merges = format!("m: &m {{{}}}\n", (0..40_000).map(|key| format!("k{key}: 1,")).collect::<String>());
    let texts = [
        ("alias-of-a-long-text", format!("a: &a {long}\n    b: [{}]\n", "*a,".repeat(100_000))),
        ("alias-bomb", bomb),
        ("anchors-in-anchors", nested),
        ("keys", format!("a: 1\n{keys}")),
        ("merges", format!("{merges}    n: [{}]\n", "{<<: *m},".repeat(1000))),
        ("deep", format!("a: {}", "[".repeat(500_000))),
        ("lists", format!("a: [{}]\n", "[],".repeat(200_000))),
        ("long-key", format!("a: 1\n    {long}: 1\n    {long}: 2\n")),
        ("control-characters", format!("\"{}\": 1\n", "\\0".repeat(MIB / 8))),
        (
            "yaml-in-yaml",
            (0..400)
                .map(|key| {
                    format!("{}k{key}: \"&a [{long}]\"\n", if key == 0 { "" } else { "    " }, long = &long[..2000])
                })
                .collect(),
        ),
    ];
    let mut documents: Vec<_> = texts.map(|(name, text)| (name, format!("{head}{below}\n    {text}"))).into();
    documents.push(("too-large", format!("{head}# {}\n", "x".repeat(2 * MIB))));
    documents.push(("long-name", head.replace(": x\n", &format!(": {long}\n"))));
    documents
}

fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files: Vec<_> = files.iter().map(|(name, content)| (*name, *content, 0)).collect();
    tgz_with_zeros(&files)
}

/// An archive of files with so many zeros behind their content. They are never in memory: a child's peak counts from
/// what this process holds.
fn tgz_with_zeros(files: &[(&str, &[u8], usize)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (name, content, zeros) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size((content.len() + zeros) as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content.chain(std::io::repeat(0).take(*zeros as u64))).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn plugin_yaml_in_folders_and_archives() {
    let place = Place::new();
    place.write("folder/plugin.wasm", module());
    for (name, text) in documents(HEAD, "runtimeConfig:\n  config:") {
        place.write("folder/plugin.yaml", &text);
        place.write("x.tgz", tgz(&[("x/plugin.yaml", text.as_bytes()), ("x/plugin.wasm", &module())]));
        for plugin in ["folder", "x.tgz"] {
            place.run(["inspect", plugin], b"").check(&format!("inspect-{plugin}-{name}"), &[0, 2, 3, 4], "");
            let arguments = ["run", plugin, "--no-cache", "--timeout", "2s"];
            place.run(arguments, b"a: 1\n").check(&format!("run-{plugin}-{name}"), &[0, 1, 2, 3, 4], "");
        }
    }
}

#[test]
fn own_files() {
    let place = Place::new();
    place.write("x.wasm", module());
    let pipeline = "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: ./x.wasm\n";
    for (name, text) in documents(pipeline, "  config:") {
        place.write("windlass.yaml", &text);
        let arguments = ["run", "--pipeline", "windlass.yaml", "--no-cache"];
        place.run(arguments, b"a: 1\n").check(&format!("pipeline-{name}"), &[0, 1, 2, 4], "");
    }
    for (name, text) in documents("a: 1\n", "b:") {
        place.write("config.yaml", &text);
        let arguments = ["run", "x.wasm", "--config", "config.yaml", "--no-cache"];
        place.run(arguments, b"a: 1\n").check(&format!("config-{name}"), &[0, 1, 2, 4], "");
    }
    place.write("windlass.yaml", pipeline);
    for (name, text) in documents("apiVersion: windlass.dev/v1alpha1\nkind: Lock\n", "plugins:") {
        place.write("windlass.lock", &text);
        let arguments = ["run", "--pipeline", "windlass.yaml", "--locked", "--no-cache"];
        place.run(arguments, b"a: 1\n").check(&format!("lock-{name}"), &[2, 3, 4], "");
    }
}

#[test]
fn archives() {
    // A custom section of 120 MiB.
    let large = [module(), vec![0], leb(2 + 120 * MIB), vec![1, b'x']].concat();
    let yaml = ("x/plugin.yaml", HEAD.as_bytes(), 0);
    let deep: Vec<String> = (0..4000).map(|file| format!("x/{}{file}", format!("{file}/").repeat(180))).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("x/plugin.yaml", HEAD.as_bytes())];
    files.extend(deep.iter().map(|path| (path.as_str(), &b""[..])));
    let many: Vec<String> = (0..30_000).map(|file| format!("x/{file}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|path| (path.as_str(), &b""[..])).collect();
    // A name that takes two hundred megabytes, in GNU's way.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(200 * MIB as u64);
    header.set_cksum();
    let mut name = GzEncoder::new(Vec::new(), Compression::best());
    name.write_all(header.as_bytes()).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(200 * MIB as u64), &mut name).unwrap();
    let archives = [
        ("zeros", tgz_with_zeros(&[yaml, ("x/plugin.wasm", b"", 200 * MIB)])),
        ("large-module", tgz_with_zeros(&[yaml, ("x/plugin.wasm", &large, 120 * MIB + 1)])),
        ("large-plugin-yaml", tgz_with_zeros(&[("x/plugin.yaml", b"", 16 * MIB), ("x/plugin.wasm", &module(), 0)])),
        ("deep", tgz(&files)),
        ("many", tgz(&many)),
        ("name", name.finish().unwrap()),
        ("zeros-alone", tgz_with_zeros(&[("x/a", b"", 200 * MIB)])),
        ("many-streams", tgz(&[("x/plugin.yaml", HEAD.as_bytes())]).repeat(4000)),
    ];
    let place = Place::new();
    for (name, archive) in archives {
        assert!(archive.len() <= MIB, "{name} has {} bytes", archive.len());
        place.write("x.tgz", &archive);
        place.run(["inspect", "x.tgz"], b"").check(&format!("inspect-{name}"), &[2, 3, 4], "");
        let arguments = ["run", "x.tgz", "--no-cache", "--timeout", "2s"];
        place.run(arguments, b"a: 1\n").check(&format!("run-{name}"), &[2, 3, 4], "");
    }
}

fn layout(place: &Place, folder: &str, index: &str) {
    place.write(&format!("{folder}/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
    place.write(&format!("{folder}/index.json"), index);
}

#[test]
fn layouts() {
    let place = Place::new();
    let commands = [
        &["inspect", "oci-layout:l"][..],
        &["inspect", "oci-layout:l:x-1.0.0"],
        &["push", "--from-layout", "l", "oci://127.0.0.1:1/x"],
    ];
    let blob = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"a","digest":"sha256:{0}","size":1}},"layers":[],"x":"{1}"}}"#,
        "0".repeat(64),
        "y".repeat(900_000)
    );
    let digest = Digest::of(blob.as_bytes());
    let entry = |name: usize| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"annotations":{{"dev.windlass.plugin":"x-1.0.{name}"}}}}"#
        )
    };
    let index = |entries: &str| format!(r#"{{"schemaVersion":2,"manifests":[{entries}]}}"#);
    let entries = |count: usize| (0..count).map(entry).collect::<Vec<_>>().join(",");
    for (name, text) in [
        ("one-manifest-a-thousand-times", index(&entries(4000))),
        ("too-many", index(&entries(17_000))),
        ("smallest", index(&[r#"{"mediaType":"","digest":"","size":0}"#; 25_000].join(","))),
        ("deep", "[".repeat(MIB)),
        ("lists", format!("[{}[]]", "[],".repeat(MIB / 4))),
    ] {
        place.write(&format!("l/blobs/sha256/{}", digest.hex()), &blob);
        layout(&place, "l", &text);
        for command in commands {
            place.run(command.iter().copied(), b"").check(&format!("{name}-{}", command[0]), &[2, 3, 4, 5], "");
        }
    }
    // As many manifests as an index may list, all of them large, and different.
    let large: Vec<String> = (0..300)
        .map(|number| {
            let blob = blob.replacen("\"a\"", &format!("\"a{number}\""), 1);
            let digest = Digest::of(blob.as_bytes());
            place.write(&format!("l/blobs/sha256/{}", digest.hex()), &blob);
            format!(r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"annotations":{{"dev.windlass.plugin":"x-1.0.0"}}}}"#)
        })
        .collect();
    layout(&place, "l", &index(&large.join(",")));
    place.run(["inspect", "oci-layout:l"], b"").check("large-manifests", &[2, 4], "of manifests");
}

/// A pipe, a device or a folder under any name that Windlass opens ends at once, with a word that says what it is.
#[test]
fn pipes_and_devices() {
    let place = Place::new();
    place.write("good.wasm", module());
    let endless = |folder: &Path, name: &str| {
        std::fs::create_dir_all(folder).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.join(name)).unwrap();
    };
    for (kind, says) in [("pipe", "is a pipe"), ("device", "is a device")] {
        let put = |name: &str| {
            let path = place.path(&format!("{kind}/{name}"));
            match kind {
                "pipe" => drop(place.pipe(&format!("{kind}/{name}"))),
                _ => endless(path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap()),
            }
            path.display().to_string()
        };
        let plugin = put("a/plugin.wasm");
        let folder = put("b/plugin.yaml").replace("/plugin.yaml", "");
        place.write(&format!("{kind}/b/plugin.wasm"), module());
        let archive = put("x.tgz");
        let bare = put("x.wasm");
        let stream = put("stream.yaml");
        let pipeline = put("p/windlass.yaml");
        place.write(
            &format!("{kind}/q/windlass.yaml"),
            "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins: [{use: ../../good.wasm}]\n",
        );
        put("q/windlass.lock");
        let locked = place.path(&format!("{kind}/q/windlass.yaml")).display().to_string();
        put("l/index.json");
        let layout_index = format!("oci-layout:{}", place.path(&format!("{kind}/l")).display());
        let digest = Digest::of(kind.as_bytes());
        put(&format!("m/blobs/sha256/{}", digest.hex()));
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1}}]}}"#
        );
        layout(&place, &format!("{kind}/m"), &index);
        let layout_blob = format!("oci-layout:{}", place.path(&format!("{kind}/m")).display());
        let cases: Vec<(&str, Vec<&str>)> = vec![
            ("plugin.wasm", vec!["run", plugin.trim_end_matches("/plugin.wasm")]),
            ("plugin.yaml", vec!["run", &folder]),
            ("archive", vec!["inspect", &archive]),
            ("module", vec!["inspect", &bare]),
            ("stream", vec!["run", "good.wasm", "--no-cache", "--file", &stream]),
            ("config", vec!["run", "good.wasm", "--no-cache", "--config", &stream]),
            ("pipeline", vec!["run", "--pipeline", &pipeline]),
            ("lock", vec!["run", "--pipeline", &locked, "--locked"]),
            ("index.json", vec!["inspect", &layout_index]),
            ("blob", vec!["inspect", &layout_blob]),
            ("keyring", vec!["inspect", &layout_index, "--keyring", &stream]),
            ("cosign key", vec!["inspect", &layout_index, "--cosign-key", &stream]),
            ("wait", vec!["wait", "-f", &stream]),
            ("credentials", vec!["logout", "127.0.0.1:1", "--registry-config", &stream]),
        ];
        for (name, arguments) in cases {
            place.run(arguments, b"a: 1\n").check(&format!("{name} as a {kind}"), &[2], says);
        }
        place.run(["package", folder.as_str()], b"").check(&format!("package as a {kind}"), &[2], "no plugin.yaml");
    }
}
