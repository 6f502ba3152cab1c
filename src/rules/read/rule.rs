//! Reading one `[[rule]]`, and the `[defaults]` for all.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::reader::{Key, Node, Reader, suggestion};
use crate::rules::condition::Condition;
use crate::rules::field::Subject;
use crate::rules::fields::{self, PURPOSES};
use crate::rules::file::{Assignment, Rule};
use crate::rules::pattern::Scalar;
use crate::rules::target::Target;
use crate::updates::wish::Write;

/// The keys of a rule.
pub(super) const KEYS: [&str; 10] = [
    "name",
    "description",
    "match",
    "set",
    "otherwise",
    "target",
    "write",
    "mode",
    "enabled",
    "during_flow",
];

/// Keys of the whole language that are not known yet, and what to do without them.
pub(super) const LATER: [(&str, &str); 5] = [
    ("when", "say it with match, or leave the rule out"),
    ("clear", "set the key to \"\""),
    ("useless_after", "leave it out"),
    ("urgency", "leave it out"),
    ("labels", "leave them out"),
];

const WRITES: [&str; 3] = ["follow", "first", "if-absent"];

/// `[defaults]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    target: Target,
    write: Write,
    dry_run: bool,
}

/// A rule as read, with the places that later checks need.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) rule: Rule,
    /// Of every key that it writes.
    pub(super) keys: Vec<(Arc<str>, Range<usize>)>,
}

/// Something that was read, and its place.
pub(super) type Placed<T> = (T, Range<usize>);

