//! Reads through the API that are under way to settle a doubt, at most one for each conversation.

use tokio::time::Instant;

use crate::genesys::{ByConversation, ConversationId};

/// Leave to read one conversation, and what was known of it then. It is given back by
/// [`take_read`](super::Tracker::take_read), [`take_gone`](super::Tracker::take_gone) or
/// [`give_up_read`](super::Tracker::give_up_read); until then no other read of that conversation begins.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct ReadTicket {
    pub(super) id: ConversationId,
    /// The acceptance that was the newest when the read began.
    pub(super) accepted: Option<u64>,
    /// When the request went out, if that was later.
    pub(super) sent: Option<Instant>,
}

impl ReadTicket {
    pub fn conversation(&self) -> &ConversationId {
        &self.id
    }

    /// Notes that the request goes out only now: it may have waited for the budget, and what came
    /// until then has not overtaken it.
    pub fn sent_at(&mut self, now: Instant) {
        self.sent = Some(now);
    }

    /// Whether something that came then may be newer than the answer.
    pub(super) fn is_before(&self, at: Instant) -> bool {
        self.sent.is_none_or(|sent| at >= sent)
    }
}

/// As many as there are tickets out: how many that may be is up to who reads.
#[derive(Debug, Default)]
pub(super) struct Reads {
    under_way: ByConversation<Read>,
}

#[derive(Debug)]
struct Read {
    /// Hashes of the bodies that were doubtful when it began, and which it settles.
    settles: Vec<u64>,
    /// When something came into doubt since, last: the answer may be older than that.
    again: Option<Instant>,
    /// When a stream showed it as it is held that is not known to be only catching up, last: an answer
    /// that shows it otherwise may be older than that.
    seen_as_held: Option<Instant>,
}

/// What happened while a read was under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meanwhile {
    pub(super) doubted: Option<Instant>,
    pub(super) seen_as_held: Option<Instant>,
}

impl Reads {
    /// Returns false if a read is under way.
    pub(super) fn begin(&mut self, id: &ConversationId, doubts: Vec<u64>) -> bool {
        if self.under_way.contains_key(id) {
            return false;
        }
        self.under_way
            .insert(id.clone(), Read { settles: doubts, again: None, seen_as_held: None });
        true
    }

    /// Notes that a body is doubtful: a read under way comes too early for it, unless it was
    /// doubtful before.
    pub(super) fn doubted(&mut self, id: &ConversationId, body: u64, now: Instant) {
        if let Some(read) = self.under_way.get_mut(id)
            && !read.settles.contains(&body)
        {
            read.again = Some(now);
        }
    }

    /// Notes that a stream showed the conversation as it is held.
    pub(super) fn seen_as_held(&mut self, id: &ConversationId, now: Instant) {
        if let Some(read) = self.under_way.get_mut(id) {
            read.seen_as_held = Some(now);
        }
    }

    pub(super) fn end(&mut self, id: &ConversationId) -> Meanwhile {
        let read = self.under_way.remove(id);
        read.map_or_else(Meanwhile::default, |read| Meanwhile {
            doubted: read.again,
            seen_as_held: read.seen_as_held,
        })
    }
}
