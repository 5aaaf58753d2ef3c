//! A Homebrew formula that installs the archives of a release.

use super::{archives, file_name, sha256, version, write};
use crate::command::{Failure, Result};
use crate::say;
use std::path::Path;

/// Writes `windlass.rb`. `url` is where the archives will be.
pub(super) fn make(out: &Path, url: &str) -> Result<()> {
    say::step("the Homebrew formula");
    let mut blocks = String::new();
    for (system, ending) in [("macos", "apple-darwin"), ("linux", "linux-musl")] {
        let mut inside = String::new();
        for (target, path) in archives(out)? {
            if !target.ends_with(ending) {
                continue;
            }
            let processor = if target.starts_with("aarch64") { "arm" } else { "intel" };
            let (name, digest) = (file_name(&path), sha256(&path)?);
            inside.push_str(&format!(
                "    on_{processor} do\n      url \"{url}/{name}\"\n      sha256 \"{digest}\"\n    end\n"
            ));
        }
        if !inside.is_empty() {
            blocks.push_str(&format!("  on_{system} do\n{inside}  end\n"));
        }
    }
    if blocks.is_empty() {
        // The archive of a developer's machine is not what Homebrew installs.
        say::note("no archive of a release target is there: no formula");
        return match out.join("windlass.rb").exists() {
            true => Err(Failure::new("windlass.rb is of an older release").hint("clear the folder")),
            false => Ok(()),
        };
    }
    let version = version();
    write(
        &out.join("windlass.rb"),
        format!(
            "# Made by `cargo xtask dist formula`.
class Windlass < Formula
  desc \"Run Helm post-renderers as WebAssembly plugins in a sandbox\"
  homepage \"https://github.com/windlass-dev/windlass\"
  version \"{version}\"
  license \"Apache-2.0\"

{blocks}
  def install
    bin.install \"windlass\"
    pkgshare.install \"plugins\"
    bash_completion.install \"completions/windlass.bash\" => \"windlass\"
    zsh_completion.install \"completions/_windlass\"
    fish_completion.install \"completions/windlass.fish\"
    man1.install Dir[\"man/*.1\"]
  end

  test do
    assert_match version.to_s, shell_output(\"#{{bin}}/windlass --version\")
  end
end
"
        )
        .as_bytes(),
    )
}
