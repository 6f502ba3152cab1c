//! The account's budget of requests a minute, as far as it can be known from outside.
//!
//! The server counts in windows of a minute. Their phase is unknown until an answer tells how long
//! the window still lasts (FACTS 3.1); until then the minute slides, which is never more than what
//! any phase allows. A request may be counted whenever between its leave and its answer, so it
//! belongs to each window that this span touches; requests under way touch the next one, too. A
//! reset is known to about a second: what is near to it counts on both sides (SEMANTICS 8).
//!
//! Pure: time is an argument. It does not wait, and it does not space requests out within a window.

use std::time::Duration;

use tokio::time::Instant;

use super::phase::{PERIOD, Phase, RateHeaders};
use super::requests::{Requests, UNUSED};
use crate::genesys::call::Class;

/// The reserve is released so long before what is near to a reset.
const RELEASE: Duration = Duration::from_secs(2);
/// As long as nothing has been heard of the budget, unused leave holds others up for so long.
const UNUSED_PROBE: Duration = Duration::from_secs(5);

/// Why there is no leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// It is worth asking again then, or when something happens before.
    Until(Instant),
    /// Only the end of a request under way can change it.
    News,
}

/// How the budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Requests in the current window, those of other programs included as far as known.
    pub used: u32,
    pub allowed: u32,
    /// `None` as long as the phase is unknown.
    pub window_ends_in: Option<Duration>,
    /// After a 429.
    pub resting_for: Option<Duration>,
}

/// The requests of the last minutes, and what the server said about them.
#[derive(Debug)]
pub(super) struct Window {
    setting: u32,
    /// What the headers say, which is believed over the setting.
    allowed: Option<u32>,
    phase: Option<Phase>,
    /// Requests in the current window that are not ours: another program's, or an earlier run's.
    foreign: u32,
    requests: Requests,
    resting_until: Option<Instant>,
    /// An answer has come, with headers or without.
    heard: bool,
}

impl Window {
    /// A budget of so many requests a minute, until the server says otherwise.
    pub(super) fn new(setting: u32) -> Window {
        Window {
            setting,
            allowed: None,
            phase: None,
            foreign: 0,
            requests: Requests::default(),
            resting_until: None,
            heard: false,
        }
    }

    /// Says whether a request of this class may be made now. Spends nothing.
    pub(super) fn ask(&mut self, now: Instant, class: Class) -> Result<(), Wait> {
        self.advance(now);
        if let Some(end) = self.resting_until.filter(|end| *end > now) {
            return Err(Wait::Until(end));
        }
        self.probe(now, class)?;
        match self.phase {
            None => self.ask_sliding(now, class),
            Some(phase) => self.ask_fixed(now, class, phase),
        }
    }

    /// A program that ran just before this one may have spent the budget already. So until the
    /// first answer tells, requests go one by one.
    fn probe(&self, now: Instant, class: Class) -> Result<(), Wait> {
        if self.heard || class == Class::Token {
            return Ok(());
        }
        let is_other = |class| class != Class::Token;
        if self.requests.under_way().any(|it| is_other(it.class)) {
            return Err(Wait::News);
        }
        let granted = self.requests.granted().filter(|it| is_other(it.class));
        let mut ends = granted.map(|it| it.at + UNUSED_PROBE).filter(|end| *end > now);
        ends.next().map_or(Ok(()), |end| Err(Wait::Until(end)))
    }

    fn ask_sliding(&self, now: Instant, class: Class) -> Result<(), Wait> {
        if self.within_a_minute(now) < self.limit(class) {
            return Ok(());
        }
        let first = self.requests.first_ended(a_minute_before(now));
        let frees = first.map(|ended| ended + PERIOD).into_iter();
        // Nothing is heard of leave that nobody uses.
        let frees = frees.chain(self.requests.granted().map(|it| it.at + UNUSED));
        Err(frees.min().map_or(Wait::News, Wait::Until))
    }

