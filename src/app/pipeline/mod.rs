//! From frames to observations: one loop that holds the snapshots and asks the rules.
//!
//! It alone owns the tracker and what each conversation's rules remember, so nothing here is
//! locked. `next_event` waits, `handle` acts. Frames go first, but after each batch of them
//! something else has a turn, so that no flood keeps answers, asks or new rules waiting. A snapshot
//! whose place in the order is in doubt, and which would change a wish, is settled by one read
//! (SEMANTICS 2); reads go in the recovery class and never hold up a frame. It decides nothing about
//! writing: that is the updates' part.

mod audit;
mod by_rule;
mod doubtful;
mod due;
mod look_ups;
mod question;
mod reading;
mod standings;
#[cfg(test)]
mod tests;
mod through;

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use self::audit::Audit;
use self::doubtful::Doubtful;
use self::due::Due;
use self::look_ups::LookUps;
pub(super) use self::look_ups::{Found, LookUp, Which};
pub(super) use self::standings::Standings;
use self::through::Through;
pub(super) use self::through::Unheard;
use crate::app::observe::{Look, Moment, View, remember, same_wishes};
use crate::app::reads::{ReadDone, Reads};
use crate::app::rule_errors::RuleErrors;
use crate::events::channels::Received;
use crate::events::conversation::Conversation;
use crate::events::frame::Unread;
use crate::events::tracker::{News, StreamId, Tracker};
use crate::events::{Unreadable, read_generic};
use crate::genesys::ConversationId;
use crate::genesys::call::Api;
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};
use crate::updates::dispatcher::Input;
use crate::updates::wish::Ask;

use question::Comparing;
pub(super) use question::Question;

/// Frames taken from the channel at one waking.
const BATCH: usize = 64;
/// How long a stop waits for what is in doubt to be read, before the drain: a hundred reads at the
/// default budget. It ends at once when there is nothing to read.
const SETTLE_AT_STOP: Duration = Duration::from_secs(20);

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
    pub unheard: Unheard,
    pub view: watch::Receiver<View>,
    pub questions: mpsc::Receiver<Question>,
    pub observations: mpsc::Sender<Input>,
    pub api: Arc<dyn Api>,
    pub counts: Arc<Counts>,
    pub beat: Beat,
}

pub(super) struct Pipeline {
    joints: Joints,
    view: View,
    tracker: Tracker,
    standings: Standings,
    doubtful: Doubtful,
    rule_errors: RuleErrors,
    reads: Reads,
    look_ups: LookUps,
    audit: Audit,
    /// Conversations to look at again, behind live frames: there is room now.
    again: VecDeque<ConversationId>,
    /// The same, after those: the rules changed.
    reloaded: VecDeque<ConversationId>,
    comparing: Option<Comparing>,
    /// Conversations to look at again when their time comes.
    due: Due,
    through: Through,
    batch: Vec<Received>,
    /// The last thing that happened was frames: something else has a turn.
    had_frames: bool,
    /// So far.
    looks: u64,
    last_look_up: Instant,
    /// The frames have ended; until then what is in doubt is still settled.
    ending: Option<Instant>,
}

enum Event {
    Frames,
    FramesEnded,
    Asked(Ask),
    LookUp(LookUp),
    Question(Question),
    ViewChanged,
    Read(ReadDone),
    Compare,
    LookAgain,
    Due,
    Idle,
}

impl Pipeline {
    pub(super) fn new(joints: Joints, mut tracker: Tracker, standings: Standings) -> Pipeline {
        let view = joints.view.borrow().clone();
        tracker.tell_apart(view.rules.ask_raw());
        let reads = Reads::new(Arc::clone(&joints.api));
        Pipeline {
            joints,
            view,
            tracker,
            standings,
            doubtful: Doubtful::default(),
            rule_errors: RuleErrors::default(),
            reads,
            look_ups: LookUps::default(),
            audit: Audit::new(Instant::now()),
            again: VecDeque::new(),
            reloaded: VecDeque::new(),
            comparing: None,
            due: Due::default(),
            through: Through::new(Instant::now()),
            batch: Vec::with_capacity(BATCH),
            had_frames: false,
            looks: 0,
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
            if self.handle(event).await.is_break() || self.tell_through().await.is_break() {
                return;
            }
            self.look_up_silent();
            self.audit();
        }
    }

