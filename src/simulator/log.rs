//! The request log: who asked what, when, and what came of it.
//!
//! A ring: the oldest entries go first. Attribute values are not in it, only keys, unless bodies are
//! recorded on purpose, for holding the traffic against Genesys' own schemas.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// Entries that are kept: over five hours of a full budget.
const KEPT: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    next: u64,
    /// Whether bodies are kept too.
    pub(super) bodies: bool,
}

/// One request.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts from 0 in the order in which requests came in.
    pub number: u64,
    /// The id of the OAuth client whose request it is.
    pub client: String,
    pub method: String,
    /// The template, such as `/api/v2/users/{userId}`; the path as sent where there is none.
    pub path: String,
    /// What the template's names stood for.
    pub ids: BTreeMap<String, String>,
    pub query: String,
    /// The attribute keys of a write; of other bodies the top-level names.
    pub keys: Vec<String>,
    /// The window of the budget it was counted in; `None` if it was not.
    pub window: Option<u64>,
    /// `None` while it is under way, and when the client went away or the connection was cut.
    pub status: Option<u16>,
    /// Microseconds since the simulator started.
    pub started_us: u64,
    pub ended_us: Option<u64>,
    /// What was done to it on purpose.
    pub fault: Option<String>,
    pub correlation_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
}

impl Log {
    pub(super) fn new(bodies: bool) -> Log {
        Log { bodies, ..Log::default() }
    }

    /// Writes down a request that begins, and returns its number.
    pub(super) fn open(&mut self, mut entry: Entry) -> u64 {
        entry.number = self.next;
        self.next += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.next - 1
    }

    pub(super) fn answered(&mut self, number: u64, status: u16, answer: Option<Value>) {
        if let Some(entry) = self.find(number) {
            entry.status = Some(status);
            entry.answer = answer;
        }
    }

    pub(super) fn close(&mut self, number: u64, now: Duration) {
        if let Some(entry) = self.find(number) {
            entry.ended_us = Some(micros(now));
        }
    }

    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Pairs of writes to one participant of which the second began before the first had ended.
    pub(super) fn overlaps(&self) -> Vec<(u64, u64)> {
        let mut latest: BTreeMap<(&str, &str), &Entry> = BTreeMap::new();
        let mut overlaps = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.is_write()) {
            let Some(target) = entry.participant() else { continue };
            let Some(earlier) = latest.insert(target, entry) else { continue };
            if earlier.ended_us.is_none_or(|ended| ended > entry.started_us) {
                overlaps.push((earlier.number, entry.number));
            }
        }
        overlaps
    }

    fn find(&mut self, number: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.number;
        self.entries.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }
}

impl Entry {
    /// Returns true if and only if it asks to change a participant's attributes, in either dialect.
    pub fn is_write(&self) -> bool {
        (self.method == "PATCH" && self.path.ends_with("/attributes"))
            || (self.method == "PUT" && self.path.ends_with("/{participantId}"))
    }

    fn participant(&self) -> Option<(&str, &str)> {
        Some((self.ids.get("conversationId")?, self.ids.get("participantId")?))
    }
}

pub(super) fn micros(at: Duration) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_writes_of_one_participant_are_found() {
        let mut log = Log::default();
        let write = |participant: &str, at: u64| Entry {
            method: "PATCH".to_owned(),
            path: "/x/{participantId}/attributes".to_owned(),
            ids: [("conversationId", "c"), ("participantId", participant)]
                .map(|(name, id)| (name.to_owned(), id.to_owned()))
                .into(),
            started_us: at,
            ..Entry::default()
        };
        for (participant, starts, ends) in [("a", 0, 5), ("b", 1, 9), ("a", 5, 7), ("b", 8, 10)] {
            let number = log.open(write(participant, starts));
            log.close(number, Duration::from_micros(ends));
        }
        assert_eq!(log.overlaps(), [(1, 3)]);
    }

    #[test]
    fn the_log_is_a_ring() {
        let mut log = Log::default();
        for _ in 0..KEPT + 3 {
            log.open(Entry::default());
        }
        log.answered(0, 200, None);
        log.answered(3, 204, None);
        let first = log.entries().next().unwrap();
        assert_eq!((first.number, first.status, log.entries().count()), (3, Some(204), KEPT));
    }
}
