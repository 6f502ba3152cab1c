//! What has to hold for a rule to match: conditions on fields, and what is made of several.
//!
//! All conditions of one conjunction hold for the same element: `participant` in them is the same
//! participant with the same communication. Inside `some` and `none` it is each participant in turn,
//! so what stands there says nothing of the element that the rule is tested at.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::field::Path;
use super::file::UnknownName;
use super::pattern::Pattern;
use super::raw::RawCondition;
use super::subjects::{Scene, Tested};
use super::time::TimeCondition;
use crate::genesys::names::Names;

/// One condition. Empty conjunctions hold, empty alternatives do not. A copy is cheap: what several
/// rules ask is kept once for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    Field(Arc<FieldCondition>),
    /// One of these conjunctions holds for the element that is tested.
    Any(Arc<Vec<Vec<Condition>>>),
    /// There is a participant, with a communication, for whom all of these hold.
    Some(Arc<Vec<Condition>>),
    /// There is none.
    None(Arc<Vec<Condition>>),
    /// Of the event as it was sent.
    Raw(Arc<RawCondition>),
    /// A schedule is open, or is not.
    Time(TimeCondition),
}

/// What one field has to be like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldCondition {
    pub path: Path,
    pub pattern: Pattern,
}

impl Condition {
    /// Whether it holds at the element `tested`.
    pub(super) fn holds(&self, scene: &Scene<'_>, tested: Tested) -> bool {
        match self {
            Condition::Field(field) => {
                field.pattern.holds(scene.read(&field.path, tested).as_ref())
            }
            Condition::Any(alternatives) => {
                alternatives.iter().any(|conditions| all_hold(conditions, scene, tested))
            }
            Condition::Some(conditions) => somewhere(conditions, scene, tested),
            Condition::None(conditions) => !somewhere(conditions, scene, tested),
            Condition::Raw(raw) => raw.holds(&scene.raw),
            Condition::Time(time) => time.holds(scene.now),
        }
    }

    /// It, if it is a condition on a field of the element that is tested.
    pub fn as_field(&self) -> Option<&FieldCondition> {
        match self {
            Condition::Field(field) => Some(field),
            Condition::Any(_)
            | Condition::Some(_)
            | Condition::None(_)
            | Condition::Raw(_)
            | Condition::Time(_) => None,
        }
    }

    /// Whether it asks the event as it was sent.
    pub fn asks_raw(&self) -> bool {
        match self {
            Condition::Raw(_) => true,
            Condition::Any(alternatives) => alternatives.iter().flatten().any(Condition::asks_raw),
            Condition::Some(all) | Condition::None(all) => all.iter().any(Condition::asks_raw),
            Condition::Field(_) | Condition::Time(_) => false,
        }
    }

    /// True only if it is known to hold nowhere.
    pub fn is_never(&self) -> bool {
        match self {
            Condition::Field(field) => field.pattern.is_never(),
            Condition::Any(alternatives) => alternatives.iter().all(|one| are_never(one)),
            Condition::Some(conditions) => are_never(conditions),
            Condition::Raw(raw) => raw.pattern.is_never(),
            Condition::None(_) | Condition::Time(_) => false,
        }
    }

    /// True only if the two are known not to hold at one element.
    pub fn excludes(&self, other: &Condition) -> bool {
        match (self, other) {
            (Condition::Field(mine), Condition::Field(theirs)) => {
                mine.path == theirs.path && mine.pattern.excludes(&theirs.pattern)
            }
            (Condition::Any(alternatives), one) | (one, Condition::Any(alternatives)) => {
                let apart = |conditions: &Vec<Condition>| {
                    conditions.iter().any(|condition| condition.excludes(one))
                };
                alternatives.iter().all(apart)
            }
            (Condition::Some(some), Condition::None(none))
            | (Condition::None(none), Condition::Some(some)) => {
                none.iter().all(|condition| some.contains(condition))
            }
            (Condition::Time(mine), Condition::Time(theirs)) => {
                mine.schedule == theirs.schedule && mine.open != theirs.open
            }
            (
                Condition::Field(_)
                | Condition::Some(_)
                | Condition::None(_)
                | Condition::Time(_)
                | Condition::Raw(_),
                _,
            ) => false,
        }
    }

