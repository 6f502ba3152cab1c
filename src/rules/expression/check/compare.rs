//! Checking comparisons: what is compared with what.

use std::sync::Arc;

use super::{Checker, Typed};
use crate::config::problem::did_you_mean;
use crate::rules::expression::mistake::Mistake;
use crate::rules::expression::node::{Node, Work};
use crate::rules::expression::tree::{Comparison, Form, Tree};
use crate::rules::expression::typing::Type;
use crate::rules::expression::value::Constant;
use crate::rules::field::Field;

impl Checker<'_> {
    pub(super) fn compare(
        &mut self,
        tree: &Tree,
        comparison: Comparison,
        one: &Tree,
        other: &Tree,
    ) -> Option<Typed> {
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        for (asked, null) in [(one, other), (other, one)] {
            if null.form == Form::Null && equality {
                let node = self.presence(asked)?;
                let work = Work::Has(Box::new(node));
                let is = comparison == Comparison::NotEqual;
                return Some((negated(Node { at: tree.at.clone(), work }, is), Type::Flag));
            }
        }
        let (first, second) = (self.node(one), self.node(other));
        let ((first, mine), (second, theirs)) = (first?, second?);
        let ordered = mine.has_order() && theirs.has_order();
        if !mine.can_equal(&theirs) || (!equality && !ordered) {
            self.not_comparable(tree, comparison, (one, &mine), (other, &theirs));
            return None;
        }
        if equality {
            self.word(&first, &second)?;
            self.word(&second, &first)?;
            let called = called(&first, &[&second]).or_else(|| called(&second, &[&first]));
            if let Some(work) = called {
                let is = comparison == Comparison::Equal;
                return Some((negated(Node { at: tree.at.clone(), work }, is), Type::Flag));
            }
        }
        let work = Work::Compare(comparison, Box::new(first), Box::new(second));
        Some((Node { at: tree.at.clone(), work }, Type::Flag))
    }

    pub(super) fn is_in(&mut self, tree: &Tree, needle: &Tree, hay: &Tree) -> Option<Typed> {
        let (first, second) = (self.node(needle), self.node(hay));
        let ((first, mine), (second, theirs)) = (first?, second?);
        let at = tree.at.clone();
        let fits = match &theirs {
            Type::List(element) => mine.can_equal(element),
            Type::Map(_) => mine == Type::Text || mine.is_open(),
            Type::Any | Type::Null => true,
            Type::Text => {
                let help = "write y.contains(x), or a list in brackets: x in [\"a\", \"b\"]";
                self.mistake(hay.at.clone(), "`in` asks a list; this is a text", help);
                return None;
            }
            Type::Flag
            | Type::Whole
            | Type::Fraction
            | Type::Time
            | Type::Duration
            | Type::Party => {
                let help = "write a list in brackets: x in [\"a\", \"b\"]";
                self.mistake(hay.at.clone(), format!("`in` asks a list; this is {theirs}"), help);
                return None;
            }
        };
        if !fits {
            let held = match &theirs {
                Type::List(element) => format!("the list holds {element}"),
                Type::Map(_)
                | Type::Any
                | Type::Null
                | Type::Text
                | Type::Flag
                | Type::Whole
                | Type::Fraction
                | Type::Time
                | Type::Duration
                | Type::Party => "the table holds texts".to_owned(),
            };
            let help = conversion(&mine, &theirs);
            self.mistake(at, format!("{mine} is never in it: {held}"), help);
            return None;
        }
        // Of what has names, several: skills, for example.
        if let Some(work) = called(&second, &[&first]) {
            return Some((Node { at, work }, Type::Flag));
        }
        let Work::List(elements) = &second.work else {
            let work = Work::In(Box::new(first), Box::new(second));
            return Some((Node { at, work }, Type::Flag));
        };
        if elements.is_empty() {
            self.mistake(hay.at.clone(), "nothing is in an empty list", "name a value");
            return None;
        }
        for element in elements {
            self.word(&first, element)?;
        }
        if let Some(work) = called(&first, &elements.iter().collect::<Vec<_>>()) {
            return Some((Node { at, work }, Type::Flag));
        }
        let constants: Option<Vec<Constant>> =
            elements.iter().map(|one| constant_of(one).cloned()).collect();
        let work = match constants {
            Some(constants) => Work::OneOf(Box::new(first), constants),
            None => Work::In(Box::new(first), Box::new(second)),
        };
        Some((Node { at, work }, Type::Flag))
    }

    fn not_comparable(
        &mut self,
        tree: &Tree,
        comparison: Comparison,
        (one, mine): (&Tree, &Type),
        (other, theirs): (&Tree, &Type),
    ) {
        let sign = comparison.sign();
        let (at, message) = if mine == theirs {
            (tree.at.clone(), format!("`{sign}` does not order {mine} and {theirs}"))
        } else {
            (tree.at.clone(), format!("`{sign}` compares {mine} with {theirs}"))
        };
        let help = match (mine, theirs) {
            (Type::List(_), _) => {
                format!("ask for an element: {} in {}", self.short(other), self.short(one))
            }
            (_, Type::List(_)) => {
                format!("ask for an element: {} in {}", self.short(one), self.short(other))
            }
            _ => conversion(mine, theirs),
        };
        self.mistake(at, message, help);
    }

    /// Checks a text that a field is compared with.
    fn word(&mut self, asked: &Node, other: &Node) -> Option<()> {
        let Some(Constant::Text(text)) = constant_of(other) else { return Some(()) };
        let Some(field) = field(asked) else { return Some(()) };
        let written = self.text[asked.at.clone()].to_owned();
        if text.is_empty() {
            let message = format!("`{written}` is never empty: what is empty counts as absent");
            let help = format!("write !has({written})");
            self.mistake(other.at.clone(), message, help);
            return None;
        }
        if !field.words.is_empty() && !field.words.contains(&&**text) {
            let message = format!("`{written}` is not known to be {text:?}");
            let help = match did_you_mean(text, field.words.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write one of: {}", field.words.join(", ")),
            };
            self.doubts.push(Mistake::new(other.at.clone(), message, help));
        }
        Some(())
    }

    fn short(&self, tree: &Tree) -> &str {
        let written = &self.text[tree.at.clone()];
        if written.len() <= 60 { written } else { "x" }
    }
}

