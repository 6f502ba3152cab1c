//! Tokio's clock for governor, so that tests can pause and advance it.

use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::nanos::Nanos;
use tokio::time::Instant;

/// Tokio's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokioClock;

/// A reading of [`TokioClock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(pub(super) Instant);

impl Clock for TokioClock {
    type Instant = Tick;

    fn now(&self) -> Tick {
        Tick(Instant::now())
    }
}

impl Reference for Tick {
    fn duration_since(&self, earlier: Tick) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Tick {
        Tick(self.0.checked_sub(Duration::from(duration)).unwrap_or(self.0))
    }
}

impl Add<Nanos> for Tick {
    type Output = Tick;

    fn add(self, duration: Nanos) -> Tick {
        Tick(self.0 + Duration::from(duration))
    }
}
