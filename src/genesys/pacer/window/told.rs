//! What answers say about the budget, and what is learned from it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Current, Window};
use crate::genesys::pacer::cycle::{Cycle, Told};
use crate::genesys::pacer::phase::{PERIOD, Phase, RateHeaders};

/// After a 429 that the headers do not explain, nothing goes in bursts for so many windows.
const CAREFUL: u32 = 10;

/// Why there was a 429, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::genesys::pacer) enum Cause {
    /// The allowance is smaller than it was.
    Lowered,
    /// Other programs use the same client, and took more than was left to them.
    Others,
    /// The window was fuller than reckoned.
    Full,
    /// Not the window of which the headers speak.
    Elsewhere,
}

impl Cause {
    /// For the log.
    pub(in crate::genesys::pacer) fn reason(self) -> &'static str {
        match self {
            Cause::Lowered => "the allowance is smaller than it was",
            Cause::Others => {
                "other programs use the same OAuth client: give the daemon a client of its own"
            }
            Cause::Full => "the window was fuller than reckoned",
            Cause::Elsewhere => "a limit of which the headers say nothing",
        }
    }
}

impl Window {
    /// What the answer to the request of this number says.
    pub(in crate::genesys::pacer) fn answered(
        &mut self,
        now: Instant,
        number: u64,
        headers: RateHeaders,
    ) {
        let Some(sent_at) = self.requests.sent_at(number) else { return };
        self.ping.took(now - sent_at);
        // What tells no reset could be of either window.
        if headers.count.is_some() && reset(headers).is_some() {
            self.requests.told(number);
        }
        self.take_in(now, sent_at, number, headers);
    }

    /// What the answer says to a request that was sent then, after all that have ended by now.
    #[cfg(test)]
    pub(in crate::genesys::pacer) fn note(
        &mut self,
        now: Instant,
        sent_at: Instant,
        headers: RateHeaders,
    ) {
        self.take_in(now, sent_at, self.requests.next(), headers);
    }

    fn take_in(&mut self, now: Instant, sent_at: Instant, number: u64, headers: RateHeaders) {
        self.advance(now);
        // What is known before the first answer is an earlier process's, and no more than a hint.
        let is_hint = !std::mem::replace(&mut self.heard, true);
        let Some(reset) = reset(headers) else {
            self.cycle = self.cycle.filter(|_| !is_hint);
            return self.allow(headers);
        };
        let told = Phase::told(sent_at, now, reset);
        if !self.learn(now, told, reset, is_hint) {
            return;
        }
        // Answers overtake each other: what an older one allows may have been taken back since.
        if headers.count.is_none_or(|count| count >= self.current.count) {
            self.allow(headers);
        }
        if let (Some(cycle), Some(count)) = (self.cycle, headers.count) {
            self.count((sent_at, now), number, count, &cycle);
        }
    }

    fn allow(&mut self, headers: RateHeaders) {
        if let Some(allowed) = headers.allowed.filter(|allowed| *allowed > 0) {
            self.current.lowered |= self.allowed.is_some_and(|before| allowed < before);
            self.allowed = Some(allowed);
        }
    }

    /// Learns from an answer when the window ends. Returns false if and only if it spoke of one that
    /// is over. What is no more than a hint is believed where the answer agrees, and else forgotten.
    fn learn(&mut self, now: Instant, told: Phase, reset: u32, is_hint: bool) -> bool {
        let reset = Duration::from_secs(u64::from(reset));
        let learned = self.cycle.as_mut().map(|cycle| cycle.learn(now, told, reset));
        let (Some(learned), Some(cycle)) =
            (learned.filter(|learned| !is_hint || *learned == Told::Current), self.cycle)
        else {
            self.cycle = Some(Cycle::new(told, reset));
            self.begins(None);
            return true;
        };
        match learned {
            Told::Before => return false,
            Told::Current => {}
            Told::Next => self.begins(Some(cycle.began())),
            Told::Anew => self.begins(None),
        }
        true
    }

    /// An answer to the request of this number, sent and answered then, told the count of the current
    /// window.
    fn count(
        &mut self,
        (sent_at, now): (Instant, Instant),
        number: u64,
        count: u32,
        cycle: &Cycle,
    ) {
        self.current.answers += 1;
        let is_first = self.current.told_by.is_none();
        if !is_first && count <= self.current.count {
            return;
        }
        let seen_at = sent_at + now.saturating_duration_since(sent_at) / 2;
        (self.current.count, self.current.told_by) = (count, Some(number));
        self.current.seen_at = Some(seen_at);
        // Each of ours may be in that count, and was if it ended before.
        let others = self.others.saw(seen_at, count.saturating_sub(self.ours(cycle)));
        self.spread.spend(others);
        if is_first {
            self.spread.bound(self.allowed(), count);
        }
    }

    /// There was a 429. Learns from it, and says why.
    pub(in crate::genesys::pacer) fn throttled(&mut self, now: Instant) -> Cause {
        self.advance(now);
        let allowed = self.allowed();
        if self.current.count < allowed {
            self.spread.be_careful(CAREFUL);
            return Cause::Elsewhere;
        }
        if self.current.lowered {
            return Cause::Lowered;
        }
        let excess = (self.current.count - allowed).max(1);
        self.slack = self.slack.saturating_add(excess).min(allowed / 10);
        self.current.throttled = true;
        if self.others.seen() > 0 { Cause::Others } else { Cause::Full }
    }

    /// A window has begun then; `None` if nobody knows when.
    pub(super) fn begins(&mut self, at: Option<Instant>) {
        if !self.current.throttled {
            self.slack /= 2;
        }
        self.current = Current::default();
        self.others.window_began(at);
        self.spread.window_began();
    }
}

/// Seconds until the reset; a longer window than a minute is of another limit.
fn reset(headers: RateHeaders) -> Option<u32> {
    headers.reset.filter(|reset| u64::from(*reset) <= PERIOD.as_secs() + 1)
}
