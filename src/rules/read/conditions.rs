//! Reading `match`: subject → field → pattern.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::reader::{Key, Node, Reader, called, suggestion};
use super::rule::{KEYS, LATER, Placed};
use crate::config::problem::did_you_mean;
use crate::rules::condition::{Condition, FieldCondition};
use crate::rules::field::{Kind, Of, Path, Subject};
use crate::rules::fields;
use crate::rules::pattern::{Pattern, Scalar};

/// Subjects of the whole language that are not known yet, and what to do without them.
const LATER_SUBJECTS: [(&str, &str); 5] = [
    ("time", "leave it out, or switch the rule by `enabled`"),
    ("raw", "use the fields that `attributed check --fields` lists"),
    ("any", "write a rule for each alternative"),
    ("some", "use participant, customer, agent, acd or watched"),
    ("none", "use participant, customer, agent, acd or watched"),
];

/// Fields of the whole language that are not known yet.
const LATER_FIELDS: [&str; 2] = ["waiting", "queue_wait"];

const OPERATORS: [&str; 3] = ["not", "exists", "prefix"];

const LATER_OPERATORS: [&str; 13] = [
    "suffix",
    "contains",
    "glob",
    "regex",
    "in_list",
    "ignore_case",
    "has_any",
    "has_all",
    "cidr",
    "lt",
    "le",
    "gt",
    "ge",
];

