#![allow(unused_imports)]

use windlass_pdk::{Config, Error, Manifests};

#[derive(Config)]
struct Settings {}

#[windlass_pdk::plugin(asks = [network("x", "y")])]
fn unknown_capability(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(asks = [net("https://registry.example", "to look digests up")])]
fn wrong_value(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(asks = [net("registry.example")])]
fn no_reason(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(asks = [read("/data", " ")])]
fn blank_reason(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin(asks = [clock])]
fn no_parentheses(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

fn main() {}
