//! The handle that gives the journal something to write, and tells how it is.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::task::spawn_blocking;
use tracing::error;

use super::changes::Changes;
use super::inline::Inline;
use super::store::{Recovered, Store, StoreError};
use super::thread::Writer;
use crate::machine::Unfinished;
use crate::status::histogram::{Histogram, Noted};

/// So many rows are made anew at a time: some megabytes, and what comes beside them is far below
/// [`MAX_CHANGES`](super::changes::MAX_CHANGES).
pub const ANEW_AT_ONCE: usize = 10_000;

/// Opens the store, at the start and after a failure.
pub type Opener = Box<dyn FnMut() -> Result<Store, StoreError> + Send>;

/// Whether the promise of the journal is kept at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Kept,
    /// What is accepted now would not outlive the process.
    Suspended { reason: String },
}

/// The journal of a running process. Dropping it lets the thread write what it has, and end.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    by: By,
}

/// Who writes.
#[derive(Debug)]
enum By {
    Thread(JoinHandle<()>),
    /// Whoever makes the changes.
    Caller(Inline),
    Nobody,
}

/// Tells how a journal is to whoever does not own it.
#[derive(Clone, Debug, Default)]
pub struct Monitor(Arc<Shared>);

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub news: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub changes: Changes,
    pub health: Health,
    pub commits: u64,
    /// What the commits took.
    pub durations: Histogram,
    pub rows: u64,
    pub stop: bool,
    /// How often all that waits and is remembered was asked for once more.
    pub anew: u64,
    /// What was found too late to be told at the start.
    pub left: Option<Recovered>,
}

impl Journal {
    /// Opens the store, tells what an earlier process left, and starts a thread that writes.
    ///
    /// Where that is not possible, says so, and tries again every half minute; see
    /// [`take_left`](Journal::take_left).
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`]: another process is at work with it.
    pub fn start(mut opener: Opener) -> Result<(Journal, Recovered), StoreError> {
        let (recovered, store) = first(&mut opener)?;
        let shared = Arc::new(Shared::default());
        let writer = Writer::new(Arc::clone(&shared), opener);
        let thread = Builder::new().name("journal".to_owned()).spawn(move || writer.run(store));
        match thread {
            Ok(thread) => Ok((Journal { shared, by: By::Thread(thread) }, recovered)),
            Err(error) => {
                let reason = no_thread(&error);
                error!(reason, "the journal is not written, a crash loses what waits");
                shared.lock().health = Health::Suspended { reason };
                Ok((Journal { shared, by: By::Nobody }, recovered))
            }
        }
    }

    /// The same without a thread: what changes is on disk when the change is made, so that nothing
    /// but the caller decides the order of things.
    ///
    /// # Errors
    ///
    /// See [`start`](Journal::start).
    pub fn inline(mut opener: Opener) -> Result<(Journal, Recovered), StoreError> {
        let (recovered, store) = first(&mut opener)?;
        let (shared, inline) = (Arc::default(), Inline::new(opener, store));
        Ok((Journal { shared, by: By::Caller(inline) }, recovered))
    }

    /// A journal that keeps nothing: what the others cost is measured against it.
    pub fn off() -> Journal {
        let shared = Arc::new(Shared::default());
        shared.lock().health = Health::Suspended { reason: "it is turned off".to_owned() };
        Journal { shared, by: By::Nobody }
    }

    /// Whether anybody writes what is changed.
    pub fn is_written(&self) -> bool {
        match self.by {
            By::Thread(_) | By::Caller(_) => true,
            By::Nobody => false,
        }
    }

    /// Whether changes gather until a commit carries them.
    pub fn gathers(&self) -> bool {
        match self.by {
            By::Thread(_) => true,
            By::Caller(_) | By::Nobody => false,
        }
    }

    /// Adds changes to what the next commit carries. With a thread it waits for nothing but a lock
    /// that is never held for long.
    pub fn change(&mut self, change: impl FnOnce(&mut Changes)) {
        match &mut self.by {
            By::Thread(_) => {
                change(&mut self.shared.lock().changes);
                self.shared.news.notify_one();
            }
            By::Caller(inline) => {
                let mut state = self.shared.lock();
                change(&mut state.changes);
                inline.write(&mut state);
            }
            By::Nobody => {}
        }
    }

    /// How often the journal has asked for all rows anew, because what was on disk was too far out of
    /// date: once they are in it, [`Changes::whole`] says so by this number. With whether there is
    /// room for some of them now.
    pub fn anew(&self) -> (u64, bool) {
        let state = self.shared.lock();
        (state.anew, state.changes.len() < ANEW_AT_ONCE)
    }

    /// What an earlier process left, if that could not be read at the start and can be now. Nothing
    /// is written before it is taken.
    pub fn take_left(&self) -> Option<Recovered> {
        let left = self.shared.lock().left.take();
        self.shared.news.notify_one();
        left
    }

    pub fn health(&self) -> Health {
        self.shared.lock().health.clone()
    }

    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.shared))
    }

    /// Writes what is left, and ends.
    ///
    /// Blocks for as long as the disk takes.
    pub fn close(mut self) -> Health {
        self.stop();
        self.health()
    }

    /// The same for who may not block.
    pub async fn closed(self) -> Health {
        match self.by {
            By::Caller(_) | By::Nobody => self.close(),
            By::Thread(_) => {
                let closed = spawn_blocking(move || self.close()).await;
                closed.unwrap_or_else(|error| {
                    let reason = Unfinished::from(error).to_string();
                    Health::Suspended { reason }
                })
            }
        }
    }

    fn stop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.news.notify_one();
        if let By::Thread(thread) = std::mem::replace(&mut self.by, By::Nobody)
            && thread.join().is_err()
        {
            let reason = "its thread ended by itself".to_owned();
            self.shared.lock().health = Health::Suspended { reason };
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Monitor {
    pub fn health(&self) -> Health {
        self.0.lock().health.clone()
    }

    /// Transactions so far.
    pub fn commits(&self) -> u64 {
        self.0.lock().commits
    }

    /// How long they took.
    pub fn durations(&self) -> Noted {
        self.0.lock().durations.noted()
    }

    /// Rows that were written or removed so far.
    pub fn rows(&self) -> u64 {
        self.0.lock().rows
    }
}

impl Shared {
    /// Nothing that holds the lock can leave it half changed.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the store for the first time.
fn first(opener: &mut Opener) -> Result<(Recovered, Result<Store, StoreError>), StoreError> {
    match opener().and_then(|store| Ok((store.recover()?, store))) {
        Ok((recovered, store)) => Ok((recovered, Ok(store))),
        Err(error @ StoreError::Locked) => Err(error),
        Err(error) => Ok((Recovered::default(), Err(error))),
    }
}

fn no_thread(error: &io::Error) -> String {
    format!("no thread can be started for the journal: {error}")
}

#[cfg(test)]
impl Journal {
    /// In memory, and written inline.
    pub(crate) fn for_tests() -> Journal {
        Journal::inline(Box::new(|| Ok(Store::for_tests()))).unwrap().0
    }
}
