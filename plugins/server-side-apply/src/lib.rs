//! Makes a stream that client-side apply took fit for server-side apply, which Helm 4 uses: items of a list that have
//! one key, `replicas` that an autoscaler owns, values of the wrong type, fields that Kubernetes does not have, and
//! what a server left in the objects.

mod check;
mod duplicates;
mod finding;
mod scaled;
mod settings;
mod types;

use windlass_pdk::{Error, Manifests, Object, info, plugin, warn};

use crate::finding::{Finding, Mend};
use crate::scaled::Scaled;
pub use crate::settings::Settings;
use crate::settings::{Mode, OnLeft, Sort};

/// The most findings that an error lists, and that are logged.
const MAX_LISTED: usize = 50;

/// Mends or reports what server-side apply would refuse or get wrong.
///
/// # Errors
/// What cannot be mended, or in the mode `check` everything that was found, and what cannot be edited safely.
#[plugin]
pub fn server_side_apply(settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
    let scaled = Scaled::read(manifests)?;
    let mut report = Report { settings: &settings, logged: 0, refused: Vec::new(), count: 0 };
    let mut look = |object: &Object<'_>| -> Result<Vec<Finding>, Error> {
        let value = object.root().to_value()?;
        let mut findings = check::check(object, &value, settings.keep);
        findings.extend(scaled.check(object, &value));
        findings.retain(|finding| !settings.skip.contains(&finding.sort));
        findings.iter().for_each(|finding| report.add(object, finding));
        Ok(findings)
    };
    match settings.mode {
        Mode::Mend => manifests.visit(|object| {
            let findings = look(object)?;
            mend(object, findings)
        })?,
        Mode::Report | Mode::Check => manifests.read(|object| look(object).map(|_| ()))?,
    }
    report.finish()
}

/// Edits an object. Values first, as removing an item moves those behind it; what is deeper or further behind goes
/// first.
fn mend(object: &mut Object<'_>, findings: Vec<Finding>) -> Result<(), Error> {
    let mut removals = Vec::new();
    for finding in findings {
        match finding.mend {
            Mend::None => {}
            Mend::Set(path, value) => {
                object.set(&path, value)?;
            }
            Mend::Remove => removals.push(finding.path),
        }
    }
    for path in removals.iter().rev() {
        object.remove(path)?;
    }
    Ok(())
}

/// What is said of the findings.
struct Report<'s> {
    settings: &'s Settings,
    logged: usize,
    refused: Vec<String>,
    /// How many are refused, also those beyond [`MAX_LISTED`].
    count: usize,
}

impl Report<'_> {
    fn add(&mut self, object: &Object<'_>, finding: &Finding) {
        let is_left = matches!(finding.mend, Mend::None);
        let is_refused = match self.settings.mode {
            Mode::Check => true,
            Mode::Mend => is_left && self.settings.on_left == OnLeft::Error,
            Mode::Report => false,
        };
        if is_refused {
            self.count += 1;
            if self.refused.len() < MAX_LISTED {
                self.refused.push(object.refuse_at(&finding.path, finding.message.as_str()).to_string());
            }
            return;
        }
        self.logged += 1;
        if self.logged > MAX_LISTED {
            return;
        }
        let text = object.refuse_at(&finding.path, finding.message.as_str());
        match self.settings.mode {
            Mode::Mend if is_left => warn!("{text}; it stays as it is"),
            // A cluster that is newer than the table may know the field.
            Mode::Mend if finding.sort == Sort::UnknownFields => warn!("{text}; it is taken out"),
            Mode::Mend => info!("{text}; mended"),
            Mode::Report | Mode::Check => warn!("{text}"),
        }
    }

    fn finish(self) -> Result<(), Error> {
        if self.logged > MAX_LISTED {
            warn!("and {} more", self.logged - MAX_LISTED);
        }
        if self.count == 0 {
            return Ok(());
        }
        let more = self.count - self.refused.len();
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        let noun = if self.count == 1 { "place is" } else { "places are" };
        let hint = match self.settings.mode {
            Mode::Mend => "\ncorrect the chart, or let them pass with `onLeft: warn`",
            Mode::Report | Mode::Check => "",
        };
        let list = self.refused.join("\n");
        Err(Error::new(format!("{} {noun} not fit for server-side apply:\n{list}{more}{hint}", self.count)))
    }
}
