//! Gap recovery: what passed while nobody listened is found again by looking (SEMANTICS 7).
//!
//! For each gap, the oldest first: read what is known alive and may have changed, ask which other
//! conversations are open, read those of them that are unknown or older, count what ended meanwhile, and ask
//! once more when Genesys' index has caught up. All of it in the recovery class: live updates go
//! first. What fails for now is tried again until it works; what is not permitted is said, and the
//! gap stays open to the next event of each conversation.
//!
//! A state that came and went inside a gap cannot be found; how many conversations that may concern
//! is in the gap's log line.

mod search;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(super) use self::search::Search;
use self::search::{Told, Unfinished};
use super::pipeline::LookUp;
use crate::config;
use crate::events::gaps::{Gap, Gaps};
use crate::genesys::call::CallError;
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};

/// How long a gap rests that could not be looked into: by then a token is renewed or a short outage
/// over, and it costs at most two requests a minute.
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// Gaps that wait for the index to catch up. Of more, the oldest is asked about with the next.
const SECOND_LOOKS: usize = 32;

/// Everything the loop is joined to.
pub(super) struct Joints {
    pub gaps: mpsc::Receiver<Gap>,
    /// How many gaps are not looked into yet; the one of the start counts before it is known.
    pub open: watch::Sender<usize>,
    pub search: Arc<Search>,
    pub settings: config::Recovery,
    pub counts: Arc<Counts>,
    pub beat: Beat,
}

pub(super) struct Recovery {
    joints: Joints,
    waiting: Gaps,
    /// Looked into once; again when the index has caught up.
    second_looks: VecDeque<(Instant, Gap)>,
    under_way: Option<BoxFuture<'static, Done>>,
    /// When the gap began that is looked into.
    looked_into: Option<Timestamp>,
    rests_until: Option<Instant>,
    /// The gap whose beginning was told last: trying again is no news.
    announced: Option<(Option<Timestamp>, Timestamp)>,
    /// The start has come, with all that was missed before it.
    begun: bool,
    /// It has been said that the query is not permitted.
    forbidden: bool,
}

/// A look that has ended.
type Done = (Gap, Look, Result<Told, Unfinished>);

/// Which look at a gap it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    First,
    /// Only for what the index did not have.
    Second,
}

enum Event {
    Opened(Gap),
    Done(Box<Done>),
    Idle,
    Stop,
}

impl Recovery {
    pub(super) fn new(joints: Joints) -> Recovery {
        Recovery {
            joints,
            waiting: Gaps::default(),
            second_looks: VecDeque::new(),
            under_way: None,
            looked_into: None,
            rests_until: None,
            announced: None,
            begun: false,
            forbidden: false,
        }
    }

