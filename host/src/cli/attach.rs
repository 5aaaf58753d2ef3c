//! `windlass attach` and `windlass discover`: plugins next to charts.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::package::SignArgs;
use super::printer::{Outcome, Printer};
use super::push::shipment;
use super::remote_args::{RegistryArgs, RemoteArgs};
use crate::author::push::{self, Attached, Chart, Shipment, ToAttach};
use crate::error::Error;
use crate::oci::registry::Registry;
use crate::plugin::{pull, verify};
use crate::source::{OciReference, PluginRef};
use crate::text::Text;

/// Attach plugins to a chart in a registry, as OCI referrers: found through the chart, invisible to Helm. All of them,
/// or, when one is refused, none.
#[derive(Args, Debug)]
pub(super) struct AttachArgs {
    /// oci://HOST/PATH/CHART:VERSION.
    #[arg(value_name = "CHART")]
    chart: OciReference,
    /// What to attach: NAME-VERSION.tgz with its .prov beside it, a plugin folder, or a plugin in a registry.
    #[arg(value_name = "PLUGIN", required = true)]
    plugins: Vec<PluginRef>,
    /// Attach even when another content of the same version is attached.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    sign: SignArgs,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// List the plugins that are attached to a chart.
#[derive(Args, Debug)]
pub(super) struct DiscoverArgs {
    /// oci://HOST/PATH/CHART:VERSION.
    #[arg(value_name = "CHART")]
    chart: OciReference,
    #[command(flatten)]
    registries: RegistryArgs,
}

fn find_chart(registry: &Registry, chart: &OciReference) -> Result<Chart, Error> {
    let digest = chart.digest().map(|digest| digest.to_string());
    Chart::find(registry, chart.repository(), digest.as_deref().or(chart.tag()).unwrap_or_default())
}

/// Reads one of the plugins, and says in which other repository of the chart's registry its blobs are.
fn read_plugin(
    plugin: &PluginRef,
    arguments: &AttachArgs,
    printer: &Printer,
) -> Result<(Shipment, Option<String>), Error> {
    let remote = arguments.remote.remote_for(plugin, true, printer)?;
    match plugin {
        PluginRef::Oci(reference) | PluginRef::Attached(reference) => {
            if arguments.sign.is_given() {
                return Err(Error::usage(format!("{plugin} is attached as it is, so it cannot be signed on the way"))
                    .hint("sign it when it is packaged or pushed"));
            }
            let arrived = pull::arrive(plugin, &remote)?;
            if remote.trust.names_keys() {
                verify::verify(arrived.unpack()?, &remote)?;
            }
            let parts = arrived.parts();
            let elsewhere = (reference.registry_host() == arguments.chart.registry_host())
                .then(|| reference.repository().to_owned());
            Ok((Shipment::new(parts.archive.clone(), parts.provenance.clone())?, elsewhere))
        }
        PluginRef::Path(_) | PluginRef::Installed(_) => {
            let path = match plugin {
                PluginRef::Path(path) => path.clone(),
                other => PathBuf::from(other.to_string()),
            };
            let shipment = shipment(&path, &arguments.sign)?;
            if remote.trust.names_keys() {
                verify::verify(shipment.as_fetched(plugin)?, &remote)?;
            }
            Ok((shipment, None))
        }
        PluginRef::Layout { .. } => Err(Error::usage(format!("{plugin} cannot be attached"))
            .hint("push it to the registry first: `windlass push --from-layout`")),
    }
}

pub(super) fn attach(arguments: &AttachArgs, printer: &Printer) -> Result<Outcome, Error> {
    let shipments: Vec<(Shipment, Option<String>)> = arguments
        .plugins
        .iter()
        .map(|plugin| read_plugin(plugin, arguments, printer).map_err(|error| error.hint("nothing was attached")))
        .collect::<Result<_, _>>()?;
    let registry = arguments.remote.registries.connect(arguments.chart.registry(), printer)?;
    let chart = find_chart(&registry, &arguments.chart)?;
    let plugins: Vec<ToAttach<'_>> =
        shipments.iter().map(|(shipment, elsewhere)| ToAttach { shipment, elsewhere: elsewhere.clone() }).collect();
    let pushed = push::attach(&registry, arguments.chart.repository(), &chart, &plugins, arguments.force)?;
    let mut text = Text::new();
    let mut rows = Vec::new();
    for ((shipment, _), attached) in shipments.iter().zip(&pushed) {
        let reference = arguments.chart.at(&attached.digest);
        let what = if attached.is_new { " is attached: " } else { " is attached already: " };
        text = text.show(&shipment.plugin.name).say(" ").show(&shipment.plugin.version).say(what);
        text = text.show(&reference).say("\n");
        rows.push(json!({
            "name": shipment.plugin.name,
            "version": shipment.plugin.version.to_string(),
            "reference": reference.to_string(),
            "digest": attached.digest.to_string(),
            "size": attached.size,
            "signed": shipment.artifact.provenance.is_some(),
            "new": attached.is_new,
        }));
    }
    Ok(Outcome::report(
        text,
        json!({"chart": arguments.chart.to_string(), "chartDigest": chart.digest().to_string(), "plugins": rows}),
    ))
}

pub(super) fn discover(arguments: &DiscoverArgs, printer: &Printer) -> Result<Outcome, Error> {
    let registry = arguments.registries.connect(arguments.chart.registry(), printer)?;
    let chart = find_chart(&registry, &arguments.chart)?;
    let found = push::discover(&registry, arguments.chart.repository(), &chart)?;
    let mut text = Text::new();
    let mut rows = Vec::new();
    for Attached { name, version, digest, size, is_signed } in &found {
        let reference = arguments.chart.at(digest);
        let signed = if *is_signed { " bytes, signed): " } else { " bytes, not signed): " };
        text = text.show(name).say(" ").show(version).say(" (").show(size).say(signed).show(&reference).say("\n");
        rows.push(json!({
            "name": name, "version": version, "reference": reference.to_string(), "digest": digest.to_string(), "size": size, "signed": is_signed,
        }));
    }
    if found.is_empty() {
        text = text.say("nothing is attached\n");
    }
    Ok(Outcome::report(
        text,
        json!({"chart": arguments.chart.to_string(), "chartDigest": chart.digest().to_string(), "plugins": rows}),
    ))
}

/// The plugins that `run --for-chart` runs, in the order of `discover`. Their digests are the registry's word, also
/// where the chart's is the user's.
pub(super) fn plugins_for(
    chart: &OciReference,
    registries: &RegistryArgs,
    printer: &Printer,
) -> Result<Vec<PluginRef>, Error> {
    let registry = registries.connect(chart.registry(), printer)?;
    let found = push::discover(&registry, chart.repository(), &find_chart(&registry, chart)?)?;
    if found.is_empty() {
        return Err(Error::usage(format!("no plugin is attached to {chart}")).hint("attach one with `windlass attach`"));
    }
    Ok(found.iter().map(|attached| PluginRef::Attached(chart.at(&attached.digest))).collect())
}
