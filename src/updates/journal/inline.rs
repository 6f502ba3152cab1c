//! Writes the journal within the caller's turn.

use std::fmt;

use tokio::time::Instant;

use super::batch::{Batches, open_again};
use super::handle::{Opener, State};
use super::store::{Store, StoreError};

/// See the [module](self). After a failure every change tries to open the store anew.
pub(super) struct Inline {
    opener: Opener,
    store: Result<Store, StoreError>,
    /// Which one it was, once it was open.
    was: Option<Option<i64>>,
    batches: Batches,
}

impl Inline {
    pub(super) fn new(opener: Opener, store: Result<Store, StoreError>) -> Inline {
        let was = store.as_ref().ok().map(Store::begun);
        Inline { opener, was, store, batches: Batches::default() }
    }

    /// Writes what has gathered.
    pub(super) fn write(&mut self, state: &mut State) {
        if state.changes.is_empty() && state.changes.good_until.is_none() {
            return;
        }
        if self.store.is_err() {
            self.store = open_again(&mut self.opener).map(|(store, left)| {
                match self.was.replace(store.begun()) {
                    None => self.batches.found(state, left),
                    Some(before) => Batches::opened_again(state, before, &store),
                }
                store
            });
        }
        if state.left.is_some() {
            return;
        }
        let store = match &mut self.store {
            Ok(store) => store,
            Err(error) => return Batches::suspended(state, error),
        };
        let batch = self.batches.take(state);
        let began = Instant::now();
        match store.commit(&batch) {
            Ok(()) => self.batches.committed(state, &batch, began.elapsed()),
            Err(error) => {
                Batches::failed(state, batch, &error);
                self.store = Err(error);
            }
        }
    }
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").field("store", &self.store).finish_non_exhaustive()
    }
}
