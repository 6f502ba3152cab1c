//! The memory of snapshots: the newest of each conversation, and whether the next one is newer.
//!
//! Frames come late, twice, and on several topics (FACTS 2.5), with no number to order them by. This
//! is the judgement of SEMANTICS 2:
//!
//! - **Progress first.** A snapshot that lacks a fact is older, one that has more is newer.
//! - **Then arrival**, within one stream, which is one topic on one channel. What a stream shows
//!   that others have shown before is old news.
//! - **Else doubt.** A doubtful snapshot changes nothing here. Whoever asked compares what the rules
//!   make of both; if that is the same it is [settled](Tracker::settle_same), else one read
//!   decides. So doubt may cost a read, but never the write of an older value.
//!
//! The price of doubt: of a state that came in doubt and is gone when the read answers, only what
//! was never wished before is acted on; for nobody can tell whether it came before or after what is
//! held. Doubt follows a read, and a change that two streams tell differently; it lasts as long as
//! one read takes.
//!
//! One thing is not told apart: where the leading stream has missed a change and the conversation
//! looks again as it did before, a stream that lags by that much seems to be up to date.
//!
//! - **What rules ask of the event as it was sent** ([`Tracker::tell_apart`]) makes two bodies that
//!   differ in that alone two. A read has another shape: what it says is compared without.
//!
//! Of each live conversation it is kept how far it has come; the snapshots themselves only of those
//! that had news last, as many as there is room for. Whoever needs another one reads it.
//!
//! Conversations that are over leave a tombstone, so that a late frame does not revive them.
//! Everything is bounded, see [`Limits`]. Nothing here waits, reads a clock, does I/O or logs.

mod channels;
mod course;
mod limits;
mod live;
mod outline;
mod reads;
mod seldom;
#[cfg(test)]
mod tests;
mod tombstones;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::channels::Channels;
use self::course::Arrival;
pub use self::limits::Limits;
use self::live::{Candidate, LiveConversations, text_hash};
use self::outline::topic_hash;
pub use self::outline::{Differs, Gist};
pub use self::reads::ReadTicket;
use self::reads::Reads;
use self::tombstones::{Tombstone, Tombstones};
use super::conversation::Conversation;
use super::progress::{Compared, Progress};
use super::topic::Topic;
use crate::defects::{self, Defect};
use crate::genesys::ConversationId;

/// A search for open conversations may still find those that ended less than so long ago: how far
/// Genesys' index lags is not documented (FACTS 5), and to read one for nothing costs a request.
const INDEX_LAG: Duration = Duration::from_secs(300);

/// One topic on one channel: what it delivers comes in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub channel: u32,
    /// Any number that stands for the topic.
    pub topic: u64,
}

/// What a snapshot was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum News {
    /// It is the newest now.
    Newer(Arc<Conversation>),
    /// It is what the newest is already.
    Duplicate,
    /// The answer to a read that shows what the newest is already.
    Confirmed(Arc<Conversation>),
    Older,
    /// It is a media topic's, and tells too little to be compared.
    Partial,
    /// It may be newer, or late. `current` still holds, whether or not it is kept.
    Doubtful {
        current: Option<Arc<Conversation>>,
        candidate: Arc<Conversation>,
    },
    /// The answer to a read that something else overtook; it was not looked at.
    Overtaken {
        /// Something came into doubt while it was under way, which still has to be settled.
        read_again: bool,
    },
}

/// See the [module](self).
#[derive(Debug)]
pub struct Tracker {
    live: LiveConversations,
    tombstones: Tombstones,
    reads: Reads,
    /// Counts acceptances over all conversations, so that each has a number.
    accepted: u64,
    limits: Limits,
    evicted: u64,
    /// See [`Tracker::tell_apart`].
    by_text: bool,
    channels: Channels,
}

impl Tracker {
    pub fn new(limits: Limits) -> Tracker {
        Tracker {
            live: LiveConversations::default(),
            tombstones: Tombstones::new(limits.tombstones, limits.tombstone_age),
            reads: Reads::default(),
            accepted: 0,
            limits,
            evicted: 0,
            by_text: false,
            channels: Channels::default(),
        }
    }

