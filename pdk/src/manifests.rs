//! The stream as a plugin sees it: all objects, or those that `targets` selects.

use windlass_manifest::{Manifests as Stream, Object, Value};

use crate::error::Error;
use crate::names::HOOK_ANNOTATION;
use crate::targets::Common;

/// The manifest stream, with the targets of the configuration applied to [`Manifests::visit`].
pub struct Manifests {
    stream: Stream,
    common: Common,
}

impl Manifests {
    pub(crate) fn new(stream: Stream, common: Common) -> Self {
        Manifests { stream, common }
    }

    /// Calls `treat` for every object that the configured `targets` select (every object, without `targets`), in order,
    /// also for the items of a `List` or a KRM `ResourceList`. Objects may be changed; a later visit sees the changes.
    ///
    /// # Errors
    /// The first error of `treat`, or a document that cannot be parsed, with its line.
    pub fn visit(&mut self, mut treat: impl FnMut(&mut Object<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let common = &self.common;
        self.stream.visit(|object| if common.is_target(object) { treat(object) } else { Ok(()) })
    }

    /// As [`Manifests::visit`], for every object whatever the targets say: for rules about the release as a whole.
    ///
    /// # Errors
    /// As [`Manifests::visit`].
    pub fn visit_all(&mut self, treat: impl FnMut(&mut Object<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.stream.visit(treat)
    }

    /// As [`Manifests::visit`], reading only: nothing is copied.
    ///
    /// # Errors
    /// As [`Manifests::visit`].
    pub fn read(&self, mut look: impl FnMut(&Object<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let common = &self.common;
        self.stream.read(|object| if common.is_target(object) { look(object) } else { Ok(()) })
    }

    /// As [`Manifests::read`], for every object whatever the targets say.
    ///
    /// # Errors
    /// As [`Manifests::visit`].
    pub fn read_all(&self, look: impl FnMut(&Object<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.stream.read(look)
    }

    /// Whether the configured `targets` select this object.
    pub fn is_target(&self, object: &Object<'_>) -> bool {
        self.common.is_target(object)
    }

    /// Appends an object as a document of its own. It has no place in a template's file, so that Helm shows it under
    /// a name of its own.
    ///
    /// # Errors
    /// A value that is not a map, or cannot be written as YAML.
    pub fn push(&mut self, object: &Value) -> Result<(), Error> {
        Ok(self.stream.push(object)?)
    }

    /// Adds objects as documents of their own, each in front of the document that holds the object at its position (0
    /// is the first object of the stream, whatever the targets say); one past the last object goes to the end.
    ///
    /// # Errors
    /// As [`Manifests::push`], and a document that nothing can stand before.
    pub fn insert(&mut self, additions: &[(usize, Value)]) -> Result<(), Error> {
        Ok(self.stream.insert(additions)?)
    }

    /// How many objects have been changed, added or dropped so far.
    pub fn changed_objects(&self) -> usize {
        self.stream.changed_objects()
    }

    /// Words to end an error with that says that something was not found in this stream: where the stream holds hooks
    /// alone, why that may be. Empty elsewhere.
    ///
    /// Programs that use Helm's SDK with the hook strategy `separate` call a post-renderer twice for one release: with
    /// all objects but the hooks, and with the hooks. A plugin sees one of the two and cannot tell that there is
    /// another, so what it demands of a stream (`expect`, and whatever else fails on something missing) holds for each
    /// call.
    pub fn about_hooks(&self) -> &'static str {
        let (mut objects, mut others) = (0_usize, 0_usize);
        let read = self.stream.read(|object| {
            objects += 1;
            others += usize::from(object.annotation(HOOK_ANNOTATION).is_none());
            Ok::<(), Error>(())
        });
        if read.is_ok() && objects > 0 && others == 0 {
            " (this stream holds hooks alone: under Helm's hook strategy `separate` each of the two calls is judged by itself)"
        } else {
            ""
        }
    }

    /// Checks `expect` and gives back the stream, and whether it changed.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, bool), Error> {
        self.common.warn_of_idle_targets();
        if let Err(unmet) = self.common.check_changed(self.stream.changed_objects()) {
            return Err(Error::new(format!("{unmet}{}", self.about_hooks())));
        }
        let is_changed = self.stream.is_changed();
        Ok((self.stream.into_bytes(), is_changed))
    }
}
