//! `console`: what a script says goes to the log.

use rquickjs::function::Rest;
use rquickjs::{Coerced, Ctx, Exception, Function, Object, Value as Js};
use windlass_pdk::log::{Level, log};

/// The object.
///
/// # Errors
/// No memory.
pub(crate) fn object<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    let console = Object::new(ctx.clone())?;
    for (name, level) in [
        ("debug", Level::Debug),
        ("log", Level::Info),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Warn),
    ] {
        let say = move |ctx: Ctx<'js>, values: Rest<Js<'js>>| {
            let texts: Vec<String> = values.iter().map(|value| shown(&ctx, value)).collect();
            log(level, format_args!("{}", texts.join(" ")));
        };
        console.set(name, Function::new(ctx.clone(), say)?)?;
    }
    Ok(console)
}

/// A value as `console.log` shows it: objects as JSON.
pub(crate) fn shown<'js>(ctx: &Ctx<'js>, value: &Js<'js>) -> String {
    if let Some(exception) = value.as_object().cloned().and_then(Exception::from_object) {
        return exception.message().unwrap_or_default();
    }
    let json = match value.is_object() && !value.is_function() {
        true => ctx.json_stringify(value.clone()).ok().flatten().and_then(|text| text.to_string().ok()),
        false => None,
    };
    json.or_else(|| value.get::<Coerced<String>>().ok().map(|text| text.0)).unwrap_or_else(|| {
        // What cannot be shown must not end the script.
        ctx.catch();
        value.type_name().to_owned()
    })
}
