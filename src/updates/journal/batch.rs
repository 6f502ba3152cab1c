//! One attempt to write what has gathered, and what its success or failure does to the rest.

use std::time::Duration;

use tracing::{error, info};

use super::changes::Changes;
use super::handle::{Health, Opener, State};
use super::store::{Recovered, Store, StoreError};

/// What both ways of writing remember from one batch to the next.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// So much came while nothing could be written that not all of it was kept, or an earlier
    /// process had left something; and not everything has been made anew since.
    incomplete: bool,
}

impl Batches {
    /// What an earlier process left is found only now: the owner takes it over before anything is
    /// written over it, and has everything made anew.
    pub(super) fn found(&mut self, state: &mut State, left: Recovered) {
        if left == Recovered::default() {
            return;
        }
        if state.stop {
            // Nobody takes it over any more.
            return state.changes.beside(&left);
        }
        self.incomplete = true;
        state.anew += 1;
        state.left = Some(left);
    }

    /// The store was opened once more. Where it is not the one that was written before, because somebody
    /// has put another in its place, nothing that is kept is in it: everything is made anew.
    pub(super) fn opened_again(state: &mut State, before: Option<i64>, store: &Store) {
        if store.begun() != before {
            state.changes.clear();
        }
    }

    /// Takes what has gathered.
    pub(super) fn take(&mut self, state: &mut State) -> Changes {
        let mut batch = std::mem::take(&mut state.changes);
        self.incomplete |= batch.clear;
        if self.incomplete {
            // A start after this one has to look again at everything since.
            batch.good_until = None;
        }
        batch
    }

    pub(super) fn committed(&mut self, state: &mut State, batch: &Changes, took: Duration) {
        state.commits += 1;
        state.durations.note(took);
        state.rows += batch.rows();
        if batch.clear {
            state.anew += 1;
        } else if batch.whole == state.anew {
            self.incomplete = false;
        }
        if self.incomplete {
            let reason = "it was out of date, and is being written anew".to_owned();
            state.health = Health::Suspended { reason };
        } else if state.health != Health::Kept {
            state.health = Health::Kept;
            info!("the journal is written again");
        }
    }

    /// Keeps what could not be written, under what came since.
    pub(super) fn failed(state: &mut State, batch: Changes, error: &StoreError) {
        let later = std::mem::replace(&mut state.changes, batch);
        state.changes.then(later);
        Batches::suspended(state, error);
    }

    pub(super) fn suspended(state: &mut State, error: &StoreError) {
        let reason = error.to_string();
        if state.health == Health::Kept {
            error!(
                reason,
                "the journal cannot be written, a crash now loses what waits: see to the disk and state.dir; tried again"
            );
        }
        state.health = Health::Suspended { reason };
    }
}

/// Opens the store once more, with what is there. One whose rows cannot be read is of no use.
pub(super) fn open_again(opener: &mut Opener) -> Result<(Store, Recovered), StoreError> {
    let store = opener()?;
    let left = store.recover()?;
    Ok((store, left))
}
