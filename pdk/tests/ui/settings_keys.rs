#![allow(unused_imports)]

use windlass_pdk::{Config, Error, Manifests};

#[derive(Config)]
struct Settings {
    targets: String,
}

#[windlass_pdk::plugin]
fn takes_the_common_key(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

fn main() {}
