//! The arguments of every command that may talk to a cluster.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::Connection;
use crate::env;

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
        let context = self.kube_context.clone().or_else(|| env::HELM_KUBECONTEXT.text());
        Connection { kubeconfig: self.kubeconfig.clone(), context }
    }
}
