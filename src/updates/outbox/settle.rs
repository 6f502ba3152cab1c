//! What an answer does to the entry that it is for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::entry::Entry;
use super::{Out, Outbox, Target, Waiting};

use crate::defects::{self, Defect};

/// How a push failed, as far as its entry is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub again_at: Instant,
    /// The server may have acted, or may yet act.
    pub uncertain: bool,
    /// Whether it counts as an attempt: a 429 does not.
    pub counts: bool,
}

impl Outbox {
    /// The push was accepted: what it carried is settled, what came since is not.
    ///
    /// Returns the values, by key, that were sent before without an answer and may yet be applied.
    pub(crate) fn accepted(
        &mut self,
        target: &Target,
        now: Instant,
    ) -> BTreeMap<Arc<str>, BTreeSet<Arc<str>>> {
        self.touch(target);
        let settled = self.change(target, now, |entry| {
            entry.forget_failures();
            entry.settle_losses();
            let mut landing = BTreeMap::new();
            for (key, sent) in entry.take_out().iter() {
                entry.settle(key, sent);
                if let Some(values) = entry.forget_uncertain(key) {
                    landing.insert(Arc::clone(key), values);
                }
            }
            if defects::on(Defect::OneGenerationForAnEntry) {
                entry.keys.clear();
            }
            landing
        });
        settled.unwrap_or_default()
    }

    /// A snapshot shows the value that is under way for this key, where it was not before. Unless it
    /// was sent before, too, it has been applied, and will not be once more.
    pub(crate) fn landed(&mut self, target: &Target, key: &str) {
        let Some(entry) = self.entry_mut(target) else { return };
        if !entry.troubles().uncertain.contains_key(key)
            && let Some(sent) = entry.out.as_mut().and_then(|out| Arc::make_mut(out).get_mut(key))
        {
            sent.landed = true;
        }
    }

    /// What is under way and has been seen to be applied.
    pub(crate) fn have_landed(
        &self,
        target: &Target,
    ) -> impl Iterator<Item = (&Arc<str>, &Waiting)> {
        let out = self.entry(target).into_iter().flat_map(Entry::all_out);
        out.filter(|(_, sent)| sent.landed)
    }

    /// The push failed and is to be tried again, but for what has been seen to be applied: that is
    /// settled, and returned.
    pub(crate) fn failed(&mut self, target: &Target, failure: Failure, now: Instant) -> Out {
        self.touch(target);
        let landed = self.change(target, now, |entry| {
            let mut out = Arc::unwrap_or_clone(entry.take_out());
            if defects::on(Defect::StaleBytesAtRetry) {
                entry.keys.extend(out.clone().into_iter().map(|(key, sent)| (key, Box::new(sent))));
            }
            if defects::on(Defect::NoAnswerIsYes) && failure.uncertain {
                entry.keys.retain(|key, _| !out.contains_key(key));
            }
            if !failure.uncertain {
                out.clear();
            }
            let troubles = entry.troubles_mut();
            troubles.attempts += u32::from(failure.counts);
            troubles.backoff = Some(failure.again_at);
            let (landed, unknown): (Out, Out) = out.into_iter().partition(|(_, sent)| sent.landed);
            for (key, sent) in &landed {
                entry.settle(key, sent);
            }
            for (key, sent) in unknown {
                let uncertain = &mut entry.troubles_mut().uncertain;
                uncertain.entry(key).or_default().insert(sent.value);
            }
            landed
        });
        landed.unwrap_or_default()
    }

    /// The push met a conflict; returns how many it has met in a row.
    pub(crate) fn conflict(&mut self, target: &Target) -> u32 {
        let Some(entry) = self.entry_mut(target) else { return 0 };
        let conflicts = &mut entry.troubles_mut().conflicts;
        *conflicts += 1;
        *conflicts
    }

    /// The push is forbidden: it waits until somebody may see whether it still is.
    pub(crate) fn forbid(&mut self, target: &Target, now: Instant) {
        self.touch(target);
        self.change(target, now, |entry| {
            entry.out = None;
            entry.forbidden = true;
        });
    }

    /// Lets all that was forbidden go again, in its order.
    pub(crate) fn permit_all(&mut self, now: Instant) {
        while let Some((_, target)) = self.forbidden.first() {
            let target = target.clone();
            self.change(&target, now, |entry| entry.forbidden = false);
        }
    }

    /// The push was refused. If it carried keys of several rules, each rule's go apart from now on:
    /// returns true.
    pub(crate) fn split(&mut self, target: &Target, now: Instant) -> bool {
        self.touch(target);
        let split = self.change(target, now, |entry| {
            let rules: BTreeSet<&Arc<str>> = entry.all_out().map(|(_, sent)| &sent.rule).collect();
            if rules.len() < 2 {
                return false;
            }
            for (key, sent) in entry.take_out().iter() {
                if let Some(waiting) = entry.keys.get_mut(key)
                    && waiting.generation == sent.generation
                {
                    waiting.apart = true;
                }
            }
            if let Some(troubles) = entry.its_troubles() {
                troubles.backoff = None;
            }
            true
        });
        split.unwrap_or(false)
    }

    /// Gives up what the push carried, but for what is superseded already. Returns what is given up.
    pub(crate) fn give_up(&mut self, target: &Target, now: Instant) -> Vec<(Arc<str>, Waiting)> {
        self.touch(target);
        let given_up = self.change(target, now, |entry| {
            entry.forget_failures();
            if entry.all_out().next().is_none() {
                entry.settle_losses();
            }
            let mut given_up = Vec::new();
            for (key, sent) in Arc::unwrap_or_clone(entry.take_out()) {
                if entry.settle(&key, &sent) {
                    entry.forget_uncertain(&key);
                    given_up.push((key, sent));
                }
            }
            given_up
        });
        given_up.unwrap_or_default()
    }
}

impl Entry {
    /// Removes a key if it is still what was sent.
    fn settle(&mut self, key: &str, sent: &Waiting) -> bool {
        let current = self.keys.get(key).is_some_and(|it| it.generation == sent.generation);
        if current {
            self.keys.remove(key);
        }
        current
    }
}
