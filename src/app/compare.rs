//! What other rules would change on the conversations that are live: two sets of wishes, compared.
//!
//! Pure. A wish comes, goes, or changes; it is a write if the participant does not show its value
//! already, or if the rules before wished another: that one may be on its way, and what the
//! participant shows older than it, as it is right after a reload. What was written before is not
//! known here: a value that the updates would leave to somebody else (SEMANTICS 3) counts as a
//! write, so the numbers are an upper bound. Rules in dry run write nothing and do not count.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::events::conversation::Conversation;
use crate::genesys::ParticipantId;
use crate::status::control::answer::{Changes, Example, How, RuleChanges};
use crate::updates::wish::{Wish, Write};

/// Rules that are named; the others are counted.
const MAX_RULES: usize = 100;
/// Writes that are shown: enough to see which kind they are.
const MAX_EXAMPLES: usize = 20;

/// All that was found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub changes: Changes,
    pub examples: Vec<Example>,
    by_rule: BTreeMap<Arc<str>, ByRule>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ByRule {
    appear: u64,
    change: u64,
    disappear: u64,
}

type Wished<'w> = BTreeMap<(&'w ParticipantId, &'w str), &'w Wish>;

impl Comparison {
    /// Nothing was looked at.
    pub(super) fn unknown() -> Comparison {
        let changes = Changes { incomplete: true, ..Changes::default() };
        Comparison { changes, ..Comparison::default() }
    }

    /// Adds one conversation, and what the two sets of rules wish of it.
    pub(super) fn add(&mut self, conversation: &Conversation, before: &[Wish], after: &[Wish]) {
        self.changes.conversations += 1;
        let (before, after) = (by_key(before), by_key(after));
        let mut written = BTreeSet::new();
        for (key, wish) in &after {
            let earlier = before.get(key);
            if earlier.is_some_and(|earlier| earlier.value == wish.value) {
                continue;
            }
            self.changes.came += 1;
            self.changes.went += u64::from(earlier.is_some());
            if is_written(conversation, wish, earlier.is_some()) {
                self.changes.writes += 1;
                written.insert(&wish.participant);
                let how = if earlier.is_some() { How::Changes } else { How::Appears };
                self.note(conversation, wish, how);
            }
        }
        for (key, wish) in &before {
            if !after.contains_key(key) {
                self.changes.went += 1;
                self.note(conversation, wish, How::Disappears);
            }
        }
        self.changes.participants += written.len() as u64;
    }

    /// The rules with the most first, and how many more there are.
    pub(super) fn by_rule(&self) -> (Vec<RuleChanges>, usize) {
        let rules = self.by_rule.iter().map(|(rule, by)| RuleChanges {
            rule: rule.to_string(),
            appear: by.appear,
            change: by.change,
            disappear: by.disappear,
        });
        let mut rules: Vec<RuleChanges> = rules.collect();
        rules.sort_by_key(|by| Reverse(by.appear + by.change + by.disappear));
        let more = rules.len().saturating_sub(MAX_RULES);
        rules.truncate(MAX_RULES);
        (rules, more)
    }

    fn note(&mut self, conversation: &Conversation, wish: &Wish, how: How) {
        let by = self.by_rule.entry(Arc::clone(&wish.rule)).or_default();
        match how {
            How::Appears => by.appear += 1,
            How::Changes => by.change += 1,
            How::Disappears => by.disappear += 1,
        }
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(Example {
                conversation: conversation.id.to_string(),
                participant: wish.participant.to_string(),
                key: wish.key.to_string(),
                rule: wish.rule.to_string(),
                how,
            });
        }
    }
}

/// Leaves of new wishes those that the rules before made just so.
pub(super) fn keep_unchanged(before: &[Wish], wishes: &mut Vec<Wish>) {
    let before = by_key(before);
    wishes.retain(|wish| {
        let earlier = before.get(&(&wish.participant, &*wish.key));
        wish.dry_run || earlier.is_some_and(|earlier| earlier.value == wish.value)
    });
}

fn by_key(wishes: &[Wish]) -> Wished<'_> {
    let wishes = wishes.iter().filter(|wish| !wish.dry_run);
    wishes.map(|wish| ((&wish.participant, &*wish.key), wish)).collect()
}

