//! `windlass completions` and `windlass man`, both made from the one definition of the command line.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::printer::Outcome;
use crate::error::Error;
use crate::text::Text;

/// Print the completion script for a shell.
///
/// For example: `windlass completions bash > ~/.local/share/bash-completion/completions/windlass`.
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Print the manual page, or write one for each command.
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Write windlass.1 and windlass-COMMAND.1 into this folder instead.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(arguments: &CompletionsArgs, mut definition: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut definition, "windlass", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Outcome::bytes(with_settings(arguments.shell, script).into_bytes())
}

/// What completes the keys behind `--set` and its siblings, which the plugin on the line knows. Plugins in registries
/// are not asked: nobody waits for the network behind a tab.
const BASH_SETTINGS: &str = r#"
_windlass_or_setting() {
    local word keys
    case "${COMP_WORDS[COMP_CWORD-1]}" in
    --set|--set-string|--set-json|--set-file)
        for word in "${COMP_WORDS[@]:2:COMP_CWORD-3}"; do
            case "$word" in -*|*:*|'') continue ;; esac
            if keys=$(windlass explain --keys --quiet -- "$word" 2>/dev/null) && [[ -n "$keys" ]]; then
                COMPREPLY=($(compgen -W "$keys" -S = -- "${COMP_WORDS[COMP_CWORD]}"))
                compopt -o nospace 2>/dev/null
                return 0
            fi
        done ;;
    esac
    _windlass "$@"
}
complete -F _windlass_or_setting -o bashdefault -o default windlass
"#;

/// As [`BASH_SETTINGS`]; it stands in front of the rest, which calls it.
const ZSH_SETTINGS: &str = r#"
_windlass_settings() {
    local word
    local -a keys
    for word in "${(@)words[2,CURRENT-1]}"; do
        case "$word" in -*|*:*|'') continue ;; esac
        keys=(${(f)"$(windlass explain --keys --quiet -- "$word" 2>/dev/null)"})
        if (( $#keys )); then
            compadd -S = -a keys
            return
        fi
    done
}
"#;

/// As [`BASH_SETTINGS`].
const FISH_SETTINGS: &str = r#"
function __windlass_settings
    for word in (commandline -opc)[3..-1]
        string match -qr '^-|:' -- $word; and continue
        set -l keys (windlass explain --keys --quiet -- $word 2>/dev/null)
        if test (count $keys) -gt 0
            string replace -r '$' '=' -- $keys
            return
        end
    end
end
for flag in set set-string set-json set-file
    complete -c windlass -l $flag -x -a '(__windlass_settings)'
end
"#;

/// A shell's script with the completion of settings, where we have one.
fn with_settings(shell: Shell, script: String) -> String {
    match shell {
        Shell::Bash => script + BASH_SETTINGS,
        Shell::Fish => script + FISH_SETTINGS,
        Shell::Zsh => {
            // The first line says what the file is for.
            let (first, rest) = script.split_once('\n').unwrap_or((&script, ""));
            let is_setting = |line: &str| line.starts_with("'*--set");
            let rest = rest.lines().map(|line| match is_setting(line) {
                true => line.replace(":_default' \\", ":_windlass_settings' \\"),
                false => line.to_owned(),
            });
            let rest: Vec<String> = rest.collect();
            format!("{first}\n{ZSH_SETTINGS}{}\n", rest.join("\n"))
        }
        _ => script,
    }
}

pub(super) fn man(arguments: &ManArgs, definition: Command) -> Result<Outcome, Error> {
    let unwritable = |error: std::io::Error| Error::usage(format!("the manual cannot be written: {error}"));
    let Some(folder) = &arguments.dir else {
        let mut page = Vec::new();
        Man::new(definition).render(&mut page).map_err(unwritable)?;
        return Ok(Outcome::bytes(page));
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    clap_mangen::generate_to(definition, folder).map_err(unwritable)?;
    let text = Text::new().say("the manual pages are in ").show(folder.display()).say("\n");
    Ok(Outcome::report(text, json!({ "folder": folder })))
}
