//! Which conversations are forgotten, and why: by name only, bounded in number, and those that are
//! over in age.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::genesys::{ByConversation, ConversationId};

/// Of those that are over, and of the others: some ten megabytes each.
const MAX_GRAVES: usize = 100_000;
/// Late frames of what is over come within minutes; the tracker takes none as news for so long.
const OVER_FOR: Duration = Duration::from_hours(6);

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
    over: VecDeque<(Instant, ConversationId)>,
    /// Those that are never written to again.
    closed: VecDeque<ConversationId>,
}

impl Graves {
    pub(super) fn bury(&mut self, id: &ConversationId, why: Gone, now: Instant) {
        if self.why.insert(id.clone(), why) != Some(why) {
            match why {
                Gone::Over => self.over.push_back((now, id.clone())),
                Gone::Evicted | Gone::Erased => self.closed.push_back(id.clone()),
            }
        }
        let is_old = |at: Instant| now.saturating_duration_since(at) >= OVER_FOR;
        while let Some((at, _)) = self.over.front()
            && (is_old(*at) || self.over.len() > MAX_GRAVES)
            && let Some((_, oldest)) = self.over.pop_front()
        {
            if self.why.get(&oldest) == Some(&Gone::Over) {
                self.why.remove(&oldest);
            }
        }
        while self.closed.len() > MAX_GRAVES
            && let Some(oldest) = self.closed.pop_front()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_forgotten_in_time_and_what_is_closed_is_not() {
        let (start, mut graves) = (Instant::now(), Graves::default());
        let id = |name: &str| ConversationId::new(name);
        let told = |graves: &Graves| ["a", "b", "c", "d"].map(|name| graves.find(&id(name)));
        graves.bury(&id("a"), Gone::Over, start);
        graves.bury(&id("b"), Gone::Evicted, start);
        graves.bury(&id("c"), Gone::Over, start);
        // Somebody wants its values forgotten, too.
        graves.bury(&id("c"), Gone::Erased, start);
        graves.bury(&id("d"), Gone::Over, start + Duration::from_hours(5));
        let [over, evicted, erased] = [Gone::Over, Gone::Evicted, Gone::Erased].map(Some);
        assert_eq!(told(&graves), [over, evicted, erased, over]);
        graves.bury(&id("e"), Gone::Over, start + OVER_FOR);
        assert_eq!(told(&graves), [None, evicted, erased, over]);
        assert_eq!((graves.over.len(), graves.closed.len(), graves.why.len()), (2, 2, 4));
    }
}
