//! Which rules are worth testing at one element.
//!
//! Of the conditions of a rule that name values (or how a text begins or ends, or a list that has
//! it), the most telling are its key: it is tested only at elements that have one of the combinations of those values.
//! Rules with keys of the same fields are one group, and one look-up in it finds all candidates, so
//! the work grows with the groups and the candidates, not with the rules. What is telling is
//! counted: a value that few rules name is better than one that all do.
//!
//! A rule without such a condition is always a candidate. The index only spares work: whether a
//! rule holds is decided by its conditions alone.

mod group;
mod prints;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use self::group::Group;
use self::prints::{Part, Print};
use super::condition::Condition;
use super::field::{Path, Subject, Value};

/// So many combinations of values a key may have: three lists of four each. What is left out is
/// tested.
const COMBINATIONS: usize = 64;
/// So few rules a key has to leave that no list is looked up to tell them apart: a look-up at each
/// element costs more than their tests.
const FEW: usize = 16;
/// So many values a list may have that is a key all alone.
const LONGEST_LIST: usize = 1_024;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Index {
    /// What is read at each element. Paths are read once, however many of their parts are used.
    paths: Vec<(Path, Vec<(Part, usize)>)>,
    parts: usize,
    groups: Vec<Group>,
    /// Rules that are always candidates, ascending.
    open: Vec<usize>,
    /// A rule can be found by several alternatives at once.
    repeats: bool,
}

/// A condition that names its values.
#[derive(Clone, Debug)]
struct Requirement {
    part: usize,
    prints: Vec<Print>,
    /// It is in a list.
    looked_up: bool,
}

type ByPrint<T> = HashMap<Print, T, BuildHasherDefault<AsItIs>>;

/// Prints are mixed well already.
#[derive(Debug, Default)]
struct AsItIs(u64);

/// What the parts of one element are, and the candidates. Kept from one element to the next.
#[derive(Debug, Default)]
pub(super) struct Found {
    prints: Vec<Option<Print>>,
    pub(super) rules: Vec<usize>,
}

