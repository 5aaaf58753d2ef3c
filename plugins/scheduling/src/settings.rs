//! The configuration, checked before any edit.

use windlass_pdk::config::Key;
use windlass_pdk::pods::CustomPodTemplate;
use windlass_pdk::{Config, ConfigError, Schema, Value, names};

/// The fields of a pod that can be set, and whether custom kinds with a pod's fields have them as a rule.
pub(crate) const FIELDS: &[(&str, bool)] = &[
    ("nodeSelector", true),
    ("tolerations", true),
    ("affinity", true),
    ("priorityClassName", true),
    ("runtimeClassName", false),
    ("schedulerName", false),
    ("serviceAccountName", true),
    ("terminationGracePeriodSeconds", false),
    ("topologySpreadConstraints", false),
];

/// What to set, as it is written.
#[derive(Debug, Config)]
struct Written {
    /// Labels that a node must have. Those that a pod asks for beside them stay.
    #[config(default)]
    node_selector: Vec<(String, String)>,
    /// Tolerations to add, as in a pod.
    #[config(default)]
    tolerations: Vec<Value>,
    /// `nodeAffinity`, `podAffinity`, `podAntiAffinity` as in a pod: each replaces the pod's own.
    #[config(default)]
    affinity: Vec<(String, Value)>,
    /// The priority class of all pods.
    priority_class_name: Option<String>,
    /// The runtime class of all pods.
    runtime_class_name: Option<String>,
    /// The scheduler of all pods.
    scheduler_name: Option<String>,
    /// The ServiceAccount of all pods.
    service_account_name: Option<String>,
    /// How long pods may take to end, in seconds.
    #[config(min = 0)]
    termination_grace_period_seconds: Option<i64>,
    /// Constraints as in a pod, told apart by `topologyKey` and `whenUnsatisfiable`. One without a `labelSelector` gets
    /// that of the workload.
    #[config(default)]
    topology_spread_constraints: Vec<Value>,
    /// How many pods a workload has: a number for all, or kustomize's `replicas`, a list of `{name, count}`.
    #[config(default)]
    replicas: Replicas,
    /// Fields to take away from all pods, by their names, such as `nodeSelector`.
    #[config(default)]
    remove: Vec<String>,
    /// Leave what a pod or workload has already.
    #[config(default)]
    only_if_missing: bool,
    /// What to do with an entry of `replicas` that no workload is for.
    #[config(default)]
    on_missing: OnMissing,
    /// Workloads of other kinds than those that are known, and where they keep their pod templates.
    #[config(default)]
    custom_pod_templates: Vec<CustomPodTemplate>,
}

/// What to do with an entry that is for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub(crate) enum OnMissing {
    /// The render fails.
    #[default]
    Error,
    /// It is skipped.
    Ignore,
}

/// How many pods workloads have.
#[derive(Debug, Default)]
pub(crate) enum Replicas {
    /// As they are.
    #[default]
    Unchanged,
    /// So many in each.
    All(u32),
    /// By the workload's name.
    ByName(Vec<Count>),
}

/// An entry of kustomize's `replicas`.
#[derive(Debug, Config)]
pub(crate) struct Count {
    /// The workload's name.
    pub(crate) name: String,
    /// How many pods it has.
    pub(crate) count: u32,
}

impl Config for Replicas {
    const SCHEMA: Schema = Schema::OneOf(&[u32::SCHEMA, <Vec<Count>>::SCHEMA]);

    fn read(value: Value) -> Result<Self, ConfigError> {
        match value {
            Value::List(_) => Config::read(value).map(Replicas::ByName),
            Value::Number(_) => u32::read(value).map(Replicas::All),
            other => Err(ConfigError::new(format!(
                "expected a number or a list of `{{name, count}}`, found {}",
                other.type_name()
            ))),
        }
    }
}

/// What to set.
#[derive(Debug)]
pub struct Settings {
    /// A field and its value; nothing to take it away. In the order of [`FIELDS`].
    fields: Vec<(&'static str, Option<Value>)>,
    pub(crate) replicas: Replicas,
    pub(crate) only_if_missing: bool,
    pub(crate) on_missing: OnMissing,
    pub(crate) custom_pod_templates: Vec<CustomPodTemplate>,
}

impl Settings {
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, Option<&Value>)> {
        self.fields.iter().map(|(field, value)| (*field, value.as_ref()))
    }

