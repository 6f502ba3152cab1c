//! What a process knows of the server's windows, for the one that comes after it.
//!
//! A process that starts knows neither how much of the window is used nor when it ends, and its first
//! request would be one too many if it went out just before the end of a window that the process before
//! used up. In wall time, because no other outlives a process. It is a hint: the first answer is
//! believed over it.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::cycle::Cycle;
use super::phase::{DRIFT, Phase};

/// What is known less surely is no help to a process that starts: it waits for a whole second at most
/// where the first answer would have told.
const MAX_DOUBT: Duration = Duration::from_secs(3);
/// No window is longer than that of which the limit speaks (FACTS 3.1), and no shorter one is ever
/// learned. Milliseconds.
const LENGTHS: RangeInclusive<i64> = 5_000..=60_000;
/// Two that differ by less say the same. Milliseconds.
const TOLERANCE: i64 = 200;

/// When windows end. Milliseconds; times are since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowEnds {
    /// One ended, or will, between these two.
    earliest: i64,
    latest: i64,
    /// Of a window.
    length: i64,
    /// The longest that one was told to last on.
    longest: i64,
}

impl WindowEnds {
    pub(super) fn of(cycle: &Cycle, now: Instant, today: Timestamp) -> WindowEnds {
        let today = today.as_millisecond();
        let time = |at: Instant| {
            let since = millis(now.saturating_duration_since(at));
            today.saturating_add(millis(at.saturating_duration_since(now)) - since)
        };
        WindowEnds {
            earliest: time(cycle.end().earliest()),
            latest: time(cycle.end().latest()),
            length: millis(cycle.length()),
            longest: millis(cycle.longest()),
        }
    }

    /// The window that lasts by now; `None` where too little is known of when it ends, or where it is
    /// nonsense.
    pub(super) fn cycle(self, now: Instant, today: Timestamp) -> Option<Cycle> {
        let WindowEnds { earliest, latest, length, longest } = self;
        let today = today.as_millisecond();
        let makes_sense = latest >= earliest
            && LENGTHS.contains(&length)
            && (0..=LENGTHS.end() + 1_000).contains(&longest);
        let ended = today.checked_sub(latest).filter(|_| makes_sense)?;
        // How many windows have ended since, that one included.
        let windows = if ended < 0 { 0 } else { ended / length + 1 };
        let drift = length / i64::from(DRIFT);
        let least = windows.checked_mul(length - drift)?.checked_add(earliest)?;
        let most = windows.checked_mul(length + drift)?.checked_add(latest)?;
        let duration = |millis: i64| u64::try_from(millis).ok().map(Duration::from_millis);
        let (ahead, doubt) =
            (duration(most.checked_sub(today)?)?, duration(most.checked_sub(least)?)?);
        if doubt > MAX_DOUBT || ahead > duration(length)? + MAX_DOUBT {
            return None;
        }
        let latest = now + ahead;
        let end = Phase::between(latest.checked_sub(doubt)?, latest);
        Some(Cycle::restored(end, duration(length)?, duration(longest)?))
    }

    /// Whether the other says the same, but for what time makes of it.
    pub fn agrees(&self, other: &WindowEnds) -> bool {
        let apart = self.latest.wrapping_sub(other.latest).rem_euclid(self.length.max(1));
        let apart = apart.min(self.length.saturating_sub(apart));
        let doubt = |ends: &WindowEnds| ends.latest.saturating_sub(ends.earliest);
        (self.length, self.longest) == (other.length, other.longest)
            && apart <= TOLERANCE
            && doubt(self).abs_diff(doubt(other)) <= TOLERANCE.unsigned_abs()
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    /// A window of 15 s that ends a second from now, give or take half a second.
    fn ends(now: Instant) -> WindowEnds {
        let second = Duration::from_secs(1);
        let end = Phase::between(now + second / 2, now + second * 3 / 2);
        WindowEnds::of(&Cycle::restored(end, 15 * second, 14 * second), now, at(0))
    }

    #[test]
    fn the_next_process_knows_when_windows_end() {
        let now = Instant::now() + Duration::from_secs(3600);
        let left = ends(now);
        for (passed, starts, lasts) in [
            (0, 500, 1500),
            (400, 100, 1100),
            (1_499, -999, 1),
            (1_500, 13_985, 15_015),
            // Forty windows later: two clocks do not agree that well.
            (600_000, -100, 2_100),
        ] {
            let cycle = left.cycle(now, at(passed)).unwrap();
            let end = cycle.end();
            let ahead = |at: Instant| {
                millis(at.saturating_duration_since(now))
                    - millis(now.saturating_duration_since(at))
            };
            assert_eq!((ahead(end.earliest()), ahead(end.latest())), (starts, lasts), "{passed}");
            assert_eq!((cycle.length().as_secs(), cycle.longest().as_secs()), (15, 14));
        }
    }

    #[test]
    fn what_is_too_long_ago_or_nonsense_tells_nothing() {
        let now = Instant::now() + Duration::from_secs(3600);
        let left = ends(now);
        for passed in [3_600_000, i64::from(u32::MAX), -20_000] {
            assert!(left.cycle(now, at(passed)).is_none(), "{passed}");
        }
        for bad in [
            WindowEnds { length: 0, ..left },
            WindowEnds { length: -1, ..left },
            WindowEnds { length: 60_001, ..left },
            WindowEnds { length: i64::MAX, ..left },
            WindowEnds { longest: 3_600_000, ..left },
            WindowEnds { latest: at(0).as_millisecond() - i64::MAX, earliest: i64::MIN, ..left },
            WindowEnds { latest: i64::MIN, ..left },
            WindowEnds { latest: i64::MAX, ..left },
            WindowEnds { earliest: i64::MIN, ..left },
            WindowEnds { longest: -1, ..left },
        ] {
            assert!(bad.cycle(now, at(0)).is_none(), "{bad:?}");
            assert!(!bad.agrees(&left) && !left.agrees(&bad), "{bad:?}");
        }
    }

    #[test]
    fn what_only_time_changed_is_the_same() {
        let now = Instant::now() + Duration::from_secs(3600);
        let left = ends(now);
        let later = |windows: i64| WindowEnds {
            earliest: left.earliest + windows * 15_000,
            latest: left.latest + windows * 15_000 + 150,
            ..left
        };
        assert!(left.agrees(&later(0)) && left.agrees(&later(7)) && later(7).agrees(&left));
        assert!(!left.agrees(&WindowEnds { length: 60_000, ..left }));
        assert!(!left.agrees(&WindowEnds { latest: left.latest + 300, ..left }));
    }
}
