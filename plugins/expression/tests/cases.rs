//! The case folders, and the example of the README, which is one of them.

use expression::Expression;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Expression>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
