//! Conditions and the tables they ask: lists put into their places, the dates of schedules filled in.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::condition::{Condition, FieldCondition};
use super::field::Path;
use super::lists::Tables;
use super::pattern::Pattern;
use super::raw::RawCondition;
use super::schedules::Schedule;
use super::time::TimeCondition;

/// The tables of one binding; each schedule is made once for all rules.
pub(super) struct Tabled<'t> {
    tables: &'t Tables,
    schedules: BTreeMap<Arc<str>, Arc<Schedule>>,
}

impl<'t> Tabled<'t> {
    pub(super) fn new(tables: &'t Tables, schedules: &[Arc<Schedule>]) -> Tabled<'t> {
        let bound = |schedule: &Arc<Schedule>| {
            (Arc::clone(&schedule.name), Arc::new(schedule.with_dates_of(tables)))
        };
        Tabled { tables, schedules: schedules.iter().map(bound).collect() }
    }

    /// The same condition, with what the tables have. What asks no table is not copied.
    pub(super) fn condition(&self, condition: Condition) -> Condition {
        match condition {
            Condition::Field(field) => {
                let bound = self
                    .pattern(&field.pattern)
                    .map(|pattern| Arc::new(FieldCondition { path: field.path.clone(), pattern }));
                Condition::Field(bound.unwrap_or(field))
            }
            Condition::Any(alternatives) => {
                Condition::Any(Arc::new(alternatives.iter().map(|all| self.all(all)).collect()))
            }
            Condition::Some(all) => Condition::Some(Arc::new(self.all(&all))),
            Condition::None(all) => Condition::None(Arc::new(self.all(&all))),
            Condition::Time(TimeCondition { schedule, open }) => {
                let bound = self.schedules.get(&schedule.name).map(Arc::clone);
                Condition::Time(TimeCondition { schedule: bound.unwrap_or(schedule), open })
            }
            Condition::Raw(raw) => {
                let bound = self
                    .pattern(&raw.pattern)
                    .map(|pattern| Arc::new(RawCondition { path: raw.path.clone(), pattern }));
                Condition::Raw(bound.unwrap_or(raw))
            }
        }
    }

    fn all(&self, conditions: &[Condition]) -> Vec<Condition> {
        conditions.iter().map(|one| self.condition(one.clone())).collect()
    }

    /// The pattern with its lists; `None` if it asks none.
    fn pattern(&self, pattern: &Pattern) -> Option<Pattern> {
        let mut asks_list = false;
        each_list(pattern, &mut |_| asks_list = true);
        asks_list.then(|| self.with_lists(pattern))
    }

    fn with_lists(&self, pattern: &Pattern) -> Pattern {
        let all = |patterns: &[Pattern]| patterns.iter().map(|one| self.with_lists(one)).collect();
        match pattern {
            Pattern::InList(list) => Pattern::InList(Box::new(list.bound(self.tables))),
            Pattern::Not(pattern) => Pattern::Not(Box::new(self.with_lists(pattern))),
            Pattern::All(patterns) => Pattern::All(all(patterns)),
            Pattern::Either(patterns) => Pattern::Either(all(patterns)),
            Pattern::AnyOf(_)
            | Pattern::Exists(_)
            | Pattern::Words(_)
            | Pattern::Cidr(_)
            | Pattern::Bound(_)
            | Pattern::HasAny(_)
            | Pattern::HasAll(_) => pattern.clone(),
        }
    }
}

/// The fields by which the row of a list is found: those of which a conjunction asks, positively,
/// that the list has them. A value that names a column of the list needs exactly one.
pub fn found_by<'c>(conditions: &'c [Condition], list: &str) -> Vec<&'c Path> {
    let mut paths = Vec::new();
    for condition in conditions {
        condition.each_tested(&mut |field| {
            if asks(&field.pattern, list) {
                paths.push(&field.path);
            }
        });
    }
    paths
}

fn asks(pattern: &Pattern, list: &str) -> bool {
    match pattern {
        Pattern::InList(in_list) => *in_list.name == *list,
        Pattern::All(patterns) | Pattern::Either(patterns) => {
            patterns.iter().any(|one| asks(one, list))
        }
        Pattern::Not(_)
        | Pattern::AnyOf(_)
        | Pattern::Exists(_)
        | Pattern::Words(_)
        | Pattern::Cidr(_)
        | Pattern::Bound(_)
        | Pattern::HasAny(_)
        | Pattern::HasAll(_) => false,
    }
}

/// A digest of what the tables that these conditions ask hold; `None` if they ask none. A rule whose
/// list was changed is a changed rule.
pub(super) fn digest(conditions: &[Condition]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let mut any = false;
    for condition in conditions {
        each(condition, &mut |asked| {
            any = true;
            match asked {
                Asked::List(pattern) => pattern.hash(&mut hasher),
                Asked::Schedule(time) => time.hash(&mut hasher),
            }
        });
    }
    any.then(|| hasher.finish())
}

/// Something that conditions look up.
enum Asked<'c> {
    List(&'c Pattern),
    Schedule(&'c TimeCondition),
}

fn each<'c>(condition: &'c Condition, found: &mut dyn FnMut(Asked<'c>)) {
    match condition {
        Condition::Time(time) => found(Asked::Schedule(time)),
        Condition::Field(field) => each_list(&field.pattern, found),
        Condition::Raw(raw) => each_list(&raw.pattern, found),
        Condition::Any(alternatives) => {
            alternatives.iter().flatten().for_each(|one| each(one, found));
        }
        Condition::Some(all) | Condition::None(all) => {
            all.iter().for_each(|one| each(one, found));
        }
    }
}

fn each_list<'c>(pattern: &'c Pattern, found: &mut dyn FnMut(Asked<'c>)) {
    match pattern {
        Pattern::InList(_) => found(Asked::List(pattern)),
        Pattern::Not(pattern) => each_list(pattern, found),
        Pattern::All(patterns) | Pattern::Either(patterns) => {
            patterns.iter().for_each(|one| each_list(one, found));
        }
        Pattern::AnyOf(_)
        | Pattern::Exists(_)
        | Pattern::Words(_)
        | Pattern::Cidr(_)
        | Pattern::Bound(_)
        | Pattern::HasAny(_)
        | Pattern::HasAll(_) => {}
    }
}
