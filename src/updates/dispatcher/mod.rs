//! Moves observations in and pushes out: the one part of the updates that waits.
//!
//! One task owns all state, so nothing needs a lock. Its loop has two halves that do not mix:
//! [`next_event`](Dispatcher::next_event) waits and changes nothing that matters,
//! [`handle`](Dispatcher::handle) changes everything and never waits.
//!
//! It ends when its input has ended and nothing is left that could be pushed before the drain's
//! deadline; what is left then is in the journal. Leave to push is asked for while something is ready, and *before* it leaves the outbox:
//! while we are made to wait, updates go on merging.

mod keeping;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, pending};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use self::keeping::HAND_OVER;
use super::calendar::Calendar;
use super::foresight::Outlook;
use super::journal::{Health, Journal, Recovered};
use super::keeper::{CredentialsRefused, Keeper, Request};
use super::orders::Orders;
use super::push::{Push, Pushed};
use super::settings::Settings;
use super::story::Story;
use super::traces::Traces;
use super::wish::{Ask, Observation};
use crate::defects::{self, Defect};
use crate::genesys::ConversationId;
use crate::genesys::call::{Api, CallError, Class, Permit};
use crate::status::control::Answer;
use crate::status::control::letters::Question;
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};

/// Observations that are taken in at once: many frames cost one wake-up under load, and a worker
/// waits for no more than these.
const BATCH: usize = 256;

/// How often a stop says who is left.
const TELL_LEFT: Duration = Duration::from_secs(5);

/// Participants that are named at the end of a stop; the others are counted.
const MAX_NAMED: usize = 100;

/// What comes in. When all senders are gone, the dispatcher drains and ends.
#[derive(Debug)]
pub enum Input {
    Observe(Observation),
    /// Something came that may be newer, and wishes something else: what waits for the conversation
    /// is held back until the next observation, for some minutes at most.
    Doubt(ConversationId),
    /// What that wishes of keys of which what is held wishes nothing; what it shows may be old, and
    /// is left out.
    Perhaps(Observation),
    /// Nothing will settle it: what waits is held back no longer.
    DoubtGivenUp(ConversationId),
    /// Goes by these from now on, also for what waits already.
    Settings(Settings),
    /// Everything that was received until then has come in.
    Through(Instant),
    DeadLetters(LettersAsked),
}

/// Somebody asks about the dead letters.
#[derive(Debug)]
pub struct LettersAsked {
    pub question: Question,
    /// The digests of the rules in force.
    pub in_force: Arc<BTreeSet<u64>>,
    pub answer: oneshot::Sender<Answer>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// All that was accepted was dealt with.
    Drained,
    /// So many participants are left whose updates were not pushed; `kept` if they are in the
    /// journal.
    CutOff { left: usize, kept: bool },
    /// The credentials are refused: nothing will succeed until somebody mends them.
    Credentials { reason: String },
}

/// All that the dispatcher is joined to.
pub struct Joints {
    pub input: mpsc::Receiver<Input>,
    /// What is asked here comes back as an [`Observation`].
    pub asks: mpsc::Sender<Ask>,
    /// Gives leave to push; nothing else of it is used.
    pub api: Arc<dyn Api>,
    pub push: Arc<dyn Push>,
    pub settings: Settings,
    /// What has to wait; whoever gives other orders need not wait for the updates.
    pub orders: watch::Receiver<Arc<Orders>>,
    pub outlook: watch::Sender<Outlook>,
    pub journal: Journal,
    /// What an earlier process left in it.
    pub recovered: Recovered,
    pub calendar: Calendar,
    /// Where it is told what happens.
    pub story: Story,
    /// Where it is told what was done, where anybody collects that.
    pub traces: Traces,
    pub counts: Arc<Counts>,
    pub beat: Beat,
    /// Of the jitter.
    pub seed: u64,
}

/// See the [module](self).
pub struct Dispatcher {
    keeper: Keeper,
    input: mpsc::Receiver<Input>,
    batch: Vec<Input>,
    asks: mpsc::Sender<Ask>,
    asks_open: bool,
    api: Arc<dyn Api>,
    push: Arc<dyn Push>,
    orders: watch::Receiver<Arc<Orders>>,
    outlook: watch::Sender<Outlook>,
    journal: Journal,
    /// When the journal was last given what had changed, and whether more may have since.
    handed_over: Instant,
    to_hand_over: bool,
    /// How often the journal has asked for all rows anew, and whether they are being made.
    anew: u64,
    making_anew: bool,
    calendar: Calendar,
    /// Asked for while something is ready; kept over other events, or it would never come.
    leave: Option<BoxFuture<'static, Permit>>,
    /// No more than `settings.workers`.
    pushes: FuturesUnordered<BoxFuture<'static, Box<Settled>>>,
    beat: Beat,
    drain: Option<Drain>,
}

