//! From what is written to what can be evaluated: every name is known, every evident type fits.
//!
//! It goes on after a mistake, so that one run tells all of them. What is evident is what follows
//! from the table of fields, from literals and from functions; what comes from `raw` shows its type
//! only when it is evaluated.

mod calls;
mod compare;
mod macros;
mod names;

use std::ops::Range;
use std::sync::Arc;

use super::mistake::Mistake;
use super::node::{Node, Work};
use super::tree::{Form, Operation, Tree};
use super::typing::Type;
use super::value::Constant;
use super::vocabulary::Vocabulary;

/// A checked part, and what is known of its value.
type Typed = (Node, Type);

pub(super) struct Checker<'v> {
    text: &'v str,
    vocabulary: &'v Vocabulary,
    /// The variables of the macros around, outermost first.
    locals: Vec<(String, Type)>,
    pub(super) mistakes: Vec<Mistake>,
    /// What is no mistake for sure.
    pub(super) doubts: Vec<Mistake>,
}

impl<'v> Checker<'v> {
    pub(super) fn new(text: &'v str, vocabulary: &'v Vocabulary) -> Checker<'v> {
        let (locals, mistakes, doubts) = (Vec::new(), Vec::new(), Vec::new());
        Checker { text, vocabulary, locals, mistakes, doubts }
    }

    /// Checks one part; `None` if something in it is wrong, which is then among the mistakes.
    pub(super) fn node(&mut self, tree: &Tree) -> Option<Typed> {
        let typed = |work, kind| Some((Node { at: tree.at.clone(), work }, kind));
        match &tree.form {
            Form::Null => typed(Work::Constant(Constant::Null), Type::Null),
            Form::Flag(flag) => typed(Work::Constant(Constant::Flag(*flag)), Type::Flag),
            Form::Whole(number) => typed(Work::Constant(Constant::Whole(*number)), Type::Whole),
            Form::Fraction(number) => {
                typed(Work::Constant(Constant::Fraction(*number)), Type::Fraction)
            }
            Form::Text(text) => {
                typed(Work::Constant(Constant::Text(Arc::from(&**text))), Type::Text)
            }
            Form::Name(_) | Form::Select(..) | Form::Index(..) => self.value(tree),
            Form::Not(operand) => {
                let operand = self.condition(operand, "`!`")?;
                typed(Work::Not(Box::new(operand)), Type::Flag)
            }
            Form::Negate(operand) => self.negate(tree, operand),
            Form::Both(parts) => typed(Work::Both(self.conditions(parts, "`&&`")?), Type::Flag),
            Form::Either(parts) => typed(Work::Either(self.conditions(parts, "`||`")?), Type::Flag),
            Form::Compare(comparison, one, other) => self.compare(tree, *comparison, one, other),
            Form::In(needle, hay) => self.is_in(tree, needle, hay),
            Form::Calculate(operation, one, other) => self.calculate(tree, *operation, one, other),
            Form::Choose(parts) => {
                let [condition, then, or_else] = &**parts;
                let condition = self.condition(condition, "`?`");
                let (then, or_else) = (self.node(then), self.node(or_else));
                let ((then, one), (or_else, other)) = (then?, or_else?);
                typed(Work::Choose(Box::new([condition?, then, or_else])), one.or(other))
            }
            Form::List(elements) => {
                let elements = self.all(elements)?;
                let kind = elements.iter().fold(Type::Null, |kind, (_, one)| kind.or(one.clone()));
                let nodes = elements.into_iter().map(|(node, _)| node).collect();
                typed(Work::List(nodes), kind.list())
            }
            Form::Map(entries) => self.map(tree, entries),
            Form::Call { name, .. } if name.text == "lookup" => self.value(tree),
            Form::Call { name, method, arguments } => self.call(tree, name, *method, arguments),
        }
    }

    /// Checks a part that has to hold or not.
    pub(super) fn condition(&mut self, tree: &Tree, asked_by: &str) -> Option<Node> {
        let (node, kind) = self.node(tree)?;
        if kind == Type::Flag || kind.is_open() {
            return Some(node);
        }
        let written = &self.text[tree.at.clone()];
        let short = if written.len() <= 60 { written } else { "…" };
        let help = if kind == Type::Text {
            format!("write has({short}), or compare it: {short} == \"true\"")
        } else {
            format!("compare it, or write has({short})")
        };
        self.mistake(
            tree.at.clone(),
            format!("{asked_by} asks for a condition; this is {kind}"),
            help,
        );
        None
    }

    fn conditions(&mut self, parts: &[Tree], asked_by: &str) -> Option<Vec<Node>> {
        // All of them are checked, even after a mistake.
        let nodes: Vec<_> = parts.iter().map(|part| self.condition(part, asked_by)).collect();
        nodes.into_iter().collect()
    }

    fn all(&mut self, trees: &[Tree]) -> Option<Vec<Typed>> {
        let nodes: Vec<_> = trees.iter().map(|tree| self.node(tree)).collect();
        nodes.into_iter().collect()
    }

    fn negate(&mut self, tree: &Tree, operand: &Tree) -> Option<Typed> {
        let (node, kind) = self.node(operand)?;
        if !(kind.is_number() || kind.is_open() || kind == Type::Duration) {
            let help = "write a number or a duration after it";
            self.mistake(tree.at.clone(), format!("`-` cannot turn {kind} round"), help);
            return None;
        }
        Some((Node { at: tree.at.clone(), work: Work::Negate(Box::new(node)) }, kind))
    }

    fn map(&mut self, tree: &Tree, entries: &[(Tree, Tree)]) -> Option<Typed> {
        let mut nodes = Vec::with_capacity(entries.len());
        let mut kind = Type::Null;
        let mut sound = true;
        for (key_tree, value) in entries {
            let (key, value) = (self.node(key_tree), self.node(value));
            let (Some((key, key_kind)), Some((value, value_kind))) = (key, value) else {
                sound = false;
                continue;
            };
            if !(key_kind.is_open() || key_kind == Type::Text) {
                let message = format!("the keys of a table are texts; this is {key_kind}");
                self.mistake(key_tree.at.clone(), message, "write it in quotes");
                sound = false;
            }
            kind = kind.or(value_kind);
            nodes.push((key, value));
        }
        let kind = if kind == Type::Null { Type::Any } else { kind };
        let node = Node { at: tree.at.clone(), work: Work::Map(nodes) };
        sound.then_some((node, Type::Map(Box::new(kind))))
    }

    fn calculate(
        &mut self,
        tree: &Tree,
        operation: Operation,
        one: &Tree,
        other: &Tree,
    ) -> Option<Typed> {
        let (first, second) = (self.node(one), self.node(other));
        let ((first, mine), (second, theirs)) = (first?, second?);
        let Some(kind) = result(operation, &mine, &theirs) else {
            let sign = operation.sign();
            let message = format!("`{sign}` does not take {mine} and {theirs}");
            let number = mine.is_number() || theirs.is_number();
            let text = mine == Type::Text || theirs == Type::Text;
            let help = if number && text && operation == Operation::Add {
                "write string(…) to join them as texts, or int(…) to add them"
            } else if number && text {
                "attributes are texts: write int(…) around it"
            } else if text && operation == Operation::Add {
                "texts are joined with texts: write string(…) around the other"
            } else {
                "numbers go with numbers, texts with texts, times with durations"
            };
            self.mistake(tree.at.clone(), message, help);
            return None;
        };
        let work = Work::Calculate(operation, Box::new(first), Box::new(second));
        Some((Node { at: tree.at.clone(), work }, kind))
    }

    fn mistake(&mut self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, message, help));
    }
}

