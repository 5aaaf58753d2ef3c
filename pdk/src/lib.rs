//! Write a Helm post-renderer as a config struct and a function.
//!
//! ```
//! use std::collections::BTreeMap;
//! use windlass_pdk::{Config, Error, Manifests, Path, Value};
//!
//! #[derive(Config)]
//! pub struct Settings {
//!     /// Annotations to set on every object.
//!     annotations: BTreeMap<String, String>,
//! }
//!
//! #[windlass_pdk::plugin(per_object)]
//! pub fn annotate(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
//!     let entries: Vec<_> = settings.annotations.into_iter().map(|(key, text)| (key, Value::String(text))).collect();
//!     manifests.visit(|object| {
//!         object.merge(&Path::new(["metadata", "annotations"]), &entries)?;
//!         Ok(())
//!     })
//! }
//!
//! # fn main() {
//! let input = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n";
//! let output = windlass_pdk::test::run::<Annotate>("annotations: {team: payments}", &[], input);
//! let expected = format!("{input}  annotations:\n    team: payments\n");
//! assert_eq!(output.as_deref(), Ok(expected.as_str()));
//! # }
//! ```
//!
//! Built for `wasm32-unknown-unknown` as a `cdylib`, the module has Extism's export `helm_plugin_main`, which Helm
//! calls, the faster raw entry, which Windlass prefers, and a custom section with the name, the capabilities and the
//! JSON Schema of the config. Built for anything else it is an ordinary library: `cargo test` needs no wasm and no host
//! ([`mod@test`]).
//!
//! Every plugin reads `targets` (which objects to treat) and `expect` (how many must have changed) without doing
//! anything for it: [`Manifests::visit`] applies the first, the PDK checks the second.
//!
//! | module | for |
//! |---|---|
//! | [`config`] | settings, their checks and schema |
//! | [`http`] | requests to granted hosts |
//! | [`files`] | files below granted folders |
//! | [`environment`] | granted variables of the environment |
//! | [`kube`] | granted objects of the cluster |
//! | [`clock`], [`random`] | the time and random bytes, where they are granted |
//! | [`oci`] | images, and their digests in granted registries |
//! | [`findings`] | what is wrong with which objects, told together at the end |
//! | [`log`] | messages with levels: [`info!`], [`warn!`], [`debug!`] |
//! | [`names`] | what Kubernetes accepts as a label, an annotation key or a name |
//! | [`selector`] | Kubernetes selectors |
//! | [`pods`] | where objects keep pod templates, containers and images, also custom resources |
//! | [`kinds`] | which kinds stand in a namespace |
//! | [`references`] | where objects name other objects |
//! | [`shape`] | which lists Kubernetes merges item by item, by which keys |
//! | [`pattern`] | anchored regular expressions as settings |
//! | [`variables`] | key-value variables of the host |
//! | [`targets`] | which objects are meant, where a plugin has rules of its own |
//! | [`mod@test`] | running a plugin natively, case folders |

// The paths in derived code begin with `::windlass_pdk`; this makes them work in this crate's own tests too.
extern crate self as windlass_pdk;

pub mod clock;
pub mod config;
#[doc(hidden)]
pub mod entry;
pub mod environment;
mod error;
pub mod files;
pub mod findings;
mod host;
pub mod http;
pub mod kinds;
pub mod kube;
pub mod log;
mod manifests;
mod metadata;
pub mod names;
pub mod oci;
pub mod pattern;
mod plugin;
pub mod pods;
pub mod random;
pub mod references;
pub mod selector;
pub mod targets;
#[cfg(not(target_arch = "wasm32"))]
pub mod test;
pub mod variables;

pub use config::{Config, ConfigError, Schema};
pub use error::Error;
pub use findings::Findings;
pub use manifests::Manifests;
pub use metadata::{Ask, Metadata};
pub use pattern::Pattern;
pub use plugin::{Plugin, Rendered, render, render_message};
pub use targets::Target;
pub use windlass_manifest::{Kind, Node, Object, Path, Segment, Value, shape};
pub use windlass_pdk_macros::{Config, plugin};

/// Keeps the README's example compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
