//! Every folder in `cases` is a stream, a configuration and what must come of them. `windlass test` runs the same
//! folders on the built module; `WINDLASS_BLESS=1 cargo test` writes what came out as the expectation.

#[test]
fn cases() {
    windlass_pdk::test::cases::<{{crate_name}}::Plugin>("tests/cases");
}
