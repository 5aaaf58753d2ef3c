//! Terraform, OpenTofu and Terragrunt: `postrender` as block, attribute, `dynamic` and module input; commands and YAML
//! in strings.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey, TraversalOperator};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::{Element, Template};

use super::yaml::is_choice;
use super::{Context, yaml};
use crate::audit::calls::{self, Place};
use crate::audit::facts::{Facts, RendererRef, Site};
use crate::audit::fragment::{LineIndex, Lines};
use crate::audit::scope::{Scope, Value, plain_name};
use crate::audit::shell::{Part, Word};

/// How deep brackets may be nested: the parser is recursive.
const MAX_BRACKETS: usize = 200;
const MAX_DEPTH: usize = 100;

/// Reads a file.
pub(crate) fn scan(text: &str, context: &Context<'_>, scope: &mut Scope, facts: &mut Facts) {
    if nesting(text) > MAX_BRACKETS {
        facts.notes.push("brackets are nested too deep: skipped".to_owned());
        return;
    }
    let body = match hcl_edit::parser::parse_body(text) {
        Ok(body) => body,
        Err(error) => {
            facts.notes.push(format!(
                "is no HCL that can be read (line {}): its lines are looked at one by one",
                error.location().line()
            ));
            by_lines(text, context, scope, facts);
            return;
        }
    };
    let index = LineIndex::new(text);
    bind_body(&body, "", scope, &index, 0);
    let mut walker = Walker { text, index: &index, context, scope, facts };
    walker.body(&body, &[], 0);
}

fn nesting(text: &str) -> usize {
    let mut depth = 0usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn by_lines(text: &str, context: &Context<'_>, scope: &Scope, facts: &mut Facts) {
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim();
        if bare.starts_with('#') || bare.starts_with("//") {
            continue;
        }
        in_block = (in_block || bare.starts_with("postrender")) && bare != "}";
        let (key, value) = bare.split_once('=').unwrap_or((bare, ""));
        if in_block && key.trim() == "binary_path" {
            yaml::choose(value.trim().trim_matches('"'), number + 1, context.kind, &[], scope, facts);
        } else if bare.contains("--post-renderer") {
            calls::nested(bare, &Lines::All(number + 1), Place { kind: context.kind, pipes: false }, scope, facts, 0);
        }
    }
}

/// Locals, defaults of variables and every attribute, by their names.
fn bind_body(body: &Body, owner: &str, scope: &mut Scope, index: &LineIndex, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let name = if attribute.key.as_str() == "default" && !owner.is_empty() {
                    owner
                } else {
                    attribute.key.as_str()
                };
                bind(name, &attribute.value, scope, index, depth);
            }
            Structure::Block(block) => {
                let label = block.labels.last().map(|label| label.as_str().to_owned()).unwrap_or_default();
                let owner = if block.ident.as_str() == "variable" { label } else { String::new() };
                bind_body(&block.body, &owner, scope, index, depth + 1);
            }
        }
    }
}

fn bind(name: &str, value: &Expression, scope: &mut Scope, index: &LineIndex, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Expression::Object(object) => {
            for (key, value) in object {
                let key = key_text(key);
                bind(&key, value.expr(), scope, index, depth + 1);
                // A map of programs by environment: any of them.
                if matches!(value.expr(), Expression::String(_) | Expression::StringTemplate(_)) && name != key {
                    bind(name, value.expr(), scope, index, depth + 1);
                }
            }
        }
        Expression::Array(items) => items.iter().for_each(|item| bind(name, item, scope, index, depth + 1)),
        _ => {
            for word in words(value, 0) {
                if !word.is_empty() {
                    scope.bind(name, word, line(value, index));
                }
            }
        }
    }
}

fn line(value: &Expression, index: &LineIndex) -> usize {
    value.span().map_or(1, |span| index.line(span.start))
}

fn key_text(key: &ObjectKey) -> String {
    match key {
        ObjectKey::Ident(ident) => ident.as_str().to_owned(),
        ObjectKey::Expression(expression) => match expression {
            Expression::Variable(name) => name.as_str().to_owned(),
            Expression::Parenthesis(inner) => inner.inner().as_str().unwrap_or_default().to_owned(),
            _ => expression.as_str().unwrap_or_default().to_owned(),
        },
    }
}

