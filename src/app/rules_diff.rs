//! What was done to the rules between two files, by name. Pure.

use std::collections::BTreeMap;

use crate::rules::RuleFile;
use crate::status::control::answer::RulesDiff;

/// Names in one field of a log line; the others are counted.
const NAMED: usize = 20;

/// A rule is changed if it does something else than before; its description does not count.
pub(super) fn diff(before: &RuleFile, after: &RuleFile) -> RulesDiff {
    let by_name = |file: &RuleFile| -> BTreeMap<String, u64> {
        file.rules.iter().map(|rule| (rule.name.to_string(), rule.hash())).collect()
    };
    let (old, new) = (by_name(before), by_name(after));
    let names = |file: &RuleFile, in_other: &BTreeMap<String, u64>| -> Vec<String> {
        let names = file.rules.iter().map(|rule| rule.name.to_string());
        names.filter(|name| in_other.contains_key(name)).collect()
    };
    let missing = |file: &RuleFile, in_other: &BTreeMap<String, u64>| -> Vec<String> {
        let names = file.rules.iter().map(|rule| rule.name.to_string());
        names.filter(|name| !in_other.contains_key(name)).collect()
    };
    let kept = names(after, &old);
    RulesDiff {
        added: missing(after, &old),
        changed: kept.iter().filter(|name| old[*name] != new[*name]).cloned().collect(),
        removed: missing(before, &new),
        reordered: names(before, &new) != kept,
    }
}

/// For a field of the log.
pub(super) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(" ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::fence::AllowedKeys;

    /// `name=value`, one word for each rule.
    fn file(script: &str) -> RuleFile {
        let rule = |word: &str| {
            let (name, value) = word.split_once('=').unwrap();
            format!(
                "[[rule]]\nname = \"{name}\"\nmatch.participant.held = true\nset.a = \"{value}\"\n"
            )
        };
        let text: String = script.split_whitespace().map(rule).collect();
        RuleFile::parse(Path::new("rules.toml"), &text, &AllowedKeys::all()).unwrap().0
    }

    #[test]
    fn rules_are_added_changed_removed_and_moved() {
        for (before, after, expected) in [
            ("a=1 b=1", "a=1 b=1", "+ ~ - false"),
            ("a=1 b=1", "c=1 a=1 b=2", "+c ~b - false"),
            ("a=1 b=1 c=1", "c=1 a=1", "+ ~ -b true"),
            ("a=1", "b=1", "+b ~ -a false"),
        ] {
            let RulesDiff { added, changed, removed, reordered } =
                diff(&file(before), &file(after));
            let (added, changed, removed) = (listed(&added), listed(&changed), listed(&removed));
            let got = format!("+{added} ~{changed} -{removed} {reordered}");
            assert_eq!(got, expected, "{before} to {after}");
        }
    }

    #[test]
    fn the_log_names_some() {
        let names: Vec<String> = (0..23).map(|n| format!("r{n}")).collect();
        assert!(listed(&names).ends_with("r18 r19 and 3 more"));
    }
}
