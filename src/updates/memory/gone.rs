//! Which conversations are forgotten, and why: by name only, and bounded.

use std::collections::VecDeque;

use crate::genesys::{ByConversation, ConversationId};

/// Their late frames come within minutes; at a hundred conversations a second these are a quarter of
/// an hour, in some ten megabytes.
const MAX_GRAVES: usize = 100_000;

/// Why a conversation is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It is over, and its last wishes had their time.
    Over,
    /// There were too many: it is never written to again.
    Evicted,
    /// Somebody wanted its values forgotten: it is never written to again, and nothing of it kept.
    Erased,
}

#[derive(Debug, Default)]
pub(super) struct Graves {
    why: ByConversation<Gone>,
    order: VecDeque<ConversationId>,
}

impl Graves {
    pub(super) fn bury(&mut self, id: &ConversationId, why: Gone) {
        if self.why.insert(id.clone(), why).is_none() {
            self.order.push_back(id.clone());
        }
        while self.order.len() > MAX_GRAVES
            && let Some(oldest) = self.order.pop_front()
        {
            self.why.remove(&oldest);
        }
    }

    pub(super) fn find(&self, id: &ConversationId) -> Option<Gone> {
        self.why.get(id).copied()
    }

    /// A conversation that was over lives again. Its place in the order stays, and makes it be
    /// forgotten earlier should it be buried again.
    pub(super) fn rise(&mut self, id: &ConversationId) {
        self.why.remove(id);
    }
}
