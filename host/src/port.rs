//! `windlass port` beyond reading: the old post-renderer is run, as its user named it, and compared with the pipeline;
//! what cannot move becomes a plugin of Helm 4 that runs it.

pub mod compare;
pub mod compile;
pub mod inputs;
pub mod keep;
pub mod old;
pub mod report;
mod scene;
