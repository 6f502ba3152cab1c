//! Leave to make requests: the whole budget of the account, and never more.
//!
//! Two limits hold at once: a token bucket spaces bursts out, and the account's [`window`] is not
//! overrun. Whoever waits is served by class and share ([`shares`]). A 429 rests everybody. Which
//! request is made is not known here.

mod clock;
mod cycle;
mod handed_over;
mod others;
mod phase;
mod ping;
mod shares;
mod spread;
#[cfg(test)]
mod tests;
mod window;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};

use self::clock::{Tick, TokioClock};
pub use self::handed_over::WindowEnds;
pub use self::phase::RateHeaders;
use self::shares::{Line, Place};
pub use self::window::Usage;
use self::window::{Wait, Window};
use super::call::{Class, Permit};

use crate::defects::{self, Defect};

/// Where a 429 says nothing of how long to rest, and the phase of the window is unknown.
const REST: Duration = Duration::from_secs(5);
/// The shortest rest after a 429, whatever it says: one that ends at once would ask for the next.
const SHORTEST_REST: Duration = Duration::from_secs(1);
/// Above this a 429 is no matter of the minute's window but of a larger one, which somebody should
/// know; Genesys' own SDKs give up here (FACTS 3.1).
const LONG_REST: Duration = Duration::from_secs(180);
/// Longer than any limit that is known of, and short enough for every clock.
const MAX_REST: Duration = Duration::from_secs(48 * 3600);

/// The limits to begin with; what the server's headers say is believed over the second.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub requests_per_second: NonZeroU32,
    pub requests_per_minute: NonZeroU32,
}

/// Hands out leave to make requests.
pub struct Pacer {
    bucket: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Tick>>,
    state: Mutex<State>,
    /// Something happened for which those who wait should look again.
    changed: Notify,
    /// Whose budget it is, for the log; `None` where there is one only.
    client: Option<Arc<str>>,
}

struct State {
    window: Window,
    line: Line,
}

impl Pacer {
    pub fn new(settings: Settings) -> Pacer {
        let quota = Quota::per_second(settings.requests_per_second);
        let window = Window::new(settings.requests_per_minute.get());
        Pacer {
            bucket: RateLimiter::direct_with_clock(quota, TokioClock),
            state: Mutex::new(State { window, line: Line::default() }),
            changed: Notify::new(),
            client: None,
        }
    }

    /// Calls it so in the log: the budget of one client of several.
    #[must_use]
    pub fn named(mut self, client: Option<Arc<str>>) -> Pacer {
        self.client = client;
        self
    }

