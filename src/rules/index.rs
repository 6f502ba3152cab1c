//! Which rules are worth testing at one element.
//!
//! Each rule waits behind one door: a condition on the tested participant that names its values. A
//! rule without such a condition is always tested. Doors only spare work: whether a rule holds is
//! decided by its conditions alone.

use std::collections::HashMap;

use super::condition::Condition;
use super::field::{Path, Subject, Value};
use super::pattern::Pattern;

/// Rules by what their participant has to be.
#[derive(Debug, Default)]
pub(super) struct Index {
    doors: Vec<Door>,
    /// Rules that no door holds back, ascending.
    open: Vec<usize>,
}

#[derive(Debug)]
struct Door {
    path: Path,
    rules: HashMap<Box<str>, Vec<usize>>,
}

/// Fields that tell most rules apart, the best first.
const BEST: [&str; 4] = ["queue", "queue_id", "user", "user_id"];

impl Index {
    pub(super) fn new<'r>(rules: impl Iterator<Item = &'r [Condition]>) -> Index {
        let mut index = Index::default();
        for (rule, conditions) in rules.enumerate() {
            match best(conditions) {
                Some((path, words)) => index.add(rule, path, &words),
                None => index.open.push(rule),
            }
        }
        index
    }

    /// The rules to test, in no particular order; `read` gives what a path is at this element.
    pub(super) fn candidates<'a>(
        &self,
        mut read: impl FnMut(&Path) -> Option<Value<'a>>,
        mut test: impl FnMut(usize),
    ) {
        self.open.iter().for_each(|rule| test(*rule));
        for door in &self.doors {
            if let Some(Value::Text(word)) = read(&door.path)
                && let Some(rules) = door.rules.get(&*word)
            {
                rules.iter().for_each(|rule| test(*rule));
            }
        }
    }

    fn add(&mut self, rule: usize, path: &Path, words: &[&str]) {
        let door = match self.doors.iter().position(|door| door.path == *path) {
            Some(door) => &mut self.doors[door],
            None => {
                self.doors.push(Door { path: path.clone(), rules: HashMap::new() });
                self.doors.last_mut().expect("one was pushed just now")
            }
        };
        for word in words {
            let rules = door.rules.entry((*word).into()).or_default();
            // A list may name a value twice.
            if rules.last() != Some(&rule) {
                rules.push(rule);
            }
        }
    }
}

/// The condition that makes the best door, with the words that open it.
fn best(conditions: &[Condition]) -> Option<(&Path, Vec<&str>)> {
    let fields = conditions.iter().filter_map(Condition::as_field);
    let doors = fields.filter(|condition| condition.path.subject == Subject::Participant);
    let doors = doors.filter_map(|condition| Some((&condition.path, words(&condition.pattern)?)));
    doors.min_by_key(|(path, words)| {
        let place = BEST.iter().position(|name| *name == path.field.name);
        (place.unwrap_or(BEST.len()), words.len())
    })
}

fn words(pattern: &Pattern) -> Option<Vec<&str>> {
    let words = pattern.names()?.iter().map(|scalar| scalar.as_text().map(|text| &**text));
    words.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::rules::condition::FieldCondition;
    use crate::rules::fields;
    use crate::rules::pattern::Scalar;

    fn is(field: &str, words: &[&str]) -> FieldCondition {
        let texts = words.iter().map(|word| Scalar::Text(Arc::from(*word))).collect();
        let path = fields::path(Subject::Participant, field).unwrap();
        FieldCondition { path, pattern: Pattern::AnyOf(texts) }
    }

    #[test]
    fn a_rule_waits_behind_its_best_door() {
        let not = |condition: FieldCondition| {
            let pattern = Pattern::Not(Box::new(condition.pattern));
            FieldCondition { pattern, ..condition }
        };
        let both = |one: FieldCondition, other: FieldCondition| {
            let pattern = Pattern::All(vec![not(other).pattern, one.pattern]);
            FieldCondition { path: one.path, pattern }
        };
        let rules = [
            vec![is("purpose", &["agent"]), is("queue", &["q1", "q2", "q1"])],
            vec![is("purpose", &["agent"]), is("state", &["alerting", "connected"])],
            vec![not(is("purpose", &["agent"]))],
            vec![],
            vec![is("queue", &[])],
            vec![both(is("purpose", &["acd", "agent"]), is("purpose", &["acd"]))],
        ];
        let rules = rules.map(|rule| rule.into_iter().map(Condition::Field).collect::<Vec<_>>());
        let index = Index::new(rules.iter().map(|rule| &rule[..]));
        for (queue, purpose, expected) in [
            ("q1", "agent", &[0, 1, 2, 3, 5][..]),
            ("q2", "acd", &[0, 2, 3, 5]),
            ("q3", "customer", &[2, 3]),
            ("", "", &[2, 3]),
        ] {
            let mut found = Vec::new();
            let read = |path: &Path| match path.field.name {
                "queue" => Value::text(Some(queue)),
                "purpose" => Value::text(Some(purpose)),
                _ => None,
            };
            index.candidates(read, |rule| found.push(rule));
            found.sort_unstable();
            assert_eq!(found, expected, "{queue} {purpose}");
        }
    }
}
