//! The fight guard (SEMANTICS 3): a key, or a conversation, that is written too often rests.
//!
//! Two programs that correct each other, or two rules, would else spend the account's budget for
//! ever. What is wished meanwhile waits in the outbox, and the last of it is written after the
//! rest. Only accepted writes count: a retry is no fight.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::few::Few;
use super::outbox::Target;
use super::settings::Settings;
use crate::genesys::{ByConversation, ConversationId, ParticipantId};

#[derive(Debug, Default)]
pub(crate) struct Guard {
    conversations: ByConversation<Writes>,
}

#[derive(Debug, Default)]
struct Writes {
    /// Requests, whatever their keys.
    all: Recent,
    keys: Few<ParticipantId, Few<Arc<str>, Recent>>,
}

/// When it was written, within the window.
#[derive(Debug, Default)]
struct Recent {
    times: VecDeque<Instant>,
    /// The rest that has been told of.
    told: Option<Instant>,
}

/// A rest that the guard imposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub until: Instant,
    pub of: Resting,
    /// Nobody has been told of this rest yet.
    pub news: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resting {
    Key,
    Conversation,
}

impl Guard {
    /// Notes an accepted request.
    pub(crate) fn wrote<'a>(
        &mut self,
        target: &Target,
        keys: impl Iterator<Item = &'a Arc<str>>,
        now: Instant,
        settings: &Settings,
    ) {
        let writes = self.conversations.entry(target.conversation.clone()).or_default();
        writes.all.note(now, settings.fight_window);
        let by_key = writes.keys.get_or_insert_with(target.participant.clone(), Few::default);
        for key in keys {
            let recent = by_key.get_or_insert_with(Arc::clone(key), Recent::default);
            recent.note(now, settings.fight_window);
        }
    }

    /// Says whether this key has to rest now, and until when.
    pub(crate) fn rest(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        now: Instant,
        settings: &Settings,
    ) -> Option<Rest> {
        let window = settings.fight_window;
        let writes = self.conversations.get_mut(&target.conversation)?;
        let of_conversation = writes
            .all
            .rest(now, settings.fight_conversation_writes, window)
            .map(|(until, news)| Rest { until, of: Resting::Conversation, news });
        let of_key = writes
            .keys
            .get_mut(&target.participant)
            .and_then(|keys| keys.get_mut(key))
            .and_then(|recent| recent.rest(now, settings.fight_key_writes, window))
            .map(|(until, news)| Rest { until, of: Resting::Key, news });
        of_conversation.into_iter().chain(of_key).max_by_key(|rest| rest.until)
    }

    /// Whether this key was written after that.
    pub(crate) fn has_written_since(
        &self,
        target: &Target,
        key: &Arc<str>,
        since: Instant,
    ) -> bool {
        let writes = self.conversations.get(&target.conversation);
        let keys = writes.and_then(|writes| writes.keys.get(&target.participant));
        let times = keys.and_then(|keys| keys.get(key)).map(|recent| &recent.times);
        times.and_then(VecDeque::back).is_some_and(|last| *last > since)
    }

    pub(crate) fn forget(&mut self, conversation: &ConversationId) {
        self.conversations.remove(conversation);
    }
}

impl Recent {
    fn note(&mut self, now: Instant, window: Duration) {
        while self.times.front().is_some_and(|time| *time + window <= now) {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }

    /// The rest ends when fewer than `limit` writes are left in the window.
    fn rest(&mut self, now: Instant, limit: usize, window: Duration) -> Option<(Instant, bool)> {
        let decisive = self.times.len().checked_sub(limit).filter(|_| limit > 0)?;
        let until = *self.times.get(decisive)? + window;
        if until <= now {
            return None;
        }
        let news = self.told.is_none_or(|told| told < now);
        self.told = Some(until);
        Some((until, news))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_rests_after_five_writes_in_ten_minutes_until_one_of_them_is_ten_minutes_old() {
        let settings = Settings::for_tests();
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_secs(minutes * 60);
        let target = Target::new("c", "p");
        let key: Arc<str> = Arc::from("k");
        let mut guard = Guard::default();
        for minute in 0..4_u64 {
            guard.wrote(&target, [&key].into_iter(), at(minute), &settings);
        }
        assert_eq!(guard.rest(&target, &key, at(4), &settings), None);
        guard.wrote(&target, [&key].into_iter(), at(4), &settings);
        let rest = Rest { until: at(10), of: Resting::Key, news: true };
        assert_eq!(guard.rest(&target, &key, at(5), &settings), Some(rest));
        assert_eq!(guard.rest(&target, &key, at(6), &settings), Some(Rest { news: false, ..rest }));
        assert_eq!(guard.rest(&target, &Arc::from("other"), at(6), &settings), None);
        assert_eq!(guard.rest(&target, &key, at(10), &settings), None);
    }

    #[test]
    fn a_conversation_rests_as_a_whole() {
        let settings = Settings { fight_conversation_writes: 3, ..Settings::for_tests() };
        let now = Instant::now();
        let mut guard = Guard::default();
        for participant in ["p", "q", "r"] {
            let key = Arc::from("k");
            guard.wrote(&Target::new("c", participant), [&key].into_iter(), now, &settings);
        }
        let rest = guard.rest(&Target::new("c", "s"), &Arc::from("k"), now, &settings);
        assert_eq!(rest.map(|rest| rest.of), Some(Resting::Conversation));
        assert_eq!(guard.rest(&Target::new("d", "s"), &Arc::from("k"), now, &settings), None);
    }
}
