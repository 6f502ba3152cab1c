//! Conversations that have to be read through the API, a few at a time.
//!
//! A conversation waits at most once; one that is asked for while its read is under way is read once
//! more after it, because the answer may be older than the question. Reads are of the recovery
//! class: the budget serves updates first. What is in doubt is read before what only may have
//! changed. What cannot be read now is tried again later, and nobody waits for it for ever: who
//! asked can be told that it [hangs](Failed::Hangs), and in the end it is let go, as is what may not
//! be read. That is said, once a minute at most.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
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
/// While every read of a conversation fails for now, whoever waits for it is told after so long, and
/// does the rest of their work: an outage is seldom longer, and one conversation of which the server
/// knows no better answer must not stop all others.
const HANGS: Duration = Duration::from_secs(300);
/// From then on it is tried so often only …
const TRY_SELDOM: Duration = Duration::from_secs(60);
/// … and let go after so long: what is known alive is looked at every day anyway.
const LET_GO: Duration = Duration::from_secs(24 * 3600);
/// After so many reads a conversation that changes faster than it can be read is left to its events;
/// or, where something is in doubt that may be its last word, rests like one whose read failed.
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
    wanted: BTreeMap<ConversationId, Wanted>,
    waiting: VecDeque<ConversationId>,
    /// Those of them that go before all others; they stand in `waiting` too.
    first: VecDeque<ConversationId>,
    resting: BTreeSet<(Instant, ConversationId)>,
    /// Those that have failed for so long that nobody waits for them any more.
    hanging: BTreeSet<ConversationId>,
    under_way: FuturesUnordered<BoxFuture<'static, ReadDone>>,
    said: Option<Instant>,
}

/// How it stands with one conversation that is wanted.
#[derive(Debug, Default)]
struct Wanted {
    under_way: bool,
    /// Stands in `first`, too.
    first: bool,
    /// Goes before those that are not, also when it has to be read again.
    in_doubt: bool,
    /// Asked for since the read under way began.
    again: bool,
    /// How often its reads have been overtaken in a row.
    overtaken: u32,
    /// Since when all of its reads fail for now.
    failing_since: Option<Instant>,
}

/// What becomes of a read that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It is read again, soon or at once.
    WillRetry,
    /// It is tried again, and has failed for so long that nobody should wait for it.
    Hangs,
    LetGo,
}

impl Reads {
    pub(super) fn new(api: Arc<dyn Api>) -> Reads {
        Reads {
            api,
            wanted: BTreeMap::new(),
            waiting: VecDeque::new(),
            first: VecDeque::new(),
            resting: BTreeSet::new(),
            hanging: BTreeSet::new(),
            under_way: FuturesUnordered::new(),
            said: None,
        }
    }

