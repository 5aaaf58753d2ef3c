//! A look at the cluster, for plugins that were granted it (`--allow-kube VERB:RESOURCE.VERSION[.GROUP][/NAMESPACE]`).
//! Only reading; with the rights of the user that Windlass's kubeconfig names.
//!
//! Objects are named as in the grants: `configmaps.v1/web`, `deployments.v1.apps/web`, `nodes.v1`. A grant without a
//! namespace covers all of them, one for `get` does not cover `list`.
//!
//! A plugin that uses this module imports functions that only Windlass offers: Helm's own engine cannot run it. What is
//! not granted, what the API server refuses and what is too large (16 MiB for one answer) ends the run, and the host
//! says why. What a plugin makes of a cluster differs from one to the next and from run to run; `helm template` and a
//! build server may have none at all.

use windlass_manifest::Value;

use crate::error::Error;
use crate::host;

/// One object of `from` by its name, as the API server has it but for `metadata.managedFields` and the annotation in
/// which kubectl keeps its last input. `None` if there is no such object, or the cluster has no such resource.
///
/// # Errors
/// The host's answer cannot be read; in tests also: nobody said what the cluster has
/// ([`crate::test::answer_cluster`]).
pub fn get(from: &str, name: &str) -> Result<Option<Value>, Error> {
    host::object(from, name)
}

/// The objects of `from`, those of all namespaces if it names none, that match a label selector such as `app=web`; the
/// empty selector matches all. Objects are as [`get`] gives them, mostly without `apiVersion` and `kind`, as the API
/// server leaves them out of a list. `None` if the cluster has no such resource.
///
/// # Errors
/// As [`get`].
pub fn list(from: &str, selector: &str) -> Result<Option<Vec<Value>>, Error> {
    host::objects(from, selector)
}
