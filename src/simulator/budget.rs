//! The account's budget: fixed windows, each with so many requests (FACTS 3.1).
//!
//! That windows are fixed, and that refused requests count too, is assumed (FACTS 5). The phase of
//! the first window is whatever the simulator was given. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

/// Windows that are remembered: a day of minutes.
const KEPT: usize = 1_440;

#[derive(Debug)]
pub(super) struct Budget {
    allowed: u64,
    length: Duration,
    ends: Duration,
    current: Window,
    past: VecDeque<Window>,
    /// The highest count of any window, also of those no longer kept.
    highest: u64,
}

/// One window of the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    pub number: u64,
    /// All requests, the refused ones included.
    pub count: u64,
    pub refused: u64,
    pub allowed: u64,
}

/// Where the account stands after one more request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) count: u64,
    pub(super) allowed: u64,
    /// Whole seconds until the window ends, at least one.
    pub(super) reset: u64,
    pub(super) window: u64,
    pub(super) refused: bool,
}

impl Budget {
    /// The first window ends at `phase`, or after a whole window if that is zero.
    pub(super) fn new(allowed: u64, length: Duration, phase: Duration) -> Budget {
        let length = length.max(Duration::from_secs(1));
        let ends = if phase.is_zero() { length } else { phase.min(length) };
        let current = Window { allowed, ..Window::default() };
        Budget { allowed, length, ends, current, past: VecDeque::new(), highest: 0 }
    }

    /// Counts one request. Only where `may_refuse` does the limit bite.
    pub(super) fn take(&mut self, now: Duration, may_refuse: bool) -> Standing {
        self.roll(now);
        self.current.count += 1;
        self.highest = self.highest.max(self.current.count);
        let refused = may_refuse && self.current.count > self.allowed;
        if refused {
            self.current.refused += 1;
        }
        Standing {
            count: self.current.count,
            allowed: self.allowed,
            reset: whole_seconds(self.ends.saturating_sub(now)).max(1),
            window: self.current.number,
            refused,
        }
    }

    /// Requests that another program of the same client makes.
    pub(super) fn spend(&mut self, now: Duration, requests: u64) {
        self.roll(now);
        self.current.count = self.current.count.saturating_add(requests);
    }

    /// From now on: a window that is over keeps what it had.
    pub(super) fn set_allowed(&mut self, now: Duration, allowed: u64) {
        self.roll(now);
        self.allowed = allowed;
        self.current.allowed = allowed;
    }

    pub(super) fn set_length(&mut self, now: Duration, length: Duration) {
        self.roll(now);
        self.length = length.max(Duration::from_secs(1));
        self.ends = self.ends.min(now + self.length);
    }

    /// Begins the next window now.
    pub(super) fn advance(&mut self, now: Duration) {
        self.roll(now);
        self.ends = now;
        self.roll(now);
    }

    /// The windows that saw a request, the oldest first, and the current one.
    pub(super) fn windows(&mut self, now: Duration) -> Vec<Window> {
        self.roll(now);
        self.past.iter().copied().chain([self.current]).collect()
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    fn roll(&mut self, now: Duration) {
        if now < self.ends {
            return;
        }
        let passed = (now - self.ends).as_nanos() / self.length.as_nanos() + 1;
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if self.current.count > 0 {
            self.past.push_back(self.current);
            if self.past.len() > KEPT {
                self.past.pop_front();
            }
        }
        let number = self.current.number + u64::from(passed);
        self.current = Window { number, allowed: self.allowed, ..Window::default() };
        self.ends += self.length * passed;
    }
}

/// As headers tell it: rounded up, so that who waits so long has waited long enough.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn what_is_over_the_limit_is_refused_and_counts() {
        check("0 take 1 take 2 take", expect!["w0 1/2 r20 | w0 2/2 r19 | w0 3/2 r18 refused"]);
    }

    #[test]
    fn windows_are_fixed_and_the_first_has_a_phase() {
        check(
            "19 take 20 take 79 take 80 take",
            expect!["w0 1/2 r1 | w1 1/2 r60 | w1 2/2 r1 | w2 1/2 r60"],
        );
    }

    #[test]
    fn idle_windows_are_numbered_too() {
        check("200 take", expect!["w4 1/2 r60"]);
    }

    #[test]
    fn the_next_window_can_be_begun() {
        check("5 take 6 next 6 take 66 take", expect!["w0 1/2 r15 | w1 1/2 r60 | w2 1/2 r60"]);
    }

    #[test]
    fn another_allowance_is_that_of_the_window_in_which_it_is_given() {
        let mut budget = Budget::new(2, Duration::from_secs(60), Duration::from_secs(20));
        let at = Duration::from_secs;
        budget.take(at(19), true);
        budget.set_allowed(at(21), 1);
        let allowed: Vec<u64> = budget.windows(at(22)).iter().map(|it| it.allowed).collect();
        assert_eq!(allowed, [2, 1]);
    }

    #[track_caller]
    fn check(script: &str, expected: Expect) {
        let mut budget = Budget::new(2, Duration::from_secs(60), Duration::from_secs(20));
        let mut shown = Vec::new();
        let words: Vec<&str> = script.split(' ').collect();
        for step in words.chunks(2) {
            let now = Duration::from_secs(step[0].parse().unwrap());
            match step[1] {
                "next" => budget.advance(now),
                _ => {
                    let at = budget.take(now, true);
                    let refused = if at.refused { " refused" } else { "" };
                    shown.push(format!(
                        "w{} {}/{} r{}{refused}",
                        at.window, at.count, at.allowed, at.reset
                    ));
                }
            }
        }
        expected.assert_eq(&shown.join(" | "));
    }
}
