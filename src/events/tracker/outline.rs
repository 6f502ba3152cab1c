//! What is left of a snapshot that is not kept itself: enough to tell a topic that speaks of it, to
//! complete a read, and to see whether a read shows something else.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::events::conversation::{Conversation, Participant, Text};
use crate::events::progress::{Compared, Progress};
use crate::events::topic::Topic;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Outline {
    attributes: u64,
    /// Hashes of the topics that tell of it. Two of the same hash cost a read that nobody needs.
    topics: Box<[u32]>,
    /// What no read tells, of those who have any of it.
    only_told: Box<[OnlyTold]>,
}

/// What only events tell of a participant.
#[derive(Debug)]
struct OnlyTold {
    participant: u64,
    flow_id: Option<Box<str>>,
    wrapup_expected: Option<bool>,
}

/// What of a conversation no event may be silent about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gist {
    progress: Progress,
    attributes: u64,
}

/// What one [`Gist`] has that another lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differs {
    Progress,
    Attributes,
}

impl Outline {
    pub(super) fn of(conversation: &Conversation) -> Outline {
        let only_told = conversation.participants.iter().filter_map(|one| {
            let wrapup_expected = one.wrapup_expected;
            let flow_id = one.flow_id.as_deref().map(Box::from);
            let any = flow_id.is_some() || wrapup_expected.is_some();
            any.then(|| OnlyTold { participant: hash(&one.id), flow_id, wrapup_expected })
        });
        Outline {
            attributes: attributes(conversation),
            topics: topics(conversation).into_iter().collect(),
            only_told: only_told.collect(),
        }
    }

    /// The same as [`Conversation::fill_in_from`].
    pub(super) fn fill_in(&self, read: &mut Conversation) {
        for participant in &mut read.participants {
            let id = hash(&participant.id);
            let Some(told) = self.only_told.iter().find(|told| told.participant == id) else {
                continue;
            };
            if participant.flow_id.is_none() {
                participant.flow_id = told.flow_id.as_deref().map(Text::from);
            }
            participant.wrapup_expected = participant.wrapup_expected.or(told.wrapup_expected);
        }
    }

    pub(super) fn is_told_by(&self, asked: &BTreeSet<u32>) -> bool {
        self.topics.iter().any(|topic| asked.contains(topic))
    }

    pub(super) fn gist(&self, progress: &Progress) -> Gist {
        Gist { progress: progress.clone(), attributes: self.attributes }
    }
}

impl Gist {
    pub fn of(conversation: &Conversation) -> Gist {
        Gist { progress: Progress::of(conversation), attributes: attributes(conversation) }
    }

    pub fn differs(&self, other: &Gist) -> Option<Differs> {
        if self.progress.compare(&other.progress) != Compared::Same {
            return Some(Differs::Progress);
        }
        (self.attributes != other.attributes).then_some(Differs::Attributes)
    }
}

/// Hashes of the topics that tell of a conversation.
pub(super) fn topics(conversation: &Conversation) -> BTreeSet<u32> {
    let of = |one: &Participant| {
        let user = one.user_id.clone().map(Topic::User);
        let queue = one.queue_id.clone().map(Topic::Queue);
        user.into_iter().chain(queue).map(|topic| topic_hash(&topic))
    };
    conversation.participants.iter().flat_map(of).collect()
}

pub(super) fn topic_hash(topic: &Topic) -> u32 {
    u32::try_from(hash(topic) >> 32).unwrap_or_default()
}

/// Of all attributes of all participants, in whatever order these come.
fn attributes(conversation: &Conversation) -> u64 {
    let each = conversation.participants.iter().map(|one| hash((&one.id, &one.attributes)));
    each.fold(0, u64::wrapping_add)
}

/// Its keys are fixed, so that every run of the same frames goes the same way.
fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