/// The programs an expression may be, as words with variables.
fn words(value: &Expression, depth: usize) -> Vec<Word> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    let one = |parts: Vec<Part>| vec![Word { parts, line: 0, quoted: true }];
    match value {
        Expression::String(text) => one(vec![Part::Text(text.as_str().to_owned())]),
        Expression::StringTemplate(template) => one(template.iter().map(part).collect()),
        Expression::HeredocTemplate(heredoc) => one(heredoc.template.iter().map(part).collect()),
        Expression::Parenthesis(inner) => words(inner.inner(), depth + 1),
        Expression::Conditional(conditional) => {
            let mut both = words(&conditional.true_expr, depth + 1);
            both.extend(words(&conditional.false_expr, depth + 1));
            both
        }
        Expression::FuncCall(call) => {
            let name = call.name.name.as_str();
            match name {
                "coalesce" | "try" => call.args.iter().flat_map(|argument| words(argument, depth + 1)).collect(),
                "abspath" | "pathexpand" | "tostring" | "trimspace" => {
                    call.args.iter().take(1).flat_map(|argument| words(argument, depth + 1)).collect()
                }
                "lookup" => {
                    let mut found: Vec<Word> =
                        call.args.iter().take(1).flat_map(|argument| words(argument, depth + 1)).collect();
                    found.extend(call.args.iter().skip(2).flat_map(|argument| words(argument, depth + 1)));
                    found
                }
                "join" => {
                    // `join("/", [path.module, "x.sh"])`.
                    let separator = call.args.iter().next().and_then(Expression::as_str).unwrap_or("/").to_owned();
                    let mut parts = Vec::new();
                    for item in call.args.iter().nth(1).and_then(Expression::as_array).into_iter().flatten() {
                        if !parts.is_empty() {
                            parts.push(Part::Text(separator.clone()));
                        }
                        parts.extend(words(item, depth + 1).into_iter().next().unwrap_or_default().parts);
                    }
                    one(parts)
                }
                "format" => one(vec![Part::Template(
                    call.args
                        .iter()
                        .filter_map(Expression::as_str)
                        .map(|text| format!("\"{text}\""))
                        .collect::<Vec<_>>()
                        .join(" "),
                )]),
                _ => one(vec![Part::Variable { name: format!("{name}()"), default: None, indirect: false }]),
            }
        }
        Expression::Traversal(traversal) => {
            let mut name = String::new();
            for operator in &traversal.operators {
                if let TraversalOperator::GetAttr(attribute) = operator.value() {
                    name = attribute.as_str().to_owned();
                }
            }
            let root = traversal.expr.as_variable().map(|name| name.as_str().to_owned()).unwrap_or_default();
            let name = match root.as_str() {
                "path" => format!("path.{name}"),
                // `postrender.value.binary_path` in a `dynamic`.
                _ if name.is_empty() => root,
                _ => name,
            };
            one(vec![Part::Variable { name, default: None, indirect: false }])
        }
        Expression::Variable(name) => {
            one(vec![Part::Variable { name: name.as_str().to_owned(), default: None, indirect: false }])
        }
        Expression::Null(_) => Vec::new(),
        _ => Vec::new(),
    }
}

fn part(element: &Element) -> Part {
    match element {
        Element::Literal(text) => Part::Text(text.as_str().to_owned()),
        Element::Interpolation(interpolation) => {
            let word = words(&interpolation.expr, 0).into_iter().next().unwrap_or_default();
            word.parts.into_iter().next().unwrap_or(Part::Text(String::new()))
        }
        Element::Directive(_) => Part::Text(String::new()),
    }
}

struct Walker<'w> {
    text: &'w str,
    index: &'w LineIndex,
    context: &'w Context<'w>,
    scope: &'w mut Scope,
    facts: &'w mut Facts,
}

