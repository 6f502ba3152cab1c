//! All channels: how many there are, which topics each carries, and what the rest of the program is
//! told of them.
//!
//! The supervisor owns the channels' tasks, the plan of topics and the file in which channels are
//! kept. It promises that a channel's task that ends is noticed and made anew, with backoff; that a
//! change of topics reaches only the channels that it concerns; and that no notice is lost: when
//! they are not taken, news is not taken in either, and in the end sockets are not read. It reads no
//! frame itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::channel::{BACKOFF, Channel};
use super::job::Shared;
use super::keeper::Keeper;
pub use super::notice::{ChannelsState, Notice, QUEUE, Received, Rejection};
use super::pool::Pool;
use super::report::{Heard, News, Report};
use super::topic::Topic;
use super::topics::{Limits, Plan};
use super::view::View;
use crate::config;
use crate::genesys::call::Api;
use crate::genesys::outside::Outside;
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};

/// Reports on their way to the supervisor: a few for each of twenty channels.
const REPORTS: usize = 64;
/// Notices that nobody took yet, before channels are made to wait.
const NOTICES: usize = 256;
/// Saying goodbye to all channels at once; each has its own, shorter limits.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// A task that ran so long before it ended is started again without delay.
const LASTED: Duration = Duration::from_secs(600);

/// What the channels need to run.
pub struct Channels {
    pub api: Arc<dyn Api>,
    pub outside: Arc<dyn Outside>,
    pub settings: config::Channels,
    /// Where channels are kept for the next start. Holds secrets.
    pub state_file: Option<PathBuf>,
    /// Of [`QUEUE`] frames.
    pub frames: mpsc::Sender<Received>,
    pub notices: mpsc::Sender<Notice>,
    pub state: watch::Sender<ChannelsState>,
    pub counts: Arc<Counts>,
    pub beat: Beat,
}

/// The supervisor's own state.
struct Supervisor {
    shared: Arc<Shared>,
    limits: Limits,
    keeper: Keeper,
    notices: mpsc::Sender<Notice>,
    waiting: VecDeque<Notice>,
    state: watch::Sender<ChannelsState>,
    beat: Beat,
    stop: CancellationToken,
    plan: Plan,
    view: View,
    slots: BTreeMap<u32, Slot>,
    tasks: JoinSet<()>,
    numbers: HashMap<Id, u32>,
}

/// A channel, seen from here.
struct Slot {
    topics: watch::Sender<Arc<BTreeSet<Topic>>>,
    heard: Arc<Heard>,
    stop: CancellationToken,
    /// `None` while it waits to be started.
    task: Option<Id>,
    started: Instant,
    start_at: Instant,
    /// Tasks in a row that ended early.
    failures: u32,
}

enum Event {
    Stop,
    Topics,
    Report(Report),
    Ended(Result<(Id, ()), JoinError>),
    PoolChanged,
    StartDue,
    Sent,
    /// Nobody takes notices.
    Deaf,
    Idle,
}

impl Channels {
    /// Keeps the wanted topics subscribed until it is told to stop; then takes the topics off and
    /// keeps the channels for the next start, within a few seconds.
    pub async fn run(
        self,
        mut topics: watch::Receiver<Arc<BTreeSet<Topic>>>,
        stop: CancellationToken,
    ) {
        let (sender, mut reports) = mpsc::channel(REPORTS);
        let (keeper, kept) = Keeper::open(self.state_file).await;
        let limits = Limits::new(self.settings.max, self.settings.copies);
        let shared = Arc::new(Shared {
            api: self.api,
            outside: self.outside,
            settings: self.settings,
            frames: self.frames,
            reports: sender,
            counts: self.counts,
            pool: Pool::new(kept),
        });
        let mut pool = shared.pool.changes();
        let mut supervisor = Supervisor {
            shared,
            limits,
            keeper,
            notices: self.notices,
            waiting: VecDeque::new(),
            state: self.state,
            beat: self.beat,
            stop,
            plan: Plan::default(),
            view: View::default(),
            slots: BTreeMap::new(),
            tasks: JoinSet::new(),
            numbers: HashMap::new(),
        };
        let first = Arc::clone(&topics.borrow_and_update());
        supervisor.replan(&first);
        let mut topics = Some(topics);
        loop {
            supervisor.start_due();
            supervisor.beat.give();
            let event = supervisor.next(&mut topics, &mut reports, &mut pool).await;
            if matches!(event, Event::Stop) {
                break;
            }
            supervisor.handle(event, &mut topics).await;
        }
        supervisor.finish(reports).await;
    }
}