impl Reader<'_> {
    pub(super) fn conditions(&mut self, node: &Node<'_>) -> Vec<Placed<Condition>> {
        let mut conditions = Vec::new();
        let Some(table) = self.table("match", node) else { return conditions };
        for (key, node) in table {
            let Some(subject) = self.subject(key) else { continue };
            if let DeValue::Table(table) = node.get_ref() {
                self.fields(subject, table, &mut conditions);
            } else {
                let name = subject.name();
                let message =
                    format!("`match.{name}` holds fields; this is {}", called(node.get_ref()));
                let field = if subject.of() == Of::Party { "purpose" } else { "direction" };
                let help = format!("say which field: match.{name}.{field} = …");
                self.problems.error(node.span(), message).help(help);
            }
        }
        conditions
    }

    fn subject(&mut self, key: &Key<'_>) -> Option<Subject> {
        let name = &**key.get_ref();
        if let Some(subject) = Subject::from_name(name) {
            return Some(subject);
        }
        if let Some((_, instead)) = LATER_SUBJECTS.iter().find(|(later, _)| *later == name) {
            self.later(key.span(), &format!("`match.{name}`"), instead);
        } else if self.is_of_the_rule(name) {
            self.slipped(key, "match");
        } else {
            let message = format!("unknown subject `{name}`");
            let help = if fields::find(Of::Party, name).is_some() {
                format!("whose? write match.participant.{name}, for example")
            } else {
                suggestion(name, &Subject::ALL.map(Subject::name))
            };
            self.problems.error(key.span(), message).help(help);
        }
        None
    }

    fn fields(
        &mut self,
        subject: Subject,
        table: &DeTable<'_>,
        found: &mut Vec<Placed<Condition>>,
    ) {
        for (key, node) in table {
            let name = &**key.get_ref();
            let Some(field) = fields::find(subject.of(), name) else {
                self.no_field(subject, key, node);
                continue;
            };
            if field.kind == Kind::Attributes {
                let DeValue::Table(attributes) = node.get_ref() else {
                    let message = format!("`{}.attributes` needs a name", subject.name());
                    let help = format!("write match.{}.attributes.\"name\" = …", subject.name());
                    self.problems.error(node.span(), message).help(help);
                    continue;
                };
                for (key, node) in attributes {
                    let path = Path { subject, field, key: Some(Arc::from(&**key.get_ref())) };
                    self.condition(key, path, node, found);
                }
            } else {
                self.condition(key, Path { subject, field, key: None }, node, found);
            }
        }
    }

    fn condition(
        &mut self,
        key: &Key<'_>,
        path: Path,
        node: &Node<'_>,
        found: &mut Vec<Placed<Condition>>,
    ) {
        if let Some(pattern) = self.pattern(&path, node) {
            found.push((Condition::Field(FieldCondition { path, pattern }), key.span()));
        }
    }

    fn no_field(&mut self, subject: Subject, key: &Key<'_>, node: &Node<'_>) {
        let (name, of) = (&**key.get_ref(), subject.of());
        if LATER_FIELDS.contains(&name) {
            return self.later(key.span(), &format!("`{}.{name}`", subject.name()), "leave it out");
        }
        if self.is_of_the_rule(name) && (name != "name" || of == Of::Conversation) {
            return self.slipped(key, &format!("match.{}", subject.name()));
        }
        let message = format!("`{}` has no field `{name}`", subject.name());
        let elsewhere = match of {
            Of::Conversation => fields::find(Of::Party, name).map(|_| "participant"),
            Of::Party => fields::find(Of::Conversation, name).map(|_| "conversation"),
        };
        let all: Vec<&str> = fields::names(of).collect();
        let help = if let Some(meant) = did_you_mean(name, all.iter().copied()) {
            format!("did you mean `{meant}`?")
        } else if let Some(other) = elsewhere {
            format!("that is a field of {other}: match.{other}.{name}")
        } else if of == Of::Party && node.get_ref().is_str() {
            format!(
                "is it an attribute? match.{}.attributes.{name:?}; else one of: {}",
                subject.name(),
                all.join(", ")
            )
        } else {
            format!("write one of: {}", all.join(", "))
        };
        self.problems.error(key.span(), message).help(help);
    }

    fn pattern(&mut self, path: &Path, node: &Node<'_>) -> Option<Pattern> {
        match node.get_ref() {
            DeValue::Table(operators) => self.operators(path, node, operators),
            DeValue::Array(values) => {
                if values.is_empty() {
                    let message = format!("an empty list matches nothing: `{path}`");
                    self.problems
                        .error(node.span(), message)
                        .help("name a value, or write { exists = false }");
                    return None;
                }
                let scalars: Vec<_> = values.iter().map(|value| self.scalar(path, value)).collect();
                Some(Pattern::AnyOf(scalars.into_iter().collect::<Option<_>>()?))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => Some(Pattern::AnyOf(vec![self.scalar(path, node)?])),
        }
    }

    fn operators(&mut self, path: &Path, node: &Node<'_>, table: &DeTable<'_>) -> Option<Pattern> {
        if table.is_empty() {
            let help = format!("write one of: {}", OPERATORS.join(", "));
            self.problems.error(node.span(), format!("nothing is asked of `{path}`")).help(help);
        }
        let mut patterns = Vec::new();
        for (key, node) in table {
            let pattern = match &**key.get_ref() {
                "not" => self.pattern(path, node).map(|pattern| Pattern::Not(Box::new(pattern))),
                "exists" => self.flag("exists", node).map(Pattern::Exists),
                "prefix" => self.prefix(path, key, node),
                _ => {
                    self.no_operator(path, key);
                    None
                }
            };
            patterns.push(pattern);
        }
        let mut patterns: Vec<Pattern> = patterns.into_iter().collect::<Option<_>>()?;
        match patterns.len() {
            0 => None,
            1 => patterns.pop(),
            _ => Some(Pattern::All(patterns)),
        }
    }

    fn no_operator(&mut self, path: &Path, key: &Key<'_>) {
        let name = &**key.get_ref();
        if LATER_OPERATORS.contains(&name) {
            let instead = format!("this version has: a value, a list, {}", OPERATORS.join(", "));
            return self.later(key.span(), &format!("`{name}`"), &instead);
        }
        if self.is_of_the_rule(name) {
            return self.slipped(key, &format!("match.{path}"));
        }
        let message = format!("unknown operator `{name}` for `{path}`");
        let help = match (did_you_mean(name, OPERATORS), &path.key) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(attribute)) => {
                let whole = format!("{attribute}.{name}");
                format!("names with dots stand in quotes: attributes.{whole:?}")
            }
            (None, None) => format!("write one of: {}", OPERATORS.join(", ")),
        };
        self.problems.error(key.span(), message).help(help);
    }

    fn prefix(&mut self, path: &Path, key: &Key<'_>, node: &Node<'_>) -> Option<Pattern> {
        let why = match path.field.kind {
            Kind::Text | Kind::Attributes => None,
            Kind::Queue => Some("queues compare as a whole, by id"),
            Kind::User => Some("users compare as a whole, by id"),
            Kind::Flag | Kind::Number | Kind::Time | Kind::Duration | Kind::Texts => {
                Some("it is no text")
            }
        };
        if let Some(why) = why {
            let message = format!("`{path}` cannot be asked for a prefix: {why}");
            self.problems.error(key.span(), message).help("write its value, or a list of values");
            return None;
        }
        let prefix = self.text("prefix", node)?;
        if prefix.is_empty() {
            let message = "an empty prefix";
            self.problems.error(node.span(), message).help("write { exists = true }");
            return None;
        }
        Some(Pattern::Prefix(Arc::from(prefix)))
    }

    fn scalar(&mut self, path: &Path, node: &Node<'_>) -> Option<Scalar> {
        let (kind, value) = (path.field.kind, node.get_ref());
        match (kind, value) {
            (Kind::Texts, _) => {
                let instead = "write { exists = true } or { exists = false }";
                self.later(node.span(), &format!("comparing the list `{path}`"), instead);
                None
            }
            (Kind::Text | Kind::Attributes | Kind::Queue | Kind::User, DeValue::String(text)) => {
                self.known_word(path, node, text)?;
                Some(Scalar::Text(Arc::from(&**text)))
            }
            (Kind::Flag, DeValue::Boolean(flag)) => Some(Scalar::Flag(*flag)),
            (Kind::Number, DeValue::Integer(number)) => {
                let read = i64::from_str_radix(number.as_str(), number.radix());
                if read.is_err() {
                    self.wrong_type(node, &path.to_string(), "a number of 64 bits");
                }
                read.ok().map(Scalar::Number)
            }
            _ => {
                self.no_scalar(path, node);
                None
            }
        }
    }

    fn no_scalar(&mut self, path: &Path, node: &Node<'_>) {
        let (kind, value) = (path.field.kind, node.get_ref());
        let message = format!("`{path}` is {}; this is {}", expected(kind), called(value));
        let written = self.source.get(node.span()).unwrap_or_default();
        let help = match (kind, value) {
            (_, DeValue::Array(_) | DeValue::Table(_)) => "a list holds plain values".to_owned(),
            (Kind::Flag | Kind::Number, DeValue::String(_)) => "write it without quotes".to_owned(),
            (Kind::Flag, _) => "write true or false".to_owned(),
            (Kind::Number, _) => "write a whole number, without quotes".to_owned(),
            _ => format!("write it in quotes: \"{written}\""),
        };
        self.problems.error(node.span(), message).help(help);
    }

    /// Warns of words that Genesys Cloud is not known to use.
    fn known_word(&mut self, path: &Path, node: &Node<'_>, word: &str) -> Option<()> {
        if word.is_empty() {
            let message = format!("`{path}` is never empty: what is empty counts as absent");
            self.problems.error(node.span(), message).help("write { exists = false }");
            return None;
        }
        let words = path.field.words;
        if !words.is_empty() && !words.contains(&word) {
            let message = format!("`{path}` is not known to be {word:?}");
            self.problems.warning(node.span(), message).help(suggestion(word, words));
        }
        Some(())
    }

    pub(super) fn is_of_the_rule(&self, name: &str) -> bool {
        KEYS.contains(&name) || LATER.iter().any(|(later, _)| *later == name)
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Attributes => "a text, as all attributes are",
        Kind::Text
        | Kind::Flag
        | Kind::Number
        | Kind::Time
        | Kind::Duration
        | Kind::Texts
        | Kind::Queue
        | Kind::User => kind.name(),
    }
}
