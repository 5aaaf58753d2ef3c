//! The case folders, the example of the README, which is one of them, and what holds for every stream.

use images::Images;

#[test]
fn cases() {
    windlass_pdk::test::cases::<Images>("tests/cases");
}

#[test]
fn readme() {
    windlass_pdk::test::readme("README.md");
}

#[test]
fn twice_is_once() {
    windlass_pdk::test::check_charts_twice::<Images>(&CONFIGS);
}

const CONFIGS: [&str; 3] = [
    "images: [{name: 'quay.io/.*', newTag: v9}, {name: nginx, newName: ghcr.io/example/nginx, tagSuffix: -slim}]\nonMissing: ignore",
    "mirrors: {docker.io: mirror.example/hub, quay.io: mirror.example/quay, '*': mirror.example/other}\npullPolicy: Always\npullSecrets: [mirror]",
    "mirrors: {'': mirror.example}\npullPolicy: IfNotPresent\npullPolicyOnConflict: keep",
];
