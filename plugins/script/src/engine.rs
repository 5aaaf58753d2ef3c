//! QuickJS around one script: what the script finds there, how far it may go, and what its errors say.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::function::Rest;
use rquickjs::{Array, CatchResultExt, CaughtError, Context, Ctx, Exception, Function, Object, Runtime, Value as Js};
use windlass_pdk::{Value, random};

use crate::console;
use crate::numbers::Seen;
use crate::values::{MAX_SIZE, Reader};

/// How many steps (rounds of loops, calls) a script may take between two looks of the engine.
const STEPS_PER_LOOK: u64 = 10_000;

/// How many steps a script may take: a few seconds in every engine, as not all of them watch the clock.
const MAX_STEPS: u64 = 50_000_000;

/// How much memory scripts may have where no sandbox says it.
const MAX_MEMORY: usize = 256 << 20;

/// How much stack the interpreter takes at most; a module has 1 MiB of its own and as much of the engine's.
const MAX_STACK: usize = 192 << 10;

/// What a script sees beside the objects.
pub(crate) struct World<'a> {
    /// Its name in messages.
    pub(crate) name: &'a str,
    pub(crate) args: &'a Value,
    pub(crate) extra_args: &'a [String],
    pub(crate) release: &'a Value,
    /// The time of the run in ISO 8601, where it may know.
    pub(crate) now: Option<String>,
    pub(crate) has_random: bool,
}

/// One of the objects that a script leaves.
pub(crate) enum Left {
    /// The one that was at that place, untouched.
    Same(usize),
    /// The one that was at that place, with another content.
    Changed(usize, Value),
    /// Another one.
    Other(Value),
}

/// Runs a script on objects; what it leaves, in its order.
///
/// # Errors
/// What the script throws, with its line; a limit that it hits; objects that JSON cannot hold.
pub(crate) fn run(script: &str, objects: &[Value], world: &World<'_>) -> Result<Vec<Left>, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    runtime.set_memory_limit(MAX_MEMORY);
    runtime.set_max_stack_size(MAX_STACK);
    let steps = Rc::new(Cell::new(0_u64));
    let counted = Rc::clone(&steps);
    runtime.set_interrupt_handler(Some(Box::new(move || {
        counted.set(counted.get().saturating_add(STEPS_PER_LOOK));
        counted.get() > MAX_STEPS
    })));
    let rejected: Rc<RefCell<Option<String>>> = Rc::default();
    let tracked = Rc::clone(&rejected);
    let name = world.name.to_owned();
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, _, reason, is_handled| {
        // One is enough. That of a promise that is waited for later is taken back.
        *tracked.borrow_mut() = match is_handled {
            true => None,
            false => Some(thrown(&ctx, reason, &name)),
        };
    })));
    let context = Context::builder()
        .with::<intrinsic::Eval>()
        .with::<intrinsic::RegExpCompiler>()
        .with::<intrinsic::RegExp>()
        .with::<intrinsic::Json>()
        .with::<intrinsic::Proxy>()
        .with::<intrinsic::MapSet>()
        .with::<intrinsic::TypedArrays>()
        .with::<intrinsic::Promise>()
        .build(&runtime)
        .map_err(|error| error.to_string())?;
    context.with(|ctx| {
        let outcome = Session { ctx: ctx.clone(), world, rejected }.run(script, objects);
        match outcome {
            Err(_) if steps.get() > MAX_STEPS => {
                Err(format!("{}: it takes more than {MAX_STEPS} steps; it may never end", world.name))
            }
            outcome => outcome,
        }
    })
}

struct Session<'a, 'js> {
    ctx: Ctx<'js>,
    world: &'a World<'a>,
    rejected: Rc<RefCell<Option<String>>>,
}

