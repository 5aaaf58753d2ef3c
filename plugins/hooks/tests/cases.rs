//! The case folders, and the example of the README, which is one of them.

use hooks::Hooks;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Hooks>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
