//! What will not be sent, and why: kept for whoever asks, the oldest giving way.
//!
//! Each has a number of its own, for good. They are in memory, and what changes of them is handed
//! out for the journal ([`DeadLetters::take_changes`]); a start takes them over from there. Bounded by
//! number ([`MAX_DEAD_LETTERS`]) and by age (`state.keep`). Each is also one line in the log, by name
//! of key and never with a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::by_reason::ByReason;
use super::journal::{LetterChanges, Letters, Millis};
use super::push::Changes;
use super::wish::Write;
use crate::genesys::{ConversationId, ParticipantId};
use crate::status::control::letters::{Filter, Page, Shown};
use crate::status::overview;

/// Some ten megabytes at most; more than anybody reads.
pub const MAX_DEAD_LETTERS: usize = 10_000;

/// A page is as long as this; with the longest letter it is still far below what an answer may be.
const PAGE_BYTES: usize = 512 * 1024;

/// One rule's keys for one participant that were given up: also how it lies on disk.
///
/// A field more needs a `#[serde(default)]`; anything else a new format of the journal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub conversation: ConversationId,
    pub participant: ParticipantId,
    /// The values that were wished.
    pub changes: Changes,
    pub rule: Arc<str>,
    /// Of the rule, and of all rules, as they were then.
    pub digest: u64,
    pub rules_hash: u64,
    pub write: Write,
    pub during_flow: bool,
    pub urgent: bool,
    pub reason: Reason,
    /// Of the answer that decided it, where there was one.
    pub status: Option<u16>,
    pub correlation_id: Option<String>,
    /// What the server said, without our values.
    pub answer: Option<String>,
    /// When the oldest of the values was first wished.
    pub wished_at: Millis,
    /// When it was given up.
    pub at: Millis,
}

/// Why something was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The conversation ended before it could be sent.
    ConversationOver,
    /// 404 while the conversation lives.
    ParticipantGone,
    /// It waited for longer than `max_age`.
    TooOld,
    /// It waited for longer than its rule's `useless_after`.
    Useless,
    /// 400, 413 and their like.
    Refused,
    /// 409, several times.
    Conflict,
    /// The key is outside of `allowed_keys`.
    NotAllowed,
    /// The value is longer than `max_value_length`.
    TooLong,
    /// Accepted several times, and never seen.
    NotApplied,
}

