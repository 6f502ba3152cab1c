//! Rules with all that they need to be looked with: names resolved, lists and schedules at hand, and
//! an index over what they ask.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::condition::{Condition, FieldCondition};
use super::expression::Expression;
use super::field::Path;
use super::file::Rule;
use super::index::Index;
use super::lists::Tables;
use super::pattern::{Pattern, Scalar};
use super::shared::{Conditions, Places};
use super::{tabled, time};
use crate::genesys::names::Names;

/// Rules ready to use: enabled, with names resolved, and indexed. Immutable.
#[derive(Debug)]
pub struct Rules {
    pub(super) rules: Vec<Bound>,
    /// Of all rules, with ids in place of names.
    pub(super) conditions: Conditions,
    pub(super) index: Index,
    /// Of the rules that look at what has ended.
    pub(super) of_ended: Index,
    /// Those that write something when they no longer hold.
    pub(super) with_otherwise: HashMap<Arc<str>, usize>,
    pub(super) names: Arc<Names>,
    pub(super) tables: Tables,
    pub(super) hash: u64,
    /// The digest of each.
    pub(super) in_force: Arc<BTreeSet<u64>>,
}

/// Lists, each with the field by which its row is found.
type Rows = Box<[(Arc<str>, Path)]>;

#[derive(Debug)]
pub(super) struct Bound {
    pub(super) rule: Arc<Rule>,
    pub(super) digest: u64,
    pub(super) conditions: Places,
    pub(super) looks_at_ended: bool,
    /// Whether it holds depends on the event as it was sent.
    pub(super) asks_raw: bool,
    /// Its conditions, if time alone can change what they say.
    pub(super) changes_with_time: Option<Box<[Condition]>>,
    pub(super) speaks_of_watched: bool,
    /// Where it finds the rows of the lists of which it takes columns.
    pub(super) rows: Rows,
}

impl Rules {
    /// Rules with their conditions bound, in the order of the file.
    pub(super) fn new(
        bound: Vec<(Arc<Rule>, Vec<Condition>)>,
        names: Arc<Names>,
        tables: &Tables,
        hash: u64,
    ) -> Rules {
        let looks_at_ended: Vec<bool> = bound.iter().map(|(r, _)| r.looks_at_ended()).collect();
        let compared: Vec<Vec<Condition>> = bound.iter().map(|(rule, _)| compared(rule)).collect();
        // What has to be so wherever a rule holds, as far as the index can make use of it.
        let required = bound.iter().zip(&compared);
        let required =
            required.map(|((_, conditions), compared)| conditions.iter().chain(compared));
        let each = || required.clone().map(Iterator::collect).enumerate();
        let index = Index::new(each());
        let of_ended = Index::new(each().filter(|(at, _)| looks_at_ended[*at]));
        let known: Vec<(u64, Rows)> =
            bound.iter().map(|(rule, all)| (digest(rule, all, tables), rows(rule, all))).collect();
        let timed = |(rule, all): &(Arc<Rule>, Vec<Condition>)| timed(rule, all);
        let timed: Vec<_> = bound.iter().map(timed).collect();
        let (rules, conditions): (Vec<Arc<Rule>>, _) = bound.into_iter().unzip();
        let (conditions, places) = Conditions::new(conditions);
        let bound = rules.into_iter().zip(known).zip(places).zip(timed).zip(looks_at_ended);
        let bound =
            bound.map(|((((rule, (digest, rows)), conditions), timed), looks_at_ended)| Bound {
                looks_at_ended,
                asks_raw: rule.asks_raw(),
                changes_with_time: timed,
                speaks_of_watched: rule.speaks_of_watched(),
                digest,
                rows,
                rule,
                conditions,
            });
        let rules: Vec<Bound> = bound.collect();
        let with_otherwise = rules.iter().map(|bound| &bound.rule).enumerate();
        let with_otherwise = with_otherwise
            .filter(|(_, rule)| !rule.otherwise.is_empty())
            .map(|(at, rule)| (Arc::clone(&rule.name), at))
            .collect();
        let in_force = Arc::new(rules.iter().map(|bound| bound.digest).collect());
        let hash = tables.digest(hash);
        let tables = tables.clone();
        Rules { rules, conditions, index, of_ended, with_otherwise, names, tables, hash, in_force }
    }

    /// The digest of the file they are made from.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The digest of each rule that is run. A rule that others replace is not among them any more,
    /// one that is unchanged is.
    pub fn in_force(&self) -> &Arc<BTreeSet<u64>> {
        &self.in_force
    }

    /// How many rules are run: those that are enabled.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules are called, in the order of the file.
    pub fn rule_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.iter().map(|bound| &bound.rule.name)
    }

    /// In the order of the file.
    pub(super) fn bound(&self) -> &[Bound] {
        &self.rules
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(super) fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The rules that are tested at every element, because none of their conditions names the
    /// values of a field or how it begins or ends. Hundreds of them are felt.
    pub fn unindexed(&self) -> impl Iterator<Item = &Arc<str>> {
        self.index.open().filter_map(|rule| Some(&self.rules.get(rule)?.rule.name))
    }
}

/// The conditions of a rule that time alone can change: its own, and what has to be reached for
/// `when` to change. `None` for other rules.
fn timed(rule: &Rule, conditions: &[Condition]) -> Option<Box<[Condition]>> {
    let reached = rule.when.iter().flat_map(|when| when.limits().reached);
    let reached = reached.map(|(path, limit)| {
        let pattern = Pattern::AnyOf(vec![Scalar::Duration(limit)]);
        Condition::Field(Arc::new(FieldCondition { path, pattern }))
    });
    let reached: Vec<Condition> = reached.collect();
    (time::change_with_time(conditions) || !reached.is_empty())
        .then(|| conditions.iter().cloned().chain(reached).collect())
}

/// A digest of what a rule does, with all that it looks up: a rule whose list was changed is a
/// changed rule.
fn digest(rule: &Rule, conditions: &[Condition], tables: &Tables) -> u64 {
    let lists = rule.expressions().flat_map(Expression::lists);
    let lists = lists.filter_map(|list| tables.list(list)).map(|list| list.hash());
    lists
        .chain(tabled::digest(conditions))
        .fold(rule.hash(), |digest, one| digest.rotate_left(1) ^ one)
}

/// What the rule's `when` compares with plain values.
fn compared(rule: &Rule) -> Vec<Condition> {
    let conjuncts = rule.when.iter().flat_map(Expression::conjuncts);
    // Queues and users compare by name there, and by id in a pattern.
    let plain = conjuncts.filter(|(path, _)| path.field.kind.named().is_none());
    let compared = plain.map(|(path, scalars)| {
        Condition::Field(Arc::new(FieldCondition { path, pattern: Pattern::AnyOf(scalars) }))
    });
    compared.collect()
}

/// Where the rows are found of which the rule's expressions take columns: by the rule's own `in_list`.
fn rows(rule: &Rule, conditions: &[Condition]) -> Rows {
    let mut rows = Vec::new();
    for (list, _) in rule.expressions().flat_map(Expression::rows) {
        let path = tabled::found_by(conditions, list).first().map(|path| (*path).clone());
        if let Some(path) =
            path.filter(|_| rows.iter().all(|(known, _): &(Arc<str>, Path)| known != list))
        {
            rows.push((Arc::clone(list), path));
        }
    }
    rows.into()
}
