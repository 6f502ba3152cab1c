//! How long to wait before the next attempt: full jitter, so that many clients that failed
//! together do not come back together.
//!
//! Pure but for the dice, which [`Backoff::ceiling`] leaves out.

use std::time::Duration;

use crate::machine;

/// Twice the ceiling after each failure, up to a maximum; the wait is anything below the ceiling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) max: Duration,
}

impl Backoff {
    /// The longest wait before an attempt that follows this many failures.
    pub(crate) fn ceiling(self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures);
        self.first.saturating_mul(factor).min(self.max)
    }

    /// A wait before an attempt that follows this many failures.
    pub(crate) fn wait(self, failures: u32) -> Duration {
        machine::random_range(Duration::ZERO..=self.ceiling(failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_its_maximum_and_the_wait_stays_below() {
        let backoff = Backoff { first: Duration::from_millis(250), max: Duration::from_secs(30) };
        let ceilings = [0, 1, 2, 6, 7, u32::MAX].map(|n| backoff.ceiling(n).as_millis());
        assert_eq!(ceilings, [250, 500, 1000, 16_000, 30_000, 30_000]);
        for failures in 0..1000 {
            assert!(backoff.wait(failures) <= backoff.ceiling(failures));
        }
    }
}
