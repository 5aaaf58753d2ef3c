//! zig as a C compiler for cargo's build scripts, where the system has none for the target.

use crate::command::{During, Result};
use crate::tools;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Programs that stand for `cc` and `ar` in builds for one target.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The compiler: zig's, without the option in which cargo's build scripts name the target their own way.
    pub(crate) cc: PathBuf,
    /// The archiver.
    pub(crate) ar: PathBuf,
}

impl Toolchain {
    /// Writes both into `folder`; `target` as zig calls it.
    ///
    /// # Errors
    /// zig is not here and cannot be fetched, or the folder cannot be written.
    pub(crate) fn new(folder: &Path, target: &str) -> Result<Self> {
        let zig = tools::ZIG.ensure()?;
        let zig = zig.display();
        std::fs::create_dir_all(folder).during(format_args!("cannot make {}", folder.display()))?;
        let cc = format!(
            "#!/bin/sh\nfor word do\n  shift\n  case $word in --target=*) ;; *) set -- \"$@\" \"$word\" ;; esac\ndone\nexec '{zig}' cc -fno-sanitize=undefined -target {target} \"$@\"\n"
        );
        Ok(Self {
            cc: script(folder.join(format!(".cc-{target}")), &cc)?,
            ar: script(folder.join(format!(".ar-{target}")), &format!("#!/bin/sh\nexec '{zig}' ar \"$@\"\n"))?,
        })
    }
}

fn script(path: PathBuf, text: &str) -> Result<PathBuf> {
    // Beside and renamed, as a build may be running it; untouched where it is the same, as cargo builds anew otherwise.
    if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(path);
    }
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, text).during(format_args!("cannot write {}", path.display()))?;
    std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o755))
        .during("cannot make it executable")?;
    std::fs::rename(&unfinished, &path).during(format_args!("cannot write {}", path.display()))?;
    Ok(path)
}
