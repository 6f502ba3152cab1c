//! What changes with time alone: conditions on schedules, and limits of durations that run.
//!
//! A rule is looked at again without news when its time has come. When that is is told by
//! [`next_turn`], for rules whose other conditions hold: for the rest only news can change anything.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::condition::{Condition, FieldCondition};
use super::field::{Path, Value};
use super::pattern::{Pattern, Scalar};
use super::schedules::Schedule;
use super::subjects::{Scene, Tested};

/// `match.time`: a schedule is open, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeCondition {
    pub schedule: Arc<Schedule>,
    pub open: bool,
}

/// Behind a limit that is not included itself, the first moment that Genesys' times can tell.
const JUST_AFTER: SignedDuration = SignedDuration::from_millis(1);

impl TimeCondition {
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.schedule.is_open(now) == self.open
    }
}

impl Hash for TimeCondition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.schedule, self.open).hash(state);
    }
}

/// Whether a conjunction changes with time alone.
pub(super) fn change_with_time(conditions: &[Condition]) -> bool {
    conditions.iter().any(|condition| match condition {
        Condition::Time(_) => true,
        Condition::Field(field) => runs(&field.path) && !limits(&field.pattern).is_empty(),
        Condition::Any(alternatives) => alternatives.iter().any(|all| change_with_time(all)),
        Condition::Some(all) | Condition::None(all) => change_with_time(all),
        Condition::Raw(_) => false,
    })
}

/// The next moment at which time alone may change whether a conjunction holds at `tested`; `None`
/// if there is none, or if something else stands in the way.
pub(super) fn next_turn(
    conditions: &[Condition],
    scene: &Scene<'_>,
    tested: Tested,
    now: Timestamp,
) -> Option<Timestamp> {
    let may_hold = conditions.iter().all(|condition| may_hold(condition, scene, tested));
    may_hold.then(|| turns(conditions, scene, tested, now).into_iter().min()).flatten()
}

/// Whether it holds, or could with time.
fn may_hold(condition: &Condition, scene: &Scene<'_>, tested: Tested) -> bool {
    let one = std::slice::from_ref(condition);
    if !change_with_time(one) {
        return condition.holds(scene, tested);
    }
    match condition {
        Condition::Any(alternatives) => alternatives
            .iter()
            .any(|all| all.iter().all(|condition| may_hold(condition, scene, tested))),
        Condition::Time(_)
        | Condition::Field(_)
        | Condition::Some(_)
        | Condition::None(_)
        | Condition::Raw(_) => true,
    }
}

/// Every next turn of what these conditions speak of.
fn turns(
    conditions: &[Condition],
    scene: &Scene<'_>,
    tested: Tested,
    now: Timestamp,
) -> Vec<Timestamp> {
    let mut found = Vec::new();
    for condition in conditions {
        match condition {
            Condition::Time(time) => found.extend(time.schedule.next_change(now)),
            Condition::Field(field) => found.extend(limit_reached(field, scene, tested, now)),
            Condition::Any(alternatives) => {
                for all in alternatives.iter() {
                    found.extend(next_turn(all, scene, tested, now));
                }
            }
            Condition::Some(all) | Condition::None(all) if change_with_time(all) => {
                for element in &scene.elements {
                    let place = Tested { watched: tested.watched, ..element.tested };
                    found.extend(next_turn(all, scene, place, now));
                }
            }
            Condition::Some(_) | Condition::None(_) | Condition::Raw(_) => {}
        }
    }
    found
}

/// When a duration that runs reaches the next limit that is asked of it.
fn limit_reached(
    FieldCondition { path, pattern }: &FieldCondition,
    scene: &Scene<'_>,
    tested: Tested,
    now: Timestamp,
) -> Option<Timestamp> {
    if !runs(path) {
        return None;
    }
    let Some(Value::Duration(passed)) = scene.read(path, tested) else { return None };
    let ahead = limits(pattern).into_iter().filter_map(|limit| {
        let left = limit.checked_sub(passed)?;
        if left.is_positive() { Some(left) } else { (left.is_zero()).then_some(JUST_AFTER) }
    });
    now.checked_add(ahead.min()?).ok()
}

fn runs(path: &Path) -> bool {
    path.field.running
}

/// Every duration that a pattern compares with.
fn limits(pattern: &Pattern) -> Vec<SignedDuration> {
    match pattern {
        Pattern::Bound(bound) => durations(std::slice::from_ref(&bound.limit)),
        Pattern::Not(pattern) => limits(pattern),
        Pattern::All(patterns) | Pattern::Either(patterns) => {
            patterns.iter().flat_map(limits).collect()
        }
        Pattern::AnyOf(scalars) => durations(scalars),
        Pattern::Exists(_)
        | Pattern::Words(_)
        | Pattern::Cidr(_)
        | Pattern::HasAny(_)
        | Pattern::HasAll(_)
        | Pattern::InList(_) => Vec::new(),
    }
}

fn durations(scalars: &[Scalar]) -> Vec<SignedDuration> {
    let durations = scalars.iter().filter_map(|scalar| match scalar {
        Scalar::Duration(duration) => Some(*duration),
        Scalar::Text(_) | Scalar::Flag(_) | Scalar::Number(_) | Scalar::Time(_) => None,
    });
    durations.collect()
}
