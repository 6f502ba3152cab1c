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
    /// By participant, of whom only its hash is left, what no read tells.
    flows: Box<[(u32, Box<str>)]>,
    /// Likewise.
    wrapups_expected: Box<[(u32, bool)]>,
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
        let participants =
            || conversation.participants.iter().map(|one| (short_hash(&one.id), one));
        let flows =
            participants().filter_map(|(id, one)| Some((id, Box::from(one.flow_id.as_deref()?))));
        let wrapups = participants().filter_map(|(id, one)| Some((id, one.wrapup_expected?)));
        Outline {
            attributes: attributes(conversation),
            topics: topics(conversation).into_iter().collect(),
            flows: flows.collect(),
            wrapups_expected: wrapups.collect(),
        }
    }

    /// The same as [`Conversation::fill_in_from`].
    pub(super) fn fill_in(&self, read: &mut Conversation) {
        for participant in &mut read.participants {
            let id = short_hash(&participant.id);
            if participant.flow_id.is_none() {
                let flow = self.flows.iter().find(|(of, _)| *of == id);
                participant.flow_id = flow.map(|(_, flow)| Text::from(&**flow));
            }
            if participant.wrapup_expected.is_none() {
                let wrapup = self.wrapups_expected.iter().find(|(of, _)| *of == id);
                participant.wrapup_expected = wrapup.map(|(_, expected)| *expected);
            }
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
    short_hash(topic)
}

fn short_hash(value: impl Hash) -> u32 {
    u32::try_from(hash(value) >> 32).unwrap_or_default()
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
