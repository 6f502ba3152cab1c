//! Reading one `[[rule]]`, and the `[defaults]` for all.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader, suggestion};
use crate::config::duration;
use crate::rules::condition::Condition;
use crate::rules::expression::Expression;
use crate::rules::file::{Assignment, Rule};
use crate::rules::target::Target;
use crate::rules::words::PURPOSES;
use crate::updates::wish::Write;

/// The keys of a rule.
pub(super) const KEYS: [&str; 16] = [
    "name",
    "description",
    "labels",
    "match",
    "when",
    "set",
    "clear",
    "otherwise",
    "target",
    "write",
    "mode",
    "enabled",
    "during_flow",
    "useless_after",
    "urgency",
    "max_writes_per_minute",
];

/// More than any account may make.
const MOST_WRITES: u32 = 60_000;

pub(super) const WRITES: [&str; 4] = ["follow", "first", "if-absent", "enforce"];

/// What `[defaults]` and rules share.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    pub(super) target: Target,
    pub(super) write: Write,
    pub(super) dry_run: bool,
    pub(super) max_writes_per_minute: Option<NonZeroU32>,
}

/// A rule while it is read.
#[derive(Debug)]
pub(super) struct Parts {
    name: Option<Arc<str>>,
    description: Option<String>,
    pub(super) labels: Vec<Arc<str>>,
    pub(super) conditions: Option<Vec<Placed<Condition>>>,
    pub(super) when: Option<Placed<Expression>>,
    pub(super) set: Option<Vec<Placed<Assignment>>>,
    pub(super) clear: Vec<Placed<Arc<str>>>,
    pub(super) otherwise: Vec<Placed<Assignment>>,
    pub(super) effects: Effects,
    during_flow: bool,
    enabled: bool,
    useless_after: Option<Duration>,
    urgent: bool,
}

/// A rule as read, with the places that later checks need.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) rule: Rule,
    /// Of every key that it writes.
    pub(super) keys: Vec<(Arc<str>, Range<usize>)>,
    /// Which of the files it stands in.
    pub(super) file: usize,
}

/// Something that was read, and its place.
pub(super) type Placed<T> = (T, Range<usize>);

