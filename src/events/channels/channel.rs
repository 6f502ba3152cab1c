//! One channel, kept alive: its socket is read, its topics are the ones wanted, and it is replaced
//! before it goes where that can be known.
//!
//! A machine of three states, [`Link`]. Reading never waits for the API: what takes time is a
//! [`Job`], one at a time, chosen by the state alone. Nothing here is sure of the server: every
//! way to fail leads through a backoff that only a connection of some length resets, and a new
//! channel is taken by the same backoff, so that nobody who hangs up, refuses or evicts us is called
//! in a busy loop.
//!
//! What it promises: each frame that was read is handed on, and each time in which one may have been
//! missed is reported as a gap once the topics are confirmed again.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::backoff::Backoff;
use super::job::{Done, Job, Shared, Work};
use super::leaving::Leaving;
use super::line::{Fate, GoodbyeTo, Line, next_text};
use super::notice::Received;
use super::owner::Owner;
use super::pool::CREATE_GRACE;
use super::report::Heard;
use super::socket::{Lost, Socket, Text};
use super::subscription::Subscription;
use crate::events::frame::Frame;
use crate::events::topic::Topic;
use crate::genesys::notifications::{self, Channel as Lease, ChannelId};
use crate::status::channel_marks::Marks;

/// Full jitter; the maximum is what a server that hangs up is called with.
pub(crate) const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(250), max: Duration::from_secs(30) };
/// How long the goodbye to the server may take when we stop, for the call and for the socket.
const GOODBYE_LIMIT: Duration = Duration::from_secs(3);
/// How long a stop goes on reading what the server had sent before it heard of it.
const READ_OUT_LIMIT: Duration = Duration::from_secs(2);

/// Texts that are taken in a row before anything else has a turn. What was read of so many is still at
/// hand in the processor's cache, at 12 KB each, when its turn comes: with twice as many and no turn
/// between them a frame cost a tenth more (`cargo bench --bench pipeline`), with four a quarter.
const TEXTS_AT_ONCE: usize = 16;

/// See the module.
pub(crate) struct Channel {
    pub(super) number: u32,
    pub(super) shared: Arc<Shared>,
    pub(super) topics: watch::Receiver<Arc<BTreeSet<Topic>>>,
    pub(super) heard: Arc<Heard>,
    pub(super) marks: Arc<Marks>,
    pub(super) stop: CancellationToken,
    /// Connections in a row that failed or did not last.
    pub(super) failures: u32,
    /// How often somebody took our channel away, lately, and when last.
    pub(super) evictions: u32,
    pub(super) evicted_at: Option<Instant>,
    /// Calls in a row that failed while the socket was up.
    pub(super) refusals: u32,
    /// A channel that failed again and again.
    pub(super) avoid: Option<ChannelId>,
    /// Since when events may have been missed.
    pub(super) gap: Option<Timestamp>,
    pub(super) subscription: Subscription,
    pub(super) job: Option<(CancellationToken, Job)>,
    /// An old socket whose last frames are still read.
    pub(super) leaving: Option<Leaving>,
    pub(super) room: Option<mpsc::OwnedPermit<Received>>,
}

/// How the topics are carried.
pub(super) enum Link {
    /// They are not: a socket is being made, on the channel that we have or on another.
    Down { lease: Option<Lease>, tries: u32 },
    /// By this socket.
    Up(Box<Line>),
    /// By this one, for a while; another channel's is being made.
    Closing(Box<Line>, Fate),
}

enum Event {
    Room(mpsc::OwnedPermit<Received>),
    /// Nobody is there to read frames.
    Orphaned,
    Text(Text),
    Lost(Lost),
    LeavingText(Text),
    LeavingLost(Lost),
    LeavingDue,
    Done(Done),
    /// The topics changed, or it is time to renew: the next job is to be chosen.
    Due,
}

impl Channel {
    pub(crate) fn new(
        number: u32,
        shared: Arc<Shared>,
        topics: watch::Receiver<Arc<BTreeSet<Topic>>>,
        heard: Arc<Heard>,
        stop: CancellationToken,
    ) -> Channel {
        Channel {
            number,
            marks: shared.counts.marks.of(number),
            shared,
            topics,
            gap: heard.gap_start(),
            heard,
            stop,
            failures: 0,
            evictions: 0,
            evicted_at: None,
            refusals: 0,
            avoid: None,
            subscription: Subscription::default(),
            job: None,
            leaving: None,
            room: None,
        }
    }

