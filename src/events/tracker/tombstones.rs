//! What is remembered of conversations that are over, so that a late frame does not revive them.
//!
//! Bounded in number and in age, the oldest out first. A conversation that is forgotten here and
//! shows up again is a new one.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::defects::{self, Defect};
use crate::events::progress::Progress;
use crate::genesys::{ByConversation, ConversationId};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Tombstones {
    by_id: ByConversation<Tombstone>,
    /// In the order of burial. One that was revived since is no longer meant.
    order: VecDeque<(Instant, u64, ConversationId)>,
    limit: usize,
    max_age: Duration,
}

#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) progress: Progress,
    /// Which acceptance it was that buried it.
    pub(super) accepted: u64,
    pub(super) since: Instant,
}

impl Tombstones {
    pub(super) fn new(limit: usize, max_age: Duration) -> Tombstones {
        Tombstones { by_id: ByConversation::default(), order: VecDeque::new(), limit, max_age }
    }

    pub(super) fn get(&self, id: &ConversationId) -> Option<&Tombstone> {
        self.by_id.get(id)
    }

    pub(super) fn remove(&mut self, id: &ConversationId) {
        self.by_id.remove(id);
    }

    pub(super) fn bury(&mut self, id: ConversationId, tombstone: Tombstone, now: Instant) {
        if defects::on(Defect::TombstoneMissing) {
            return;
        }
        self.order.push_back((tombstone.since, tombstone.accepted, id.clone()));
        self.by_id.insert(id, tombstone);
        self.forget(now);
    }

    /// Forgets what is too old or too much.
    pub(super) fn forget(&mut self, now: Instant) {
        while let Some((at, _, _)) = self.order.front() {
            let is_old = now.saturating_duration_since(*at) >= self.max_age;
            if !is_old && self.order.len() <= self.limit {
                return;
            }
            let Some((_, accepted, id)) = self.order.pop_front() else { return };
            if self.by_id.get(&id).is_some_and(|known| known.accepted == accepted) {
                self.by_id.remove(&id);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}
