//! How many writes each rule has made in the last minute, against how many it may make.
//!
//! Exact: in no minute, wherever it begins, are there more. Only rules with a cap are counted. It
//! begins anew with the process.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Caps {
    caps: Arc<BTreeMap<Arc<str>, NonZeroU32>>,
    /// The writes of a minute, the oldest first; of each rule no more than its cap.
    written: BTreeMap<Arc<str>, VecDeque<Instant>>,
}

impl Caps {
    /// Other caps. What was written stays written.
    pub(super) fn set(&mut self, caps: &Arc<BTreeMap<Arc<str>, NonZeroU32>>) {
        self.caps = Arc::clone(caps);
        self.written.retain(|rule, _| caps.contains_key(rule));
    }

    pub(super) fn of(&self, rule: &str) -> Option<NonZeroU32> {
        self.caps.get(rule).copied()
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &Arc<str>> {
        self.caps.keys()
    }

    pub(super) fn wrote(&mut self, rule: &Arc<str>, now: Instant) {
        if !self.caps.contains_key(rule) {
            return;
        }
        let written = self.written.entry(Arc::clone(rule)).or_default();
        while written.front().is_some_and(|at| *at + MINUTE <= now) {
            written.pop_front();
        }
        written.push_back(now);
    }

    /// When the rule may write again; `None` if it may now.
    pub(super) fn used_up_until(&self, rule: &str, now: Instant) -> Option<Instant> {
        let (cap, written) = (self.caps.get(rule)?, self.written.get(rule)?);
        // The one that has to be a minute old before there is room for another.
        let counted = written.len().checked_sub(cap.get() as usize)?;
        Some(*written.get(counted)? + MINUTE).filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_writes_than_the_cap_wherever_it_begins() {
        let (start, rule) = (Instant::now(), Arc::from("r"));
        let at = |secs: u64| start + Duration::from_secs(secs);
        let cap = |n| Arc::new(BTreeMap::from([(Arc::clone(&rule), NonZeroU32::new(n).unwrap())]));
        let mut caps = Caps::default();
        caps.set(&cap(2));
        for (now, until) in [(0, None), (50, Some(60)), (61, Some(110)), (111, Some(121))] {
            assert_eq!(caps.used_up_until("r", at(now)), None, "{now}");
            caps.wrote(&rule, at(now));
            assert_eq!(caps.used_up_until("r", at(now)), until.map(at), "{now}");
        }
        caps.set(&cap(1));
        assert_eq!(caps.used_up_until("r", at(121)), Some(at(171)), "less is allowed from now on");
        caps.set(&cap(3));
        assert_eq!(caps.used_up_until("r", at(121)), None);
        caps.set(&Arc::default());
        caps.wrote(&rule, at(121));
        assert_eq!((caps.used_up_until("r", at(121)), caps.written.len()), (None, 0));
    }

    #[test]
    fn other_rules_are_not_counted() {
        let mut caps = Caps::default();
        caps.set(&Arc::new(BTreeMap::from([(Arc::from("r"), NonZeroU32::MIN)])));
        let now = Instant::now();
        caps.wrote(&Arc::from("s"), now);
        assert_eq!((caps.used_up_until("s", now), caps.used_up_until("r", now)), (None, None));
        assert_eq!(caps.rules().count(), 1);
    }
}
