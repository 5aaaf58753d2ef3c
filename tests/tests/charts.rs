//! The recorded streams are what Helm hands over today.

use windlass_tests::sandbox::Sandbox;
use xtask::helm::{Version, chart};
use xtask::streams;

#[test]
fn recorded_streams_are_current() {
    for version in Version::ALL {
        let sandbox = Sandbox::new();
        let Some(helm) = sandbox.helm(version) else { continue };
        for name in streams::CHARTS {
            let stream = helm.handed_over(&chart(name)).expect("Helm renders the chart");
            let path = streams::recorded(version, name);
            let recorded = std::fs::read(&path).unwrap_or_default();
            assert!(stream == recorded, "{} is stale: run `cargo xtask streams --bless`", path.display());
        }
    }
}

#[test]
fn a_chart_without_resources_hands_over_nothing() {
    for version in Version::ALL {
        let sandbox = Sandbox::new();
        let Some(helm) = sandbox.helm(version) else { continue };
        assert_eq!(helm.handed_over(&chart("empty")).expect("Helm renders the chart"), b"", "{}", version.title());
    }
}
