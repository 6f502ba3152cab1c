//! Compares what came of a case with what it expects. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use super::play::Played;
use super::why::{Question, left_alone};
use crate::app::rehearsal::Wrote;
use crate::events::conversation::{Conversation, Participant};
use crate::rules::cases::{Case, Expect, ExpectedAttribute};
use crate::rules::explain::Explained;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Where the expectation stands.
    pub(super) line: usize,
    /// How long after the first event; `None` for the case as a whole.
    pub(super) after: Option<Duration>,
    /// What it is about, such as `customer cc.segment`.
    pub(super) about: String,
    pub(super) expected: String,
    pub(super) got: String,
    /// The rules that matched there.
    pub(super) matched: Vec<String>,
    /// What else helps to understand it.
    pub(super) notes: Vec<String>,
    /// Why the rules in question held or did not.
    pub(super) explained: Vec<Explained>,
}

/// What is looked at together: one step, or all of them.
struct View<'p> {
    conversation: Option<&'p Conversation>,
    wrote: Vec<&'p Wrote>,
    steps: &'p [Played],
    after: Option<Duration>,
    line: usize,
}

/// Everything that is not as the case says.
pub(super) fn judge(case: &Case, played: &[Played]) -> Vec<Failure> {
    let mut failures = Vec::new();
    let began = case.steps.first().map(|step| step.at).unwrap_or_default();
    for (at, step) in case.steps.iter().enumerate() {
        let steps = played.get(at..=at).unwrap_or_default();
        let after = Duration::try_from(step.at.duration_since(began)).ok();
        View::new(steps, after, step.line).judge(&step.expect, &mut failures);
    }
    View::new(played, None, case.line).judge(&case.at_end, &mut failures);
    failures
}

