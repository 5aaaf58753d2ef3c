//! The case folders, and the example of the README, which is one of them.

use label_injector::LabelInjector;

#[test]
fn cases() {
    windlass_pdk::test::cases::<LabelInjector>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
