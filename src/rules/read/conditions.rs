//! Reading `match`: subject → field → pattern, and what is made of several conditions.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::operators::Asked;
use super::reader::{Key, Node, Reader, called, suggestion};
use super::rule::{KEYS, Placed};
use crate::config::problem::did_you_mean;
use crate::rules::condition::{Condition, FieldCondition};
use crate::rules::field::{Kind, Of, Path, Subject};
use crate::rules::fields;
use crate::rules::raw::{RawCondition, Segment};

/// What stands beside the subjects.
const OTHERS: [&str; 5] = ["any", "some", "none", "raw", "time"];

impl Reader<'_> {
    pub(super) fn conditions(&mut self, node: &Node<'_>) -> Vec<Placed<Condition>> {
        match self.table("match", node) {
            Some(table) => self.conjunction(table),
            None => Vec::new(),
        }
    }

    fn conjunction(&mut self, table: &DeTable<'_>) -> Vec<Placed<Condition>> {
        let mut found = Vec::new();
        for (key, node) in table {
            match &**key.get_ref() {
                "any" => found.extend(self.any(key, node)),
                "some" => {
                    for conditions in self.conjunctions(key, node) {
                        found.push((Condition::Some(Arc::new(conditions)), key.span()));
                    }
                }
                "none" => {
                    for conditions in self.conjunctions(key, node) {
                        found.push((Condition::None(Arc::new(conditions)), key.span()));
                    }
                }
                "raw" => self.raw(key, node, &mut found),
                "time" => found.extend(self.match_time(node).map(|time| (time, key.span()))),
                _ => self.of_subject(key, node, &mut found),
            }
        }
        found
    }

    fn any(&mut self, key: &Key<'_>, node: &Node<'_>) -> Option<Placed<Condition>> {
        let alternatives = self.conjunctions(key, node);
        if alternatives.len() == 1 {
            let message = "one alternative alone is none";
            let help = "write its conditions without `any`, or name another";
            self.problems.warning(key.span(), message).help(help);
        }
        (!alternatives.is_empty()).then(|| (Condition::Any(Arc::new(alternatives)), key.span()))
    }

    /// The conjunctions of a list of tables.
    fn conjunctions(&mut self, key: &Key<'_>, node: &Node<'_>) -> Vec<Vec<Condition>> {
        let name = key.get_ref();
        let help = format!(
            "write match.{name} = [ {{ participant.purpose = \"agent\", participant.held = true }} ]"
        );
        let DeValue::Array(tables) = node.get_ref() else {
            let message =
                format!("`match.{name}` is a list of tables; this is {}", called(node.get_ref()));
            self.problems.error(node.span(), message).help(help);
            return Vec::new();
        };
        if tables.is_empty() {
            self.problems.error(node.span(), format!("`match.{name}` is empty")).help(&*help);
        }
        let mut all = Vec::new();
        for node in tables.iter() {
            let DeValue::Table(table) = node.get_ref() else {
                let message =
                    format!("`match.{name}` holds tables; this is {}", called(node.get_ref()));
                self.problems.error(node.span(), message).help(&*help);
                continue;
            };
            if table.is_empty() {
                let message =
                    format!("nothing is asked here, so `match.{name}` is always the same");
                self.problems.error(node.span(), message).help(&*help);
            }
            all.push(self.conjunction(table).into_iter().map(|(one, _)| one).collect());
        }
        all
    }

    fn raw(&mut self, key: &Key<'_>, node: &Node<'_>, found: &mut Vec<Placed<Condition>>) {
        let help = "write match.raw = [ { path = [\"participants\", \"*\", \"wrapupRequired\"], is = true } ]";
        let DeValue::Array(tables) = node.get_ref() else {
            let message =
                format!("`match.raw` is a list of tables; this is {}", called(node.get_ref()));
            self.problems.error(node.span(), message).help(help);
            return;
        };
        for node in tables.iter() {
            let table = node.get_ref().as_table();
            let Some((table, path)) = table.and_then(|table| Some((table, table.get("path")?)))
            else {
                let message = "a `path` is missing here";
                self.problems.error(node.span(), message).help(help);
                continue;
            };
            let Some(path) = self.segments(path) else { continue };
            let asked = Asked::raw(&path);
            if let Some(pattern) = self.operators(&asked, node, table) {
                found.push((Condition::Raw(Arc::new(RawCondition { path, pattern })), key.span()));
            }
        }
    }

    fn segments(&mut self, node: &Node<'_>) -> Option<Vec<Segment>> {
        let help = "write its segments: [\"participants\", \"*\", \"calls\", 0, \"recording\"]; \"*\" is every \
                    element";
        let segments = node.get_ref().as_array().filter(|segments| !segments.is_empty());
        let segment = |node: &Node<'_>| match node.get_ref() {
            DeValue::String(text) if text == "*" => Some(Segment::Every),
            DeValue::String(text) => Some(Segment::Key(Arc::from(&**text))),
            DeValue::Integer(number) => number.as_str().parse().ok().map(Segment::Index),
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let segments = segments.and_then(|all| all.iter().map(segment).collect::<Option<Vec<_>>>());
        if segments.is_none() {
            let message = "`path` is a list of texts and whole numbers";
            self.problems.error(node.span(), message).help(help);
        }
        segments
    }

    fn of_subject(&mut self, key: &Key<'_>, node: &Node<'_>, found: &mut Vec<Placed<Condition>>) {
        let Some(subject) = self.subject(key) else { return };
        if let DeValue::Table(table) = node.get_ref() {
            self.fields(subject, table, found);
        } else {
            let name = subject.name();
            let message =
                format!("`match.{name}` holds fields; this is {}", called(node.get_ref()));
            let field = if subject.of() == Of::Party { "purpose" } else { "direction" };
            let help = format!("say which field: match.{name}.{field} = …");
            self.problems.error(node.span(), message).help(help);
        }
    }

    fn subject(&mut self, key: &Key<'_>) -> Option<Subject> {
        let name = &**key.get_ref();
        if let Some(subject) = Subject::from_name(name) {
            return Some(subject);
        }
        if self.is_of_the_rule(name) {
            self.slipped(key, "match");
        } else {
            let message = format!("unknown subject `{name}`");
            let help = if fields::find(Of::Party, name).is_some() {
                format!("whose? write match.participant.{name}, for example")
            } else {
                let subjects = Subject::ALL.map(Subject::name);
                suggestion(name, &[&subjects[..], &OTHERS].concat())
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
                    let name = self.once.text(key.get_ref());
                    let path = Path { subject, field, key: Some(name) };
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
        if let Some(pattern) = self.pattern(&Asked::field(&path), node) {
            let condition = self.once.condition(FieldCondition { path, pattern });
            found.push((condition, key.span()));
        }
    }

    fn no_field(&mut self, subject: Subject, key: &Key<'_>, node: &Node<'_>) {
        let (name, of) = (&**key.get_ref(), subject.of());
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

    pub(super) fn is_of_the_rule(&self, name: &str) -> bool {
        KEYS.contains(&name)
    }
}
