//! Conversations that have to be read through the API, a few at a time.
//!
//! A conversation waits at most once. Reads are of the recovery class: the budget serves updates
//! first. What cannot be read now is tried again later; what may not be read is said, once a
//! minute at most, and let go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::events::tracker::{ReadTicket, Tracker};
use crate::genesys::ConversationId;
use crate::genesys::call::{Answer, Api, CallError, Class};
use crate::genesys::reading;

/// Reads under way at the same time; more would only wait for the budget.
const AT_ONCE: usize = 4;
/// Conversations that may wait to be read. What finds no room waits for its next event.
const WAITING: usize = 50_000;
/// A read that failed for now is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// A conversation that changes faster than it can be read is left to its events after so many reads.
const OVERTAKEN: u32 = 5;
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// A finished read.
pub(super) struct ReadDone {
    pub id: ConversationId,
    /// Taken when the read began: tells whether a frame has overtaken it.
    pub ticket: ReadTicket,
    pub result: Result<Answer, CallError>,
}

pub(super) struct Reads {
    api: Arc<dyn Api>,
    /// Everything that waits, rests or is under way.
    wanted: BTreeSet<ConversationId>,
    waiting: VecDeque<ConversationId>,
    resting: BTreeSet<(Instant, ConversationId)>,
    under_way: FuturesUnordered<BoxFuture<'static, ReadDone>>,
    /// How often each read has been overtaken in a row.
    overtaken: BTreeMap<ConversationId, u32>,
    said: Option<Instant>,
}

impl Reads {
    pub(super) fn new(api: Arc<dyn Api>) -> Reads {
        Reads {
            api,
            wanted: BTreeSet::new(),
            waiting: VecDeque::new(),
            resting: BTreeSet::new(),
            under_way: FuturesUnordered::new(),
            overtaken: BTreeMap::new(),
            said: None,
        }
    }

    /// Asks for a conversation to be read; one that is wanted already is read once.
    pub(super) fn want(&mut self, id: ConversationId) {
        if self.wanted.len() >= WAITING {
            self.say(
                &id,
                "too many conversations wait to be read, this one waits for its next event",
            );
        } else if self.wanted.insert(id.clone()) {
            self.waiting.push_back(id);
        }
    }

    /// Begins as many reads as may be under way.
    pub(super) fn begin(&mut self, tracker: &mut Tracker, now: Instant) {
        while self.resting.first().is_some_and(|(at, _)| *at <= now) {
            self.waiting.extend(self.resting.pop_first().map(|(_, id)| id));
        }
        while self.under_way.len() < AT_ONCE {
            let Some(id) = self.waiting.pop_front() else { return };
            let Some(ticket) = tracker.begin_read(&id) else { continue };
            let api = Arc::clone(&self.api);
            self.under_way.push(Box::pin(async move {
                let result = reading::conversation(&*api, Class::Recovery, &id).await;
                ReadDone { id, ticket, result }
            }));
        }
    }

    /// The next read that is done; `None` when none is under way.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: reads go on under the next call.
    pub(super) async fn next(&mut self) -> Option<ReadDone> {
        self.under_way.next().await
    }

    /// When [`begin`](Reads::begin) next has something to do that it could not do at once.
    pub(super) fn next_begin(&self) -> Option<Instant> {
        self.resting.first().map(|(at, _)| *at)
    }

    /// The read was of use.
    pub(super) fn succeeded(&mut self, id: &ConversationId) {
        self.wanted.remove(id);
        self.overtaken.remove(id);
    }

    /// A frame came in while the read was under way: what it says may be older.
    pub(super) fn overtaken(&mut self, id: ConversationId) {
        let times = self.overtaken.entry(id.clone()).or_default();
        *times += 1;
        if *times < OVERTAKEN {
            self.waiting.push_back(id);
        } else {
            self.succeeded(&id);
        }
    }

    /// The read failed: later once more, or not at all.
    pub(super) fn failed(&mut self, id: ConversationId, error: &CallError) {
        match error {
            CallError::Throttled(..)
            | CallError::Unauthorized(_)
            | CallError::Conflict(_)
            | CallError::Unavailable(_)
            | CallError::NoAnswer { .. }
            | CallError::NoToken(_)
            | CallError::Credentials(_) => {
                debug!(conversation_id = %id, %error, "read failed, will retry");
                self.resting.insert((Instant::now() + TRY_AGAIN, id));
            }
            CallError::Forbidden(_)
            | CallError::NotFound(_)
            | CallError::Refused(_)
            | CallError::Unreadable { .. } => {
                self.succeeded(&id);
                self.say(
                    &id,
                    &format!("conversation not read, it waits for its next event: {error}"),
                );
            }
        }
    }

    fn say(&mut self, id: &ConversationId, what: &str) {
        let now = Instant::now();
        if self.said.is_none_or(|said| now.saturating_duration_since(said) >= SAY_AGAIN) {
            self.said = Some(now);
            warn!(conversation_id = %id, "{what}");
        }
    }
}
