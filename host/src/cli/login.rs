//! `windlass login` and `windlass logout`: credentials for registries, in the file that Helm reads.

use std::io::{IsTerminal as _, Read as _};

use clap::Args;
use serde_json::json;

use super::printer::{Outcome, Printer};
use super::remote_args::RegistryArgs;
use crate::error::Error;
use crate::oci::credentials::{Credential, CredentialFiles, Secret};
use crate::oci::progress::Progress;
use crate::oci::registry::Registry;

/// Log in to a registry. The password is read from stdin and kept where Helm finds it, in its file or credential helper.
#[derive(Args, Debug)]
pub(super) struct LoginArgs {
    /// The registry's host, with its port if it has one.
    #[arg(value_name = "HOST")]
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
    /// The registry's host, with its port if it has one.
    #[arg(value_name = "HOST")]
    registry: String,
    #[command(flatten)]
    registries: RegistryArgs,
}

fn host(text: &str) -> &str {
    let host = text.trim_start_matches("oci://").trim_start_matches("https://").trim_start_matches("http://");
    host.split('/').next().unwrap_or_default()
}

pub(super) fn login(arguments: &LoginArgs, printer: &Printer) -> Result<Outcome, Error> {
    let registry = host(&arguments.registry);
    if std::io::stdin().is_terminal() && !arguments.password_stdin {
        printer.note("enter the password and end with Ctrl-D; it will be visible, so better pipe it in");
    }
    let mut password = String::new();
    std::io::stdin()
        .read_to_string(&mut password)
        .map_err(|e| Error::usage(format!("cannot read the password from stdin: {e}")))?;
    let password = Secret::new(password.trim_end_matches(['\r', '\n']));
    if password.reveal().is_empty() {
        return Err(
            Error::usage("the password is empty").hint("pipe it in: `printf %s \"$PASSWORD\" | windlass login ...`")
        );
    }
    let credential = Credential::Password { username: arguments.username.clone(), password: password.clone() };
    let options = arguments.registries.options();
    Registry::with_credential(registry, &options, Progress::Hidden, Some(credential))?.ping()?;
    let files = CredentialFiles::locate(options.registry_config.as_deref());
    let kept = files.store(registry, &arguments.username, &password)?;
    let text = format!("logged in to {registry} as {}; kept in {kept}\n", arguments.username);
    Ok(Outcome::report(text, json!({"registry": registry, "username": arguments.username, "kept": kept})))
}

pub(super) fn logout(arguments: &LogoutArgs) -> Result<Outcome, Error> {
    let registry = host(&arguments.registry);
    let files = CredentialFiles::locate(arguments.registries.options().registry_config.as_deref());
    let forgotten = files.erase(registry)?;
    let text = if forgotten {
        format!("logged out of {registry}\n")
    } else {
        format!("there were no credentials for {registry}\n")
    };
    Ok(Outcome::report(text, json!({"registry": registry, "forgotten": forgotten})))
}