/// A push with its answer.
type Settled = (Request, Result<Pushed, CallError>);

/// The input has ended.
#[derive(Clone, Copy, Debug)]
struct Drain {
    deadline: Instant,
    tell_at: Instant,
}

/// Everything that can make the dispatcher do something.
enum Event {
    Settled(Box<Settled>),
    /// Something is ready, a worker is free, and there is leave.
    MayPush(Permit),
    /// The batch is filled.
    Input,
    InputEnded,
    MayAsk(OwnedPermit<Ask>),
    NobodyToAsk,
    Ordered,
    Due,
}

impl Dispatcher {
    pub fn new(joints: Joints) -> Dispatcher {
        let Joints { input, asks, api, push, settings, counts, beat, seed, .. } = joints;
        let (mut orders, outlook) = (joints.orders, joints.outlook);
        let (journal, recovered, calendar) = (joints.journal, joints.recovered, joints.calendar);
        let now = Instant::now();
        let mut keeper = Keeper::new(settings, counts, seed, now);
        keeper.order(&orders.borrow_and_update(), now);
        keeper.restore(recovered, calendar, now);
        keeper.tell(joints.story);
        keeper.trace(joints.traces);
        Dispatcher {
            keeper,
            input,
            batch: Vec::with_capacity(BATCH),
            asks,
            asks_open: true,
            api,
            push,
            orders,
            outlook,
            journal,
            handed_over: now,
            to_hand_over: false,
            anew: 0,
            making_anew: false,
            calendar,
            leave: None,
            pushes: FuturesUnordered::new(),
            beat,
            drain: None,
        }
    }

    /// Runs until the input has ended and what waits is pushed, or time has run out.
    ///
    /// # Cancel safety
    ///
    /// Dropping this future abandons the pushes under way; what waits is in the journal, and left to
    /// the next start. Do it only when nobody wants to wait any longer.
    pub async fn run(mut self) -> Ended {
        let ended = loop {
            let event = self.next_event().await;
            if let ControlFlow::Break(ended) = self.handle(event) {
                break ended;
            }
        };
        let Dispatcher { mut keeper, journal, .. } = self;
        keeper.take_story().closed().await;
        let kept = journal.closed().await == Health::Kept;
        match ended {
            Ended::CutOff { left, .. } => {
                name_the_left(&keeper, kept);
                Ended::CutOff { left, kept }
            }
            ended @ (Ended::Drained | Ended::Credentials { .. }) => ended,
        }
    }

    /// Waits for the next thing to happen.
    ///
    /// Every branch is cancel safe, so those that lose lose nothing.
    async fn next_event(&mut self) -> Event {
        let now = Instant::now();
        let free = self.pushes.len() < self.keeper.settings().workers;
        if free && self.keeper.may_push(now) {
            let api = &self.api;
            self.leave.get_or_insert_with(|| {
                let api = Arc::clone(api);
                Box::pin(async move {
                    if defects::on(Defect::PermitAfterUpdateWasTaken) {
                        return Permit::of(Class::Update);
                    }
                    api.permit(Class::Update).await
                })
            });
        } else {
            self.leave = None;
        }
        let listening = self.drain.is_none();
        let asking = listening && self.asks_open && self.keeper.next_ask().is_some();
        let due = self.next_due(now);
        let (leave, asks) = (&mut self.leave, &self.asks);
        // What is finished first; then leave before input, which is taken in before it is used.
        tokio::select! {
            biased;
            Some(settled) = self.pushes.next() => Event::Settled(settled),
            Ok(()) = self.orders.changed() => Event::Ordered,
            permit = async { match leave { Some(leave) => leave.await, None => pending().await } } => {
                Event::MayPush(permit)
            }
            count = self.input.recv_many(&mut self.batch, BATCH), if listening => match count {
                0 => Event::InputEnded,
                _ => Event::Input,
            },
            room = async { asks.clone().reserve_owned().await }, if asking => match room {
                Ok(room) => Event::MayAsk(room),
                Err(_) => Event::NobodyToAsk,
            },
            () = sleep_until(due) => Event::Due,
        }
    }

    fn next_due(&self, now: Instant) -> Instant {
        let drain = self.drain.map(|drain| drain.deadline.min(drain.tell_at));
        let hand_over = self.to_hand_over.then(|| self.handed_over + HAND_OVER);
        let due = self.keeper.next_wake(now).into_iter().chain(drain).chain(hand_over).min();
        due.map_or(now + IDLE_BEAT, |due| due.min(now + IDLE_BEAT))
    }