/// What comes out of a calculation; `None` if it cannot be done.
fn result(operation: Operation, mine: &Type, theirs: &Type) -> Option<Type> {
    let number = |kind: &Type| kind.is_number() || kind.is_open();
    let numbers = || {
        if !number(mine) || !number(theirs) {
            return None;
        }
        Some(match (mine, theirs) {
            (Type::Whole, Type::Whole) => Type::Whole,
            (Type::Fraction, _) | (_, Type::Fraction) => Type::Fraction,
            _ => Type::Any,
        })
    };
    match operation {
        Operation::Add => match (mine, theirs) {
            (Type::Text, Type::Text) => Some(Type::Text),
            (Type::List(_), Type::List(_)) => Some(mine.clone().or(theirs.clone())),
            (Type::Time, Type::Duration) | (Type::Duration, Type::Time) => Some(Type::Time),
            (Type::Duration, Type::Duration) => Some(Type::Duration),
            (known @ (Type::Text | Type::Time | Type::List(_)), open)
            | (open, known @ (Type::Text | Type::Time | Type::List(_)))
                if open.is_open() =>
            {
                Some(known.clone())
            }
            (Type::Duration, open) | (open, Type::Duration) if open.is_open() => Some(Type::Any),
            _ => numbers(),
        },
        Operation::Subtract => match (mine, theirs) {
            (Type::Time, Type::Time) | (Type::Duration, Type::Duration) => Some(Type::Duration),
            (Type::Time, Type::Duration) => Some(Type::Time),
            (Type::Time | Type::Duration, open) | (open, Type::Time | Type::Duration)
                if open.is_open() =>
            {
                Some(Type::Any)
            }
            _ => numbers(),
        },
        Operation::Multiply | Operation::Divide => numbers(),
        Operation::Remainder => {
            let fraction = *mine == Type::Fraction || *theirs == Type::Fraction;
            numbers().filter(|_| !fraction)
        }
    }
}
