//! Errors of the macros, pinned with their places. `WINDLASS_BLESS=1` writes them anew.

#[test]
fn macro_errors_point_at_their_cause() {
    if std::env::var_os("WINDLASS_BLESS").is_some_and(|value| value == "1") {
        // SAFETY: this is the only test of its process, so that no other thread reads the environment.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("TRYBUILD", "overwrite");
        }
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
