//! Times in which events may have passed unseen, in the order in which they are looked into.
//!
//! Genesys has no replay (FACTS 2.2): what happened while nobody listened is found again by looking
//! (SEMANTICS 7). Gaps that overlap in time are one, for one query answers them all. Pure: whoever
//! looks into them, and when, is told from outside.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use tokio::time::Instant;

use super::topic::Topic;

/// Gaps that wait at the same time; beyond it the two that lie nearest to each other are one. A flapping
/// network makes many, and each costs a query.
const WAITING: usize = 32;

/// What these topics would have told from `since` to `until` was not seen, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// `None`: nothing was ever heard of them.
    pub since: Option<Timestamp>,
    pub until: Timestamp,
    /// `until` on the clock that waits go by.
    pub closed: Instant,
    pub topics: BTreeSet<Topic>,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Gaps {
    /// The oldest first; no two overlap.
    waiting: VecDeque<Gap>,
}

impl Gap {
    /// When it began, as far as that can be known.
    pub fn beginning(&self) -> Timestamp {
        self.since.unwrap_or(self.until)
    }

    fn overlaps(&self, other: &Gap) -> bool {
        let begins_before_end =
            |one: &Gap, other: &Gap| one.since.is_none_or(|since| since <= other.until);
        begins_before_end(self, other) && begins_before_end(other, self)
    }

    /// Takes in another, and all that may lie between them.
    pub fn widen(&mut self, other: Gap) {
        // The one that was never heard of has no beginning, and so the two have none.
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
        self.closed = self.closed.max(other.closed);
        self.topics.extend(other.topics);
    }
}

impl Gaps {
    /// Adds one, widening those that it overlaps.
    pub fn add(&mut self, mut gap: Gap) {
        while let Some(at) = self.waiting.iter().position(|one| one.overlaps(&gap)) {
            if let Some(one) = self.waiting.remove(at) {
                gap.widen(one);
            }
        }
        let at = self.waiting.partition_point(|one| one.since < gap.since);
        self.waiting.insert(at, gap);
        if self.waiting.len() > WAITING {
            self.join_nearest();
        }
    }

    /// The oldest, which waits no longer.
    pub fn take_oldest(&mut self) -> Option<Gap> {
        self.waiting.pop_front()
    }

    pub fn oldest(&self) -> Option<&Gap> {
        self.waiting.front()
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn join_nearest(&mut self) {
        let apart = |at: &usize| {
            let (one, next) = (&self.waiting[*at], &self.waiting[*at + 1]);
            next.since.map_or(0, |since| since.as_second() - one.until.as_second())
        };
        let nearest = (0..self.waiting.len().saturating_sub(1)).min_by_key(apart);
        if let Some(at) = nearest
            && let Some(next) = self.waiting.remove(at + 1)
        {
            self.waiting[at].widen(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::UserId;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn gap(closed: Instant, since: Option<i64>, until: i64, user: &str) -> Gap {
        let topics = BTreeSet::from([Topic::User(UserId::new(user))]);
        Gap { since: since.map(time), until: time(until), closed, topics }
    }

    fn script(gaps: &mut Gaps) -> Vec<(Option<i64>, i64, usize)> {
        let mut told = Vec::new();
        while let Some(gap) = gaps.take_oldest() {
            told.push((
                gap.since.map(Timestamp::as_second),
                gap.until.as_second(),
                gap.topics.len(),
            ));
        }
        told
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_first_and_those_that_overlap_are_one() {
        let now = Instant::now();
        for (added, expected) in [
            (vec![(Some(30), 40), (Some(10), 20)], vec![(Some(10), 20, 1), (Some(30), 40, 1)]),
            (
                vec![(Some(10), 20), (Some(15), 30), (Some(40), 50)],
                vec![(Some(10), 30, 2), (Some(40), 50, 1)],
            ),
            (vec![(Some(10), 20), (Some(30), 40), (Some(20), 30)], vec![(Some(10), 40, 3)]),
            (vec![(Some(10), 20), (None, 5)], vec![(None, 5, 1), (Some(10), 20, 1)]),
            (vec![(Some(10), 20), (None, 15)], vec![(None, 20, 2)]),
        ] {
            let mut gaps = Gaps::default();
            for (n, (since, until)) in added.iter().enumerate() {
                gaps.add(gap(now, *since, *until, &n.to_string()));
            }
            assert_eq!(script(&mut gaps), expected, "{added:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_are_joined_where_they_are_nearest_and_none_is_lost() {
        let now = Instant::now();
        let mut gaps = Gaps::default();
        for n in 0..33 {
            let since = n * 100 + if n == 7 { 80 } else { 0 };
            gaps.add(gap(now, Some(since), since + 10, &n.to_string()));
        }
        assert_eq!(gaps.len(), WAITING);
        let told = script(&mut gaps);
        assert_eq!(told.iter().map(|(.., topics)| topics).sum::<usize>(), 33);
        assert_eq!(told[7], (Some(780), 810, 2));
    }
}
