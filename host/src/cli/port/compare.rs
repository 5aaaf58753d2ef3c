//! `windlass port compare`: whether a pipeline does what the old post-renderer did.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser};

use super::{bar, write};
use crate::cli::plugin_args::PluginArgs;
use crate::cli::printer::{Outcome, Printer, style};
use crate::error::{Error, ExitCode};
use crate::input;
use crate::limits::table::MAX_STREAM;
use crate::limits::{ByteSize, parse_duration};
use crate::port::compare::{Compared, Ignored, Verdict, judge};
use crate::port::inputs::{self, Input};
use crate::port::old::{Network, Old, Ran};
use crate::port::report;
use crate::sandbox::options::Step;
use crate::text::Text;

/// Run the old post-renderer and the new pipeline on the same streams, and compare what they mean.
///
/// OLD is a line of the shell, as Helm 3 ran it: it runs twice, in a copy of the repository or the current folder,
/// under limits, and without the network where the kernel lets us take it away. It runs only because you name it here;
/// what you would not run yourself, do not name.
///
/// Objects are compared by what they mean to Kubernetes. What the old tool's YAML broke without being asked (`on` that
/// became a string, a mode that lost its octal) is told apart from what it meant.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(super) struct CompareArgs {
    /// The old post-renderer with its arguments, such as './post-render.sh prod'.
    #[arg(long, value_name = "CMD", required_unless_present = "recorded")]
    old: Option<String>,
    /// The pipeline: a windlass.yaml, or plugins with the arguments of `windlass run`.
    #[arg(long, value_name = "PIPELINE")]
    new: String,
    /// Streams (files), charts (folders or .tgz, which the `helm` on the path renders), or folders of them.
    #[arg(long, value_name = "FILE|CHART", num_args = 1.., required_unless_present = "recorded")]
    input: Vec<PathBuf>,
    /// Values for the charts.
    #[arg(long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// A place that is not compared, with all below it: [KIND[/NAME]:]PATH, `*` for any key or index, such as
    /// 'Deployment:metadata.annotations.rendered-at'.
    #[arg(long, value_name = "PATH")]
    ignore: Vec<Ignored>,
    /// How long the old post-renderer may run on one input.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    old_timeout: Duration,
    /// How much it may write.
    #[arg(long, value_name = "SIZE", default_value = "256Mi")]
    old_max_output: ByteSize,
    /// Let the old post-renderer use the network.
    #[arg(long)]
    old_network: bool,
    /// Also write one HTML file with both differences line by line, which works offline.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep each input and the old tool's answer in this folder, for a build server that does not have the old tool.
    #[arg(long, value_name = "DIR", conflicts_with = "recorded")]
    record: Option<PathBuf>,
    /// Compare with what `--record` kept, instead of running an old post-renderer.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["old", "input"])]
    recorded: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all inputs are equal, or equal but for the old tool's damage; 1 some differ; 2 wrong usage, or an input that \
cannot be read.";

/// What stands in a folder of recorded answers.
const INPUT: &str = "input.yaml";
const OLD: &str = "old.yaml";
const FAILED: &str = "old-failed.txt";

/// `--new` as the arguments of `windlass run`.
#[derive(Parser, Debug)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct NewLine {
    #[command(flatten)]
    plugins: PluginArgs,
}

/// The pipeline, ready to run.
pub(super) struct New {
    plugins: PluginArgs,
    steps: Vec<Step>,
}

impl New {
    pub(super) fn of(text: &str, printer: &Printer) -> Result<Self, Error> {
        let plugins = NewLine::try_parse_from(words(text)?).map_err(|error| {
            let message = error.render().to_string();
            let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Error::usage(format!("--new: {message}"))
                .hint("give a windlass.yaml, or plugins with the arguments of `windlass run`")
        })?;
        let plugins = plugins.plugins;
        let steps = plugins.steps(printer)?;
        Ok(Self { plugins, steps })
    }

