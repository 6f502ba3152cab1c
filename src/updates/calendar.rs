//! What the running clock says in times of the calendar, for what outlives the process.
//!
//! Pure: whoever may read clocks sets it now and then, because the one of the calendar is put right
//! while the running one goes on, and goes on while the running one sleeps with its machine.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::Millis;

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    at: Instant,
    is: Millis,
}

impl Calendar {
    pub(crate) fn new(at: Instant, is: Timestamp) -> Calendar {
        Calendar { at, is: is.as_millisecond() }
    }

    pub(crate) fn millis(&self, moment: Instant) -> Millis {
        let later = moment.saturating_duration_since(self.at);
        let earlier = self.at.saturating_duration_since(moment);
        self.is.saturating_add(whole(later)).saturating_sub(whole(earlier))
    }
}

/// In milliseconds.
pub(crate) fn whole(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run_alike_in_both_directions() {
        let now = Instant::now() + Duration::from_secs(3600);
        let calendar = Calendar::new(now, Timestamp::from_millisecond(10_000).unwrap());
        assert_eq!(calendar.millis(now + Duration::from_millis(1_500)), 11_500);
        assert_eq!(calendar.millis(now - Duration::from_secs(7)), 3_000);
    }
}
