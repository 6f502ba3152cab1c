//! Reading a rules file: TOML text in, a [`RuleFile`] or every problem out.
//!
//! The only part of the rules that knows TOML. It walks the parsed document with the place of every
//! key and value, and goes on after a problem, so that one run tells the whole story. What it does
//! not know is an error, never ignored.

mod checks;
mod conditions;
mod lists;
mod operators;
mod reader;
mod rule;
mod schedules;
mod syntax;
mod values;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use self::reader::{Key, Node, Reader};
use self::rule::{Draft, Effects};
use super::chase::Circle;
use super::file::RuleFile;
use super::{chase, meet};
use crate::config::fence::AllowedKeys;
use crate::config::problem::Problem;

/// Tables of the whole language that are not known yet, and what to do without them.
const LATER: [(&str, &str); 1] = [("include", "write all rules into this file")];

/// So many warnings of one kind about one key; who writes a key in a thousand rules knows it.
const MEETINGS_SHOWN: usize = 10;

/// So many rules, and keys, of a circle are named.
const CIRCLE_SHOWN: usize = 5;

/// Reads and checks a whole file; see [`RuleFile::parse`].
pub(super) fn read(
    path: &Path,
    text: &str,
    allowed: &AllowedKeys,
) -> Result<(RuleFile, Vec<Problem>), Vec<Problem>> {
    let mut reader = Reader::new(path, text, allowed);
    let (document, errors) = DeTable::parse_recoverable(text);
    let reliable = syntax::report(&mut reader, &errors);
    let mut drafts = Vec::new();
    if reliable {
        drafts = reader.root(document.get_ref());
    }
    if reader.problems.has_errors() {
        return Err(reader.problems.into_found());
    }
    reader.meetings(&drafts);
    reader.circles(&drafts);
    reader.lists_unused();
    reader.schedules_unused();
    let rules = drafts.into_iter().map(|draft| Arc::new(draft.rule)).collect();
    let lists = reader.lists.into_iter().map(|list| list.source).collect();
    let schedules = reader.schedules.into_iter().map(|draft| draft.schedule).collect();
    Ok((RuleFile { rules, lists, schedules }, reader.problems.into_found()))
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) -> Vec<Draft> {
        let mut defaults = Effects::default();
        let mut rules = None;
        // Rules name lists, and so do schedules.
        if let Some(node) = root.get("lists") {
            self.lists(node);
        }
        if let Some(node) = root.get("schedules") {
            self.schedules(node);
        }
        for (key, node) in root {
            match &**key.get_ref() {
                "defaults" => defaults = self.defaults(node),
                "rule" => rules = Some((key, node)),
                "lists" | "schedules" => {}
                name => {
                    if let Some((_, instead)) = LATER.iter().find(|(later, _)| *later == name) {
                        self.later(key.span(), &format!("`{name}`"), instead);
                    } else if name == "rules" {
                        let message = "unknown table `rules`";
                        self.problems
                            .error(key.span(), message)
                            .help("write [[rule]] above each rule");
                    } else if rule::KEYS.contains(&name) {
                        let message = format!("`{name}` stands outside of any rule");
                        self.problems.error(key.span(), message).help("write [[rule]] above it");
                    } else {
                        self.unknown(
                            key,
                            "a rules file",
                            &["rule", "defaults", "lists", "schedules"],
                        );
                    }
                }
            }
        }
        match rules {
            Some((key, node)) => self.rules(key, node, &defaults),
            None if self.problems.has_errors() => Vec::new(),
            None => {
                let help = "write [[rule]] and what it sets";
                self.problems.warning(0..0, "there are no rules").help(help);
                Vec::new()
            }
        }
    }

    fn rules(&mut self, key: &Key<'_>, node: &Node<'_>, defaults: &Effects) -> Vec<Draft> {
        let DeValue::Array(rules) = node.get_ref() else {
            let message = "`rule` is a list of tables";
            self.problems.error(key.span(), message).help("write it with two brackets: [[rule]]");
            return Vec::new();
        };
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        let mut drafts = Vec::new();
        for node in rules.iter() {
            let Some(table) = self.table("rule", node) else { continue };
            if let Some(name) = table.get("name")
                && let Some(text) = name.get_ref().as_str()
            {
                if let Some(first) = named.get(text) {
                    let message = format!("there is already a rule named `{text}`");
                    let help =
                        format!("it is in line {}; give this one another name", self.line(*first));
                    self.problems.error(name.span(), message).help(help);
                } else {
                    named.insert(text.to_owned(), name.span().start);
                }
            }
            drafts.extend(self.rule(node.span(), table, defaults));
        }
        drafts
    }

    /// Warns of rules whose writing may change what they do.
    fn circles(&mut self, drafts: &[Draft]) {
        let rules: Vec<_> = drafts.iter().map(|draft| &draft.rule).collect();
        for Circle { rules, keys } in chase::circles(&rules) {
            let all = |texts: Vec<&str>| -> String {
                let shown: Vec<String> =
                    texts.iter().take(CIRCLE_SHOWN).map(|text| format!("`{text}`")).collect();
                let more = if texts.len() > CIRCLE_SHOWN { " and more" } else { "" };
                format!("{}{more}", shown.join(", "))
            };
            let last = rules.last().map_or(0, |last| *last);
            let written = drafts[last].keys.iter().find(|(key, _)| keys.contains(key));
            let written = written.or(drafts[last].keys.first());
            let place = written.map(|(_, place)| place.clone()).unwrap_or_default();
            let names = all(rules.iter().map(|at| &*drafts[*at].rule.name).collect());
            let keys = all(keys.iter().map(|key| &**key).collect());
            let (message, help) = if rules.len() == 1 {
                (format!("this rule both reads and writes {keys}"), "write to a key of its own")
            } else {
                let message =
                    format!("rules {names} could chase each other: they read and write {keys}");
                (message, "let one of them read other keys, or write with write = \"first\"")
            };
            let help = format!("what is written comes back in the next event; {help}");
            self.problems.warning(place, message).help(help);
        }
    }

    /// Warns where two rules can want one attribute of one participant.
    fn meetings(&mut self, drafts: &[Draft]) {
        let rules: Vec<_> = drafts.iter().map(|draft| &draft.rule).collect();
        let mut shown: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for meeting in meet::meetings(&rules) {
            let (earlier, later) = (&drafts[meeting.earlier].rule.name, &drafts[meeting.later]);
            let (key, name) = (&meeting.key, &later.rule.name);
            let place = later.keys.iter().find(|(written, _)| written == key);
            let place = place.map(|(_, place)| place.clone()).unwrap_or_default();
            let shown = shown.entry(Arc::clone(key)).or_default();
            *shown += 1;
            let message = match (*shown).cmp(&MEETINGS_SHOWN) {
                Ordering::Less => format!(
                    "rules `{earlier}` and `{name}` can both write `{key}` of one participant; \
                     then `{name}`, the later one, does"
                ),
                Ordering::Equal => format!("more rules from `{name}` on can write `{key}`, too"),
                Ordering::Greater => continue,
            };
            let help = "if that is not meant, let their matches exclude each other";
            self.problems.warning(place, message).help(help);
        }
    }
}

#[cfg(test)]
mod tests;
