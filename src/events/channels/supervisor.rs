//! The supervisor's steps: from wanted topics to tasks, from reports to notices.
//!
//! None of them waits, but for the last.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::channel::{BACKOFF, Channel};
use super::handover::{self, Shares};
use super::job::Shared;
use super::keeper::Keeper;
use super::notice::{ChannelsState, Notice};
use super::owner::known;
use super::report::{Heard, News, Report};
use super::subscription::Subscription;
use super::topics::{Limits, Plan, client_of};
use super::view::View;
use crate::events::topic::Topic;
use crate::genesys::clients::Standing;
use crate::machine;
use crate::status::pulse::Beat;

/// Saying goodbye to all channels at once; each has its own, shorter limits.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// A task that ran so long before it ended is started again without delay.
const LASTED: Duration = Duration::from_secs(600);

/// The supervisor's own state.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) limits: Limits,
    pub(super) keeper: Keeper,
    pub(super) notices: mpsc::Sender<Notice>,
    pub(super) waiting: VecDeque<Notice>,
    pub(super) state: watch::Sender<ChannelsState>,
    pub(super) beat: Beat,
    pub(super) stop: CancellationToken,
    pub(super) plan: Plan,
    /// Some topics are on their way to other channels: not all is as planned yet.
    pub(super) moving: bool,
    pub(super) standings: watch::Receiver<Vec<Standing>>,
    /// Topics that some clients were refused: another may be permitted what one is not. Empty where
    /// there is one client only.
    pub(super) rejected: BTreeMap<Topic, BTreeSet<usize>>,
    pub(super) view: View,
    pub(super) slots: BTreeMap<u32, Slot>,
    pub(super) tasks: JoinSet<()>,
    pub(super) numbers: HashMap<Id, u32>,
}

/// A channel, seen from here.
pub(super) struct Slot {
    pub(super) topics: watch::Sender<Arc<BTreeSet<Topic>>>,
    pub(super) heard: Arc<Heard>,
    pub(super) stop: CancellationToken,
    /// `None` while it waits to be started.
    pub(super) task: Option<Id>,
    pub(super) started: Instant,
    pub(super) start_at: Instant,
    /// Tasks in a row that ended early.
    pub(super) failures: u32,
}

impl Supervisor {
    /// Spreads the topics over the channels and tells those whose topics changed.
    pub(super) fn replan(&mut self, wanted: &Arc<BTreeSet<Topic>>) {
        self.rejected.retain(|topic, _| wanted.contains(topic));
        let plan = self.fitting_plan(wanted);
        if plan.without_room.len() != self.plan.without_room.len() {
            let topics = plan.without_room.len();
            let capacity = self.limits.capacity();
            if topics > 0 {
                error!(
                    topics,
                    capacity,
                    "topics without room, their conversations are not seen; \
                    watch fewer users, or use a second client"
                );
            } else {
                info!("all topics have room");
            }
        }
        self.view.without_room = plan.without_room.len();
        self.view.short_of_copies = plan.short_of_copies;
        self.view.want(wanted);
        self.plan = plan;
        self.spread();
        self.publish();
    }

    /// A plan around the clients that shall not carry a topic: one that is refused altogether, one
    /// that is refused this topic, and one that rests and does not carry it already.
    fn fitting_plan(&self, wanted: &BTreeSet<Topic>) -> Plan {
        let (standings, now) = (self.standings.borrow().clone(), Instant::now());
        if self.rejected.is_empty() && standings.iter().all(|one| *one == Standing::Well) {
            return self.plan.fit(wanted, self.limits);
        }
        let carries = |client, topic: &Topic| {
            self.view.is_carried_by(topic, |channel| client_of(channel) == client)
        };
        let barred = |client: usize, topic: &Topic| {
            let by_standing = match standings.get(client) {
                Some(Standing::Refused) => true,
                Some(Standing::Resting { until }) if *until > now => !carries(client, topic),
                Some(Standing::Resting { .. } | Standing::Well) | None => false,
            };
            let rejected = || self.rejected.get(topic).is_some_and(|by| by.contains(&client));
            by_standing || rejected()
        };
        self.plan.fit_around(wanted, self.limits, &barred)
    }

    /// A client is refused, rests, or works again: topics find their places anew.
    pub(super) fn clients_changed(&mut self) {
        self.standings.mark_unchanged();
        // What was refused to one may be the only way now.
        self.rejected.clear();
        self.replan(&Arc::clone(&self.view.wanted));
    }

    /// Notes what a client was refused. Returns true if another may be permitted it.
    fn note_rejections(&mut self, channel: u32, subscription: &Subscription) -> bool {
        let client = client_of(channel);
        if self.limits.clients == 1 {
            return false;
        }
        if !self.rejected.is_empty() {
            for topic in subscription.permitted() {
                self.rejected.remove(topic);
            }
        }
        let mut hopeful = false;
        for topic in subscription.rejected.keys() {
            let by = self.rejected.entry(topic.clone()).or_default();
            hopeful |= by.insert(client) && by.len() < self.limits.clients;
        }
        hopeful
    }

    /// Whether the client of this channel gets nothing done for now.
    fn is_stuck(&self, channel: u32) -> bool {
        let standing = self.standings.borrow().get(client_of(channel)).copied();
        standing.is_some_and(|standing| standing != Standing::Well)
    }

