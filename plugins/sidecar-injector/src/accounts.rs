//! The pull secrets of ServiceAccounts.
//!
//! Kubernetes gives a pod the pull secrets of its ServiceAccount only if the pod names none itself
//! (`k8s.io/kubernetes/plugin/pkg/admission/serviceaccount`). So the first one that is injected takes those away.

use windlass_pdk::{Error, Manifests, Object, Path, warn};

use crate::scalar::text;
use crate::settings::Settings;

/// The accounts of the stream with pull secrets that the configuration does not have.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Vec<Account>);

#[derive(Debug)]
struct Account {
    namespace: Option<String>,
    name: String,
    /// One of its secrets.
    secret: String,
}

impl Accounts {
    /// Reads the stream, if secrets are to be injected.
    ///
    /// # Errors
    /// A document that cannot be read.
    pub(crate) fn read(manifests: &Manifests, settings: &Settings) -> Result<Self, Error> {
        let mut accounts = Vec::new();
        if settings.image_pull_secrets.is_empty() {
            return Ok(Accounts::default());
        }
        manifests.read_all(|object| {
            if object.kind() != "ServiceAccount" || !object.group().is_empty() {
                return Ok(());
            }
            let secrets = object.root().get("imagePullSecrets").into_iter().flat_map(|list| list.items());
            let is_injected = |name: &String| settings.image_pull_secrets.iter().any(|secret| secret.name == *name);
            if let Some(secret) = secrets.map(|secret| text(secret, "name")).find(|name| !is_injected(name)) {
                let namespace = object.namespace().map(str::to_owned);
                accounts.push(Account { namespace, name: object.name().to_owned(), secret });
            }
            Ok(())
        })?;
        Ok(Accounts(accounts))
    }

    /// Says which secrets a pod is about to lose, if it has none of its own.
    pub(crate) fn warn_of_lost_secrets(&self, object: &Object<'_>, spec: &Path) {
        let Some(spec) = object.get(spec) else { return };
        if spec.get("imagePullSecrets").is_some_and(|secrets| !secrets.is_empty()) {
            return;
        }
        // The second is the first one's former name.
        let names = [text(spec, "serviceAccountName"), text(spec, "serviceAccount"), "default".to_owned()];
        let Some(name) = names.iter().find(|name| !name.is_empty()) else { return };
        // An object without a namespace is in that of the release, whichever that is.
        let is_near = |account: &&Account| match (account.namespace.as_deref(), object.namespace()) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        if let Some(account) = self.0.iter().filter(is_near).find(|account| account.name == *name) {
            warn!(
                "{}: a pod with pull secrets of its own does not get those of its ServiceAccount: `{}` of `{name}` is lost; add it to `imagePullSecrets`",
                object.describe(),
                account.secret
            );
        }
    }
}