impl<'js> Session<'_, 'js> {
    fn run(&self, script: &str, objects: &[Value]) -> Result<Vec<Left>, String> {
        let plain = self.caught(self.ctx.eval::<Object<'js>, _>("Object.prototype"))?;
        let behind = self.caught(self.prelude(objects))?;
        let mut options = EvalOptions::default();
        options.filename = Some(self.world.name.to_owned());
        self.caught(self.ctx.eval_with_options::<Js<'js>, _>(script, options))?;
        while self.ctx.execute_pending_job() {}
        if let Some(rejected) = self.rejected.borrow_mut().take() {
            return Err(rejected);
        }
        let left = self.caught(behind.call::<_, Vec<Array<'js>>>(()))?;
        let mut size = MAX_SIZE;
        left.into_iter().map(|one| self.left(&one, objects, &plain, &mut size)).collect()
    }

    /// What the prelude needs, and the function that it leaves.
    fn prelude(&self, objects: &[Value]) -> rquickjs::Result<Function<'js>> {
        let (ctx, world) = (&self.ctx, self.world);
        let values = Object::new(ctx.clone())?;
        values.set("args", self.value(world.args)?)?;
        values.set("release", self.value(world.release)?)?;
        values.set("extraArgs", world.extra_args.to_vec())?;
        if let Some(now) = &world.now {
            values.set("now", now.as_str())?;
        }
        values.set("console", console::object(ctx)?)?;
        values.set("YAML", self.yaml()?)?;
        values.set("base64", self.base64()?)?;
        let math: Object<'js> = ctx.globals().get("Math")?;
        match world.has_random {
            true => math.set("random", Function::new(ctx.clone(), random_number)?)?,
            false => math.remove("random")?,
        }
        let mut options = EvalOptions::default();
        options.filename = Some("<prelude>".to_owned());
        let prelude: Function<'js> = ctx.eval_with_options(include_str!("prelude.js"), options)?;
        let mut text = String::from("[");
        for (index, object) in objects.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            object.write_json(&mut text);
        }
        text.push(']');
        prelude.call((text, values))
    }

    fn value(&self, value: &Value) -> rquickjs::Result<Js<'js>> {
        self.ctx.json_parse(value.to_json())
    }

    /// YAML for what stands in texts of objects.
    fn yaml(&self) -> rquickjs::Result<Object<'js>> {
        let yaml = Object::new(self.ctx.clone())?;
        yaml.set("parse", Function::new(self.ctx.clone(), parse_yaml)?)?;
        yaml.set("stringify", Function::new(self.ctx.clone(), write_yaml)?)?;
        Ok(yaml)
    }

    /// Base64 of texts, for Secrets.
    fn base64(&self) -> rquickjs::Result<Object<'js>> {
        let base64 = Object::new(self.ctx.clone())?;
        base64.set("encode", Function::new(self.ctx.clone(), |text: String| BASE64.encode(text))?)?;
        base64.set("decode", Function::new(self.ctx.clone(), decode_base64)?)?;
        Ok(base64)
    }

    fn left(&self, one: &Array<'js>, objects: &[Value], plain: &Object<'js>, size: &mut usize) -> Result<Left, String> {
        let (value, place, is_same) =
            self.caught((|| Ok((one.get::<Js<'js>>(0)?, one.get::<i64>(1)?, one.get::<bool>(2)?)))())?;
        let place = usize::try_from(place).ok();
        if let (Some(place), true) = (place, is_same) {
            return Ok(Left::Same(place));
        }
        let seen = place.and_then(|place| objects.get(place)).map(Seen::of).unwrap_or_default();
        let read = Reader { seen: &seen, plain, left: size, path: String::new() }.read(value);
        let value = read.map_err(|problem| match place.and_then(|place| objects.get(place)) {
            Some(object) => format!("{}: {}: {problem}", self.world.name, described(object)),
            None => format!("{}: an object that it adds: {problem}", self.world.name),
        })?;
        if !matches!(value, Value::Map(_)) {
            let what = format!("`manifests` holds {}, which is no object", value.type_name());
            return Err(format!("{}: {what}", self.world.name));
        }
        Ok(match place {
            Some(place) => Left::Changed(place, value),
            None => Left::Other(value),
        })
    }

    fn caught<T>(&self, outcome: rquickjs::Result<T>) -> Result<T, String> {
        outcome.catch(&self.ctx).map_err(|error| match error {
            CaughtError::Exception(exception) => told(&exception, self.world.name),
            CaughtError::Value(value) => thrown(&self.ctx, value, self.world.name),
            CaughtError::Error(error) => format!("{}: {error}", self.world.name),
        })
    }
}

/// `Deployment/web`.
pub(crate) fn described(object: &Value) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("?").to_owned();
    let name = object.get("metadata").and_then(|metadata| metadata.get("name"));
    format!("{}/{}", text(object.get("kind")), text(name))
}

/// What was thrown, whatever it is.
fn thrown<'js>(ctx: &Ctx<'js>, value: Js<'js>, name: &str) -> String {
    if let Some(exception) = value.as_object().cloned().and_then(Exception::from_object) {
        return told(&exception, name);
    }
    if value.is_null() {
        // Where there is no memory even for an error.
        return format!("{name}: it threw null, or has used up its memory");
    }
    format!("{name}: it threw {}", console::shown(ctx, &value))
}

/// An error with its line: `script:3:5: TypeError: cannot read property 'spec' of undefined`.
fn told(exception: &Exception<'_>, name: &str) -> String {
    let message = exception.message().unwrap_or_default();
    let kind = exception.as_object().get::<_, String>("name").unwrap_or_else(|_| "Error".to_owned());
    let stack = exception.stack().unwrap_or_default();
    let place = stack.lines().find_map(|line| place_in(line, name));
    let place = place.map_or_else(|| name.to_owned(), |place| format!("{name}:{place}"));
    match kind.as_str() {
        "Error" => format!("{place}: {message}"),
        kind => format!("{place}: {kind}: {message}"),
    }
}

/// `3:5` of a stack's line such as `at set (script:3:5)`.
fn place_in<'s>(line: &'s str, name: &str) -> Option<&'s str> {
    // Behind a blank or a bracket.
    let place = [" ", "("].iter().find_map(|before| line.split_once(&format!("{before}{name}:")))?.1;
    let end = place.find(|character: char| !character.is_ascii_digit() && character != ':').unwrap_or(place.len());
    place.get(..end).filter(|place| !place.is_empty())
}