    /// Whether snapshots that are equal in all that is read of them, and were sent otherwise, are
    /// told apart from now on. Their JSON values are compared, so that layout does not count.
    pub fn tell_apart(&mut self, by_text: bool) {
        self.by_text = by_text;
    }

    /// Takes a snapshot that a stream delivered, and says what it is.
    pub fn take(&mut self, stream: StreamId, conversation: Conversation, now: Instant) -> News {
        if conversation.partial {
            return News::Partial;
        }
        self.tombstones.forget(now);
        let since = self.channels.bring(stream.channel, now);
        let candidate = self.sent(Arc::new(conversation));
        let id = &candidate.conversation.id;
        let Some(live) = self.live.get_mut(id) else {
            let is_late = self.tombstones.get(id).is_some_and(|tombstone| {
                candidate.progress.compare(&tombstone.progress) != Compared::More
            });
            return if is_late { News::Older } else { self.newer(candidate, Some(stream), now) };
        };
        if candidate.sent.is_some() && live.is_without_text() && candidate.equals(live) {
            // Of the event itself nothing is known since a read, or since rules ask for it.
            self.duplicate(stream, id, now);
            return self.newer(candidate, Some(stream), now);
        }
        if candidate.equals(live) {
            self.duplicate(stream, id, now);
            self.keep(&candidate.conversation);
            return News::Duplicate;
        }
        live.forget_doubt(stream);
        if defects::on(Defect::ArrivalOrderOnly) {
            return self.newer(candidate, Some(stream), now);
        }
        if defects::on(Defect::DedupeByPastHashes) && live.course.has_accepted(candidate.body()) {
            return News::Duplicate;
        }
        match candidate.progress.compare(&live.progress) {
            Compared::Less => {
                live.course.show(stream, candidate.body());
                News::Older
            }
            Compared::More => self.newer(candidate, Some(stream), now),
            Compared::Same | Compared::Incomparable => {
                match live.course.judge(stream, candidate.body(), since, now) {
                    Arrival::Later => self.newer(candidate, Some(stream), now),
                    Arrival::CatchingUp => News::Older,
                    Arrival::Doubtful if defects::on(Defect::DoubtIsNews) => {
                        self.newer(candidate, Some(stream), now)
                    }
                    Arrival::Doubtful => {
                        live.doubt(stream, candidate.body());
                        self.reads.doubted(id, candidate.body(), now);
                        let current = live.whole().cloned();
                        News::Doubtful { current, candidate: candidate.conversation }
                    }
                }
            }
        }
    }

    /// Takes a body that a stream delivered once more, without its being read: returns false if it is
    /// not, byte for byte, what the newest snapshot was read from, as far as that is kept; then it has
    /// to be read and [taken](Tracker::take).
    pub fn take_repeat(
        &mut self,
        stream: StreamId,
        id: &ConversationId,
        body: &str,
        now: Instant,
    ) -> bool {
        let current = self.current(id);
        let is_current = current.is_some_and(|current| current.original.as_str() == Some(body));
        if is_current {
            self.tombstones.forget(now);
            self.channels.bring(stream.channel, now);
            self.duplicate(stream, id, now);
        }
        is_current
    }

    /// Settles a doubt without a read, because nothing depends on it: the rules make the same of
    /// both snapshots. The candidate is the newest from now on, unless the conversation has moved
    /// on since; but as it may be late, its stream is not believed to be up to date for a while.
    pub fn settle_same(&mut self, candidate: &Arc<Conversation>, stream: StreamId, now: Instant) {
        let candidate = self.sent(Arc::clone(candidate));
        let live = self.live.get(&candidate.conversation.id);
        if live.is_some_and(|live| live.is_doubted(stream, candidate.body())) {
            self.accept(candidate, None, now);
        }
    }

    /// Gives leave to read a conversation through the API, also one that is not known here. Returns
    /// `None` if a read is under way. What comes into doubt meanwhile is noted here: the answer
    /// settles it too, or says that it has to be read again.
    pub fn begin_read(&mut self, id: &ConversationId) -> Option<ReadTicket> {
        let doubts = self.live.get(id).map(|live| live.doubted_bodies()).unwrap_or_default();
        let begun = self.reads.begin(id, doubts);
        begun.then(|| ReadTicket { id: id.clone(), accepted: self.acceptance(id), sent: None })
    }

