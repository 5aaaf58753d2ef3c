#![allow(unused_imports)]

use windlass_pdk::{Config, Error, Manifests};

struct NotConfig;

#[windlass_pdk::plugin]
fn settings_without_config(_settings: NotConfig, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

fn main() {}
