//! Compiling and running jq programs by jaq.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Term};
use jaq_core::load::{Arena, File, Lexer, Loader, Parser, lex, parse};
use jaq_core::path::{Part, Path};
use jaq_core::{Compiler, Ctx, Exn, Filter, Native, Vars, native};
use jaq_json::Val;

use crate::natives;
use crate::steps::{self, Data, step};

/// The longest program, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// How deep brackets of a program may be nested: it is parsed by recursion.
const MAX_NESTING: usize = 100;

/// The most items that an array is filled up to.
const MAX_FILLED: usize = 10_000;

/// What is wrong with a program, and at which byte of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CompileError {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// A compiled program.
pub(crate) struct Program {
    filter: Filter<Data>,
}

/// The name of the filter that counts: no program can spell it.
const STEP: &str = "windlass step";

fn step_filter() -> native::Fun<Data> {
    let native =
        Native::<Data>::new(|cv| Box::new(std::iter::once(step(&cv.1).map_or(Ok(cv.1), |code| Err(Exn::halt(code))))))
            .with_paths(|cv| Box::new(std::iter::once(step(&cv.1.0).map_or(Ok(cv.1), |code| Err(Exn::halt(code))))))
            .with_update(|cv, update| match step(&cv.1) {
                None => update(cv.1),
                Some(code) => Box::new(std::iter::once(Err(Exn::halt(code)))),
            });
    (STEP, Box::new([]), native)
}

/// The name of the filter behind which a key or an index can be assigned to.
const OPEN: &str = "windlass open";

/// Jaq refuses to assign to a key of null and beyond the end of an array; jq makes the object and fills up. What
/// nothing was put into stays as it was.
fn open_filter() -> native::Fun<Data> {
    let native = Native::<Data>::new(|cv| Box::new(std::iter::once(Ok(cv.1))))
        .with_paths(|cv| Box::new(std::iter::once(Ok(cv.1))))
        .with_update(|mut cv, update| {
            let (index, value) = (cv.0.pop_var(), cv.1);
            let opened = open(&value, &index);
            let Some(opened) = opened else { return update(value) };
            Box::new(update(opened).map(move |result| {
                result.map(|result| if is_hollow(&result, &value) { value.clone() } else { result })
            }))
        });
    (OPEN, native::v(1), native)
}

