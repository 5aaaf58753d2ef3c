//! Names and documentation as they appear in a config.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// `pod_templates` or `PodTemplates` as Kubernetes would write it: `podTemplates`.
pub(crate) fn lower_camel_case(name: &str) -> String {
    let name = upper_camel_case(name);
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => name,
    }
}

/// `label_injector` as a type: `LabelInjector`.
pub(crate) fn upper_camel_case(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.split('_')
        .flat_map(|part| {
            let mut characters = part.chars();
            characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect::<Vec<_>>()
        })
        .collect()
}

/// The documentation comment: lines joined to paragraphs.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        let line = line.value();
        let line = line.trim();
        if line.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim_end().to_owned()
}
