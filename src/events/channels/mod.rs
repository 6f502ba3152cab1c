//! All channels: how many there are, which topics each carries, and what the rest of the program is
//! told of them.
//!
//! The supervisor owns the channels' tasks, the plan of topics and the file in which channels are
//! kept. It promises that a channel's task that ends is noticed and made anew, with backoff; that a
//! change of topics reaches only the channels that it concerns; and that no notice is lost: when
//! they are not taken, news is not taken in either, and in the end sockets are not read. It reads no
//! frame itself.

mod backoff;
mod channel;
mod coverage;
mod eviction;
mod handover;
mod intake;
mod job;
mod keeper;
mod kept;
mod leaving;
mod line;
pub mod notice;
mod outcome;
mod owner;
mod pool;
mod recent;
mod report;
#[cfg(test)]
mod rig;
pub mod socket;
mod subscription;
mod supervisor;
pub mod topics;
#[cfg(test)]
mod trial;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::job::Shared;
use self::keeper::Keeper;
pub use self::notice::{ChannelsState, Notice, QUEUE, Received, Rejection};
use self::owner::{known, owners};
use self::recent::Recent;
use self::report::Report;
use self::supervisor::Supervisor;
use self::topics::{Limits, Plan};
use self::view::View;
use crate::config;
use crate::events::topic::Topic;
use crate::genesys::clients::{Bound, Standing};
use crate::genesys::outside::Outside;
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};

/// Reports on their way to the supervisor: a few for each of twenty channels.
const REPORTS: usize = 64;
/// Notices that nobody took yet, before channels are made to wait.
const NOTICES: usize = 256;

/// What the channels need to run.
pub struct Channels {
    /// Each makes channels of its own.
    pub clients: Vec<Bound>,
    pub standings: watch::Receiver<Vec<Standing>>,
    pub outside: Arc<dyn Outside>,
    pub settings: config::Channels,
    /// Where channels are kept for the next start. Holds secrets.
    pub state_file: Option<PathBuf>,
    /// Of [`QUEUE`] frames.
    pub frames: mpsc::Sender<Received>,
    /// Whether frames are handed on with their texts although they are read.
    pub whole_texts: bool,
    pub notices: mpsc::Sender<Notice>,
    pub state: watch::Sender<ChannelsState>,
    pub counts: Arc<Counts>,
    pub beat: Beat,
}

enum Event {
    Stop,
    Topics,
    Report(Report),
    Ended(Result<(Id, ()), JoinError>),
    PoolChanged,
    ClientsChanged,
    StartDue,
    Sent,
    /// Nobody takes notices.
    Deaf,
    Idle,
}

impl Channels {
    /// Keeps the wanted topics subscribed until it is told to stop, or nobody takes frames any
    /// more; then takes the topics off and keeps the channels for the next start, within a few
    /// seconds.
    pub async fn run(
        self,
        mut topics: watch::Receiver<Arc<BTreeSet<Topic>>>,
        stop: CancellationToken,
    ) {
        let (sender, mut reports) = mpsc::channel(REPORTS);
        let (keeper, kept) = Keeper::open(self.state_file).await;
        let (max, copies) = (self.settings.max, self.settings.copies);
        let limits = Limits::of_clients(self.clients.len(), max, copies);
        let changes = Arc::new(watch::Sender::new(0));
        let mut pools = changes.subscribe();
        let shared = Arc::new(Shared {
            owners: owners(self.clients, kept, &changes),
            outside: self.outside,
            settings: self.settings,
            frames: self.frames,
            whole_texts: self.whole_texts,
            reports: sender,
            counts: self.counts,
            recent: (limits.copies > 1).then(Recent::default),
            sockets: AtomicU32::new(0),
        });
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
            moving: false,
            standings: self.standings,
            rejected: BTreeMap::new(),
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
            let event = supervisor.next(&mut topics, &mut reports, &mut pools).await;
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
        pools: &mut watch::Receiver<u64>,
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
            () = self.shared.frames.closed() => Event::Stop,
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
            // The pools are part of what lives here, so their sender is never gone.
            Ok(()) = pools.changed() => Event::PoolChanged,
            Ok(()) = self.standings.changed() => Event::ClientsChanged,
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
                let writable = self.keeper.keep(known(&self.shared.owners)).await;
                self.view.kept = writable;
                self.publish();
            }
            Event::ClientsChanged => self.clients_changed(),
            Event::Deaf => self.waiting.clear(),
            Event::Sent | Event::StartDue | Event::Idle | Event::Stop => {}
        }
    }
}
