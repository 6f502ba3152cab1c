//! What the client cannot be held to, because its process ended; and what it must be held to
//! although it was not told: a state that lasts is found, whatever became of its frame.

use jiff::{SignedDuration, Timestamp};

use super::fold::What;
use super::{Last, Oracle};
use crate::simulator::world::World;

/// After so long a state that lasts should have been found again: longer than a socket may be silent
/// before it is given up, a new one with its subscription, the query, its repetition and the reads
/// take in a short budget.
const FOUND_AFTER: SignedDuration = SignedDuration::from_secs(180);

impl Oracle {
    /// A change was made that topics which are listened to tell of.
    pub fn could_be_heard(&mut self, conversation: &str, sequence: u64, now: Timestamp) {
        self.cases.entry(conversation.to_owned()).or_default().audible = Some((sequence, now));
    }

    /// The client's process ended. What it was given since that time it may have lost, and writes of
    /// that time it may make again.
    pub fn client_died(&mut self, unsure_since: Timestamp) {
        for case in self.cases.values_mut() {
            for entry in case.entries.iter_mut().filter(|entry| entry.at >= unsure_since) {
                match &mut entry.what {
                    What::Looked(look) | What::Reloaded(look) => {
                        entry.what = What::Crossed(std::mem::take(look));
                    }
                    What::Written { answered, .. } => *answered = false,
                    What::Crossed(_) | What::Glimpsed(_) => {}
                }
            }
            let seen = case.entries.iter().filter(|entry| matches!(entry.what, What::Looked(_)));
            case.newest = seen.map(|entry| entry.sequence).max().unwrap_or_default();
            let last = case.last.take().filter(|last| last.at < unsure_since);
            case.last = last.map(|last| Last { lost: true, ..last });
        }
    }

    /// The client that runs was given the end of a conversation.
    pub fn has_seen_the_end(&self, conversation: &str) -> bool {
        let last = self.cases.get(conversation).and_then(|case| case.last.as_ref());
        last.is_some_and(|last| last.over && !last.lost)
    }

    /// Living conversations that should have been found by now, and were not.
    pub fn unseen(&self, world: &World, now: Timestamp) -> Vec<String> {
        let unseen = self.cases.iter().filter(|(id, case)| {
            let due = case.audible.filter(|(_, at)| *at + FOUND_AFTER < now);
            due.is_some_and(|(sequence, _)| sequence > case.newest)
                && world.over_since(id).is_none()
        });
        unseen.map(|(id, _)| id.clone()).collect()
    }
}