impl<'p> View<'p> {
    fn new(steps: &'p [Played], after: Option<Duration>, line: usize) -> View<'p> {
        let conversation = steps.last().and_then(|played| played.conversation.as_ref());
        let wrote = steps.iter().flat_map(|played| &played.came.wrote).collect();
        View { conversation, wrote, steps, after, line }
    }

    fn judge(&self, expect: &Expect, failures: &mut Vec<Failure>) {
        for attribute in &expect.attributes {
            failures.extend(self.attribute(attribute));
        }
        let surplus: Vec<&Wrote> =
            self.wrote.iter().filter(|wrote| !self.is_expected(expect, wrote)).copied().collect();
        let writers = || Question::of(surplus.iter().map(|wrote| &*wrote.rule));
        let shown = || {
            let surplus = surplus.iter().map(|wrote| self.shown(wrote));
            surplus.collect::<Vec<_>>().join("\n")
        };
        if expect.nothing && !self.wrote.is_empty() {
            failures.push(self.failure("writes", "nothing is written", &shown(), &writers()));
        }
        if expect.only && !surplus.is_empty() {
            failures.push(self.failure("writes", "nothing else is written", &shown(), &writers()));
        }
        let wrote: BTreeSet<String> = self.wrote.iter().map(|w| w.rule.to_string()).collect();
        let matched = self.matched();
        if let Some(rules) = &expect.rules
            && *rules != wrote
        {
            let question = Question::of(rules.symmetric_difference(&wrote).map(String::as_str));
            failures.push(self.failure("rules that write", &list(rules), &list(&wrote), &question));
        }
        for (about, unwanted, found) in [
            ("rules that write", &expect.not_rules, &wrote),
            ("rules that match", &expect.not_matches, &matched),
        ] {
            let both: BTreeSet<String> = unwanted.intersection(found).cloned().collect();
            if !both.is_empty() {
                let expected = format!("not {}", list(&both));
                let question = Question::of(both.iter().map(String::as_str));
                failures.push(self.failure(about, &expected, &list(found), &question));
            }
        }
        if !expect.matches.is_subset(&matched) {
            let missing: BTreeSet<String> = expect.matches.difference(&matched).cloned().collect();
            let question = Question::of(missing.iter().map(String::as_str));
            let (missing, matched) = (list(&missing), list(&matched));
            failures.push(self.failure("rules that match", &missing, &matched, &question));
        }
    }

    fn attribute(&self, expected: &ExpectedAttribute) -> Option<Failure> {
        let ExpectedAttribute { who, key, value, not, rule, dry_run, line } = expected;
        let about = format!("{who} {key}");
        let Some(participant) = self.find(who) else {
            let (expected, got) = (shown_value(value), format!("nobody is {who}"));
            let question = Question::of(rule.as_deref());
            let failure = self.failure(&about, &expected, &got, &question);
            return Some(Failure { line: *line, ..failure });
        };
        let id = participant.id.as_str();
        let (got, by) = if *dry_run {
            let wishes = self.steps.iter().flat_map(|played| &played.came.dry);
            let mut wishes = wishes.filter(|wish| wish.participant == participant.id);
            let wish = wishes.rfind(|wish| *wish.key == **key);
            (wish.map_or("", |wish| &*wish.value), wish.map(|wish| &*wish.rule))
        } else {
            let wrote =
                self.wrote.iter().rfind(|w| w.participant.as_str() == id && *w.key == **key);
            let got = participant.attributes.get(key).unwrap_or_default();
            (got, wrote.map(|wrote| &*wrote.rule))
        };
        let right_value = (got == value) != *not;
        let right_rule = rule.as_deref().is_none_or(|rule| by == Some(rule));
        if right_value && right_rule {
            return None;
        }
        let question = match rule {
            Some(rule) => Question::of([&**rule].into_iter().chain(by)),
            None => Question::of_key(key),
        };
        let mut failure = self.failure(&about, &shown_value(value), "", &question);
        failure.line = *line;
        if *not {
            failure.expected = format!("not {}", failure.expected);
        }
        if let Some(rule) = rule {
            failure.expected.push_str(&format!(" by {rule}"));
        }
        failure.got = match by {
            Some(rule) => format!("{} by {rule}", shown_value(got)),
            None if rule.is_some() => format!("{} by no rule", shown_value(got)),
            None => shown_value(got),
        };
        let waiting = self.steps.last().map(|played| &played.came.waiting[..]).unwrap_or_default();
        if waiting.iter().any(|(of, waits)| of.as_str() == id && **waits == **key) {
            let note = "it is wished and waits: for a running flow to end (see `during_flow`), or \
                        because the key was written too often";
            failure.notes.push(note.to_owned());
        }
        Some(failure)
    }

    fn failure(&self, about: &str, expected: &str, got: &str, question: &Question) -> Failure {
        let explained = question.answer(self.steps);
        let waiting = self.steps.iter().flat_map(|played| &played.came.waiting);
        let waiting: BTreeSet<&str> = waiting.map(|(_, key)| &**key).collect();
        let notes = self.errors().into_iter();
        Failure {
            line: self.line,
            after: self.after,
            about: about.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
            matched: self.matched().into_iter().collect(),
            notes: notes.chain(left_alone(&explained, &self.wrote, &waiting)).collect(),
            explained,
        }
    }

    fn matched(&self) -> BTreeSet<String> {
        self.steps.iter().flat_map(|played| &played.came.matched).map(ToString::to_string).collect()
    }

    /// What could not be evaluated, once each.
    fn errors(&self) -> BTreeSet<String> {
        let errors = self.steps.iter().flat_map(|played| &played.came.errors);
        errors.map(|error| format!("rule {}: {}", error.rule, error.message)).collect()
    }

    fn is_expected(&self, expect: &Expect, wrote: &Wrote) -> bool {
        let named = |one: &&ExpectedAttribute| *one.key == *wrote.key && !one.not && !one.dry_run;
        let mut named = expect.attributes.iter().filter(named);
        named.any(|one| self.find(&one.who).is_some_and(|found| found.id == wrote.participant))
    }

    fn shown(&self, wrote: &Wrote) -> String {
        let Wrote { participant, key, value, rule } = wrote;
        format!("{participant} {key} = {} by {rule}", shown_value(value))
    }

    /// Who is meant: a participant of that id, a subject, or the newest of that purpose.
    fn find(&self, who: &str) -> Option<&'p Participant> {
        let conversation = self.conversation?;
        let participants = || conversation.participants.iter();
        let by_id = participants().find(|participant| participant.id.as_str() == who);
        let subject = || match who {
            "customer" => conversation.customer(),
            "agent" => conversation.agent(),
            "acd" => conversation.acd(),
            _ => None,
        };
        let by_purpose =
            || participants().filter(|one| one.has_purpose(who)).max_by_key(|one| one.recency());
        by_id.or_else(subject).or_else(by_purpose)
    }
}

fn shown_value(value: &str) -> String {
    if value.is_empty() { "(absent)".to_owned() } else { format!("{value:?}") }
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "(none)".to_owned();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
