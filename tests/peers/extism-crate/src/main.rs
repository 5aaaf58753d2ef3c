//! `extism-crate [-cache FOLDER] [-config K=V] PLUGIN [EXTRA_ARG...] <stream >stream`: runs a plugin with the `extism`
//! crate, the message being a plain JSON string both ways. PLUGIN is a .wasm file or a folder that holds plugin.wasm.
//! FOLDER keeps compiled code; without it each run compiles.
//!
//! `extism-crate -batch` runs many. Each line of standard input is one request, each line of standard output its
//! answer:
//!
//! ```text
//! {"plugin": PATH, "config": {KEY: TEXT}, "args": [TEXT], "stream": TEXT} -> {"stream": TEXT} or {"error": TEXT}
//! ```
//!
//! Forged offsets make the crate panic, which ends the process: the answers to what came before are there by then.

mod extism;

use extism::{Compiled, Extism};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Far above what any run needs: it only ends those that would never end.
const TIMEOUT_MS: u64 = 20_000;

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

/// The library stands beside the program, as pip lays it out. `cache` is where it keeps compiled code, if anywhere.
fn load(cache: Option<&Path>) -> Result<Extism, Error> {
    let settings = match cache {
        None => PathBuf::new(),
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            let folder = folder.canonicalize()?;
            let settings = folder.join("settings.toml");
            std::fs::write(&settings, format!("[cache]\ndirectory = {:?}\n", folder.join("code")))?;
            settings
        }
    };
    // SAFETY: there is one thread. An empty value means no cache.
    unsafe { std::env::set_var("EXTISM_CACHE_CONFIG", settings) };
    let program = std::env::current_exe()?;
    let library = format!("{DLL_PREFIX}extism_sys{DLL_SUFFIX}");
    Extism::load(&program.with_file_name("extism_sys").join(library))
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
    let extism = load(cache.as_deref())?;
    let manifests = render(&compile(&extism, &plugin, &config)?, &stream, &words.collect::<Vec<_>>())?;
    std::io::stdout().write_all(manifests.as_bytes())?;
    Ok(())
}

/// The plugin of the request before is kept compiled: requests for the same one should follow each other.
fn batch() -> Result<(), Error> {
    let extism = load(None)?;
    let mut kept: Option<(PathBuf, BTreeMap<String, String>, Compiled)> = None;
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = match answer(&extism, &mut kept, request) {
            Ok(stream) => serde_json::json!({"stream": stream}),
            Err(error) => serde_json::json!({"error": error.to_string()}),
        };
        println!("{answer}");
    }
    Ok(())
}

fn answer<'e>(
    extism: &'e Extism,
    kept: &mut Option<(PathBuf, BTreeMap<String, String>, Compiled<'e>)>,
    request: Request,
) -> Result<String, Error> {
    let fresh = match kept.take() {
        Some(same) if same.0 == request.plugin && same.1 == request.config => same,
        _ => {
            let compiled = compile(extism, &request.plugin, &request.config)?;
            (request.plugin, request.config, compiled)
        }
    };
    let rendered = render(&fresh.2, &request.stream, &request.args);
    *kept = Some(fresh);
    rendered
}

fn compile<'e>(extism: &'e Extism, plugin: &Path, config: &BTreeMap<String, String>) -> Result<Compiled<'e>, Error> {
    let wasm = if plugin.is_dir() { plugin.join("plugin.wasm") } else { plugin.to_owned() };
    extism.compile(&serde_json::json!({"wasm": [{"path": wasm}], "config": config, "timeout_ms": TIMEOUT_MS}))
}

/// A fresh instance each time, as Helm makes one for each render.
fn render(compiled: &Compiled, stream: &str, args: &[String]) -> Result<String, Error> {
    let input = serde_json::json!({"manifests": stream, "extraArgs": args}).to_string();
    let answer = compiled.call(c"helm_plugin_main", input.as_bytes())?;
    let mut answer: serde_json::Value = serde_json::from_slice(&answer)?;
    match answer["manifests"].take() {
        serde_json::Value::String(manifests) => Ok(manifests),
        _ => Err("the plugin answered without `manifests`".into()),
    }
}
