//! Python with PyYAML in the usual shapes (loop, if kind, set, print) as a jq program of the plugin expression.
//!
//! A statement is translated, known to change nothing of the stream, or named as missing: there is no fourth way. What
//! a `continue` skips stands in the other branch, and an object that is not handed on is gone, as in the script.

mod known;
mod place;
mod syntax;

use std::collections::HashMap;

use windlass_manifest::Value;

use super::{Conversion, Options, Site, expression};
use known::{
    ends_script, first_line, is_constant, is_dump, is_empty, is_named, is_quiet, is_separator, message, path_of,
};
use place::{Place, joined, quoted, simpler, step};
use syntax::{Expression, Statement, What};

/// How deep functions call each other.
const MAX_CALLS: usize = 12;
/// The longest program that the plugin takes.
const MAX_PROGRAM: usize = 60_000;
/// What the translation of a script may cost: a name may stand for others twice, a branch for all that follows it.
const MAX_WORK: usize = 300_000;
/// What a statement costs of it; a value or a place costs its length.
const STATEMENT: usize = 10;

/// Converts a script.
pub(super) fn convert(name: &str, source: &str, options: &Options, conversion: &mut Conversion) {
    let statements = syntax::read(source);
    let mut functions = HashMap::new();
    let mut rest = Vec::new();
    for statement in statements {
        match statement.what {
            What::Def(name, parameters, body) => {
                functions.insert(name, (parameters, body));
            }
            _ => rest.push(statement),
        }
    }
    let mut reader = Reader {
        name,
        options,
        conversion,
        functions,
        variables: Vec::new(),
        is_printed: false,
        calls: 0,
        sinks: Vec::new(),
        bindings: 0,
        counters: Vec::new(),
        expect: None,
        work: MAX_WORK,
    };
    let mut scope = Scope::default();
    reader.main(&rest, &mut scope);
    if !reader.is_printed && reader.conversion.missing.is_empty() {
        reader.conversion.miss(&Site::new(name, 1), "it never prints the stream, as far as can be told");
    }
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Bound {
    /// The stream as text.
    Stream,
    /// Objects: the filters that they went through.
    Objects(Vec<String>),
    /// A list that objects are put into.
    Empty,
    /// A place in the object.
    Place(Place),
    /// A value that needs no object: its jq.
    Value(String, Expression),
    /// A value of the object, as it was: a variable of jq's.
    Computed(String),
    /// A number that counts the objects.
    Counter,
    /// A file, standard output, a module: of no matter.
    Other,
}

#[derive(Clone, Debug, Default)]
struct Scope {
    names: HashMap<String, Bound>,
    frame: usize,
    /// Objects are handed on by a statement of the loop.
    is_explicit: bool,
    /// The list that they are put into.
    sink: Option<String>,
    /// Within a function: how deep in loops it was called, and whether its answer takes the object's place.
    call: Option<(usize, bool)>,
}

/// Why a statement is not translated.
type Why = String;

struct Reader<'r> {
    name: &'r str,
    options: &'r Options,
    conversion: &'r mut Conversion,
    functions: HashMap<String, (Vec<String>, Vec<Statement>)>,
    variables: Vec<String>,
    is_printed: bool,
    calls: usize,
    /// Lists that objects are put into.
    sinks: Vec<String>,
    /// How many variables of jq's own there are.
    bindings: usize,
    /// Numbers that are zero before the loop.
    counters: Vec<String>,
    /// How many objects must change: a guard of the script.
    expect: Option<Value>,
    /// What is left of [`MAX_WORK`].
    work: usize,
}