    /// Asks for a conversation to be read; one that waits already is read once. Returns false if there
    /// is no room for it.
    pub(super) fn want(&mut self, id: ConversationId) -> bool {
        let full = !self.has_room();
        match self.wanted.entry(id) {
            Entry::Occupied(wanted) => {
                let wanted = wanted.into_mut();
                wanted.again |= wanted.under_way;
                true
            }
            Entry::Vacant(place) if !full => {
                self.waiting.push_back(place.key().clone());
                place.insert(Wanted::default());
                true
            }
            Entry::Vacant(place) => {
                let id = place.into_key();
                if self.may_say() {
                    warn!(conversation_id = %id, "too many conversations wait to be read, this one waits for its next event");
                }
                false
            }
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.wanted.len() < WAITING
    }

    /// As [`want`](Reads::want), before all that only that asks for: while a conversation is in
    /// doubt, what it shows passes unused, and after a gap thousands may wait.
    pub(super) fn want_first(&mut self, id: ConversationId) {
        self.want(id.clone());
        let Some(wanted) = self.wanted.get_mut(&id) else { return };
        wanted.in_doubt = true;
        if !wanted.under_way && !wanted.first {
            wanted.first = true;
            self.first.push_back(id);
        }
    }

    /// Lets everything go that is not in doubt, and lets nothing rest.
    pub(super) fn only_first(&mut self) {
        self.waiting.clear();
        for (_, id) in mem::take(&mut self.resting) {
            self.queue(id);
        }
        self.waiting.clear();
    }

    /// It has its turn once more; one that is being read, although it rested, has that already.
    fn queue(&mut self, id: ConversationId) {
        let Some(wanted) = self.wanted.get_mut(&id).filter(|wanted| !wanted.under_way) else {
            return;
        };
        if !wanted.in_doubt {
            self.waiting.push_back(id);
        } else if !mem::replace(&mut wanted.first, true) {
            self.first.push_back(id);
        }
    }

    /// Begins as many reads as may be under way.
    pub(super) fn begin(&mut self, tracker: &mut Tracker, now: Instant) {
        while let Some((at, id)) = self.resting.pop_first() {
            if at > now {
                self.resting.insert((at, id));
                break;
            }
            self.queue(id);
        }
        while self.under_way.len() < AT_ONCE {
            let next = self.first.pop_front().or_else(|| self.waiting.pop_front());
            let Some(id) = next else { return };
            // Who went first still stands in the other queue.
            let Some(wanted) = self.wanted.get_mut(&id).filter(|wanted| !wanted.under_way) else {
                continue;
            };
            let Some(mut ticket) = tracker.begin_read(&id) else { continue };
            // What is in doubt holds updates back, so it must not wait behind all of them.
            let class = if wanted.in_doubt { Class::Update } else { Class::Recovery };
            (wanted.under_way, wanted.first) = (true, false);
            let api = Arc::clone(&self.api);
            self.under_way.push(Box::pin(async move {
                let permit = api.permit(class).await;
                ticket.sent_at(Instant::now());
                let result = reading::conversation_by(&*api, permit, &id).await;
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

    /// The read was of use, or is to be let go. Returns false if it was asked for again meanwhile.
    pub(super) fn done(&mut self, id: ConversationId) -> bool {
        self.hanging.remove(&id);
        let again = self.wanted.remove(&id).is_some_and(|wanted| wanted.again);
        !(again && self.want(id))
    }

    /// A frame came in while the read was under way: what it says may be older. Returns true if the
    /// conversation is left to its events.
    pub(super) fn overtaken(&mut self, id: ConversationId, in_doubt: bool, now: Instant) -> bool {
        let wanted = self.wanted.entry(id.clone()).or_default();
        (wanted.under_way, wanted.again) = (false, false);
        wanted.failing_since = None;
        self.hanging.remove(&id);
        wanted.overtaken += 1;
        wanted.in_doubt |= in_doubt;
        if wanted.overtaken < OVERTAKEN {
            self.queue(id);
        } else if !in_doubt {
            self.wanted.remove(&id);
            return true;
        } else {
            wanted.overtaken = 0;
            self.resting.insert((now + TRY_AGAIN, id));
        }
        false
    }

    /// The read failed: later once more, or not at all.
    pub(super) fn failed(&mut self, id: ConversationId, error: &CallError, now: Instant) -> Failed {
        let wanted = self.wanted.entry(id.clone()).or_default();
        let failing = now - *wanted.failing_since.get_or_insert(now);
        if !error.is_for_now() || failing >= LET_GO {
            if self.may_say() {
                let correlation_id = error.correlation_id();
                warn!(conversation_id = %id, correlation_id, %error, "conversation not read, it waits for its next event");
            }
            return if self.done(id) { Failed::LetGo } else { Failed::WillRetry };
        }
        debug!(conversation_id = %id, %error, "read failed, will retry");
        (wanted.under_way, wanted.again) = (false, false);
        if failing < HANGS {
            self.resting.insert((now + TRY_AGAIN, id));
            return Failed::WillRetry;
        }
        self.hanging.insert(id.clone());
        self.resting.insert((now + TRY_SELDOM, id));
        Failed::Hangs
    }

    /// Whether something is still to be read although nobody waits for it any more.
    pub(super) fn has_hanging(&self) -> bool {
        !self.hanging.is_empty()
    }

    /// Whether enough time has gone by since it was last said.
    fn may_say(&mut self) -> bool {
        let now = Instant::now();
        let may = self.said.is_none_or(|said| now.saturating_duration_since(said) >= SAY_AGAIN);
        if may {
            self.said = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::events::tracker::Limits;
    use crate::genesys::call::{Call, Permit};

    /// Says at once that there is no such conversation.
    struct Nobody;

    impl Api for Nobody {
        fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
            Box::pin(std::future::ready(Permit::of(class)))
        }

        fn call_with(&self, _: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
            let reason = "for tests".to_owned();
            let error = CallError::Unreadable { operation: call.operation, reason };
            Box::pin(std::future::ready(Err(error)))
        }
    }

    fn scene() -> (Reads, Tracker, ConversationId) {
        (Reads::new(Arc::new(Nobody)), Tracker::new(Limits::default()), "c".into())
    }

    /// Begins what waits, and returns what is done at once.
    fn one(reads: &mut Reads, tracker: &mut Tracker, now: Instant) -> Option<ReadDone> {
        reads.begin(tracker, now);
        reads.next().now_or_never().flatten()
    }

    #[test]
    fn what_is_asked_for_during_a_read_is_read_after_it() {
        let ((mut reads, mut tracker, id), now) = (scene(), Instant::now());
        reads.want(id.clone());
        reads.want(id.clone());
        reads.begin(&mut tracker, now);
        // A gap, say, whose frames the read under way may have been too early for.
        reads.want(id.clone());
        let done = one(&mut reads, &mut tracker, now).unwrap();
        assert!(!tracker.give_up_read(done.ticket));
        reads.done(id.clone());
        let done = one(&mut reads, &mut tracker, now).unwrap();
        assert!(!tracker.give_up_read(done.ticket));
        reads.done(id);
        assert!(one(&mut reads, &mut tracker, now).is_none() && reads.wanted.is_empty());
    }

    #[test]
    fn what_is_in_doubt_goes_first_and_once() {
        let ((mut reads, mut tracker, _), now) = (scene(), Instant::now());
        let ids: Vec<ConversationId> = (0..9).map(|n| format!("c{n}").as_str().into()).collect();
        for id in &ids {
            reads.want(id.clone());
        }
        reads.want_first(ids[8].clone());
        reads.want_first(ids[8].clone());
        let mut order = Vec::new();
        while let Some(done) = one(&mut reads, &mut tracker, now) {
            assert!(!tracker.give_up_read(done.ticket));
            order.push(done.id.to_string());
            reads.done(done.id);
        }
        assert_eq!(order.concat(), "c8c0c1c2c3c4c5c6c7");
        assert!(reads.wanted.is_empty() && reads.waiting.is_empty() && reads.first.is_empty());
    }

    #[test]
    fn what_changes_faster_than_it_is_read_rests_and_is_not_let_go() {
        let ((mut reads, mut tracker, id), now) = (scene(), Instant::now());
        reads.want(id.clone());
        for _ in 0..OVERTAKEN {
            let done = one(&mut reads, &mut tracker, now).unwrap();
            assert!(!tracker.give_up_read(done.ticket));
            reads.overtaken(done.id, true, now);
        }
        assert!(one(&mut reads, &mut tracker, now).is_none());
        assert_eq!(reads.next_begin(), Some(now + TRY_AGAIN));
        assert!(one(&mut reads, &mut tracker, now + TRY_AGAIN).is_some());
    }

    #[test]
    fn what_is_read_while_it_rests_is_not_forgotten_when_it_is_overtaken() {
        let ((mut reads, mut tracker, id), now) = (scene(), Instant::now());
        reads.want_first(id.clone());
        let done = one(&mut reads, &mut tracker, now).unwrap();
        assert!(!tracker.give_up_read(done.ticket));
        let failed = reads.failed(id.clone(), &CallError::NoToken(String::new()), now);
        assert_eq!(failed, Failed::WillRetry);
        // It comes into doubt once more, and is read at once; its rest ends during that read.
        reads.want_first(id.clone());
        reads.begin(&mut tracker, now);
        reads.begin(&mut tracker, now + TRY_AGAIN);
        let done = one(&mut reads, &mut tracker, now + TRY_AGAIN).unwrap();
        assert!(!tracker.give_up_read(done.ticket));
        reads.overtaken(id, true, now + TRY_AGAIN);
        assert!(one(&mut reads, &mut tracker, now + TRY_AGAIN).is_some());
    }

    #[test]
    fn what_may_not_be_read_is_let_go_and_leaves_nothing() {
        let ((mut reads, mut tracker, id), now) = (scene(), Instant::now());
        reads.want(id.clone());
        let done = one(&mut reads, &mut tracker, now).unwrap();
        let Err(error) = done.result else { panic!("nobody answers") };
        assert!(!tracker.give_up_read(done.ticket));
        reads.failed(id, &error, now);
        assert!(reads.wanted.is_empty() && reads.resting.is_empty());
    }
}
