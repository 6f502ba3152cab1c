//! The requests for which leave was taken, as long as the server may count them where we do not
//! know.
//!
//! What is to be known of them is how many there are, so each look costs about the same however many
//! there were: those that ended are in the order of time, and the others are few.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::Wait;
use crate::genesys::call::Class;

/// Leave that was taken and has not been used by then never will be: the put dialect holds one
/// permit while it waits for another, for a minute at most.
const UNUSED: Duration = Duration::from_secs(120);
/// As long as nothing has been heard of the budget, unused leave holds others up for so long.
const UNUSED_PROBE: Duration = Duration::from_secs(5);
/// Nothing older touches the current window or the sliding minute.
const KEPT: Duration = Duration::from_secs(150);

#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Leave that is not used yet, in the order of taking.
    granted: VecDeque<Granted>,
    /// By number: the class, and when it was sent.
    under_way: BTreeMap<u64, (Class, Instant)>,
    /// Those that ended and of which no answer said in which window they are, the first first.
    ended: VecDeque<Ended>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Granted {
    class: Class,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    at: Instant,
    /// Requests from this number on were sent after that: two may share an instant.
    next: u64,
}

impl Requests {
    pub(super) fn grant(&mut self, now: Instant, class: Class) {
        self.granted.push_back(Granted { class, at: now });
    }

    /// Leave that was taken is not needed after all: the server never sees it.
    pub(super) fn give_back(&mut self, class: Class) {
        if let Some(at) = self.granted.iter().rposition(|granted| granted.class == class) {
            self.granted.remove(at);
        }
    }

    /// A request goes out for which leave was taken. Returns its number; `None` if there was no
    /// leave.
    pub(super) fn begin(&mut self, now: Instant, class: Class) -> Option<u64> {
        let at = self.granted.iter().position(|granted| granted.class == class)?;
        self.granted.remove(at);
        let number = self.next;
        self.next += 1;
        self.under_way.insert(number, (class, now));
        Some(number)
    }

    /// It is answered without a word about the budget, or given up.
    pub(super) fn end(&mut self, now: Instant, number: u64) {
        if self.under_way.remove(&number).is_some() {
            self.ended.push_back(Ended { at: now, next: self.next });
        }
    }

    /// The number of the next request that goes out.
    #[cfg(test)]
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// When it was sent, if it is still under way.
    pub(super) fn sent_at(&self, number: u64) -> Option<Instant> {
        self.under_way.get(&number).map(|(_, sent_at)| *sent_at)
    }

    /// Its answer tells in which window it is, and is in that one's count.
    pub(super) fn told(&mut self, number: u64) {
        self.under_way.remove(&number);
    }

    /// How many the server may have counted at `from` or later, without a word about it.
    pub(super) fn touching(&self, from: Instant) -> u32 {
        self.number(self.ended.partition_point(|ended| ended.at < from))
    }

    /// The same, but for those that had ended when that request was sent: its answer counted them.
    pub(super) fn touching_since(&self, from: Instant, told: u64) -> u32 {
        self.number(self.ended.partition_point(|ended| ended.at < from || ended.next <= told))
    }

    /// How many the server may have counted in a period that ends now, where nothing is ever told.
    pub(super) fn within(&self, period: Duration, now: Instant) -> u32 {
        self.number(self.too_old(period, now))
    }

    /// All but so many of those that have ended.
    fn number(&self, but: usize) -> u32 {
        let number = self.granted.len() + self.under_way.len() + self.ended.len() - but;
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    fn too_old(&self, period: Duration, now: Instant) -> usize {
        self.ended.partition_point(|ended| ended.at + period <= now)
    }

    /// When there will be fewer in the period; `None` if that takes the end of one under way.
    pub(super) fn fewer_within(&self, period: Duration, now: Instant) -> Option<Instant> {
        let ended = self.ended.get(self.too_old(period, now)).map(|ended| ended.at + period);
        // Nothing is heard of leave that nobody uses.
        let unused = self.granted.front().map(|granted| granted.at + UNUSED);
        ended.into_iter().chain(unused).min()
    }

    /// What must be waited for before another may go, where they go one by one.
    pub(super) fn alone(&self, now: Instant) -> Result<(), Wait> {
        if self.under_way.values().any(|(class, _)| *class != Class::Token) {
            return Err(Wait::News);
        }
        let others = self.granted.iter().filter(|granted| granted.class != Class::Token);
        let waits = others.map(|granted| granted.at + UNUSED_PROBE).find(|end| *end > now);
        waits.map_or(Ok(()), |end| Err(Wait::Until(end)))
    }

    /// Forgets what cannot matter any more.
    pub(super) fn forget(&mut self, now: Instant) {
        while self.granted.front().is_some_and(|granted| granted.at + UNUSED <= now) {
            self.granted.pop_front();
        }
        while self.ended.front().is_some_and(|ended| ended.at + KEPT <= now) {
            self.ended.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_once_wherever_it_is() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for class in [Class::Update, Class::Token, Class::Update, Class::Channel] {
            requests.grant(start, class);
        }
        requests.give_back(Class::Update);
        requests.give_back(Class::Recovery);
        assert_eq!(requests.touching(at(9)), 3);
        let mut begin = |class| requests.begin(at(1), class);
        let numbers = [Class::Update, Class::Token, Class::Channel].map(&mut begin);
        assert_eq!(begin(Class::Update), None);
        for (number, seconds) in numbers.into_iter().zip([2, 3, 4]) {
            requests.end(at(seconds), number.unwrap());
            requests.end(at(seconds), number.unwrap());
        }
        assert_eq!([0, 3, 5].map(|seconds| requests.touching(at(seconds))), [3, 2, 0]);
        let period = Duration::from_secs(60);
        assert_eq!([61, 62, 64].map(|seconds| requests.within(period, at(seconds))), [3, 2, 0]);
        assert_eq!(requests.fewer_within(period, at(62)), Some(at(63)));
        requests.forget(at(3) + KEPT);
        assert_eq!(requests.touching(at(0)), 1);
    }

    #[test]
    fn leave_that_nobody_uses_is_no_request() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        requests.grant(start, Class::Update);
        requests.forget(start + UNUSED - Duration::from_secs(1));
        assert_eq!(requests.touching(start), 1);
        requests.forget(start + UNUSED);
        assert_eq!(requests.touching(start), 0);
    }
}