    /// Takes the answer to a read. Unless something was accepted meanwhile, it decides: it is newer
    /// than what it differs from, except that it never undoes progress. An answer about another
    /// conversation than was asked for is no news.
    pub fn take_read(
        &mut self,
        ticket: ReadTicket,
        mut conversation: Conversation,
        now: Instant,
    ) -> News {
        let meanwhile = self.reads.end(&ticket.id);
        let overtakes = |at: Option<Instant>| at.is_some_and(|at| ticket.is_before(at));
        let doubted = overtakes(meanwhile.doubted);
        let moved_on = self.acceptance(&ticket.id) != ticket.accepted
            && self.accepted_at(&ticket.id).is_none_or(|at| ticket.is_before(at));
        if (doubted || moved_on) && !defects::on(Defect::OvertakenReadBelieved) {
            return News::Overtaken { read_again: meanwhile.doubted.is_some() };
        }
        if conversation.id != ticket.id {
            return News::Older;
        }
        if let Some(live) = self.live.get(&ticket.id) {
            live.fill_in(&mut conversation);
        }
        let candidate = Candidate::new(Arc::new(conversation), None);
        let known = match self.live.get_mut(&ticket.id) {
            Some(live) if candidate.equals(live) => {
                // A stream that showed it before the read may still bring what was between.
                live.forget_doubts();
                live.course.is_unsure(now);
                let held = live.whole().cloned();
                self.live.touch(&ticket.id, now);
                self.keep(&candidate.conversation);
                return News::Confirmed(held.unwrap_or(candidate.conversation));
            }
            Some(live) => Some(&live.progress),
            None => self.tombstones.get(&ticket.id).map(|tombstone| &tombstone.progress),
        };
        match known.map(|known| candidate.progress.compare(known)) {
            Some(Compared::Less) => News::Older,
            // The conversation may have gone back since from what this shows. A frame that was late
            // looks the same, which costs another read.
            Some(Compared::Same | Compared::Incomparable) if overtakes(meanwhile.seen_as_held) => {
                News::Overtaken { read_again: true }
            }
            _ => self.newer(candidate, None, now),
        }
    }

    /// Gives back the ticket of a read that failed. Returns true if something came into doubt while
    /// it was under way.
    pub fn give_up_read(&mut self, ticket: ReadTicket) -> bool {
        self.reads.end(&ticket.id).doubted.is_some()
    }

    /// Takes the answer to a read that the API knows the conversation no longer. Returns false if
    /// something came in meanwhile: who has just been heard of is not gone, whatever the API knows
    /// of it yet.
    pub fn take_gone(&mut self, ticket: ReadTicket, now: Instant) -> bool {
        let meanwhile = self.reads.end(&ticket.id);
        if meanwhile.doubted.is_some() || self.acceptance(&ticket.id) != ticket.accepted {
            return false;
        }
        if let Some(live) = self.live.remove(&ticket.id) {
            self.bury(ticket.id, live.progress, now);
        }
        true
    }

    /// The newest snapshot of a live conversation, if it is kept.
    pub fn current(&self, id: &ConversationId) -> Option<&Arc<Conversation>> {
        self.live.get(id)?.whole()
    }

    pub fn is_live(&self, id: &ConversationId) -> bool {
        self.live.get(id).is_some()
    }

    /// What is known of a live conversation, to be compared with what is read of it.
    pub fn gist(&self, id: &ConversationId) -> Option<Gist> {
        self.live.get(id).map(|live| live.gist())
    }

    /// Whether something came that may be newer than the newest snapshot, and is not settled.
    pub fn is_in_doubt(&self, id: &ConversationId) -> bool {
        self.live.get(id).is_some_and(|live| !live.doubted_bodies().is_empty())
    }

    /// The live conversations, the one longest without news first.
    pub fn live(&self) -> impl Iterator<Item = &ConversationId> {
        self.live.ids()
    }

    /// The snapshots that are kept, likewise.
    pub fn snapshots(&self) -> impl Iterator<Item = &Arc<Conversation>> {
        self.live.whole()
    }

