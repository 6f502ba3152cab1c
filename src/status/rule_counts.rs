//! What is counted by rule.
//!
//! Bounded: rules beyond `monitoring.rule_series` are counted together, in the order of the file, so
//! that no rules file makes a scrape without end. Counts of a rule that stays outlive a reload.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::counts::Count;
use super::overview::Millis;

/// What became of one rule.
#[derive(Debug, Default)]
pub struct RuleCount {
    /// Looks at which it held.
    pub matches: Count,
    pub errors: Count,
    /// Keys that were accepted.
    pub written: Count,
    /// Keys that became dead letters.
    pub failed: Count,
    /// Nanoseconds that its conditions and values took, as far as that was measured.
    pub evaluation: Count,
    /// Milliseconds since 1970; 0 is never.
    pub last_match_at: Count,
    /// The same.
    pub last_error_at: Count,
}

/// The rules in force that have counts of their own.
#[derive(Debug, Default)]
pub struct Table {
    /// In the order of the file.
    pub rules: Vec<(Arc<str>, bool, Arc<RuleCount>)>,
    by_name: HashMap<Arc<str>, Arc<RuleCount>>,
    /// Of all others.
    pub others: Arc<RuleCount>,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct RuleCounts(RwLock<Arc<Table>>);

impl RuleCounts {
    /// These rules are in force now; `true` for one in dry run. The first `limit` are counted each.
    pub fn in_force(&self, rules: impl Iterator<Item = (Arc<str>, bool)>, limit: usize) {
        let before = self.table();
        let mut table = Table { others: Arc::clone(&before.others), ..Table::default() };
        for (name, dry_run) in rules.take(limit) {
            let count = before.by_name.get(&name).map_or_else(Arc::default, Arc::clone);
            table.by_name.insert(Arc::clone(&name), Arc::clone(&count));
            table.rules.push((name, dry_run, count));
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
    }

    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    pub fn of(&self, rule: &str) -> &RuleCount {
        self.by_name.get(rule).unwrap_or(&self.others)
    }
}

impl RuleCount {
    pub fn matched(&self, at: Millis) {
        self.matches.add(1);
        self.last_match_at.set(u64::try_from(at).unwrap_or_default());
    }

    /// It could not be evaluated.
    pub fn erred(&self, at: Millis) {
        self.errors.add(1);
        self.last_error_at.set(u64::try_from(at).unwrap_or_default());
    }

    /// Its part of a look took so long, which stands for so many looks.
    pub fn evaluated(&self, took: Duration, looks: u64) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.evaluation.add(nanoseconds.saturating_mul(looks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(names: &[&str]) -> impl Iterator<Item = (Arc<str>, bool)> {
        names.iter().map(|name| (Arc::from(*name), false)).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn counts_outlive_a_reload_and_are_bounded() {
        let counts = RuleCounts::default();
        counts.in_force(rules(&["one", "two", "three"]), 2);
        for rule in ["one", "one", "two", "three", "four"] {
            counts.table().of(rule).matched(7);
        }
        let matches = |counts: &RuleCounts| {
            let table = counts.table();
            let each = table.rules.iter().map(|(name, _, it)| (name.to_string(), it.matches.get()));
            (each.collect::<Vec<_>>(), table.others.matches.get())
        };
        let named = |each: &[(&str, u64)]| -> Vec<(String, u64)> {
            each.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        assert_eq!(matches(&counts), (named(&[("one", 2), ("two", 1)]), 2));
        counts.in_force(rules(&["new", "one"]), 2);
        assert_eq!(matches(&counts), (named(&[("new", 0), ("one", 2)]), 2));
    }
}