    /// Tells each channel its topics, as far as that may be now.
    fn spread(&mut self) {
        let told = |(number, slot): (&u32, &Slot)| (*number, Arc::clone(&slot.topics.borrow()));
        let told: Shares = self.slots.iter().map(told).collect();
        let shares = handover::shares(&self.plan, &told, |channel, topic| {
            self.view.has_answer(channel, topic)
        });
        for number in told.keys().filter(|number| !shares.contains_key(number)) {
            if let Some(slot) = self.slots.remove(number) {
                slot.stop.cancel();
            }
            self.shared.counts.marks.forget(*number);
            self.waiting.extend(self.view.remove(*number, machine::now()));
        }
        for (number, topics) in &shares {
            match self.slots.get(number) {
                Some(slot) => {
                    slot.topics.send_if_modified(|old| {
                        let new = !Arc::ptr_eq(old, topics);
                        *old = Arc::clone(topics);
                        new
                    });
                }
                None => {
                    self.slots.insert(*number, Slot::new(Arc::clone(topics), &self.stop));
                    self.view.add(*number);
                }
            }
        }
        for (client, owner) in self.shared.owners.iter().enumerate() {
            let channels = shares.keys().filter(|number| client_of(**number) == client).count();
            // One more than there are, so that one at a time can be replaced with overlap.
            owner.pool.set_limit(channels.min(self.limits.channels) + 1);
        }
        self.moving = shares != self.plan.channels;
    }

    /// Starts the channels whose time has come.
    pub(super) fn start_due(&mut self) {
        let now = Instant::now();
        for (number, slot) in &mut self.slots {
            if slot.task.is_some() || slot.start_at > now {
                continue;
            }
            let channel = Channel::new(
                *number,
                Arc::clone(&self.shared),
                slot.topics.subscribe(),
                Arc::clone(&slot.heard),
                slot.stop.clone(),
            );
            let id = self.tasks.spawn(channel.run()).id();
            slot.task = Some(id);
            slot.started = now;
            self.numbers.insert(id, *number);
        }
    }

    /// A task ended. That is wanted of channels that have no topics any more, and of no other.
    pub(super) fn handle_ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let (id, reason) = match ended {
            Ok((id, ())) => (id, "it ended".to_owned()),
            // The panic's own text could quote anything.
            Err(error) if error.is_panic() => (error.id(), "it panicked".to_owned()),
            Err(error) => (error.id(), error.to_string()),
        };
        let Some(number) = self.numbers.remove(&id) else { return };
        let Some(slot) = self.slots.get_mut(&number).filter(|slot| slot.task == Some(id)) else {
            return;
        };
        slot.failures = if slot.started.elapsed() >= LASTED { 0 } else { slot.failures + 1 };
        slot.start_at = Instant::now() + BACKOFF.wait(slot.failures);
        slot.task = None;
        error!(channel = number, reason, "channel failed, starting it anew");
        self.shared.owner(number).pool.give_back_all(number);
        if let Some(since) = slot.heard.gap_start() {
            self.waiting.extend(self.view.lost(number, since, machine::now()));
        }
        self.publish();
    }

    pub(super) fn handle_report(&mut self, Report { channel, news }: Report) {
        if !self.slots.contains_key(&channel) {
            return;
        }
        self.view.settle(|channel| self.slots.get(&channel)?.heard.gap_start());
        let (mut anew, now) = (false, machine::now());
        match news {
            News::Subscribed { subscription, at, lost } => {
                anew = self.note_rejections(channel, &subscription);
                self.waiting.extend(self.view.subscribed(channel, subscription, lost, at, now));
                if self.moving && !anew {
                    self.spread();
                }
            }
            News::Refused(subscription) => {
                anew = self.note_rejections(channel, &subscription);
                self.waiting.extend(self.view.refused(channel, subscription));
            }
            News::Lost { since } => {
                self.waiting.extend(self.view.lost(channel, since, now));
                anew = self.is_stuck(channel);
            }
            News::TokenRevoked => {
                let client = client_of(channel);
                self.waiting.push_back(Notice::TokenRevoked { channel, client });
            }
        }
        if anew {
            self.replan(&Arc::clone(&self.view.wanted));
        }
        self.waiting.extend(self.view.none_allowed());
        self.publish();
    }

    pub(super) fn publish(&self) {
        let state = self.view.state();
        let counts = &self.shared.counts;
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        counts.channels.set(number(state.channels));
        counts.channels_connected.set(number(state.connected));
        counts.topics.set(number(state.topics_permitted));
        counts.topics_rejected.set(number(state.topics_rejected));
        self.state.send_if_modified(|old| {
            let new = *old != state;
            *old = state;
            new
        });
    }

    /// Waits for the channels' goodbyes and keeps what is left of them.
    pub(super) async fn finish(mut self, mut reports: mpsc::Receiver<Report>) {
        reports.close();
        for slot in self.slots.values() {
            slot.stop.cancel();
        }
        let goodbyes = async {
            while let Some(ended) = self.tasks.join_next().await {
                self.beat.give();
                if let Err(error) = ended.as_ref().map_err(JoinError::is_panic) {
                    warn!(panicked = error, "channel failed while it was stopped");
                }
            }
        };
        if timeout(STOP_LIMIT, goodbyes).await.is_err() {
            warn!(channels = self.tasks.len(), "channels cut off, they took too long to stop");
            self.tasks.shutdown().await;
        }
        self.keeper.keep(known(&self.shared.owners)).await;
        info!("channels stopped");
    }
}

impl Slot {
    fn new(topics: Arc<BTreeSet<Topic>>, stop: &CancellationToken) -> Slot {
        let now = Instant::now();
        Slot {
            topics: watch::Sender::new(topics),
            heard: Arc::default(),
            stop: stop.child_token(),
            task: None,
            started: now,
            start_at: now,
            failures: 0,
        }
    }
}