    fn ask_fixed(&self, now: Instant, class: Class, phase: Phase) -> Result<(), Wait> {
        let (near, over) = phase.near();
        let release = near.checked_sub(RELEASE).unwrap_or(near);
        let limit = if now >= release { self.allowed() } else { self.limit(class) };
        if self.in_current(phase) >= limit {
            return Err(Wait::Until(if now < release { release } else { over }));
        }
        if now >= near && self.in_next(phase) >= self.limit(class) {
            return Err(Wait::Until(over));
        }
        Ok(())
    }

    /// Leave is taken.
    pub(super) fn grant(&mut self, now: Instant, class: Class) {
        self.requests.grant(now, class);
    }

    /// Leave that was taken is not needed after all.
    pub(super) fn give_back(&mut self, class: Class) {
        self.requests.give_back(class);
    }

    /// A request goes out for which leave was taken. Returns its number, for
    /// [`end`](Window::end).
    pub(super) fn begin(&mut self, now: Instant, class: Class) -> u64 {
        self.requests.begin(now, class)
    }

    /// It is answered, or given up.
    pub(super) fn end(&mut self, now: Instant, number: u64) {
        self.requests.end(now, number);
    }

    /// What the answer says to a request that was sent then.
    pub(super) fn note(&mut self, now: Instant, sent_at: Instant, headers: RateHeaders) {
        self.heard = true;
        self.advance(now);
        if let Some(allowed) = headers.allowed.filter(|allowed| *allowed > 0) {
            self.allowed = Some(allowed);
        }
        // A longer window than a minute is of another limit.
        let Some(reset) = headers.reset.filter(|reset| u64::from(*reset) <= PERIOD.as_secs() + 1)
        else {
            return;
        };
        let told = Phase::told(sent_at, now, reset);
        let current_one = self.learn(told);
        if let (true, Some(phase), Some(count)) = (current_one, self.phase, headers.count) {
            let ours = self.in_current(phase) - self.foreign;
            self.foreign = self.foreign.max(count.saturating_sub(ours));
        }
    }

    /// Narrows the phase by what an answer told. Returns false if and only if it spoke of the
    /// window before.
    fn learn(&mut self, told: Phase) -> bool {
        if let Some(phase) = self.phase {
            if let Some(both) = phase.both(told) {
                self.phase = Some(both);
                return true;
            }
            if let Some(both) = phase.both(told.next()) {
                self.phase = Some(both);
                return false;
            }
            if let Some(both) = phase.next().both(told) {
                self.phase = Some(both);
                self.foreign = 0;
                return true;
            }
        }
        self.phase = Some(told);
        self.foreign = 0;
        true
    }

    /// The whole account makes no request for so long.
    pub(super) fn rest(&mut self, now: Instant, rest: Duration) {
        let end = now + rest;
        self.resting_until = Some(self.resting_until.map_or(end, |before| before.max(end)));
    }

    pub(super) fn resting_for(&self, now: Instant) -> Option<Duration> {
        self.resting_until.filter(|end| *end > now).map(|end| end - now)
    }

    /// Until the next window has begun for sure; `None` as long as the phase is unknown.
    pub(super) fn window_ends_in(&mut self, now: Instant) -> Option<Duration> {
        self.advance(now);
        self.phase.map(|phase| phase.near().1.saturating_duration_since(now))
    }

    pub(super) fn usage(&mut self, now: Instant) -> Usage {
        let window_ends_in = self.window_ends_in(now);
        let used = match self.phase {
            Some(phase) => self.in_current(phase),
            None => self.within_a_minute(now),
        };
        let resting_for = self.resting_for(now);
        Usage { used, allowed: self.allowed(), window_ends_in, resting_for }
    }

    fn allowed(&self) -> u32 {
        self.allowed.unwrap_or(self.setting)
    }

    /// How many requests a window may have before one of this class must wait. The rest is for
    /// tokens and channels, without which nothing else works.
    fn limit(&self, class: Class) -> u32 {
        let allowed = self.allowed();
        match class {
            Class::Token | Class::Channel => allowed,
            Class::Update | Class::Recovery | Class::Directory => {
                let reserve = (u64::from(allowed) * 15).div_ceil(1000).max(2);
                // A budget of a handful is not worth keeping half of.
                let reserve = reserve.min(u64::from(allowed) / 4);
                allowed - u32::try_from(reserve).unwrap_or(0)
            }
        }
    }

