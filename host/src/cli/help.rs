//! What the help has beyond the definition of the arguments: commands in groups, by what they are for, and examples at
//! the end of each command's help. Both are tables; tests hold that no command is missing, and that examples parse.

use clap::Command;
use clap::builder::StyledStr;

use super::printer::WIDEST;
use crate::text::wrapped;

/// Commands that serve one purpose.
struct Group {
    title: &'static str,
    commands: &'static [&'static str],
}

const fn group(title: &'static str, commands: &'static [&'static str]) -> Group {
    Group { title, commands }
}

/// Every command, in the order in which the help lists them.
const GROUPS: &[Group] = &[
    group("Run plugins", &["run", "diff", "inspect", "explain", "lock", "graft", "why"]),
    group("Have plugins", &["install", "list", "uninstall", "helm"]),
    group("Write plugins", &["new", "build", "test", "dev", "schema"]),
    group("Ship plugins", &["package", "push", "pull", "attach", "discover", "verify", "login", "logout"]),
    group("Look at a cluster", &["wait", "status"]),
    group("Move over to Windlass", &["port"]),
    group("Housekeeping", &["cache", "completions", "man", "help"]),
];

/// Examples of one command: its words, and lines of a shell, each below what it is for.
type Examples = (&'static [&'static str], &'static [(&'static str, &'static str)]);

const EXAMPLES: &[Examples] = &[
    (
        &["run"],
        &[
            (
                "A label on every object of a chart",
                "helm template web ./chart | windlass run label-injector --set labels.team=payments",
            ),
            (
                "A pipeline, with the plugins that its lock file pins",
                "windlass run --pipeline windlass.yaml --locked < in.yaml",
            ),
            ("Two plugins, one after the other, on a file", "windlass run ./one ./two --file in.yaml"),
        ],
    ),
    (
        &["diff"],
        &[
            ("What a label would change", "windlass diff label-injector --set labels.team=payments --file in.yaml"),
            (
                "Only whether something would change",
                "windlass diff --quiet --pipeline windlass.yaml < in.yaml > /dev/null || true",
            ),
        ],
    ),
    (
        &["inspect"],
        &[
            ("Before you trust it", "windlass inspect label-injector"),
            ("One answer for a script", "windlass inspect label-injector --output json"),
        ],
    ),
    (
        &["explain"],
        &[
            ("All settings of a plugin", "windlass explain label-injector"),
            ("One of them, and what it holds", "windlass explain label-injector labels"),
        ],
    ),
    (
        &["lock"],
        &[
            ("Pin what the pipeline names", "windlass lock"),
            ("In a pipeline of a build server", "windlass lock --check"),
        ],
    ),
    (
        &["graft"],
        &[(
            "What yq meant, in the text that it was given",
            "yq '.metadata.labels.team = \"a\"' in.yaml | windlass graft in.yaml -",
        )],
    ),
    (
        &["port", "audit"],
        &[
            ("Every post-renderer in two repositories", "windlass port audit ./deploy ./charts"),
            ("For code scanning", "windlass port audit . --sarif audit.sarif"),
        ],
    ),
    (
        &["port", "convert"],
        &[
            (
                "A script and the overlay that it builds",
                "windlass port convert ./post-render.sh -o windlass.yaml -- prod",
            ),
            ("An expression", "windlass port convert --yq 'select(.kind==\"CustomResourceDefinition\")'"),
        ],
    ),
    (
        &["port", "compare"],
        &[
            (
                "A script and what was made of it, on a chart",
                "windlass port compare --old ./post-render.sh --new windlass.yaml --input ./chart",
            ),
            (
                "On a folder of streams, kept for the build server",
                "windlass port compare --old ./post-render.sh --new windlass.yaml --input streams --record golden",
            ),
            ("There", "windlass port compare --recorded golden --new windlass.yaml"),
        ],
    ),
    (
        &["port", "compile"],
        &[(
            "A renderer in Go, compared with itself on two charts",
            "windlass port compile ./renderer --out plugin --input ./chart-a ./chart-b",
        )],
    ),
    (
        &["port", "keep"],
        &[("A script that needs the network", "windlass port keep ./post-render.sh --name decrypt -- prod")],
    ),
    (&["why"], &[("After Helm 4 said only that the post-renderer failed", "windlass why")]),
    (
        &["install"],
        &[
            ("A folder, an archive, or from a registry", "windlass install ./label-injector"),
            ("A signed one", "windlass install oci://registry.example/plugins/label-injector:0.1.0 --keyring keys.gpg"),
        ],
    ),
    (&["list"], &[("What is installed", "windlass list")]),
    (&["uninstall"], &[("One that is no longer needed", "windlass uninstall label-injector")]),
    (
        &["helm", "enable"],
        &[
            ("For `helm install --post-renderer windlass`", "windlass helm enable --pipeline windlass.yaml"),
            ("For a plugin with a name of its own", "windlass helm enable ./label-injector --name labels"),
        ],
    ),
    (
        &["new"],
        &[
            ("A plugin in a folder of its name", "windlass new my-plugin"),
            ("In Go, elsewhere", "windlass new my-plugin --template go --dir plugins/my-plugin"),
            ("Without code: plugins that come with Windlass", "windlass new labels-and-more --template pipeline"),
        ],
    ),
    (&["build"], &[("The plugin in this folder", "windlass build"), ("In another", "windlass build ./my-plugin")]),
    (
        &["test"],
        &[
            ("All cases of the plugin in this folder", "windlass test"),
            ("Take what comes out as what is expected", "WINDLASS_BLESS=1 windlass test ./my-plugin"),
        ],
    ),
    (
        &["dev"],
        &[
            ("The plugin in this folder, whenever a file is saved", "windlass dev"),
            ("With what it does to a chart", "windlass dev --chart ./chart --set annotations.team=payments"),
            ("Once, in a script", "windlass dev ./my-plugin --file in.yaml --once"),
        ],
    ),
    (
        &["schema"],
        &[
            ("For an editor that knows the YAML language server", "windlass schema > windlass.schema.json"),
            ("Of the trust policy", "windlass schema policy"),
        ],
    ),
    (
        &["package"],
        &[
            ("NAME-VERSION.tgz, as Helm installs it", "windlass package ./label-injector"),
            ("Signed, for Helm's own engine", "windlass package ./label-injector --runtime extism --sign secret.gpg"),
        ],
    ),
    (
        &["push"],
        &[
            ("Beside the charts", "windlass push ./label-injector oci://registry.example/plugins --sign secret.gpg"),
            ("See what would be sent", "windlass push ./label-injector oci://registry.example/plugins --dry-run"),
        ],
    ),
    (
        &["pull"],
        &[
            ("The archive and its provenance", "windlass pull oci://registry.example/plugins/label-injector:0.1.0"),
            (
                "All that a pipeline needs, to be carried elsewhere",
                "windlass pull --pipeline windlass.yaml --to-layout carried",
            ),
        ],
    ),
    (
        &["attach"],
        &[(
            "A plugin to a chart",
            "windlass attach oci://registry.example/charts/web:1.2.3 ./label-injector --sign secret.gpg",
        )],
    ),
    (&["discover"], &[("What a chart has attached", "windlass discover oci://registry.example/charts/web:1.2.3")]),
    (
        &["verify"],
        &[("Who signed it", "windlass verify oci://registry.example/plugins/label-injector:0.1.0 --keyring keys.gpg")],
    ),
    (
        &["login"],
        &[(
            "With a token from a variable",
            "printf %s \"$TOKEN\" | windlass login registry.example --username me --password-stdin",
        )],
    ),
    (&["logout"], &[("Forget the token", "windlass logout registry.example")]),
    (
        &["wait"],
        &[
            ("After an upgrade", "helm upgrade --install web ./chart && windlass wait web"),
            ("At most ten minutes, and end at the first failure", "windlass wait web --timeout 10m --fail-fast"),
        ],
    ),
    (
        &["status"],
        &[("One look", "windlass status web"), ("Of the objects of a file", "windlass status --file in.yaml")],
    ),
    (&["cache", "info"], &[("Where it is, and how much", "windlass cache info")]),
    (&["cache", "clean"], &[("Take it all away", "windlass cache clean")]),
    (
        &["completions"],
        &[
            ("For bash", "windlass completions bash > windlass.bash"),
            ("For zsh", "windlass completions zsh > _windlass"),
        ],
    ),
    (&["man"], &[("Read it", "windlass man | man -l - || true"), ("All pages", "windlass man --dir man1")]),
];

/// The definition of the command line with the groups and the examples in it.
pub(super) fn complete(definition: Command) -> Command {
    let with_examples = EXAMPLES.iter().fold(definition, |definition, (path, lines)| at(definition, path, lines));
    let groups = groups(&with_examples);
    with_examples.help_template(groups)
}

/// Adds examples to the command at `path`.
fn at(command: Command, path: &[&'static str], lines: &[(&str, &str)]) -> Command {
    match path {
        [] => {
            let mut text =
                command.get_after_help().cloned().map_or_else(String::new, |before| format!("{}\n\n", before.ansi()));
            let header = command.get_styles().get_header();
            text.push_str(&format!("{header}Examples:{header:#}"));
            for (purpose, line) in lines {
                text.push_str(&format!("\n  {purpose}:\n    {line}"));
            }
            command.after_help(StyledStr::from(text))
        }
        // A command that another build of the program does not have has no examples either.
        [name, rest @ ..] if command.find_subcommand(name).is_some() => {
            command.mut_subcommand(*name, |below| at(below, rest, lines))
        }
        _ => command,
    }
}

/// The help of the program itself, with its commands in groups.
fn groups(command: &Command) -> StyledStr {
    /// Room for the longest name.
    const WIDTH: usize = 13;
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for Group { title, commands } in GROUPS {
        text.push_str(&format!("\n{header}{title}:{header:#}\n"));
        for name in *commands {
            let about = match command.find_subcommand(name) {
                Some(found) => found.get_about().map(ToString::to_string).unwrap_or_default(),
                None => "Print this message or the help of a command".to_owned(),
            };
            let about = wrapped(about.trim_end_matches('.'), WIDEST - WIDTH - 2);
            let about = about.replace('\n', &format!("\n{:1$}", "", WIDTH + 2)).replace(['{', '}'], "");
            text.push_str(&format!("  {literal}{name:WIDTH$}{literal:#}{about}\n"));
        }
    }
    text.push_str(&format!("\n{header}Options:{header:#}\n{{options}}{{after-help}}"));
    StyledStr::from(text)
}

#[cfg(test)]
mod tests {
    use super::super::{CommandLine, definition};
    use super::*;
    use clap::FromArgMatches as _;

    #[test]
    fn every_command_is_in_one_group() {
        let definition = definition();
        let mut listed: Vec<&str> =
            GROUPS.iter().flat_map(|group| group.commands).copied().filter(|name| *name != "help").collect();
        let mut known: Vec<&str> =
            definition.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known, "the table of groups and the commands");
    }

    /// The words of a line as a shell would split them, up to what the shell keeps for itself; each start of the
    /// program.
    fn starts(line: &str) -> Vec<Vec<String>> {
        let mut starts = Vec::new();
        for part in line.split("&&").flat_map(|part| part.split('|')) {
            let words = part.split_whitespace().map(|word| word.trim_matches('"').to_owned());
            let words: Vec<String> = words.skip_while(|word| word.contains('=') && !word.contains("--")).collect();
            if words.first().is_some_and(|first| first == "windlass") {
                starts.push(words.into_iter().take_while(|word| !matches!(word.as_str(), ">" | "<" | "2>")).collect());
            }
        }
        starts
    }

    /// Adds the text of every source file below a folder.
    fn add_sources(folder: &std::path::Path, texts: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("sources") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                add_sources(&path, texts);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                texts.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text")));
            }
        }
    }

    /// Hints, errors and help quote commands for the reader to type: each names a command and flags that are there.
    #[test]
    fn every_command_that_is_named_exists() {
        let mut definition = definition();
        definition.build();
        let mut texts = Vec::new();
        add_sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
        let mut named = 0;
        for (file, text) in &texts {
            let quoted = text.split("`windlass ").skip(1).filter_map(|rest| rest.split('`').next());
            for line in quoted.filter(|line| line.len() < 200 && !line.contains(['\n', '"'])) {
                let mut command = &definition;
                let mut words = line.split_whitespace().take_while(|word| *word != "--").peekable();
                while let Some(below) = words.peek().and_then(|word| command.find_subcommand(word)) {
                    (command, _) = (below, words.next());
                }
                let is_placeholder =
                    |word: &str| word.starts_with(['-', '.', '{']) || word.chars().all(char::is_uppercase);
                assert!(
                    command.get_name() != "windlass" || words.peek().is_none_or(|word| is_placeholder(word)),
                    "{file}: `windlass {line}` names no command"
                );
                named += 1;
                for flag in words.filter_map(|word| word.strip_prefix("--")) {
                    let flag = flag.split('=').next().unwrap_or_default();
                    let is_known = ["help", "version"].contains(&flag)
                        || command.get_arguments().any(|argument| argument.get_long() == Some(flag));
                    assert!(is_known, "{file}: `windlass {line}`: there is no `--{flag}`");
                }
            }
        }
        assert!(named > 50, "{named} commands are named");
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        #[track_caller]
        fn check(command: &Command, path: &[&str]) {
            if command.is_hide_set() || command.get_name() == "help" {
                return;
            }
            if command.has_subcommands() {
                for below in command.get_subcommands() {
                    check(below, &[path, &[below.get_name()]].concat());
                }
                return;
            }
            let lines = EXAMPLES.iter().find(|(known, _)| *known == path).map(|(_, lines)| *lines);
            let lines = lines.unwrap_or_else(|| panic!("`windlass {}` has no examples", path.join(" ")));
            for (_, line) in lines {
                let starts = starts(line);
                assert!(!starts.is_empty(), "{line}");
                let mut is_shown = false;
                for words in starts {
                    is_shown |= words.get(1..=path.len()).is_some_and(|named| named == path);
                    let parsed = definition().try_get_matches_from(&words);
                    let parsed = parsed.and_then(|matches| CommandLine::from_arg_matches(&matches));
                    assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("a fault"));
                }
                assert!(is_shown, "`{line}` shows another command than `{}`", path.join(" "));
            }
        }
        for command in definition().get_subcommands() {
            check(command, &[command.get_name()]);
        }
        for (path, _) in EXAMPLES {
            let mut command = definition();
            for name in *path {
                let below = command.find_subcommand(name).cloned();
                command = below.unwrap_or_else(|| panic!("there is no command `{}`", path.join(" ")));
            }
        }
    }
}
