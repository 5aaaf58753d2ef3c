//! The macros of `windlass-pdk`; use them through that crate, whose documentation explains them.
//!
//! Every error points at what it is about: the argument, the field, the attribute. `tests/ui` of the PDK pins them.

mod config;
mod names;
mod plugin;

use proc_macro::TokenStream;

/// Makes a plugin of a function: the module's exports, its metadata, and a type that implements `Plugin`.
///
/// ```text
/// #[windlass_pdk::plugin(
///     asks = [net("registry.example:443", "to look digests up")],  // capabilities, each with its reason
///     per_object,                                                  // objects are treated one by one
/// )]
/// pub fn label_injector(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> { ... }
/// ```
///
/// - The function takes its settings, the stream and, if it wants extra arguments that are not `key=value`,
///   `&[String]`.
/// - Name, version, description, licence and source come from Cargo.toml; `name = "..."`, `version = "..."`,
///   `description = "..."`, `license = "..."` and `source = "..."` override them.
/// - `asks` lists capabilities as `word("value", "why")`; `clock` and `random` have no value: `clock("why")`.
///   `net(any, "why")` stands for values that only the configuration tells.
/// - `may_use` lists in the same form what the plugin does without where it is not granted; it is started all the same,
///   and a use of what was not granted ends the run with the flag that is missing.
/// - `graft` has Windlass graft the answer, as it does a command's: for plugins that print objects anew. Under Helm's
///   own engine the answer stays as it is printed.
/// - `per_object` promises that what happens to an object depends on that object and the settings alone, so that a host
///   may cut a stream into pieces.
/// - The type is named after the function in camel case (`LabelInjector`) and is as visible as the function.
///
/// A crate holds one plugin, at its root or in a public module: the exports have fixed names.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, function: TokenStream) -> TokenStream {
    plugin::expand(arguments.into(), function.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Derives `Config`: reading from a config value with checks and paths, and the schema.
///
/// For structs with named fields: `#[config(default)]`, `#[config(default = EXPRESSION)]`, `#[config(rename = "key")]`,
/// `#[config(min = N, max = N)]` for whole numbers, `#[config(pattern = "REGEX")]` for strings,
/// `#[config(check = FUNCTION)]`. For enums of plain variants: `#[config(rename = "word")]`.
#[proc_macro_derive(Config, attributes(config))]
pub fn config(item: TokenStream) -> TokenStream {
    config::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