    /// Every condition on a field, wherever it stands.
    pub fn each_field<'c>(&'c self, found: &mut dyn FnMut(&'c FieldCondition)) {
        match self {
            Condition::Field(field) => found(field),
            Condition::Any(alternatives) => {
                alternatives.iter().flatten().for_each(|one| one.each_field(found));
            }
            Condition::Some(conditions) | Condition::None(conditions) => {
                conditions.iter().for_each(|one| one.each_field(found));
            }
            Condition::Raw(_) | Condition::Time(_) => {}
        }
    }

    /// Every condition on a field of the element that is tested, also those of alternatives.
    pub fn each_tested<'c>(&'c self, found: &mut dyn FnMut(&'c FieldCondition)) {
        match self {
            Condition::Field(field) => found(field),
            Condition::Any(alternatives) => {
                alternatives.iter().flatten().for_each(|one| one.each_tested(found));
            }
            Condition::Some(_) | Condition::None(_) | Condition::Raw(_) | Condition::Time(_) => {}
        }
    }

    /// The same, with ids in place of names. What the directory does not know goes to `unknown`.
    pub(super) fn bound(
        &self,
        rule: &Arc<str>,
        names: &Names,
        unknown: &mut BTreeSet<UnknownName>,
    ) -> Condition {
        let mut all = |conditions: &Vec<Condition>| -> Vec<Condition> {
            conditions.iter().map(|one| one.bound(rule, names, unknown)).collect()
        };
        match self {
            Condition::Any(alternatives) => {
                Condition::Any(Arc::new(alternatives.iter().map(all).collect()))
            }
            Condition::Some(conditions) => Condition::Some(Arc::new(all(conditions))),
            Condition::None(conditions) => Condition::None(Arc::new(all(conditions))),
            Condition::Field(field) => Condition::Field(field.bound(rule, names, unknown)),
            Condition::Raw(_) | Condition::Time(_) => self.clone(),
        }
    }
}

impl FieldCondition {
    fn bound(
        self: &Arc<FieldCondition>,
        rule: &Arc<str>,
        names: &Names,
        unknown: &mut BTreeSet<UnknownName>,
    ) -> Arc<FieldCondition> {
        let Some(named) = self.path.field.kind.named() else { return Arc::clone(self) };
        let pattern = self.pattern.resolved(&mut |name| {
            let ids = named.ids(names, name);
            if ids.is_empty() {
                let (rule, name) = (Arc::clone(rule), name.to_owned());
                unknown.insert(UnknownName { rule, what: named, name });
            }
            ids
        });
        // What is written as an id is not kept twice.
        if pattern == self.pattern {
            return Arc::clone(self);
        }
        Arc::new(FieldCondition { path: self.path.clone(), pattern })
    }
}

/// True only if a conjunction is known to hold nowhere.
fn are_never(conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .enumerate()
        .any(|(at, one)| one.is_never() || conditions[..at].iter().any(|other| other.excludes(one)))
}

/// Whether all of a conjunction hold at the element `tested`.
pub(super) fn all_hold(conditions: &[Condition], scene: &Scene<'_>, tested: Tested) -> bool {
    conditions.iter().all(|condition| condition.holds(scene, tested))
}

/// Whether a conjunction looks at what has ended, too: it does if it names `ended`.
pub(super) fn look_at_ended(conditions: &[Condition]) -> bool {
    let mut looks = false;
    for condition in conditions {
        condition.each_tested(&mut |field| looks |= field.path.field.name == "ended");
    }
    looks
}

/// Whether all hold at one element of the conversation. What has ended counts only where a
/// condition names `ended`, as for rules.
fn somewhere(conditions: &[Condition], scene: &Scene<'_>, tested: Tested) -> bool {
    let looks_at_ended = look_at_ended(conditions);
    let elements = scene.elements.iter().filter(|element| looks_at_ended || !element.ended);
    let mut places = elements.map(|element| Tested { watched: tested.watched, ..element.tested });
    places.any(|place| all_hold(conditions, scene, place))
}
