//! label-injector compiled for this machine, without any sandbox: what the benchmark and the tests compare the
//! sandboxed plugin with.
//!
//! ```text
//! native-label-injector [KEY=VALUE...] <stream >stream
//! ```

// A program of its own, whose stdout is its answer.
#![allow(clippy::print_stderr)]

use std::io::{self, Read, Write};
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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut stream = Vec::new();
    io::stdin().lock().read_to_end(&mut stream)?;
    let rendered = windlass_pdk::render::<label_injector::LabelInjector>(stream, &arguments, |_| None)?;
    io::stdout().lock().write_all(&rendered.stream)?;
    Ok(())
}
