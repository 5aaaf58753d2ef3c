//! The guest natively, with a cluster that the test makes up. The end-to-end tests run it in the sandbox.

use looks_at_cluster::LooksAtCluster;
use windlass_pdk::Value;
use windlass_pdk::test::{answer_cluster, run};

/// `expected`: the names that come back, or a part of the error.
#[track_caller]
fn check(config: &str, expected: Result<&[&str], &str>) {
    match (run::<LooksAtCluster>(config, &[], "kind: A\n"), expected) {
        (Ok(stream), Ok(names)) => {
            let found: Vec<&str> = stream.lines().filter_map(|line| line.trim().strip_prefix("name: ")).collect();
            assert_eq!(found, names, "{stream}");
        }
        (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
        (actual, _) => panic!("{actual:?}"),
    }
}

#[test]
fn the_cluster_has_what_the_test_says() {
    check("from: pods.v1/web", Err("say what is answered with `windlass_pdk::test::answer_cluster`"));
    answer_cluster(|from| {
        let pod = |name: &str| Value::from_yaml(&format!("metadata: {{name: {name}, labels: {{app: {name}}}}}"));
        (from == "pods.v1/web").then(|| ["a", "b"].map(|name| pod(name).expect("YAML")).to_vec())
    });
    check("from: pods.v1/web", Ok(&["a", "b"]));
    check("{from: pods.v1/web, selector: app!=a}", Ok(&["b"]));
    check("{from: pods.v1/web, name: b}", Ok(&["b"]));
    check("{from: pods.v1/web, name: c}", Err("nothing at pods.v1/web c"));
    check("from: pods.v1/shop", Err("nothing at pods.v1/shop"));
    check("from: pods", Err("the version is missing"));
    check("{from: pods.v1/web, selector: a b}", Err("is not a selector"));
}