fn open(value: &Val, index: &Val) -> Option<Val> {
    let place = match index {
        Val::Num(number) => number.as_isize().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    match (value, index, place) {
        (Val::Null, Val::TStr(_), _) => Some(Val::obj(jaq_json::Map::default())),
        (Val::Null, _, Some(place)) if place < MAX_FILLED => Some((0..=place).map(|_| Val::Null).collect()),
        (Val::Arr(items), _, Some(place)) if place >= items.len() && place < MAX_FILLED => {
            Some(items.iter().cloned().chain((items.len()..=place).map(|_| Val::Null)).collect())
        }
        _ => None,
    }
}

/// Whether nothing but null was put into what was opened.
fn is_hollow(result: &Val, before: &Val) -> bool {
    match (result, before) {
        (Val::Obj(entries), Val::Null) => entries.values().all(|value| matches!(value, Val::Null)),
        (Val::Arr(items), Val::Null) => items.iter().all(|value| matches!(value, Val::Null)),
        (Val::Arr(items), Val::Arr(before)) => items.iter().skip(before.len()).all(|value| matches!(value, Val::Null)),
        _ => false,
    }
}

/// Definitions of jaq's libraries that need the world outside, or functions that nobody needs for manifests.
const UNAVAILABLE: [&str; 17] = [
    "stderr",
    "debug",
    "halt",
    "halt_error",
    "input_line_number",
    "todate",
    "fromdate",
    "logb",
    "significand",
    "drem",
    "nexttoward",
    "scalb",
    "gamma",
    "@htmld",
    "@urid",
    "getpath_or_input",
    "inputs",
];

/// The name of the definition that is the program.
const MAIN: &str = "windlass_main";

impl Program {
    /// Compiles a program; `variables` are the names that it may use, with their dollar signs.
    pub(crate) fn compile(code: &str, extra: &'static str, variables: &[&str]) -> Result<Self, CompileError> {
        check_size(code)?;
        let tokens = Lexer::new(code).lex().map_err(|errors| lex_error(code, &errors))?;
        let body = Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
            let first = errors.into_iter().next();
            let (expected, found) = first.map_or(("a term", None), |(expected, found)| (expected.as_str(), found));
            let found = lex::Token::opt_as_str(found, code);
            CompileError {
                offset: jaq_core::load::span(code, found).start.min(code.len()),
                message: match found {
                    "" => format!("expected {expected} at the end"),
                    found => format!("expected {expected}, found `{}`", shorten(found)),
                },
            }
        })?;
        let own = parse(extra, |parser| parser.defs()).unwrap_or_default();
        let libraries = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let known = libraries.filter(|def| !UNAVAILABLE.contains(&def.name));
        let mut defs: Vec<Def<&str>> = known.chain(own).collect();
        defs.push(Def { name: MAIN, args: Vec::new(), body });
        defs.iter_mut().for_each(count_def);
        let arena = Arena::default();
        let modules = Loader::new(defs).load(&arena, File { code: MAIN, path: () });
        let modules = modules.map_err(|_| CompileError { offset: 0, message: "cannot be loaded".to_owned() })?;
        let functions = jaq_core::funs::<Data>()
            .chain(jaq_std::base_funs())
            .chain(jaq_json::funs())
            .filter(|(name, ..)| !matches!(*name, "halt" | "range" | "tojson"))
            .chain(natives::functions())
            .chain([step_filter(), open_filter()]);
        let compiler = Compiler::default().with_funs(functions).with_global_vars(variables.iter().copied());
        let filter = compiler.compile(modules).map_err(|errors| {
            let undefined = errors.into_iter().flat_map(|(_, errors)| errors).next();
            let Some((name, sort)) = undefined else {
                return CompileError { offset: 0, message: "cannot be compiled".to_owned() };
            };
            let within = code.as_bytes().as_ptr_range();
            let offset = if within.contains(&name.as_ptr()) { jaq_core::load::span(code, name).start } else { 0 };
            CompileError { offset, message: undefined_message(name, &sort, variables) }
        })?;
        Ok(Program { filter })
    }

    /// Runs the program: at most `limit` results.
    ///
    /// # Errors
    /// What the program fails with, as a sentence.
    pub(crate) fn run(&self, input: Val, variables: &[Val], limit: usize) -> Result<Vec<Val>, String> {
        steps::begin();
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new(variables.iter().cloned()));
        let mut results = Vec::new();
        for result in self.filter.id.run((context, input)).take(limit) {
            results.push(result.map_err(describe)?);
        }
        Ok(results)
    }
}

fn describe(exception: Exn<'_, Val>) -> String {
    match exception.get_halt().map_err(Exn::get_err) {
        Ok(code) => steps::exceeded(code).unwrap_or_else(|| format!("the expression halts with code {code}")),
        Err(Ok(error)) => {
            let value = error.into_val();
            let text = match &value {
                Val::TStr(text) => String::from_utf8_lossy(text).into_owned(),
                other => other.to_string(),
            };
            format!("the expression fails: {}", shorten(&text))
        }
        Err(Err(_)) => "the expression breaks out of a label that is not there".to_owned(),
    }
}

/// The beginning of a text for a message.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn undefined_message(name: &str, sort: &jaq_core::compile::Undefined, variables: &[&str]) -> String {
    use jaq_core::compile::Undefined;
    match (sort, name) {
        (
            Undefined::Filter(_),
            "input" | "inputs" | "env" | "now" | "debug" | "stderr" | "halt" | "halt_error" | "localtime"
            | "input_filename",
        ) => {
            format!("`{name}` is not there: an expression sees its object and `variables`, nothing else")
        }
        (Undefined::Filter(arity), name) => match arity {
            0 => format!("there is no filter `{name}`"),
            count => format!("there is no filter `{name}` with {count} argument{}", if *count == 1 { "" } else { "s" }),
        },
        (Undefined::Var, "$ENV") => "`$ENV` is not there: give values as `variables`".to_owned(),
        (Undefined::Var, name) if variables.is_empty() => {
            format!("there is no variable `{name}`; `variables` has none")
        }
        (Undefined::Var, name) => format!("there is no variable `{name}`; `variables` has {}", variables.join(", ")),
        (_, name) => format!("there is no {} `{name}`", sort.as_str()),
    }
}

pub(crate) fn check_size(code: &str) -> Result<(), CompileError> {
    if code.len() > MAX_LENGTH {
        let message = format!("has {} bytes, more than {MAX_LENGTH}", code.len());
        return Err(CompileError { offset: 0, message });
    }
    let mut depth = 0_usize;
    let mut words = 0_usize;
    for (offset, character) in code.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ' ' | '\n' | '\t' => words += 1,
            _ => {}
        }
        if depth > MAX_NESTING || words > 4_000 {
            let message = format!("is nested too deeply or has too many words; the most are {MAX_NESTING} and 4000");
            return Err(CompileError { offset, message });
        }
    }
    Ok(())
}

