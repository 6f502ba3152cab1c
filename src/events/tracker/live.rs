//! The conversations that are live, in the order of their last news; those that had some last with
//! their newest snapshot, as many as there is room for.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::StreamId;
use super::course::Course;
use super::outline::{Gist, Outline, topics};
use super::seldom::Seldom;
use crate::events::conversation::{Communication, Conversation, Participant};
use crate::events::fingerprint::hash;
use crate::events::progress::Progress;
use crate::genesys::{ByConversation, ConversationId};
use crate::in_order::InOrder;
use crate::moment::Moment;

/// How many doubts of one conversation are remembered until it moves on: one for each stream. Of
/// more, the oldest is forgotten, which can only cost another read.
const MAX_DOUBTS: usize = 8;

/// What an attribute takes beside its text, and a participant for its id and lists, in bytes.
const ATTRIBUTE: usize = 16;
const ALLOCATIONS: usize = 256;

/// A snapshot with what it is judged by.
pub(super) struct Candidate {
    pub(super) conversation: Arc<Conversation>,
    pub(super) progress: Progress,
    /// Hash of the normalised value.
    content: u64,
    /// Hash of what was sent, where that counts; a read has none.
    pub(super) sent: Option<NonZeroU64>,
}

/// One live conversation.
#[derive(Debug)]
pub(super) struct Live {
    held: Held,
    pub(super) progress: Progress,
    content: u64,
    sent: Option<NonZeroU64>,
    pub(super) course: Course,
    /// Number of the acceptance of what is held.
    pub(super) accepted: u64,
    /// What came into doubt since: each stream's last word, if that was doubtful.
    doubts: Seldom<(StreamId, u64)>,
    turn: u64,
    last_news: Moment,
}

/// The newest snapshot, or what is left of it.
#[derive(Debug)]
enum Held {
    /// With its [weight]: to look it over again after a while takes longer than to keep it.
    Whole(Arc<Conversation>, u32),
    Outline(Box<Outline>),
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct LiveConversations {
    /// Boxed: a table has room for twice as many as are in it.
    by_id: ByConversation<Box<Live>>,
    /// By the turn of their last news, the longest without first.
    order: InOrder<ConversationId>,
    /// The turns of those whose snapshot is kept.
    whole: BTreeSet<u64>,
    /// What these take.
    bytes: usize,
    turns: u64,
}

impl Candidate {
    pub(super) fn new(conversation: Arc<Conversation>, sent: Option<NonZeroU64>) -> Candidate {
        let progress = Progress::of(&conversation);
        let content = hash(&*conversation);
        Candidate { conversation, progress, content, sent }
    }

    /// Hash of all that tells it from another.
    pub(super) fn body(&self) -> u64 {
        hash(&(self.content, self.sent))
    }

    /// Whether it says the same; by the hash, where what is held is no more than that. What was sent
    /// is compared where both were sent.
    pub(super) fn equals(&self, live: &Live) -> bool {
        let told_apart = self.sent.is_some() && live.sent.is_some();
        (!told_apart || self.sent == live.sent)
            && self.content == live.content
            && live.whole().is_none_or(|held| *held == self.conversation)
    }
}

/// Of the JSON value, whatever its layout; of the text where it is none.
pub(super) fn text_hash(text: &str) -> NonZeroU64 {
    let hash = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => hash(&value),
        Err(_) => hash(&text),
    };
    NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN)
}

impl Held {
    fn whole(conversation: Arc<Conversation>) -> Held {
        let weight = u32::try_from(weight(&conversation)).unwrap_or(u32::MAX);
        Held::Whole(conversation, weight)
    }
}

impl Live {
    fn new(candidate: Candidate, accepted: u64, turn: u64, last_news: Instant) -> Live {
        let (course, doubts) = (Course::new(candidate.body(), last_news), Seldom::default());
        let last_news = last_news.into();
        let Candidate { conversation, progress, content, sent } = candidate;
        let held = Held::whole(conversation);
        Live { held, progress, content, sent, course, accepted, doubts, turn, last_news }
    }

