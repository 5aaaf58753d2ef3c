//! The case folders, and the example of the README, which is one of them.

use policy::Policy;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Policy>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