fn lex_error(code: &str, errors: &[lex::Error<&str>]) -> CompileError {
    let Some((expected, found)) = errors.first() else {
        return CompileError { offset: 0, message: "cannot be read".to_owned() };
    };
    let offset = jaq_core::load::span(code, found).start.min(code.len());
    let found = match found.chars().next() {
        Some(first) => format!("found `{first}`"),
        None => "it ends".to_owned(),
    };
    CompileError { offset, message: format!("expected {}, {found}", expected.as_str()) }
}

/// Makes a definition count its calls.
fn count_def(def: &mut Def<&str>) {
    count(&mut def.body);
    put_step_before(&mut def.body);
}

fn put_step_before(term: &mut Term<&str>) {
    let own = std::mem::take(term);
    *term = Term::BinOp(Box::new(Term::Call(STEP, Vec::new())), BinaryOp::Pipe(None), Box::new(own));
}

/// Puts a step wherever a program may go round: before the bodies of definitions, in each round of a fold, behind
/// whatever gives items.
fn count(term: &mut Term<&str>) {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Break(_) => {}
        Term::Recurse => put_step_behind(term),
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(term) = part {
                    count(term);
                }
            }
        }
        Term::Arr(inner) => inner.iter_mut().for_each(|term| count(term)),
        Term::Obj(entries) => {
            for (key, value) in entries {
                count(key);
                value.iter_mut().for_each(count);
            }
        }
        Term::Neg(inner) | Term::Label(_, inner) => count(inner),
        Term::BinOp(left, _, right) => {
            count(left);
            count(right);
        }
        Term::Fold(_, over, _, parts) => {
            count(over);
            parts.iter_mut().for_each(count);
            if let Some(update) = parts.get_mut(1) {
                put_step_before(update);
            }
        }
        Term::TryCatch(body, handler) => {
            count(body);
            handler.iter_mut().for_each(|handler| count(handler));
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, then) in branches {
                count(condition);
                count(then);
            }
            otherwise.iter_mut().for_each(|term| count(term));
        }
        Term::Def(defs, body) => {
            defs.iter_mut().for_each(count_def);
            count(body);
        }
        Term::Call(_, arguments) => arguments.iter_mut().for_each(count),
        Term::Path(..) => count_path(term),
    }
}

/// Whether a term means the same wherever it is evaluated.
fn is_constant(term: &Term<&str>) -> bool {
    match term {
        Term::Num(_) | Term::Var(_) => true,
        Term::Neg(inner) => is_constant(inner),
        Term::Str(None, parts) => parts.iter().all(|part| !matches!(part, StrPart::Term(_))),
        _ => false,
    }
}

/// Makes a path count its items, and makes what an assignment goes through where it is not there, as jq does.
fn count_path(term: &mut Term<&str>) {
    let Term::Path(start, mut path) = std::mem::take(term) else { return };
    let mut start = *start;
    count(&mut start);
    let (mut gives_items, mut is_constant_path) = (false, true);
    for (part, _) in &mut path.0 {
        match part {
            Part::Index(index) => {
                count(index);
                is_constant_path &= is_constant(index);
            }
            Part::Range(None, None) => gives_items = true,
            Part::Range(from, to) => {
                for bound in from.iter_mut().chain(to) {
                    count(bound);
                    is_constant_path &= is_constant(bound);
                }
            }
        }
    }
    let pipe = |left: Term<_>, right| Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right));
    *term = if is_constant_path {
        path.0.into_iter().fold(start, |before, (part, optional)| {
            let before = match &part {
                Part::Index(index) => pipe(before, Term::Call(OPEN, Vec::from([index.clone()]))),
                Part::Range(..) => before,
            };
            pipe(before, Term::Path(Box::new(Term::Id), Path(Vec::from([(part, optional)]))))
        })
    } else {
        Term::Path(Box::new(start), path)
    };
    if gives_items {
        put_step_behind(term);
    }
}

fn put_step_behind(term: &mut Term<&str>) {
    let own = std::mem::take(term);
    *term = Term::BinOp(Box::new(own), BinaryOp::Pipe(None), Box::new(Term::Call(STEP, Vec::new())));
}