    /// The newest snapshot, if it is kept.
    pub(super) fn whole(&self) -> Option<&Arc<Conversation>> {
        match &self.held {
            Held::Whole(conversation, _) => Some(conversation),
            Held::Outline(_) => None,
        }
    }

    /// What the newest snapshot takes, if it is kept.
    fn weight(&self) -> usize {
        match self.held {
            Held::Whole(_, weight) => weight as usize,
            Held::Outline(_) => 0,
        }
    }

    /// Fills in what a read does not tell.
    pub(super) fn fill_in(&self, read: &mut Conversation) {
        match &self.held {
            Held::Whole(held, _) => read.fill_in_from(held),
            Held::Outline(outline) => outline.fill_in(read),
        }
    }

    pub(super) fn gist(&self) -> Gist {
        match &self.held {
            Held::Whole(held, _) => Gist::of(held),
            Held::Outline(outline) => outline.gist(&self.progress),
        }
    }

    /// Whether one of these topics tells of it.
    pub(super) fn is_told_by(&self, asked: &BTreeSet<u32>) -> bool {
        match &self.held {
            Held::Whole(held, _) => topics(held).any(|topic| asked.contains(&topic)),
            Held::Outline(outline) => outline.is_told_by(asked),
        }
    }

    /// Whether it is not known how what is held was sent.
    pub(super) fn is_without_text(&self) -> bool {
        self.sent.is_none()
    }

    pub(super) fn last_news(&self) -> Instant {
        self.last_news.into()
    }

    pub(super) fn doubt(&mut self, stream: StreamId, body: u64) {
        self.doubts.push((stream, body), MAX_DOUBTS);
    }

    /// Forgets what a stream said: its last word is the one that counts. Returns true if it had said
    /// something doubtful.
    pub(super) fn forget_doubt(&mut self, stream: StreamId) -> bool {
        self.doubts.retain(|(doubted, _)| *doubted != stream)
    }

    /// Notes that a stream has shown the current body.
    pub(super) fn show_current(&mut self, stream: StreamId) {
        self.course.show(stream, hash(&(self.content, self.sent)));
    }

    pub(super) fn forget_doubts(&mut self) {
        self.doubts = Seldom::default();
    }

    pub(super) fn is_doubted(&self, stream: StreamId, body: u64) -> bool {
        self.doubts.as_slice().contains(&(stream, body))
    }

    pub(super) fn doubted_bodies(&self) -> Vec<u64> {
        self.doubts.as_slice().iter().map(|(_, body)| *body).collect()
    }

    fn move_on(&mut self, candidate: Candidate, accepted: u64, now: Instant) {
        let body = candidate.body();
        let Candidate { conversation, progress, content, sent } = candidate;
        self.course.accept(body, now);
        // A stream whose doubtful body turned out to be the newest has shown it: else each hold
        // after the first would cost a read.
        for (stream, doubt) in self.doubts.take() {
            if doubt == body {
                self.course.brought_by(stream);
            }
        }
        (self.held, self.progress) = (Held::whole(conversation), progress);
        (self.content, self.sent) = (content, sent);
        self.accepted = accepted;
    }
}

impl LiveConversations {
    pub(super) fn get(&self, id: &ConversationId) -> Option<&Live> {
        self.by_id.get(id).map(|live| &**live)
    }

