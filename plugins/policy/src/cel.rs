//! Compiling and evaluating CEL as Kubernetes' admission does, within limits.

use std::collections::HashMap;
use std::sync::Arc;

use cel::common::ast::Expr;
use cel::extractors::This;
use cel::objects::Key;
use cel::{Context, Env, ExecutionError, IdedExpr, Program, Value as Cel};
use windlass_pdk::Value;

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// How deep brackets may be nested.
const MAX_NESTING: usize = 60;

/// The most rounds that the loops of an expression (`all`, `exists`, `map`, `filter`) may take on an object, by the
/// size of its largest list or map and how deep they stand in each other.
const MAX_ROUNDS: f64 = 2e7;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    program: Program,
    text: String,
    /// How deep loops stand in each other.
    loops: u32,
}

/// The functions and macros of the language.
pub(crate) fn environment() -> Result<Arc<Env>, String> {
    let mut env = Env::stdlib().with_optional_support(true);
    for extension in [cel::extensions::strings, cel::extensions::lists, cel::extensions::math] {
        env.add_extension(extension).map_err(|error| error.to_string())?;
    }
    Ok(Arc::new(env))
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, with line and column.
    pub(crate) fn compile(text: &str, env: &Env) -> Result<Self, String> {
        check_size(text)?;
        let program = env.compile(text).map_err(|errors| {
            let Some(error) = errors.errors.first() else { return "cannot be compiled".to_owned() };
            let (line, column) = error.pos;
            // Without the list of all tokens that could stand there.
            let message = error.msg.lines().next().unwrap_or_default();
            let message = message.split(" expecting {").next().unwrap_or_default().trim();
            let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
            match text.trim().contains('\n') {
                true => format!("line {line}, column {column}: {message}"),
                false => format!("column {column}: {message}"),
            }
        })?;
        let loops = depth_of_loops(program.expression());
        Ok(Expression { program, text: text.trim().to_owned(), loops })
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// What it fails with.
    pub(crate) fn evaluate(&self, context: &Context<'_, '_>, largest: usize) -> Result<Cel, String> {
        let most = (largest + self.text.len() / 2 + 1) as f64;
        if self.loops > 1 && most.powi(i32::try_from(self.loops).unwrap_or(i32::MAX)) > MAX_ROUNDS {
            return Err(format!(
                "{} loops in each other over up to {largest} items may take too long; split the expression",
                self.loops
            ));
        }
        self.program.execute(context).map_err(describe)
    }

    /// The first path below `object` that it names, for messages: `object.spec.replicas` is `spec`, `replicas`.
    pub(crate) fn named_path(&self) -> Vec<&str> {
        let Some((_, after)) = self.text.split_once("object.") else { return Vec::new() };
        let end = after.find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '.' | '?')));
        let chain = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
        let mut keys: Vec<&str> = chain.split('.').map(|key| key.trim_matches('?')).collect();
        // The last word before a bracket is a function.
        if after.get(chain.len()..).is_some_and(|rest| rest.starts_with('(')) {
            keys.pop();
        }
        keys.retain(|key| !key.is_empty());
        keys
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn describe(error: ExecutionError) -> String {
    let text = error.to_string();
    let mut text: String = text.chars().take(300).collect();
    if let Some(first) = text.get(..1).map(str::to_ascii_lowercase) {
        text.replace_range(..1, &first);
    }
    text
}

fn check_size(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("there is nothing in it".to_owned());
    }
    if text.len() > MAX_LENGTH {
        return Err(format!("has {} bytes, more than {MAX_LENGTH}", text.len()));
    }
    let (mut depth, mut in_a_row, mut operators) = (0_usize, 0_usize, 0_usize);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => operators += 1,
            _ => {}
        }
        in_a_row = if matches!(letter, '!' | '-') { in_a_row + 1 } else { 0 };
        if depth > MAX_NESTING || in_a_row > MAX_NESTING || operators > 4 * MAX_NESTING {
            return Err(format!("is nested deeper than {MAX_NESTING} levels"));
        }
    }
    Ok(())
}