impl Supervisor {
    /// Waits for whatever comes next.
    ///
    /// # Cancel safety
    ///
    /// Safe: no report and no notice is lost.
    async fn next(
        &mut self,
        topics: &mut Option<watch::Receiver<Arc<BTreeSet<Topic>>>>,
        reports: &mut mpsc::Receiver<Report>,
        pool: &mut watch::Receiver<u64>,
    ) -> Event {
        let start_at = self.slots.values().filter(|slot| slot.task.is_none());
        let start_at = start_at.map(|slot| slot.start_at).min();
        let wanted = async {
            match topics {
                Some(topics) => topics.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let far = Instant::now() + IDLE_BEAT;
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Event::Stop,
            Some(ended) = self.tasks.join_next_with_id() => Event::Ended(ended),
            room = self.notices.reserve(), if !self.waiting.is_empty() => match room {
                Ok(room) => {
                    if let Some(notice) = self.waiting.pop_front() {
                        room.send(notice);
                    }
                    Event::Sent
                }
                Err(_) => Event::Deaf,
            },
            // The pool is part of what lives here, so its sender is never gone.
            Ok(()) = pool.changed() => Event::PoolChanged,
            Some(report) = reports.recv(), if self.waiting.len() < NOTICES => Event::Report(report),
            more = wanted => {
                if !more {
                    *topics = None;
                }
                Event::Topics
            }
            () = sleep_until(start_at.unwrap_or(far)), if start_at.is_some() => Event::StartDue,
            () = sleep_until(far) => Event::Idle,
        }
    }

    async fn handle(
        &mut self,
        event: Event,
        topics: &mut Option<watch::Receiver<Arc<BTreeSet<Topic>>>>,
    ) {
        match event {
            Event::Topics => {
                let wanted = topics.as_mut().map(|topics| Arc::clone(&topics.borrow_and_update()));
                if let Some(wanted) = wanted {
                    self.replan(&wanted);
                }
            }
            Event::Report(report) => self.handle_report(report),
            Event::Ended(ended) => self.handle_ended(ended),
            Event::PoolChanged => {
                let writable = self.keeper.keep(self.shared.pool.known()).await;
                self.view.kept = writable;
                self.publish();
            }
            Event::Deaf => self.waiting.clear(),
            Event::Sent | Event::StartDue | Event::Idle | Event::Stop => {}
        }
    }

    /// Spreads the topics over the channels and tells those whose topics changed.
    fn replan(&mut self, wanted: &BTreeSet<Topic>) {
        let plan = self.plan.fit(wanted, self.limits);
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
        self.view.wanted = wanted.len();
        self.view.without_room = plan.without_room.len();
        self.view.short_of_copies = plan.short_of_copies;
        let gone: Vec<u32> =
            self.slots.keys().copied().filter(|n| !plan.channels.contains_key(n)).collect();
        for number in gone {
            if let Some(slot) = self.slots.remove(&number) {
                slot.stop.cancel();
            }
            self.view.remove(number);
        }
        for (number, topics) in &plan.channels {
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
        // One more than there are channels, so that one at a time can be replaced with overlap.
        self.shared.pool.set_limit(plan.channels.len() + 1);
        self.plan = plan;
        self.publish();
    }

    /// Starts the channels whose time has come.
    fn start_due(&mut self) {
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
    fn handle_ended(&mut self, ended: Result<(Id, ()), JoinError>) {
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
        self.shared.pool.give_back_all(number);
        if let Some(since) = slot.heard.gap_start() {
            self.view.lost(number, since);
        }
        self.publish();
    }

    fn handle_report(&mut self, Report { channel, news }: Report) {
        if !self.slots.contains_key(&channel) {
            return;
        }
        match news {
            News::Subscribed { subscription, gap } => {
                let notices = self.view.subscribed(channel, subscription, gap);
                self.waiting.extend(notices);
            }
            News::Refused(subscription) => {
                self.waiting.extend(self.view.refused(channel, subscription));
            }
            News::Lost { since } => self.view.lost(channel, since),
            News::TokenRevoked => self.waiting.push_back(Notice::TokenRevoked { channel }),
        }
        self.publish();
    }

    fn publish(&self) {
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
    async fn finish(mut self, mut reports: mpsc::Receiver<Report>) {
        reports.close();
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
        for number in self.slots.keys() {
            self.shared.pool.give_back_all(*number);
        }
        self.keeper.keep(self.shared.pool.known()).await;
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
