//! How many megabytes per second a stream can be visited and labelled with:
//! `cargo run --release -p windlass-manifest --example throughput -- FILE...` (the files are put together to 10 MB).

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use windlass_manifest::{Error, Manifests, Path, Value};

const STREAM_BYTES: usize = 10_000_000;
const ROUNDS: usize = 9;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut part = Vec::new();
    for file in std::env::args().skip(1) {
        part.extend(std::fs::read(file)?);
        if !part.ends_with(b"\n") {
            part.push(b'\n');
        }
        part.extend_from_slice(b"---\n");
    }
    if part.is_empty() {
        return Err("name at least one file".into());
    }
    let mut stream = Vec::with_capacity(STREAM_BYTES + part.len());
    while stream.len() < STREAM_BYTES {
        stream.extend_from_slice(&part);
    }
    let labels = Path::new(["metadata", "labels"]);
    let entries = [("team".to_owned(), Value::from("payments"))];
    measure("take", &stream, |_| Ok(()))?;
    measure("visit", &stream, |manifests| {
        manifests.visit(|object| {
            black_box((object.kind(), object.name()));
            Ok(())
        })
    })?;
    measure("label", &stream, |manifests| manifests.visit(|object| object.merge(&labels, &entries).map(|_| ())))?;
    measure("label, pod templates too", &stream, |manifests| {
        manifests.visit(|object| {
            object.merge(&labels, &entries)?;
            if let Some(template) = object.pod_template().filter(|template| !template.is_root()) {
                object.merge(&template.join(&labels), &entries)?;
            }
            Ok(())
        })
    })
}

/// Prints the best of some rounds; the spread of an idle machine is a few percent.
fn measure(
    name: &str,
    stream: &[u8],
    work: impl Fn(&mut Manifests) -> Result<(), Error>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut best = f64::INFINITY;
    let mut length = 0;
    for _ in 0..ROUNDS {
        let copy = stream.to_vec();
        let start = Instant::now();
        let mut manifests = Manifests::from_bytes(copy)?;
        work(&mut manifests)?;
        let output = black_box(manifests.into_bytes());
        best = best.min(start.elapsed().as_secs_f64());
        length = output.len();
    }
    let speed = stream.len() as f64 / best / 1e6;
    #[allow(clippy::print_stdout)]
    {
        println!("{name:26} {speed:8.0} MB/s  {:7.2} ms  {length} bytes out", best * 1e3);
    }
    Ok(())
}
