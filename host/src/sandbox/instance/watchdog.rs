//! The clock that stops a guest: a thread that advances the engine's epoch once the deadline has passed. When the guest
//! ends first the thread is told so and ends by itself: waiting for it would take longer than a small stream does.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, Store, UpdateDeadline};

use crate::error::Error;

/// How often the epoch advances after the deadline, until the guest has noticed.
const INSIST_EVERY: Duration = Duration::from_millis(5);
const STACK_BYTES: usize = 64 << 10;

/// Watches one run; stops watching when it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// The thread ends when this is dropped.
    _stop: Sender<()>,
}

impl Watchdog {
    /// Lets code in `store` run until `deadline`. Epochs belong to the engine, which several runs may share, so each
    /// store looks at its own deadline when the epoch has advanced.
    pub(crate) fn start<T>(store: &mut Store<T>, deadline: Instant) -> Result<Self, Error> {
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            Ok(if Instant::now() >= deadline { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
        });
        let (stop, stopped) = mpsc::channel();
        let engine: Engine = store.engine().clone();
        thread::Builder::new()
            .name("watchdog".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut wait = deadline.saturating_duration_since(Instant::now());
                while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    engine.increment_epoch();
                    wait = INSIST_EVERY;
                }
            })
            .map_err(|error| Error::limit(format!("the thread that watches the time cannot be started: {error}")))?;
        Ok(Self { _stop: stop })
    }
}
