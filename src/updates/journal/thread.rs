//! The thread that writes the journal.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::error;

use super::batch::{Batches, open_again};
use super::changes::Changes;
use super::contained::contained;
use super::handle::{Opener, Shared};
use super::store::{Recovered, Store, StoreError};

/// After a commit that failed, the store is opened anew this often.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// While nothing but time goes by, the good moment is written this often: a gap that is longer by so
/// much costs less than a disk that never sleeps.
const GOOD_EVERY: Duration = Duration::from_secs(30);

/// Between two commits: an update that is wished, pushed and accepted meanwhile is written once, and
/// a thousand a second make ten commits and not a thousand. What is lost by a crash so much later is
/// found again as what fell into its gap.
const PACE: Duration = Duration::from_millis(100);

/// What the thread does.
pub(super) struct Writer {
    shared: Arc<Shared>,
    opener: Opener,
    batches: Batches,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, opener: Opener) -> Writer {
        Writer { shared, opener, batches: Batches::default() }
    }

    /// Until the journal is closed. Should it end before, the journal says so.
    pub(super) fn run(self, first: Result<Store, StoreError>) {
        let shared = Arc::clone(&self.shared);
        let ended = contained(|| {
            self.write(first);
            Ok(())
        });
        if let Err(error) = ended {
            Batches::suspended(&mut shared.lock(), &error);
        }
    }

    fn write(mut self, first: Result<Store, StoreError>) {
        let first = first.or_else(|error| {
            Batches::suspended(&mut self.shared.lock(), &error);
            let (store, left) = self.open_again().ok_or(error)?;
            self.batches.found(&mut self.shared.lock(), left);
            Ok::<Store, StoreError>(store)
        });
        let Ok(mut store) = first else { return };
        while let Some(batch) = self.next_batch() {
            let began = Instant::now();
            let Err(error) = store.commit(&batch) else {
                self.batches.committed(&mut self.shared.lock(), &batch, began.elapsed());
                self.rest();
                continue;
            };
            let begun = store.begun();
            // Two of them cannot have it open.
            drop(store);
            Batches::failed(&mut self.shared.lock(), batch, &error);
            let Some((opened, _as_we_left_it)) = self.open_again() else { return };
            Batches::opened_again(&mut self.shared.lock(), begun, &opened);
            store = opened;
        }
    }

    /// Waits for something to write; `None` at the end.
    fn next_batch(&mut self) -> Option<Changes> {
        let mut state = self.shared.lock();
        loop {
            if state.left.is_some() && !state.stop {
                let news = &self.shared.news;
                state = news.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
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
        Some(self.batches.take(&mut state))
    }

    fn rest(&self) {
        let waited = self.shared.news.wait_timeout_while(self.shared.lock(), PACE, |it| !it.stop);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Opens the store anew, as often as it takes; `None` at the end.
    fn open_again(&mut self) -> Option<(Store, Recovered)> {
        let mut state = self.shared.lock();
        loop {
            let waited = self
                .shared
                .news
                .wait_timeout_while(state, TRY_AGAIN, |state| !state.stop)
                .unwrap_or_else(PoisonError::into_inner);
            let stop = waited.0.stop;
            drop(waited);
            let opened = open_again(&mut self.opener);
            state = self.shared.lock();
            match opened {
                Ok(opened) => return Some(opened),
                Err(error) if stop => {
                    error!(reason = %error, "the journal ends without what came last");
                    return None;
                }
                Err(error) => Batches::suspended(&mut state, &error),
            }
        }
    }
}