fn random_number(ctx: Ctx<'_>) -> rquickjs::Result<f64> {
    let bytes = random::bytes(8).map_err(|error| Exception::throw_message(&ctx, &error.to_string()))?;
    let word = bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    // 53 bits, as a float has them.
    Ok((word >> 11) as f64 / (1_u64 << 53) as f64)
}

fn parse_yaml<'js>(ctx: Ctx<'js>, text: String) -> rquickjs::Result<Js<'js>> {
    let value = Value::from_yaml(&text).map_err(|error| Exception::throw_syntax(&ctx, error.message()))?;
    ctx.json_parse(value.to_json())
}

fn decode_base64(ctx: Ctx<'_>, text: String) -> rquickjs::Result<String> {
    let bytes =
        BASE64.decode(text.trim()).map_err(|error| Exception::throw_type(&ctx, &format!("base64.decode: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Exception::throw_type(&ctx, "base64.decode: it is no text in UTF-8"))
}

fn write_yaml<'js>(ctx: Ctx<'js>, value: Js<'js>, _: Rest<Js<'js>>) -> rquickjs::Result<String> {
    let plain: Object<'js> = ctx.eval("Object.prototype")?;
    let (seen, mut left) = (Seen::default(), MAX_SIZE);
    let value = Reader { seen: &seen, plain: &plain, left: &mut left, path: String::new() }.read(value);
    let value = value.map_err(|problem| Exception::throw_type(&ctx, &format!("YAML.stringify: {problem}")))?;
    value.to_yaml().map_err(|error| Exception::throw_type(&ctx, error.message()))
}