    /// The live conversations that these topics tell of.
    pub fn told_by(&self, topics: &BTreeSet<Topic>) -> Vec<ConversationId> {
        let asked: BTreeSet<u32> = topics.iter().filter_map(topic_hash).collect();
        let is_told =
            |id: &&ConversationId| self.live.get(id).is_some_and(|live| live.is_told_by(&asked));
        self.live.ids().filter(is_told).cloned().collect()
    }

    /// The live conversations that have been without news for [`Limits::silence`]. Each is listed
    /// once, and again after another such time.
    pub fn due(&mut self, now: Instant) -> Vec<ConversationId> {
        let due = self.live.silent_for(self.limits.silence, now);
        for id in &due {
            self.live.touch(id, now);
        }
        due
    }

    /// Whether there were news of it at that time or later. Who says so after [`INDEX_LAG`] that it is
    /// open, although it is known to be over, may know of a return that was not heard here.
    pub fn knows_since(&self, id: &ConversationId, at: Instant) -> bool {
        let tombstone = self.tombstones.get(id);
        self.live.get(id).is_some_and(|live| live.last_news() >= at)
            || tombstone.is_some_and(|tombstone| tombstone.since + INDEX_LAG >= at)
    }

    /// How many conversations are live.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many conversations are remembered as over.
    pub fn tombstones(&self) -> usize {
        self.tombstones.len()
    }

    /// How many live conversations were ever forgotten because there were too many.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// A stream shows what the newest snapshot is already.
    fn duplicate(&mut self, stream: StreamId, id: &ConversationId, now: Instant) {
        let Some(live) = self.live.get_mut(id) else { return };
        // Who has not shown it yet may only be late with it.
        let is_no_news = live.forget_doubt(stream) || !live.course.is_behind(stream);
        live.show_current(stream);
        self.live.touch(id, now);
        if is_no_news {
            self.reads.seen_as_held(id, now);
        }
    }

    /// It says what is held: if that is no more than an outline, it takes its place.
    fn keep(&mut self, conversation: &Arc<Conversation>) {
        self.live.keep(conversation);
        self.live.outline(self.limits.snapshots);
    }

    /// A snapshot that a stream delivered.
    fn sent(&self, conversation: Arc<Conversation>) -> Candidate {
        let sent = conversation.original.as_str().filter(|_| self.by_text).map(text_hash);
        Candidate::new(conversation, sent)
    }

    fn newer(&mut self, candidate: Candidate, stream: Option<StreamId>, now: Instant) -> News {
        let conversation = Arc::clone(&candidate.conversation);
        self.accept(candidate, stream, now);
        News::Newer(conversation)
    }

    /// `stream` brought it; without one it is what a read or the rules say.
    fn accept(&mut self, candidate: Candidate, stream: Option<StreamId>, now: Instant) {
        let id = candidate.conversation.id.clone();
        if candidate.conversation.is_over() {
            self.live.remove(&id);
            self.bury(id, candidate.progress, now);
            return;
        }
        self.tombstones.remove(&id);
        self.accepted += 1;
        let live = self.live.accept(candidate, self.accepted, now);
        match stream {
            Some(stream) => live.course.brought_by(stream),
            None => live.course.is_unsure(now),
        }
        while self.live.len() > self.limits.live {
            self.live.evict();
            self.evicted += 1;
        }
        self.live.outline(self.limits.snapshots);
    }

    fn bury(&mut self, id: ConversationId, progress: Progress, now: Instant) {
        self.accepted += 1;
        self.tombstones.bury(id, Tombstone { progress, accepted: self.accepted, since: now }, now);
    }

    /// The number of the last acceptance of a conversation.
    fn acceptance(&self, id: &ConversationId) -> Option<u64> {
        let live = self.live.get(id).map(|live| live.accepted);
        live.or_else(|| self.tombstones.get(id).map(|tombstone| tombstone.accepted))
    }

    /// When that was.
    fn accepted_at(&self, id: &ConversationId) -> Option<Instant> {
        let live = self.live.get(id).map(|live| live.course.accepted_at());
        live.or_else(|| self.tombstones.get(id).map(|tombstone| tombstone.since))
    }
}