    pub(super) fn get_mut(&mut self, id: &ConversationId) -> Option<&mut Live> {
        self.by_id.get_mut(id).map(|live| &mut **live)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The one longest without news first.
    pub(super) fn ids(&self) -> impl Iterator<Item = &ConversationId> {
        self.order.values()
    }

    /// Those whose snapshot is kept, likewise.
    pub(super) fn whole(&self) -> impl Iterator<Item = &Arc<Conversation>> {
        let ids = self.whole.iter().filter_map(|turn| self.order.get(*turn));
        ids.filter_map(|id| self.by_id.get(id)?.whole())
    }

    /// Makes a snapshot the newest of its conversation, whether or not that was known.
    pub(super) fn accept(
        &mut self,
        candidate: Candidate,
        accepted: u64,
        now: Instant,
    ) -> &mut Live {
        let turn = self.turns;
        self.turns += 1;
        let place = self.by_id.entry(candidate.conversation.id.clone());
        // The text of the id that is kept already, and not each frame's.
        self.order.insert(turn, place.key().clone());
        self.whole.insert(turn);
        let live = match place {
            Entry::Occupied(known) => {
                let live = known.into_mut();
                self.order.remove(live.turn);
                self.whole.remove(&live.turn);
                self.bytes -= live.weight();
                (live.turn, live.last_news) = (turn, now.into());
                live.move_on(candidate, accepted, now);
                live
            }
            Entry::Vacant(place) => {
                place.insert(Box::new(Live::new(candidate, accepted, turn, now)))
            }
        };
        self.bytes += live.weight();
        live
    }

    /// Notes news of a conversation.
    pub(super) fn touch(&mut self, id: &ConversationId, now: Instant) {
        if let Some(live) = self.by_id.get_mut(id) {
            let id = self.order.remove(live.turn).unwrap_or_else(|| id.clone());
            self.order.insert(self.turns, id);
            if self.whole.remove(&live.turn) {
                self.whole.insert(self.turns);
            }
            live.turn = self.turns;
            live.last_news = now.into();
            self.turns += 1;
        }
    }

    pub(super) fn remove(&mut self, id: &ConversationId) -> Option<Live> {
        let live = self.by_id.remove(id)?;
        self.order.remove(live.turn);
        self.whole.remove(&live.turn);
        self.bytes -= live.weight();
        Some(*live)
    }

    /// Forgets the one longest without news.
    pub(super) fn evict(&mut self) {
        let longest = self.order.first().map(|(_, id)| id.clone());
        if let Some(id) = longest {
            self.remove(&id);
        }
    }

    /// What the snapshots that are kept take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a snapshot that says what is held already, where no more than an outline is.
    pub(super) fn keep(&mut self, conversation: &Arc<Conversation>) {
        let Some(live) = self.by_id.get_mut(&conversation.id) else { return };
        if self.whole.insert(live.turn) {
            live.held = Held::whole(Arc::clone(conversation));
            self.bytes += live.weight();
        }
    }

    /// Leaves outlines of the snapshots of those longest without news, until the others take no more
    /// than this.
    pub(super) fn outline(&mut self, limit: usize) {
        while self.bytes > limit
            && let Some(turn) = self.whole.pop_first()
        {
            let live = self.order.get(turn).and_then(|id| self.by_id.get_mut(id));
            let Some(live) = live else { continue };
            if let Held::Whole(held, weight) = &live.held {
                self.bytes -= *weight as usize;
                live.held = Held::Outline(Box::new(Outline::of(held)));
            }
        }
    }

    /// Those without news for so long, the longest first.
    pub(super) fn silent_for(&self, silence: Duration, now: Instant) -> Vec<ConversationId> {
        let silent = |id: &&ConversationId| {
            let live = self.by_id.get(*id);
            live.is_some_and(|live| now.saturating_duration_since(live.last_news()) >= silence)
        };
        self.ids().take_while(silent).cloned().collect()
    }
}

/// What a snapshot takes, about: its text, and what was read of it.
fn weight(conversation: &Conversation) -> usize {
    let text = conversation.original.as_str().map_or(0, str::len);
    let parties = conversation.participants.iter().map(|one| {
        let legs = one.communications.len() * size_of::<Communication>();
        size_of::<Participant>() + legs + one.attributes.len() * ATTRIBUTE + ALLOCATIONS
    });
    size_of::<Conversation>() + text + parties.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 50,000 calls take: another eight bytes may be another sixteen or thirty-two of the
    /// allocator's.
    #[test]
    fn a_conversation_is_kept_in_128_bytes() {
        assert_eq!(size_of::<Live>(), 128);
    }
}
