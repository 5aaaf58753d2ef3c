//! The clock that stops a guest: a thread that waits for the deadline. When the guest ends first the thread is told so
//! and ends by itself: waiting for it would take longer than a small stream does.
//!
//! Code that looks at the engine's epoch is stopped by advancing that. Code that does not ends with the process, which
//! then is this thread's to end ([`Ending`]): the guest has no say in it, and no thread but the one that runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, Store, UpdateDeadline};

use crate::error::Error;
use crate::sandbox::interruption::Ending;

/// How often the epoch advances after the deadline, until the guest has noticed.
const INSIST_EVERY: Duration = Duration::from_millis(5);
/// For telling an error: what is written is made on the heap.
const STACK_BYTES: usize = 256 << 10;

/// The guest runs.
const RUNNING: u8 = 0;
/// It has ended, and its answer will be written.
const ENDED: u8 = 1;
/// Its time is over, and the process ends with an error.
const OVER: u8 = 2;

/// Watches one run; stops watching when it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// The thread ends when this is dropped.
    _stop: Sender<()>,
    /// Who was first, where it cannot be both: the guest with its answer or the clock with its error.
    race: Option<Arc<AtomicU8>>,
}

/// How a process ends that a plugin's time is over in.
pub(crate) struct End {
    pub(crate) ending: Arc<Ending>,
    /// What is told.
    pub(crate) error: Error,
}

impl Watchdog {
    /// Lets code in `store` run until `deadline`; `end` is for code without epochs. Epochs belong to the engine, which
    /// several runs may share, so each store looks at its own deadline when the epoch has advanced.
    pub(crate) fn start<T>(store: &mut Store<T>, deadline: Instant, end: Option<End>) -> Result<Self, Error> {
        let (stop, stopped) = mpsc::channel();
        let Some(end) = end else {
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(move |_| {
                Ok(if Instant::now() >= deadline { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
            });
            let engine = store.engine().clone();
            spawn(move || advance_epochs(&stopped, deadline, &engine))?;
            return Ok(Self { _stop: stop, race: None });
        };
        let race = Arc::new(AtomicU8::new(RUNNING));
        let seen = Arc::clone(&race);
        spawn(move || end_process(&stopped, deadline, &seen, &end))?;
        Ok(Self { _stop: stop, race: Some(race) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let Some(race) = &self.race else { return };
        let ended = race.compare_exchange(RUNNING, ENDED, Ordering::AcqRel, Ordering::Acquire);
        // Too late: the other thread is telling the error, and nothing may be written beside it.
        while ended.is_err() {
            thread::park();
        }
    }
}

fn spawn(watch: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    thread::Builder::new()
        .name("watchdog".into())
        .stack_size(STACK_BYTES)
        .spawn(watch)
        .map(drop)
        .map_err(|error| Error::limit(format!("the thread that watches the time cannot be started: {error}")))
}

/// Whether the deadline passes before the guest has ended.
fn is_over(stopped: &Receiver<()>, deadline: Instant) -> bool {
    stopped.recv_timeout(deadline.saturating_duration_since(Instant::now())) == Err(RecvTimeoutError::Timeout)
}

fn advance_epochs(stopped: &Receiver<()>, deadline: Instant, engine: &Engine) {
    let mut is_over = is_over(stopped, deadline);
    while is_over {
        engine.increment_epoch();
        is_over = stopped.recv_timeout(INSIST_EVERY) == Err(RecvTimeoutError::Timeout);
    }
}

fn end_process(stopped: &Receiver<()>, deadline: Instant, race: &AtomicU8, end: &End) {
    if is_over(stopped, deadline) && race.compare_exchange(RUNNING, OVER, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        (end.ending)(&end.error);
    }
}
