//! The server's window: when it ends, and how long its like are.
//!
//! Answers tell when the window ends, and never how long it is. The documented limit is one of
//! requests a minute (FACTS 3.1), so that is assumed until ends follow each other faster. Of the
//! lengths that explain what was told, the longest is believed: to think a window longer than it is
//! costs a moment, to think it shorter would overrun it. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::phase::{PERIOD, Phase};

/// Lengths that a window may have, in seconds, the longest first. A shorter one could not be told
/// from its neighbours by answers in whole seconds.
const LENGTHS: [u64; 8] = [60, 30, 20, 15, 12, 10, 6, 5];

/// Which window an answer speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// One that is over.
    Before,
    Current,
    /// The one after what was the current one, which is so known to be over.
    Next,
    /// One that fits nothing known: what is told last is believed.
    Anew,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Cycle {
    end: Phase,
    length: Duration,
    /// The longest that a window was told to last on.
    longest: Duration,
}

impl Cycle {
    /// What a first answer tells.
    pub(super) fn new(told: Phase, reset: Duration) -> Cycle {
        Cycle { end: told, length: PERIOD, longest: reset }
    }

    /// What an earlier process knew.
    pub(super) fn restored(end: Phase, length: Duration, longest: Duration) -> Cycle {
        Cycle { end, length, longest }
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// The longest that a window was told to last on.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// When the current window ends.
    pub(super) fn end(&self) -> Phase {
        self.end
    }

    /// When the current window began, most likely.
    pub(super) fn began(&self) -> Instant {
        self.end.before(self.length).middle()
    }

    /// The moment from which on a request may have been counted in the current window.
    pub(super) fn may_have_begun(&self) -> Instant {
        self.end.before(self.length).near().0
    }

    /// Takes in what an answer told that came now, with so long to go until the reset.
    pub(super) fn learn(&mut self, now: Instant, told: Phase, reset: Duration) -> Told {
        if reset > self.length + Duration::from_secs(1) {
            self.length = PERIOD;
        }
        self.longest = self.longest.max(reset);
        if let Some(both) = self.end.both(told) {
            self.end = both;
            return Told::Current;
        }
        if told.is_over(now) || self.end.both(told.after(self.length)).is_some() {
            return Told::Before;
        }
        if let Some(both) = self.end.after(self.length).both(told) {
            // Whatever seconds are rounded to, the reset lies before this.
            let seen = self.end.by(now).map(|end| end.after(self.length));
            self.end = seen.and_then(|seen| seen.both(both)).unwrap_or(both);
            return Told::Next;
        }
        let shorter = self.shorter(told);
        let which = if shorter.is_some() { Told::Next } else { Told::Anew };
        self.end = told;
        self.length = shorter.unwrap_or(self.length);
        if shorter.is_none() {
            self.longest = reset;
        }
        which
    }

    /// The length that explains why a window ends sooner than thought.
    fn shorter(&self, told: Phase) -> Option<Duration> {
        let since = if told.follows(self.end) { self.end } else { self.end.before(self.length) };
        let (least, most) = told.distance(since)?;
        LENGTHS.map(Duration::from_secs).into_iter().find(|length| {
            let times = most.as_secs() / length.as_secs();
            let passed = Duration::from_secs(times * length.as_secs());
            *length < self.length
                && *length + Duration::from_secs(1) >= self.longest
                && times > 0
                && passed >= least
        })
    }

    /// The next window, once the current one is over for sure; `None` while it is not.
    pub(super) fn passed(&self, now: Instant) -> Option<Cycle> {
        let next = Cycle { end: self.end.after(self.length), ..*self };
        self.end.is_over(now).then_some(next)
    }

    /// Returns false if so much time has passed since an answer that nothing is known any more.
    pub(super) fn is_of_use(&self) -> bool {
        self.end.is_of_use()
    }

    /// From when on a request may be counted in the next window.
    pub(super) fn may_end(&self) -> Instant {
        self.end.near().0
    }

    /// The allowance of a window as requests a second.
    pub(super) fn rate(&self, allowed: u32) -> f64 {
        f64::from(allowed) / self.length.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at: Instant, reset: u64) -> (Phase, Duration) {
        let whole = u32::try_from(reset).unwrap();
        (Phase::told(at, at, whole), Duration::from_secs(reset))
    }

    /// The answers are of requests that took no time; each is (second, reset).
    fn learn(answers: &[(u64, u64)]) -> (Vec<Told>, u64) {
        let start = Instant::now() + Duration::from_secs(1000);
        let (first, reset) = told(start, answers[0].1);
        let mut cycle = Cycle::new(first, reset);
        let mut shown = Vec::new();
        for (at, reset) in &answers[1..] {
            let now = start + Duration::from_secs(*at);
            while let Some(next) = cycle.passed(now) {
                cycle = next;
            }
            let (phase, reset) = told(now, *reset);
            shown.push(cycle.learn(now, phase, reset));
        }
        (shown, cycle.length.as_secs())
    }

    #[test]
    fn a_minute_is_a_minute() {
        let answers = [(0, 20), (10, 10), (19, 1), (22, 58), (40, 40), (200, 0), (201, 59)];
        let (told, length) = learn(&answers);
        assert_eq!(length, 60);
        assert!(told.iter().all(|told| *told == Told::Current || *told == Told::Next), "{told:?}");
    }

    #[test]
    fn shorter_windows_are_learned() {
        assert_eq!(learn(&[(0, 5), (8, 12)]), (vec![Told::Next], 15));
        // After two windows it could be 30 as well: the longest is believed, until it is refuted.
        assert_eq!(learn(&[(0, 5), (23, 12)]), (vec![Told::Next], 30));
        assert_eq!(learn(&[(0, 5), (23, 12), (37, 13)]), (vec![Told::Next, Told::Next], 15));
    }

    #[test]
    fn longer_windows_are_learned() {
        let answers = [(0, 5), (8, 12), (18, 17), (21, 59), (70, 10)];
        let (told, length) = learn(&answers);
        assert_eq!((told.last(), length), (Some(&Told::Current), 60));
    }

    #[test]
    fn what_fits_nothing_is_believed() {
        // The longest that was told says that no window is shorter than a minute.
        let answers = [(0, 60), (10, 50), (20, 10), (25, 5)];
        assert_eq!(learn(&answers), (vec![Told::Current, Told::Anew, Told::Current], 60));
    }
}
