//! Which rules can want one attribute of one participant at the same time.
//!
//! Careful, not exact: it takes two rules for apart only where their conditions are known to exclude
//! each other, or their targets are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::field::Subject;
use super::file::Rule;
use super::target::Target;

/// Two rules, by their places in the file, and the key they can both write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub(super) earlier: usize,
    pub(super) later: usize,
    pub(super) key: Arc<str>,
}

/// So many rules before it are looked at for each key of a rule: with thousands of rules for one
/// key, checking stays a matter of a second.
const LOOK_BACK: usize = 1_000;

/// For each rule and key, the nearest rule before it that it can meet.
pub(super) fn meetings(rules: &[&Rule]) -> Vec<Meeting> {
    let mut writers: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
    let mut meetings = Vec::new();
    for (later, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
        for key in rule.keys() {
            let earlier = writers.entry(key).or_default();
            if earlier.last() == Some(&later) {
                continue;
            }
            let mut near = earlier.iter().rev().take(LOOK_BACK);
            if let Some(earlier) = near.find(|at| can_meet(rules[**at], rule, key)) {
                meetings.push(Meeting { earlier: *earlier, later, key: Arc::clone(key) });
            }
            earlier.push(later);
        }
    }
    meetings
}

fn can_meet(one: &Rule, other: &Rule, key: &Arc<str>) -> bool {
    // A rule on trial gives way to others.
    if one.dry_run != other.dry_run || !targets_can_meet(one, other) {
        return false;
    }
    // What is written otherwise is written exactly when the conditions do not hold.
    let sets = |rule: &Rule| !rule.otherwise.iter().any(|assignment| assignment.key == *key);
    let matches_count = sets(one) && sets(other);
    !(matches_count && exclude(one, other))
}

fn exclude(one: &Rule, other: &Rule) -> bool {
    one.fields().any(|mine| {
        same_element(mine.path.subject, one, other)
            && other
                .fields()
                .any(|theirs| mine.path == theirs.path && mine.pattern.excludes(&theirs.pattern))
    })
}

/// Whether the subject is the same one for both rules whenever they write to the same participant.
fn same_element(subject: Subject, one: &Rule, other: &Rule) -> bool {
    match subject {
        Subject::Conversation | Subject::Customer | Subject::Agent | Subject::Acd => true,
        // The same participant may still be tested with two communications.
        Subject::Participant => false,
        Subject::Watched => one.target == Target::Watched && other.target == Target::Watched,
    }
}

fn targets_can_meet(one: &Rule, other: &Rule) -> bool {
    match (purposes(one), purposes(other)) {
        (Some(one), Some(other)) => one.iter().any(|purpose| other.contains(purpose)),
        (None, _) | (_, None) => true,
    }
}

/// The purposes that its target can have, if they are limited.
pub(super) fn purposes(rule: &Rule) -> Option<Vec<&str>> {
    match &rule.target {
        Target::Customer => Some(vec!["customer", "external"]),
        Target::Agent | Target::Agents => Some(vec!["agent", "user"]),
        Target::Acd => Some(vec!["acd"]),
        Target::Purpose(purpose) => Some(vec![purpose]),
        Target::Watched | Target::All => None,
        Target::Participant => tested_purposes(rule),
    }
}

/// The purposes that the tested participant can have, if they are limited.
pub(super) fn tested_purposes(rule: &Rule) -> Option<Vec<&str>> {
    let mut fields = rule.fields().filter(|field| {
        field.path.subject == Subject::Participant && field.path.field.name == "purpose"
    });
    let named = fields.find_map(|field| field.pattern.names())?;
    named.iter().map(|scalar| scalar.as_text().map(|word| &**word)).collect()
}
