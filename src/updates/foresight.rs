//! Whether what waits will go in time, at the pace of the last minutes (promise 2: nothing becomes
//! too old unseen).
//!
//! Pure. What waits for a flow, for a pause or for somebody's answer is none of it. A crowd that
//! comes at once and goes at once is no news: only what would take too long for some time is told,
//! once, and its end once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// The pace is that of so long: a few windows of the account, in which it goes up and down.
const PACE_OF: Duration = Duration::from_secs(120);
/// Before that, nothing is known of it.
const AT_LEAST: Duration = Duration::from_secs(10);
/// It has to be so for so long: as long again, so that a crowd that came at once is behind us.
const HOLDS: Duration = Duration::from_secs(130);
/// What goes within a minute is no backlog, whatever comes after it.
const SHORT: Duration = Duration::from_secs(60);
/// No outbox takes a century; more is never.
const NEVER: f64 = 3.0e9;

/// How it looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// How long until nothing waits for its turn any more; `None` for never.
    pub empties_in: Option<Duration>,
    /// What waits will not go within `updates.max_age`, and that has been so for minutes.
    pub late: bool,
    /// The rules that fill it, those with the most participants first; while it is late.
    pub rules: Vec<(Arc<str>, usize)>,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Foresight {
    looks: VecDeque<Look>,
    late_since: Option<Instant>,
    late: bool,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    backlog: usize,
    /// Pushes accepted so far.
    accepted: u64,
}

/// What a look has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub empties_in: Option<Duration>,
    pub late: bool,
    /// It was not so before.
    pub news: bool,
}

impl Foresight {
    /// Takes note of how much waits; `accepted` only grows.
    pub(crate) fn look(
        &mut self,
        backlog: usize,
        accepted: u64,
        max_age: Duration,
        now: Instant,
    ) -> Seen {
        self.looks.push_back(Look { at: now, backlog, accepted });
        while self.looks.get(1).is_some_and(|second| second.at + PACE_OF <= now) {
            self.looks.pop_front();
        }
        let empties_in = self.empties_in(backlog, accepted, now);
        let too_late = empties_in.is_none_or(|within| within > max_age);
        self.late_since = too_late.then(|| self.late_since.unwrap_or(now));
        let late = self.late_since.is_some_and(|since| now >= since + HOLDS);
        let news = std::mem::replace(&mut self.late, late) != late;
        Seen { empties_in, late, news }
    }

    /// Nothing goes for now, and everybody is told why: that says nothing of the pace.
    pub(crate) fn rest(&mut self, backlog: usize) -> Seen {
        self.looks.clear();
        self.late_since = None;
        let news = std::mem::take(&mut self.late);
        let empties_in = Some(Duration::ZERO).filter(|_| backlog == 0);
        Seen { empties_in, late: false, news }
    }

    /// A backlog that is there shrinks by what goes less what comes; one that does not is never gone.
    fn empties_in(&self, backlog: usize, accepted: u64, now: Instant) -> Option<Duration> {
        let first = self.looks.front().filter(|first| now >= first.at + AT_LEAST);
        let Some(first) = first.filter(|_| backlog > 0) else { return Some(Duration::ZERO) };
        let seconds = (now - first.at).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let (waits, gone, shrunk) = (
            backlog as f64,
            (accepted - first.accepted) as f64 / seconds,
            (first.backlog as f64 - backlog as f64) / seconds,
        );
        let within = |pace: f64| {
            Some(waits / pace).filter(|it| pace > 0.0 && *it < NEVER).map(Duration::from_secs_f64)
        };
        let wait = within(gone)?;
        if wait <= SHORT { Some(wait) } else { within(shrunk).map(|it| it.max(wait)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks each ten seconds: so many came and went between two looks. Returns what was news, with
    /// the minute in which it was told, and how long it takes in the end.
    fn told(days: &[(u32, usize, usize)], max_age: u64) -> (Vec<(u64, bool)>, Option<u64>) {
        let (start, mut foresight) = (Instant::now(), Foresight::default());
        let (mut backlog, mut accepted, mut seconds, mut news) = (0_usize, 0, 0, Vec::new());
        let mut last = None;
        for (looks, come, go) in days {
            for _ in 0..*looks {
                backlog += come;
                let gone = backlog.min(*go);
                backlog -= gone;
                accepted += gone as u64;
                let (now, max_age) =
                    (start + Duration::from_secs(seconds), Duration::from_secs(max_age));
                let seen = foresight.look(backlog, accepted, max_age, now);
                if seen.news {
                    news.push((seconds / 60, seen.late));
                }
                last = seen.empties_in.map(|it| it.as_secs());
                seconds += 10;
            }
        }
        (news, last)
    }

    const DAY: u64 = 24 * 3600;

    #[test]
    fn more_that_comes_than_goes_is_told_early_and_its_end_too() {
        // Ten a second come, five go; then nothing comes any more.
        let growing = (60, 100, 50);
        assert_eq!(told(&[growing], DAY), (vec![(3, true)], None));
        let (news, last) = told(&[growing, (30, 0, 50)], DAY);
        assert_eq!(news, [(3, true), (11, false)]);
        assert_eq!(last, Some(300), "1,500 are left, and five go a second");
    }

    #[test]
    fn a_crowd_that_comes_at_once_is_no_news() {
        let (news, last) = told(&[(30, 10, 50), (1, 3_000, 50), (50, 10, 50), (30, 10, 50)], DAY);
        assert_eq!((news, last), (vec![], Some(0)));
    }

    #[test]
    fn what_always_waits_a_little_is_no_news() {
        assert_eq!(told(&[(1, 130, 50), (600, 50, 50)], DAY), (vec![], Some(16)));
    }

    #[test]
    fn what_shrinks_too_slowly_is_late() {
        // 12,000 that shrink by one a second are gone after hours.
        let (news, last) = told(&[(1, 12_000, 0), (60, 40, 50)], 3_600);
        assert_eq!(news, [(2, true)]);
        assert_eq!(last, Some(11_400));
        assert_eq!(told(&[(1, 12_000, 0), (60, 40, 50)], DAY).0, []);
    }

    #[test]
    fn nothing_is_said_of_a_rest_that_everybody_knows_of() {
        let (start, mut foresight) = (Instant::now(), Foresight::default());
        for seconds in (0..3_600).step_by(10) {
            let now = start + Duration::from_secs(seconds);
            let rests = (600..3_000).contains(&seconds);
            let day = Duration::from_secs(DAY);
            let seen = if rests { foresight.rest(9) } else { foresight.look(9, 0, day, now) };
            let news = matches!(seconds, 140 | 600 | 3_140);
            assert_eq!(
                (seen.news, seen.late),
                (news, !rests && seconds % 3_000 >= 140),
                "{seconds}"
            );
        }
    }
}