impl Reason {
    pub const ALL: [Reason; 9] = [
        Reason::ConversationOver,
        Reason::ParticipantGone,
        Reason::TooOld,
        Reason::Useless,
        Reason::Refused,
        Reason::Conflict,
        Reason::NotAllowed,
        Reason::TooLong,
        Reason::NotApplied,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ConversationOver => "conversation-over",
            Reason::ParticipantGone => "participant-gone",
            Reason::TooOld => "too-old",
            Reason::Useless => "useless",
            Reason::Refused => "refused",
            Reason::Conflict => "conflict",
            Reason::NotAllowed => "not-allowed",
            Reason::TooLong => "too-long",
            Reason::NotApplied => "not-applied",
        }
    }

    /// Nobody has anything to mend: the alerts and the check of dead letters are not about these.
    pub fn is_nobodys_mistake(self) -> bool {
        matches!(self, Reason::ConversationOver | Reason::Useless)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DeadLetter {
    /// The keys, for a line of the log.
    pub fn keys(&self) -> String {
        let keys: Vec<&str> = self.changes.keys().map(|key| &**key).collect();
        keys.join(" ")
    }

    fn is_meant(&self, number: u64, filter: &Filter) -> bool {
        let Filter { numbers, rule, reason, conversation, since_ms } = filter;
        (numbers.is_empty() || numbers.contains(&number))
            && rule.as_deref().is_none_or(|rule| *rule == *self.rule)
            && reason.is_none_or(|reason| reason == self.reason)
            && conversation.as_deref().is_none_or(|id| id == self.conversation.as_str())
            && since_ms.is_none_or(|since| self.at >= since)
    }

    fn shown(&self, number: u64, values: bool) -> Shown {
        let text = |(key, value): (&Arc<str>, &Arc<str>)| (key.to_string(), value.to_string());
        Shown {
            number,
            at: time(self.at),
            wished_at: time(self.wished_at),
            conversation: self.conversation.to_string(),
            participant: self.participant.to_string(),
            rule: self.rule.to_string(),
            reason: self.reason,
            keys: self.changes.keys().map(ToString::to_string).collect(),
            values: values.then(|| self.changes.iter().map(text).collect()),
            status: self.status,
            correlation_id: self.correlation_id.clone(),
            answer: self.answer.clone(),
        }
    }

    /// About the bytes that it takes in an answer.
    fn size(&self) -> usize {
        let changes = self.changes.iter().map(|(key, value)| key.len() * 2 + value.len());
        500 + changes.sum::<usize>() + self.answer.as_ref().map_or(0, String::len)
    }
}

/// As RFC 3339 has it.
fn time(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

/// Without the values.
impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("conversation", &self.conversation)
            .field("participant", &self.participant)
            .field("keys", &self.keys())
            .field("rule", &self.rule)
            .field("reason", &self.reason)
            .field("status", &self.status)
            .field("correlation_id", &self.correlation_id)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

/// The last [`MAX_DEAD_LETTERS`], by number.
#[derive(Debug, Default)]
pub struct DeadLetters {
    letters: BTreeMap<u64, DeadLetter>,
    /// The greatest number that was given; the first is 1.
    last: u64,
    displaced: u64,
    by_reason: ByReason,
    /// What the journal has not heard of; numbers below the first letter's are not in it.
    changed: BTreeSet<u64>,
}

impl DeadLetters {
    /// What an earlier process left.
    pub fn restored(left: Letters) -> DeadLetters {
        let Letters { letters, last } = left;
        let mut restored = DeadLetters { last, ..DeadLetters::default() };
        letters.into_iter().for_each(|(number, letter)| restored.insert(number, letter));
        restored
    }

    /// Takes in what an earlier process left, which was found late: ours get new numbers, behind it.
    pub(crate) fn join_earlier(&mut self, left: Letters) {
        let earlier = DeadLetters { displaced: self.displaced, ..DeadLetters::restored(left) };
        let ours = std::mem::replace(self, earlier);
        for letter in ours.letters.into_values() {
            self.add(letter);
        }
        self.touch_all();
    }

    /// The journal has heard of none, or has lost them.
    pub(crate) fn touch_all(&mut self) {
        self.changed = self.letters.keys().copied().collect();
    }

    pub(crate) fn add(&mut self, letter: DeadLetter) {
        self.last += 1;
        self.insert(self.last, letter);
        self.changed.insert(self.last);
        while self.letters.len() > MAX_DEAD_LETTERS {
            self.pop_oldest();
            self.displaced += 1;
        }
    }

    /// Forgets those that were given up before.
    pub(crate) fn expire(&mut self, before: Millis) {
        while self.letters.first_key_value().is_some_and(|(_, letter)| letter.at < before) {
            self.pop_oldest();
        }
    }

    fn pop_oldest(&mut self) {
        if let Some((oldest, letter)) = self.letters.pop_first() {
            self.by_reason.went(letter.reason);
            // The journal is told where they begin; this says that there is something to tell.
            self.changed = self.changed.split_off(&oldest);
            self.changed.insert(oldest);
        }
    }

    pub fn len(&self) -> usize {
        self.letters.len()
    }

    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Some of those that are meant, the oldest first.
    pub fn page(&self, filter: &Filter, after: u64, values: bool) -> Page {
        let mut page = Page { kept: self.len(), displaced: self.displaced, ..Page::default() };
        let mut room = PAGE_BYTES;
        for (number, letter) in self.letters.range(after.saturating_add(1)..) {
            if !letter.is_meant(*number, filter) {
                continue;
            }
            if room == 0 {
                page.more = true;
                break;
            }
            room = room.saturating_sub(letter.size());
            page.letters.push(letter.shown(*number, values));
        }
        page
    }

    /// The numbers of those that are meant.
    pub(crate) fn meant(&self, filter: &Filter) -> Vec<u64> {
        let meant = self.letters.iter().filter(|(number, it)| it.is_meant(**number, filter));
        meant.map(|(number, _)| *number).collect()
    }

    /// Forgets those that are meant, and says how many they were.
    pub fn drop_meant(&mut self, filter: &Filter) -> usize {
        let meant = self.meant(filter);
        for number in &meant {
            self.remove(*number);
        }
        meant.len()
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<DeadLetter> {
        let letter = self.letters.remove(&number)?;
        self.by_reason.went(letter.reason);
        self.changed.insert(number);
        Some(letter)
    }

    /// Puts back what a retry left of a letter.
    pub(crate) fn put_back(&mut self, number: u64, letter: DeadLetter) {
        self.insert(number, letter);
        self.changed.insert(number);
    }

    fn insert(&mut self, number: u64, letter: DeadLetter) {
        self.by_reason.came(&letter);
        self.letters.insert(number, letter);
    }

    /// How many are kept of each reason, with some of their keys.
    pub fn by_reason(&self) -> Vec<overview::Letters> {
        self.by_reason.told()
    }

    /// What the journal is to be told, if anything.
    pub fn take_changes(&mut self) -> Option<LetterChanges> {
        if self.changed.is_empty() {
            return None;
        }
        let first = self.letters.first_key_value().map_or(self.last + 1, |(first, _)| *first);
        let changed = std::mem::take(&mut self.changed).split_off(&first);
        let letters =
            changed.into_iter().map(|number| (number, self.letters.get(&number).cloned()));
        Some(LetterChanges { letters: letters.collect(), first, last: self.last })
    }
}

#[cfg(test)]
impl DeadLetters {
    pub(crate) fn all(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.values()
    }
}

#[cfg(test)]
impl DeadLetter {
    /// Of the conversation with this name, given up at that time.
    pub(crate) fn for_tests(conversation: &str, at: Millis) -> DeadLetter {
        DeadLetter {
            conversation: conversation.into(),
            participant: "p".into(),
            changes: [("k".into(), "a value".into())].into(),
            rule: "r".into(),
            digest: 1,
            rules_hash: 2,
            write: Write::IfAbsent,
            during_flow: true,
            urgent: false,
            reason: Reason::TooOld,
            status: Some(400),
            correlation_id: None,
            answer: Some("no".to_owned()),
            wished_at: at - 1,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(count: usize) -> DeadLetters {
        let mut letters = DeadLetters::default();
        for n in 1..=count {
            letters.add(DeadLetter::for_tests(&format!("c{n}"), n as i64));
        }
        letters
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.letters.iter().map(|letter| letter.number).collect()
    }

    #[test]
    fn the_oldest_gives_way_and_debug_shows_no_value() {
        let letters = letters(MAX_DEAD_LETTERS + 1);
        let page = letters.page(&Filter::default(), 0, false);
        assert_eq!((page.kept, page.displaced, page.more), (MAX_DEAD_LETTERS, 1, true));
        assert_eq!((page.letters[0].number, &*page.letters[0].conversation), (2, "c2"));
        assert!(!format!("{letters:?}").contains("a value"));
        assert!(!format!("{page:?}").contains("a value"));
    }

    #[test]
    fn pages_join_without_a_gap_and_fit_into_an_answer() {
        let mut letters = letters(3000);
        let long = Arc::from("x".repeat(40_000));
        letters.put_back(
            5,
            DeadLetter { changes: [("k".into(), long)].into(), ..DeadLetter::for_tests("c5", 5) },
        );
        let (mut after, mut all, mut pages) = (0, Vec::new(), 0);
        loop {
            let page = letters.page(&Filter::default(), after, true);
            let bytes = serde_json::to_vec(&page).unwrap().len();
            assert!(bytes < crate::status::control::MAX_ANSWER / 2, "{bytes}");
            all.extend(numbers(&page));
            pages += 1;
            if !page.more {
                break;
            }
            after = *all.last().unwrap();
        }
        assert_eq!(all, (1..=3000).collect::<Vec<u64>>());
        assert!(pages > 1);
    }

    #[test]
    fn filters_pick_what_all_of_them_mean() {
        let mut letters = letters(4);
        letters.add(DeadLetter {
            reason: Reason::Refused,
            rule: "other".into(),
            ..DeadLetter::for_tests("c1", 9)
        });
        let none = Filter::default;
        for (filter, expected) in [
            (none(), &[1, 2, 3, 4, 5][..]),
            (Filter { numbers: vec![2, 4, 77], ..none() }, &[2, 4]),
            (Filter { conversation: Some("c1".to_owned()), ..none() }, &[1, 5]),
            (Filter { rule: Some("other".to_owned()), ..none() }, &[5]),
            (Filter { reason: Some(Reason::TooOld), since_ms: Some(3), ..none() }, &[3, 4]),
            (Filter { rule: Some("r".to_owned()), reason: Some(Reason::Refused), ..none() }, &[]),
        ] {
            assert_eq!(letters.meant(&filter), expected, "{filter:?}");
            assert_eq!(numbers(&letters.page(&filter, 0, false)), expected, "{filter:?}");
        }
    }

    #[test]
    fn the_journal_is_told_of_what_came_and_went_and_where_they_begin() {
        let mut letters = letters(4);
        let told = letters.take_changes().unwrap();
        assert_eq!((told.letters.len(), told.first, told.last), (4, 1, 4));
        assert!(letters.take_changes().is_none());

        letters.expire(3);
        letters.remove(4);
        letters.add(DeadLetter::for_tests("c5", 5));
        let told = letters.take_changes().unwrap();
        let came: Vec<(u64, bool)> =
            told.letters.iter().map(|(number, letter)| (*number, letter.is_some())).collect();
        assert_eq!((&came[..], told.first, told.last), (&[(4, false), (5, true)][..], 3, 5));

        letters.expire(100);
        let told = letters.take_changes().unwrap();
        assert_eq!((told.letters.len(), told.first, told.last), (0, 6, 5));
    }
}
