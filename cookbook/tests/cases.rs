//! The cases of every recipe, and the page that shows them.

use windlass_cookbook as cookbook;
use windlass_pdk::test::{cases, readme};

/// One test for each recipe; the name is that of its file and its folder of cases.
macro_rules! recipes {
    ($($name:ident: $plugin:ident;)*) => {
        $(
            #[test]
            fn $name() {
                cases::<cookbook::$name::$plugin>(concat!("cases/", stringify!($name)));
            }
        )*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

recipes! {
    priority_class: PriorityClass;
    default_limits: DefaultLimits;
    proxy_environment: ProxyEnvironment;
    image_mirror: ImageMirror;
    ingress_domain: IngressDomain;
    drop_kinds: DropKinds;
    forbid_latest: ForbidLatest;
    forbid_host_path: ForbidHostPath;
    deny_network: DenyNetwork;
    disruption_budget: DisruptionBudget;
}

#[test]
fn the_page_shows_every_recipe_as_it_is_tested() {
    readme("../docs/cookbook.md");
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cookbook.md")).expect("the page");
    assert!(NAMES.len() >= 10);
    for name in NAMES {
        assert!(page.contains(&format!("<!-- src/{name}.rs -->")), "the page lacks {name}");
        assert!(page.contains(&format!("<!-- cases/{name}/")), "the page lacks a case of {name}");
    }
}
