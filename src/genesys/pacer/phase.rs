//! When the server's window ends, as far as answers tell.
//!
//! An answer gives whole seconds, rounded who knows how, at a moment somewhere within the call; so
//! each tells a span, and many narrow it down. Pure: time is an argument.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

const COUNT: HeaderName = HeaderName::from_static("inin-ratelimit-count");
const ALLOWED: HeaderName = HeaderName::from_static("inin-ratelimit-allowed");
const RESET: HeaderName = HeaderName::from_static("inin-ratelimit-reset");

/// The limit is one of requests a minute (FACTS 3.1).
pub(super) const PERIOD: Duration = Duration::from_secs(60);
/// How near to a reset a request counts in both windows (SEMANTICS 8).
const NEAR: Duration = Duration::from_secs(1);
/// How a server rounds its seconds is not known: up, down or to the nearest.
const ROUNDING: Duration = Duration::from_secs(1);
/// Two clocks drift apart by less than this part of the time: twice of what NTP corrects by.
pub(super) const DRIFT: u32 = 1000;
/// A phase that is no surer than this is of no use.
const MAX_DOUBT: Duration = Duration::from_secs(20);

/// What an answer says about the budget; each is `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// Requests in the current window, this one included.
    pub count: Option<u32>,
    /// Requests that a window may have.
    pub allowed: Option<u32>,
    /// Seconds until the next window.
    pub reset: Option<u32>,
}

impl RateHeaders {
    /// Reads `inin-ratelimit-*`; what is no number is as if it were missing.
    pub fn of(headers: &HeaderMap) -> RateHeaders {
        let number = |name: &HeaderName| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        RateHeaders { count: number(&COUNT), allowed: number(&ALLOWED), reset: number(&RESET) }
    }
}

/// The next reset lies between these two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    earliest: Instant,
    latest: Instant,
}

impl Phase {
    /// When within the call the server looked is not known.
    pub(super) fn told(sent_at: Instant, now: Instant, reset: u32) -> Phase {
        let reset = Duration::from_secs(u64::from(reset));
        let doubt = ROUNDING + reset / DRIFT;
        Phase { earliest: sent_at + reset.saturating_sub(doubt), latest: now + reset + doubt }
    }

    pub(super) fn between(earliest: Instant, latest: Instant) -> Phase {
        Phase { earliest, latest }
    }

    pub(super) fn earliest(self) -> Instant {
        self.earliest
    }

    pub(super) fn latest(self) -> Instant {
        self.latest
    }

    pub(super) fn middle(self) -> Instant {
        self.earliest + (self.latest - self.earliest) / 2
    }

    /// What is near to the reset: before its start a request is in the old window for sure, after
    /// its end in the new one.
    pub(super) fn near(self) -> (Instant, Instant) {
        let start = self.middle().checked_sub(NEAR).unwrap_or(self.earliest);
        (start.min(self.earliest), self.latest.max(self.middle() + NEAR))
    }

    /// The reset after this one.
    pub(super) fn after(self, length: Duration) -> Phase {
        let drift = length / DRIFT;
        Phase { earliest: self.earliest + (length - drift), latest: self.latest + length + drift }
    }

    /// The reset before this one.
    pub(super) fn before(self, length: Duration) -> Phase {
        let drift = length / DRIFT;
        let back = |from: Instant, by| from.checked_sub(by).unwrap_or(from);
        Phase {
            earliest: back(self.earliest, length + drift),
            latest: back(self.latest, length - drift),
        }
    }

    /// The same, if it came by now.
    pub(super) fn by(self, now: Instant) -> Option<Phase> {
        (self.earliest <= now).then(|| Phase { latest: self.latest.min(now), ..self })
    }

    pub(super) fn is_over(self, now: Instant) -> bool {
        now >= self.latest
    }

    /// Returns true if and only if it comes after the other for sure.
    pub(super) fn follows(self, other: Phase) -> bool {
        self.earliest > other.latest
    }

    /// How much later it comes than the other, at least and at most.
    pub(super) fn distance(self, other: Phase) -> Option<(Duration, Duration)> {
        let least = self.earliest.checked_duration_since(other.latest)?;
        Some((least, self.latest.saturating_duration_since(other.earliest)))
    }

    /// Returns false if so much time has passed since it was told that it says nothing any more.
    pub(super) fn is_of_use(self) -> bool {
        self.latest - self.earliest < MAX_DOUBT
    }

    /// What both say; `None` if they cannot both be true.
    pub(super) fn both(self, other: Phase) -> Option<Phase> {
        let both = Phase {
            earliest: self.earliest.max(other.earliest),
            latest: self.latest.min(other.latest),
        };
        (both.earliest <= both.latest).then_some(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_narrow_the_phase_down() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // The truth is 50,000; the server rounds up, and looks in the middle of each call.
        let mut phase = Phase::told(at(0), at(200), 50);
        for sent in (0..20_000).step_by(370) {
            let left: u64 = 50_000 - (sent + 100);
            let reset = u32::try_from(left.div_ceil(1000)).unwrap();
            phase = phase.both(Phase::told(at(sent), at(sent + 200), reset)).unwrap();
        }
        assert!(phase.earliest <= at(50_000) && at(50_000) <= phase.latest);
        assert!(phase.latest - phase.earliest < Duration::from_millis(1500));
        let (near, over) = phase.near();
        assert!(near <= at(49_500) && over >= at(50_500), "a second on each side of the middle");
    }

    #[test]
    fn a_phase_that_nobody_confirms_wears_out() {
        let now = Instant::now();
        let mut phase = Phase::told(now, now, 30);
        let mut windows = 0;
        while phase.is_of_use() {
            phase = phase.after(PERIOD);
            windows += 1;
        }
        assert_eq!(windows, 150, "two hours and a half");
        assert_eq!(phase.both(Phase::told(now, now, 30)).map(|_| ()), None);
    }

    #[test]
    fn headers_that_are_no_numbers_are_missing() {
        let mut headers = HeaderMap::new();
        headers.insert("inin-ratelimit-count", "12".parse().unwrap());
        headers.insert("inin-ratelimit-allowed", "many".parse().unwrap());
        headers.insert("inin-ratelimit-reset", "-1".parse().unwrap());
        let read = RateHeaders { count: Some(12), allowed: None, reset: None };
        assert_eq!(RateHeaders::of(&headers), read);
    }
}
