//! Which rules some case makes match.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tested;
use crate::rules::RuleFile;

/// Of one test file, or of several that test the same rules or others.
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage {
    /// The rules that run, by their file, and whether they matched.
    rules: BTreeMap<PathBuf, BTreeMap<Arc<str>, bool>>,
}

impl Coverage {
    /// Of all test files together.
    pub(super) fn of(tested: &[Tested]) -> Coverage {
        let mut all = Coverage::default();
        for (file, rules) in tested.iter().flat_map(|one| &one.coverage.rules) {
            let known = all.rules.entry(file.clone()).or_default();
            for (rule, matched) in rules {
                *known.entry(Arc::clone(rule)).or_default() |= matched;
            }
        }
        all
    }

    /// Rules that are not enabled never match, and do not count.
    pub(super) fn add_rules(&mut self, path: &Path, file: &RuleFile) {
        let rules = file.rules.iter().filter(|rule| rule.enabled);
        let rules = rules.map(|rule| (Arc::clone(&rule.name), false)).collect();
        self.rules.insert(path.to_owned(), rules);
    }

    pub(super) fn add<'m>(&mut self, matched: impl Iterator<Item = &'m Arc<str>>) {
        let matched: BTreeSet<&Arc<str>> = matched.collect();
        for (rule, known) in self.rules.values_mut().flatten() {
            *known |= matched.contains(rule);
        }
    }

    pub(super) fn total(&self) -> usize {
        self.rules.values().map(BTreeMap::len).sum()
    }

    /// Rules that no case makes match.
    pub(super) fn missing(&self) -> Vec<&str> {
        let rules = self.rules.values().flatten();
        rules.filter(|(_, matched)| !**matched).map(|(rule, _)| &**rule).collect()
    }

    /// Of whole percents, the one below.
    pub(super) fn percent(&self) -> usize {
        let covered = self.total() - self.missing().len();
        (covered * 100).checked_div(self.total()).unwrap_or(100)
    }
}
