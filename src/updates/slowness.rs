//! Whether Genesys Cloud answers writes slowly.
//!
//! By the last writes, as far as they are recent. One that takes long is nothing; where a tenth of
//! them do, and several at that, what waits grows old for it.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

/// A write that takes longer is slow: an ordinary one takes a fraction of a second. The alert
/// `AttributedSlowApi` has the same.
pub(crate) const SLOW: Duration = Duration::from_secs(5);
/// Enough that a tenth is more than chance, and few enough that they are soon others.
const LAST: usize = 20;
/// What was longer ago says nothing of now.
const RECENT: Duration = Duration::from_mins(10);
/// So many slow ones are no chance any more.
const SEVERAL: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Slowness {
    last: VecDeque<(Instant, Duration)>,
    slow: Option<Duration>,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Slow(Duration),
    QuickAgain,
}

impl Slowness {
    /// Notes how long a write took.
    pub(crate) fn note(&mut self, took: Duration, now: Instant) -> Option<News> {
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back((now, took));
        self.look(now)
    }

    /// Looks again, as time goes by.
    pub(crate) fn look(&mut self, now: Instant) -> Option<News> {
        while self.last.front().is_some_and(|(at, _)| *at + RECENT <= now) {
            self.last.pop_front();
        }
        let slow = self.reckon();
        let before = mem::replace(&mut self.slow, slow);
        match (before, self.slow) {
            (None, Some(took)) => Some(News::Slow(took)),
            (Some(_), None) => Some(News::QuickAgain),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    /// What a tenth of them took at least, where that is slow.
    pub(crate) fn slow(&self) -> Option<Duration> {
        self.slow
    }

    fn reckon(&self) -> Option<Duration> {
        let took = self.last.iter().map(|(_, took)| *took);
        let mut slow: Vec<Duration> = took.filter(|took| *took > SLOW).collect();
        slow.sort_unstable_by(|a, b| b.cmp(a));
        let tenth = (self.last.len() / 10).max(SEVERAL);
        slow.get(tenth - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_chance_and_two_of_the_last_twenty_are_slow() {
        let (start, mut slowness) = (Instant::now(), Slowness::default());
        let (quick, slow) = (Duration::from_millis(80), Duration::from_secs(7));
        assert_eq!(slowness.note(slow, start), None);
        assert_eq!(slowness.note(slow, start), Some(News::Slow(slow)));
        assert_eq!(slowness.note(slow, start), None, "said once");
        for _ in 0..LAST - 2 {
            assert_eq!(slowness.note(quick, start), None);
        }
        assert_eq!(slowness.note(quick, start), Some(News::QuickAgain));
    }

    #[test]
    fn what_was_long_ago_says_nothing() {
        let (start, mut slowness) = (Instant::now(), Slowness::default());
        for _ in 0..2 {
            slowness.note(Duration::from_secs(30), start);
        }
        assert!(slowness.slow().is_some());
        assert_eq!(slowness.look(start + RECENT), Some(News::QuickAgain));
        assert_eq!(slowness.slow(), None);
    }
}
