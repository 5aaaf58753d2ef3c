//! The case folders: what needs no registry.

use pin_images::PinImages;

#[test]
fn cases() {
    windlass_pdk::test::cases::<PinImages>("tests/cases");
}
