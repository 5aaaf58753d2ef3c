//! ValidatingAdmissionPolicy objects, used as they are.

use cel::Env;
use windlass_pdk::selector::Selector;
use windlass_pdk::{ConfigError, Object, Value};

use crate::cel::Expression;

/// A policy: Kubernetes' own, or a rule of the configuration.
#[derive(Debug)]
pub(crate) struct AdmissionPolicy {
    /// For messages.
    pub(crate) name: String,
    rules: Vec<ResourceRule>,
    excluded: Vec<ResourceRule>,
    selector: Option<Selector>,
    pub(crate) conditions: Vec<Expression>,
    pub(crate) variables: Vec<(String, Expression)>,
    pub(crate) validations: Vec<Validation>,
    /// What `params` is.
    pub(crate) params: Value,
    /// An expression that fails counts as met.
    pub(crate) ignores_failures: bool,
}

/// One validation.
#[derive(Debug)]
pub(crate) struct Validation {
    pub(crate) expression: Expression,
    pub(crate) message: Option<String>,
    pub(crate) message_expression: Option<Expression>,
}

#[derive(Debug)]
struct ResourceRule {
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
}

impl AdmissionPolicy {
    /// A policy of one expression, for every object.
    pub(crate) fn rule(name: String, validation: Validation) -> Self {
        AdmissionPolicy {
            name,
            rules: Vec::new(),
            excluded: Vec::new(),
            selector: None,
            conditions: Vec::new(),
            variables: Vec::new(),
            validations: vec![validation],
            params: Value::Null,
            ignores_failures: false,
        }
    }

    /// Reads a ValidatingAdmissionPolicy.
    ///
    /// # Errors
    /// What is none, and expressions that cannot be compiled, with the path.
    pub(crate) fn read(object: &Value, params: Value, env: &Env) -> Result<Self, ConfigError> {
        let text = |value: Option<&Value>, key: &str| {
            value.and_then(|value| value.get(key)).and_then(Value::as_str).map(str::to_owned)
        };
        if object.get("kind").and_then(Value::as_str) != Some("ValidatingAdmissionPolicy") {
            return Err(ConfigError::new("expected a ValidatingAdmissionPolicy").under("kind"));
        }
        let spec = object.get("spec");
        let list = |key: &str| spec.and_then(|spec| spec.get(key)).and_then(Value::as_list).unwrap_or_default();
        let compile = |item: &Value, key: &str| {
            let text = item.get(key).and_then(Value::as_str);
            let text = text.ok_or_else(|| ConfigError::new("is required, a string").under(key))?;
            Expression::compile(text, env).map_err(|error| ConfigError::new(error).under(key))
        };
        let placed = |error: ConfigError, list: &str, index: usize| error.under_index(index).under(list).under("spec");
        let mut conditions = Vec::new();
        for (index, item) in list("matchConditions").iter().enumerate() {
            conditions.push(compile(item, "expression").map_err(|error| placed(error, "matchConditions", index))?);
        }
        let mut variables = Vec::new();
        for (index, item) in list("variables").iter().enumerate() {
            let expression = compile(item, "expression").map_err(|error| placed(error, "variables", index))?;
            variables.push((text(Some(item), "name").unwrap_or_default(), expression));
        }
        let mut validations = Vec::new();
        for (index, item) in list("validations").iter().enumerate() {
            let read = || {
                let message_expression = match item.get("messageExpression") {
                    Some(_) => Some(compile(item, "messageExpression")?),
                    None => None,
                };
                let expression = compile(item, "expression")?;
                Ok(Validation { expression, message: text(Some(item), "message"), message_expression })
            };
            validations.push(read().map_err(|error| placed(error, "validations", index))?);
        }
        if validations.is_empty() {
            return Err(ConfigError::new("is required: there is nothing to check").under("validations").under("spec"));
        }
        if spec.and_then(|spec| spec.get("paramKind")).is_some() && params.is_null() {
            return Err(ConfigError::new("the policy has a `paramKind`: give its object as `params` beside `policy`"));
        }
        let constraints = spec.and_then(|spec| spec.get("matchConstraints"));
        let rules = |key: &str| {
            let rules = constraints.and_then(|constraints| constraints.get(key)).and_then(Value::as_list);
            rules.unwrap_or_default().iter().map(ResourceRule::read).collect::<Vec<_>>()
        };
        let selector = constraints.and_then(|constraints| constraints.get("objectSelector"));
        Ok(AdmissionPolicy {
            name: text(object.get("metadata"), "name").unwrap_or_else(|| "policy".to_owned()),
            rules: rules("resourceRules"),
            excluded: rules("excludeResourceRules"),
            selector: selector
                .map(read_selector)
                .transpose()
                .map_err(|error| error.under("objectSelector").under("matchConstraints").under("spec"))?,
            conditions,
            variables,
            validations,
            params,
            ignores_failures: text(spec, "failurePolicy").as_deref() == Some("Ignore"),
        })
    }

    /// Whether the policy's constraints are for an object that is made or changed.
    pub(crate) fn is_for(&self, object: &Object<'_>) -> bool {
        (self.rules.is_empty() || self.rules.iter().any(|rule| rule.is_for(object)))
            && !self.excluded.iter().any(|rule| rule.is_for(object))
            && self.selector.as_ref().is_none_or(|selector| selector.matches(|key| object.label(key)))
    }
}

impl ResourceRule {
    fn read(value: &Value) -> Self {
        let words = |key: &str| {
            let words = value.get(key).and_then(Value::as_list).unwrap_or_default();
            words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        ResourceRule {
            groups: words("apiGroups"),
            versions: words("apiVersions"),
            resources: words("resources"),
            names: words("resourceNames"),
        }
    }

    fn is_for(&self, object: &Object<'_>) -> bool {
        let has = |words: &[String], wanted: &str| words.iter().any(|word| word == "*" || word == wanted);
        let resource = plural(object.kind());
        has(&self.groups, object.group())
            && has(&self.versions, object.version())
            && self.resources.iter().any(|word| matches!(word.as_str(), "*" | "*/*") || *word == resource)
            && (self.names.is_empty() || self.names.iter().any(|name| name == object.name()))
    }
}

/// A label selector as the text that the PDK reads.
fn read_selector(value: &Value) -> Result<Selector, ConfigError> {
    let mut parts = Vec::new();
    for (key, wanted) in value.get("matchLabels").and_then(Value::as_map).unwrap_or_default() {
        parts.push(format!("{key}={}", wanted.as_str().unwrap_or_default()));
    }
    for requirement in value.get("matchExpressions").and_then(Value::as_list).unwrap_or_default() {
        let key = requirement.get("key").and_then(Value::as_str).unwrap_or_default();
        let values = requirement.get("values").and_then(Value::as_list).unwrap_or_default();
        let values = values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        parts.push(match requirement.get("operator").and_then(Value::as_str) {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("Exists") => key.to_owned(),
            Some("DoesNotExist") => format!("!{key}"),
            _ => return Err(ConfigError::new("an operator is In, NotIn, Exists or DoesNotExist")),
        });
    }
    Selector::parse(&parts.join(",")).map_err(ConfigError::new)
}

/// The resource of a kind, as the API names nearly all of them.
pub(crate) fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let has_vowel_before_y = ["ay", "ey", "oy", "uy"].iter().any(|end| kind.ends_with(end));
    match kind.strip_suffix('y') {
        _ if kind == "endpoints" => kind,
        Some(stem) if !has_vowel_before_y => format!("{stem}ies"),
        _ if kind.ends_with('s') || kind.ends_with('x') || kind.ends_with("ch") => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}
