//! Checking macros: what is asked of each element of a list.

use super::{Checker, Typed};
use crate::rules::expression::functions::SPECIAL;
use crate::rules::expression::node::{Each, How, Node, Work};
use crate::rules::expression::tree::{Form, Tree, Word};
use crate::rules::expression::typing::Type;
use crate::rules::field::Subject;

impl Checker<'_> {
    /// `list.exists(x, condition)` and its like; `map` may have a condition before its value.
    pub(super) fn each(
        &mut self,
        tree: &Tree,
        name: &Word,
        method: bool,
        arguments: &[Tree],
    ) -> Option<Typed> {
        let how = match &*name.text {
            "exists" => How::Exists,
            "all" => How::All,
            "filter" => How::Filter,
            "map" => How::Map,
            _ => How::ExistsOne,
        };
        if !method {
            let form = SPECIAL.iter().find(|(special, _)| *special == name.text);
            let form = form.map_or("", |(_, form)| form);
            let message = format!("`{}` is asked of a list", name.text);
            self.mistake(name.at.clone(), message, format!("write {form}"));
            return None;
        }
        let most = if how == How::Map { 4 } else { 3 };
        self.count(name, arguments.len(), 3..=most)?;
        let over = self.node(&arguments[0]);
        let variable = self.variable(&arguments[1], name);
        let ((over, kind), variable) = (over?, variable?);
        let element = self.element_of(&kind, &arguments[0])?;
        self.locals.push((variable, element.clone()));
        let rest = self.asked(how, name, &arguments[2..]);
        self.locals.pop();
        let (test, value) = rest?;
        let kind = match (how, &value) {
            (How::Exists | How::All | How::ExistsOne, _) => Type::Flag,
            (How::Filter, _) => element.list(),
            (How::Map, Some((_, kind))) => kind.clone().list(),
            (How::Map, None) => Type::Any.list(),
        };
        let value = value.map(|(node, _)| node);
        let work = Work::Each(Box::new(Each { how, over, test, value }));
        Some((Node { at: tree.at.clone(), work }, kind))
    }

    /// What is asked of each element, and what becomes of it.
    fn asked(
        &mut self,
        how: How,
        name: &Word,
        rest: &[Tree],
    ) -> Option<(Option<Node>, Option<Typed>)> {
        let asked_by = format!("`{}`", name.text);
        match (how, rest) {
            (How::Map, [value]) => Some((None, Some(self.node(value)?))),
            (How::Map, [test, value]) => {
                let (test, value) = (self.condition(test, &asked_by), self.node(value));
                Some((Some(test?), Some(value?)))
            }
            (_, [test, ..]) => Some((Some(self.condition(test, &asked_by)?), None)),
            (_, []) => None,
        }
    }

    fn variable(&mut self, tree: &Tree, name: &Word) -> Option<String> {
        let Form::Name(variable) = &tree.form else {
            let message = "a name for the element is needed here";
            let help = format!("write list.{}(x, …) with x in place of the element", name.text);
            self.mistake(tree.at.clone(), message, help);
            return None;
        };
        let taken = Subject::from_name(variable).is_some()
            || ["participants", "now", "raw", "lists"].contains(&&**variable);
        if taken {
            let message = format!("`{variable}` is a subject already");
            self.mistake(tree.at.clone(), message, "use another name, such as p");
            return None;
        }
        Some(variable.clone())
    }

    /// What a list holds; the keys of a table.
    fn element_of(&mut self, kind: &Type, tree: &Tree) -> Option<Type> {
        match kind {
            Type::List(element) => Some((**element).clone()),
            Type::Map(_) => Some(Type::Text),
            Type::Any | Type::Null => Some(Type::Any),
            Type::Flag
            | Type::Whole
            | Type::Fraction
            | Type::Text
            | Type::Time
            | Type::Duration
            | Type::Party => {
                let help = "ask a list: participants, participant.skills, or [\"a\", \"b\"]";
                self.mistake(tree.at.clone(), format!("{kind} has no elements"), help);
                None
            }
        }
    }
}
