#![allow(unused_imports)]

use windlass_pdk::{Config, Error, Manifests};

#[derive(Config)]
struct Settings {}

#[windlass_pdk::plugin(per_objects)]
fn near_argument(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(colour = "red")]
fn unknown_argument(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(per_object, per_object)]
fn twice(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(name = "my plugin")]
fn wrong_name(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

fn main() {}
