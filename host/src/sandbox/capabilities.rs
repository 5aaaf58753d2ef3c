//! What stands behind the grants: the host's side of each capability of [`windlass_abi::capabilities`].
//!
//! Nothing here knows of guests or of wasm: each part takes what was granted and a plain request, decides, and does it.
//! The functions that guests import ([`crate::sandbox::instance`]) only copy the request out of the guest's memory and
//! the answer back into it.

pub(crate) mod files;
pub(crate) mod kube;
pub(crate) mod net;
