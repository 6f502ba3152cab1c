//! In what order those go that may (DESIGN 2: fair).
//!
//! - **Rules take turns**, and within a rule the queues, so that one rule gone wild, or one busy
//!   queue, costs another no more than a turn ([`turns`](super::turns)). Who waits for several rules
//!   stands in the line of each, and goes when the first of them has its turn.
//! - **Oldest first** within a queue, by when the participant became ready. The newest first would
//!   be fresher for some, and leave the others until their conversations end, undelivered; what is
//!   of use only at once says so by `useless_after` or `urgency`.
//! - **The urgent first**, but every other turn is for those that are not, while both wait: neither
//!   costs the other more than a turn, however many there are.
//! - **Caps.** A rule that has used up its writes of the minute is passed over; its keys do not even
//!   go along with others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::Target;
use super::caps::Caps;
use super::turns::{Name, Row, Turns};
use crate::updates::orders::Orders;

/// One of the lines that a participant stands in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    pub urgent: bool,
    pub rule: Name,
}

/// So many different sets of lanes are shared by those who stand in the same; of more, those that
/// nobody stands in any more are forgotten first, and the rest stay.
const SHARED: usize = 1_024;

/// Rules by turns, in each the queues by turns.
type Rules = Turns<Turns<Row>>;

/// A rule has used up its writes of this minute, and more of it wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsedUp {
    pub rule: Name,
    pub cap: u32,
    /// Participants of the rule that wait.
    pub waiting: usize,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Lanes {
    ready: Rules,
    urgent: Rules,
    /// The last that went was urgent.
    was_urgent: bool,
    pub(super) orders: Arc<Orders>,
    caps: Caps,
    /// Participants of each rule that may go.
    sizes: BTreeMap<Name, usize>,
    used_up: Vec<UsedUp>,
    /// What has no name: no rule, no queue.
    nobody: Name,
    /// The sets of lanes that somebody stands in, or did.
    shared: BTreeSet<Arc<Vec<Lane>>>,
}

impl Lanes {
    pub(super) fn nobody(&self) -> &Name {
        &self.nobody
    }

    /// A set of lanes, once for all who stand in it.
    pub(super) fn share(&mut self, lanes: Vec<Lane>) -> Arc<Vec<Lane>> {
        if let Some(same) = self.shared.get(&lanes) {
            return Arc::clone(same);
        }
        if self.shared.len() >= SHARED {
            self.shared.retain(|lanes| Arc::strong_count(lanes) > 1);
        }
        let lanes = Arc::new(lanes);
        if self.shared.len() < SHARED {
            self.shared.insert(Arc::clone(&lanes));
        }
        lanes
    }

    /// Somebody lines up, in each lane at the same place.
    pub(super) fn enter(&mut self, lanes: &[Lane], queue: &Name, order: u64, target: &Target) {
        for Lane { urgent, rule } in lanes {
            self.rules(*urgent).change(rule, |queues| {
                queues.change(queue, |row| drop(row.insert(order, target.clone())));
            });
            *self.sizes.entry(Arc::clone(rule)).or_default() += 1;
        }
    }

    pub(super) fn leave(&mut self, lanes: &[Lane], queue: &Name, order: u64) {
        for Lane { urgent, rule } in lanes {
            self.rules(*urgent).change(rule, |queues| {
                queues.change(queue, |row| drop(row.remove(order)));
            });
            if let Some(size) = self.sizes.get_mut(rule) {
                *size -= 1;
                if *size == 0 {
                    self.sizes.remove(rule);
                }
            }
        }
    }

    pub(super) fn may_go(&self) -> bool {
        self.ready.may_go() || self.urgent.may_go()
    }

    /// Whose turn it is. It stays where it is until it leaves.
    pub(super) fn next(&mut self) -> Option<Target> {
        let first = |rules: &Rules| {
            let (_, queues) = rules.next()?;
            let (_, row) = queues.next()?;
            row.first().map(|(_, target)| target.clone())
        };
        let urgent = first(&self.urgent).filter(|_| !self.was_urgent || !self.ready.may_go());
        self.was_urgent = urgent.is_some();
        urgent.or_else(|| first(&self.ready))
    }

