//! `extism-crate [-config K=V] PLUGIN [EXTRA_ARG...] <stream >stream`: runs a plugin with the `extism` crate, the message
//! being a plain JSON string both ways. PLUGIN is a .wasm file or a folder that holds plugin.wasm.
//!
//! It differs from Helm's engine (Extism's Go SDK): it keeps an error text after a trap, and takes a non-zero return
//! without an error text for success.

use std::io::{Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Vec::new();
    let mut words = std::env::args().skip(1).peekable();
    while words.next_if(|word| word == "-config").is_some() {
        let entry = words.next().ok_or("-config needs KEY=VALUE")?;
        let (key, value) = entry.split_once('=').ok_or("-config needs KEY=VALUE")?;
        config.push((key.to_owned(), value.to_owned()));
    }
    let plugin = std::path::PathBuf::from(words.next().ok_or("which plugin?")?);
    let wasm = if plugin.is_dir() { plugin.join("plugin.wasm") } else { plugin };
    let mut stream = String::new();
    std::io::stdin().read_to_string(&mut stream)?;

    let manifest = extism::Manifest::new([extism::Wasm::file(wasm)]).with_config(config.into_iter());
    let mut instance = extism::Plugin::new(manifest, [], true)?;
    let input = serde_json::json!({"manifests": stream, "extraArgs": words.collect::<Vec<_>>()}).to_string();
    let answer: Vec<u8> = instance.call("helm_plugin_main", input)?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let manifests = answer["manifests"].as_str().ok_or("the plugin answered without `manifests`")?;
    std::io::stdout().write_all(manifests.as_bytes())?;
    Ok(())
}
