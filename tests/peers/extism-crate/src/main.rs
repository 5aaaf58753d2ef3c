//! `extism-crate [-cache FOLDER] [-config K=V] PLUGIN [EXTRA_ARG...] <stream >stream`: runs a plugin with the `extism`
//! crate, the message being a plain JSON string both ways. PLUGIN is a .wasm file or a folder that holds plugin.wasm.
//! FOLDER keeps compiled code; without it each run compiles.
//!
//! `extism-crate -batch` runs many. Each line of standard input is one request, each line of standard output its answer:
//!
//! ```text
//! {"plugin": PATH, "config": {KEY: TEXT}, "args": [TEXT], "stream": TEXT} -> {"stream": TEXT} or {"error": TEXT}
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;

/// Far above what any run needs: it only ends those that would never end.
const TIMEOUT: Duration = Duration::from_secs(20);

type Error = Box<dyn std::error::Error>;

/// One run.
#[derive(Deserialize)]
struct Request {
    plugin: PathBuf,
    #[serde(default)]
    config: BTreeMap<String, String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    stream: String,
}

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("-batch") => batch(),
        _ => one(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn one() -> Result<(), Error> {
    let (mut config, mut cache) = (BTreeMap::new(), None);
    let mut words = std::env::args().skip(1).peekable();
    while let Some(flag) = words.next_if(|word| word == "-config" || word == "-cache") {
        let value = words.next().ok_or("the flag needs a value")?;
        if flag == "-cache" {
            cache = Some(PathBuf::from(value));
        } else {
            let (key, value) = value.split_once('=').ok_or("-config needs KEY=VALUE")?;
            config.insert(key.to_owned(), value.to_owned());
        }
    }
    let plugin = PathBuf::from(words.next().ok_or("which plugin?")?);
    let mut stream = String::new();
    std::io::stdin().read_to_string(&mut stream)?;
    let compiled = compile(&plugin, config, cache)?;
    let manifests = render(&compiled, stream, words.collect())?;
    std::io::stdout().write_all(manifests.as_bytes())?;
    Ok(())
}

/// The plugin of the request before is kept compiled: requests for the same one should follow each other.
fn batch() -> Result<(), Error> {
    let mut kept: Option<(PathBuf, BTreeMap<String, String>, extism::CompiledPlugin)> = None;
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        // Forged offsets make the crate panic; a request that does must not take the others with it.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| -> Result<String, Error> {
            let (plugin, config, compiled) = match kept.take() {
                Some(kept) if kept.0 == request.plugin && kept.1 == request.config => kept,
                _ => {
                    let compiled = compile(&request.plugin, request.config.clone(), None)?;
                    (request.plugin, request.config, compiled)
                }
            };
            let rendered = render(&compiled, request.stream, request.args);
            kept = Some((plugin, config, compiled));
            rendered
        }));
        let answer = match outcome {
            Ok(Ok(stream)) => serde_json::json!({"stream": stream}),
            Ok(Err(error)) => serde_json::json!({"error": format!("{error}")}),
            Err(_) => serde_json::json!({"error": "the extism crate panicked"}),
        };
        println!("{answer}");
    }
    Ok(())
}

fn compile(
    plugin: &std::path::Path,
    config: BTreeMap<String, String>,
    cache: Option<PathBuf>,
) -> Result<extism::CompiledPlugin, Error> {
    let wasm = if plugin.is_dir() { plugin.join("plugin.wasm") } else { plugin.to_owned() };
    let manifest =
        extism::Manifest::new([extism::Wasm::data(std::fs::read(wasm)?)]).with_config(config.into_iter()).with_timeout(TIMEOUT);
    let builder = extism::PluginBuilder::new(manifest).with_wasi(true);
    let builder = match cache {
        None => builder.with_cache_disabled(),
        Some(folder) => {
            std::fs::create_dir_all(&folder)?;
            let folder = folder.canonicalize()?;
            let settings = folder.join("settings.toml");
            std::fs::write(&settings, format!("[cache]\ndirectory = {:?}\n", folder.join("code")))?;
            builder.with_cache_config(settings)
        }
    };
    Ok(builder.compile()?)
}

/// A fresh instance each time, as Helm makes one for each render.
fn render(compiled: &extism::CompiledPlugin, stream: String, args: Vec<String>) -> Result<String, Error> {
    let mut instance = extism::Plugin::new_from_compiled(compiled)?;
    let input = serde_json::json!({"manifests": stream, "extraArgs": args}).to_string();
    let answer: Vec<u8> = instance.call("helm_plugin_main", input)?;
    let mut answer: serde_json::Value = serde_json::from_slice(&answer)?;
    match answer["manifests"].take() {
        serde_json::Value::String(manifests) => Ok(manifests),
        _ => Err("the plugin answered without `manifests`".into()),
    }
}
