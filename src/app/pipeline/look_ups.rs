//! Conversations that somebody wants looked at, and what came of each.
//!
//! Who asks is told once all of them have been read, have turned out to be over, or cannot be read.
//! Nothing is read here: the pipeline reads, and says how each read ended.

use std::collections::BTreeSet;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::events::topic::Topic;
use crate::genesys::ConversationId;

/// Asks for conversations to be looked at as they are now.
#[derive(Debug)]
pub(in crate::app) struct LookUp {
    pub which: Which,
    pub done: oneshot::Sender<Found>,
}

#[derive(Debug)]
pub(in crate::app) enum Which {
    /// Those known alive that these topics tell of are named, and none is read.
    KnownOf(BTreeSet<Topic>),
    /// These, but for those of which there were news at that time or later.
    These(Vec<ConversationId>, Instant),
}

/// What came of a [`LookUp`], by number of conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Found {
    /// Every one that was asked for and did not have to be skipped; or that is known.
    pub conversations: Vec<ConversationId>,
    /// Those that were not as they were known, or not known.
    pub changed: usize,
    pub over: usize,
    pub not_permitted: usize,
    /// Their reads failed for good, or there was no room for them: they wait for their next event.
    pub given_up: usize,
    /// By key.
    pub wishes: usize,
}

/// How the read of one conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Same,
    /// With so many wishes.
    Changed(usize),
    Over(usize),
    NotPermitted,
    GivenUp,
}

/// The look-ups under way.
#[derive(Debug, Default)]
pub(super) struct LookUps {
    under_way: Vec<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    left: BTreeSet<ConversationId>,
    found: Found,
    done: oneshot::Sender<Found>,
}

impl LookUps {
    /// Notes who waits for these; one that waits for nobody is told at once.
    pub(super) fn begin(&mut self, ids: Vec<ConversationId>, done: oneshot::Sender<Found>) {
        let left = ids.iter().cloned().collect();
        let found = Found { conversations: ids, ..Found::default() };
        self.under_way.push(UnderWay { left, found, done });
        self.tell();
    }

    /// Notes how the read of a conversation ended, for everybody who waits for it.
    pub(super) fn settle(&mut self, id: &ConversationId, outcome: Outcome) {
        for one in &mut self.under_way {
            if !one.left.remove(id) {
                continue;
            }
            let found = &mut one.found;
            match outcome {
                Outcome::Same => {}
                Outcome::Changed(wishes) => {
                    found.changed += 1;
                    found.wishes += wishes;
                }
                Outcome::Over(wishes) => {
                    found.over += 1;
                    found.wishes += wishes;
                }
                Outcome::NotPermitted => found.not_permitted += 1,
                Outcome::GivenUp => found.given_up += 1,
            }
        }
        self.tell();
    }

    fn tell(&mut self) {
        let done = self.under_way.extract_if(.., |one| one.left.is_empty());
        for UnderWay { found, done, .. } in done {
            // Who has stopped waiting does not want to know.
            drop(done.send(found));
        }
    }
}

impl Found {
    /// Adds what came of another look-up of the same gap.
    pub(in crate::app) fn add(&mut self, other: Found) {
        self.conversations.extend(other.conversations);
        self.changed += other.changed;
        self.over += other.over;
        self.not_permitted += other.not_permitted;
        self.given_up += other.given_up;
        self.wishes += other.wishes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_when_all_are_settled() {
        let mut look_ups = LookUps::default();
        let [a, b, c] = ["a", "b", "c"].map(ConversationId::from);
        let (one, mut of_one) = oneshot::channel();
        let (other, mut of_other) = oneshot::channel();
        look_ups.begin(vec![a.clone(), b.clone()], one);
        look_ups.begin(vec![b.clone(), c.clone()], other);
        look_ups.settle(&b, Outcome::Changed(3));
        look_ups.settle(&c, Outcome::NotPermitted);
        let found = of_other.try_recv().unwrap();
        assert_eq!((found.changed, found.wishes, found.not_permitted), (1, 3, 1));
        assert!(of_one.try_recv().is_err());
        look_ups.settle(&a, Outcome::Over(1));
        look_ups.settle(&a, Outcome::Same);
        let found = of_one.try_recv().unwrap();
        assert_eq!((found.changed, found.over, found.wishes), (1, 1, 4));
        assert!(look_ups.under_way.is_empty());
    }

    #[test]
    fn nothing_to_look_at_is_told_at_once() {
        let (done, mut told) = oneshot::channel();
        LookUps::default().begin(Vec::new(), done);
        assert_eq!(told.try_recv().unwrap(), Found::default());
    }
}
