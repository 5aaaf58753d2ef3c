//! The case folders, and the example of the README, which is one of them.

use checksum::Checksum;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Checksum>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}