impl Reader<'_> {
    pub(super) fn defaults(&mut self, node: &Node<'_>, defaults: &mut Effects) {
        let Some(table) = self.table("defaults", node) else { return };
        for (key, node) in table {
            if !self.effect(key, node, defaults) {
                self.unknown(
                    key,
                    "[defaults]",
                    &["target", "write", "mode", "max_writes_per_minute"],
                );
            }
        }
    }

    /// Reads a rule, even one that is wrong; `None` if it has no name to speak of it by.
    pub(super) fn rule(
        &mut self,
        place: Range<usize>,
        table: &DeTable<'_>,
        defaults: &Effects,
    ) -> Option<Draft> {
        let mut parts = Parts::new(defaults.clone());
        for (key, node) in table {
            self.part(key, node, &mut parts);
        }
        let title = parts.name.as_deref().unwrap_or("without a name");
        if !table.contains_key("name") {
            let help = "write name = \"…\"; it appears in logs and reports";
            self.problems.error(place.clone(), "this rule has no name").help(help);
        }
        if parts.set.is_none() && parts.clear.is_empty() && !table.contains_key("clear") {
            let message = format!("rule `{title}` sets nothing");
            self.problems.error(place.clone(), message).help("write set.\"key\" = \"value\"");
        }
        if parts.conditions.is_none() && !table.contains_key("when") {
            let message = format!(
                "rule `{title}` has no match: it holds for everybody in every conversation"
            );
            let help = "say whom it is for: match.participant.purpose = \"agent\"";
            self.problems.warning(place, message).help(help);
        }
        self.whole(&parts);
        parts.into_draft(self.at)
    }

    fn part(&mut self, key: &Key<'_>, node: &Node<'_>, parts: &mut Parts) {
        match &**key.get_ref() {
            "name" => parts.name = self.name(node),
            "description" => {
                parts.description = self.text("description", node).map(str::to_owned);
            }
            "labels" => {
                let labels = self.words_of("labels", node).into_iter();
                parts.labels = labels.map(|(label, _)| self.once.text(label)).collect();
            }
            "match" => parts.conditions = Some(self.conditions(node)),
            "when" => parts.when = self.when(node),
            "set" => parts.set = Some(self.assignments("set", node)),
            "otherwise" => parts.otherwise = self.assignments("otherwise", node),
            "clear" => parts.clear = self.clear(node),
            "enabled" => parts.enabled = self.flag("enabled", node).unwrap_or(true),
            "during_flow" => parts.during_flow = self.flag("during_flow", node).unwrap_or(false),
            "useless_after" => parts.useless_after = self.useless_after(node),
            "urgency" => {
                let word = self.word("urgency", node, &["normal", "high"]);
                parts.urgent = word == Some("high");
            }
            _ if self.effect(key, node, &mut parts.effects) => {}
            _ => self.unknown(key, "a rule", &KEYS),
        }
    }

    fn useless_after(&mut self, node: &Node<'_>) -> Option<Duration> {
        let text = self.text("useless_after", node)?;
        match duration::parse(text) {
            Ok(Duration::ZERO) => {
                let message = "after no time at all everything is useless";
                self.problems.error(node.span(), message).help("write for example \"30s\"");
                None
            }
            Ok(duration) => Some(duration),
            Err(error) => {
                self.problems.error(node.span(), error.to_string());
                None
            }
        }
    }

    fn name(&mut self, node: &Node<'_>) -> Option<Arc<str>> {
        let name = self.text("name", node)?;
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            let message = "a name is one line, and not empty";
            self.problems.error(node.span(), message).help("write name = \"on-hold\", for example");
            return None;
        }
        Some(self.once.text(name))
    }

    /// Reads a key that `[defaults]` and rules share; false if it is none.
    fn effect(&mut self, key: &Key<'_>, node: &Node<'_>, effects: &mut Effects) -> bool {
        match &**key.get_ref() {
            "target" => {
                if let Some(target) = self.target(node) {
                    effects.target = target;
                }
            }
            "write" => match self.word("write", node, &WRITES) {
                Some("first") => effects.write = Write::First,
                Some("if-absent") => effects.write = Write::IfAbsent,
                Some("enforce") => effects.write = Write::Enforce,
                Some(_) => effects.write = Write::Follow,
                None => {}
            },
            "mode" => {
                if let Some(mode) = self.word("mode", node, &["live", "dry-run"]) {
                    effects.dry_run = mode == "dry-run";
                }
            }
            "max_writes_per_minute" => {
                if let Some(cap) = self.writes_per_minute(node) {
                    effects.max_writes_per_minute = Some(cap);
                }
            }
            _ => return false,
        }
        true
    }

    fn writes_per_minute(&mut self, node: &Node<'_>) -> Option<NonZeroU32> {
        let DeValue::Integer(number) = node.get_ref() else {
            self.wrong_type(node, "max_writes_per_minute", "a whole number");
            return None;
        };
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let cap = number.filter(|cap| *cap <= MOST_WRITES).and_then(NonZeroU32::new);
        if cap.is_none() {
            let message = format!("a rule may make 1 to {MOST_WRITES} writes a minute");
            let help = "to write nothing: enabled = false, or mode = \"dry-run\"; \
                        to write without a cap, leave the line out";
            self.problems.error(node.span(), message).help(help);
        }
        cap
    }

    fn target(&mut self, node: &Node<'_>) -> Option<Target> {
        let word = self.text("target", node)?;
        let target = Target::from_word(word);
        if let Target::Purpose(purpose) = &target
            && !PURPOSES.contains(&&**purpose)
        {
            let known: Vec<&str> = Target::WORDS.iter().chain(PURPOSES).copied().collect();
            let message = format!("nobody is known to have the purpose {word:?}");
            self.problems.warning(node.span(), message).help(suggestion(word, &known));
        }
        Some(target)
    }
}

impl Parts {
    fn new(effects: Effects) -> Parts {
        Parts {
            name: None,
            description: None,
            labels: Vec::new(),
            conditions: None,
            when: None,
            set: None,
            clear: Vec::new(),
            otherwise: Vec::new(),
            effects,
            during_flow: false,
            enabled: true,
            useless_after: None,
            urgent: false,
        }
    }

    /// `None` if it has no name.
    fn into_draft(self, file: usize) -> Option<Draft> {
        let set = self.set.unwrap_or_default();
        let assigned = set.iter().chain(&self.otherwise);
        let keys = assigned.map(|(one, place)| (Arc::clone(&one.key), place.clone()));
        let keys = keys.chain(self.clear.iter().cloned()).collect();
        let rule = Rule {
            name: self.name?,
            description: self.description.map(String::into_boxed_str),
            labels: self.labels.into(),
            conditions: without_places(self.conditions.unwrap_or_default()),
            when: self.when.map(|(when, _)| when),
            set: without_places(set),
            clear: without_places(self.clear),
            otherwise: without_places(self.otherwise),
            target: self.effects.target,
            write: self.effects.write,
            dry_run: self.effects.dry_run,
            during_flow: self.during_flow,
            enabled: self.enabled,
            useless_after: self.useless_after,
            urgent: self.urgent,
            max_writes_per_minute: self.effects.max_writes_per_minute,
        };
        Some(Draft { rule, keys, file })
    }
}

fn without_places<T>(placed: Vec<Placed<T>>) -> Box<[T]> {
    placed.into_iter().map(|(one, _)| one).collect()
}
