//! No verdict may hang on how fast a machine is. What must happen is waited for, with a limit that only ends what would
//! never end; what must run out of time gets more of it until everything else about it can be seen.

use std::time::{Duration, Instant};
use xtask::command::Finished;

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until something is so.
///
/// # Panics
/// It never is; `otherwise` says what is there instead.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool, otherwise: impl Fn() -> String) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {}", otherwise());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a command that has to run out of the time it is given, with more each time until it ends with `code` and
/// everything in `texts` was said: a machine that is busy only takes longer to get there.
///
/// # Panics
/// It says something else even with a minute.
#[track_caller]
pub fn out_of_time(code: i32, texts: &[&str], run: impl Fn(&str) -> Finished) {
    let mut answer = String::new();
    for time in ["1s", "4s", "16s", "64s"] {
        let finished = run(time);
        answer = format!("{}{}", String::from_utf8_lossy(&finished.stdout), finished.stderr);
        if finished.code == Some(code) && texts.iter().all(|text| answer.contains(text)) {
            return;
        }
    }
    panic!("not {texts:?} and exit code {code}:\n{answer}");
}
