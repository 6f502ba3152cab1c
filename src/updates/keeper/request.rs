//! One push on its way, and what a log line says of it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::updates::memory::Shown;
use crate::updates::outbox::{Leaving, Target, Waiting};
use crate::updates::push::{Changes, Parcel};

/// One push on its way: give it back with its answer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(super) leaving: Leaving,
    /// What was there when it left, as far as snapshots had shown.
    pub(super) seen: Shown,
    /// It tries whether what was forbidden still is.
    pub(super) probe: bool,
    /// When it left.
    pub(super) taken_at: Instant,
}

impl Request {
    pub(crate) fn target(&self) -> &Target {
        &self.leaving.target
    }

    pub(crate) fn parcel(&self) -> Parcel {
        Parcel { changes: self.changes(), losses: self.leaving.losses.clone() }
    }

    pub(crate) fn changes(&self) -> Changes {
        let keys = self.leaving.keys.iter();
        keys.map(|(key, waiting)| (Arc::clone(key), Arc::clone(&waiting.value))).collect()
    }

    /// The rule that wished this value of a key.
    pub(crate) fn rule_of(&self, key: &str) -> Option<Arc<str>> {
        self.leaving.keys.get(key).map(|waiting| Arc::clone(&waiting.rule))
    }

    #[cfg(test)]
    pub(super) fn attempt(&self) -> u32 {
        self.leaving.attempt
    }

    pub(super) fn keys(&self) -> String {
        let keys: Vec<&str> = self.leaving.keys.keys().map(|key| &**key).collect();
        keys.join(" ")
    }

    pub(super) fn rules(&self) -> String {
        rules_of(self.leaving.keys.values())
    }
}

/// Each once, separated by spaces.
pub(super) fn rules_of<'w>(waiting: impl IntoIterator<Item = &'w Waiting>) -> String {
    let mut rules: Vec<&str> = waiting.into_iter().map(|it| &*it.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.join(" ")
}
