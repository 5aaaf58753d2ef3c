//! Findings: what a plugin has to say about objects, all of it at the end instead of the first alone.
//!
//! ```
//! use windlass_pdk::{Config, Error, Findings, Manifests};
//!
//! #[derive(Config)]
//! struct Settings {}
//!
//! #[windlass_pdk::plugin]
//! fn no_latest(_settings: Settings, manifests: &mut Manifests) -> Result<(), Error> {
//!     let mut findings = Findings::new();
//!     manifests.read(|object| {
//!         for container in object.containers() {
//!             let image = container.key("image");
//!             let text = object.get(&image).and_then(|node| Some(node.scalar_text()?.into_owned()));
//!             if text.is_some_and(|text| text.ends_with(":latest")) {
//!                 findings.rule("no-latest").deny(object, &image, "has the tag `latest`");
//!             }
//!         }
//!         Ok(())
//!     })?;
//!     findings.finish()
//! }
//!
//! # fn main() {
//! let pod = "kind: Pod\napiVersion: v1\nmetadata: {name: web}\nspec:\n containers:\n - {name: a, image: a:latest}\n";
//! assert_eq!( windlass_pdk::test::run::<NoLatest>("", &[], pod).unwrap_err(), "1 finding is against this release:\n\
//! Pod/web (line 1): spec.containers[0].image (line 6): has the tag `latest` (no-latest)", );
//! # }
//! ```
//!
//! Under Windlass warnings reach the person who runs the plugin, and every finding the reports of `--report`. Under
//! Helm's own engine what is denied is shown, as the error's text; the rest is not.

use windlass_abi::findings::refusal;
pub use windlass_abi::findings::{Finding, Level};
use windlass_manifest::{Object, Path};

use crate::error::Error;
use crate::host;

/// How many findings are kept with their texts; those beyond are counted. The host keeps as many.
const MOST_KEPT: usize = 10_000;

/// Collects findings until [`Findings::finish`] tells all of them.
#[derive(Debug, Default)]
#[must_use = "findings are told by `finish`"]
pub struct Findings {
    found: Vec<Finding>,
    beyond: usize,
    denied: usize,
    rule: String,
}

impl Findings {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the rule of the findings that follow: a short name that stays the same, which reports sort by.
    pub fn rule(&mut self, rule: impl Into<String>) -> &mut Self {
        self.rule = rule.into();
        self
    }

    /// What must not be released: [`Findings::finish`] refuses the stream. The path is that of the object alone where
    /// it is empty.
    pub fn deny(&mut self, object: &Object<'_>, path: &Path, message: impl Into<String>) {
        self.found(Level::Deny, Some((object, path)), message.into());
    }

    /// What a person should look at; the stream goes on.
    pub fn warn(&mut self, object: &Object<'_>, path: &Path, message: impl Into<String>) {
        self.found(Level::Warn, Some((object, path)), message.into());
    }

    /// What is good to know.
    pub fn info(&mut self, object: &Object<'_>, path: &Path, message: impl Into<String>) {
        self.found(Level::Info, Some((object, path)), message.into());
    }

    /// What must not be released, of no object in particular.
    pub fn deny_release(&mut self, message: impl Into<String>) {
        self.found(Level::Deny, None, message.into());
    }

    /// What a person should look at, of no object in particular.
    pub fn warn_release(&mut self, message: impl Into<String>) {
        self.found(Level::Warn, None, message.into());
    }

    /// How many findings deny the release.
    pub fn denied(&self) -> usize {
        self.denied
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    fn found(&mut self, level: Level, place: Option<(&Object<'_>, &Path)>, message: String) {
        self.denied += usize::from(level == Level::Deny);
        if self.found.len() >= MOST_KEPT {
            self.beyond += 1;
            return;
        }
        let mut finding = Finding::new(level, message);
        finding.rule.clone_from(&self.rule);
        if let Some((object, path)) = place {
            finding.file = object.file().unwrap_or_default();
            finding.api_version = object.api_version().to_owned();
            finding.kind = object.kind().to_owned();
            finding.namespace = object.namespace().unwrap_or_default().to_owned();
            finding.name = object.name().to_owned();
            finding.object_line = object.line();
            if !path.is_root() {
                finding.path = path.to_string();
                finding.line = object.line_of(path);
            }
        }
        self.found.push(finding);
    }

    /// Tells everything that was found.
    ///
    /// # Errors
    /// One that lists what is denied, if anything is.
    pub fn finish(self) -> Result<(), Error> {
        for finding in &self.found {
            host::find(finding);
        }
        if self.beyond > 0 {
            let message = format!("{} more findings are not listed", self.beyond);
            host::find(&Finding::new(Level::Warn, message));
        }
        if self.denied == 0 {
            return Ok(());
        }
        let text = refusal(&self.found);
        // What is denied may be beyond what is kept.
        Err(Error::new(if text.is_empty() {
            format!("{} findings are against this release", self.denied)
        } else {
            text
        }))
    }
}
