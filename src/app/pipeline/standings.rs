//! Which matches held, by conversation; also what an earlier process knew of that.
//!
//! The journal does not say it in so many words. But whose value was written, or waits to be, held
//! once: that much is taken over, so that `otherwise` is written although the process died between
//! a match and its end. A match that held and had nothing to write is not known any more.

use super::STANDINGS_OVER;
use crate::genesys::{ByConversation, ConversationId};
use crate::rules::Standing;
use crate::updates::journal::Recovered;

/// See the [module](self).
#[derive(Debug, Default)]
pub(in crate::app) struct Standings {
    /// Of the conversations that live, and of some that are over.
    known: ByConversation<Standing>,
    /// Of those that nobody has looked at since the start: no more than the journal has.
    left: ByConversation<Standing>,
}

impl Standings {
    /// What the journal of an earlier process tells.
    pub(in crate::app) fn left_by(before: &Recovered) -> Standings {
        let mut left: ByConversation<Standing> = ByConversation::default();
        let waiting = before
            .pending
            .iter()
            .flat_map(|(place, row)| row.keys.values().map(move |waiting| (place, &waiting.rule)));
        let written = before
            .memory
            .iter()
            .flat_map(|(place, row)| row.keys.values().map(move |written| (place, &written.rule)));
        for ((conversation, participant), rule) in waiting.chain(written) {
            let standing = left.entry(conversation.clone()).or_default();
            standing.held_before(rule, participant);
        }
        Standings { known: ByConversation::default(), left }
    }

    pub(super) fn get(&self, id: &ConversationId) -> Option<&Standing> {
        self.known.get(id).or_else(|| self.left.get(id))
    }

    pub(super) fn of(&mut self, id: &ConversationId) -> &mut Standing {
        let left = &mut self.left;
        let known = self.known.entry(id.clone());
        known.or_insert_with(|| left.remove(id).unwrap_or_default())
    }

    pub(super) fn forget(&mut self, id: &ConversationId) {
        self.known.remove(id);
        self.left.remove(id);
    }

    /// Keeps those that live, so many, and of the others a bounded number: their wrap-up may still
    /// come.
    pub(super) fn bound(&mut self, live: usize, lives: impl Fn(&ConversationId) -> bool) {
        if self.known.len() > live + STANDINGS_OVER {
            self.known.retain(|id, _| lives(id));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}
