//! Pull policies and pull secrets.

use windlass_pdk::pods::pod_specs;
use windlass_pdk::{Error, Manifests, Object, Path, Value};

use crate::settings::{OnConflict, Settings};

/// Sets the pull policy beside every image.
pub(crate) fn set_policy(object: &mut Object<'_>, owners: &[&Path], settings: &Settings) -> Result<(), Error> {
    let Some(policy) = settings.pull_policy else { return Ok(()) };
    for owner in owners {
        // An image volume calls it `pullPolicy`.
        let is_volume = object.get(owner).is_some_and(|owner| owner.get("reference").is_some());
        let path = owner.key(if is_volume { "pullPolicy" } else { "imagePullPolicy" });
        let is_there = object.get(&path).is_some_and(|node| !node.is_null());
        // Without an image there is nothing to pull: a container that only changes another one's fields.
        let has_image = is_volume || object.get(&owner.key("image")).is_some();
        if has_image && !(is_there && settings.pull_policy_on_conflict == OnConflict::Keep) {
            object.set(&path, Value::from(policy.word()))?;
        }
    }
    Ok(())
}

/// The pull secrets of ServiceAccounts: a pod gets them only if it names none itself
/// (`k8s.io/kubernetes/plugin/pkg/admission/serviceaccount`), so the first one that is added would take them away.
pub(crate) struct Accounts(Vec<Account>);

struct Account {
    namespace: Option<String>,
    name: String,
    secrets: Vec<String>,
}

impl Accounts {
    /// Reads the stream, if secrets are to be added.
    ///
    /// # Errors
    /// A document that cannot be read.
    pub(crate) fn read(manifests: &Manifests, settings: &Settings) -> Result<Self, Error> {
        let mut accounts = Vec::new();
        if settings.pull_secrets.is_empty() {
            return Ok(Accounts(accounts));
        }
        manifests.read_all(|object| {
            if object.kind() == "ServiceAccount" && object.group().is_empty() {
                let secrets = secrets_at(object, &Path::new(["imagePullSecrets"]));
                if !secrets.is_empty() {
                    let namespace = object.namespace().map(str::to_owned);
                    accounts.push(Account { namespace, name: object.name().to_owned(), secrets });
                }
            }
            Ok(())
        })?;
        Ok(Accounts(accounts))
    }

    /// The secrets that a pod with this spec gets from its account.
    fn secrets_of(&self, object: &Object<'_>, spec: &Path) -> &[String] {
        let text = |key: &str| {
            let node = object.get(&spec.key(key))?;
            node.as_str().filter(|text| !text.is_empty()).map(|text| text.into_owned())
        };
        // The second is the first one's former name.
        let name =
            text("serviceAccountName").or_else(|| text("serviceAccount")).unwrap_or_else(|| "default".to_owned());
        // An object without a namespace is in that of the release, whichever that is.
        let is_near = |account: &&Account| match (account.namespace.as_deref(), object.namespace()) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let account = self.0.iter().filter(is_near).find(|account| account.name == name);
        account.map_or(&[], |account| account.secrets.as_slice())
    }
}

fn secrets_at(object: &Object<'_>, list: &Path) -> Vec<String> {
    let items = object.get(list).into_iter().flat_map(|list| list.items());
    items.filter_map(|item| item.get("name").and_then(|name| name.as_str()).map(|name| name.into_owned())).collect()
}

/// Adds the pull secrets to every pod.
pub(crate) fn add_secrets(object: &mut Object<'_>, settings: &Settings, accounts: &Accounts) -> Result<(), Error> {
    if settings.pull_secrets.is_empty() {
        return Ok(());
    }
    for spec in pod_specs(object, &settings.custom_pod_templates) {
        let list = spec.path.key("imagePullSecrets");
        let there = secrets_at(object, &list);
        let inherited = if there.is_empty() { accounts.secrets_of(object, &spec.path) } else { &[] };
        let mut added: Vec<&String> = Vec::new();
        for secret in inherited.iter().chain(&settings.pull_secrets) {
            if !there.contains(secret) && !added.contains(&secret) {
                added.push(secret);
            }
        }
        for secret in added {
            object.append(&list, Value::map([("name", Value::String(secret.clone()))]))?;
        }
    }
    Ok(())
}