impl Reader<'_> {
    fn miss(&mut self, line: usize, what: impl Into<String>) {
        self.conversion.miss(&Site::new(self.name, line), what);
    }

    fn costs(&mut self, work: usize) -> Result<(), Why> {
        self.work = self.work.saturating_sub(work);
        if self.work == 0 { Err("the script is too much to translate".to_owned()) } else { Ok(()) }
    }

    /// Statements outside of the loop over the objects.
    fn main(&mut self, statements: &[Statement], scope: &mut Scope) {
        for statement in statements {
            if let Err(why) = self.outer(statement, scope) {
                self.miss(statement.line, why);
            }
        }
    }

    fn outer(&mut self, statement: &Statement, scope: &mut Scope) -> Result<(), Why> {
        self.costs(STATEMENT)?;
        match &statement.what {
            What::Nothing | What::Return(None) => Ok(()),
            What::If(branches) => match branches.as_slice() {
                // `if __name__ == "__main__":`
                [(Some(Expression::Binary("==", left, _)), body)] if is_named(left, "__name__") => {
                    self.main(body, scope);
                    Ok(())
                }
                [(Some(condition), body)] if ends_script(body) => self.guard(condition, scope),
                _ => Err("a condition decides before the objects are read".to_owned()),
            },
            What::Assign(Expression::Name(name), None, value) => {
                let bound = self.source(value, scope)?;
                scope.names.insert(name.clone(), bound);
                Ok(())
            }
            What::For(name, list, body) => self.outer_loop(statement.line, name, list, body, scope),
            What::Expression(Expression::Call(function, arguments, named)) => {
                self.outer_call(function, arguments, named, scope)
            }
            What::Unknown(text) => Err(format!("`{}` is not known", first_line(text))),
            _ => Err("a statement outside of the loop over the objects that is not known".to_owned()),
        }
    }

    /// `if changed != 1: sys.exit(...)`: what the plugins call `expect`.
    fn guard(&mut self, condition: &Expression, scope: &Scope) -> Result<(), Why> {
        let counts = |value: &Expression| match value {
            Expression::Name(name) => matches!(scope.names.get(name), Some(Bound::Counter)),
            _ => false,
        };
        let at_least = |number: &str| Value::Map(vec![("min".to_owned(), Value::Number(number.to_owned()))]);
        let found = match condition {
            Expression::Not(counter) if counts(counter) => at_least("1"),
            Expression::Binary(sign, counter, number) if counts(counter) => match (*sign, number.as_ref()) {
                ("!=", Expression::Number(number)) => Value::Number(number.clone()),
                ("==", Expression::Number(zero)) if zero == "0" => at_least("1"),
                ("<", Expression::Number(number)) => at_least(number),
                _ => return Err("a guard that is not known".to_owned()),
            },
            _ => return Err("a guard that is not known".to_owned()),
        };
        self.expect = Some(found);
        if self.is_printed {
            self.expected();
        }
        Ok(())
    }

    /// Puts the guard into the one step that it is about.
    fn expected(&mut self) {
        let Some(expect) = self.expect.take() else { return };
        match self.conversion.steps.as_mut_slice() {
            [only] => only.config.push(("expect".to_owned(), expect)),
            _ => self.miss(1, "the script counts what it changes, and the pipeline has not one step for it"),
        }
    }

    /// A value outside of the loop.
    fn source(&mut self, value: &Expression, scope: &mut Scope) -> Result<Bound, Why> {
        if let Some(found) = self.objects(value, scope)? {
            return Ok(found);
        }
        match value {
            Expression::List(items) if items.is_empty() => Ok(Bound::Empty),
            Expression::Call(function, arguments, _) => match path_of(function).as_deref() {
                Some("argparse.ArgumentParser" | "logging.getLogger" | "YAML" | "ruamel.yaml.YAML") => Ok(Bound::Other),
                _ if arguments.is_empty() && self.function(function).is_some() => {
                    Err("a function that is not known gives a value".to_owned())
                }
                _ => Ok(Bound::Value(self.value(value, scope)?, value.clone())),
            },
            _ => Ok(Bound::Value(self.value(value, scope)?, value.clone())),
        }
    }

    /// The stream, or its objects, if the value is one of these.
    fn objects(&mut self, value: &Expression, scope: &mut Scope) -> Result<Option<Bound>, Why> {
        Ok(match value {
            Expression::Name(name) => match scope.names.get(name) {
                Some(found @ (Bound::Stream | Bound::Objects(_) | Bound::Empty)) => Some(found.clone()),
                _ => None,
            },
            Expression::Attribute(..) if path_of(value).as_deref() == Some("sys.stdin") => Some(Bound::Stream),
            Expression::Call(function, arguments, _) => {
                let path = path_of(function).unwrap_or_default();
                match path.as_str() {
                    "sys.stdin.read" | "sys.stdin.buffer.read" => Some(Bound::Stream),
                    "yaml.safe_load_all" | "yaml.load_all" | "yaml.full_load_all" | "list" | "safe_load_all"
                    | "filter" => {
                        // `filter(None, ...)` drops what is empty.
                        match arguments.iter().rev().find_map(|argument| self.objects(argument, scope).transpose()) {
                            Some(Ok(Bound::Stream)) if path != "list" && path != "filter" => {
                                Some(Bound::Objects(Vec::new()))
                            }
                            Some(found) => Some(found?),
                            None => None,
                        }
                    }
                    _ => None,
                }
            }
            Expression::Each(item, name, list, conditions) => match self.objects(list, scope)? {
                Some(Bound::Objects(mut filters)) => {
                    let mut inner = scope.clone();
                    inner.names.insert(name.clone(), object(0));
                    for condition in conditions {
                        let condition = self.condition(condition, &mut inner)?;
                        if condition != "true" {
                            filters.push(format!("select({condition})"));
                        }
                    }
                    match item.as_ref() {
                        Expression::Name(same) if same == name => {}
                        Expression::Call(function, arguments, _) => {
                            let [Expression::Name(same)] = arguments.as_slice() else {
                                return Err("a list of something else than the objects".to_owned());
                            };
                            if same != name {
                                return Err("a list of something else than the objects".to_owned());
                            }
                            let found = self.call(function, &object(0), true, &inner)?;
                            filters.extend((found != ".").then_some(found));
                        }
                        _ => return Err("a list of something else than the objects".to_owned()),
                    }
                    Some(Bound::Objects(filters))
                }
                _ => None,
            },
            _ => None,
        })
    }

    fn outer_loop(
        &mut self,
        line: usize,
        name: &str,
        list: &Expression,
        body: &[Statement],
        scope: &mut Scope,
    ) -> Result<(), Why> {
        let Some(Bound::Objects(filters)) = self.objects(list, scope)? else {
            return Err("a loop over something else than the objects".to_owned());
        };
        let mut inner = scope.clone();
        inner.names.insert(name.to_owned(), object(0));
        inner.sink = None;
        let sinks = scope.names.iter().filter(|(_, bound)| matches!(bound, Bound::Empty)).map(|(name, _)| name.clone());
        self.sinks = sinks.collect();
        let is_zero = |bound: &Bound| matches!(bound, Bound::Value(number, _) if number == "0");
        let counters = scope.names.iter().filter(|(_, bound)| is_zero(bound)).map(|(name, _)| name.clone());
        self.counters = counters.collect();
        inner.is_explicit = self.hands_on(body, 0);
        let program = self.body(body, &mut inner)?;
        if program.len() > MAX_PROGRAM {
            return Err("it becomes too long for one expression".to_owned());
        }
        let mut filters = filters;
        filters.extend((program != ".").then_some(program));
        for counter in &self.counters {
            scope.names.insert(counter.clone(), Bound::Counter);
        }
        if !inner.is_explicit {
            if let Expression::Name(list) = list {
                scope.names.insert(list.clone(), Bound::Objects(filters));
                return Ok(());
            }
            return Err("nobody keeps the objects".to_owned());
        }
        match inner.sink {
            Some(sink) => {
                scope.names.insert(sink, Bound::Objects(filters));
            }
            None => self.print(line, &filters),
        }
        Ok(())
    }

    fn outer_call(
        &mut self,
        function: &Expression,
        arguments: &[Expression],
        named: &[(String, Expression)],
        scope: &mut Scope,
    ) -> Result<(), Why> {
        let path = path_of(function).unwrap_or_default();
        if let Some((parameters, body)) = self.function(function) {
            if !arguments.is_empty() && !parameters.is_empty() {
                return Err(format!("`{path}` is called with values outside of the loop"));
            }
            if self.calls >= MAX_CALLS {
                return Err("functions call each other too deep".to_owned());
            }
            self.calls += 1;
            self.main(&body, scope);
            self.calls -= 1;
            return Ok(());
        }
        match path.as_str() {
            "yaml.dump_all" | "yaml.safe_dump_all" | "yaml.dump" | "yaml.safe_dump" | "print" | "sys.stdout.write" => {
                if named.iter().any(|(name, value)| name == "file" && path_of(value).as_deref() == Some("sys.stderr")) {
                    return Ok(());
                }
                let dumped = arguments.first().map(|argument| match argument {
                    Expression::Call(function, inner, _) if path_of(function).is_some_and(|path| is_dump(&path)) => {
                        (inner.first().cloned(), true)
                    }
                    other => (Some(other.clone()), path.starts_with("yaml.")),
                });
                match dumped {
                    Some((Some(Expression::Text(text)), false)) if is_separator(&text) => Ok(()),
                    Some((Some(value), true)) => match self.objects(&value, scope)? {
                        Some(Bound::Objects(filters)) => {
                            self.print(0, &filters);
                            Ok(())
                        }
                        _ => Err("something else than the objects is printed".to_owned()),
                    },
                    None => Ok(()),
                    _ => Err("something else than the objects is printed".to_owned()),
                }
            }
            "sys.exit" | "exit" => Ok(()),
            path if is_quiet(path) => Ok(()),
            path if path.ends_with(".add_representer") || path == "yaml.add_representer" => Ok(()),
            _ => Err(format!("`{path}` is called, which is not known")),
        }
    }

    /// The objects are printed after these filters.
    fn print(&mut self, line: usize, filters: &[String]) {
        if std::mem::replace(&mut self.is_printed, true) {
            return self.miss(line, "the stream is printed more than once");
        }
        let before = self.conversion.missing.len();
        for filter in filters {
            let site = Site::new(self.name, line);
            expression::jq(filter, &site, self.options, self.conversion);
        }
        if filters.is_empty() && self.conversion.missing.len() == before {
            self.conversion.is_idle = true;
        }
        self.expected();
        let names = std::mem::take(&mut self.variables);
        for step in self.conversion.steps.iter_mut().filter(|step| step.plugin == "expression") {
            let used: Vec<(String, Value)> = names
                .iter()
                .filter(|name| {
                    step.config
                        .iter()
                        .any(|(_, value)| value.as_str().is_some_and(|text| text.contains(&format!("${name}"))))
                })
                .map(|name| {
                    let value =
                        self.options.env.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone());
                    (name.clone(), Value::String(value.unwrap_or_else(|| format!("${{{name}}}"))))
                })
                .collect();
            if !used.is_empty() {
                step.config.push(("variables".to_owned(), Value::Map(used)));
            }
        }
    }

    fn function(&self, function: &Expression) -> Option<(Vec<String>, Vec<Statement>)> {
        match function {
            Expression::Name(name) => self.functions.get(name).cloned(),
            _ => None,
        }
    }

    /// A function of one object, as a filter.
    fn call(&mut self, function: &Expression, argument: &Bound, is_value: bool, scope: &Scope) -> Result<String, Why> {
        let Some((parameters, body)) = self.function(function) else {
            return Err(format!("`{}` is called, which is not known", path_of(function).unwrap_or_default()));
        };
        let [parameter] = parameters.as_slice() else {
            return Err("a function with several parameters is called".to_owned());
        };
        if self.calls >= MAX_CALLS {
            return Err("functions call each other too deep".to_owned());
        }
        self.calls += 1;
        let mut inner = scope.clone();
        inner.names.insert(parameter.clone(), argument.clone());
        inner.is_explicit = false;
        inner.call = Some((scope.frame, is_value));
        let found = self.body(&body, &mut inner);
        self.calls -= 1;
        found
    }

    /// Statements on an object as one filter.
    fn body(&mut self, statements: &[Statement], scope: &mut Scope) -> Result<String, Why> {
        let Some((first, rest)) = statements.split_first() else {
            return Ok(if scope.is_explicit { "empty" } else { "." }.to_owned());
        };
        let at = |why: Why| if why.starts_with("line ") { why } else { format!("line {}: {why}", first.line) };
        self.costs(STATEMENT).map_err(at)?;
        match &first.what {
            What::Continue => Ok(if scope.is_explicit { "empty" } else { "." }.to_owned()),
            What::Return(value) => self.answer(value.as_ref(), scope).map_err(at),
            What::If(branches) => self.branches(branches, rest, scope).map_err(at),
            What::Raise(text) => Ok(format!("error({})", quoted(&message(text)))),
            what => {
                if let What::Expression(call) = what
                    && let Some(sink) = self.handed_on(call, scope)
                {
                    if let Some(sink) = sink {
                        scope.sink = Some(sink);
                    }
                    self.only_quiet(rest, scope).map_err(at)?;
                    return Ok(".".to_owned());
                }
                let filter = self.statement(what, scope).map_err(at)?;
                let after = self.body(rest, scope)?;
                Ok(joined(&filter, &after))
            }
        }
    }

    /// What a function's `return` makes of the object.
    fn answer(&self, value: Option<&Expression>, scope: &Scope) -> Result<String, Why> {
        let Some((frame, is_value)) = scope.call else { return Err("the loop ends before the objects do".to_owned()) };
        if frame != scope.frame {
            return Err("a function ends within a loop".to_owned());
        }
        match value {
            Some(Expression::Name(name)) if self.is_object(name, scope) => Ok(".".to_owned()),
            None | Some(Expression::None) => Ok(if is_value { "empty" } else { "." }.to_owned()),
            Some(_) if !is_value => Ok(".".to_owned()),
            Some(_) => Err("a function gives something else than its object".to_owned()),
        }
    }

    fn is_object(&self, name: &str, scope: &Scope) -> bool {
        matches!(scope.names.get(name), Some(Bound::Place(place)) if place.rest.is_empty() && place.frame == scope.frame)
    }

    /// What stands behind the statement that hands the object on may say things, and no more.
    fn only_quiet(&mut self, rest: &[Statement], scope: &mut Scope) -> Result<(), Why> {
        for statement in rest {
            match &statement.what {
                What::Nothing | What::Continue => {}
                What::Expression(_) if self.statement(&statement.what, &mut scope.clone())? == "." => {}
                _ => return Err("an object changes after it was handed on".to_owned()),
            }
        }
        Ok(())
    }

    fn branches(
        &mut self,
        branches: &[(Option<Expression>, Vec<Statement>)],
        rest: &[Statement],
        scope: &mut Scope,
    ) -> Result<String, Why> {
        let ends = branches.iter().any(|(_, body)| self.leaves(body));
        let mut out = String::new();
        let mut names: Vec<Scope> = Vec::new();
        let mut has_else = false;
        let mut is_open = false;
        for (condition, body) in branches {
            let condition = match condition {
                Some(condition) => self.condition(condition, scope)?,
                None => "true".to_owned(),
            };
            if condition == "false" {
                continue;
            }
            let mut inner = scope.clone();
            // What a branch leaves is left for the rest as well.
            let body: Vec<Statement> = if ends { body.iter().chain(rest).cloned().collect() } else { body.clone() };
            let was_explicit = inner.is_explicit;
            inner.is_explicit = was_explicit && ends;
            let filter = self.body(&body, &mut inner)?;
            if let Some(sink) = &inner.sink {
                scope.sink = Some(sink.clone());
            }
            names.push(inner);
            if condition == "true" {
                has_else = true;
                if is_open {
                    out.push_str(&format!(" else {filter} end"));
                } else {
                    out = filter;
                }
                break;
            }
            out.push_str(&format!("{} {condition} then {filter}", if is_open { " elif" } else { "if" }));
            is_open = true;
        }
        if !has_else {
            let filter = if ends { self.body(rest, scope)? } else { ".".to_owned() };
            if !is_open {
                out = filter;
            } else {
                out.push_str(&format!(" else {filter} end"));
            }
        }
        if out.len() > MAX_PROGRAM {
            return Err("it becomes too long for one expression".to_owned());
        }
        if ends {
            return Ok(simpler(out));
        }
        // A name that a branch gave something else is not known any more.
        for inner in &names {
            for (name, bound) in &inner.names {
                let same = scope.names.get(name).is_some_and(|known| format!("{known:?}") == format!("{bound:?}"));
                if !same && scope.names.contains_key(name) {
                    scope.names.insert(name.clone(), Bound::Other);
                }
            }
        }
        let after = self.body(rest, scope)?;
        Ok(joined(&out, &after))
    }

    /// Whether a call hands the object on, and into which list.
    fn handed_on(&self, call: &Expression, scope: &Scope) -> Option<Option<String>> {
        let Expression::Call(function, arguments, _) = call else { return None };
        let is_object =
            |value: Option<&Expression>| matches!(value, Some(Expression::Name(name)) if self.is_object(name, scope));
        if scope.frame > 0 {
            return None;
        }
        if let Expression::Attribute(list, method) = function.as_ref()
            && method == "append"
            && let Expression::Name(list) = list.as_ref()
            && matches!(scope.names.get(list), Some(Bound::Empty))
            && is_object(arguments.first())
        {
            return Some(Some(list.clone()));
        }
        let path = path_of(function)?;
        let first = arguments.first()?;
        let is_dumped = |value: &Expression| match value {
            Expression::Call(function, inner, _) => {
                path_of(function).is_some_and(|path| is_dump(&path)) && is_object(inner.first())
            }
            _ => false,
        };
        // `yaml.dump(doc) + "---"`.
        let is_dumped_somewhere = match first {
            Expression::Binary("+", left, right) => is_dumped(left) || is_dumped(right),
            value => is_dumped(value),
        };
        let is = match path.as_str() {
            "print" | "sys.stdout.write" => is_dumped_somewhere,
            path if is_dump(path) => is_object(Some(first)) && arguments.len() > 1,
            _ => false,
        };
        is.then_some(None)
    }

    /// A statement that neither branches nor ends the object's way, as a filter.
    fn statement(&mut self, what: &What, scope: &mut Scope) -> Result<String, Why> {
        match what {
            What::Nothing => Ok(".".to_owned()),
            What::Assign(Expression::Name(name), None, value) => self.name(name, value, scope),
            What::Assign(Expression::Name(name), Some('+'), Expression::Number(one))
                if one == "1" && scope.frame == 0 && self.counters.contains(name) =>
            {
                Ok(".".to_owned())
            }
            What::Assign(Expression::Name(_), Some(_), _) | What::Delete(Expression::Name(_)) => {
                Err("a name of its own changes".to_owned())
            }
            What::Assign(target, operator, value) => {
                let (target, before) = self.target(target, scope)?;
                let value = self.value(value, scope)?;
                let operator = if operator.is_some() { "+=" } else { "=" };
                // Names that stood for what was there stand for it no more.
                for bound in scope.names.values_mut() {
                    if matches!(bound, Bound::Place(place) if place.frame == target.frame && place.rest.starts_with(&target.rest))
                    {
                        *bound = Bound::Other;
                    }
                }
                Ok(joined(&before, &target.guarded(&format!("{} {operator} {value}", target.jq()))))
            }
            What::Delete(target) => {
                let (target, before) = self.target(target, scope)?;
                Ok(joined(&before, &target.guarded(&format!("del({})", target.jq()))))
            }
            What::For(name, list, body) => self.inner_loop(name, list, body, scope),
            What::Expression(Expression::Call(function, arguments, named)) => {
                self.method(function, arguments, named, scope)
            }
            What::Unknown(text) => Err(format!("`{}` is not known", first_line(text))),
            _ => Err("a statement that is not known".to_owned()),
        }
    }

    /// `name = value` within the loop.
    fn name(&mut self, name: &str, value: &Expression, scope: &mut Scope) -> Result<String, Why> {
        // `doc = change(doc)`.
        if let Expression::Call(function, arguments, _) = value
            && self.function(function).is_some()
            && let [Expression::Name(argument)] = arguments.as_slice()
            && self.is_object(argument, scope)
        {
            let bound = scope.names.get(argument).cloned().unwrap_or(Bound::Other);
            let filter = self.call(function, &bound, true, scope)?;
            scope.names.insert(name.to_owned(), bound);
            return Ok(filter);
        }
        let mut before = Vec::new();
        if let Some(place) = self.place(value, scope, &mut before)? {
            scope.names.insert(name.to_owned(), Bound::Place(place));
            return Ok(before.iter().fold(".".to_owned(), |all, one| joined(&all, one)));
        }
        let value_jq = self.value(value, scope)?;
        if is_constant(value) {
            scope.names.insert(name.to_owned(), Bound::Value(value_jq, value.clone()));
            return Ok(".".to_owned());
        }
        // It stays what it was when it was asked for.
        self.bindings += 1;
        let variable = format!("$v{}", self.bindings);
        let filter = format!("{value_jq} as {variable} | .");
        scope.names.insert(name.to_owned(), Bound::Computed(variable));
        Ok(filter)
    }

    fn inner_loop(
        &mut self,
        name: &str,
        list: &Expression,
        body: &[Statement],
        scope: &mut Scope,
    ) -> Result<String, Why> {
        if let Expression::Binary("+", left, right) = list {
            let first = self.inner_loop(name, left, body, scope)?;
            let second = self.inner_loop(name, right, body, scope)?;
            return Ok(joined(&first, &second));
        }
        let constant = match list {
            Expression::List(items) => Some(items.clone()),
            Expression::Name(list) => match scope.names.get(list) {
                Some(Bound::Value(_, Expression::List(items))) => Some(items.clone()),
                _ => None,
            },
            _ => None,
        };
        if let Some(items) = constant {
            if self.leaves(body) {
                return Err("`continue` or `break` in a loop over constants".to_owned());
            }
            let mut all = ".".to_owned();
            for item in items {
                let mut inner = scope.clone();
                inner.names.insert(name.to_owned(), Bound::Value(self.value(&item, scope)?, item));
                inner.is_explicit = false;
                let one = self.body(body, &mut inner)?;
                all = joined(&all, &one);
            }
            return Ok(all);
        }
        let mut before = Vec::new();
        let Some(place) = self.place(list, scope, &mut before)? else {
            return Err("a loop over something that is not known".to_owned());
        };
        if place.frame != scope.frame {
            return Err("a loop over a list of an outer loop".to_owned());
        }
        let mut inner = scope.clone();
        inner.frame += 1;
        inner.is_explicit = false;
        inner.names.insert(name.to_owned(), object(inner.frame));
        let filter = self.body(body, &mut inner)?;
        if filter == "." {
            return Ok(before.iter().fold(".".to_owned(), |all, one| joined(&all, one)));
        }
        let list = place.jq();
        let outer = format!("$f{}", scope.frame);
        let found = format!("if ({list} | type) == \"array\" then {list}[] |= ({filter}) else . end");
        let found = if filter.contains(&outer) { format!("(. as {outer} | {found})") } else { found };
        Ok(joined(&before.iter().fold(".".to_owned(), |all, one| joined(&all, one)), &found))
    }

    fn method(
        &mut self,
        function: &Expression,
        arguments: &[Expression],
        named: &[(String, Expression)],
        scope: &mut Scope,
    ) -> Result<String, Why> {
        let path = path_of(function).unwrap_or_default();
        if is_quiet(&path)
            || (path == "print"
                && named.iter().any(|(name, value)| name == "file" && path_of(value).as_deref() == Some("sys.stderr")))
        {
            return Ok(".".to_owned());
        }
        if matches!(path.as_str(), "print" | "sys.stdout.write") {
            return match arguments {
                [Expression::Text(text)] if is_separator(text) => Ok(".".to_owned()),
                _ => Err("something else than the object is printed".to_owned()),
            };
        }
        if matches!(path.as_str(), "sys.exit" | "exit") {
            let text = match arguments.first() {
                Some(Expression::Text(text)) => text.clone(),
                _ => "the script ends".to_owned(),
            };
            return Ok(format!("error({})", quoted(&text)));
        }
        if self.function(function).is_some() {
            let [argument] = arguments else { return Err(format!("`{path}` is called with several values")) };
            let mut before = Vec::new();
            let Some(place) = self.place(argument, scope, &mut before)? else {
                return Err(format!("`{path}` is called with something that is not known"));
            };
            if place.frame != scope.frame || place.is_optional {
                return Err(format!("`{path}` is called with something that is not known"));
            }
            if !place.rest.is_empty() {
                return Err(format!("`{path}` is called with a part of the object"));
            }
            return self.call(function, &Bound::Place(place), false, scope);
        }
        let Expression::Attribute(target, method) = function else {
            return Err(format!("`{path}` is called, which is not known"));
        };
        let mut before = Vec::new();
        let Some(place) = self.place(target, scope, &mut before)? else {
            return Err(format!("`{path}` is called, which is not known"));
        };
        if place.frame != scope.frame {
            return Err("an outer object changes within a loop".to_owned());
        }
        let (jq, mut values) = (place.jq(), Vec::new());
        for argument in arguments {
            values.push(self.value(argument, scope)?);
        }
        let change = match (method.as_str(), values.as_slice()) {
            ("update", [value]) => format!("{jq} += {value}"),
            ("append", [value]) => format!("{jq} += [{value}]"),
            ("extend", [value]) => format!("{jq} += {value}"),
            ("insert", [zero, value]) if zero == "0" => format!("{jq} = [{value}] + {jq}"),
            ("pop", [key, ..]) => {
                let below = Place { rest: format!("{}{}", place.rest, step(key)), ..place.clone() };
                return Ok(joined(
                    &before.iter().fold(".".to_owned(), |all, one| joined(&all, one)),
                    &below.guarded(&format!("del({})", below.jq())),
                ));
            }
            ("setdefault", [key, value]) => {
                let below = format!("{jq}{}", step(key));
                format!("if ({jq} | has({key})) then . else {below} = {value} end")
            }
            ("clear", []) => format!("{jq} = {{}}"),
            _ => return Err(format!("`{path}` is called, which is not known")),
        };
        let change = if place.is_optional { format!("if {jq} != null then {change} else . end") } else { change };
        Ok(joined(&before.iter().fold(".".to_owned(), |all, one| joined(&all, one)), &change))
    }

    /// A place that is set or taken away.
    fn target(&mut self, target: &Expression, scope: &mut Scope) -> Result<(Place, String), Why> {
        let mut before = Vec::new();
        let place = self.place(target, scope, &mut before)?.ok_or("something that is not known is set")?;
        if place.frame != scope.frame {
            return Err("an outer object changes within a loop".to_owned());
        }
        if place.rest.is_empty() {
            return Err("the object itself is set".to_owned());
        }
        Ok((place, before.iter().fold(".".to_owned(), |all, one| joined(&all, one))))
    }

    /// A place in the object; `before` gets what `setdefault` makes on the way.
    fn place(&mut self, value: &Expression, scope: &mut Scope, before: &mut Vec<String>) -> Result<Option<Place>, Why> {
        let place = self.place_of(value, scope, before)?;
        self.costs(place.as_ref().map_or(0, |place| place.rest.len()))?;
        Ok(place)
    }

    fn place_of(
        &mut self,
        value: &Expression,
        scope: &mut Scope,
        before: &mut Vec<String>,
    ) -> Result<Option<Place>, Why> {
        Ok(match value {
            Expression::Name(name) => match scope.names.get(name) {
                Some(Bound::Place(place)) => Some(place.clone()),
                Some(Bound::Other) => return Err(format!("`{name}` is not known here")),
                _ => None,
            },
            Expression::Index(inner, key) => match self.place(inner, scope, before)? {
                Some(place) => {
                    let key = self.value(key, scope)?;
                    Some(Place { rest: format!("{}{}", place.rest, step(&key)), ..place })
                }
                None => None,
            },
            // `x or {}`.
            Expression::Binary("or", inner, default) if is_empty(default) => {
                self.place(inner, scope, before)?.map(|place| Place { is_optional: true, ..place })
            }
            Expression::Call(function, arguments, _) => {
                let Expression::Attribute(inner, method) = function.as_ref() else { return Ok(None) };
                if !matches!(method.as_str(), "get" | "setdefault") {
                    return Ok(None);
                }
                let Some(place) = self.place(inner, scope, before)? else { return Ok(None) };
                let Some(key) = arguments.first() else { return Ok(None) };
                let key = self.value(key, scope)?;
                let found = Place { rest: format!("{}{}", place.rest, step(&key)), ..place.clone() };
                match (method.as_str(), arguments.get(1)) {
                    ("get", default) if default.is_none_or(is_empty) => Some(Place { is_optional: true, ..found }),
                    ("setdefault", Some(default)) => {
                        let default = self.value(default, scope)?;
                        if place.frame == scope.frame {
                            let jq = found.jq();
                            let made = format!("{jq} |= (if . == null then {default} else . end)");
                            before.push(match place.is_optional {
                                true => format!("if {} != null then {made} else . end", place.jq()),
                                false => made,
                            });
                        }
                        Some(found)
                    }
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// A value as jq, evaluated on the object or the item.
    fn value(&mut self, value: &Expression, scope: &mut Scope) -> Result<String, Why> {
        let jq = self.value_of(value, scope)?;
        self.costs(1 + jq.len())?;
        Ok(jq)
    }

    fn value_of(&mut self, value: &Expression, scope: &mut Scope) -> Result<String, Why> {
        let mut before = Vec::new();
        if let Some(place) = self.place(value, scope, &mut before)? {
            return Ok(place.read(scope.frame));
        }
        Ok(match value {
            Expression::Text(text) => quoted(text),
            Expression::Number(number) => number.clone(),
            Expression::True => "true".to_owned(),
            Expression::False => "false".to_owned(),
            Expression::None => "null".to_owned(),
            Expression::Name(name) => match scope.names.get(name) {
                Some(Bound::Value(jq, _)) => jq.clone(),
                Some(Bound::Computed(variable)) => variable.clone(),
                _ => return Err(format!("the value of `{name}` is not known")),
            },
            Expression::List(items) => {
                let items: Result<Vec<String>, Why> = items.iter().map(|item| self.value(item, scope)).collect();
                format!("[{}]", items?.join(", "))
            }
            Expression::Map(entries) => {
                let mut all = Vec::new();
                for (key, value) in entries {
                    all.push(format!("({}): {}", self.value(key, scope)?, self.value(value, scope)?));
                }
                format!("{{{}}}", all.join(", "))
            }
            Expression::Format(pieces) => {
                let mut all = Vec::new();
                for piece in pieces {
                    match piece {
                        Expression::Text(text) if text.is_empty() => {}
                        Expression::Text(text) => all.push(quoted(text)),
                        piece => all.push(format!("({} | tostring)", self.value(piece, scope)?)),
                    }
                }
                if all.is_empty() { "\"\"".to_owned() } else { format!("({})", all.join(" + ")) }
            }
            Expression::Binary("+", left, right) => {
                format!("({} + {})", self.value(left, scope)?, self.value(right, scope)?)
            }
            // `x or "default"`.
            Expression::Binary("or", left, right) => {
                format!("({} // {})", self.value(left, scope)?, self.value(right, scope)?)
            }
            Expression::Choice(condition, yes, no) => {
                let condition = self.condition(condition, scope)?;
                format!("(if {condition} then {} else {} end)", self.value(yes, scope)?, self.value(no, scope)?)
            }
            Expression::Index(inner, key) => match path_of(inner).as_deref() {
                Some("os.environ") => self.variable(key, None, scope)?,
                Some("sys.argv") => self.argument(key)?,
                _ => {
                    let (inner, key) = (self.value(inner, scope)?, self.value(key, scope)?);
                    format!("({inner} | .[{key}])")
                }
            },
            Expression::Call(function, arguments, _) => self.computed(function, arguments, scope)?,
            Expression::Binary(..) | Expression::Not(_) => self.condition(value, scope)?,
            _ => return Err("a value that is not known".to_owned()),
        })
    }

    fn computed(&mut self, function: &Expression, arguments: &[Expression], scope: &mut Scope) -> Result<String, Why> {
        let path = path_of(function).unwrap_or_default();
        match (path.as_str(), arguments) {
            ("os.environ.get" | "os.getenv", [name, rest @ ..]) => return self.variable(name, rest.first(), scope),
            ("str", [value]) => return Ok(format!("({} | tostring)", self.value(value, scope)?)),
            ("len", [value]) => return Ok(format!("({} | length)", self.value(value, scope)?)),
            ("int", [value]) => return Ok(format!("({} | tonumber)", self.value(value, scope)?)),
            ("copy.deepcopy" | "deepcopy" | "dict" | "list" | "set" | "frozenset" | "tuple", [value]) => {
                return self.value(value, scope);
            }
            ("dict" | "list" | "set", []) => return Ok(if path == "dict" { "{}" } else { "[]" }.to_owned()),
            _ => {}
        }
        let Expression::Attribute(target, method) = function else {
            return Err(format!("`{path}` is called, which is not known"));
        };
        let target = self.value(target, scope)?;
        // Behind `|` the object is out of sight: what needs it is asked before.
        let (mut values, mut asked) = (Vec::new(), String::new());
        for argument in arguments {
            let value = self.value(argument, scope)?;
            if value.starts_with(['"', '$']) || is_constant(argument) {
                values.push(value);
                continue;
            }
            self.bindings += 1;
            asked.push_str(&format!("{value} as $v{} | ", self.bindings));
            values.push(format!("$v{}", self.bindings));
        }
        let target = format!("{asked}{target}");
        Ok(match (method.as_str(), values.as_slice()) {
            ("replace", [from, to]) => format!("({target} | split({from}) | join({to}))"),
            ("split", [by]) => format!("({target} | split({by}))"),
            ("lower", []) => format!("({target} | ascii_downcase)"),
            ("upper", []) => format!("({target} | ascii_upcase)"),
            ("get", [key, default]) => format!("({target} | .[{key}] // {default})"),
            ("get", [key]) => format!("({target} | .[{key}])"),
            ("startswith" | "endswith", [part]) => {
                format!("({target} | if type == \"string\" then {method}({part}) else false end)")
            }
            _ => return Err(format!("`.{method}` is called, which is not known")),
        })
    }

    fn variable(&mut self, name: &Expression, default: Option<&Expression>, scope: &mut Scope) -> Result<String, Why> {
        let Expression::Text(name) = name else { return Err("a variable whose name is not known".to_owned()) };
        let known = self.options.env.iter().any(|(known, _)| known == name);
        if let (false, Some(default)) = (known, default) {
            self.conversion.variable(name, self.options);
            return self.value(default, scope);
        }
        if self.conversion.variable(name, self.options).is_none() {
            self.miss(1, format!("the value of `{name}` is not known: give it with `--env {name}=VALUE`"));
        }
        if !self.variables.contains(name) {
            self.variables.push(name.clone());
        }
        Ok(format!("${name}"))
    }

    fn argument(&self, index: &Expression) -> Result<String, Why> {
        let number = match index {
            Expression::Number(number) => number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)),
            _ => None,
        };
        let given = number.and_then(|number| self.options.arguments.get(number));
        given.map(|given| quoted(given)).ok_or_else(|| "an argument is read: give it behind `--`".to_owned())
    }

    fn condition(&mut self, condition: &Expression, scope: &mut Scope) -> Result<String, Why> {
        Ok(match condition {
            Expression::True => "true".to_owned(),
            Expression::False => "false".to_owned(),
            Expression::Not(inner) => match self.condition(inner, scope)?.as_str() {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                inner => format!("({inner} | not)"),
            },
            Expression::Binary(word @ ("and" | "or"), left, right) => {
                let (left, right) = (self.condition(left, scope)?, self.condition(right, scope)?);
                match (*word, left.as_str(), right.as_str()) {
                    ("and", "true", _) | ("or", "false", _) => right,
                    ("and", _, "true") | ("or", _, "false") => left,
                    ("and", "false", _) | ("and", _, "false") => "false".to_owned(),
                    ("or", "true", _) | ("or", _, "true") => "true".to_owned(),
                    _ => format!("({left} {word} {right})"),
                }
            }
            Expression::Binary("==", left, right) if **right == Expression::None => match left.as_ref() {
                Expression::Name(name) if self.is_object(name, scope) => "false".to_owned(),
                _ => format!("{} == null", self.value(left, scope)?),
            },
            Expression::Binary(sign @ ("==" | "!=" | "<" | "<=" | ">" | ">="), left, right) => {
                format!("{} {sign} {}", self.value(left, scope)?, self.value(right, scope)?)
            }
            Expression::Binary("in", item, list) => {
                let constant = match list.as_ref() {
                    Expression::List(items) => Some(items.clone()),
                    Expression::Name(name) => match scope.names.get(name) {
                        Some(Bound::Value(_, Expression::List(items))) => Some(items.clone()),
                        Some(Bound::Value(_, Expression::Call(_, arguments, _))) => match arguments.as_slice() {
                            [Expression::List(items)] => Some(items.clone()),
                            _ => None,
                        },
                        _ => None,
                    },
                    _ => None,
                };
                let item = self.value(item, scope)?;
                match constant {
                    Some(items) => {
                        let equal: Result<Vec<String>, Why> =
                            items.iter().map(|one| Ok(format!("{item} == {}", self.value(one, scope)?))).collect();
                        let equal = equal?;
                        if equal.is_empty() { "false".to_owned() } else { format!("({})", equal.join(" or ")) }
                    }
                    None => {
                        let list = self.value(list, scope)?;
                        self.bindings += 1;
                        let (asked, item) = match item.starts_with(['"', '$']) {
                            true => (String::new(), item),
                            false => (format!("{item} as $v{} | ", self.bindings), format!("$v{}", self.bindings)),
                        };
                        format!(
                            "({asked}{list} | if type == \"object\" then has({item}) elif type == \"array\" then any(.[]; . == {item}) elif type == \"string\" then contains({item}) else false end)"
                        )
                    }
                }
            }
            Expression::Call(function, arguments, _) if path_of(function).as_deref() == Some("isinstance") => {
                let [value, kind] = arguments.as_slice() else {
                    return Err("`isinstance` of something else".to_owned());
                };
                let kind = match path_of(kind).as_deref() {
                    Some("dict") => "object",
                    Some("list") => "array",
                    Some("str") => "string",
                    _ => return Err("`isinstance` of a kind that is not known".to_owned()),
                };
                match value {
                    Expression::Name(name) if scope.frame == 0 && self.is_object(name, scope) => {
                        (kind == "object").to_string()
                    }
                    value => format!("({} | type) == \"{kind}\"", self.value(value, scope)?),
                }
            }
            Expression::Call(function, arguments, _) if matches!(function.as_ref(), Expression::Attribute(_, method) if method == "startswith" || method == "endswith") =>
            {
                if let [Expression::List(parts)] = arguments.as_slice() {
                    let parts: Result<Vec<String>, Why> =
                        parts.iter().map(|part| self.computed(function, std::slice::from_ref(part), scope)).collect();
                    return Ok(format!("({})", parts?.join(" or ")));
                }
                self.computed(function, arguments, scope)?
            }
            Expression::Name(name) if scope.frame == 0 && self.is_object(name, scope) => "true".to_owned(),
            value => {
                let value = self.value(value, scope)?;
                format!("({value} | . != null and . != false and . != \"\" and . != 0 and . != [] and . != {{}})")
            }
        })
    }
}

fn object(frame: usize) -> Bound {
    Bound::Place(Place { frame, rest: String::new(), is_optional: false })
}

impl Reader<'_> {
    /// Whether a body may end the object's way: by `continue`, `return`, or by handing it on.
    fn leaves(&self, body: &[Statement]) -> bool {
        body.iter().any(|statement| match &statement.what {
            What::Continue | What::Return(_) | What::Raise(_) => true,
            What::If(branches) => branches.iter().any(|(_, body)| self.leaves(body)),
            What::Expression(_) => self.hands_on(std::slice::from_ref(statement), 0),
            _ => false,
        })
    }

    /// Whether statements hand objects on: `out.append(doc)`, `print(yaml.dump(doc))`.
    fn hands_on(&self, body: &[Statement], depth: usize) -> bool {
        if depth > MAX_CALLS {
            return false;
        }
        body.iter().any(|statement| match &statement.what {
        What::If(branches) => branches.iter().any(|(_, body)| self.hands_on(body, depth + 1)),
        What::Expression(Expression::Call(function, arguments, _)) => {
            let dumps = |value: &Expression| match value {
                Expression::Call(function, ..) => path_of(function).is_some_and(|path| is_dump(&path)),
                Expression::Binary("+", left, right) => [left, right].iter().any(|side| {
                    matches!(side.as_ref(), Expression::Call(function, ..) if path_of(function).is_some_and(|path| is_dump(&path)))
                }),
                _ => false,
            };
            match function.as_ref() {
                // A list of the object's own is a longer path; a name is a list outside.
                Expression::Attribute(list, method) if method == "append" => {
                    matches!(list.as_ref(), Expression::Name(list) if self.sinks.contains(list))
                        && matches!(arguments.first(), Some(Expression::Name(_)))
                }
                _ => match path_of(function).as_deref() {
                    Some("print" | "sys.stdout.write") => arguments.iter().any(dumps),
                    Some(path) => is_dump(path),
                    None => false,
                },
            }
        }
        _ => false,
    })
    }
}
