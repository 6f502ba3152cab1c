//! What would be written, if each write were accepted at once.
//!
//! By the daemon's own table ([`Situation`]), with the little memory that it needs. A recording does
//! not show what we would have written, unless the daemon wrote it then: until another value is
//! seen, ours is taken to be there, also by the rules ([`Ledger::seen_with_ours`]). Pure. The fight
//! guard, the budget and what fails have no part in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::events::conversation::{Conversation, Participant};
use crate::genesys::{ConversationId, ParticipantId};
use crate::updates::decide::{Decision, Situation};
use crate::updates::wish::Wish;

/// One attribute that would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) wish: Wish,
    /// What is there; empty if nothing is.
    pub(super) before: String,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Ledger {
    conversations: HashMap<ConversationId, Account>,
}

/// One conversation's.
#[derive(Debug, Default)]
struct Account {
    written: BTreeMap<(ParticipantId, Arc<str>), Written>,
    /// What a dry run would have written, told once for each value.
    said: BTreeMap<(ParticipantId, Arc<str>), Arc<str>>,
    /// Waits for the end of a flow.
    waiting: BTreeMap<(ParticipantId, Arc<str>), Wish>,
}

#[derive(Debug)]
struct Written {
    value: Arc<str>,
    /// What a snapshot may show that does not know of the write; empty once one does.
    earlier: BTreeSet<String>,
}

impl Written {
    fn base<'a>(&'a self, seen: &'a str) -> &'a str {
        if self.earlier.contains(seen) { &self.value } else { seen }
    }

    fn see(&mut self, seen: &str) {
        // Ours, or somebody else's: from now on what is seen is what is there.
        if !self.earlier.contains(seen) {
            self.earlier.clear();
        }
    }
}

impl Ledger {
    /// The conversation with our values in it, where the recording cannot know them.
    pub(super) fn seen_with_ours<'c>(
        &mut self,
        conversation: &'c Conversation,
    ) -> Cow<'c, Conversation> {
        let mut seen = Cow::Borrowed(conversation);
        let Some(account) = self.conversations.get_mut(&conversation.id) else { return seen };
        for ((participant, key), written) in &mut account.written {
            let mut places = conversation.participants.iter();
            let Some(place) = places.position(|one| one.id == *participant) else { continue };
            let there = attribute(&conversation.participants[place], key);
            written.see(there);
            if written.base(there) != there {
                let attributes = &mut seen.to_mut().participants[place].attributes;
                *attributes = attributes.with(key, &written.value);
            }
        }
        seen
    }

    /// Takes in what the rules wish of a conversation, as it is [seen](Ledger::seen_with_ours);
    /// returns what would be written now.
    pub(super) fn consider(&mut self, seen: &Conversation, wishes: Vec<Wish>) -> Vec<Entry> {
        let account = self.conversations.entry(seen.id.clone()).or_default();
        let in_flow = seen.in_flow() && !seen.is_over();
        let mut due = BTreeMap::new();
        if !in_flow {
            due.append(&mut account.waiting);
        }
        for wish in wishes {
            let name = (wish.participant.clone(), Arc::clone(&wish.key));
            let waits = in_flow && !wish.during_flow && !wish.dry_run;
            let queue = if waits { &mut account.waiting } else { &mut due };
            queue.insert(name, wish);
        }
        due.into_values().filter_map(|wish| account.write(seen, wish)).collect()
    }

    /// Forgets the conversations for which this is not true.
    pub(super) fn retain(&mut self, keep: impl Fn(&ConversationId) -> bool) {
        self.conversations.retain(|id, _| keep(id));
    }

    pub(super) fn len(&self) -> usize {
        self.conversations.len()
    }
}