    /// Keeps the channel until it is told to stop; then says goodbye within a few seconds.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        let mut link = Link::Down { lease: None, tries: 0 };
        loop {
            self.mark(&link);
            self.start_job(&link);
            let Some(event) = stop.run_until_cancelled(self.next(&mut link)).await else { break };
            if matches!(event, Event::Orphaned) {
                break;
            }
            link = self.handle(link, event).await;
            link = self.take_what_has_come(link).await;
        }
        self.leave(link).await;
        debug!(channel = self.number, "channel stopped");
    }

    /// Whose channel it is.
    pub(super) fn owner(&self) -> &Owner {
        self.shared.owner(self.number)
    }

    /// What logs call that client; `None` where there is one only.
    pub(super) fn client(&self) -> Option<&str> {
        self.owner().name.as_deref()
    }

    /// Starts the job that the state asks for, if none is under way.
    fn start_job(&mut self, link: &Link) {
        if self.job.is_some() {
            return;
        }
        let cut = self.stop.child_token();
        let work = |wait| Work {
            shared: Arc::clone(&self.shared),
            number: self.number,
            topics: self.topics.clone(),
            cut: cut.clone(),
            wait,
        };
        let connecting = || work(BACKOFF.wait(self.failures));
        let job = match link {
            Link::Down { lease: Some(lease), tries } => {
                connecting().reconnect(lease.clone(), *tries > 0)
            }
            Link::Down { lease: None, .. } => {
                work(BACKOFF.wait(self.failures).max(self.truce())).make(self.avoid.clone())
            }
            Link::Closing(..) => connecting().make(self.avoid.clone()),
            Link::Up(line) if !line.confirmed || !self.is_subscribed() => {
                let wait = self
                    .refusals
                    .checked_sub(1)
                    .map_or(Duration::ZERO, |failures| BACKOFF.wait(failures));
                work(wait).subscribe(line.lease.id.clone())
            }
            Link::Up(line) if line.renew_at <= Instant::now() => {
                work(Duration::ZERO).renew(line.lease.clone())
            }
            Link::Up(_) => return,
        };
        self.job = Some((cut, job));
    }

    /// What is told of the channel.
    fn mark(&self, link: &Link) {
        let (line, is_up) = match link {
            Link::Up(line) => (Some(line), line.confirmed),
            Link::Closing(line, _) => (Some(line), true),
            Link::Down { .. } => (None, false),
        };
        self.marks.connected.set(u64::from(is_up));
        if is_up {
            self.marks.lost(None);
        }
        let Subscription { wanted, rejected, .. } = &self.subscription;
        self.marks.topics.set(wanted.len().saturating_sub(rejected.len()) as u64);
        let expires = line.and_then(|line| line.lease.expires);
        self.marks.expires_at.mark(expires.map_or(0, Timestamp::as_millisecond));
    }

    fn is_subscribed(&self) -> bool {
        let wanted = self.topics.borrow();
        Arc::ptr_eq(&wanted, &self.subscription.wanted) || *wanted == self.subscription.wanted
    }

    /// Waits for whatever comes next.
    ///
    /// # Cancel safety
    ///
    /// Safe: no frame and no outcome is lost.
    async fn next(&mut self, link: &mut Link) -> Event {
        if self.room.is_none() {
            self.room = self.shared.frames.clone().try_reserve_owned().ok();
        }
        let has_room = self.room.is_some();
        let (line, renew_at) = match link {
            Link::Up(line) if self.job.is_none() => {
                let renew_at = line.renew_at;
                (Some(line), Some(renew_at))
            }
            Link::Up(line) | Link::Closing(line, _) => (Some(line), None),
            Link::Down { .. } => (None, None),
        };
        let close_at = self.leaving.as_ref().map(|leaving| leaving.until);
        let idle = self.job.is_none();
        // What is rarely ready comes first, and the busiest source last.
        tokio::select! {
            biased;
            done = next_done(&mut self.job) => {
                self.job = None;
                Event::Done(done)
            }
            changed = self.topics.changed(), if idle => match changed {
                Ok(()) => Event::Due,
                Err(_) => Event::Orphaned,
            },
            () = sleep_until(close_at.unwrap_or_else(Instant::now)), if close_at.is_some() => {
                Event::LeavingDue
            }
            () = sleep_until(renew_at.unwrap_or_else(Instant::now)), if renew_at.is_some() => {
                Event::Due
            }
            room = self.shared.frames.clone().reserve_owned(), if !has_room => {
                room.map_or(Event::Orphaned, Event::Room)
            }
            text = next_text(self.leaving.as_mut().map(|leaving| &mut *leaving.line)),
                if has_room => text.map_or_else(Event::LeavingLost, Event::LeavingText),
            text = next_text(line.map(|line| &mut **line)), if has_room => {
                text.map_or_else(Event::Lost, Event::Text)
            }
        }
    }

    /// Takes texts that have come already, so that under load a wake-up is for many of them; where
    /// there may be more, whoever works on these has a turn first.
    async fn take_what_has_come(&mut self, mut link: Link) -> Link {
        for _ in 0..TEXTS_AT_ONCE {
            if self.room.is_none() {
                self.room = self.shared.frames.clone().try_reserve_owned().ok();
            }
            let Link::Up(line) = &mut link else { return link };
            let text = if self.room.is_some() { line.socket.next_come() } else { None };
            let Some(text) = text else { return link };
            link = self.handle_text(link, text).await;
        }
        yield_now().await;
        link
    }

    async fn handle(&mut self, link: Link, event: Event) -> Link {
        match event {
            Event::Room(room) => {
                self.room = Some(room);
                link
            }
            Event::Text(text) => self.handle_text(link, text).await,
            Event::Lost(reason) => self.handle_lost(link, &reason).await,
            Event::LeavingText(text) => {
                self.handle_leaving_text(text);
                link
            }
            Event::LeavingLost(reason) => {
                self.handle_leaving_lost(&reason).await;
                link
            }
            Event::LeavingDue => {
                self.see_off().await;
                link
            }
            Event::Done(done) => self.handle_done(link, done).await,
            Event::Due | Event::Orphaned => link,
        }
    }

    /// Says goodbye: the topics are taken off, the socket is read out and closed, the channel is
    /// kept for the next start (SEMANTICS 6).
    async fn leave(&mut self, link: Link) {
        let GoodbyeTo { lease, socket, fate } = match link {
            Link::Down { lease, .. } => GoodbyeTo { lease, socket: None, fate: Fate::Keep },
            Link::Up(line) => line.goodbye(Fate::Keep),
            Link::Closing(line, fate) => line.goodbye(fate),
        };
        let shared = Arc::clone(&self.shared);
        let api = &*shared.owner(self.number).api;
        let unsubscribe = async {
            let Some(lease) = &lease else { return };
            let call = notifications::unsubscribe(api, &lease.id);
            match timeout(GOODBYE_LIMIT, call).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(channel = self.number, %error, "topics not taken off"),
                Err(_) => debug!(channel = self.number, "no time to take the topics off"),
            }
        };
        let finish_job = async {
            if let Some((cut, job)) = self.job.take() {
                cut.cancel();
                if timeout(CREATE_GRACE + GOODBYE_LIMIT, job).await.is_err() {
                    debug!(channel = self.number, "a job did not end in time");
                }
            }
        };
        tokio::join!(unsubscribe, finish_job);
        if let Some((socket, stream)) = socket {
            self.read_out(socket, stream).await;
        }
        if let Some(lease) = &lease {
            self.settle(&lease.id, fate);
        }
        self.end_leaving().await;
    }

    /// Passes on what the server had sent before it heard our goodbye: what reached a live socket
    /// is not lost by a stop.
    async fn read_out(&mut self, mut socket: Socket, stream: u32) {
        let reading = async {
            socket.finish().await;
            while let Ok(text) = socket.next().await {
                if self.room.is_none() {
                    self.room = self.shared.frames.clone().reserve_owned().await.ok();
                }
                if let Frame::Conversation { topic, body, conversation } = self.read(&text) {
                    self.pass_on(stream, topic, text, body, conversation);
                }
            }
        };
        if timeout(READ_OUT_LIMIT, reading).await.is_err() {
            debug!(channel = self.number, "the server did not answer our goodbye");
        }
    }
}

/// The outcome of the job, once there is one. Cancel safe.
async fn next_done(job: &mut Option<(CancellationToken, Job)>) -> Done {
    match job {
        Some((_, job)) => job.await,
        None => pending().await,
    }
}
