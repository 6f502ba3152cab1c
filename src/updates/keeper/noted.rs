//! What became of keys, told to whoever looks at the newest updates.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::Keeper;
use crate::status::recent::ACCEPTED;
use crate::updates::outbox::Waiting;

impl Keeper {
    /// Each rule's keys are an update of their own.
    pub(super) fn note_accepted(
        &self,
        keys: &BTreeMap<Arc<str>, Waiting>,
        status: Option<u16>,
        now: Instant,
    ) {
        let mut rules: BTreeMap<&Arc<str>, Vec<&Arc<str>>> = BTreeMap::new();
        for (key, sent) in keys {
            rules.entry(&sent.rule).or_default().push(key);
        }
        for (rule, keys) in rules {
            self.note(rule, keys.into_iter(), ACCEPTED, status, now);
        }
    }

    pub(super) fn note<'k>(
        &self,
        rule: &Arc<str>,
        keys: impl ExactSizeIterator<Item = &'k Arc<str>>,
        outcome: &'static str,
        status: Option<u16>,
        now: Instant,
    ) {
        self.counts.recent.note(self.calendar.millis(now), rule, keys, outcome, status);
    }
}
