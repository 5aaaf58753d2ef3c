//! The case folders, the example of the README, which is one of them, and every chart twice.

use server_side_apply::ServerSideApply;

#[test]
fn cases() {
    windlass_pdk::test::cases::<ServerSideApply>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    windlass_pdk::test::check_charts_twice::<ServerSideApply>(&["", "mode: mend\nkeep: last\nonLeft: warn\n"]);
}

/// What charts have is theirs: nothing of Kubernetes' own API is taken for a fault.
#[test]
fn charts_that_are_right_stay_as_they_are() {
    let charts = windlass_pdk::test::rendered_charts("shared/corpus").into_iter();
    for chart in charts.chain(windlass_pdk::test::rendered_charts("tests/streams")) {
        let config = "mode: check\nskip: [replicas, leftOvers]\n";
        let outcome = windlass_pdk::test::run::<ServerSideApply>(config, &[], &chart.text);
        assert_eq!(outcome.as_ref(), Ok(&chart.text), "{}", chart.name);
    }
}

/// Many items with one key are compared in linear work, and so are many names in values.
#[test]
fn many_duplicates() {
    let items: String = (0..20_000).map(|index| format!("{{name: A, value: \"$(A)$(B)$${index}\"}},")).collect();
    let ports: String = (0..20_000).map(|index| format!("{{containerPort: 1, name: p{index}}},")).collect();
    let input = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, env: [{items}], ports: [{ports}]}}]}}\n"
    );
    let error = windlass_pdk::test::run::<ServerSideApply>("", &[], &input).expect_err("nobody knows which counts");
    assert!(error.contains("39998 places are not fit"), "{}", &error[..200]);
    assert!(error.len() < 40_000, "{}", error.len());
}
