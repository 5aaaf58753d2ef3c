//! What the end-to-end tests share. They run the release binary and the built plugins (`cargo xtask build`) as a person
//! would: as processes, under real Helm, and beside other programs.
//!
//! | module | job |
//! |---|---|
//! | [`api_server`] | a Kubernetes API server of our own, for what a real one cannot be made to do |
//! | [`control_plane`] | a real Kubernetes control plane, with kwok in the kubelet's place |
//! | [`faulty_registry`] | a registry that fails as it is told to |
//! | [`memory_registry`] | a registry that answers differently each time it is asked |
//! | [`token_server`] | a token server that a real registry believes |
//! | [`http`] | what these servers are made of |
//! | [`sandbox`] | a home of its own for each test; Windlass and both Helms in it |
//! | [`needs`] | tools and peers that a test needs; without them it is skipped, but never with `CI=true` |
//! | [`input`] | the streams that tests run over: the recorded ones, and the public charts where they are at hand |
//! | [`objects`] | live Kubernetes objects: table cases, generated ones, those of the streams with a status made up |
//! | [`oracle`] | what an independent parser sees in a stream |
//! | [`patience`] | what needs time, on machines of any speed |
//! | [`shipping`] | registries with a Windlass that speaks to them, keys, a chart |
//! | [`tls`] | a front with TLS for them, which notes client certificates |
//! | [`stage`] | what the tests of `wait` against that server have in common |
//! | [`session`] | terminal sessions in Markdown files, as tests |

// Tests talk to whoever reads their output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod api_server;
pub mod control_plane;
pub mod faulty_registry;
pub mod http;
pub mod input;
pub mod memory_registry;
pub mod needs;
pub mod objects;
pub mod oracle;
pub mod patience;
pub mod sandbox;
pub mod session;
pub mod shipping;
pub mod stage;
pub mod tls;
pub mod token_server;
