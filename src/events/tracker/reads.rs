//! Reads through the API that are under way to settle a doubt, at most one for each conversation.

use std::collections::HashMap;

use crate::genesys::ConversationId;

/// Leave to read one conversation, and what was known of it then. It is given back by
/// [`take_read`](super::Tracker::take_read), [`take_gone`](super::Tracker::take_gone) or
/// [`give_up_read`](super::Tracker::give_up_read); until then no other read of that conversation begins.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct ReadTicket {
    pub(super) id: ConversationId,
    /// The acceptance that was the newest when the read began.
    pub(super) accepted: Option<u64>,
}

impl ReadTicket {
    pub fn conversation(&self) -> &ConversationId {
        &self.id
    }
}

/// As many as there are tickets out: how many that may be is up to who reads.
#[derive(Debug, Default)]
pub(super) struct Reads {
    under_way: HashMap<ConversationId, Read>,
}

#[derive(Debug)]
struct Read {
    /// Hashes of the bodies that were doubtful when it began, and which it settles.
    settles: Vec<u64>,
    /// Something came into doubt since: the answer may be older than that.
    again: bool,
}

impl Reads {
    /// Returns false if a read is under way.
    pub(super) fn begin(&mut self, id: &ConversationId, doubts: Vec<u64>) -> bool {
        if self.under_way.contains_key(id) {
            return false;
        }
        self.under_way.insert(id.clone(), Read { settles: doubts, again: false });
        true
    }

    /// Notes that a body is doubtful: a read under way comes too early for it, unless it was
    /// doubtful before.
    pub(super) fn doubted(&mut self, id: &ConversationId, body: u64) {
        if let Some(read) = self.under_way.get_mut(id) {
            read.again |= !read.settles.contains(&body);
        }
    }

    /// Returns true if it has to be read again.
    pub(super) fn end(&mut self, id: &ConversationId) -> bool {
        self.under_way.remove(id).is_some_and(|read| read.again)
    }
}
