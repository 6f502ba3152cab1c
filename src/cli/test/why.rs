//! Why something is not as a case expects: the rules in question, explained. Pure.

use std::collections::BTreeSet;

use super::play::Played;
use crate::app::rehearsal::{PastLook, Wrote};
use crate::rules::explain::{Explained, Fate};
use crate::rules::file::Rule;

/// Rules explained below one failure: more hide what failed. Those that hold go first.
const EXPLAINED: usize = 3;

/// Which rules a failure is about.
pub(super) enum Question {
    Rules(BTreeSet<String>),
    /// Those that set, clear or reset this key.
    Key(String),
}

impl Question {
    pub(super) fn of<'r>(rules: impl IntoIterator<Item = &'r str>) -> Question {
        Question::Rules(rules.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn of_key(key: &str) -> Question {
        Question::Key(key.to_owned())
    }

    /// Each rule in the newest of these steps in which it did anything: where it wrote, else where it
    /// first held. One that did nothing, at the end of them.
    pub(super) fn answer(&self, steps: &[Played]) -> Vec<Explained> {
        let Some(last) = steps.iter().rev().find_map(|step| step.came.looks.last()) else {
            return Vec::new();
        };
        let mut explained: Vec<Explained> = last
            .explain(&|rule| self.is_about(rule))
            .into_iter()
            .map(|at_end| {
                let name = &at_end.rule.name;
                let active =
                    active_at(steps, name).map(|look| look.explain(&|one| one.name == *name));
                active.and_then(|explained| explained.into_iter().next()).unwrap_or(at_end)
            })
            .collect();
        explained.sort_by_key(|one| !one.holds());
        explained.truncate(EXPLAINED);
        explained
    }

    fn is_about(&self, rule: &Rule) -> bool {
        match self {
            Question::Rules(names) => names.contains(&*rule.name),
            Question::Key(key) => {
                let assigned = rule.set.iter().chain(&rule.otherwise).map(|one| &one.key);
                assigned.chain(&rule.clear).any(|written| **written == **key)
            }
        }
    }
}

fn active_at<'p>(steps: &'p [Played], rule: &str) -> Option<&'p PastLook> {
    steps.iter().rev().find_map(|step| {
        let mut looks = step.came.looks.iter();
        let wrote = looks.find(|look| look.wrote(rule));
        wrote.or_else(|| step.came.looks.iter().find(|look| look.held(rule)))
    })
}

/// What an explanation alone would have written, and was left as somebody else has it.
pub(super) fn left_alone(
    explained: &[Explained],
    wrote: &[&Wrote],
    waiting: &BTreeSet<&str>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for Explained { rule, effects, .. } in explained {
        let wished = effects.iter().filter(|effect| effect.fate == Fate::Written);
        for effect in wished {
            if !waiting.contains(&*effect.key)
                && !wrote.iter().any(|one| one.rule == rule.name && one.key == effect.key)
            {
                notes.push(format!(
                    "`{}` was not written again by {}: somebody else has set it since, or \
                     `write = \"first\"` is done once",
                    effect.key, rule.name
                ));
            }
        }
    }
    notes
}
