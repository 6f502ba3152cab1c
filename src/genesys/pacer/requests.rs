//! The requests of the last minutes, by how far they are.
//!
//! What is to be known of them is how many there are, so each look costs the same however many there
//! were: those that ended are in the order of time, and the others are few. Pure: time is an argument.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::genesys::call::Class;

/// Leave that was taken and has not been used by then never will be: the put dialect holds one
/// permit while it waits for another, for a minute at most.
pub(super) const UNUSED: Duration = Duration::from_secs(120);
/// Nothing that ended longer ago touches the current window or the sliding minute.
const KEPT: Duration = Duration::from_secs(150);

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Leave that was taken and is not used yet, in the order of taking.
    granted: VecDeque<Granted>,
    /// By number.
    under_way: BTreeMap<u64, Granted>,
    /// When they ended, the first first.
    ended: VecDeque<Instant>,
    next: u64,
}

/// One for which leave was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Granted {
    pub(super) class: Class,
    pub(super) at: Instant,
}

impl Requests {
    /// Leave is taken.
    pub(super) fn grant(&mut self, now: Instant, class: Class) {
        self.granted.push_back(Granted { class, at: now });
    }

    /// Leave that was taken is not needed: the server never sees it.
    pub(super) fn give_back(&mut self, class: Class) {
        if let Some(at) = self.granted.iter().rposition(|granted| granted.class == class) {
            self.granted.remove(at);
        }
    }

    /// A request goes out for which leave was taken. Returns its number.
    pub(super) fn begin(&mut self, now: Instant, class: Class) -> u64 {
        let at = self.granted.iter().position(|granted| granted.class == class);
        let granted = at.and_then(|at| self.granted.remove(at));
        let number = self.next;
        self.next += 1;
        self.under_way.insert(number, granted.unwrap_or(Granted { class, at: now }));
        number
    }

    /// It is answered, or given up.
    pub(super) fn end(&mut self, now: Instant, number: u64) {
        if self.under_way.remove(&number).is_some() {
            self.ended.push_back(now);
        }
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Instant) {
        while self.granted.front().is_some_and(|granted| granted.at + UNUSED <= now) {
            self.granted.pop_front();
        }
        while self.ended.front().is_some_and(|ended| *ended + KEPT <= now) {
            self.ended.pop_front();
        }
    }

    /// For which leave is taken and not used yet, the first first.
    pub(super) fn granted(&self) -> impl Iterator<Item = Granted> {
        self.granted.iter().copied()
    }

    pub(super) fn under_way(&self) -> impl Iterator<Item = Granted> {
        self.under_way.values().copied()
    }

    /// When the first ended of those that did then or later.
    pub(super) fn first_ended(&self, from: Instant) -> Option<Instant> {
        self.ended.get(self.before(from)).copied()
    }

    /// How many have not ended.
    pub(super) fn open(&self) -> usize {
        self.granted.len() + self.under_way.len()
    }

    /// How many ended then or later.
    pub(super) fn ended(&self, from: Instant) -> usize {
        self.ended.len() - self.before(from)
    }

    fn before(&self, from: Instant) -> usize {
        self.ended.partition_point(|ended| *ended < from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_once_wherever_it_is() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for class in [Class::Update, Class::Token, Class::Update] {
            requests.grant(start, class);
        }
        requests.give_back(Class::Update);
        requests.give_back(Class::Recovery);
        assert_eq!(requests.open(), 2);
        let numbers =
            [Class::Update, Class::Token, Class::Channel].map(|class| requests.begin(at(1), class));
        assert_eq!(requests.granted().count(), 0);
        // The last one took no leave before.
        assert_eq!(requests.open(), 3);
        for (number, seconds) in numbers.into_iter().zip([2, 3, 4]) {
            requests.end(at(seconds), number);
            requests.end(at(seconds), number);
        }
        assert_eq!(requests.open(), 0);
        assert_eq!(requests.ended(at(0)), 3);
        assert_eq!(requests.ended(at(3)), 2);
        assert_eq!(requests.first_ended(at(3)), Some(at(3)));
        assert_eq!(requests.first_ended(at(5)), None);
        requests.advance(at(3) + KEPT);
        assert_eq!(requests.ended(at(0)), 1);
    }

    #[test]
    fn leave_that_nobody_uses_is_no_request() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        requests.grant(start, Class::Update);
        requests.advance(start + UNUSED - Duration::from_secs(1));
        assert_eq!(requests.open(), 1);
        requests.advance(start + UNUSED);
        assert_eq!(requests.open(), 0);
    }
}
