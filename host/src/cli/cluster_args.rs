//! The arguments of every command that may talk to a cluster.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::Connection;

/// Which cluster, and who we are there.
#[derive(Args, Debug)]
pub(super) struct ClusterArgs {
    /// The context of the kubeconfig [default: HELM_KUBECONTEXT, else the current one].
    #[arg(long, value_name = "CONTEXT")]
    kube_context: Option<String>,
    /// The kubeconfig file [default: KUBECONFIG, ~/.kube/config, or the pod's account].
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl ClusterArgs {
    /// The connection that the arguments describe. Nothing is opened.
    pub(super) fn connection(&self) -> Connection {
        let context = self.kube_context.clone().or_else(|| variable("HELM_KUBECONTEXT"));
        Connection { kubeconfig: self.kubeconfig.clone(), context }
    }
}

/// A variable of the environment that says something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
