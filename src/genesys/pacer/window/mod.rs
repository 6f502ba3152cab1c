//! The account's budget of requests, as far as it can be known from outside.
//!
//! The server counts in windows, and each answer tells its count (FACTS 3.1). So what a window has
//! had is the highest count that was told, and what may have been counted since: requests under way,
//! and those that ended without a word. Near a reset both windows may have them, until an answer
//! tells. What [`others`](super::others) will take until the end is left to them, and the rest is
//! [`spread`](super::spread) over the window. As long as no answer has told when the window ends, the
//! minute slides, which is never more than what any phase allows.
//!
//! Pure: time is an argument. It does not wait.

mod requests;
#[cfg(test)]
mod tests;
mod told;

use std::time::Duration;

use tokio::time::Instant;

use self::requests::Requests;
use super::cycle::Cycle;
use super::others::Others;
use super::phase::PERIOD;
use super::ping::Ping;
use super::spread::{Room, Spread};
use crate::genesys::call::Class;

/// The reserve is released so long before the last moment of a window.
const RELEASE: Duration = Duration::from_secs(2);
/// What others take later than this after now is not kept from those who ask now: there is time to
/// see it come.
const FORESIGHT: Duration = Duration::from_secs(5);
/// Who has heard nothing for so long asks all the same, as far as it is known that there is room: what
/// others may have taken grows with the time in which nobody looks, and would never end. Longer than
/// the silence between the answers of who still writes, and four requests a minute at most.
const BLIND: Duration = Duration::from_secs(15);
/// Who waits because of what others may take looks again so soon.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

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
    /// Of these, those of other programs, or of an earlier run.
    pub foreign: u32,
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
    cycle: Option<Cycle>,
    current: Current,
    others: Others,
    spread: Spread,
    ping: Ping,
    requests: Requests,
    resting_until: Option<Instant>,
    /// An answer has come, with headers or without.
    heard: bool,
    /// Requests that are left unused, since windows turned out to be fuller than reckoned.
    slack: u32,
}

/// What is known of the current window.
#[derive(Clone, Copy, Debug, Default)]
struct Current {
    /// The highest count that was told.
    count: u32,
    /// The number of the request whose answer told it.
    told_by: Option<u64>,
    /// When it was so, most likely: half-way between that and the answer.
    seen_at: Option<Instant>,
    /// Answers that told that they are of this window: they are in `count`.
    answers: u32,
    /// The allowance became smaller while it lasted.
    lowered: bool,
    /// There was a 429.
    throttled: bool,
}

impl Window {
    /// A budget of so many requests a minute, until the server says otherwise.
    pub(super) fn new(setting: u32) -> Window {
        Window {
            setting,
            allowed: None,
            cycle: None,
            current: Current::default(),
            others: Others::default(),
            spread: Spread::new(setting),
            ping: Ping::default(),
            requests: Requests::default(),
            resting_until: None,
            heard: false,
            slack: 0,
        }
    }

    /// Begins with what an earlier process knew of when windows end. It holds until the first answer,
    /// or until that window is over.
    pub(super) fn expect(&mut self, cycle: Cycle) {
        if !self.heard {
            self.cycle = Some(cycle);
            self.begins(None);
        }
    }

    /// What is known of when they end, if an answer has told of it.
    pub(super) fn cycle(&mut self, now: Instant) -> Option<Cycle> {
        self.advance(now);
        self.cycle.filter(|_| self.heard)
    }

    /// Says whether a request of this class may be made now. Spends nothing.
    pub(super) fn ask(&mut self, now: Instant, class: Class) -> Result<(), Wait> {
        self.advance(now);
        if let Some(end) = self.resting_until.filter(|end| *end > now) {
            return Err(Wait::Until(end));
        }
        // A program that ran just before this one may have spent the budget already. So until the
        // first answer tells, requests go one by one.
        if !self.heard && class != Class::Token {
            self.requests.alone(now)?;
            self.after_a_near_end(now)?;
        }
        match self.cycle {
            None => self.ask_sliding(now, class),
            Some(cycle) => self.ask_fixed(now, class, cycle),
        }
    }

    /// Just before the end of a window that may be used up it costs little to wait for the next one.
    fn after_a_near_end(&self, now: Instant) -> Result<(), Wait> {
        let Some(cycle) = self.cycle else { return Ok(()) };
        let near = cycle.end().earliest().checked_sub(RELEASE).is_none_or(|near| now >= near);
        if near { Err(Wait::Until(cycle.end().latest())) } else { Ok(()) }
    }

    fn ask_sliding(&self, now: Instant, class: Class) -> Result<(), Wait> {
        if self.requests.within(PERIOD, now) < self.limit(class) {
            return Ok(());
        }
        Err(self.requests.fewer_within(PERIOD, now).map_or(Wait::News, Wait::Until))
    }