impl Account {
    fn write(&mut self, seen: &Conversation, wish: Wish) -> Option<Entry> {
        let participant = seen.participants.iter().find(|one| one.id == wish.participant)?;
        let there = attribute(participant, &wish.key);
        let name = (wish.participant.clone(), Arc::clone(&wish.key));
        let written = self.written.get(&name);
        let situation = Situation {
            base: there,
            followed: written.map(|written| &*written.value),
            out: None,
            waits: false,
            uncertain: false,
            base_was_sent: false,
            refused: None,
            // There is nothing to read: what was recorded is what there is.
            read: true,
        };
        match situation.decide(&wish.value, wish.write) {
            // Before it writes over somebody, the daemon reads; here that would show the same.
            Decision::Write | Decision::Look => {}
            Decision::Met => {
                // It is what was followed last, whoever wrote it.
                if let Some(written) = self.written.get_mut(&name)
                    && written.value != wish.value
                {
                    *written = Written { value: wish.value, earlier: BTreeSet::new() };
                }
                return None;
            }
            Decision::Theirs | Decision::Once | Decision::Exists | Decision::Refused => {
                return None;
            }
        }
        let entry = Entry { before: there.to_owned(), wish };
        if entry.wish.dry_run {
            let value = Arc::clone(&entry.wish.value);
            let news = self.said.insert(name, Arc::clone(&value)) != Some(value);
            return news.then_some(entry);
        }
        let mut earlier = BTreeSet::from([entry.before.clone()]);
        if let Some(before) = self.written.remove(&name) {
            earlier.extend(before.earlier);
            earlier.insert(before.value.as_ref().to_owned());
        }
        let value = Arc::clone(&entry.wish.value);
        earlier.remove(&*value);
        self.written.insert(name, Written { value, earlier });
        Some(entry)
    }
}

/// An absent one is empty.
fn attribute<'a>(participant: &'a Participant, key: &str) -> &'a str {
    participant.attributes.get(key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::read_generic;
    use crate::updates::wish::Write;

    fn snapshot(value: &str, purpose: &str) -> Conversation {
        let body = format!(
            r#"{{"id":"c","participants":[{{"id":"p","purpose":"customer","attributes":{{"k":"{value}"}},
            "calls":[{{"id":"1","state":"connected"}}]}},
            {{"id":"q","purpose":"{purpose}","calls":[{{"id":"2","state":"connected"}}]}}]}}"#
        );
        read_generic(&body).unwrap()
    }

    fn wish(value: &str, write: Write) -> Wish {
        Wish {
            participant: ParticipantId::new("p"),
            key: Arc::from("k"),
            value: Arc::from(value),
            rule: Arc::from("r"),
            digest: 0,
            write,
            dry_run: false,
            during_flow: false,
            useless_after: None,
            urgent: false,
        }
    }

    /// Each step is what the recording shows, and what is wished.
    #[track_caller]
    fn play(write: Write, steps: &[(&str, &str)], expected: &str) {
        let mut ledger = Ledger::default();
        let mut shown = Vec::new();
        for (there, wished) in steps {
            let snapshot = snapshot(there, "agent");
            let seen = ledger.seen_with_ours(&snapshot);
            let entries = ledger.consider(&seen, vec![wish(wished, write)]);
            shown.push(match &entries[..] {
                [] => "-".to_owned(),
                [one] => format!("{}>{}", one.before, one.wish.value),
                _ => panic!("{entries:?}"),
            });
        }
        assert_eq!(shown.join(" "), expected, "{write:?}");
    }

    #[test]
    fn a_recording_that_does_not_know_of_our_writes() {
        let steps = [("", "A"), ("", "A"), ("", "B"), ("", "A"), ("", "A")];
        play(Write::Follow, &steps, ">A - A>B B>A -");
        play(Write::First, &steps, ">A - - - -");
        play(Write::IfAbsent, &steps, ">A - - - -");
    }

    #[test]
    fn a_recording_in_which_they_were_made() {
        let steps = [("", "A"), ("A", "A"), ("A", "B"), ("B", "A")];
        play(Write::Follow, &steps, ">A - A>B B>A");
    }

    #[test]
    fn what_others_write_is_theirs_until_the_wish_changes() {
        let steps = [("", "A"), ("A", "A"), ("X", "A"), ("X", "A"), ("X", "B")];
        play(Write::Follow, &steps, ">A - - - X>B");
        play(Write::Enforce, &steps, ">A - X>A - A>B");
    }

    #[test]
    fn while_a_flow_runs_the_last_wish_waits() {
        let mut ledger = Ledger::default();
        let mut at = |purpose: &str, wishes: &[&str]| {
            let snapshot = snapshot("", purpose);
            let seen = ledger.seen_with_ours(&snapshot);
            let wishes = wishes.iter().map(|value| wish(value, Write::Follow)).collect();
            let entries = ledger.consider(&seen, wishes);
            entries.iter().map(|one| one.wish.value.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(at("ivr", &["A"]), "");
        assert_eq!(at("ivr", &["B"]), "");
        assert_eq!(at("agent", &[]), "B");
        assert_eq!(at("agent", &["B"]), "");
    }
}
