//! HTTP requests, for plugins that were granted hosts (`--allow-net HOST[:PORT]`; under Helm's own engine
//! `allowedHosts`). A plugin that uses this module imports Extism's HTTP functions, and does not start without any
//! grant.
//!
//! A request that no grant covers, and one that fails on the way, ends the run: the host says why. Any status is an
//! answer.

mod message;

use crate::error::Error;
use crate::host;
pub use message::{Request, Response};

impl Request {
    /// Sends the request and reads the whole answer.
    ///
    /// # Errors
    /// Header fields that the host hands over in a form that cannot be read.
    pub fn send(&self) -> Result<Response, Error> {
        host::http(self)
    }
}