fn negated(node: Node, is: bool) -> Node {
    if is { node } else { Node { at: node.at.clone(), work: Work::Not(Box::new(node)) } }
}

/// The field that a part reads, if it is no attribute but may have known words.
fn field(node: &Node) -> Option<&'static Field> {
    if let Work::Path(path) = &node.work {
        return Some(path.field);
    }
    if let Work::PartyField(_, field, _) = &node.work { Some(field) } else { None }
}

fn constant_of(node: &Node) -> Option<&Constant> {
    if let Work::Constant(constant) = &node.work { Some(constant) } else { None }
}

/// A comparison of something that has a name with names that are written out.
fn called(asked: &Node, names: &[&Node]) -> Option<Work> {
    let field = field(asked).filter(|field| field.kind.named().is_some())?;
    let names = names.iter().map(|name| match constant_of(name) {
        Some(Constant::Text(text)) => Some(Arc::clone(text)),
        _ => None,
    });
    let names: Vec<Arc<str>> = names.collect::<Option<_>>()?;
    if let Work::Path(path) = &asked.work {
        return Some(Work::Called(path.clone(), names));
    }
    let Work::PartyField(party, ..) = &asked.work else { return None };
    Some(Work::PartyCalled(party.clone(), field, names))
}

fn conversion(mine: &Type, theirs: &Type) -> String {
    let text = *mine == Type::Text || *theirs == Type::Text;
    let number = mine.is_number() || theirs.is_number();
    let time = *mine == Type::Time || *theirs == Type::Time;
    let duration = *mine == Type::Duration || *theirs == Type::Duration;
    let flag = *mine == Type::Flag || *theirs == Type::Flag;
    match () {
        () if duration && (text || number) => "durations are written duration(\"30s\")",
        () if time && text => "times are written timestamp(\"2026-11-20T14:00:00Z\")",
        () if text && number => {
            "attributes are texts: write int(…) around it, or the number in quotes"
        }
        () if text && flag => {
            "fields of true or false are compared without quotes, attributes with: \"true\""
        }
        () => "both sides have to be of one kind",
    }
    .to_owned()
}
