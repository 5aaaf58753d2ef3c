//! `windlass attach` and `windlass discover`: plugins next to charts.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::package::SignArgs;
use super::printer::{Outcome, Printer};
use super::push::shipment;
use super::remote_args::{RegistryArgs, RemoteArgs};
use crate::error::Error;
use crate::oci::pull;
use crate::oci::push::{self, Attached, Chart, Shipment};
use crate::oci::registry::Registry;
use crate::source::{OciReference, PluginRef};
use crate::text::Text;

/// Attach plugins to a chart in a registry, as OCI referrers: found through the chart, invisible to Helm.
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
    Chart::find(registry, chart.repository(), chart.digest().or(chart.tag()).unwrap_or_default())
}

/// The reference by which an attached plugin is run, pulled and locked.
fn reference_of(chart: &OciReference, attached: &crate::fetch::Digest) -> Result<OciReference, Error> {
    format!("oci://{}/{}@{attached}", chart.registry(), chart.repository()).parse()
}

pub(super) fn attach(arguments: &AttachArgs, printer: &Printer) -> Result<Outcome, Error> {
    let registry = arguments.remote.registries.connect(arguments.chart.registry(), printer)?;
    let chart = find_chart(&registry, &arguments.chart)?;
    let mut text = Text::new();
    let mut rows = Vec::new();
    for plugin in &arguments.plugins {
        let (shipment, elsewhere) = match plugin {
            PluginRef::Oci(reference) => {
                let (pulled, _, _) = pull::pull(reference, &arguments.remote.remote(true, printer)?)?;
                let is_same_registry = reference.registry() == arguments.chart.registry();
                let elsewhere = is_same_registry.then(|| reference.repository());
                (Shipment::new(pulled.archive, pulled.provenance)?, elsewhere)
            }
            PluginRef::Path(path) => (shipment(path, &arguments.sign)?, None),
            PluginRef::Installed(name) => (shipment(&PathBuf::from(name), &arguments.sign)?, None),
            PluginRef::Layout { .. } => {
                return Err(Error::usage(format!("{plugin} cannot be attached"))
                    .hint("push it to the registry first: `windlass push --from-layout`"));
            }
        };
        let attached =
            push::attach(&registry, arguments.chart.repository(), &chart, &shipment, elsewhere, arguments.force)?;
        let reference = reference_of(&arguments.chart, &attached.digest)?;
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
        let reference = reference_of(&arguments.chart, digest)?;
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

/// The plugins that `run --for-chart` runs, in the order of `discover`. The digests are the registry's word: what is run is
/// judged by the trust policy, not pinned by itself.
pub(super) fn plugins_for(
    chart: &OciReference,
    registries: &RegistryArgs,
    printer: &Printer,
) -> Result<Vec<OciReference>, Error> {
    let registry = registries.connect(chart.registry(), printer)?;
    let found = push::discover(&registry, chart.repository(), &find_chart(&registry, chart)?)?;
    if found.is_empty() {
        return Err(Error::usage(format!("no plugin is attached to {chart}")).hint("attach one with `windlass attach`"));
    }
    found.iter().map(|attached| reference_of(chart, &attached.digest)).collect()
}
