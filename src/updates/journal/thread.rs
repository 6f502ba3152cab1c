//! The thread that writes the journal, and the handle that gives it something to write.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tracing::{error, info};

use super::changes::{Changes, MAX_CHANGES};
use super::store::{Recovered, Store, StoreError};

/// After a commit that failed, the store is opened anew this often.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// While nothing but time goes by, the good moment is written this often: a gap that is longer by so
/// much costs less than a disk that never sleeps.
const GOOD_EVERY: Duration = Duration::from_secs(5);

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
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    changes: Changes,
    health: Health,
    commits: u64,
    stop: bool,
}

impl Journal {
    /// Opens the store, tells what an earlier process left, and starts to write.
    ///
    /// Where that is not possible, says so, and is suspended until the process ends: what lies on
    /// disk was not taken over, and so must not be written over.
    pub fn start(mut opener: Opener) -> (Journal, Recovered) {
        let opened = opener().and_then(|store| Ok((store.recover()?, store)));
        let (recovered, store) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let reason = error.to_string();
                error!(
                    reason,
                    "the journal cannot be used, a crash loses what waits: mend it and restart"
                );
                return (Journal::suspended(reason), Recovered::default());
            }
        };
        let shared = Arc::new(Shared::default());
        let writer = Writer { shared: Arc::clone(&shared), opener, incomplete: false };
        let thread = Builder::new().name("journal".to_owned()).spawn(move || writer.run(store));
        match thread {
            Ok(thread) => (Journal { shared, thread: Some(thread) }, recovered),
            Err(error) => (Journal::suspended(no_thread(&error)), recovered),
        }
    }

    /// A journal that keeps nothing.
    fn suspended(reason: String) -> Journal {
        let state = State { health: Health::Suspended { reason }, ..State::default() };
        let shared = Shared { state: Mutex::new(state), news: Condvar::new() };
        Journal { shared: Arc::new(shared), thread: None }
    }

    /// Adds changes to what the next commit carries. Waits for nothing but a lock that is never held
    /// for long.
    pub fn change(&self, change: impl FnOnce(&mut Changes)) {
        if self.thread.is_some() {
            change(&mut self.shared.lock().changes);
            self.shared.news.notify_one();
        }
    }

    pub fn health(&self) -> Health {
        self.shared.lock().health.clone()
    }

    /// Transactions so far.
    pub fn commits(&self) -> u64 {
        self.shared.lock().commits
    }

    /// Writes what is left, and ends.
    ///
    /// Blocks for as long as the disk takes.
    pub fn close(mut self) -> Health {
        self.stop();
        self.health()
    }

    fn stop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take()
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

fn no_thread(error: &io::Error) -> String {
    format!("no thread can be started for the journal: {error}")
}

impl Shared {
    /// Nothing that holds the lock can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread does.
struct Writer {
    shared: Arc<Shared>,
    opener: Opener,
    /// So much came while nothing could be written that not all of it was kept.
    incomplete: bool,
}

impl Writer {
    fn run(mut self, mut store: Store) {
        while let Some(batch) = self.next_batch() {
            match store.commit(&batch) {
                Ok(()) => self.committed(),
                Err(error) => {
                    drop(store);
                    match self.failed(batch, &error) {
                        Some(opened) => store = opened,
                        None => return,
                    }
                }
            }
        }
    }

    /// Waits for something to write; `None` at the end.
    fn next_batch(&mut self) -> Option<Changes> {
        let mut state = self.shared.lock();
        loop {
            let good = state.changes.good_until.is_some();
            if !state.changes.is_empty() || (state.stop && good) {
                break;
            }
            if state.stop {
                return None;
            }
            let news = &self.shared.news;
            if good {
                let waited = news
                    .wait_timeout_while(state, GOOD_EVERY, |it| it.changes.is_empty() && !it.stop)
                    .unwrap_or_else(PoisonError::into_inner);
                state = waited.0;
                break;
            }
            state = news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut batch = std::mem::take(&mut state.changes);
        self.incomplete |= batch.clear;
        if self.incomplete {
            // A start after this one has to look again at everything since.
            batch.good_until = None;
        }
        Some(batch)
    }

    fn committed(&self) {
        let mut state = self.shared.lock();
        state.commits += 1;
        if self.incomplete {
            let reason = format!(
                "more than {MAX_CHANGES} changes came while nothing could be written, and what \
                 waited then is not in it; restart once the disk is well"
            );
            state.health = Health::Suspended { reason };
        } else if state.health != Health::Kept {
            state.health = Health::Kept;
            info!("the journal is written again");
        }
    }

    /// Keeps what could not be written, and opens the store anew; `None` at the end.
    fn failed(&mut self, batch: Changes, error: &StoreError) -> Option<Store> {
        let mut reason = error.to_string();
        error!(reason, "the journal cannot be written, a crash now loses what waits; tried again");
        let mut state = self.shared.lock();
        let later = std::mem::replace(&mut state.changes, batch);
        state.changes.then(later);
        loop {
            state.health = Health::Suspended { reason };
            let waited = self
                .shared
                .news
                .wait_timeout_while(state, TRY_AGAIN, |state| !state.stop)
                .unwrap_or_else(PoisonError::into_inner);
            let stop = waited.0.stop;
            drop(waited);
            match (self.opener)() {
                Ok(store) => return Some(store),
                Err(error) if stop => {
                    error!(reason = %error, "the journal ends without what came last");
                    return None;
                }
                Err(error) => reason = error.to_string(),
            }
            state = self.shared.lock();
        }
    }
}