    pub(crate) fn has_pod_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.fields.is_empty() && matches!(self.replicas, Replicas::Unchanged)
    }
}

impl Config for Settings {
    const SCHEMA: Schema = Written::SCHEMA;
    const KEYS: &'static [Key] = Written::KEYS;

    fn read(value: Value) -> Result<Self, ConfigError> {
        let written = Written::read(value)?;
        check(&written)?;
        let text = |text: Option<String>| text.map(Value::String);
        let map = |entries: Vec<(String, Value)>| (!entries.is_empty()).then_some(Value::Map(entries));
        let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::List(items));
        let selector = written.node_selector.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
        let values = [
            map(selector),
            list(written.tolerations),
            map(written.affinity),
            text(written.priority_class_name),
            text(written.runtime_class_name),
            text(written.scheduler_name),
            text(written.service_account_name),
            written.termination_grace_period_seconds.map(Value::from),
            list(written.topology_spread_constraints),
        ];
        let mut fields = Vec::new();
        for ((field, _), value) in FIELDS.iter().zip(values) {
            let is_removed = written.remove.iter().any(|name| name == field);
            match value {
                Some(_) if is_removed => {
                    return Err(ConfigError::new(format!("`{field}` is set as well: one of the two has no effect"))
                        .under("remove"));
                }
                None if !is_removed => {}
                value => fields.push((*field, value)),
            }
        }
        Ok(Settings {
            fields,
            replicas: written.replicas,
            only_if_missing: written.only_if_missing,
            on_missing: written.on_missing,
            custom_pod_templates: written.custom_pod_templates,
        })
    }
}

fn check(written: &Written) -> Result<(), ConfigError> {
    for (key, value) in &written.node_selector {
        names::label_key(key)
            .and_then(|()| names::label_value(value))
            .map_err(|message| ConfigError::new(message).under(key).under("nodeSelector"))?;
    }
    for (key, value) in &written.affinity {
        if !["nodeAffinity", "podAffinity", "podAntiAffinity"].contains(&key.as_str()) {
            let message = "unknown key; known: nodeAffinity, podAffinity, podAntiAffinity";
            return Err(ConfigError::new(message).under(key).under("affinity"));
        }
        if value.as_map().is_none() {
            return Err(ConfigError::new(format!("expected a map, found {}", value.type_name()))
                .under(key)
                .under("affinity"));
        }
    }
    for (index, toleration) in written.tolerations.iter().enumerate() {
        check_keys(toleration, &["key", "operator", "value", "effect", "tolerationSeconds"], &[])
            .map_err(|error| error.under_index(index).under("tolerations"))?;
    }
    for (index, constraint) in written.topology_spread_constraints.iter().enumerate() {
        let known = [
            "maxSkew",
            "topologyKey",
            "whenUnsatisfiable",
            "labelSelector",
            "minDomains",
            "nodeAffinityPolicy",
            "nodeTaintsPolicy",
            "matchLabelKeys",
        ];
        check_keys(constraint, &known, &known[..3])
            .map_err(|error| error.under_index(index).under("topologySpreadConstraints"))?;
    }
    for (index, name) in written.remove.iter().enumerate() {
        if !FIELDS.iter().any(|(field, _)| field == name) {
            let known: Vec<&str> = FIELDS.iter().map(|(field, _)| *field).collect();
            let message = format!("`{name}` is no field that can be removed; known: {}", known.join(", "));
            return Err(ConfigError::new(message).under_index(index).under("remove"));
        }
    }
    for (key, name) in [
        ("priorityClassName", &written.priority_class_name),
        ("runtimeClassName", &written.runtime_class_name),
        ("serviceAccountName", &written.service_account_name),
    ] {
        if let Some(name) = name {
            names::dns_subdomain(name).map_err(|message| ConfigError::new(message).under(key))?;
        }
    }
    Ok(())
}

/// Refuses what is no map, an unknown key and a missing one.
fn check_keys(value: &Value, known: &[&str], required: &[&str]) -> Result<(), ConfigError> {
    let Some(entries) = value.as_map() else {
        return Err(ConfigError::new(format!("expected a map, found {}", value.type_name())));
    };
    if let Some((key, _)) = entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        return Err(ConfigError::new(format!("unknown key; known: {}", known.join(", "))).under(key));
    }
    match required.iter().find(|key| value.get(key).is_none_or(Value::is_null)) {
        Some(key) => Err(ConfigError::new("is required").under(key)),
        None => Ok(()),
    }
}
