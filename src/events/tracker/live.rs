//! The conversations that are live, each with its newest snapshot, in the order of their last news.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::StreamId;
use super::course::Course;
use crate::events::conversation::Conversation;
use crate::events::fingerprint;
use crate::events::progress::Progress;
use crate::genesys::ConversationId;

/// How many doubts of one conversation are remembered until it moves on: one for each stream. Of
/// more, the oldest is forgotten, which can only cost another read.
const MAX_DOUBTS: usize = 8;

/// A snapshot with what it is judged by.
pub(super) struct Candidate {
    pub(super) conversation: Arc<Conversation>,
    pub(super) progress: Progress,
    /// Hash of the normalised value, and of what was sent where that counts.
    pub(super) body: u64,
    /// Hash of what was sent, where that counts; a read has none.
    pub(super) sent: Option<u64>,
}

/// One live conversation.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) current: Arc<Conversation>,
    pub(super) progress: Progress,
    body: u64,
    sent: Option<u64>,
    pub(super) course: Course,
    /// Number of the acceptance of `current`.
    pub(super) accepted: u64,
    /// What came into doubt since: each stream's last word, if that was doubtful.
    doubts: Vec<(StreamId, u64)>,
    turn: u64,
    last_news: Instant,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct LiveConversations {
    by_id: HashMap<ConversationId, Live>,
    /// By the turn of their last news, the longest without first.
    order: BTreeMap<u64, ConversationId>,
    turns: u64,
}

impl Candidate {
    pub(super) fn new(conversation: Arc<Conversation>, sent: Option<u64>) -> Candidate {
        let progress = Progress::of(&conversation);
        let mut hasher = fingerprint::hasher();
        (&conversation, sent).hash(&mut hasher);
        Candidate { conversation, progress, body: hasher.finish(), sent }
    }

    /// Whether it says the same. What was sent is compared where both were sent.
    pub(super) fn equals(&self, live: &Live) -> bool {
        let told_apart = self.sent.is_some() && live.sent.is_some();
        (!told_apart || self.sent == live.sent) && self.conversation == live.current
    }
}

/// Of the JSON value, whatever its layout; of the text where it is none.
pub(super) fn text_hash(text: &str) -> u64 {
    let mut hasher = fingerprint::hasher();
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => value.hash(&mut hasher),
        Err(_) => text.hash(&mut hasher),
    }
    hasher.finish()
}

impl Live {
    fn new(candidate: Candidate, accepted: u64, turn: u64, last_news: Instant) -> Live {
        let Candidate { conversation, progress, body, sent } = candidate;
        let (course, doubts) = (Course::new(body, last_news), Vec::new());
        let current = conversation;
        Live { current, progress, body, sent, course, accepted, doubts, turn, last_news }
    }

    /// Whether it is not known how what is held was sent.
    pub(super) fn is_without_text(&self) -> bool {
        self.sent.is_none()
    }

    pub(super) fn last_news(&self) -> Instant {
        self.last_news
    }

    pub(super) fn doubt(&mut self, stream: StreamId, body: u64) {
        if self.doubts.len() == MAX_DOUBTS {
            self.doubts.remove(0);
        }
        self.doubts.push((stream, body));
    }

    /// Forgets what a stream said: its last word is the one that counts. Returns true if it had said
    /// something doubtful.
    pub(super) fn forget_doubt(&mut self, stream: StreamId) -> bool {
        let before = self.doubts.len();
        self.doubts.retain(|(doubted, _)| *doubted != stream);
        self.doubts.len() < before
    }

    /// Notes that a stream has shown the current body.
    pub(super) fn show_current(&mut self, stream: StreamId) {
        self.course.show(stream, self.body);
    }

    pub(super) fn forget_doubts(&mut self) {
        self.doubts.clear();
    }

    pub(super) fn is_doubted(&self, stream: StreamId, body: u64) -> bool {
        self.doubts.contains(&(stream, body))
    }

    pub(super) fn doubted_bodies(&self) -> Vec<u64> {
        self.doubts.iter().map(|(_, body)| *body).collect()
    }

    fn move_on(&mut self, candidate: Candidate, accepted: u64, now: Instant) {
        let Candidate { conversation, progress, body, sent } = candidate;
        self.course.accept(body, now);
        // A stream whose doubtful body turned out to be the newest has shown it: else each hold
        // after the first would cost a read.
        for (stream, doubt) in mem::take(&mut self.doubts) {
            if doubt == body {
                self.course.brought_by(stream);
            }
        }
        (self.current, self.progress, self.body) = (conversation, progress, body);
        self.sent = sent;
        self.accepted = accepted;
    }
}

impl LiveConversations {
    pub(super) fn get(&self, id: &ConversationId) -> Option<&Live> {
        self.by_id.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &ConversationId) -> Option<&mut Live> {
        self.by_id.get_mut(id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The one longest without news first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Live> {
        self.order.values().filter_map(|id| self.by_id.get(id))
    }

    /// Makes a snapshot the newest of its conversation, whether or not that was known.
    pub(super) fn accept(
        &mut self,
        candidate: Candidate,
        accepted: u64,
        now: Instant,
    ) -> &mut Live {
        let id = candidate.conversation.id.clone();
        let turn = self.turns;
        self.turns += 1;
        self.order.insert(turn, id.clone());
        match self.by_id.entry(id) {
            Entry::Occupied(known) => {
                let live = known.into_mut();
                self.order.remove(&live.turn);
                (live.turn, live.last_news) = (turn, now);
                live.move_on(candidate, accepted, now);
                live
            }
            Entry::Vacant(place) => place.insert(Live::new(candidate, accepted, turn, now)),
        }
    }

    /// Notes news of a conversation.
    pub(super) fn touch(&mut self, id: &ConversationId, now: Instant) {
        if let Some(live) = self.by_id.get_mut(id) {
            self.order.remove(&live.turn);
            self.order.insert(self.turns, id.clone());
            live.turn = self.turns;
            live.last_news = now;
            self.turns += 1;
        }
    }

    pub(super) fn remove(&mut self, id: &ConversationId) -> Option<Live> {
        let live = self.by_id.remove(id)?;
        self.order.remove(&live.turn);
        Some(live)
    }

    /// Forgets the one longest without news.
    pub(super) fn evict(&mut self) {
        if let Some((_, id)) = self.order.pop_first() {
            self.by_id.remove(&id);
        }
    }

    /// Those without news for so long, the longest first.
    pub(super) fn silent_for(&self, silence: Duration, now: Instant) -> Vec<ConversationId> {
        let silent = |live: &&Live| now.saturating_duration_since(live.last_news) >= silence;
        self.iter().take_while(silent).map(|live| live.current.id.clone()).collect()
    }
}
