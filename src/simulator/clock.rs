//! The simulator's time: how long it has run, and what that makes the calendar say.
//!
//! Everything inside counts in [`Duration`]s since the start, taken from Tokio's clock, so that
//! paused time moves all of it alike. The calendar is only painted on at the edge.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    base: Timestamp,
    started: Instant,
}

impl Clock {
    pub(super) fn new(base: Timestamp) -> Clock {
        Clock { base, started: Instant::now() }
    }

    /// How long the simulator has run.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What the calendar says at a moment since the start.
    pub(super) fn at(&self, moment: Duration) -> Timestamp {
        self.base.checked_add(moment).unwrap_or(Timestamp::MAX)
    }

    /// The moment since the start at which the calendar says so; zero for what lies before.
    pub(super) fn since_start(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.base)).unwrap_or(Duration::ZERO)
    }

    pub(super) fn instant(&self, moment: Duration) -> Instant {
        self.started + moment
    }
}

/// A time as Genesys writes it.
pub(super) fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}