impl Reader<'_> {
    pub(super) fn defaults(&mut self, node: &Node<'_>) -> Defaults {
        let mut defaults = Defaults::default();
        let Some(table) = self.table("defaults", node) else { return defaults };
        for (key, node) in table {
            if !self.effect(key, node, &mut defaults) {
                self.unknown(key, "[defaults]", &["target", "write", "mode"]);
            }
        }
        defaults
    }

    /// Reads a rule, even one that is wrong; `None` if it has no name to speak of it by.
    pub(super) fn rule(
        &mut self,
        place: Range<usize>,
        table: &DeTable<'_>,
        defaults: &Defaults,
    ) -> Option<Draft> {
        let mut effects = defaults.clone();
        let (mut name, mut description) = (None, None);
        let (mut conditions, mut set, mut otherwise) = (None, None, Vec::new());
        let (mut enabled, mut during_flow) = (true, false);
        for (key, node) in table {
            match &**key.get_ref() {
                "name" => name = self.name(node),
                "description" => description = self.text("description", node).map(str::to_owned),
                "match" => conditions = Some(self.conditions(node)),
                "set" => set = Some(self.assignments("set", node)),
                "otherwise" => otherwise = self.assignments("otherwise", node),
                "enabled" => enabled = self.flag("enabled", node).unwrap_or(true),
                "during_flow" => during_flow = self.flag("during_flow", node).unwrap_or(false),
                _ if self.effect(key, node, &mut effects) => {}
                other => match LATER.iter().find(|(later, _)| *later == other) {
                    Some((_, instead)) => self.later(key.span(), &format!("`{other}`"), instead),
                    None => self.unknown(key, "a rule", &KEYS),
                },
            }
        }
        let title = name.as_deref().unwrap_or("without a name");
        if !table.contains_key("name") {
            let help = "write name = \"…\"; it appears in logs and reports";
            self.problems.error(place.clone(), "this rule has no name").help(help);
        }
        if set.is_none() {
            let message = format!("rule `{title}` sets nothing");
            self.problems.error(place.clone(), message).help("write set.\"key\" = \"value\"");
        }
        if conditions.is_none() {
            let message = format!(
                "rule `{title}` has no match: it holds for everybody in every conversation"
            );
            let help = "say whom it is for: match.participant.purpose = \"agent\"";
            self.problems.warning(place, message).help(help);
        }
        let (conditions, set) = (conditions.unwrap_or_default(), set.unwrap_or_default());
        self.media(&conditions, set.iter().chain(&otherwise));
        self.otherwise(&effects, &set, &otherwise);
        let keys = set.iter().chain(&otherwise);
        let keys = keys.map(|(one, place)| (Arc::clone(&one.key), place.clone())).collect();
        let rule = Rule {
            name: name?,
            description,
            labels: Vec::new(),
            conditions: conditions.into_iter().map(|(condition, _)| condition).collect(),
            set: set.into_iter().map(|(assignment, _)| assignment).collect(),
            clear: Vec::new(),
            otherwise: otherwise.into_iter().map(|(assignment, _)| assignment).collect(),
            target: effects.target,
            write: effects.write,
            dry_run: effects.dry_run,
            during_flow,
            enabled,
            useless_after: None,
            urgent: false,
        };
        Some(Draft { rule, keys })
    }

    fn name(&mut self, node: &Node<'_>) -> Option<Arc<str>> {
        let name = self.text("name", node)?;
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            let message = "a name is one line, and not empty";
            self.problems.error(node.span(), message).help("write name = \"on-hold\", for example");
            return None;
        }
        Some(Arc::from(name))
    }

    /// Reads a key that `[defaults]` and rules share; false if it is none.
    fn effect(&mut self, key: &Key<'_>, node: &Node<'_>, effects: &mut Defaults) -> bool {
        match &**key.get_ref() {
            "target" => {
                if let Some(target) = self.target(node) {
                    effects.target = target;
                }
            }
            "write" if node.get_ref().as_str() == Some("enforce") => {
                self.later(node.span(), "`enforce`", "write one of: follow, first, if-absent");
            }
            "write" => match self.word("write", node, &WRITES) {
                Some("first") => effects.write = Write::First,
                Some("if-absent") => effects.write = Write::IfAbsent,
                Some(_) => effects.write = Write::Follow,
                None => {}
            },
            "mode" => {
                if let Some(mode) = self.word("mode", node, &["live", "dry-run"]) {
                    effects.dry_run = mode == "dry-run";
                }
            }
            _ => return false,
        }
        true
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

    /// Warns of fields that the rule's own media do not have.
    fn media<'a>(
        &mut self,
        conditions: &[Placed<Condition>],
        assignments: impl Iterator<Item = &'a Placed<Assignment>>,
    ) {
        let conditions_used =
            conditions.iter().filter_map(|(one, place)| Some((&one.as_field()?.path, place)));
        let values_used =
            assignments.flat_map(|(one, place)| one.value.paths().map(move |path| (path, place)));
        for (path, place) in conditions_used.chain(values_used) {
            let media = media_of(path.subject, conditions);
            let exists = |word: &str| path.field.media.iter().any(|m| m.word() == word);
            if path.field.media.is_empty()
                || media.is_empty()
                || media.iter().any(|word| exists(word))
            {
                continue;
            }
            let there: Vec<_> = path.field.media.iter().map(|m| m.word()).collect();
            let message = format!("`{path}` is never there: this rule is for {}", media.join(", "));
            let help = format!("it exists in {} only", there.join(", "));
            self.problems.warning(place.clone(), message).help(help);
        }
    }

    /// Checks what is written when nobody matches.
    fn otherwise(
        &mut self,
        effects: &Defaults,
        set: &[Placed<Assignment>],
        otherwise: &[Placed<Assignment>],
    ) {
        for (assignment, place) in otherwise {
            let missing = assignment.value.paths().find(|path| match path.subject {
                Subject::Participant => effects.target != Target::Participant,
                Subject::Watched => effects.target != Target::Watched,
                Subject::Conversation | Subject::Customer | Subject::Agent | Subject::Acd => false,
            });
            if let Some(path) = missing {
                let message =
                    format!("`{path}` is nobody here: `otherwise` is written when nobody matches");
                let help = "use conversation, customer, agent or acd, or a plain value";
                self.problems.error(place.clone(), message).help(help);
            }
            let same = set.iter().any(|(other, _)| other.key == assignment.key);
            if same && effects.write != Write::Follow {
                let message =
                    format!("`{}` is written once at most, so never otherwise", assignment.key);
                self.problems
                    .warning(place.clone(), message)
                    .help("write = \"follow\" writes both");
            }
        }
    }
}

/// The media to which the conditions limit a subject; empty if they do not.
fn media_of(subject: Subject, conditions: &[Placed<Condition>]) -> Vec<&str> {
    let media = fields::path(subject, "media");
    let fields = conditions.iter().filter_map(|(one, _)| one.as_field());
    let fields = fields.filter(|one| Some(&one.path) == media.as_ref());
    let words = fields.filter_map(|one| one.pattern.names()).flatten();
    let words = words.filter_map(|scalar| match scalar {
        Scalar::Text(word) => Some(&**word),
        Scalar::Flag(_) | Scalar::Number(_) => None,
    });
    words.collect()
}
