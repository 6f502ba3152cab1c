//! What became of keys, told to whoever looks at the newest updates.

use std::sync::Arc;

use tokio::time::Instant;

use super::Keeper;
use crate::status::recent::ACCEPTED;
use crate::updates::few::Few;
use crate::updates::outbox::Out;

impl Keeper {
    /// Each rule's keys are an update of their own.
    pub(super) fn note_accepted(&self, keys: &Out, status: Option<u16>, now: Instant) {
        let mut rules: Few<&Arc<str>, Vec<&Arc<str>>> = Few::default();
        for (key, sent) in keys {
            rules.get_or_insert_with(&sent.rule, Vec::new).push(key);
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
