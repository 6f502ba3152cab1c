//! Moments of the running clock as moments of the calendar, for what outlives the process.
//!
//! Pure. Both clocks are compared once, at the start, and then taken to go equally fast: a calendar
//! that is set by hand meanwhile moves no moment that was written down.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::Millis;

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    at: Instant,
    millis: Millis,
}

impl Calendar {
    pub fn new(at: Instant, is: Timestamp) -> Calendar {
        Calendar { at, millis: is.as_millisecond() }
    }

    pub(crate) fn millis(&self, at: Instant) -> Millis {
        match at.checked_duration_since(self.at) {
            Some(later) => self.millis.saturating_add(millis(later)),
            None => {
                let earlier = self.at.saturating_duration_since(at);
                self.millis.saturating_sub(millis(earlier))
            }
        }
    }

    /// The moment itself, or the nearest that the running clock can tell.
    pub(crate) fn instant(&self, at: Millis) -> Instant {
        let difference = Duration::from_millis(at.abs_diff(self.millis));
        let moment = if at >= self.millis {
            self.at.checked_add(difference)
        } else {
            self.at.checked_sub(difference)
        };
        moment.unwrap_or(self.at)
    }
}

/// The calendar beside the clock by which updates grow old, which stands still at times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub calendar: Calendar,
    pub now: Instant,
    /// What the clock of age shows now.
    pub age: Duration,
}

impl Times {
    pub(crate) fn millis(&self, at: Instant) -> Millis {
        self.calendar.millis(at)
    }

    pub(crate) fn instant(&self, at: Millis) -> Instant {
        self.calendar.instant(at)
    }

    /// When something would have changed that is of this age now, had the clock never stood still.
    pub(crate) fn millis_of_age(&self, changed_at: Duration) -> Millis {
        self.millis(self.now).saturating_sub(millis(self.age.saturating_sub(changed_at)))
    }

    /// How long ago that is. What is still to come is of no age.
    pub(crate) fn ago(&self, at: Millis) -> Duration {
        let ago = self.millis(self.now).saturating_sub(at);
        Duration::from_millis(u64::try_from(ago).unwrap_or(0))
    }

    /// What the clock of age showed then.
    pub(crate) fn age_at(&self, at: Millis) -> Duration {
        self.age.saturating_sub(self.ago(at))
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_by_both_clocks_also_before_the_start() {
        let at = Instant::now();
        let calendar = Calendar::new(at, Timestamp::from_millisecond(1_000_000).unwrap());
        for (moment, expected) in [
            (at, 1_000_000),
            (at + Duration::from_millis(1), 1_000_001),
            (at - Duration::from_secs(10), 990_000),
        ] {
            assert_eq!(calendar.millis(moment), expected);
            assert_eq!(calendar.instant(expected), moment);
        }
    }

    #[test]
    fn age_goes_on_where_an_earlier_process_left_it() {
        let at = Instant::now();
        let calendar = Calendar::new(at, Timestamp::from_millisecond(1_000_000).unwrap());
        let second = Duration::from_secs(1);
        // The clock stood still for 70 of 100 seconds.
        let times = Times { calendar, now: at + 100 * second, age: 30 * second };
        assert_eq!(times.millis_of_age(10 * second), 1_080_000);
        let next = Times { calendar, now: at + 110 * second, age: 1_000 * second };
        assert_eq!(next.ago(1_080_000), 30 * second);
        assert_eq!(next.age_at(1_080_000), 970 * second);
        assert_eq!(next.ago(2_000_000), Duration::ZERO);
    }
}
