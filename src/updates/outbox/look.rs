//! What can be seen of the outbox without changing it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Few, Outbox, Target, UsedUp, Waiting};
use crate::genesys::{ConversationId, ParticipantId};

/// What is pending for one key of a participant.
#[derive(Default)]
pub(crate) struct Pending<'a> {
    /// It is under way.
    pub out: Option<&'a Waiting>,
    /// It is not.
    pub waiting: Option<&'a Waiting>,
    /// Values that were sent without an answer, and may yet be applied.
    pub unanswered: Option<&'a BTreeSet<Arc<str>>>,
}

impl Pending<'_> {
    /// Whether a snapshot that shows this value may show one that was sent and is not settled.
    pub(crate) fn may_show(&self, value: &str) -> bool {
        self.out.is_some_and(|out| *out.value == *value)
            || self.unanswered.is_some_and(|values| values.contains(value))
    }
}

impl Outbox {
    /// Participants that wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether something of this rule may be offered for this participant.
    pub(crate) fn has_room(&self, target: &Target, rule: &str) -> bool {
        self.has_room_for(rule) || self.entry(target).is_some()
    }

    /// Whether something may go now.
    pub(crate) fn has_ready(&self) -> bool {
        self.lanes.may_go()
    }

    /// Participants that wait for nothing but their turn, a cap, or a permission.
    pub(crate) fn backlog(&self) -> usize {
        self.ready + self.forbidden.len()
    }

    /// Rules with the participants that wait for their turn, those with the most first.
    pub(crate) fn fullest(&self) -> Vec<(Arc<str>, usize)> {
        self.lanes.fullest()
    }

    /// The rules that have used up their cap since this was last asked, and have more.
    pub(crate) fn take_used_up(&mut self) -> Vec<UsedUp> {
        self.lanes.take_used_up()
    }

    pub(crate) fn has_forbidden(&self) -> bool {
        !self.forbidden.is_empty()
    }

    /// When [`wake`](Outbox::wake) next has something to do.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let timed = self.timed.first().map(|(at, _)| Instant::from(*at));
        timed.into_iter().chain(self.lanes.next_wake()).min()
    }

    pub(crate) fn holds(&self, conversation: &ConversationId) -> bool {
        self.entries.contains_key(conversation)
    }

    /// What waits for a key and is not under way.
    pub(crate) fn waiting(&self, target: &Target, key: &str) -> Option<&Waiting> {
        self.entry(target)?.waiting(key)
    }

    /// What is under way for a key.
    pub(crate) fn out(&self, target: &Target, key: &str) -> Option<&Waiting> {
        self.entry(target)?.out(key)
    }

    /// The keys of a participant that wait, are under way, or may yet be applied.
    pub(crate) fn keys_of(
        &self,
        conversation: &ConversationId,
        participant: &ParticipantId,
    ) -> impl Iterator<Item = &Arc<str>> {
        let entry = self.entries.get(conversation).and_then(|them| them.get(participant));
        entry.into_iter().flat_map(|entry| {
            let out = entry.all_out().map(|(key, _)| key);
            entry.keys.keys().chain(out).chain(entry.troubles().uncertain.keys())
        })
    }

    /// All that is under way for a participant.
    pub(crate) fn under_way(&self, target: &Target) -> impl Iterator<Item = (&Arc<str>, &Waiting)> {
        self.entry(target).into_iter().flat_map(|entry| entry.all_out())
    }

    /// Whether a value of this key was sent without an answer.
    pub(crate) fn is_uncertain(&self, target: &Target, key: &str) -> bool {
        self.entry(target).is_some_and(|entry| entry.troubles().uncertain.contains_key(key))
    }

    /// Whether a value that a snapshot shows may be one that was sent and is not settled.
    pub(crate) fn may_have_sent(&self, target: &Target, key: &str, value: &str) -> bool {
        self.pending(target, key).may_show(value)
    }

    /// All that is pending for a key.
    pub(crate) fn pending(&self, target: &Target, key: &str) -> Pending<'_> {
        let Some(entry) = self.entry(target) else { return Pending::default() };
        Pending {
            out: entry.out(key),
            waiting: entry.waiting(key),
            unanswered: entry.troubles().uncertain.get(key),
        }
    }

    /// All that waits for a conversation and is not under way.
    pub(crate) fn waiting_of(
        &self,
        conversation: &ConversationId,
    ) -> Vec<(Target, Arc<str>, Waiting)> {
        let participants = self.entries.get(conversation).into_iter().flatten();
        let keys = participants.flat_map(|(participant, entry)| {
            let target =
                Target { conversation: conversation.clone(), participant: participant.clone() };
            entry
                .all_waiting()
                .map(move |(key, waiting)| (target.clone(), Arc::clone(key), waiting.clone()))
        });
        keys.collect()
    }

    /// What waits, is not under way, and is picked; in the order of the ids.
    pub(crate) fn find(
        &self,
        pick: impl Fn(&str, &Waiting) -> bool,
    ) -> Vec<(Target, Arc<str>, Waiting)> {
        let mut found = Vec::new();
        for (conversation, participants) in &self.entries {
            for (participant, entry) in participants {
                for (key, waiting) in entry.all_waiting().filter(|(key, it)| pick(key, it)) {
                    let (conversation, participant) = (conversation.clone(), participant.clone());
                    let target = Target { conversation, participant };
                    found.push((target, Arc::clone(key), waiting.clone()));
                }
            }
        }
        found.sort_unstable_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        found
    }

    /// When the oldest was offered of all that waits or is under way.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let entries = self.entries.values().flat_map(Few::values);
        let keys = entries.flat_map(|entry| entry.keys.values());
        keys.map(|waiting| waiting.offered_at).min().map(Instant::from)
    }

    /// Participants with the keys that wait or are under way, in the order of the ids.
    pub(crate) fn all(&self) -> Vec<(Target, Vec<Arc<str>>)> {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .flat_map(|(conversation, participants)| {
                participants.iter().map(|(participant, entry)| {
                    let conversation = conversation.clone();
                    let keys: BTreeSet<_> = entry
                        .keys
                        .keys()
                        .chain(entry.all_out().map(|out| out.0))
                        .chain(entry.troubles().losses.keys())
                        .collect();
                    let target = Target { conversation, participant: participant.clone() };
                    (target, keys.into_iter().cloned().collect())
                })
            })
            .collect();
        all.sort_unstable();
        all
    }
}
