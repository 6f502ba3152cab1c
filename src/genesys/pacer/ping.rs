//! How long requests take, and so when one must be sent to arrive in time.

use std::time::Duration;

use tokio::time::Instant;

/// What takes longer is a slow request and not a long way.
const LONGEST: Duration = Duration::from_secs(2);
/// How many deviations above the average are taken for long enough.
const DEVIATIONS: u32 = 2;

/// Running averages, as TCP has them (RFC 6298, section 2).
#[derive(Debug, Default)]
pub(super) struct Ping {
    average: Option<Duration>,
    deviation: Duration,
}

impl Ping {
    /// A request took so long.
    pub(super) fn took(&mut self, time: Duration) {
        let time = time.min(LONGEST);
        let Some(average) = self.average else {
            (self.average, self.deviation) = (Some(time), time / 2);
            return;
        };
        self.deviation = (self.deviation * 3 + average.abs_diff(time)) / 4;
        self.average = Some((average * 7 + time) / 8);
    }

    /// When to send at the latest what should arrive before `end`.
    pub(super) fn before(&self, end: Instant) -> Instant {
        let time = self.average.unwrap_or_default() + self.deviation * DEVIATIONS;
        end.checked_sub(time).unwrap_or(end)
    }
}
