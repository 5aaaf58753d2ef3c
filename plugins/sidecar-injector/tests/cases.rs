//! The case folders, and the example of the README, which is one of them.

use sidecar_injector::SidecarInjector;

#[test]
fn cases() {
    windlass_pdk::test::cases::<SidecarInjector>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
