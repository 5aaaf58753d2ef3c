//! The reference of files, grants and exit codes as Markdown (`docs/reference.md`), from the tables that the program
//! works with. A test compares the page with this.

use std::fmt::Write as _;

use serde_json::Value as Json;
use windlass_abi::capabilities::TABLE;

use super::schema;
use crate::error::ExitCode;
use crate::inspect::settings::{self, Setting};

/// The page.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Reference\n\nFiles, grants and exit codes. Written by `WINDLASS_BLESS=1 cargo test -p windlass --test cli` from the tables \
         of the program. Commands: [cli.md](cli.md), limits: [limits.md](limits.md).\n\n`windlass schema [pipeline|lock|policy]` \
         prints the same as JSON Schema. For an editor with the YAML language server, write it to a file and begin windlass.yaml \
         with `# yaml-language-server: $schema=windlass.schema.json`.\n",
    );
    for (title, about, schema) in [
        (
            "windlass.yaml",
            "A pipeline. Paths count from the file's own folder. Unknown keys are errors.",
            schema::pipeline(),
        ),
        ("windlass.lock", "Written by `windlass lock`, read by `run --locked`; commit it.", schema::lock()),
        (
            "policy.yaml (trust)",
            "`~/.config/windlass/policy.yaml`, or `windlass/policy.yaml` in `XDG_CONFIG_HOME`. A pipeline's `trust` has the same \
             form as the one here. Of all rules the one whose prefix fixes most of a reference decides; without one, a plugin \
             from a registry needs a pin or a signature by a key that was given.",
            schema::policy(),
        ),
    ] {
        let _ = write!(page, "\n## {title}\n\n{about}\n\n| key | value | for |\n|---|---|---|\n");
        rows(&settings::settings(&schema), "", &mut page);
    }
    grants(&mut page);
    page.push_str("\n## Exit codes\n\n| code | means |\n|---|---|\n");
    for (code, meaning) in ExitCode::ALL {
        let _ = writeln!(page, "| {} | {meaning} |", code.code());
    }
    page
}

/// A row for each key, those of a map below it.
fn rows(settings: &[Setting<'_>], above: &str, page: &mut String) {
    for setting in settings {
        let key = format!("{above}{}", setting.key);
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(page, "| `{key}` | {} | {} |", cell(&setting.summary()), cell(setting.description()));
        let is_list = setting.to_json()["type"].as_str().is_some_and(|shape| shape.starts_with("list"));
        rows(&setting.settings(), &format!("{key}{}.", if is_list { "[]" } else { "" }), page);
    }
}

fn grants(page: &mut String) {
    page.push_str(
        "\n## Grants\n\nNothing is granted by default; a plugin that asks for something fails before it runs, with the flag to \
         add.\n\n| flag | in `grants` of windlass.yaml | lets the plugin |\n|---|---|---|\n",
    );
    for row in TABLE {
        let form = row.value.map(|form| format!(" {form}")).unwrap_or_default();
        let example = row.example.unwrap_or_default();
        let written = match row.value {
            None => format!("{}: true", row.word),
            Some(form) if form.contains('=') => {
                let (guest, here) = example.split_once('=').unwrap_or((example, ""));
                format!("{}: {{{guest}: {here}}}", row.word)
            }
            Some(_) => format!("{}: {}", row.word, Json::from(vec![example])),
        };
        let _ = writeln!(page, "| `{}{form}` | `{written}` | {} |", row.flag, row.help.replace('|', "\\|"));
    }
}
