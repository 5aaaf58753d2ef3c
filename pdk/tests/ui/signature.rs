#![allow(unused_imports)]

use windlass_pdk::{Config, Error, Manifests};

#[derive(Config)]
struct Settings {}

#[windlass_pdk::plugin]
struct NotAFunction;

#[windlass_pdk::plugin]
async fn waits(_settings: Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin]
fn generic<T>(_settings: T, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin]
fn returns_nothing(_settings: Settings, _manifests: &mut Manifests) {}

#[windlass_pdk::plugin]
fn one_parameter(_settings: Settings) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin]
fn borrows_settings(_settings: &Settings, _manifests: &mut Manifests) -> Result<(), Error> {
    Ok(())
}

#[windlass_pdk::plugin]
fn owns_manifests(_settings: Settings, _manifests: Manifests) -> Result<(), Error> {
    Ok(())
}

fn main() {}
