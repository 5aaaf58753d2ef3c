//! The plugins of docs/cookbook.md. Each file is the whole `src/lib.rs` of one.

pub mod default_limits;
pub mod deny_network;
pub mod disruption_budget;
pub mod drop_kinds;
pub mod forbid_host_path;
pub mod forbid_latest;
pub mod image_mirror;
pub mod ingress_domain;
pub mod priority_class;
pub mod proxy_environment;