    /// Waits for leave to make one request of this class.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: leave is taken at the last instant, so a dropped future has spent nothing. A
    /// permit that is dropped without being used has.
    pub async fn permit(&self, class: Class) -> Permit {
        let waiting = Waiting { pacer: self, place: self.line_up(class) };
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From before the look on, so that nothing is missed between the two.
            changed.as_mut().enable();
            match self.try_take(waiting.place) {
                Ok(()) => return Permit::of(class),
                Err(Wait::News) => changed.await,
                Err(Wait::Until(at)) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = sleep_until(at) => {}
                },
            }
        }
    }

    /// Marks that a request goes out for which leave was taken. It counts as under way until what
    /// is returned is dropped.
    pub(super) fn begin(&self, class: Class) -> UnderWay<'_> {
        let number = self.state().window.begin(Instant::now(), class);
        UnderWay { pacer: self, number }
    }

    /// Takes leave back that was not used. (What the bucket gave is gone, which costs a moment.)
    pub(super) fn give_back(&self, permit: Permit) {
        self.state().window.give_back(permit.class);
        self.changed.notify_waiters();
    }

    /// Takes in what an answer says about the budget to a request that was not begun here; `sent_at`
    /// is when it was sent.
    #[cfg(test)]
    fn note(&self, headers: RateHeaders, sent_at: Instant) {
        self.state().window.note(Instant::now(), sent_at, headers);
        self.changed.notify_waiters();
    }

    /// Rests the whole account.
    pub fn rest(&self, rest: Duration) {
        self.state().window.rest(Instant::now(), rest.min(MAX_REST));
        self.changed.notify_waiters();
    }

    /// Rests the whole account after a 429: for what it says, else until the window ends, else for
    /// a few seconds. Returns for how long.
    pub(super) fn throttled(
        &self,
        retry_after: Option<Duration>,
        correlation_id: Option<&str>,
    ) -> Duration {
        let (rest, rested, cause) = {
            let (mut state, now) = (self.state(), Instant::now());
            let until_reset = state.window.window_ends_in(now);
            let rest = retry_after.or(until_reset).unwrap_or(REST);
            let rest = rest.clamp(SHORTEST_REST, MAX_REST);
            (rest, state.window.resting_for(now), state.window.throttled(now))
        };
        if !defects::on(Defect::ThrottleRestsOneRequest) {
            self.rest(rest);
        }
        let (seconds, was) = (rest.as_secs(), rested.unwrap_or_default());
        let client = self.client.as_deref();
        let reason = cause.reason();
        if rest > LONG_REST && was <= LONG_REST {
            error!(
                client,
                seconds,
                reason,
                correlation_id,
                "throttled for unusually long, nothing is sent until its end"
            );
        } else if was.is_zero() {
            warn!(client, seconds, reason, correlation_id, "throttled, the account rests");
        }
        rest
    }

    pub fn usage(&self) -> Usage {
        self.state().window.usage(Instant::now())
    }

    /// When windows end, for the process after this one; `None` as long as no answer has told. `today`
    /// is what the calendar says now.
    pub(super) fn window_ends(&self, today: Timestamp) -> Option<WindowEnds> {
        let now = Instant::now();
        self.state().window.cycle(now).map(|cycle| WindowEnds::of(&cycle, now, today))
    }

    /// What the process before this one knew of it.
    pub(super) fn expect(&self, ends: WindowEnds, today: Timestamp) {
        if let Some(cycle) = ends.cycle(Instant::now(), today) {
            self.state().window.expect(cycle);
        }
    }

    fn line_up(&self, class: Class) -> Place {
        let mut state = self.state();
        if state.line.is_empty() {
            state.window.waiting(Instant::now(), true);
        }
        state.line.enter(class)
    }

    fn try_take(&self, place: Place) -> Result<(), Wait> {
        let (mut state, now) = (self.state(), Instant::now());
        // Nobody overtakes: what stops the first stops those after it, too.
        if state.line.first() != Some(place) {
            return Err(Wait::News);
        }
        state.window.ask(now, place.0)?;
        // Last, because a yes spends. `until_ready` would sleep on a timer of its own, which
        // paused Tokio time does not move.
        self.bucket.check().map_err(|wait| Wait::Until(wait.earliest_possible().0))?;
        state.window.grant(now, place.0);
        state.line.served(place.0);
        Ok(())
    }

    /// The state is whole between any two calls, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue; given up when dropped.
struct Waiting<'p> {
    pacer: &'p Pacer,
    place: Place,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.pacer.state();
        state.line.leave(self.place);
        if state.line.is_empty() {
            state.window.waiting(Instant::now(), false);
        }
        drop(state);
        self.pacer.changed.notify_waiters();
    }
}

/// A request that was sent and is not answered yet.
#[must_use]
pub(super) struct UnderWay<'p> {
    pacer: &'p Pacer,
    number: u64,
}

impl UnderWay<'_> {
    /// The answer has come: takes in what it says about the budget. Every answer is worth it, also
    /// one that says nothing.
    pub(super) fn answered(self, headers: RateHeaders) {
        self.pacer.state().window.answered(Instant::now(), self.number, headers);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.pacer.state().window.end(Instant::now(), self.number);
        self.pacer.changed.notify_waiters();
    }
}
