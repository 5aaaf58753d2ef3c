//! What is pinned, with a registry that the test plays. The end-to-end tests use a real one.

use pin_images::PinImages;
use windlass_pdk::http::Response;
use windlass_pdk::test::{answer_http, run, take_logs};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A registry that knows every image but those named `missing`; what it was asked comes back in order.
fn registry() -> std::rc::Rc<std::cell::RefCell<Vec<String>>> {
    let asked = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let log = asked.clone();
    answer_http(move |request| {
        log.borrow_mut().push(format!("{} {}", request.method, request.url));
        let status = if request.url.contains("/missing/") { 404 } else { 200 };
        Response { status, headers: vec![("docker-content-digest".to_owned(), DIGEST.to_owned())], body: Vec::new() }
    });
    asked
}

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
  - name: first
    image: 'localhost:5000/app:1' # quoted
  containers:
  - {name: app, image: localhost:5000/app:1}
  - name: other
    image: nginx
  - name: pinned
    image: nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000
";

#[track_caller]
fn check(config: &str, input: &str, expected: Result<&str, &str>) {
    let output = run::<PinImages>(config, &[], input);
    assert_eq!(output, expected.map(str::to_owned).map_err(str::to_owned));
}

#[test]
fn images_are_pinned_and_each_is_asked_for_once() {
    let asked = registry();
    let expected = POD
        .replace("'localhost:5000/app:1'", &format!("\"localhost:5000/app:1@{DIGEST}\""))
        .replace("image: localhost:5000/app:1}", &format!("image: \"localhost:5000/app:1@{DIGEST}\"}}"))
        .replace("image: nginx\n", &format!("image: \"nginx@{DIGEST}\"\n"));
    let config = "plainHttp: ['localhost:5000']";
    check(config, POD, Ok(&expected));
    let mut once = asked.borrow().clone();
    once.dedup();
    once.truncate(2);
    assert_eq!(
        once,
        [
            "HEAD http://localhost:5000/v2/app/manifests/1",
            "HEAD https://registry-1.docker.io/v2/library/nginx/manifests/latest"
        ]
    );
    asked.borrow_mut().clear();
    check(config, &expected, Ok(&expected));
    assert!(asked.borrow().is_empty(), "what is pinned needs no registry");
}

#[test]
fn tags_go_and_exclusions_stay_when_told_to() {
    registry();
    let config = "{keepTag: false, exclude: ['nginx.*'], plainHttp: ['localhost:5000']}";
    let expected = POD
        .replace("'localhost:5000/app:1'", &format!("\"localhost:5000/app@{DIGEST}\""))
        .replace("image: localhost:5000/app:1}", &format!("image: \"localhost:5000/app@{DIGEST}\"}}"));
    check(config, POD, Ok(&expected));
}

#[test]
fn what_cannot_be_resolved_fails_or_stays() {
    registry();
    let missing = "kind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - image: ghcr.io/missing/app:1\n";
    check(
        "",
        missing,
        Err(
            "Pod/a (line 1): spec.containers[0].image (line 5): cannot resolve ghcr.io/missing/app:1: the registry has no such image",
        ),
    );
    take_logs();
    check("onUnresolved: keep", missing, Ok(missing));
    let logged = take_logs();
    assert!(logged.iter().any(|(_, text)| text.contains("it stays as it is")), "{logged:?}");
    let broken = missing.replace("ghcr.io/missing/app:1", "'${IMAGE}'");
    check(
        "",
        &broken,
        Err(
            "Pod/a (line 1): spec.containers[0].image (line 5): `${IMAGE}` is no image: the name has parts that are empty or have other characters than a-z, 0-9, `.`, `_` and `-`",
        ),
    );
}

/// Every pod template has them, the pods of CronJobs and of workloads that the configuration names included.
#[test]
fn image_volumes_are_images() {
    let asked = registry();
    let pod = |image: &str| {
        format!(
            "{{containers: [{{name: a, image: ghcr.io/a/b@{DIGEST}}}], volumes: [{{name: d, emptyDir: {{}}}}, {{name: m, image: {{reference: {image}, pullPolicy: Always}}}}]}}"
        )
    };
    for (object, config) in [
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: POD\n", ""),
        ("apiVersion: v1\nkind: PodTemplate\nmetadata: {name: a}\ntemplate: {spec: POD}\n", ""),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: POD}}\n", ""),
        (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {spec: POD}}}}\n",
            "",
        ),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {template: {spec: POD}}\n", ""),
        (
            "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {template: {spec: POD}}\n",
            "customPodTemplates: [{group: example.com, kind: Thing, path: spec.template}]",
        ),
        ("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {list: [{pod: POD}]}\n", ""),
    ] {
        let input = object.replace("POD", &pod("ghcr.io/models/m:1"));
        let expected = object.replace("POD", &pod(&format!("\"ghcr.io/models/m:1@{DIGEST}\"")));
        check(config, &input, Ok(&expected));
    }
    assert!(asked.borrow().iter().all(|line| line == "HEAD https://ghcr.io/v2/models/m/manifests/1"));
}

/// What is left alone is said.
#[test]
fn what_stays_as_it_is_is_said() {
    registry();
    let logged = |config: &str, input: &str| -> Vec<String> {
        take_logs();
        check(config, input, Ok(input));
        take_logs().into_iter().map(|(_, text)| text).collect()
    };
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: nginx}]}\n";
    let said = logged("exclude: ['nginx']", pod);
    assert!(said.iter().any(|text| text.contains("nginx stays as it is: it is excluded")), "{said:?}");
    let config_map = "kind: ConfigMap\nmetadata: {name: a}\ndata: {containers: x, image: nginx}\n";
    let said = logged("", config_map);
    assert!(!said.iter().any(|text| text.contains("stay")), "{said:?}");
}
