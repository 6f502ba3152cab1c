//! Plays a recording: frames in the daemon's order to one set of rules, or to two beside each other.
//!
//! The same reader and the same judgement of what is newer as in the daemon, on the recording's own
//! clock. Where the daemon would ask the API which of two snapshots is the newer, the order of
//! arrival decides, and that is counted. Pure.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::ledger::Entry;
use super::session::{Moment, Session};
use crate::events::conversation::Conversation;
use crate::events::recorded::{About, Heading, NoConversation, Recorded};
use crate::events::tracker::{Limits, News, StreamId, Tracker};
use crate::genesys::{ConversationId, UserId};

pub(super) struct Player {
    pub(super) sessions: Vec<Session>,
    pub(super) counts: Counts,
    tracker: Tracker,
    watched: BTreeSet<UserId>,
    /// Nobody has said who is watched: whoever is met is.
    watch_all: bool,
    /// The moment on the tracker's clock that is `first` in the recording.
    begun: Instant,
    first: Option<Timestamp>,
    now: Timestamp,
    due: BTreeSet<(Timestamp, ConversationId)>,
    due_of: HashMap<ConversationId, Timestamp>,
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) lines: u64,
    pub(super) events: u64,
    /// Newest snapshots: what the rules looked at.
    pub(super) snapshots: u64,
    pub(super) duplicate: u64,
    pub(super) older: u64,
    pub(super) in_doubt: u64,
    /// Of media topics: too little to be compared.
    pub(super) partial: u64,
    /// Heartbeats and the like.
    pub(super) other_frames: u64,
    pub(super) bad: u64,
    /// Looks that no event brought, but time alone.
    pub(super) by_time: u64,
}

/// What one session would write.
pub(super) struct Written {
    pub(super) session: usize,
    pub(super) at: Timestamp,
    pub(super) conversation: Arc<Conversation>,
    pub(super) entry: Entry,
}

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadLine(pub(super) String);

impl Player {
    /// `watched` is who is watched, as far as it is known; `start` is the time of events that do not
    /// tell theirs.
    pub(super) fn new(
        sessions: Vec<Session>,
        watched: Option<BTreeSet<UserId>>,
        start: Timestamp,
    ) -> Player {
        // Nothing can be read later: all snapshots are kept.
        let limits = Limits { snapshots: usize::MAX, ..Limits::default() };
        let mut tracker = Tracker::new(limits);
        tracker.tell_apart(sessions.iter().any(Session::asks_raw));
        Player {
            sessions,
            counts: Counts::default(),
            tracker,
            watch_all: watched.is_none(),
            watched: watched.unwrap_or_default(),
            begun: Instant::now(),
            first: None,
            now: start,
            due: BTreeSet::new(),
            due_of: HashMap::new(),
        }
    }

    /// Takes one line; what would be written goes to `tell`.
    ///
    /// # Errors
    ///
    /// If there is no event in it. It was counted, and nothing else happened.
    pub(super) fn take(
        &mut self,
        line: &str,
        tell: &mut dyn FnMut(&Written),
    ) -> Result<(), BadLine> {
        self.counts.lines += 1;
        if line.trim().is_empty() {
            return Ok(());
        }
        if let Some(Heading { recording }) = Heading::read(line) {
            self.hear(&recording);
            return Ok(());
        }
        match Recorded::read(line) {
            Ok(recorded) => {
                self.take_event(recorded, line, tell);
                Ok(())
            }
            Err(NoConversation::OtherFrame) => {
                self.counts.other_frames += 1;
                Ok(())
            }
            Err(error) => Err(self.bad(error.to_string())),
        }
    }

    /// Counts a line that cannot be read at all.
    pub(super) fn bad(&mut self, reason: String) -> BadLine {
        self.counts.bad += 1;
        BadLine(reason)
    }

    /// The time of the recording.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// What the recording says of itself.
    fn hear(&mut self, about: &About) {
        if !about.watched.is_empty() {
            self.watch_all = false;
            self.watched.extend(about.watched.iter().map(|id| UserId::new(id)));
        }
    }

    fn take_event(&mut self, recorded: Recorded, line: &str, tell: &mut dyn FnMut(&Written)) {
        self.counts.events += 1;
        let Recorded { conversation, topic, received_at, channel, body, .. } = recorded;
        self.pass_time(received_at, tell);
        let user = topic.as_ref().and_then(|topic| topic.user());
        self.watched.extend(user.cloned());
        if self.watch_all && user.is_none() {
            let users = conversation.participants.iter();
            self.watched.extend(users.filter_map(|one| one.user_id.clone()));
        }
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        let stream = StreamId { channel, topic: hasher.finish() };
        let at = self.instant();
        let (now, raw) = (self.now, Some(&line[body]));
        match self.tracker.take(stream, conversation, at) {
            News::Newer(current) => self.look(&current, now, raw, tell),
            News::Doubtful { current, candidate } => {
                self.counts.in_doubt += 1;
                let moment = Moment { at: now, raw, watched: &self.watched };
                let same = current.is_some_and(|current| {
                    let mut sessions = self.sessions.iter();
                    sessions.all(|session| session.wishes_same(&current, &candidate, &moment))
                });
                self.tracker.settle_same(&candidate, stream, at);
                if !same {
                    self.look(&candidate, now, raw, tell);
                }
            }
            News::Duplicate | News::Confirmed(_) => self.counts.duplicate += 1,
            News::Partial => self.counts.partial += 1,
            News::Older | News::Overtaken { .. } => self.counts.older += 1,
        }
    }

    /// Goes on to this time, by way of everything that is due until then. Time never goes back.
    fn pass_time(&mut self, to: Option<Timestamp>, tell: &mut dyn FnMut(&Written)) {
        let Some(to) = to else { return };
        if self.first.is_none() {
            (self.first, self.now) = (Some(to), to);
        }
        while let Some((at, id)) = self.due.first().cloned().filter(|(at, _)| *at <= to) {
            self.due.pop_first();
            self.due_of.remove(&id);
            self.now = at.max(self.now);
            if let Some(current) = self.tracker.current(&id).cloned() {
                self.counts.by_time += 1;
                self.look(&current, self.now, None, tell);
            }
        }
        self.now = to.max(self.now);
    }

    /// Now, on the tracker's clock.
    fn instant(&self) -> Instant {
        let since = self.first.map(|first| self.now.duration_since(first).unsigned_abs());
        self.begun + since.unwrap_or_default()
    }

    fn look(
        &mut self,
        current: &Arc<Conversation>,
        at: Timestamp,
        raw: Option<&str>,
        tell: &mut dyn FnMut(&Written),
    ) {
        self.counts.snapshots += 1;
        let mut next: Option<Timestamp> = None;
        for (number, session) in self.sessions.iter_mut().enumerate() {
            let seen = session.look(current, &Moment { at, raw, watched: &self.watched });
            for entry in seen.entries {
                let conversation = Arc::clone(current);
                tell(&Written { session: number, at, conversation, entry });
            }
            next = next.into_iter().chain(seen.due).min();
            session.forget(self.tracker.len(), |id| self.tracker.is_live(id));
        }
        if let Some(before) = self.due_of.remove(&current.id) {
            self.due.remove(&(before, current.id.clone()));
        }
        // A time that has come already would come for ever.
        if let Some(next) = next.filter(|next| *next > at && !current.is_over()) {
            self.due.insert((next, current.id.clone()));
            self.due_of.insert(current.id.clone(), next);
        }
    }
}