    /// Its answer, or the plugins' word that there is none.
    fn run(&self, stream: &[u8], printer: &Printer) -> Result<Result<Vec<u8>, String>, Error> {
        match self.plugins.render(&self.steps, stream.to_vec(), printer, None) {
            Ok(rendered) => Ok(Ok(rendered.stream.into_bytes())),
            Err(error) if error.is_refusal() => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

/// The words of `--new`: of a pipeline's file, the flag that names it.
fn words(text: &str) -> Result<Vec<String>, Error> {
    let path = Path::new(text);
    let in_folder = path.join("windlass.yaml");
    if path.is_dir() && in_folder.is_file() {
        return Ok(vec!["--pipeline".to_owned(), in_folder.display().to_string()]);
    }
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    if is_yaml && (path.is_file() || !text.contains(' ')) {
        return Ok(vec!["--pipeline".to_owned(), text.to_owned()]);
    }
    let mut words = split(text).ok_or_else(|| {
        Error::usage("--new: a quote is not closed").hint("write it as for a shell: 'plugin --set a=b'")
    })?;
    // As it stands in somebody's script.
    if let [windlass, run, ..] = words.as_slice()
        && windlass == "windlass"
        && run == "run"
    {
        words.drain(..2);
    }
    Ok(words)
}

/// The words of a line as a shell splits them, without expansions.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => word.push(letters.next()?),
                        inner => word.push(inner),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

pub(super) fn run(arguments: &CompareArgs, printer: &Printer) -> Result<Outcome, Error> {
    let new = New::of(&arguments.new, printer)?;
    let (compared, network) = match &arguments.recorded {
        Some(folder) => (recorded(folder, &new, &arguments.ignore, printer)?, None),
        None => {
            let (compared, network) = with_old(arguments, &new, printer)?;
            (compared, Some(network))
        }
    };
    if let Some(path) = &arguments.html {
        let old = arguments.old.as_deref().unwrap_or("as recorded");
        write(path, report::html(&compared, old, &arguments.new).as_bytes())?;
    }
    let code = match report::worst(&compared) {
        Verdict::Differs => ExitCode::Refused,
        _ => ExitCode::Ok,
    };
    Ok(Outcome::report(told(&compared), report::json(&compared, network)).with_exit_code(code))
}

fn with_old(arguments: &CompareArgs, new: &New, printer: &Printer) -> Result<(Vec<Compared>, Network), Error> {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let here = here.map_err(|error| Error::usage(format!("the current folder cannot be read: {error}")))?;
    let command = arguments.old.as_deref().unwrap_or_default();
    let max_output = arguments.old_max_output.0;
    let old = Old::new(&here, command, arguments.old_timeout, max_output, arguments.old_network)?;
    if old.network == Network::On {
        printer.warning("the old post-renderer can use the network: this kernel gives us no way to take it away");
    }
    if old.source().is_none() {
        printer.warning(
            "the old post-renderer runs in an empty folder, as the current one is too large to copy: start this beside it",
        );
    }
    let inputs = inputs::find(&arguments.input)?;
    let bar = bar(printer, "inputs");
    bar.set_length(inputs.len() as u64);
    let compared = inputs.iter().enumerate().map(|(index, input)| {
        let stream = input.read(&arguments.values)?;
        let keep = arguments.record.as_deref().map(|folder| (folder, index));
        let compared = one(&input.name, &stream, &old, new, keep, &arguments.ignore, printer);
        bar.inc(1);
        compared
    });
    let compared: Result<Vec<Compared>, Error> = compared.collect();
    bar.finish_and_clear();
    Ok((compared?, old.network))
}

/// Runs both on one stream; what the old one answered is kept in the folder of `keep`, under its number.
pub(super) fn one(
    name: &str,
    stream: &[u8],
    old: &Old,
    new: &New,
    keep: Option<(&Path, usize)>,
    ignored: &[Ignored],
    printer: &Printer,
) -> Result<Compared, Error> {
    let first = old.run(stream)?;
    let second = old.run(stream)?;
    if let Some((folder, index)) = keep {
        record(folder, name, index, stream, &first)?;
    }
    Ok(judge(name, stream, &first, Some(&second), new.run(stream, printer)?, ignored))
}

fn record(folder: &Path, name: &str, index: usize, stream: &[u8], old: &Ran) -> Result<(), Error> {
    let name = name.rsplit('/').find(|part| !part.is_empty() && *part != "." && *part != "..");
    let folder = folder.join(format!("{index:03}-{}", name.unwrap_or("input")));
    // What an earlier comparison kept here may be of the other kind.
    for stale in [OLD, FAILED] {
        let _ = std::fs::remove_file(folder.join(stale));
    }
    std::fs::create_dir_all(&folder)
        .map_err(|error| Error::usage(format!("{} cannot be made: {error}", folder.display())))?;
    write(&folder.join(INPUT), stream)?;
    match &old.failure {
        Some(why) => write(&folder.join(FAILED), format!("{why}\n").as_bytes()),
        None => write(&folder.join(OLD), &old.stdout),
    }
}

fn recorded(folder: &Path, new: &New, ignored: &[Ignored], printer: &Printer) -> Result<Vec<Compared>, Error> {
    let unreadable = |error: std::io::Error| {
        Error::usage(format!("{} cannot be read: {error}", folder.display()))
            .hint("`windlass port compare --record DIR` writes it")
    };
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join(INPUT).is_file())
        .collect();
    cases.sort();
    if cases.is_empty() {
        return Err(Error::usage(format!("{} holds no recorded answers", folder.display()))
            .hint("`windlass port compare --record DIR` writes them"));
    }
    let case = |case: &PathBuf| {
        let name = case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stream = Input::stream(name.clone(), case.join(INPUT)).read(&[])?;
        let failed = case.join(FAILED);
        let old = match failed.is_file() {
            true => Ran {
                stdout: Vec::new(),
                stderr: String::new(),
                failure: Some(input::read_text(&failed, MAX_STREAM).unwrap_or_default().trim_end().to_owned()),
            },
            false => Ran {
                stdout: Input::stream(format!("{name}/{OLD}"), case.join(OLD)).read(&[])?,
                stderr: String::new(),
                failure: None,
            },
        };
        Ok(judge(&name, &stream, &old, None, new.run(&stream, printer)?, ignored))
    };
    cases.iter().map(case).collect()
}

/// How many places are listed for each input.
const LISTED: usize = 50;

pub(super) fn told(all: &[Compared]) -> Text {
    let mut text = Text::new();
    for one in all {
        let color = match one.verdict {
            Verdict::Equal => style::ADDED,
            Verdict::EqualButForDamage => style::HINT,
            Verdict::Differs => style::REMOVED,
        };
        text = text.style(style::NAME, &one.input).say(": ").style(color, one.verdict).say("\n");
        for failure in &one.failures {
            text = text.say("  ").show(failure).say("\n");
        }
        if one.comments_lost > 0 {
            text = text.say("  lines of comments that the old tool lost: ").show(one.comments_lost).say("\n");
        }
        for note in one.damage.iter().take(LISTED) {
            text = text.say("  damage: ").show(note).say("\n");
        }
        text = differences(text, "  ", "old", "new", &one.differences);
        if !one.unstable.is_empty() {
            text = text.say("  the old post-renderer gives another answer each time:\n");
            text = differences(text, "    ", "first", "second", &one.unstable);
        }
        let listed: usize = one.differences.iter().map(|object| object.differences.len().max(1)).sum();
        if one.damage.len() > LISTED || listed > LISTED {
            text = text.say("  and more: `--output json` lists all\n");
        }
    }
    let count = |verdict: Verdict| all.iter().filter(|one| one.verdict == verdict).count();
    text = text.show(all.len()).say(if all.len() == 1 { " input" } else { " inputs" });
    for verdict in [Verdict::Equal, Verdict::EqualButForDamage, Verdict::Differs] {
        if count(verdict) > 0 {
            text = text.say("; ").show(count(verdict)).say(" ").show(verdict);
        }
    }
    text.say("\n")
}

fn differences(
    mut text: Text,
    margin: &'static str,
    before: &'static str,
    after: &'static str,
    objects: &[windlass_graft::ObjectDifference],
) -> Text {
    use windlass_graft::Change;
    let mut room = LISTED;
    for object in objects {
        if room == 0 {
            break;
        }
        text = text.say(margin).style(style::NAME, report::object_name(object));
        text = match (object.line_before, object.change) {
            (_, Change::Added) => text.say(" is only in ").say(after),
            (_, Change::Removed) => text.say(" is only in ").say(before),
            (Some(line), _) => text.say(" (line ").show(line).say(")"),
            (None, _) => text,
        };
        text = text.say("\n");
        room -= 1;
        for difference in object.differences.iter().take(room + 1) {
            text = text.say(margin).say("  ").show(&difference.path).say(": ").say(before).say(" ");
            text = text.show(report::shown(difference.before.as_ref())).say(", ").say(after).say(" ");
            text = text.show(report::shown(difference.after.as_ref())).say("\n");
            room = room.saturating_sub(1);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_pipeline() {
        for (text, expected) in [
            ("windlass.yaml", Some("--pipeline|windlass.yaml")),
            ("windlass run a --set x=1", Some("a|--set|x=1")),
            ("a --set 'x=y z' \"b\\\"c\" d\\ e ''", Some("a|--set|x=y z|b\"c|d e|")),
            ("a 'b", None),
        ] {
            let found = words(text).ok().map(|words| words.join("|"));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
