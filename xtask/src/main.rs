//! `cargo xtask COMMAND`: see [`xtask`] for what each command does.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match xtask::run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            xtask::say::failure(&failure);
            ExitCode::FAILURE
        }
    }
}
