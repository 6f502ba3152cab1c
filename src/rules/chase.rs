//! Rules that read what rules write: what one writes comes back in the next event and may make
//! another write, and so on for ever.
//!
//! Careful, not exact: a circle is told where the keys and the participants can be the same, whatever
//! the values are. The fight guard stops what turns all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::expression::Expression;
use super::field::{Path, Subject};
use super::file::Rule;
use super::meet;
use super::pattern::Pattern;
use crate::updates::wish::Write;

/// Rules in a circle, by their places in the file, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) rules: Vec<usize>,
    /// What they read of each other; of a rule alone, what it reads of itself.
    pub(super) keys: BTreeSet<Arc<str>>,
}

/// Whose attribute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Customer,
    Agent,
    Acd,
    Other,
}

/// A key of somebody: what rules write to and read from.
type Spot<'r> = (&'r Arc<str>, Whose);

/// Every circle, each rule in one at most. Rules that are not enabled are left out.
pub(super) fn circles(rules: &[&Rule]) -> Vec<Circle> {
    let graph = Graph::new(rules);
    let mut circles = Vec::new();
    for mut group in graph.groups() {
        group.sort_unstable();
        let inside: BTreeSet<usize> = group.iter().copied().collect();
        let keys = |at: &usize| {
            let written = graph.writes[*at].iter();
            written.filter(|spot| {
                let readers = graph.readers.get(*spot).into_iter().flatten();
                readers.copied().any(|reader| inside.contains(&reader))
            })
        };
        let keys: BTreeSet<Arc<str>> =
            group.iter().flat_map(keys).map(|(key, _)| Arc::clone(key)).collect();
        if !keys.is_empty() {
            circles.push(Circle { rules: group, keys });
        }
    }
    circles.sort_by(|one, other| one.rules.cmp(&other.rules));
    circles
}

/// From rules to what they write, and from there to the rules that read it.
struct Graph<'r> {
    writes: Vec<Vec<Spot<'r>>>,
    readers: BTreeMap<Spot<'r>, Vec<usize>>,
}

impl<'r> Graph<'r> {
    fn new(rules: &[&'r Rule]) -> Graph<'r> {
        let mut graph = Graph { writes: Vec::new(), readers: BTreeMap::new() };
        for (at, rule) in rules.iter().enumerate() {
            graph.writes.push(if rule.enabled { written(rule) } else { Vec::new() });
            for spot in if rule.enabled { read(rule) } else { Vec::new() } {
                let readers = graph.readers.entry(spot).or_default();
                if readers.last() != Some(&at) {
                    readers.push(at);
                }
            }
        }
        graph
    }

    fn after(&self, at: usize) -> impl Iterator<Item = usize> {
        let readers = self.writes[at].iter().filter_map(|spot| self.readers.get(spot));
        readers.flatten().copied()
    }

    /// Rules that can all be reached from each other (Tarjan's strongly connected components,
    /// without recursion).
    fn groups(&self) -> Vec<Vec<usize>> {
        let count = self.writes.len();
        let (mut number, mut low) = (vec![usize::MAX; count], vec![0; count]);
        let (mut open, mut is_open) = (Vec::new(), vec![false; count]);
        let (mut next, mut groups) = (0, Vec::new());
        for start in 0..count {
            if number[start] != usize::MAX {
                continue;
            }
            let mut path = vec![(start, self.after(start))];
            while let Some((at, after)) = path.last_mut() {
                let at = *at;
                if number[at] == usize::MAX {
                    (number[at], low[at], is_open[at]) = (next, next, true);
                    next += 1;
                    open.push(at);
                }
                if let Some(to) = after.next() {
                    if number[to] == usize::MAX {
                        path.push((to, self.after(to)));
                    } else if is_open[to] {
                        low[at] = low[at].min(number[to]);
                    }
                    continue;
                }
                path.pop();
                if let Some((before, _)) = path.last() {
                    low[*before] = low[*before].min(low[at]);
                }
                if low[at] == number[at] {
                    let first = open.iter().rposition(|one| *one == at).unwrap_or_default();
                    let group = open.split_off(first);
                    group.iter().for_each(|one| is_open[*one] = false);
                    groups.push(group);
                }
            }
        }
        groups
    }
}

/// What it writes again and again; what is written once turns nothing.
fn written(rule: &Rule) -> Vec<Spot<'_>> {
    match rule.write {
        Write::Follow | Write::Enforce => {}
        Write::First | Write::IfAbsent => return Vec::new(),
    }
    let whose = whose(meet::purposes(rule));
    rule.keys().flat_map(|key| whose.iter().map(move |one| (key, *one))).collect()
}

fn read(rule: &Rule) -> Vec<Spot<'_>> {
    let mut paths: Vec<&Path> = rule.expressions().flat_map(Expression::paths).collect();
    for condition in &rule.conditions {
        condition.each_field(&mut |field| {
            // What is there once is not absent again: that turns once.
            if field.pattern != Pattern::Exists(false) {
                paths.push(&field.path);
            }
        });
    }
    paths.extend(rule.when.iter().flat_map(Expression::paths));
    let mut spots = Vec::new();
    for path in paths {
        let Some(key) = &path.key else { continue };
        let purposes = match path.subject {
            Subject::Customer => Some(vec!["customer", "external"]),
            Subject::Agent => Some(vec!["agent", "user"]),
            Subject::Acd => Some(vec!["acd"]),
            Subject::Participant => meet::tested_purposes(rule),
            Subject::Watched | Subject::Conversation => None,
        };
        spots.extend(whose(purposes).into_iter().map(|whose| (key, whose)));
    }
    spots
}

/// Anybody's, if the purposes are not limited.
fn whose(purposes: Option<Vec<&str>>) -> Vec<Whose> {
    let Some(purposes) = purposes else {
        return vec![Whose::Customer, Whose::Agent, Whose::Acd, Whose::Other];
    };
    let of = |purpose: &str| match purpose {
        "customer" | "external" => Whose::Customer,
        "agent" | "user" => Whose::Agent,
        "acd" => Whose::Acd,
        _ => Whose::Other,
    };
    purposes.into_iter().map(of).collect::<BTreeSet<_>>().into_iter().collect()
}