    /// Runs until it is told to stop: what is open then is the next start's.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the gaps.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.begin();
            self.count();
            match self.next_event(&stop).await {
                Event::Opened(gap) => {
                    self.begun = true;
                    self.waiting.add(gap);
                }
                Event::Done(done) => self.done(*done),
                Event::Idle => {}
                Event::Stop => return,
            }
            self.joints.beat.give();
        }
    }

    async fn next_event(&mut self, stop: &CancellationToken) -> Event {
        let next_look = self.second_looks.front().map(|(at, _)| *at);
        // While it rests nothing else is begun: a second look that is due would wake it for nothing,
        // again and again.
        let wakes = self.rests_until.or(next_look);
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            Some(gap) = self.joints.gaps.recv() => Event::Opened(gap),
            done = async {
                match &mut self.under_way {
                    Some(search) => search.await,
                    None => std::future::pending().await,
                }
            } => Event::Done(Box::new(done)),
            () = sleep_until(wakes.unwrap_or_else(Instant::now)), if wakes.is_some() && self.under_way.is_none() => Event::Idle,
            () = sleep(IDLE_BEAT) => Event::Idle,
        }
    }

    /// Begins with the next gap, if none is looked into and there is one.
    fn begin(&mut self) {
        let now = Instant::now();
        if self.under_way.is_some() || self.rests_until.is_some_and(|until| until > now) {
            return;
        }
        self.rests_until = None;
        let due = self.second_looks.front().is_some_and(|(at, _)| *at <= now);
        let next = match self.waiting.take_oldest() {
            Some(gap) => Some((gap, Look::First)),
            None if due => self.second_looks.pop_front().map(|(_, gap)| (gap, Look::Second)),
            None => None,
        };
        if let Some((gap, look)) = next {
            let search = Arc::clone(&self.joints.search);
            let this = (look == Look::First).then_some((gap.since, gap.until));
            let news = this.is_some() && this != self.announced;
            self.announced = this.or(self.announced);
            self.looked_into = Some(gap.beginning());
            self.under_way = Some(Box::pin(async move {
                let result = search.run(&gap, look, news).await;
                (gap, look, result)
            }));
        }
    }

    fn done(&mut self, (gap, look, result): Done) {
        self.under_way = None;
        self.looked_into = None;
        match result {
            Ok(told) => {
                told.log(&gap, look);
                told.count(&self.joints.counts);
                let asked = told.refusal.is_none();
                self.asked(told.refusal);
                match look {
                    Look::First if asked => self.look_again_later(gap),
                    Look::First | Look::Second => self.joints.counts.gaps_closed.add(1),
                }
            }
            Err(Unfinished::NotNow(error)) => {
                warn!(since = %search::beginning(&gap), until = %gap.until, correlation_id = error.correlation_id(), %error, retry_seconds = TRY_AGAIN.as_secs(),
                    "gap not looked into yet, will retry");
                self.rests_until = Some(Instant::now() + TRY_AGAIN);
                match look {
                    Look::First => self.waiting.add(gap),
                    Look::Second => self.second_looks.push_front((Instant::now() + TRY_AGAIN, gap)),
                }
            }
            // The pipeline has ended, and so will we.
            Err(Unfinished::NobodyThere) => {}
        }
    }

    fn look_again_later(&mut self, gap: Gap) {
        let at = gap.closed + self.joints.settings.index_lag;
        self.second_looks.push_back((at.max(Instant::now()), gap));
        if self.second_looks.len() > SECOND_LOOKS
            && let Some((_, oldest)) = self.second_looks.pop_front()
            && let Some((_, next)) = self.second_looks.front_mut()
        {
            next.widen(oldest);
        }
    }

    /// Says once that gaps cannot be closed, and which permission is missing; and when that is over.
    fn asked(&mut self, refusal: Option<CallError>) {
        match refusal {
            None if self.forbidden => {
                self.forbidden = false;
                info!("open conversations may be asked for again: gaps are closed from now on");
            }
            None => {}
            Some(CallError::Forbidden(reason)) if !self.forbidden => {
                self.forbidden = true;
                error!(
                    %reason,
                    "open conversations may not be asked for: what begins or changes unseen is found at its next event only; \
                     give the client's role analytics:conversationDetail:view"
                );
            }
            Some(CallError::Forbidden(_)) => {}
            Some(error) => error!(
                correlation_id = error.correlation_id(),
                %error,
                "open conversations cannot be asked for: what began or changed unseen is found at its next event only"
            ),
        }
    }

    fn count(&self) {
        let counts = &self.joints.counts;
        let open = self.waiting.len() + usize::from(self.under_way.is_some());
        self.joints.open.send_replace(open + usize::from(!self.begun));
        counts.gaps_open.set(open as u64);
        let waiting = self.waiting.oldest().map(Gap::beginning);
        let oldest = self.looked_into.into_iter().chain(waiting).min();
        counts.gap_oldest_at.mark(oldest.map_or(0, Timestamp::as_millisecond));
        counts.gaps_not_permitted.set(u64::from(self.forbidden));
    }
}

/// Where look-ups go.
pub(super) type LookUps = mpsc::Sender<LookUp>;