fn depth_of_loops(expression: &IdedExpr) -> u32 {
    match &expression.expr {
        Expr::Comprehension(it) => {
            let inside = [&it.accu_init, &it.loop_cond, &it.loop_step, &it.result];
            let inside = inside.into_iter().map(depth_of_loops).max().unwrap_or(0);
            depth_of_loops(&it.iter_range).max(inside + 1)
        }
        Expr::Call(call) => call
            .target
            .iter()
            .map(|target| depth_of_loops(target))
            .chain(call.args.iter().map(depth_of_loops))
            .max()
            .unwrap_or(0),
        Expr::List(list) => list.elements.iter().map(depth_of_loops).max().unwrap_or(0),
        Expr::Select(select) => depth_of_loops(&select.operand),
        // Maps and structs as literals are rare; what is in them counts as one loop.
        Expr::Map(_) | Expr::Struct(_) => 1,
        _ => 0,
    }
}

/// A context with the functions that Kubernetes adds.
pub(crate) fn context(env: &Arc<Env>) -> Context<'static, 'static> {
    let mut context = Context::with_env(env.clone());
    let text = |text: &Arc<String>| text.as_str().to_owned();
    // A function that the environment has already stays as it is.
    let _ = context.add_function("matches", move |This(subject): This<Arc<String>>, pattern: Arc<String>| {
        regex(&pattern).map(|regex| regex.is_match(&subject))
    });
    let _ = context.add_function("find", move |This(subject): This<Arc<String>>, pattern: Arc<String>| {
        regex(&pattern).map(|regex| Cel::from(regex.find(&subject).map_or("", |found| found.as_str())))
    });
    let _ = context.add_function("findAll", move |This(subject): This<Arc<String>>, pattern: Arc<String>| {
        regex(&pattern).map(|regex| {
            let found = regex.find_iter(&subject).map(|found| Cel::from(found.as_str()));
            Cel::List(Arc::new(found.collect()))
        })
    });
    let _ = context.add_function("isQuantity", move |given: Arc<String>| quantity(&text(&given)).is_some());
    let _ = context.add_function("quantity", |given: Arc<String>| {
        quantity(&given).ok_or_else(|| ExecutionError::function_error("quantity", format!("`{given}` is no quantity")))
    });
    let _ = context.add_function("isGreaterThan", |This(one): This<f64>, other: f64| one > other);
    let _ = context.add_function("isLessThan", |This(one): This<f64>, other: f64| one < other);
    let _ = context.add_function("compareTo", |This(one): This<f64>, other: f64| {
        one.partial_cmp(&other).map_or(0_i64, |order| order as i64)
    });
    context
}

fn regex(pattern: &str) -> Result<regex_lite::Regex, ExecutionError> {
    let mut builder = regex_lite::RegexBuilder::new(pattern);
    builder.size_limit(256 << 10).nest_limit(50);
    builder.build().map_err(|error| ExecutionError::function_error("matches", error))
}

/// A Kubernetes quantity as a number; large ones lose their last digits, which comparing does not need.
fn quantity(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 14] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let unit = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1.0));
    if !digits.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number * factor)
}

/// A value as CEL sees it.
pub(crate) fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(_) => match (value.as_i64(), value.to_json().parse::<f64>()) {
            (Some(number), _) => Cel::Int(number),
            (None, Ok(number)) => Cel::Float(number),
            (None, Err(_)) => Cel::Null,
        },
        Value::String(text) => Cel::from(text.clone()),
        Value::List(items) => Cel::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel(value)));
            Cel::from(entries.collect::<HashMap<Key, Cel>>())
        }
    }
}

/// How many entries the largest list or map has.
pub(crate) fn largest(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(largest).max().unwrap_or(0).max(items.len()),
        Value::Map(entries) => entries.iter().map(|(_, value)| largest(value)).max().unwrap_or(0).max(entries.len()),
        _ => 0,
    }
}