impl Walker<'_> {
    fn body(&mut self, body: &Body, path: &[String], depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let chart = body.get_attribute("chart").and_then(|attribute| attribute.value.as_str()).map(str::to_owned);
        let before = self.facts.sites.len();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let name = attribute.key.as_str().to_owned();
                    self.attribute(&name, &attribute.value, path, depth);
                }
                Structure::Block(block) => self.block(block, path, depth),
            }
        }
        if let Some(chart) = chart {
            self.facts.sites.iter_mut().skip(before).for_each(|site| site.chart = Some(chart.clone()));
        }
    }

    fn block(&mut self, block: &Block, path: &[String], depth: usize) {
        let name = block.ident.as_str();
        if name == "postrender" {
            self.renderer_body(&block.body, None);
            return;
        }
        if name == "dynamic" && block.labels.first().is_some_and(|label| label.as_str() == "postrender") {
            let each = block.body.get_attribute("for_each").map(|attribute| &attribute.value);
            if let Some(content) = block.body.get_blocks("content").next() {
                self.renderer_body(&content.body, each);
            }
            return;
        }
        if matches!(name, "variable" | "output") {
            // Descriptions and validations; a default is followed from where it is used.
            return;
        }
        let mut path = path.to_vec();
        path.push(name.to_owned());
        self.body(&block.body, &path, depth + 1);
    }

    fn renderer_body(&mut self, body: &Body, each: Option<&Expression>) {
        let Some(program) = body.get_attribute("binary_path") else { return };
        let arguments = body.get_attribute("args").map(|attribute| self.texts(&attribute.value)).unwrap_or_default();
        // What the loop goes over may be written in place.
        let mut literal = Vec::new();
        if let Some(each) = each {
            self.literals(each, &mut literal, 0);
        }
        let is_value = matches!(&program.value, Expression::Traversal(_)) && each.is_some();
        let is_plain_value = is_value && !literal.is_empty();
        if is_plain_value {
            for (text, line) in literal {
                self.add(RendererRef::Program(text), line, &arguments);
            }
            return;
        }
        self.choose(&program.value, &arguments);
    }

    fn literals(&self, value: &Expression, out: &mut Vec<(String, usize)>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Expression::String(text) if is_choice(text) => {
                out.push((text.as_str().to_owned(), line(value, self.index)))
            }
            Expression::StringTemplate(_) => {
                for word in words(value, 0) {
                    out.push((word.source(), line(value, self.index)));
                }
            }
            Expression::Array(items) => items.iter().for_each(|item| self.literals(item, out, depth + 1)),
            Expression::Object(object) => {
                for (key, value) in object {
                    if matches!(key_text(key).as_str(), "binary_path" | "path" | "command") {
                        self.literals(value.expr(), out, depth + 1);
                    }
                }
            }
            Expression::Conditional(conditional) => {
                self.literals(&conditional.true_expr, out, depth + 1);
                self.literals(&conditional.false_expr, out, depth + 1);
            }
            Expression::FuncCall(call) => call.args.iter().for_each(|argument| self.literals(argument, out, depth + 1)),
            _ => {}
        }
    }

    fn texts(&self, value: &Expression) -> Vec<String> {
        let items: Vec<&Expression> = match value {
            Expression::Array(items) => items.iter().collect(),
            other => vec![other],
        };
        items.into_iter().flat_map(|item| words(item, 0)).map(|word| word.source()).collect()
    }

    fn choose(&mut self, value: &Expression, arguments: &[String]) {
        let at = line(value, self.index);
        let mut found = words(value, 0);
        // A choice over several lines has each program on its own.
        let lines = self.lines_of(value);
        for (position, word) in found.drain(..).enumerate() {
            let at = lines.get(position).copied().unwrap_or(at);
            for value in self.scope.values(&word, at, None) {
                match value {
                    Value::Known { text, line } if is_choice(&text) => {
                        self.add(RendererRef::Program(text), line, arguments)
                    }
                    Value::Known { .. } => {}
                    Value::Parameter { name, line } => self.add(RendererRef::Parameter(name), line, arguments),
                }
            }
        }
    }

    fn lines_of(&self, value: &Expression) -> Vec<usize> {
        match value {
            Expression::Conditional(conditional) => {
                let mut lines = self.lines_of(&conditional.true_expr);
                lines.extend(self.lines_of(&conditional.false_expr));
                lines
            }
            Expression::Parenthesis(inner) => self.lines_of(inner.inner()),
            other => vec![line(other, self.index)],
        }
    }

    fn add(&mut self, chosen: RendererRef, line: usize, arguments: &[String]) {
        let mut site = Site::new(line, self.context.kind, chosen);
        site.arguments = arguments.to_vec();
        self.facts.add(site);
    }

    fn attribute(&mut self, name: &str, value: &Expression, path: &[String], depth: usize) {
        let plain = plain_name(name);
        let in_module = path.iter().any(|block| block == "module")
            || self.context.path.ends_with("terragrunt.hcl")
            || path.is_empty();
        let is_renderer = matches!(plain.as_str(), "postrender" | "postrenderer" | "postrenders");
        let is_input = in_module && plain.contains("postrender") && !plain.contains("arg") && !plain.contains("enable");
        if is_renderer || is_input {
            if let Some(items) = object(value) {
                self.renderer_object(items);
                return;
            }
            if let Expression::Array(items) = value
                && items.iter().any(|item| object(item).is_some())
            {
                items.iter().filter_map(object).for_each(|item| self.renderer_object(item));
                return;
            }
            if let Expression::Conditional(conditional) = value
                && let Some(items) = object(&conditional.true_expr).or_else(|| object(&conditional.false_expr))
            {
                self.renderer_object(items);
                return;
            }
            let is_text =
                matches!(value, Expression::String(_) | Expression::StringTemplate(_) | Expression::Conditional(_));
            if is_text {
                self.choose(value, &[]);
                return;
            }
            if is_renderer && path.iter().any(|block| block == "resource") && matches!(value, Expression::Traversal(_))
            {
                // `postrender = var.postrender`: known by its own keys, if anywhere.
                let bound: Vec<Value> = self
                    .scope
                    .bindings("binary_path")
                    .iter()
                    .flat_map(|binding| self.scope.values(&binding.word, binding.line, None))
                    .collect();
                if bound.is_empty() {
                    let word = words(value, 0).into_iter().next().unwrap_or_default();
                    let at = line(value, self.index);
                    self.add(
                        RendererRef::Parameter(word.source().trim_start_matches("${").trim_end_matches('}').to_owned()),
                        at,
                        &[],
                    );
                }
                for value in bound {
                    if let Value::Known { text, line } = value {
                        self.add(RendererRef::Program(text), line, &[]);
                    }
                }
                return;
            }
        }
        self.expression(name, value, depth);
    }

    fn renderer_object(&mut self, object: &hcl_edit::expr::Object) {
        let mut arguments = Vec::new();
        let mut program = None;
        for (key, value) in object {
            match key_text(key).as_str() {
                "binary_path" | "path" | "command" | "binary" => program = Some(value.expr()),
                "args" => arguments = self.texts(value.expr()),
                _ => {}
            }
        }
        if let Some(program) = program {
            self.choose(program, &arguments);
        }
    }

    /// Strings with commands, YAML in heredocs, objects that become YAML.
    fn expression(&mut self, name: &str, value: &Expression, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if matches!(plain_name(name).as_str(), "description" | "errormessage") {
            return;
        }
        match value {
            Expression::String(text) => {
                let at = line(value, self.index);
                if text.contains("--post-renderer") || text.contains("helm ") {
                    calls::nested(text, &Lines::All(at), self.place(), self.scope, self.facts, 0);
                }
            }
            Expression::StringTemplate(template) => {
                let at = line(value, self.index);
                let text = rendered(template.iter());
                if text.contains("--post-renderer") || text.contains("helm ") {
                    calls::nested(&text, &Lines::All(at), self.place(), self.scope, self.facts, 0);
                }
            }
            Expression::HeredocTemplate(heredoc) => self.heredoc(value, &heredoc.template),
            Expression::Array(items) => self.array(name, items, depth),
            Expression::Object(object) => {
                for (key, value) in object {
                    let key = key_text(key);
                    let plain = plain_name(&key);
                    let is_renderer = matches!(plain.as_str(), "postrenderer" | "postrender" | "postrenderers");
                    let is_text = matches!(value.expr(), Expression::String(_) | Expression::StringTemplate(_));
                    if is_renderer && is_text {
                        self.choose(value.expr(), &[]);
                    } else if plain == "postrenderers" && matches!(value.expr(), Expression::Array(_)) {
                        self.flux(value.expr());
                    } else if is_renderer && let Some(object) = self::object(value.expr()) {
                        self.renderer_object(object);
                    } else {
                        self.expression(&key, value.expr(), depth + 1);
                    }
                }
            }
            Expression::FuncCall(call) => {
                call.args.iter().for_each(|argument| self.expression(name, argument, depth + 1))
            }
            Expression::Parenthesis(inner) => self.expression(name, inner.inner(), depth + 1),
            Expression::Conditional(conditional) => {
                self.expression(name, &conditional.true_expr, depth + 1);
                self.expression(name, &conditional.false_expr, depth + 1);
            }
            _ => {}
        }
    }

    fn array(&mut self, name: &str, items: &hcl_edit::expr::Array, depth: usize) {
        let found: Vec<Word> = items
            .iter()
            .filter_map(|item| {
                let mut word = words(item, 0).into_iter().next()?;
                word.line = line(item, self.index);
                Some(word)
            })
            .collect();
        let is_arguments = found.iter().any(|word| word.is("--post-renderer") || word.starts_with("--post-renderer="));
        if is_arguments {
            let base = found.first().map_or(1, |word| word.line);
            let moved: Vec<Word> =
                found.into_iter().map(|word| Word { line: word.line.saturating_sub(base), ..word }).collect();
            calls::argument_list(&moved, &Lines::From(base), self.place(), self.scope, self.facts);
        }
        for item in items {
            if !matches!(item, Expression::String(text) if text.starts_with("--post-renderer")) {
                self.expression(name, item, depth + 1);
            }
        }
    }

    /// `postRenderers = [...]` in an object that becomes YAML: its source says what it does.
    fn flux(&mut self, value: &Expression) {
        let Some(span) = value.span() else { return };
        let text = self.text.get(span.clone()).unwrap_or_default().to_owned();
        let at = self.index.line(span.start);
        let inline = crate::audit::facts::Inline::Kustomize { text, line: at, name: "postRenderers".to_owned() };
        self.add(RendererRef::Inline(inline), at, &[]);
    }

    fn heredoc(&mut self, value: &Expression, template: &Template) {
        let Some(span) = value.span() else { return };
        let raw = self.text.get(span.clone()).unwrap_or_default();
        // The text between the marks, as it stands.
        let Some((_, body)) = raw.split_once('\n') else { return };
        let body = body.trim_end();
        let body = body.rsplit_once('\n').map_or("", |(body, _)| body);
        let first = self.index.line(span.start) + 1;
        let indent = body
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start().len())
            .min()
            .unwrap_or(0);
        let text = body
            .lines()
            .map(|line| line.get(indent..).unwrap_or(""))
            .fold(String::new(), |text, line| text + line + "\n");
        let _ = template;
        // Terraform's `$${x}` is the shell's `${x}`; `${var.x}` is a variable by its last name.
        let text = terraform_variables(&text);
        let is_yaml = text.contains("apiVersion:")
            || text.contains("postRenderer")
            || text.lines().any(|line| line.starts_with("releases:"));
        if is_yaml {
            let mut context = self.context.deeper();
            let name = yaml::kind("", &text);
            context.kind = if name == "yaml" { self.context.kind } else { name };
            context.speaks_of_helm = true;
            yaml::scan(&text, first, &context, self.scope, self.facts);
        } else if text.contains("helm") {
            calls::nested(&text, &Lines::From(first), self.place(), self.scope, self.facts, 0);
        }
    }

    fn place(&self) -> Place {
        Place { kind: self.context.kind, pipes: self.context.pipes }
    }
}

fn object(value: &Expression) -> Option<&hcl_edit::expr::Object> {
    match value {
        Expression::Object(object) => Some(object),
        Expression::Parenthesis(inner) => object(inner.inner()),
        _ => None,
    }
}

fn rendered<'e>(elements: impl Iterator<Item = &'e Element>) -> String {
    let word = Word { parts: elements.map(part).collect(), line: 0, quoted: true };
    word.source()
}

/// `${var.renderer}` as `${renderer}`, `$${x}` as `${x}`.
fn terraform_variables(text: &str) -> String {
    text.replace("$${", "${")
        .replace("%%{", "%{")
        .replace("${var.", "${")
        .replace("${local.", "${")
        .replace("${each.value.", "${")
}
