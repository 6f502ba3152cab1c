//! What of the outbox outlives the process: rows out, rows in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::entry::Entry;
use super::{Outbox, Target, Waiting};
use crate::defects::{self, Defect};
use crate::genesys::ConversationId;
use crate::updates::calendar::Times;
use crate::updates::journal::{Pending, PendingKey};

impl Outbox {
    /// Participants whose rows may differ from what they were when this was last asked.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<Target> {
        self.touched.take()
    }

    /// Nobody asks for them.
    pub(crate) fn forget_touched(&mut self) {
        self.touched.forget();
    }

    /// What waits for a participant has changed.
    pub(crate) fn touch(&mut self, target: &Target) {
        self.touched.note(target);
    }

    /// The same of all participants of a conversation.
    pub(crate) fn touch_all(&mut self, conversation: &ConversationId) {
        let all = self.targets_of(conversation);
        all.iter().for_each(|target| self.touched.note(target));
    }

    /// The row of a participant, without what has landed; `None` if nothing waits.
    pub(crate) fn row(&self, target: &Target, times: &Times) -> Option<Pending> {
        let entry = self.entry(target).filter(|entry| !entry.keys.is_empty())?;
        let early = defects::on(Defect::JournalClearedBeforeAnswer);
        let is_out = |key: &Arc<str>| entry.out.as_ref().is_some_and(|out| out.contains_key(key));
        let has_landed = |key: &str, it: &Waiting| {
            entry.out(key).is_some_and(|sent| sent.landed && sent.generation == it.generation)
        };
        let keys = entry.keys.iter().filter(|(key, _)| !(early && is_out(key)));
        let keys = keys.filter(|(key, it)| !has_landed(key, it));
        let keys: BTreeMap<_, _> = keys.map(|(key, it)| (Arc::clone(key), it.row(times))).collect();
        let mut uncertain = entry.troubles().uncertain.clone();
        // What is under way has no answer, and a process that ends hears none.
        for (key, sent) in entry.all_out().filter(|(_, sent)| !sent.landed) {
            uncertain.entry(Arc::clone(key)).or_default().insert(Arc::clone(&sent.value));
        }
        Some(Pending { keys, uncertain }).filter(|row| !row.keys.is_empty() || early)
    }

    /// Takes in what an earlier process left for a participant, whether there is room or not. It is
    /// in doubt until then.
    pub(crate) fn restore(&mut self, target: &Target, row: Pending, doubt: Instant, times: &Times) {
        let owner = row.keys.values().next().map_or("", |key| &*key.rule);
        let nobody = Arc::clone(self.lanes.nobody());
        let mut entry = Box::new(Entry::new(times.now, Arc::from(owner), nobody));
        let troubles = entry.troubles_mut();
        (troubles.doubt, troubles.uncertain) = (Some(doubt), row.uncertain);
        for (key, row) in row.keys {
            self.next_generation = self.next_generation.max(row.generation);
            entry.keys.insert(key, Box::new(Waiting::restored(row, times)));
        }
        self.insert(target, entry);
        self.place(target, times.now);
    }

    /// Takes in what an earlier process left for a participant, beside what waits for it since, which
    /// is newer.
    pub(crate) fn join(&mut self, target: &Target, row: Pending, doubt: Instant, times: &Times) {
        let Some(entry) = self.entry_mut(target) else {
            return self.restore(target, row, doubt, times);
        };
        let mut highest = 0;
        let troubles = entry.troubles_mut();
        troubles.doubt.get_or_insert(doubt);
        for (key, values) in row.uncertain {
            troubles.uncertain.entry(key).or_default().extend(values);
        }
        for (key, row) in row.keys {
            // What is wished from now on is newer, and must not be taken for it.
            highest = highest.max(row.generation);
            let waiting = || Box::new(Waiting::restored(row, times));
            entry.keys.get_or_insert_with(key, waiting);
        }
        self.next_generation = self.next_generation.max(highest);
        self.place(target, times.now);
    }
}

impl Waiting {
    fn row(&self, times: &Times) -> PendingKey {
        PendingKey {
            value: Arc::clone(&self.value),
            rule: Arc::clone(&self.rule),
            digest: self.digest,
            rules_hash: self.rules_hash,
            write: self.write.into(),
            during_flow: self.during_flow,
            urgent: self.urgent,
            offered_at: times.millis(self.offered_at.into()),
            changed_at: times.millis_of_age(self.changed_at.into()),
            useless_at: self.useless_at.map(|at| times.millis(at.into())),
            generation: self.generation,
        }
    }

    pub(crate) fn restored(row: PendingKey, times: &Times) -> Waiting {
        Waiting {
            value: row.value,
            rule: row.rule,
            write: row.write.into(),
            during_flow: row.during_flow,
            urgent: row.urgent,
            useless_at: row.useless_at.map(|at| times.instant(at).into()),
            rules_hash: row.rules_hash,
            digest: row.digest,
            offered_at: times.instant(row.offered_at).into(),
            changed_at: times.age_at(row.changed_at).into(),
            not_before: None,
            generation: row.generation,
            apart: false,
            landed: false,
        }
    }
}
