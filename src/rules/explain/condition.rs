//! One condition at one element, with the value that was found.

use super::{Checked, Who, nearness, words};
use crate::rules::condition::{Condition, FieldCondition, look_at_ended};
use crate::rules::field::{Path, Value};
use crate::rules::raw::RawCondition;
use crate::rules::subjects::{Scene, Tested};
use crate::rules::time::TimeCondition;

/// Why a condition on a name holds for nobody.
const UNKNOWN: &str = "the directory does not know this name, so it equals nothing";

/// Why nothing of the event is found.
const NO_RAW: &str = "the event is not known as it was sent";

/// Tests each of a conjunction, as the rule names it (`named`) and with ids in place of names
/// (`bound`).
pub(super) fn check_all(
    named: &[Condition],
    bound: &[Condition],
    scene: &Scene<'_>,
    tested: Tested,
) -> Vec<Checked> {
    let conditions = named.iter().zip(bound);
    conditions.map(|(named, bound)| check(named, bound, scene, tested)).collect()
}

fn check(named: &Condition, bound: &Condition, scene: &Scene<'_>, tested: Tested) -> Checked {
    let holds = bound.holds(scene, tested);
    match named {
        Condition::Field(field) => {
            let bound = bound.as_field().unwrap_or(field);
            Checked { holds, ..of_field(field, bound, scene, tested) }
        }
        Condition::Any(alternatives) => {
            let both = alternatives.iter().zip(parts(bound));
            let both = both.map(|(named, bound)| check_all(named, bound, scene, tested));
            let parts: Vec<Vec<Checked>> = both.collect();
            let held = parts.iter().position(|part| part.iter().all(|one| one.holds));
            Checked {
                subject: "any".to_owned(),
                wanted: format!("one of {} alternatives", parts.len()),
                found: held.map(|at| format!("alternative {}", at + 1)),
                holds,
                note: None,
                parts,
            }
        }
        Condition::Some(conditions) => {
            of_others("some", "a participant such that", conditions, bound, holds, scene, tested)
        }
        Condition::None(conditions) => {
            of_others("none", "no participant such that", conditions, bound, holds, scene, tested)
        }
        Condition::Raw(raw) => of_raw(raw, holds, scene),
        Condition::Time(TimeCondition { schedule, open }) => Checked {
            subject: "time".to_owned(),
            wanted: format!("{} {:?}", if *open { "within" } else { "not within" }, schedule.name),
            found: Some(scene.now.to_string()),
            holds,
            note: None,
            parts: Vec::new(),
        },
    }
}

/// What a condition is made of.
fn parts(condition: &Condition) -> Vec<&[Condition]> {
    match condition {
        Condition::Field(_) | Condition::Raw(_) | Condition::Time(_) => Vec::new(),
        Condition::Any(alternatives) => alternatives.iter().map(|one| &one[..]).collect(),
        Condition::Some(conditions) | Condition::None(conditions) => vec![conditions],
    }
}

fn of_field(
    FieldCondition { path, pattern }: &FieldCondition,
    bound: &FieldCondition,
    scene: &Scene<'_>,
    tested: Tested,
) -> Checked {
    let unknown = pattern.names().is_some_and(|names| !names.is_empty())
        && bound.pattern.names().is_some_and(<[_]>::is_empty);
    Checked {
        subject: path.to_string(),
        wanted: words::pattern(pattern),
        found: found(path, scene, tested),
        holds: false,
        note: unknown.then_some(UNKNOWN),
        parts: Vec::new(),
    }
}

/// A condition that says of each participant in turn whether it is such.
fn of_others(
    subject: &str,
    wanted: &str,
    named: &[Condition],
    bound: &Condition,
    holds: bool,
    scene: &Scene<'_>,
    tested: Tested,
) -> Checked {
    let bound = parts(bound).first().copied().unwrap_or_default();
    let looks_at_ended = look_at_ended(bound);
    let elements = scene.elements.iter().filter(|element| looks_at_ended || !element.ended);
    let places = elements.map(|element| Tested { watched: tested.watched, ..element.tested });
    let checked = places.map(|place| (place, check_all(named, bound, scene, place)));
    // Of equal ones the first.
    let nearest = checked.rev().max_by_key(|(_, all)| nearness(all));
    let such = nearest.as_ref().filter(|(_, all)| all.iter().all(|one| one.holds));
    Checked {
        subject: subject.to_owned(),
        wanted: wanted.to_owned(),
        found: such.map(|(place, _)| Who::of(scene, *place).to_string()),
        holds,
        note: None,
        parts: nearest.map(|(_, all)| all).into_iter().collect(),
    }
}

/// A condition on the event as it was sent.
impl Checked {
    /// Without the event, what it decides is not known.
    pub(super) fn no_raw() -> Checked {
        Checked {
            subject: "raw".to_owned(),
            wanted: "known".to_owned(),
            found: None,
            holds: false,
            note: Some(NO_RAW),
            parts: Vec::new(),
        }
    }
}

fn of_raw(raw: &RawCondition, holds: bool, scene: &Scene<'_>) -> Checked {
    let segments = raw.path.iter().map(ToString::to_string).collect::<Vec<_>>();
    let found = raw.found(&scene.raw).into_iter().map(Value::into_text).collect::<Vec<_>>();
    Checked {
        subject: format!("raw {}", segments.join(" ")),
        wanted: words::pattern(&raw.pattern),
        found: (!found.is_empty()).then(|| found.join(", ")),
        holds,
        note: scene.raw.json().is_none().then_some(NO_RAW),
        parts: Vec::new(),
    }
}

/// What is there: for what has a name, such as a queue, that name, with the id that is compared.
fn found(path: &Path, scene: &Scene<'_>, tested: Tested) -> Option<String> {
    let value = scene.read(path, tested)?.into_text();
    if path.field.kind.named().is_none() {
        return Some(value);
    }
    let name = scene.show(path, tested).map(|name| name.into_text());
    let name = name.filter(|name| *name != value);
    Some(name.map_or_else(|| value.clone(), |name| format!("{name} ({value})")))
}