/// `replaces`: the rules before wished another value.
fn is_written(conversation: &Conversation, wish: &Wish, replaces: bool) -> bool {
    let mut participants = conversation.participants.iter();
    let participant = participants.find(|participant| participant.id == wish.participant);
    let there = participant.and_then(|it| it.attributes.get(&wish.key));
    let there = there.unwrap_or_default();
    match wish.write {
        Write::IfAbsent => there.is_empty() && !wish.value.is_empty(),
        Write::Follow | Write::First | Write::Enforce => replaces || there != &*wish.value,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::events::read_generic;

    fn conversation() -> Conversation {
        let body = r#"{"id":"c","participants":[
            {"id":"p","purpose":"customer","attributes":{"a":"1"},"calls":[{"id":"l","state":"connected"}]},
            {"id":"q","purpose":"agent","calls":[{"id":"m","state":"connected"}]}]}"#;
        read_generic(body).unwrap()
    }

    /// `p.key=value`, with a rule of the key's name; `?` if absent, `~` for dry run.
    fn wishes(script: &str) -> Vec<Wish> {
        let wish = |word: &str| {
            let (participant, rest) = word.split_once('.').unwrap();
            let (key, value) = rest.split_once('=').unwrap();
            Wish {
                participant: participant.into(),
                key: key.trim_end_matches(['?', '~']).into(),
                value: value.into(),
                rule: key.trim_end_matches(['?', '~']).into(),
                digest: 0,
                write: if key.ends_with('?') { Write::IfAbsent } else { Write::Follow },
                dry_run: key.ends_with('~'),
                during_flow: false,
                useless_after: None,
                urgent: false,
            }
        };
        script.split_whitespace().map(wish).collect()
    }

    #[track_caller]
    fn check(before: &str, after: &str, expected: Expect) {
        let mut comparison = Comparison::default();
        comparison.add(&conversation(), &wishes(before), &wishes(after));
        let Changes { came, went, writes, participants, .. } = comparison.changes;
        let examples = comparison.examples.iter();
        let examples: Vec<String> =
            examples.map(|one| format!("{}.{} {:?}", one.participant, one.key, one.how)).collect();
        expected.assert_eq(&format!(
            "came {came}, went {went}, writes {writes} to {participants}: {}",
            examples.join(", ")
        ));
    }

    #[test]
    fn wishes_come_go_and_change() {
        check("p.b=1", "p.b=1", expect!["came 0, went 0, writes 0 to 0: "]);
        check(
            "p.b=1 p.c=1",
            "p.b=2 p.d=1 q.d=1",
            expect![
                "came 3, went 2, writes 3 to 2: p.b Changes, p.d Appears, q.d Appears, p.c Disappears"
            ],
        );
        // What is there already is no write, and neither is a dry run.
        check("", "p.a=1 p.e~=1", expect!["came 1, went 0, writes 0 to 0: "]);
        check("", "p.a?=2 p.b?=2", expect!["came 2, went 0, writes 1 to 1: p.b Appears"]);
        // What is there is what was there before the last reload, whose value is on its way.
        check("p.a=2", "p.a=1", expect!["came 1, went 1, writes 1 to 1: p.a Changes"]);
        check("p.b=1", "p.b~=1", expect!["came 0, went 1, writes 0 to 0: p.b Disappears"]);
    }

    #[test]
    fn what_both_wish_is_kept() {
        let mut after = wishes("p.a=1 p.b=2 p.c=1 p.d~=1");
        keep_unchanged(&wishes("p.a=1 p.b=1"), &mut after);
        assert_eq!(after, wishes("p.a=1 p.d~=1"));
    }

    #[test]
    fn rules_and_examples_are_bounded() {
        let script: Vec<String> = (0..150).map(|n| format!("p.k{n:03}=1")).collect();
        let mut comparison = Comparison::default();
        comparison.add(&conversation(), &[], &wishes(&script.join(" ")));
        comparison.add(&conversation(), &wishes("p.k149=1"), &[]);
        let (rules, more) = comparison.by_rule();
        assert_eq!((rules.len(), more, comparison.examples.len()), (100, 50, 20));
        let first = RuleChanges { rule: "k149".to_owned(), appear: 1, change: 0, disappear: 1 };
        assert_eq!(rules[0], first);
        assert_eq!(comparison.changes.conversations, 2);
    }
}
