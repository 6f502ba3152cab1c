//! From frames to observations: one loop that holds the snapshots and asks the rules.
//!
//! It alone owns the tracker and what each conversation's rules remember, so nothing here is
//! locked. `next_event` waits, `handle` acts. Frames go first, but after each batch of them
//! something else has a turn, so that no flood keeps answers, asks or new rules waiting. A snapshot
//! whose place in the order is in doubt, and which would change a wish, is settled by one read
//! (SEMANTICS 2); reads go in the recovery class and never hold up a frame. It decides nothing about
//! writing: that is the updates' part.

mod look_ups;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

pub(super) use self::look_ups::{Found, LookUp, Which};
use self::look_ups::{LookUps, Outcome};
use crate::app::observe::{Look, View, gone, observation, remember, same_wishes};
use crate::app::reads::{ReadDone, Reads};
use crate::events::channels::Received;
use crate::events::conversation::Conversation;
use crate::events::topic::Topic;
use crate::events::tracker::{News, StreamId, Tracker};
use crate::events::{read_generic, read_rest};
use crate::genesys::ConversationId;
use crate::genesys::call::{Api, CallError};
use crate::rules::Standing;
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};
use crate::updates::dispatcher::Input;
use crate::updates::wish::Ask;

/// Frames taken from the channel at one waking.
const BATCH: usize = 64;
/// How long a stop waits for what is in doubt to be read; the rest of its time is the drain's.
const SETTLE_AT_STOP: Duration = Duration::from_secs(10);

/// How often the tracker is asked for conversations without news.
const LOOK_UP_EVERY: Duration = Duration::from_secs(60);
/// What the rules remember of conversations that are over, or that the tracker had to forget, is kept
/// for so many of them: a few hundred bytes each.
const STANDINGS_OVER: usize = 10_000;

/// Everything the loop is joined to.
pub(super) struct Joints {
    pub frames: mpsc::Receiver<Received>,
    pub asks: mpsc::Receiver<Ask>,
    /// Conversations of which events may have been missed.
    pub look_ups: mpsc::Receiver<LookUp>,
    pub view: watch::Receiver<View>,
    pub observations: mpsc::Sender<Input>,
    pub api: Arc<dyn Api>,
    pub counts: Arc<Counts>,
    pub beat: Beat,
}

pub(super) struct Pipeline {
    joints: Joints,
    view: View,
    tracker: Tracker,
    /// Of the conversations that live, and of some that are over.
    standings: HashMap<ConversationId, Standing>,
    reads: Reads,
    look_ups: LookUps,
    /// Conversations to look at again, behind live frames: the rules changed, or there is room now.
    again: VecDeque<ConversationId>,
    batch: Vec<Received>,
    /// The last thing that happened was frames: something else has a turn.
    had_frames: bool,
    last_look_up: Instant,
    /// The frames have ended; until then what is in doubt is still settled.
    ending: Option<Instant>,
}

enum Event {
    Frames,
    FramesEnded,
    Asked(Ask),
    LookUp(LookUp),
    ViewChanged,
    Read(ReadDone),
    LookAgain,
    Idle,
}

impl Pipeline {
    pub(super) fn new(joints: Joints, tracker: Tracker) -> Pipeline {
        let view = joints.view.borrow().clone();
        let reads = Reads::new(Arc::clone(&joints.api));
        Pipeline {
            joints,
            view,
            tracker,
            standings: HashMap::new(),
            reads,
            look_ups: LookUps::default(),
            again: VecDeque::new(),
            batch: Vec::with_capacity(BATCH),
            had_frames: false,
            last_look_up: Instant::now(),
            ending: None,
        }
    }

    /// Runs until the frames end, or nobody takes observations any more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the snapshots and abandons reads.
    pub(super) async fn run(mut self) {
        loop {
            let event = self.next_event().await;
            self.joints.beat.give();
            self.had_frames = matches!(event, Event::Frames);
            if self.handle(event).await.is_break() {
                return;
            }
            self.look_up_silent();
        }
    }

    async fn next_event(&mut self) -> Event {
        let may_look_again = !self.again.is_empty();
        self.reads.begin(&mut self.tracker, Instant::now());
        if let Some(until) = self.ending {
            return tokio::select! {
                done = self.reads.next() => done.map_or(Event::FramesEnded, Event::Read),
                () = sleep_until(until) => Event::FramesEnded,
            };
        }
        if self.had_frames
            && let Some(event) = self.other_event()
        {
            return event;
        }
        let next_read = self.reads.next_begin();
        tokio::select! {
            biased;
            count = self.joints.frames.recv_many(&mut self.batch, BATCH) => {
                if count == 0 { Event::FramesEnded } else { Event::Frames }
            }
            Some(done) = self.reads.next() => Event::Read(done),
            Ok(()) = self.joints.view.changed() => Event::ViewChanged,
            Some(ask) = self.joints.asks.recv() => Event::Asked(ask),
            Some(look_up) = self.joints.look_ups.recv() => Event::LookUp(look_up),
            () = std::future::ready(()), if may_look_again => Event::LookAgain,
            () = sleep_until(next_read.unwrap_or_else(Instant::now)), if next_read.is_some() => Event::Idle,
            () = sleep(IDLE_BEAT) => Event::Idle,
        }
    }

