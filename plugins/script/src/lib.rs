//! Runs a JavaScript of the configuration, or of a granted file, on the objects of a release, in QuickJS. The script
//! changes an array of plain objects; what it changed is made as edits of the text, so that everything else stays byte
//! for byte.
//!
//! A script sees the objects, its arguments and nothing else: no clock, no random numbers, no files. It ends: its
//! steps, its stack and its memory are limited.

mod console;
mod engine;
mod numbers;
mod pairing;
mod settings;
mod values;
mod write_back;

use std::time::{SystemTime, UNIX_EPOCH};

use windlass_pdk::{Error, Manifests, clock, files, plugin, warn};

use crate::engine::World;
pub use crate::settings::Settings;
use crate::settings::Source;

/// Runs the script.
///
/// # Errors
/// What the script throws, or does not come to an end with; objects that JSON cannot hold; a file that is not there.
#[plugin(may_use = [
    read(any, "to read the script that `file` names"),
    clock("for `clock: true`: a script that knows the time"),
    random("for `random: true`: a script with Math.random"),
])]
pub fn script(settings: Settings, manifests: &mut Manifests, extra_args: &[String]) -> Result<(), Error> {
    let (name, text) = match settings.source {
        None => {
            warn!("nothing to do: neither `script` nor `file` is configured");
            return Ok(());
        }
        Some(Source::Text(text)) => ("script".to_owned(), text),
        Some(Source::File(path)) => {
            let text = files::read_text(&path)?;
            let text =
                text.ok_or_else(|| Error::config(format!("file: there is no `{path}` in the granted folder")))?;
            (path, text)
        }
    };
    let now = match settings.has_clock {
        true => Some(iso(clock::now()?)),
        false => None,
    };
    let mut objects = Vec::new();
    manifests.read(|object| {
        objects.push(object.root().to_value()?);
        Ok(())
    })?;
    let world = World {
        name: &name,
        args: &settings.args,
        extra_args,
        release: &settings.release,
        now,
        has_random: settings.has_random,
    };
    let left = engine::run(&text, &objects, &world).map_err(Error::new)?;
    write_back::write(manifests, pairing::pair(&objects, left))
}

/// A time as JavaScript's `toISOString` writes it.
fn iso(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, rest) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

/// The date of a day since 1970, by the Gregorian calendar: eras of 400 years, each year from March on.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// What QuickJS asks for in a module: the time, in microseconds. There is none: a script that may know the time has it
/// as a text.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)] // an exported name must be the only one of its kind in the module
#[unsafe(no_mangle)]
extern "C" fn __rquickjs_host_now_us() -> f64 {
    0.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_in_javascript() {
        let check = |milliseconds, expected| {
            assert_eq!(iso(UNIX_EPOCH + Duration::from_millis(milliseconds)), expected);
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_123, "2000-02-29T00:00:00.123Z");
        check(1_709_251_199_999, "2024-02-29T23:59:59.999Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }
}
