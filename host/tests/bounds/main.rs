//! What Windlass promises for whatever comes from outside, with the default limits: no input up to 1 MiB and no answer
//! of a plugin within its own limits takes the host more than the run's timeout and one second, nor more than the run's
//! memory limit and 256 MiB.
//!
//! Each case runs the real program as a child and asks the system what it used. Time is processor time, so that a busy
//! machine changes no verdict; a hang is ended by a clock that only a hang meets. `answers` are given by guests,
//! `files` are what lies on a disk, `modules` what stands in a module.

#![allow(clippy::disallowed_methods, reason = "tests read what they wrote")]
#![allow(clippy::print_stdout, reason = "the figures, which a test that fails shows")]

mod answers;
mod files;
mod measure;
mod modules;