    /// Something else than frames, if there is anything to do at once.
    fn other_event(&mut self) -> Option<Event> {
        let joints = &mut self.joints;
        if let Some(done) = self.reads.next().now_or_never().flatten() {
            return Some(Event::Read(done));
        }
        if joints.view.has_changed().unwrap_or(false) {
            return Some(Event::ViewChanged);
        }
        if let Ok(ask) = joints.asks.try_recv() {
            return Some(Event::Asked(ask));
        }
        if let Ok(look_up) = joints.look_ups.try_recv() {
            return Some(Event::LookUp(look_up));
        }
        (!self.again.is_empty()).then_some(Event::LookAgain)
    }

    async fn handle(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::FramesEnded => return self.end(),
            Event::Frames => {
                let mut batch = std::mem::take(&mut self.batch);
                for received in batch.drain(..) {
                    self.take(&received).await?;
                }
                self.batch = batch;
            }
            Event::Asked(Ask::LookAgain(id)) => self.again.push_back(id),
            Event::Asked(Ask::Read(id)) => self.read_or_leave(id),
            Event::LookUp(look_up) => self.look_up(look_up),
            Event::ViewChanged => self.change_view(),
            Event::Read(done) => self.take_read(done).await?,
            Event::LookAgain => self.look_again().await?,
            Event::Idle => {}
        }
        ControlFlow::Continue(())
    }

    /// A stop settles what is in doubt before the updates drain, for a while at most.
    fn end(&mut self) -> ControlFlow<()> {
        if self.ending.is_some() {
            return ControlFlow::Break(());
        }
        self.reads.only_first();
        self.ending = Some(Instant::now() + SETTLE_AT_STOP);
        ControlFlow::Continue(())
    }

    /// Takes one frame, as far as an observation where it brings one.
    async fn take(&mut self, received: &Received) -> ControlFlow<()> {
        let body = received.body();
        let conversation = match read_generic(body) {
            Ok(conversation) => conversation,
            Err(error) => {
                self.joints.counts.frames_unreadable.add(1);
                warn!(topic = %received.topic, bytes = body.len(), %error, "frame skipped: its body cannot be read");
                return ControlFlow::Continue(());
            }
        };
        if self.view.acd_only && conversation.acd().is_none() {
            return ControlFlow::Continue(());
        }
        let stream = stream_of(received);
        let id = conversation.id.clone();
        match self.tracker.take(stream, conversation, received.at) {
            News::Newer(current) => {
                self.observe(&current, received.at, received.received_at, false).await?;
            }
            News::Doubtful { current, candidate } => {
                self.joints.counts.snapshots_doubtful.add(1);
                if self.same_wishes(&id, &current, &candidate) {
                    self.tracker.settle_same(&candidate, stream, received.at);
                } else {
                    debug!(conversation_id = %id, topic = %received.topic, "two snapshots in doubt, reading the conversation");
                    self.reads.want_first(id.clone());
                    self.send(Input::Doubt(id)).await?;
                }
            }
            News::Duplicate => self.joints.counts.snapshots_duplicate.add(1),
            News::Older | News::Partial | News::Overtaken { .. } => {
                self.joints.counts.snapshots_older.add(1);
            }
        }
        ControlFlow::Continue(())
    }

    /// Compares what the rules make of two snapshots, and remembers what held in the second: newest
    /// or not, it was so once, and `otherwise` comes after it.
    fn same_wishes(
        &mut self,
        id: &ConversationId,
        current: &Conversation,
        candidate: &Conversation,
    ) -> bool {
        let standing = self.standings.entry(id.clone()).or_default();
        let same = same_wishes(&self.view, standing, current, candidate);
        remember(&self.view, standing, candidate);
        same
    }

    /// Asks the rules about a snapshot, and passes on what they say. Returns how many wishes that is.
    async fn observe(
        &mut self,
        current: &Arc<Conversation>,
        at: Instant,
        received_at: Timestamp,
        from_read: bool,
    ) -> ControlFlow<(), usize> {
        self.joints.counts.snapshots.add(1);
        let standing = self.standings.entry(current.id.clone()).or_default();
        let Look { observation, matches, targets_missing } =
            observation(&self.view, standing, current, at, received_at, from_read);
        self.joints.counts.matches.add(matches);
        self.joints.counts.targets_missing.add(targets_missing);
        // Those of conversations that are over stay a while: their wrap-up may still come.
        if self.standings.len() > self.tracker.len() + STANDINGS_OVER {
            self.standings.retain(|id, _| self.tracker.current(id).is_some());
        }
        self.joints.counts.conversations.set(self.tracker.len() as u64);
        let wishes = observation.wishes.len();
        self.send(Input::Observe(observation)).await?;
        ControlFlow::Continue(wishes)
    }

    async fn send(&mut self, input: Input) -> ControlFlow<()> {
        match self.joints.observations.send(input).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    async fn take_read(&mut self, done: ReadDone) -> ControlFlow<()> {
        let ReadDone { id, ticket, result } = done;
        let now = Instant::now();
        let read = match result {
            Ok(answer) => read_rest(&answer.body),
            Err(CallError::NotFound(_)) => {
                if !self.tracker.take_gone(ticket, now) {
                    self.reads.overtaken(id, true, now);
                    return ControlFlow::Continue(());
                }
                self.read_ended(id.clone(), Outcome::Over(0));
                self.standings.remove(&id);
                return self.send(Input::Observe(gone(&self.view, id))).await;
            }
            Err(error) => {
                self.tracker.give_up_read(ticket);
                if self.reads.failed(id.clone(), &error, now) {
                    let forbidden = matches!(error, CallError::Forbidden(_));
                    let outcome = if forbidden { Outcome::NotPermitted } else { Outcome::GivenUp };
                    self.look_ups.settle(&id, outcome);
                }
                return ControlFlow::Continue(());
            }
        };
        let conversation = match read {
            Ok(conversation) => conversation,
            Err(error) => {
                self.tracker.give_up_read(ticket);
                warn!(conversation_id = %id, %error, "the answer to a read cannot be read, the conversation waits for its next event");
                self.read_ended(id, Outcome::GivenUp);
                return ControlFlow::Continue(());
            }
        };
        let news = self.tracker.take_read(ticket, conversation, now);
        let changed = matches!(news, News::Newer(_));
        let current = match news {
            News::Overtaken { read_again } => {
                if self.reads.overtaken(id.clone(), read_again, now) {
                    // What overtook it is newer than what was asked for.
                    self.look_ups.settle(&id, Outcome::Same);
                }
                return ControlFlow::Continue(());
            }
            News::Newer(current) => Some(current),
            News::Duplicate => self.tracker.current(&id).cloned(),
            News::Older | News::Partial | News::Doubtful { .. } => None,
        };
        let Some(current) = current else {
            self.read_ended(id, Outcome::Same);
            return ControlFlow::Continue(());
        };
        let wishes = self.observe(&current, now, Timestamp::now(), true).await?;
        let outcome = match (changed, current.is_over()) {
            (true, true) => Outcome::Over(wishes),
            (true, false) => Outcome::Changed(wishes),
            (false, _) => Outcome::Same,
        };
        self.read_ended(id, outcome);
        ControlFlow::Continue(())
    }

    /// A read ended; unless it was asked for again meanwhile, whoever waits for it is told.
    fn read_ended(&mut self, id: ConversationId, outcome: Outcome) {
        if self.reads.done(id.clone()) {
            self.look_ups.settle(&id, outcome);
        }
    }

    /// Reads a conversation when it is its turn; without room it waits for its next event.
    fn read_or_leave(&mut self, id: ConversationId) {
        if !self.reads.want(id.clone()) {
            self.look_ups.settle(&id, Outcome::GivenUp);
        }
    }

    fn change_view(&mut self) {
        let before = self.view.rules.hash();
        self.view = self.joints.view.borrow_and_update().clone();
        if self.view.rules.hash() != before {
            self.again = self.tracker.live().map(|current| current.id.clone()).collect();
        }
    }

    async fn look_again(&mut self) -> ControlFlow<()> {
        let Some(id) = self.again.pop_front() else { return ControlFlow::Continue(()) };
        if let Some(current) = self.tracker.current(&id).cloned() {
            self.observe(&current, Instant::now(), Timestamp::now(), false).await?;
        }
        ControlFlow::Continue(())
    }

    /// Reads what is asked for, as far as it is not known already.
    fn look_up(&mut self, LookUp { which, done }: LookUp) {
        let ids: Vec<ConversationId> = match which {
            Which::Of(topics) => {
                let live = self.tracker.live().filter(|current| tell_of(&topics, current));
                live.map(|current| current.id.clone()).collect()
            }
            Which::These(mut ids, since) => {
                ids.retain(|id| !self.tracker.knows_since(id, since));
                ids
            }
        };
        self.look_ups.begin(ids.clone(), done);
        ids.into_iter().for_each(|id| self.read_or_leave(id));
    }

    /// Looks up conversations without news for a day: their end may never have been seen.
    fn look_up_silent(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.last_look_up) < LOOK_UP_EVERY {
            return;
        }
        self.last_look_up = now;
        for id in self.tracker.due(now) {
            self.read_or_leave(id);
        }
    }
}

/// Whether these topics would have told of what happens in a conversation.
fn tell_of(topics: &BTreeSet<Topic>, current: &Conversation) -> bool {
    current.participants.iter().any(|participant| {
        let user = participant.user_id.clone().map(Topic::User);
        let queue = participant.queue_id.clone().map(Topic::Queue);
        user.is_some_and(|user| topics.contains(&user))
            || queue.is_some_and(|queue| topics.contains(&queue))
    })
}

/// The stream that a frame came by: its topic on its channel.
fn stream_of(received: &Received) -> StreamId {
    let mut hasher = DefaultHasher::new();
    received.topic.hash(&mut hasher);
    StreamId { channel: received.channel, topic: hasher.finish() }
}
