//! Whether what is held of live conversations is what the API says of them.
//!
//! From time to time a few live conversations are read, those that have been longest without news. A
//! read that shows what nobody had heard of heals that at once, as any read does. If no event of it
//! comes within a grace, and no gap explains that, it is counted and said: a topic that is permitted
//! and sends nothing is found this way, and nothing else finds it.
//!
//! It promises no completeness: with thousands of conversations at once, most are never audited, and
//! a topic that is silent for good shows up sooner or later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::Pipeline;
use crate::events::conversation::Conversation;
use crate::events::topic::Topic;
use crate::events::tracker::{Differs, Gist};
use crate::genesys::{ConversationId, UserId};

/// How often conversations are audited.
pub(super) const EVERY: Duration = Duration::from_secs(600);
/// How many at a time: with [`EVERY`], half a request a minute of a budget of 300.
pub(super) const AT_ONCE: usize = 5;
/// How long an event may still tell of what was read: events are seconds late, and a socket that is
/// silent is noticed after `channels.dead_after`; then a gap explains it.
pub(super) const GRACE: Duration = Duration::from_secs(120);

/// What differs between what was held and what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The API knows it no longer.
    Gone,
    Progress,
    Attributes,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Audit {
    next: Instant,
    /// Asked for and not read yet; no more than [`AT_ONCE`].
    reading: BTreeSet<ConversationId>,
    /// What no event has told of so far; no more than were read within the grace.
    unexplained: BTreeMap<ConversationId, Unexplained>,
}

#[derive(Debug)]
struct Unexplained {
    mismatch: Mismatch,
    /// Those that should have told of it.
    topics: BTreeSet<Topic>,
    until: Instant,
}

/// What was held of a conversation when a read of it was done.
pub(super) struct Held {
    pub gist: Option<Gist>,
    pub snapshot: Option<Arc<Conversation>>,
}

impl Pipeline {
    /// Begins an audit when it is time, and says what the earlier ones have found.
    pub(super) fn audit(&mut self) {
        let now = Instant::now();
        for id in self.audit.begin(self.tracker.live(), now) {
            self.read_or_leave(id);
        }
        for (id, found) in self.audit.due(now) {
            self.joints.counts.audit_mismatches.add(1);
            warn!(
                conversation_id = %id,
                topic = found.topics.first().map(tracing::field::display),
                topics = found.topics.len(),
                reason = found.mismatch.as_str(),
                "a change was read that no event told of, and is made good: where this comes again and again, \
                 the topic is permitted and sends nothing"
            );
        }
    }

    /// The read of a conversation is done: compares what was held with what is now, `None` if it is
    /// gone.
    pub(super) fn audited(
        &mut self,
        id: &ConversationId,
        held: &Held,
        read: Option<&Conversation>,
        now: Instant,
    ) {
        if !self.audit.was_read(id) {
            return;
        }
        self.joints.counts.audited.add(1);
        let Some(gist) = &held.gist else { return };
        let mismatch = read.map_or(Some(Mismatch::Gone), |read| Mismatch::between(gist, read));
        if let Some(mismatch) = mismatch {
            // Whoever takes part now did then, or an event must have told of it.
            let told = held.snapshot.as_deref().or(read);
            let topics = told.map(|one| topics_of(one, &self.view.watched)).unwrap_or_default();
            self.audit.note(mismatch, id, topics, now);
        }
    }
}

impl Mismatch {
    /// `None` where they differ in nothing that an event must have told of.
    fn between(held: &Gist, read: &Conversation) -> Option<Mismatch> {
        Some(match held.differs(&Gist::of(read))? {
            Differs::Progress => Mismatch::Progress,
            Differs::Attributes => Mismatch::Attributes,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Mismatch::Gone => "it is over",
            Mismatch::Progress => "its participants have moved on",
            Mismatch::Attributes => "its attributes are others",
        }
    }
}

impl Audit {
    pub(super) fn new(now: Instant) -> Audit {
        Audit { next: now + EVERY, reading: BTreeSet::new(), unexplained: BTreeMap::new() }
    }

    /// Begins with these, if it is time for it. Returns those to be read.
    fn begin<'c>(
        &mut self,
        longest_without_news: impl Iterator<Item = &'c ConversationId>,
        now: Instant,
    ) -> Vec<ConversationId> {
        if now < self.next {
            return Vec::new();
        }
        self.next = now + EVERY;
        let chosen: Vec<ConversationId> = longest_without_news.take(AT_ONCE).cloned().collect();
        // What could not be read since the last time is let go.
        self.reading = chosen.iter().cloned().collect();
        chosen
    }

    /// Whether it is being audited; a read that is done, whatever came of it, ends that.
    fn was_read(&mut self, id: &ConversationId) -> bool {
        self.reading.remove(id)
    }

    /// A read showed what was not held.
    fn note(
        &mut self,
        mismatch: Mismatch,
        id: &ConversationId,
        topics: BTreeSet<Topic>,
        now: Instant,
    ) {
        let found = Unexplained { mismatch, topics, until: now + GRACE };
        self.unexplained.insert(id.clone(), found);
    }

    /// An event of it came, whatever it told: its topics are not silent.
    pub(super) fn event(&mut self, id: &ConversationId) {
        self.unexplained.remove(id);
    }

    /// Nobody heard what these topics told for a while: that explains what they did not tell.
    pub(super) fn gap(&mut self, topics: &BTreeSet<Topic>) {
        self.unexplained.retain(|_, it| it.topics.is_disjoint(topics));
    }

    /// What nothing has explained in time.
    fn due(&mut self, now: Instant) -> impl Iterator<Item = (ConversationId, Unexplained)> {
        self.unexplained.extract_if(.., move |_, it| it.until <= now)
    }
}

/// The topics that tell of a conversation: those of its watched users, else those of its queues.
fn topics_of(held: &Conversation, watched: &BTreeSet<UserId>) -> BTreeSet<Topic> {
    let users = held.participants.iter().filter_map(|one| one.user_id.clone());
    let users: BTreeSet<Topic> =
        users.filter(|user| watched.contains(user)).map(Topic::User).collect();
    if !users.is_empty() {
        return users;
    }
    held.participants.iter().filter_map(|one| one.queue_id.clone()).map(Topic::Queue).collect()
}
