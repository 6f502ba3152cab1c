//! What of the memory outlives the process: rows out, rows in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::written::{Fate, Written};
use super::{Memory, Participant};
use crate::genesys::ConversationId;
use crate::updates::calendar::Times;
use crate::updates::journal::{self, PendingKey};
use crate::updates::outbox::{Target, Waiting};

impl Memory {
    /// The row of a participant, with what has landed and has no answer, and without what was accepted
    /// longer ago than is kept; `None` if that leaves nothing.
    pub(crate) fn row(
        &self,
        target: &Target,
        landed: Vec<(Arc<str>, Written)>,
        keep: Duration,
        times: &Times,
    ) -> Option<journal::Memory> {
        let written = self.participant(target)?.written.iter();
        let kept =
            written.filter(|(_, it)| times.now.saturating_duration_since(it.accepted_at) < keep);
        let kept = kept.map(|(key, it)| (Arc::clone(key), it.row(times)));
        let landed = landed.into_iter().map(|(key, it)| (key, it.row(times)));
        let keys: BTreeMap<_, _> = kept.chain(landed).collect();
        Some(journal::Memory { keys }).filter(|row| !row.keys.is_empty())
    }

    /// Conversations that were forgotten, and participants whose rows may differ from what they
    /// were, since this was last asked.
    pub(crate) fn take_touched(&mut self) -> (BTreeSet<ConversationId>, BTreeSet<Target>) {
        (std::mem::take(&mut self.over), self.touched.take())
    }

    /// Nobody asks for them.
    pub(crate) fn forget_touched(&mut self) {
        self.over.clear();
        self.touched.forget();
    }

    /// What is written of a participant has changed.
    pub(crate) fn touch(&mut self, target: &Target) {
        self.touched.note(target);
    }

    /// Participants with something that was accepted.
    pub(crate) fn all_written(&self) -> Vec<Target> {
        self.with(|_| true)
    }

    /// Participants with something that was accepted that long ago.
    pub(crate) fn older_than(&self, age: Duration, now: Instant) -> Vec<Target> {
        self.with(|it| now.saturating_duration_since(it.accepted_at) >= age)
    }

    fn with(&self, is_meant: impl Fn(&Written) -> bool) -> Vec<Target> {
        let mut found = Vec::new();
        for (conversation, known) in &self.conversations {
            for (participant, it) in &known.participants {
                if it.written.values().any(|written| is_meant(written)) {
                    let (conversation, participant) = (conversation.clone(), participant.clone());
                    found.push(Target { conversation, participant });
                }
            }
        }
        found
    }
}

impl Participant {
    /// Takes in what an earlier process had written.
    pub(crate) fn restore(&mut self, row: journal::Memory, times: &Times) {
        for (key, row) in row.keys {
            self.written.insert(key, Box::new(Written::restored(row, times)));
        }
    }

    /// The same, where this process has written nothing since.
    pub(crate) fn restore_earlier(&mut self, row: journal::Memory, times: &Times) {
        for (key, row) in row.keys {
            let written = || Box::new(Written::restored(row, times));
            self.written.get_or_insert_with(key, written);
        }
    }
}

impl Written {
    fn row(&self, times: &Times) -> journal::WrittenKey {
        journal::WrittenKey {
            value: Arc::clone(&self.sent.value),
            rule: Arc::clone(&self.sent.rule),
            digest: self.sent.digest,
            rules_hash: self.sent.rules_hash,
            write: self.sent.write.into(),
            during_flow: self.sent.during_flow,
            urgent: self.sent.urgent,
            useless_at: self.sent.useless_at.map(|at| times.millis(at.into())),
            accepted_at: times.millis(self.accepted_at),
            fate: match self.fate {
                Fate::Unconfirmed => journal::Fate::Unconfirmed,
                Fate::Confirmed => journal::Fate::Confirmed,
                Fate::Missing => journal::Fate::Missing,
                Fate::Foreign => journal::Fate::Foreign,
            },
            met: self.met.clone(),
            earlier: self.earlier.clone(),
            doubt: self.doubt,
            rewrites: self.rewrites,
        }
    }

    fn restored(row: journal::WrittenKey, times: &Times) -> Written {
        let sent = PendingKey {
            value: row.value,
            rule: row.rule,
            digest: row.digest,
            rules_hash: row.rules_hash,
            write: row.write,
            during_flow: row.during_flow,
            urgent: row.urgent,
            offered_at: row.accepted_at,
            changed_at: row.accepted_at,
            useless_at: row.useless_at,
            // It is given another when it is written once more.
            generation: 0,
        };
        Written {
            sent: Waiting::restored(sent, times),
            accepted_at: times.instant(row.accepted_at),
            fate: match row.fate {
                journal::Fate::Unconfirmed => Fate::Unconfirmed,
                journal::Fate::Confirmed => Fate::Confirmed,
                journal::Fate::Missing => Fate::Missing,
                journal::Fate::Foreign => Fate::Foreign,
            },
            met: row.met,
            rewrites: row.rewrites,
            earlier: row.earlier,
            doubt: row.doubt,
            asked_at: None,
            asks: 0,
        }
    }
}