    async fn next_event(&mut self) -> Event {
        let may_compare = self.comparing.is_some();
        let may_look_again = self.may_look_again();
        self.reads.begin(&mut self.tracker, Instant::now());
        if let Some(until) = self.ending {
            return tokio::select! {
                biased;
                done = self.reads.next() => done.map_or(Event::FramesEnded, Event::Read),
                () = sleep_until(until) => Event::FramesEnded,
            };
        }
        if self.had_frames
            && let Some(event) = self.other_event()
        {
            return event;
        }
        let (next_read, next_due) = (self.reads.next_begin(), self.due.next());
        tokio::select! {
            biased;
            count = self.joints.frames.recv_many(&mut self.batch, BATCH) => {
                if count == 0 { Event::FramesEnded } else { Event::Frames }
            }
            Some(done) = self.reads.next() => Event::Read(done),
            Ok(()) = self.joints.view.changed() => Event::ViewChanged,
            Some(ask) = self.joints.asks.recv() => Event::Asked(ask),
            Some(look_up) = self.joints.look_ups.recv() => Event::LookUp(look_up),
            Some(question) = self.joints.questions.recv() => Event::Question(question),
            () = sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => Event::Due,
            () = std::future::ready(()), if may_compare => Event::Compare,
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
        if let Ok(question) = joints.questions.try_recv() {
            return Some(Event::Question(question));
        }
        if self.due.next().is_some_and(|due| due <= Instant::now()) {
            return Some(Event::Due);
        }
        if self.comparing.is_some() {
            return Some(Event::Compare);
        }
        self.may_look_again().then_some(Event::LookAgain)
    }

    async fn handle(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::FramesEnded => return self.end(),
            Event::Frames => {
                let mut batch = mem::take(&mut self.batch);
                for received in batch.drain(..) {
                    self.take(received).await?;
                }
                self.batch = batch;
            }
            Event::Asked(Ask::LookAgain(id)) => self.again.push_back(id),
            // Whoever waits in it is live, or not looked at anyway.
            Event::Asked(Ask::LookAtAll) => self.again = self.tracker.live().cloned().collect(),
            Event::Asked(Ask::Read(id)) => self.read_or_leave(id),
            Event::LookUp(look_up) => self.look_up(look_up),
            Event::Question(question) => self.begin_comparing(question),
            Event::ViewChanged => self.change_view(),
            Event::Read(done) => self.take_read(done).await?,
            Event::Compare => self.compare_some(),
            Event::LookAgain => self.look_again().await?,
            Event::Due => self.look_when_due().await?,
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
        self.through.hurry();
        ControlFlow::Continue(())
    }

    /// Takes one frame, as far as an observation where it brings one.
    async fn take(&mut self, mut received: Received) -> ControlFlow<()> {
        let stream = stream_of(&received);
        let read = match mem::replace(&mut received.conversation, Err(Unreadable::NoId.into())) {
            Ok(conversation) => Ok(*conversation),
            Err(Unread::Repeat(id)) => {
                if self.tracker.take_repeat(stream, &id, received.body(), received.at) {
                    self.joints.counts.snapshots_duplicate.add(1);
                    return ControlFlow::Continue(());
                }
                read_generic(received.body())
            }
            Err(Unread::Unreadable(error)) => Err(error),
        };
        let conversation = match read {
            Ok(conversation) => conversation,
            Err(error) => {
                self.joints.counts.frames_unreadable.add(1);
                warn!(topic = %received.topic, bytes = received.body().len(), %error, "frame skipped: its body cannot be read");
                return ControlFlow::Continue(());
            }
        };
        if self.view.acd_only && conversation.acd().is_none() {
            return ControlFlow::Continue(());
        }
        let moment =
            Moment { at: received.at, received_at: received.received_at, from_read: false };
        let id = conversation.id.clone();
        self.audit.event(&id);
        self.through.took(received.at);
        match self.tracker.take(stream, conversation, received.at) {
            News::Newer(current) => {
                self.observe(&current, &moment).await?;
            }
            News::Doubtful { current, candidate } => {
                self.joints.counts.snapshots_doubtful.add(1);
                if self.same_wishes(&id, current.as_deref(), &candidate, &moment) {
                    self.tracker.settle_same(&candidate, stream, received.at);
                } else {
                    debug!(conversation_id = %id, topic = %received.topic, "two snapshots in doubt, reading the conversation");
                    self.reads.want_first(id.clone());
                    self.through.doubt(&id, received.at);
                    self.doubtful.keep(&candidate, |id| self.tracker.is_in_doubt(id));
                    self.pass_on_perhaps(current.as_deref(), &candidate, &moment).await?;
                    self.send(Input::Doubt(id)).await?;
                }
            }
            News::Duplicate | News::Confirmed(_) => self.joints.counts.snapshots_duplicate.add(1),
            News::Older | News::Partial | News::Overtaken { .. } => {
                debug!(conversation_id = %id, topic = %received.topic, "late, passed over");
                self.joints.counts.snapshots_older.add(1);
            }
        }
        ControlFlow::Continue(())
    }

    /// Compares what the rules make of two snapshots, and remembers what held in the second: newest
    /// or not, it was so once, and `otherwise` comes after it. Where the first is not kept, a read
    /// has to tell.
    fn same_wishes(
        &mut self,
        id: &ConversationId,
        current: Option<&Conversation>,
        candidate: &Conversation,
        moment: &Moment,
    ) -> bool {
        let standing = self.standings.of(id);
        let same = current
            .is_some_and(|current| same_wishes(&self.view, standing, current, candidate, moment));
        remember(&self.view, standing, candidate, moment);
        same
    }

    /// Asks the rules about a snapshot, and passes on what they say. Returns how many wishes that is.
    async fn observe(
        &mut self,
        current: &Arc<Conversation>,
        moment: &Moment,
    ) -> ControlFlow<(), usize> {
        self.joints.counts.snapshots.add(1);
        let Look { observation, targets_missing, due, errors, .. } = self.ask(current, moment);
        self.rule_errors.note(&errors, moment.at);
        self.joints.counts.targets_missing.add(targets_missing);
        self.wait_for_time(&current.id, due, moment);
        self.standings.bound(self.tracker.len(), |id| self.tracker.is_live(id));
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

    fn change_view(&mut self) {
        let view = self.joints.view.borrow_and_update().clone();
        let before = mem::replace(&mut self.view, view);
        self.tracker.tell_apart(self.view.rules.ask_raw());
        let other_rules = self.view.rules.hash() != before.rules.hash();
        let confirmed = before.held_against.is_some() && self.view.held_against.is_none();
        // To `watched`, who joins was there before.
        let others_watched = self.view.watched != before.watched;
        if other_rules || confirmed || others_watched {
            // The others are looked at with their next event (SEMANTICS 5).
            self.reloaded = self.kept_ids();
        }
    }

    /// The conversations whose snapshot is kept.
    fn kept_ids(&self) -> VecDeque<ConversationId> {
        self.tracker.snapshots().map(|current| current.id.clone()).collect()
    }

    /// Whether a conversation can be looked at now: one whose snapshot is not kept is to be read, and
    /// waits until there is room for that.
    fn may_look_again(&self) -> bool {
        let is_kept = |id| self.tracker.current(id).is_some() || !self.tracker.is_live(id);
        match self.again.front() {
            Some(id) => is_kept(id) || self.reads.has_room(),
            None => !self.reloaded.is_empty(),
        }
    }

    async fn look_again(&mut self) -> ControlFlow<()> {
        let asked = self.again.pop_front();
        let by_reload = asked.is_none();
        let Some(id) = asked.or_else(|| self.reloaded.pop_front()) else {
            return ControlFlow::Continue(());
        };
        let Some(current) = self.tracker.current(&id).cloned() else {
            if !by_reload && self.tracker.is_live(&id) {
                self.read_or_leave(id);
            }
            return ControlFlow::Continue(());
        };
        let moment = Moment::now();
        match self.view.held_against.clone().filter(|_| by_reload) {
            Some(before) => self.observe_unchanged(&before, &current, &moment).await?,
            None => {
                self.observe(&current, &moment).await?;
            }
        }
        self.still_doubt(&current, &moment).await
    }
}

/// The stream that a frame came by: its topic on its channel.
fn stream_of(received: &Received) -> StreamId {
    let mut hasher = DefaultHasher::new();
    received.topic.hash(&mut hasher);
    StreamId { channel: received.channel, topic: hasher.finish() }
}
