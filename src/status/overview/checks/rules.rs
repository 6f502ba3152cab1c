//! The checks of the rules: whether they and their lists are what the files say, and can be evaluated.

use super::{Check, Millis, Overview, good, warning};
use crate::status::counted::counted;

/// A rule that could not be evaluated is spoken of for so long: the alert `AttributedRuleErrors`
/// looks as far back.
const LATELY: Millis = 15 * 60 * 1000;

impl Overview {
    pub(super) fn rules_in_force(&self) -> Check {
        let (name, rules) = ("rules", &self.rules);
        if let Some(problem) = &rules.problem {
            let reason =
                format!("the rules file is refused, earlier rules are in force: {problem}");
            return warning(
                name,
                reason,
                "mend it (`attributed check` shows every problem) and reload",
            );
        }
        if let Some(set) = &rules.rolled_back {
            let reason = format!("rolled back to {set}, the rules file is passed over");
            return warning(name, reason, "mend the rules file and reload");
        }
        if let Some(writes) = rules.unconfirmed_writes {
            let reason = format!("{} not made yet", counted(writes, "write"));
            return warning(
                name,
                reason,
                "look at `attributed reload --plan`, then `attributed reload --confirm`",
            );
        }
        if let Some(reason) = self.erred_lately() {
            let help = "it does not hold there; the log's `a rule could not be evaluated` quotes why, `attributed explain --live CONVERSATION --rule NAME` shows where; mend the rule and reload";
            return warning(name, reason, help);
        }
        good(name, format!("{} in force ({})", counted(rules.count, "rule"), rules.hash))
    }

    pub(super) fn lists(&self) -> Check {
        match self.rules.lists_refused.first() {
            Some((list, why)) => warning(
                "lists",
                format!("the list {list} is refused, the earlier one is in force: {why}"),
                "mend its file; `attributed reload --confirm` takes one that has shrunk",
            ),
            None => good("lists", "as their files say"),
        }
    }

    /// Of the rule that did so last.
    fn erred_lately(&self) -> Option<String> {
        let rules = &self.rules;
        let each = rules.each.iter().map(|rule| (rule.last_error_at, Some(rule)));
        let lately =
            |at: Option<Millis>| Some(at?).filter(|at| self.at.saturating_sub(*at) < LATELY);
        let all = each.chain([(rules.others_last_error_at, None)]);
        let all: Vec<_> = all.filter_map(|(at, rule)| Some((lately(at)?, rule))).collect();
        let (at, rule) = all.iter().max_by_key(|(at, _)| *at)?;
        let which = match rule {
            Some(rule) => format!("the rule {}", rule.name),
            None => "a rule that is not counted by itself".to_owned(),
        };
        let more = match all.len() - 1 {
            0 => String::new(),
            more => format!("; nor could {more} more"),
        };
        let ago = self.age(Some(*at));
        Some(format!("{which} could not be evaluated for a conversation, {ago:.0} s ago{more}"))
    }
}
