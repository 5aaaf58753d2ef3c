//! The clock that stops a guest: a thread that advances the engine's epoch once the deadline has passed.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wasmtime::{Engine, Store, UpdateDeadline};

use crate::error::Error;

/// How often the epoch advances after the deadline, until the guest has noticed.
const INSIST_EVERY: Duration = Duration::from_millis(5);
const STACK_BYTES: usize = 64 << 10;

/// Watches one run; stops watching when it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
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
        let thread = thread::Builder::new()
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
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // The thread cannot panic; if it did, the run is over anyway.
            let _ = thread.join();
        }
    }
}
