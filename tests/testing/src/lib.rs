//! What tests of several packages share, without the tools that the end-to-end tests need (those are in
//! `windlass-tests`).
//!
//! | module | job |
//! |---|---|
//! | [`manifests`] | awkward and real manifests, edits at each of their places, an independent reading to compare with |
//! | [`anchored`] | edits beside anchors and aliases, and what they must come to |
//! | [`mutation`] | random changes to texts and bytes |

pub mod anchored;
#[allow(missing_docs, reason = "the variants and fields are the words of YAML and of the edits")]
pub mod manifests;
pub mod mutation;
