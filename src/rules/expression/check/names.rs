//! What names mean: subjects and their fields, attributes, lists, variables of macros.

use std::sync::Arc;

use super::{Checker, Typed};
use crate::config::problem::did_you_mean;
use crate::rules::expression::functions::TYPES;
use crate::rules::expression::node::{Node, Work};
use crate::rules::expression::tree::{Form, Tree, Word};
use crate::rules::expression::typing::Type;
use crate::rules::expression::value::Constant;
use crate::rules::field::{Field, Kind, Of, Path, Subject};
use crate::rules::fields;
use crate::rules::lists::columns_help;

/// Names beside the subjects.
const OTHERS: [&str; 4] = ["participants", "now", "raw", "lists"];

/// What a chain of names has come to so far.
pub(super) enum Place {
    Subject(Subject),
    Attributes(Subject),
    PartyAttributes(Node),
    Lists,
    List(Arc<str>),
    /// What `lookup` finds: list, key.
    Lookup(Arc<str>, Node),
    Value(Node, Type),
}

impl Checker<'_> {
    /// Checks a name, or a field or element of something, that has to be a value.
    pub(super) fn value(&mut self, tree: &Tree) -> Option<Typed> {
        let at = tree.at.clone();
        match self.place(tree)? {
            Place::Value(node, kind) => Some((node, kind)),
            Place::Lookup(list, key) => {
                let work = Work::Lookup { list, key: Box::new(key), column: None };
                Some((Node { at, work }, Type::Text))
            }
            Place::Subject(subject) => {
                let example = match subject.of() {
                    Of::Conversation => "media",
                    Of::Party => "number",
                };
                let help = format!("say which: {}.{example}, for example", subject.name());
                self.mistake(at, format!("a field of `{}` is missing here", subject.name()), help);
                None
            }
            Place::Attributes(_) | Place::PartyAttributes(_) => {
                let help = "write which: attributes[\"name\"]";
                self.mistake(at, "one attribute is needed, not all of them", help);
                None
            }
            Place::Lists => {
                self.mistake(at, "which list?", "write lists.NAME.column");
                None
            }
            Place::List(list) => {
                let help = format!("write lists.{list}.column");
                self.mistake(at, format!("which column of the list `{list}`?"), help);
                None
            }
        }
    }

    pub(super) fn place(&mut self, tree: &Tree) -> Option<Place> {
        if let Some(name) = self.type_name(tree) {
            let work = Work::Constant(Constant::Text(name.into()));
            return Some(Place::Value(Node { at: tree.at.clone(), work }, Type::Text));
        }
        match &tree.form {
            Form::Name(name) => self.name(tree, name),
            Form::Select(operand, word) => {
                let place = self.place(operand)?;
                self.select(tree, place, word)
            }
            Form::Index(operand, index) => {
                let place = self.place(operand)?;
                self.index(tree, place, index)
            }
            Form::Call { name, arguments, .. } if name.text == "lookup" => {
                self.lookup(name, arguments)
            }
            Form::Null
            | Form::Flag(_)
            | Form::Whole(_)
            | Form::Fraction(_)
            | Form::Text(_)
            | Form::Not(_)
            | Form::Negate(_)
            | Form::Both(_)
            | Form::Either(_)
            | Form::Compare(..)
            | Form::In(..)
            | Form::Calculate(..)
            | Form::Choose(_)
            | Form::List(_)
            | Form::Map(_)
            | Form::Call { .. } => self.node(tree).map(|(node, kind)| Place::Value(node, kind)),
        }
    }

    /// The name of a type, to which `type(…)` is compared.
    fn type_name(&self, tree: &Tree) -> Option<&'static str> {
        let is_name = matches!(tree.form, Form::Name(_) | Form::Select(..));
        let written = self.text.get(tree.at.clone()).filter(|_| is_name)?;
        let known = TYPES.into_iter().find(|name| *name == written)?;
        self.locals.iter().all(|(local, _)| local != known).then_some(known)
    }

    fn name(&mut self, tree: &Tree, name: &str) -> Option<Place> {
        let value = |work, kind| Some(Place::Value(Node { at: tree.at.clone(), work }, kind));
        let local = self.locals.iter().rposition(|(local, _)| local == name);
        if let Some(depth) = local {
            return value(Work::Local(depth), self.locals[depth].1.clone());
        }
        if let Some(subject) = Subject::from_name(name) {
            return Some(Place::Subject(subject));
        }
        match name {
            "participants" => value(Work::Participants, Type::Party.list()),
            "now" => value(Work::Now, Type::Time),
            "raw" => value(Work::Raw, Type::Any),
            "lists" => Some(Place::Lists),
            _ => {
                self.unknown(tree, name);
                None
            }
        }
    }

    fn unknown(&mut self, tree: &Tree, name: &str) {
        let locals = self.locals.iter().map(|(local, _)| local.as_str());
        let known = Subject::ALL.map(Subject::name).into_iter().chain(OTHERS).chain(locals);
        let known: Vec<&str> = known.collect();
        let before = self.text[..tree.at.start].trim_end();
        let help = if name == "time" {
            "write now; schedules are asked with match.time".to_owned()
        } else if before.ends_with('-') && before.contains("attributes.") {
            "names with dashes stand in brackets: attributes[\"case-id\"]".to_owned()
        } else if let Some(meant) = did_you_mean(name, known.iter().copied()) {
            format!("did you mean `{meant}`?")
        } else if fields::find(Of::Party, name).is_some() {
            format!("whose? write participant.{name}, for example")
        } else if fields::find(Of::Conversation, name).is_some() {
            format!("write conversation.{name}")
        } else {
            format!("texts stand in quotes: \"{name}\"; names are: {}", known.join(", "))
        };
        self.mistake(tree.at.clone(), format!("unknown name `{name}`"), help);
    }

    fn select(&mut self, tree: &Tree, place: Place, word: &Word) -> Option<Place> {
        let (at, name) = (tree.at.clone(), &*word.text);
        let value = |work, kind| Some(Place::Value(Node { at, work }, kind));
        match place {
            Place::Subject(subject) => {
                let field = self.field(subject.of(), subject.name(), word)?;
                if field.kind == Kind::Attributes {
                    return Some(Place::Attributes(subject));
                }
                value(Work::Path(Path { subject, field, key: None }), Type::of(field))
            }
            Place::Attributes(subject) => {
                let path = attribute(subject, name)?;
                value(Work::Path(path), Type::Text)
            }
            Place::PartyAttributes(party) => value(attribute_of(party, name)?, Type::Text),
            Place::Lists => self.list(word).map(Place::List),
            Place::List(list) => {
                self.column(&list, word)?;
                value(Work::Row(list, Arc::from(name)), Type::Text)
            }
            Place::Lookup(list, key) => {
                self.column(&list, word)?;
                let column = Some(Arc::from(name));
                value(Work::Lookup { list, key: Box::new(key), column }, Type::Text)
            }
            Place::Value(party, Type::Party) => {
                let field = self.field(Of::Party, "participant", word)?;
                if field.kind == Kind::Attributes {
                    return Some(Place::PartyAttributes(party));
                }
                value(Work::PartyField(Box::new(party), field, None), Type::of(field))
            }
            Place::Value(map, Type::Map(kind)) => {
                value(Work::Select(Box::new(map), Arc::from(name)), *kind)
            }
            Place::Value(open, kind) if kind.is_open() => {
                value(Work::Select(Box::new(open), Arc::from(name)), Type::Any)
            }
            Place::Value(node, kind) => {
                self.no_parts(&node, &kind, word);
                None
            }
        }
    }

    fn no_parts(&mut self, node: &Node, kind: &Type, word: &Word) {
        let name = &word.text;
        let (Work::Path(Path { key: Some(key), .. }) | Work::PartyField(_, _, Some(key))) =
            &node.work
        else {
            let help = if matches!(kind, Type::List(_)) {
                "ask its elements: list.exists(x, …), list.map(x, …), or list[0]"
            } else {
                "fields belong to conversation, participant, customer, agent, acd and watched"
            };
            self.mistake(word.at.clone(), format!("{kind} has no field `{name}`"), help);
            return;
        };
        let whole = format!("{key}.{name}");
        let help = format!("names with dots stand in brackets: attributes[{whole:?}]");
        self.mistake(word.at.clone(), "attributes have no parts", help);
    }

    fn index(&mut self, tree: &Tree, place: Place, index: &Tree) -> Option<Place> {
        if let Place::Value(node, kind) = place {
            if kind != Type::Party {
                return self.element(tree, node, kind, index);
            }
            return self.index_by_name(tree, Place::Value(node, kind), index);
        }
        self.index_by_name(tree, place, index)
    }

    fn index_by_name(&mut self, tree: &Tree, place: Place, index: &Tree) -> Option<Place> {
        if let Form::Text(text) = &index.form {
            let word = Word { text: text.clone(), at: index.at.clone() };
            return self.select(tree, place, &word);
        }
        let help = match place {
            Place::Attributes(_) | Place::PartyAttributes(_) => {
                "write attributes[\"name\"], with quotes and brackets"
            }
            Place::Subject(_)
            | Place::Lists
            | Place::List(_)
            | Place::Lookup(..)
            | Place::Value(..) => "write a name in quotes, or .name",
        };
        self.mistake(index.at.clone(), "a name is needed here, and not a value", help);
        None
    }

    /// An element of a list, or an entry of a table.
    fn element(&mut self, tree: &Tree, of: Node, kind: Type, index: &Tree) -> Option<Place> {
        let (node, index_kind) = self.node(index)?;
        let (fits, element) = match &kind {
            Type::List(element) => (index_kind == Type::Whole, (**element).clone()),
            Type::Map(element) => (index_kind == Type::Text, (**element).clone()),
            Type::Any | Type::Null => (true, Type::Any),
            Type::Flag
            | Type::Whole
            | Type::Fraction
            | Type::Text
            | Type::Time
            | Type::Duration
            | Type::Party => {
                let help = if kind == Type::Text {
                    "write x.charAt(0), or x.substring(0, 3)"
                } else {
                    "only lists and tables have elements"
                };
                self.mistake(tree.at.clone(), format!("{kind} has no elements"), help);
                return None;
            }
        };
        if !fits && !index_kind.is_open() {
            let help = "lists are asked by a number from 0, tables by a text";
            self.mistake(index.at.clone(), format!("{kind} is not asked by {index_kind}"), help);
            return None;
        }
        let work = Work::Index(Box::new(of), Box::new(node));
        Some(Place::Value(Node { at: tree.at.clone(), work }, element))
    }

    fn field(&mut self, of: Of, whose: &str, word: &Word) -> Option<&'static Field> {
        let name = &*word.text;
        if let Some(field) = fields::find(of, name) {
            return Some(field);
        }
        let elsewhere = match of {
            Of::Conversation => fields::find(Of::Party, name).map(|_| "participant"),
            Of::Party => fields::find(Of::Conversation, name).map(|_| "conversation"),
        };
        let help = if let Some(meant) = did_you_mean(name, fields::names(of)) {
            format!("did you mean `{whose}.{meant}`?")
        } else if let Some(other) = elsewhere {
            format!("that is a field of {other}: {other}.{name}")
        } else {
            format!("it has: {}", fields::names(of).collect::<Vec<_>>().join(", "))
        };
        self.mistake(word.at.clone(), format!("`{whose}` has no field `{name}`"), help);
        None
    }

    /// A list that the rules file has.
    pub(super) fn list(&mut self, word: &Word) -> Option<Arc<str>> {
        if let Some((list, _)) = self.vocabulary.list(&word.text) {
            return Some(Arc::clone(list));
        }
        let names = self.vocabulary.lists();
        let help = match did_you_mean(&word.text, names.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.clone().next().is_none() => {
                format!("write [lists.{}] with its file into the rules file", word.text)
            }
            None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        self.mistake(word.at.clone(), format!("there is no list `{}`", word.text), help);
        None
    }

    fn column(&mut self, list: &str, word: &Word) -> Option<()> {
        let (_, columns) = self.vocabulary.list(list)?;
        let Some(columns) = columns else { return Some(()) };
        if columns.iter().any(|column| **column == *word.text) {
            return Some(());
        }
        let help = columns_help(columns, &word.text);
        let message = format!("the list `{list}` has no column `{}`", word.text);
        self.mistake(word.at.clone(), message, help);
        None
    }
}

fn attribute(subject: Subject, name: &str) -> Option<Path> {
    let field = fields::find(subject.of(), "attributes")?;
    Some(Path { subject, field, key: Some(Arc::from(name)) })
}

fn attribute_of(party: Node, name: &str) -> Option<Work> {
    let field = fields::find(Of::Party, "attributes")?;
    Some(Work::PartyField(Box::new(party), field, Some(Arc::from(name))))
}