    /// A request leaves that carries keys of these rules, for a participant of this queue.
    pub(super) fn serve<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r Name>,
        queue: &Name,
        now: Instant,
    ) {
        for rule in rules {
            for lanes in [&mut self.ready, &mut self.urgent] {
                lanes.serve(rule, |queues| queues.serve(queue, |_| {}));
            }
            self.caps.wrote(rule, now);
            self.close_used_up(rule, now);
        }
    }

    /// Whether a rule may write nothing now, because of its cap.
    pub(super) fn is_used_up(&self, rule: &str, now: Instant) -> bool {
        self.caps.used_up_until(rule, now).is_some()
    }

    pub(super) fn is_paused(&self, rule: &str) -> bool {
        self.orders.rules_paused.contains(rule)
    }

    pub(super) fn set_orders(&mut self, orders: &Arc<Orders>, now: Instant) {
        self.orders = Arc::clone(orders);
        self.caps.set(&orders.writes_per_minute);
        self.ready.open_all();
        self.urgent.open_all();
        let capped: Vec<Name> = self.caps.rules().cloned().collect();
        capped.iter().for_each(|rule| self.close_used_up(rule, now));
    }

    /// Lets those rules go on whose cap has room again.
    pub(super) fn wake(&mut self, now: Instant) {
        self.ready.open(now);
        self.urgent.open(now);
    }

    /// When [`wake`](Lanes::wake) next has something to do.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.ready.opens_at().into_iter().chain(self.urgent.opens_at()).min()
    }

    /// The rules that have used up their writes since this was last asked, and have more.
    pub(super) fn take_used_up(&mut self) -> Vec<UsedUp> {
        std::mem::take(&mut self.used_up)
    }

    /// Rules with the participants that wait for them and may go, those with the most first.
    pub(super) fn fullest(&self) -> Vec<(Name, usize)> {
        let mut sizes: Vec<(Name, usize)> =
            self.sizes.iter().map(|(rule, size)| (Arc::clone(rule), *size)).collect();
        sizes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        sizes
    }

    fn close_used_up(&mut self, rule: &Name, now: Instant) {
        let Some(until) = self.caps.used_up_until(rule, now) else { return };
        self.ready.close(rule, until);
        self.urgent.close(rule, until);
        let waiting = self.sizes.get(rule).copied().unwrap_or_default();
        if waiting > 0
            && let Some(cap) = self.caps.of(rule)
        {
            self.used_up.push(UsedUp { rule: Arc::clone(rule), cap: cap.get(), waiting });
        }
    }

    fn rules(&mut self, urgent: bool) -> &mut Rules {
        if urgent { &mut self.urgent } else { &mut self.ready }
    }
}

#[cfg(test)]
impl Lanes {
    /// Nobody is in any lane.
    pub(super) fn is_empty(&self) -> bool {
        use super::turns::Line as _;
        self.ready.is_empty() && self.urgent.is_empty() && self.sizes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_lanes_is_shared_and_no_more_are_kept_than_need_be() {
        let mut lanes = Lanes::default();
        let mut share = |name: usize| {
            let shared = lanes.share(vec![Lane { urgent: false, rule: name.to_string().into() }]);
            (shared, lanes.shared.len())
        };
        let first = share(0).0;
        for name in 1..3 * SHARED {
            let (shared, kept) = share(name);
            assert!(kept <= SHARED && shared[0].rule.parse() == Ok(name));
        }
        assert!(Arc::ptr_eq(&first, &share(0).0), "somebody stands in it");
        let all: Vec<_> = (0..2 * SHARED).map(&mut share).collect();
        assert_eq!((all.len(), share(0).1), (2 * SHARED, SHARED));
    }
}