    fn within_a_minute(&self, now: Instant) -> u32 {
        number(self.requests.open() + self.requests.ended(a_minute_before(now)))
    }

    /// Requests that may be counted in the window which ends at this phase.
    fn in_current(&self, phase: Phase) -> u32 {
        let (near, _) = phase.near();
        let began = near.checked_sub(PERIOD).unwrap_or(near);
        number(self.requests.open() + self.requests.ended(began)).saturating_add(self.foreign)
    }

    fn in_next(&self, phase: Phase) -> u32 {
        number(self.requests.open() + self.requests.ended(phase.near().0))
    }

    /// Lets time pass: windows end, and requests are forgotten.
    fn advance(&mut self, now: Instant) {
        while let Some(phase) = self.phase.filter(|phase| now >= phase.near().1) {
            self.foreign = 0;
            self.phase = Some(phase.next()).filter(|next| next.is_of_use());
        }
        self.requests.advance(now);
    }
}

/// What ended then or later is within the minute.
fn a_minute_before(now: Instant) -> Instant {
    let after = PERIOD - Duration::from_nanos(1);
    now.checked_sub(after).unwrap_or(now)
}

fn number(requests: usize) -> u32 {
    u32::try_from(requests).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn headers(count: u32, reset: u32) -> RateHeaders {
        RateHeaders { count: Some(count), allowed: None, reset: Some(reset) }
    }

    #[test]
    fn without_a_phase_the_minute_slides() {
        let (mut window, start) = (Window::new(4), Instant::now());
        window.note(start, start, RateHeaders::default());
        // One of the four is kept for tokens and channels.
        for at in [0, 10, 20] {
            let now = start + seconds(at);
            assert_eq!(window.ask(now, Class::Update), Ok(()));
            window.grant(now, Class::Update);
            let number = window.begin(now, Class::Update);
            window.end(now + seconds(1), number);
        }
        let now = start + seconds(30);
        assert_eq!(window.ask(now, Class::Update), Err(Wait::Until(start + seconds(61))));
        assert_eq!(window.ask(now, Class::Token), Ok(()));
        assert_eq!(window.ask(start + seconds(61), Class::Update), Ok(()));
    }

    #[test]
    fn what_is_under_way_over_a_reset_counts_in_both_windows() {
        let (mut window, start) = (Window::new(10), Instant::now());
        window.grant(start, Class::Update);
        let number = window.begin(start, Class::Update);
        window.note(start, start, headers(1, 30));
        assert_eq!(window.usage(start + seconds(20)).used, 1);
        assert_eq!(window.usage(start + seconds(40)).used, 1);
        window.end(start + seconds(41), number);
        assert_eq!(window.usage(start + seconds(80)).used, 1);
        assert_eq!(window.usage(start + seconds(100)).used, 0);
    }

    #[test]
    fn an_answer_belongs_to_its_window() {
        let (mut window, start) = (Window::new(300), Instant::now());
        window.note(start, start, headers(100, 30));
        assert_eq!(window.usage(start).used, 100);
        let later = start + seconds(32);
        assert_eq!(window.usage(later).used, 0, "a new window");
        // An answer of the old one, that was long on its way.
        window.note(later, start + seconds(25), headers(120, 4));
        assert_eq!(window.usage(later).used, 0);
        window.note(later, later, headers(7, 58));
        assert_eq!(window.usage(later).used, 7);
        // A phase that cannot be: what is told last is believed.
        window.note(later, later, headers(9, 20));
        assert_eq!(window.window_ends_in(later), Some(seconds(21)));
        assert_eq!(window.usage(later).used, 9);
        // Another limit's window.
        window.note(later, later, headers(5000, 3600));
        assert_eq!(window.usage(later).used, 9);
    }
}
