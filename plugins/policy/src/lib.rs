//! Checks the objects of a release: by CEL expressions in Kubernetes' dialect, by ValidatingAdmissionPolicy objects as
//! they are, and by well-known checks such as the Pod Security Standards. It changes nothing.

mod admission;
mod cel;
mod pod_security;
mod presets;
mod settings;

use ::cel::{Context, Value as Cel};
use windlass_pdk::{Error, Findings, Manifests, Object, Path, Value, plugin, warn};

use crate::admission::{AdmissionPolicy, Validation, plural};
use crate::settings::Action;
pub use crate::settings::Settings;

/// What is wrong with an object.
pub(crate) struct Finding {
    /// Where; the object itself if nobody knows.
    pub(crate) path: Option<Path>,
    pub(crate) message: String,
}

/// Checks every object.
///
/// # Errors
/// What was found, all of it, where the action is to deny.
#[plugin]
pub fn policy(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    if settings.presets.is_empty() && settings.checks.is_empty() {
        warn!("nothing to check: neither `presets` nor `rules` nor `policies` are configured");
        return Ok(());
    }
    let mut findings = Findings::new();
    let mut report = |object: &Object<'_>, name: &str, action: Action, finding: Finding| {
        let path = finding.path.unwrap_or_else(Path::root);
        findings.rule(name);
        match action {
            Action::Warn => findings.warn(object, &path, finding.message),
            Action::Deny => findings.deny(object, &path, finding.message),
        }
    };
    manifests.read(|object| {
        for preset in &settings.presets {
            let mut found = Vec::new();
            presets::check(*preset, object, &settings.custom_pod_templates, &mut found);
            for finding in found {
                report(object, preset.name(), settings.action, finding);
            }
        }
        let is_meant = |check: &&settings::Check| {
            check.target.as_ref().is_none_or(|target| target.matches(object)) && check.policy.is_for(object)
        };
        let mut checks = settings.checks.iter().filter(is_meant).peekable();
        if checks.peek().is_none() {
            return Ok(());
        }
        let mut value = object.root().to_value()?;
        // Of custom kinds nobody here knows what their fields are.
        if !object.group().contains('.') || object.group().ends_with(".k8s.io") {
            spell_quantities(&mut value);
        }
        let mut context = cel::context(&settings.env);
        add_object(&mut context, object, &value);
        let largest = cel::largest(&value);
        for check in checks {
            let mut context = context.new_inner_scope();
            for finding in evaluate(&check.policy, &mut context, largest) {
                report(object, &check.policy.name, check.action, finding);
            }
        }
        Ok(())
    })?;
    findings.finish()
}

/// The variables of Kubernetes' admission: a new object, in no namespace that is known.
fn add_object(context: &mut Context<'_, '_>, object: &Object<'_>, value: &Value) {
    let kind = Value::map([
        ("group", Value::from(object.group())),
        ("version", Value::from(object.version())),
        ("kind", Value::from(object.kind())),
    ]);
    let resource = Value::map([
        ("group", Value::from(object.group())),
        ("version", Value::from(object.version())),
        ("resource", Value::from(plural(object.kind()))),
    ]);
    let request = Value::map([
        ("kind", kind.clone()),
        ("requestKind", kind),
        ("resource", resource.clone()),
        ("requestResource", resource),
        ("name", Value::from(object.name())),
        ("namespace", Value::from(object.namespace().unwrap_or_default())),
        ("operation", Value::from("CREATE")),
        ("dryRun", Value::from(false)),
    ]);
    context.add_variable_from_value("object", cel::to_cel(value));
    context.add_variable_from_value("oldObject", Cel::Null);
    context.add_variable_from_value("namespaceObject", Cel::Null);
    context.add_variable_from_value("request", cel::to_cel(&request));
}

/// The maps and fields of Kubernetes' own kinds that hold quantities.
const QUANTITIES: &[&str] = &["requests", "limits", "capacity", "hard", "overhead", "sizeLimit"];

/// Makes texts of the quantities that are written as numbers (`cpu: 1`): the API server gives a policy nothing else.
fn spell_quantities(value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(spell_quantities),
        Value::Map(entries) => {
            for (key, value) in entries {
                let is_quantity = QUANTITIES.contains(&key.as_str());
                match value {
                    Value::Map(amounts) if is_quantity => {
                        amounts.iter_mut().for_each(|(_, amount)| {
                            spell(amount);
                            spell_quantities(amount);
                        });
                    }
                    Value::Number(_) if key == "sizeLimit" => spell(value),
                    other => spell_quantities(other),
                }
            }
        }
        _ => {}
    }
}

fn spell(value: &mut Value) {
    if let Value::Number(text) = value {
        *value = Value::String(std::mem::take(text));
    }
}

/// What a policy finds in the object of a context.
fn evaluate(policy: &AdmissionPolicy, context: &mut Context<'_, '_>, largest: usize) -> Vec<Finding> {
    context.add_variable_from_value("params", cel::to_cel(&policy.params));
    let failed = |expression: &cel::Expression, problem: String| match policy.ignores_failures {
        true => Vec::new(),
        false => vec![Finding { path: None, message: format!("`{}` fails: {problem}", shorten(expression.text())) }],
    };
    for condition in &policy.conditions {
        match condition.evaluate(context, largest) {
            Ok(Cel::Bool(true)) => {}
            Ok(_) => return Vec::new(),
            Err(problem) => return failed(condition, problem),
        }
    }
    let mut variables: std::collections::HashMap<String, Cel> = std::collections::HashMap::new();
    for (name, expression) in &policy.variables {
        context.add_variable_from_value("variables", Cel::from(variables.clone()));
        // As in Kubernetes one that fails matters only where it is used.
        if let Ok(value) = expression.evaluate(context, largest) {
            variables.insert(name.clone(), value);
        }
    }
    context.add_variable_from_value("variables", Cel::from(variables));
    let mut findings = Vec::new();
    for validation in &policy.validations {
        match validation.expression.evaluate(context, largest) {
            Ok(Cel::Bool(true)) => {}
            Ok(Cel::Bool(false)) => findings.push(finding(validation, context, largest)),
            Ok(_) => findings.extend(failed(&validation.expression, "it gives no boolean".to_owned())),
            Err(problem) => findings.extend(failed(&validation.expression, problem)),
        }
    }
    findings
}

fn finding(validation: &Validation, context: &Context<'_, '_>, largest: usize) -> Finding {
    let made =
        validation.message_expression.as_ref().and_then(|expression| match expression.evaluate(context, largest) {
            Ok(Cel::String(text)) if !text.trim().is_empty() => Some(shorten(&text)),
            _ => None,
        });
    let message = made
        .or_else(|| validation.message.clone())
        .unwrap_or_else(|| format!("failed expression: {}", shorten(validation.expression.text())));
    let keys = validation.expression.named_path();
    Finding { path: (!keys.is_empty()).then(|| Path::new(keys)), message }
}

/// One line of a text, and no more than can be read.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
