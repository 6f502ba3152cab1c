//! What is left of a snapshot that is not kept itself: enough to tell a topic that speaks of it, to
//! complete a read, and to see whether a read shows something else.

use std::collections::BTreeSet;

use crate::events::conversation::{Conversation, Participant, Text};
use crate::events::fingerprint::{hash, short_hash};
use crate::events::progress::{Compared, Progress};
use crate::events::topic::Topic;
use crate::genesys::{QueueId, UserId};

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
        let participants = || conversation.participants.iter();
        let flow = |one: &Participant| {
            one.flow_id.as_deref().map(|flow| (short_hash(&one.id), Box::from(flow)))
        };
        let wrapup =
            |one: &Participant| one.wrapup_expected.map(|expected| (short_hash(&one.id), expected));
        let mut topics: Vec<u32> = topics(conversation).collect();
        topics.sort_unstable();
        topics.dedup();
        Outline {
            attributes: attributes(conversation),
            topics: topics.into_boxed_slice(),
            flows: participants().filter_map(flow).collect(),
            wrapups_expected: participants().filter_map(wrapup).collect(),
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

/// Hashes of the topics that tell of a conversation; some may be there twice.
pub(super) fn topics(conversation: &Conversation) -> impl Iterator<Item = u32> {
    conversation.participants.iter().flat_map(|one| {
        let of_user = one.user_id.as_ref().map(user_hash);
        of_user.into_iter().chain(one.queue_id.as_ref().map(queue_hash))
    })
}

/// `None` of a media topic: nobody subscribes to one.
pub(super) fn topic_hash(topic: &Topic) -> Option<u32> {
    match topic {
        Topic::User(id) => Some(user_hash(id)),
        Topic::Queue(id) => Some(queue_hash(id)),
        Topic::UserMedia(..) | Topic::QueueMedia(..) => None,
    }
}

fn user_hash(id: &UserId) -> u32 {
    short_hash(&(b'u', id))
}

fn queue_hash(id: &QueueId) -> u32 {
    short_hash(&(b'q', id))
}

/// Of all attributes of all participants, in whatever order these come.
fn attributes(conversation: &Conversation) -> u64 {
    let with_some = conversation.participants.iter().filter(|one| !one.attributes.is_empty());
    with_some.map(|one| hash(&(&one.id, &one.attributes))).fold(0, u64::wrapping_add)
}