impl Index {
    /// Each rule with its number and its conditions.
    pub(super) fn new<'r>(rules: impl Iterator<Item = (usize, Vec<&'r Condition>)>) -> Index {
        let mut index = Index::default();
        let mut entries = Vec::new();
        for (rule, conditions) in rules {
            let mut ways = index.ways(&conditions);
            ways.retain(|way| way.iter().all(|one| !one.prints.is_empty()));
            index.repeats |= ways.len() > 1;
            if ways.iter().any(Vec::is_empty) {
                index.open.push(rule);
            } else {
                entries.extend(ways.into_iter().map(|way| (rule, way)));
            }
        }
        index.group(entries);
        index
    }

    /// Rules that are candidates everywhere.
    pub(super) fn open(&self) -> impl Iterator<Item = usize> {
        self.open.iter().copied()
    }

    /// The rules to test, each once; `read` gives what a path is at this element.
    pub(super) fn candidates<'a>(
        &self,
        found: &mut Found,
        mut read: impl FnMut(&Path) -> Option<Value<'a>>,
    ) {
        found.rules.clear();
        found.rules.extend(&self.open);
        found.prints.clear();
        found.prints.resize(self.parts, None);
        for (path, parts) in &self.paths {
            let Some(value) = read(path) else { continue };
            for (part, at) in parts {
                found.prints[*at] = part.of(&value);
            }
        }
        for group in &self.groups {
            let mut prints = group.parts.iter().map(|part| found.prints[*part]);
            let key = prints.try_fold(0, |key, print| Some(prints::with(key, print?)));
            let Some(key) = key else { continue };
            found.rules.extend(group.rules(key).iter().map(|rule| *rule as usize));
        }
        if self.repeats {
            found.rules.sort_unstable();
            found.rules.dedup();
        }
    }

    /// In which ways the conditions can hold: what they require in each. One way, unless nothing is
    /// required but one of several alternatives.
    fn ways(&mut self, conditions: &[&Condition]) -> Vec<Vec<Requirement>> {
        let all = self.required(conditions.iter().copied());
        if !all.is_empty() {
            return vec![all];
        }
        for condition in conditions {
            if let Condition::Any(alternatives) = condition {
                let ways: Vec<_> = alternatives.iter().map(|one| self.required(one)).collect();
                if ways.iter().all(|way| !way.is_empty()) {
                    return ways;
                }
            }
        }
        vec![Vec::new()]
    }

    fn required<'r>(
        &mut self,
        conditions: impl IntoIterator<Item = &'r Condition>,
    ) -> Vec<Requirement> {
        let fields = conditions.into_iter().filter_map(Condition::as_field);
        // Who is watched is known only when a candidate is tested.
        let fields = fields.filter(|field| field.path.subject != Subject::Watched);
        let required = fields.filter_map(|field| {
            let (part, prints) = prints::wanted(&field.pattern)?;
            let looked_up = part.is_looked_up();
            Some(Requirement { part: self.part(&field.path, part), prints, looked_up })
        });
        required.collect()
    }

    fn part(&mut self, path: &Path, part: Part) -> usize {
        let known = self.paths.iter().position(|(known, _)| known == path);
        let at = known.unwrap_or_else(|| {
            self.paths.push((path.clone(), Vec::new()));
            self.paths.len() - 1
        });
        let parts = &mut self.paths[at].1;
        if let Some((_, number)) = parts.iter().find(|(known, _)| *known == part) {
            return *number;
        }
        parts.push((part, self.parts));
        self.parts += 1;
        self.parts - 1
    }

    fn group(&mut self, entries: Vec<(usize, Vec<Requirement>)>) {
        let mut counts = ByPrint::<usize>::default();
        // Two parts' values that have one print are counted together; that only misleads the choice.
        let place = |one: &Requirement, print| prints::with(print, one.part as u64);
        for one in entries.iter().flat_map(|(_, required)| required) {
            for print in &one.prints {
                *counts.entry(place(one, *print)).or_default() += 1;
            }
        }
        let total = entries.len();
        let mut groups = HashMap::<Vec<usize>, Vec<(Print, u32)>>::new();
        for (rule, required) in entries {
            let count = |one: &Requirement, print| counts.get(&place(one, print)).copied();
            let sharing = |one: &Requirement| {
                one.prints.iter().filter_map(|print| count(one, *print)).max().unwrap_or(0)
            };
            let shared = required.into_iter().map(|one| (sharing(&one), one)).collect();
            let key = key(shared, total);
            let Ok(number) = u32::try_from(rule) else { continue };
            if key.is_empty() {
                self.open.push(rule);
                continue;
            }
            let parts = key.iter().map(|one| one.part).collect();
            let pairs = groups.entry(parts).or_default();
            each_combination(&key, 0, &mut |print| pairs.push((print, number)));
        }
        self.open.sort_unstable();
        self.open.dedup();
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        self.groups = groups.into_iter().map(|(parts, pairs)| Group::new(parts, pairs)).collect();
        self.drop_unused();
    }

    /// Forgets the parts that no key is made of, so that nobody reads them.
    fn drop_unused(&mut self) {
        let used: std::collections::BTreeSet<usize> =
            self.groups.iter().flat_map(|group| group.parts.iter().copied()).collect();
        for (_, parts) in &mut self.paths {
            parts.retain(|(_, number)| used.contains(number));
        }
        self.paths.retain(|(_, parts)| !parts.is_empty());
    }
}

/// The requirements that tell most, in the order of their parts: until hardly one other rule is left
/// that has the same, or there are too many combinations. Each comes with how many rules have its
/// commonest value.
fn key(mut required: Vec<(usize, Requirement)>, total: usize) -> Vec<Requirement> {
    required.sort_by_key(|(shared, one)| (one.looked_up, *shared, one.prints.len(), one.part));
    // Two conditions on one part: the other is tested.
    let (mut chosen, mut combinations, mut left) = (Vec::<Requirement>::new(), 1, total);
    for (shared, one) in required {
        let enough = if one.looked_up { FEW } else { 1 };
        let tells_nothing = left <= enough || shared * 2 > total;
        if !chosen.is_empty() && (tells_nothing || chosen.iter().any(|c| c.part == one.part)) {
            continue;
        }
        let most = if chosen.is_empty() { LONGEST_LIST } else { COMBINATIONS };
        if combinations * one.prints.len() > most {
            continue;
        }
        combinations *= one.prints.len();
        left = left.saturating_mul(shared) / total.max(1);
        chosen.push(one);
    }
    chosen.sort_by_key(|one| one.part);
    chosen
}

fn each_combination(key: &[Requirement], print: Print, found: &mut dyn FnMut(Print)) {
    match key.split_first() {
        None => found(print),
        Some((one, others)) => one
            .prints
            .iter()
            .for_each(|next| each_combination(others, prints::with(print, *next), found)),
    }
}

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = prints::with(self.0, u64::from(*byte));
        }
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}

#[cfg(test)]
mod tests;
