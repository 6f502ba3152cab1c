//! What is not on disk yet: the last state of each participant, and nothing that came between.
//!
//! What was offered and settled since the last commit leaves no trace. A batch that could not be
//! written goes back under what came since, so that the next one carries the whole difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::letters::LetterChanges;
use super::rows::{Memory, Millis, Pending};
use super::store::Recovered;
use crate::genesys::{ConversationId, ParticipantId};

/// While nothing can be written, changes of so many participants and conversations are kept; some
/// 500 bytes each. Beyond it what is on disk is of no use any more, and is made anew.
pub(super) const MAX_CHANGES: usize = 200_000;

/// Whose row.
pub type Place = (ConversationId, ParticipantId);

/// Changes in the order in which a commit makes them: first everything goes that is to go, then
/// rows are written.
#[derive(Debug, Default)]
pub struct Changes {
    /// Everything on disk is out of date.
    pub(super) clear: bool,
    pub(super) over: BTreeSet<ConversationId>,
    pub(super) pending: BTreeMap<Place, Option<Pending>>,
    pub(super) memory: BTreeMap<Place, Option<Memory>>,
    pub(super) good_until: Option<Millis>,
    /// With these everything is there that was asked for by this number (see
    /// [`Journal::anew`](super::Journal::anew)); 0 if not.
    pub(super) whole: u64,
    /// Bounded by whoever makes them; what is on disk of these is not out of date with the rest.
    pub(super) letters: LetterChanges,
}

impl Changes {
    /// What waits for a participant by now; `None` when nothing does.
    pub fn pending(&mut self, place: Place, pending: Option<Pending>) {
        self.pending.insert(place, pending);
        self.bound();
    }

    /// What was written to a participant by now.
    pub fn memory(&mut self, place: Place, memory: Option<Memory>) {
        self.memory.insert(place, memory);
        self.bound();
    }

    /// A conversation is over and dealt with: nothing of it is kept.
    pub fn over(&mut self, conversation: ConversationId) {
        forget(&mut self.pending, &conversation);
        forget(&mut self.memory, &conversation);
        self.over.insert(conversation);
        self.bound();
    }

    /// What changed of the dead letters.
    pub fn letters(&mut self, changes: LetterChanges) {
        self.letters.then(changes);
    }

    /// All that is wished by what was received until then is in these changes, in earlier ones, or
    /// settled. A moment that is earlier than the last one changes nothing.
    pub fn good_until(&mut self, moment: Millis) {
        self.good_until = self.good_until.max(Some(moment));
    }

    /// With these and the earlier ones everything was made anew that was asked for by this number.
    pub fn whole(&mut self, number: u64) {
        self.whole = self.whole.max(number);
    }

    /// Whether there is something to be written at once; the good moment is not.
    pub fn is_empty(&self) -> bool {
        !self.clear
            && self.whole == 0
            && self.over.is_empty()
            && self.pending.is_empty()
            && self.memory.is_empty()
            && self.letters.is_empty()
    }

    /// Rows that are written or removed by themselves.
    pub(super) fn rows(&self) -> u64 {
        (self.pending.len() + self.memory.len() + self.letters.letters.len()) as u64
    }

    /// Adds what came later.
    pub fn then(&mut self, later: Changes) {
        let Changes { clear, over, pending, memory, good_until, whole, letters } = later;
        self.letters.then(letters);
        if clear {
            self.clear();
        }
        for conversation in over {
            self.over(conversation);
        }
        self.pending.extend(pending);
        self.memory.extend(memory);
        self.good_until = self.good_until.max(good_until);
        self.whole = self.whole.max(whole);
        self.bound();
    }

    /// Writes over nothing of what an earlier process left but what is newer.
    pub(super) fn beside(&mut self, left: &Recovered) {
        self.letters.shift(left.letters.last);
        for (place, earlier) in &left.pending {
            if let Some(Some(row)) = self.pending.get_mut(place) {
                for (key, waiting) in &earlier.keys {
                    row.keys.entry(Arc::clone(key)).or_insert_with(|| waiting.clone());
                }
            }
        }
    }

    /// Participants and conversations.
    pub(super) fn len(&self) -> usize {
        self.over.len() + self.pending.len() + self.memory.len()
    }

    fn bound(&mut self) {
        if self.len() > MAX_CHANGES {
            self.clear();
        }
    }

    /// What is on disk is of no use, nor is what was to be changed of it.
    pub(super) fn clear(&mut self) {
        let letters = std::mem::take(&mut self.letters);
        *self = Changes { clear: true, letters, ..Changes::default() };
    }
}

fn forget<T>(rows: &mut BTreeMap<Place, T>, conversation: &ConversationId) {
    let first = (conversation.clone(), ParticipantId::new(""));
    let of_it = rows.range(first..).map(|(place, _)| place);
    let of_it: Vec<Place> = of_it.take_while(|place| place.0 == *conversation).cloned().collect();
    for place in of_it {
        rows.remove(&place);
    }
}

/// How many keys of whom, for tests.
#[cfg(test)]
impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let over = self.over.iter().map(|conversation| format!("over {conversation}"));
        let pending = self.pending.iter().map(|((_, participant), row)| {
            format!("{participant}:{}", row.as_ref().map_or(0, |row| row.keys.len()))
        });
        let memory = self.memory.iter().map(|((_, participant), row)| {
            format!("{participant}={}", row.as_ref().map_or(0, |row| row.keys.len()))
        });
        let good = self.good_until.iter().map(|_| "good".to_owned());
        let all: Vec<String> = over.chain(pending).chain(memory).chain(good).collect();
        f.write_str(&all.join(" "))
    }
}