    fn ask_fixed(&self, now: Instant, class: Class, cycle: Cycle) -> Result<(), Wait> {
        let end = cycle.end();
        // What is sent later may arrive in the next window.
        let last = self.ping.before(end.earliest());
        let release = last.checked_sub(RELEASE).unwrap_or(last);
        let limit = if now >= release { self.allowed() } else { self.limit(class) };
        let used = self.used(&cycle);
        if used >= limit {
            let in_reserve = now < release && used < self.allowed();
            return Err(Wait::Until(if in_reserve { release } else { end.latest() }));
        }
        if now >= cycle.may_end() && self.requests.touching(cycle.may_end()) >= self.limit(class) {
            return Err(Wait::Until(end.latest()));
        }
        if is_urgent(class) {
            return Ok(());
        }
        let left = f64::from(limit - used) - f64::from(self.slack);
        let since = self.current.seen_at.unwrap_or_else(|| cycle.began());
        let unseen = now.saturating_duration_since(since);
        let to_come = end.middle().saturating_duration_since(now);
        let near = self.others.at_most(unseen + to_come.min(FORESIGHT), cycle.length());
        // Who shares the budget with somebody greedy has half of it.
        let half = f64::from(self.allowed() / 2) - f64::from(self.ours(&cycle));
        let ours = (left - self.others.expected(unseen + to_come)).max(half.min(left));
        // What others do is known from answers only, so now and then one is needed.
        let worth_a_look = unseen >= FORESIGHT;
        let is_blocked = left - near < 1.0 || (ours < 1.0 && !worth_a_look);
        if is_blocked && unseen < BLIND {
            return Err(Wait::Until((now + LOOK_AGAIN).min(end.latest())));
        }
        let room = Room {
            allowed: self.allowed(),
            used,
            left: ours,
            time: last.saturating_duration_since(now),
            rate: cycle.rate(self.allowed()),
        };
        self.spread.ask(now, room).map_err(Wait::Until)
    }

    /// Leave is taken.
    pub(super) fn grant(&mut self, now: Instant, class: Class) {
        self.requests.grant(now, class);
        if is_urgent(class) {
            self.spread.spend(1);
        } else {
            self.spread.took(now);
        }
    }

    /// Leave that was taken is not needed after all.
    pub(super) fn give_back(&mut self, class: Class) {
        self.requests.give_back(class);
    }

    /// A request goes out for which leave was taken. Returns its number, for
    /// [`answered`](Window::answered) and [`end`](Window::end).
    pub(super) fn begin(&mut self, now: Instant, class: Class) -> u64 {
        loop {
            if let Some(number) = self.requests.begin(now, class) {
                return number;
            }
            self.grant(now, class);
        }
    }

    /// It is answered without a word about the budget, or given up.
    pub(super) fn end(&mut self, now: Instant, number: u64) {
        self.requests.end(now, number);
    }

    /// From now on somebody waits for leave, or nobody does.
    pub(super) fn waiting(&mut self, now: Instant, somebody: bool) {
        let allowed = self.allowed();
        let rate = f64::from(allowed) / PERIOD.as_secs_f64();
        let rate = self.cycle.map_or(rate, |cycle| cycle.rate(allowed));
        self.spread.waiting(now, somebody, allowed, rate);
    }

    /// The whole account makes no request for so long.
    pub(super) fn rest(&mut self, now: Instant, rest: Duration) {
        let end = now + rest;
        self.resting_until = Some(self.resting_until.map_or(end, |before| before.max(end)));
    }

    pub(super) fn resting_for(&self, now: Instant) -> Option<Duration> {
        self.resting_until.filter(|end| *end > now).map(|end| end - now)
    }

    /// Until the next window has begun for sure; `None` as long as no answer has told.
    pub(super) fn window_ends_in(&mut self, now: Instant) -> Option<Duration> {
        self.cycle(now).map(|cycle| cycle.end().latest().saturating_duration_since(now))
    }

    pub(super) fn usage(&mut self, now: Instant) -> Usage {
        let window_ends_in = self.window_ends_in(now);
        let used = match &self.cycle {
            Some(cycle) => self.used(cycle),
            None => self.requests.within(PERIOD, now),
        };
        let resting_for = self.resting_for(now);
        let foreign = self.cycle.map_or(0, |cycle| used.saturating_sub(self.ours(&cycle)));
        Usage { used, foreign, allowed: self.allowed(), window_ends_in, resting_for }
    }

    fn allowed(&self) -> u32 {
        self.allowed.unwrap_or(self.setting)
    }

    /// How many requests a window may have before one of this class must wait. The rest is for
    /// tokens and channels, without which nothing else works.
    fn limit(&self, class: Class) -> u32 {
        let allowed = self.allowed();
        if is_urgent(class) {
            return allowed;
        }
        let reserve = (u64::from(allowed) * 15).div_ceil(1000).max(2);
        // A budget of a handful is not worth keeping half of.
        let reserve = reserve.min(u64::from(allowed) / 4);
        allowed - u32::try_from(reserve).unwrap_or(0)
    }

    /// Requests that the server counts in the current window, or may.
    fn used(&self, cycle: &Cycle) -> u32 {
        let from = cycle.may_have_begun();
        let told = self.current.count.max(self.current.answers);
        told.saturating_add(match self.current.told_by {
            Some(number) => self.requests.touching_since(from, number),
            None => self.requests.touching(from),
        })
    }

    /// Our own part of that.
    fn ours(&self, cycle: &Cycle) -> u32 {
        self.current.answers.saturating_add(self.requests.touching(cycle.may_have_begun()))
    }

    /// Lets time pass: windows end, and requests are forgotten.
    fn advance(&mut self, now: Instant) {
        while let Some(next) = self.cycle.and_then(|cycle| cycle.passed(now)) {
            self.cycle = Some(next).filter(|next| self.heard && next.is_of_use());
            self.begins(Some(next.began()));
        }
        self.requests.forget(now);
    }
}

/// Nothing else works without these: they wait for nothing but the budget.
fn is_urgent(class: Class) -> bool {
    match class {
        Class::Token | Class::Channel => true,
        Class::Update | Class::Recovery | Class::Directory => false,
    }
}