    fn handle(&mut self, event: Event) -> ControlFlow<Ended> {
        let now = Instant::now();
        match event {
            Event::Settled(settled) => {
                let (request, result) = *settled;
                let settled = self.keeper.settle(request, result, now);
                if let Err(CredentialsRefused { reason }) = settled {
                    self.hand_over(now);
                    return ControlFlow::Break(Ended::Credentials { reason });
                }
            }
            Event::MayPush(permit) => {
                self.leave = None;
                self.take_in(now);
                self.start_push(permit, now);
            }
            Event::Input => self.take_in(now),
            Event::InputEnded => self.start_draining(now),
            Event::MayAsk(room) => {
                if let Some(ask) = self.keeper.next_ask() {
                    self.keeper.asked(&ask);
                    room.send(ask);
                }
            }
            Event::NobodyToAsk => self.asks_open = false,
            Event::Ordered => {
                let orders = Arc::clone(&self.orders.borrow_and_update());
                self.keeper.order(&orders, now);
            }
            Event::Due => {}
        }
        self.keeper.wake(now);
        self.keeper.count_in_flight(self.pushes.len());
        self.tell_outlook();
        self.keep(now);
        self.beat.give();
        let end = self.look_at_the_end(now);
        if end.is_break() {
            self.hand_over(now);
        }
        end
    }

    fn tell_outlook(&self) {
        self.outlook.send_if_modified(|told| {
            let is_news = told != self.keeper.outlook();
            if is_news {
                told.clone_from(self.keeper.outlook());
            }
            is_news
        });
    }

    /// Takes in what has come so far.
    fn take_in(&mut self, now: Instant) {
        while self.batch.len() < BATCH
            && let Ok(input) = self.input.try_recv()
        {
            self.batch.push(input);
        }
        for input in self.batch.drain(..) {
            match input {
                Input::Observe(observation) => self.keeper.observe(&observation, now),
                Input::Doubt(conversation) => self.keeper.doubt(&conversation, now),
                Input::Perhaps(observation) => self.keeper.perhaps(&observation, now),
                Input::DoubtGivenUp(conversation) => {
                    self.keeper.doubt_given_up(&conversation, now);
                }
                Input::Settings(settings) => self.keeper.configure(settings, now),
                Input::Through(at) => self.keeper.through(at),
                Input::DeadLetters(LettersAsked { question, in_force, answer }) => {
                    let told = self.keeper.asked_about_letters(&question, &in_force, now);
                    // Who asked may have gone.
                    let _asker_left = answer.send(told).is_err();
                }
            }
        }
    }

    fn start_push(&mut self, permit: Permit, now: Instant) {
        // What just came in may have withdrawn the last that was ready.
        let Some(request) = self.keeper.take(now) else { return };
        let (push, api) = (Arc::clone(&self.push), Arc::clone(&self.api));
        self.pushes.push(Box::pin(async move {
            let permit = if defects::on(Defect::PermitAfterUpdateWasTaken) {
                api.permit(Class::Update).await
            } else {
                permit
            };
            let target = request.target();
            let parcel = request.parcel();
            let result = push.push(permit, &target.conversation, &target.participant, parcel).await;
            Box::new((request, result))
        }));
    }

    fn start_draining(&mut self, now: Instant) {
        let deadline = now + self.keeper.settings().drain;
        self.drain = Some(Drain { deadline, tell_at: now });
        self.keeper.drain(now);
    }

    fn look_at_the_end(&mut self, now: Instant) -> ControlFlow<Ended> {
        let Some(drain) = &mut self.drain else { return ControlFlow::Continue(()) };
        let left = self.keeper.len();
        if left == 0 {
            return ControlFlow::Break(Ended::Drained);
        }
        let deadline = drain.deadline;
        let goes_on = !self.pushes.is_empty() || self.keeper.may_push_before(deadline, now);
        if now >= deadline || !goes_on {
            return ControlFlow::Break(Ended::CutOff { left, kept: false });
        }
        if now >= drain.tell_at {
            drain.tell_at = now + TELL_LEFT;
            let seconds_left = deadline.saturating_duration_since(now).as_secs();
            info!(participants = left, seconds_left, "draining");
        }
        ControlFlow::Continue(())
    }
}

/// With a journal it is no loss, and who reads it is told where it went.
fn name_the_left(keeper: &Keeper, kept: bool) {
    let left = keeper.left();
    let conversations: BTreeSet<_> = left.iter().map(|(it, _)| &it.conversation).collect();
    let (participants, conversations) = (left.len(), conversations.len());
    if kept {
        info!(
            participants,
            conversations, "stopped with updates that were not pushed: kept for the next start"
        );
    } else {
        warn!(
            participants,
            conversations,
            "stopped with updates that were not pushed, and no journal keeps them: lost"
        );
    }
    for (target, keys) in left.iter().take(MAX_NAMED) {
        let keys = keys.join(" ");
        let (conversation, participant) = (&target.conversation, &target.participant);
        if kept {
            info!(conversation_id = %conversation, participant_id = %participant, keys, "not pushed, kept");
        } else {
            warn!(conversation_id = %conversation, participant_id = %participant, keys, "not pushed, lost");
        }
    }
}
