//! `windlass login` and `windlass logout`: credentials for registries, in the file that Helm reads.

use std::io::IsTerminal as _;

use clap::Args;
use serde_json::json;

use super::printer::{Outcome, Printer};
use super::remote_args::RegistryArgs;
use crate::error::Error;
use crate::input;
use crate::limits::table::MAX_PASSWORD;
use crate::oci::credentials::{Credential, CredentialFiles, Place, Secret};
use crate::oci::progress::Progress;
use crate::oci::registry::Registry;
use crate::source::RegistryHost;
use crate::text::Text;

/// Log in to a registry. The password is read from stdin and kept where Helm finds it, in its file or credential
/// helper.
#[derive(Args, Debug)]
pub(super) struct LoginArgs {
    /// The registry's host, with its port if it has one; with a path, the login is for what is below that path alone.
    #[arg(value_name = "HOST[/PATH]")]
    registry: String,
    /// The user's name.
    #[arg(long, short = 'u', value_name = "NAME")]
    username: String,
    /// Read the password from stdin; it is always read from there, never from the command line.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    registries: RegistryArgs,
}

/// Forget the credentials for a registry.
#[derive(Args, Debug)]
pub(super) struct LogoutArgs {
    /// The registry's host, with its port if it has one, and the path if the login is for one.
    #[arg(value_name = "HOST[/PATH]")]
    registry: String,
    #[command(flatten)]
    registries: RegistryArgs,
}

/// The registry of what was typed, without what stands before and behind its host.
fn registry_of(text: &str) -> Result<RegistryHost, Error> {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    if let Some((_, host)) = host.rsplit_once('@') {
        // Not repeated in the error: logs keep it.
        return Err(Error::usage("the registry holds a name or a password")
            .hint(format!("give the name with `--username` and the password on stdin: `windlass login {host}`")));
    }
    host.split('/').next().unwrap_or_default().parse()
}

pub(super) fn login(arguments: &LoginArgs, printer: &Printer) -> Result<Outcome, Error> {
    let registry = registry_of(&arguments.registry)?;
    let place = Place::of_key(&arguments.registry);
    if std::io::stdin().is_terminal() && !arguments.password_stdin {
        printer.note("enter the password and end with Ctrl-D; it will be visible, so better pipe it in");
    }
    let password = input::read_to_limit(std::io::stdin(), MAX_PASSWORD, 0)
        .map_err(|e| Error::usage(format!("cannot read the password from stdin: {e}")))?;
    let password = String::from_utf8(password).map_err(|_| Error::usage("the password is not UTF-8"))?;
    let password = Secret::new(password.trim_end_matches(['\r', '\n']));
    if password.reveal().is_empty() {
        return Err(
            Error::usage("the password is empty").hint("pipe it in: `printf %s \"$PASSWORD\" | windlass login ...`")
        );
    }
    let credential = Credential::Password { username: arguments.username.clone(), password: password.clone() };
    let options = arguments.registries.options();
    Registry::with_credential(registry.name(), &options, Progress::Hidden, Some(credential))?.ping()?;
    let files = CredentialFiles::locate(options.registry_config.as_deref());
    let kept = files.store(&place, &arguments.username, &password)?;
    let text = Text::new().say("logged in to ").show(&place).say(" as ").show(&arguments.username);
    let text = text.say("; kept in ").show(&kept).say("\n");
    Ok(Outcome::report(text, json!({"registry": place.to_string(), "username": arguments.username, "kept": kept})))
}

pub(super) fn logout(arguments: &LogoutArgs) -> Result<Outcome, Error> {
    registry_of(&arguments.registry)?;
    let place = Place::of_key(&arguments.registry);
    let files = CredentialFiles::locate(arguments.registries.options().registry_config.as_deref());
    let forgotten = files.erase(&place)?;
    let what = if forgotten { "logged out of " } else { "there were no credentials for " };
    let text = Text::new().say(what).show(&place).say("\n");
    Ok(Outcome::report(text, json!({"registry": place.to_string(), "forgotten": forgotten})))
}
