//! Grants: what the person running a plugin lets it reach. The default is nothing at all.
//!
//! The words, flags and value forms are those of the one table in [`windlass_abi::capabilities`]; this module holds
//! what one plugin was granted and says what is missing.

use windlass_abi::capabilities::{Capability, Grant, Request};

use crate::error::Error;

/// Everything that one plugin was granted. [`Grants::default`] is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    given: Vec<Grant>,
}

impl Grants {
    /// Adds what `--allow-WORD VALUE` gives; the value of a flag without one is the empty text.
    ///
    /// # Errors
    /// The value does not have the capability's form (exit 2).
    pub fn allow(&mut self, capability: Capability, value: &str) -> Result<(), Error> {
        self.add(Grant::parse(capability, value).map_err(|error| Error::usage(error.to_string()))?);
        Ok(())
    }

    /// Adds a grant.
    pub(crate) fn add(&mut self, grant: Grant) {
        if !self.given.contains(&grant) {
            self.given.push(grant);
        }
    }

    /// Adds all that `others` grant.
    pub fn extend(&mut self, others: &Grants) {
        for grant in &others.given {
            if !self.given.contains(grant) {
                self.given.push(grant.clone());
            }
        }
    }

    /// True if nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Everything that is granted, in the order it was given.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.given.iter()
    }

    /// True if anything of this capability is granted.
    pub fn has(&self, capability: Capability) -> bool {
        self.given.iter().any(|grant| grant.capability() == capability)
    }

    /// True if `request` is granted.
    pub fn cover(&self, request: &Request) -> bool {
        self.given.iter().any(|grant| request.is_covered_by(grant))
    }
}

/// The error for something that was asked for and not granted, with the exact flags that would grant it.
pub(crate) fn not_granted<'r>(message: impl Into<String>, missing: impl IntoIterator<Item = &'r Request>) -> Error {
    let flags: Vec<String> = missing.into_iter().map(Request::flag).collect();
    Error::denied(message).hint(format!(
        "if you trust it with this, add {}",
        flags.iter().map(|flag| format!("`{flag}`")).collect::<Vec<_>>().join(" ")
    ))
}

/// The flag that would let a guest of WASI reach `path`: of a file, as its name tells, for the folder that it is in.
pub(crate) fn flag_for(capability: Capability, path: &str) -> Option<String> {
    if path == "/tmp" || path.starts_with("/tmp/") {
        return Some("--scratch 64Mi".to_owned());
    }
    let (folder, name) = path.rsplit_once('/')?;
    let is_file = capability == Capability::Write || name.contains('.');
    let folder = if is_file && !folder.is_empty() { folder } else { path };
    Some(Request::parse(capability, folder).ok()?.flag())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_by_default_and_only_what_was_given_is() {
        let mut grants = Grants::default();
        let asked = Request::parse(Capability::Net, "registry.example:443").unwrap();
        let other = Request::parse(Capability::Net, "registry.example:80").unwrap();
        assert!(grants.is_empty() && !grants.has(Capability::Net) && !grants.cover(&asked));
        grants.allow(Capability::Net, "registry.example").unwrap();
        grants.allow(Capability::Net, "registry.example").unwrap();
        assert!(
            grants.iter().count() == 1 && grants.cover(&asked) && !grants.cover(&other) && !grants.has(Capability::Env)
        );
        let error = grants.allow(Capability::Net, "https://x").unwrap_err();
        assert_eq!(error.exit_code(), crate::error::ExitCode::Usage);
    }

    #[test]
    fn a_path_has_the_flag_of_its_folder() {
        let check = |capability, path: &str, expected: Option<&str>| {
            assert_eq!(flag_for(capability, path).as_deref(), expected, "{path}");
        };
        check(Capability::Read, "/overlay", Some("--allow-read /overlay=HOSTDIR"));
        check(Capability::Read, "/data/values.yaml", Some("--allow-read /data=HOSTDIR"));
        check(Capability::Read, "/values.yaml", Some("--allow-read /values.yaml=HOSTDIR"));
        check(Capability::Write, "/out/report", Some("--allow-write /out=HOSTDIR"));
        check(Capability::Write, "/tmp/x1", Some("--scratch 64Mi"));
        check(Capability::Read, "nowhere", None);
    }

    #[test]
    fn the_error_names_the_exact_flag() {
        let asked = Request::parse(Capability::Env, "TEAM").unwrap();
        let error = not_granted("it asks for a variable", [&asked]);
        assert_eq!(error.exit_code(), crate::error::ExitCode::Denied);
        assert_eq!(error.hints(), ["if you trust it with this, add `--allow-env TEAM`"]);
    }
}
