//! What will not be sent, and why: kept for whoever asks, the oldest giving way.
//!
//! Each is also one line in the log, by name of key and never with a value.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::push::Changes;
use crate::genesys::{ConversationId, ParticipantId};

/// Some ten megabytes at most; more than anybody reads.
pub const MAX_DEAD_LETTERS: usize = 10_000;

/// One rule's keys for one participant that were given up.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub conversation: ConversationId,
    pub participant: ParticipantId,
    /// The values that were wished.
    pub changes: Changes,
    pub rule: Arc<str>,
    pub reason: Reason,
    /// Of the answer that decided it, where there was one.
    pub status: Option<u16>,
    pub correlation_id: Option<String>,
    /// What the server said, without our values.
    pub answer: Option<String>,
    pub at: Instant,
}

/// Why something was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The conversation ended before it could be sent.
    ConversationOver,
    /// 404 while the conversation lives.
    ParticipantGone,
    /// It waited for longer than `max_age`.
    TooOld,
    /// It waited for longer than its rule's `useless_after`.
    Useless,
    /// 400, 413 and their like.
    Refused,
    /// 409, several times.
    Conflict,
    /// The key is outside of `allowed_keys`.
    NotAllowed,
    /// The value is longer than `max_value_length`.
    TooLong,
    /// Accepted several times, and never seen.
    NotApplied,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ConversationOver => "conversation-over",
            Reason::ParticipantGone => "participant-gone",
            Reason::TooOld => "too-old",
            Reason::Useless => "useless",
            Reason::Refused => "refused",
            Reason::Conflict => "conflict",
            Reason::NotAllowed => "not-allowed",
            Reason::TooLong => "too-long",
            Reason::NotApplied => "not-applied",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DeadLetter {
    /// The keys, for a line of the log.
    pub fn keys(&self) -> String {
        let keys: Vec<&str> = self.changes.keys().map(|key| &**key).collect();
        keys.join(" ")
    }
}

/// Without the values.
impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("conversation", &self.conversation)
            .field("participant", &self.participant)
            .field("keys", &self.keys())
            .field("rule", &self.rule)
            .field("reason", &self.reason)
            .field("status", &self.status)
            .field("correlation_id", &self.correlation_id)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

/// The last [`MAX_DEAD_LETTERS`].
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    letters: VecDeque<DeadLetter>,
    displaced: u64,
}

/// The dead letters as somebody asked for them.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The oldest first.
    pub letters: Vec<DeadLetter>,
    /// How many older ones had to give way.
    pub displaced: u64,
}

impl DeadLetters {
    pub(crate) fn add(&mut self, letter: DeadLetter) {
        if self.letters.len() >= MAX_DEAD_LETTERS {
            self.letters.pop_front();
            self.displaced += 1;
        }
        self.letters.push_back(letter);
    }

    pub(crate) fn show(&self) -> Kept {
        Kept { letters: self.letters.iter().cloned().collect(), displaced: self.displaced }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_oldest_gives_way_and_debug_shows_no_value() {
        let mut letters = DeadLetters::default();
        let letter = |n: usize| DeadLetter {
            conversation: ConversationId::new(&n.to_string()),
            participant: ParticipantId::new("p"),
            changes: BTreeMap::from([(Arc::from("k"), Arc::from("a value"))]),
            rule: Arc::from("r"),
            reason: Reason::TooOld,
            status: None,
            correlation_id: None,
            answer: None,
            at: Instant::now(),
        };
        for n in 0..=MAX_DEAD_LETTERS {
            letters.add(letter(n));
        }
        let kept = letters.show();
        assert_eq!((kept.letters.len(), kept.displaced), (MAX_DEAD_LETTERS, 1));
        assert_eq!(kept.letters[0].conversation.as_str(), "1");
        assert!(!format!("{letters:?}").contains("a value"));
    }
}
