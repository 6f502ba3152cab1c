//! Expressions: what patterns cannot say, in `when` and between `{{ }}`.
//!
//! The language is CEL, free of side effects and sure to end, read by the `cel` crate's parser
//! ([`syntax`]), checked against the table of fields ([`check`]) and evaluated here
//! ([`evaluate`]), directly on what a conversation has. Beside CEL it has `now`, `default`,
//! `lookup`, and some names that people expect.
//!
//! # What is absent
//!
//! One law for all (SEMANTICS 5): what is missing is null, and never an error.
//!
//! - Comparisons, `in`, `startsWith` and all that asks a question are false of it. `!=` is the
//!   negation of `==`, as `not` is in patterns: so `customer.attributes.tier != "gold"` holds where
//!   there is no tier. Where a condition is needed, null does not hold; `!` of it does.
//! - `x == null` asks whether it is absent, which is `!has(x)`. For `has`, `default` and `null` the
//!   empty text and the empty list are absent, too.
//! - Calculations with it, and functions of it, give null; its `size` is 0, and a macro finds no
//!   elements in it. A value that has it in a `{{ }}` is not written.
//! - A key that a table does not have and a place that a list does not have are absent.
//!
//! # What is bounded
//!
//! The length and nesting of what is written, the steps of an evaluation and the length of the
//! texts that it makes. What goes beyond is an [`EvaluationError`], as is a value of the wrong kind.
//! `&&`, `||`, `exists` and `all` do not mind one operand that cannot be evaluated if another
//! decides.

mod calls;
mod check;
mod evaluate;
mod flow;
mod functions;
mod interned;
mod limits;
mod mistake;
mod node;
mod operators;
mod run;
mod scan;
mod scenery;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod typing;
mod value;
mod vocabulary;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use self::interned::Interned;
pub use self::limits::Limits;
pub use self::mistake::{EvaluationError, Mistake};
pub(super) use self::scan::{Piece, Pieces};
pub use self::scenery::Scenery;
pub use self::vocabulary::Vocabulary;

use self::check::Checker;
use self::evaluate::Evaluation;
use self::node::{Node, Work};
use self::tree::Comparison;
use self::typing::Type;
use super::field::{Kind, Named, Path, Subject};
use super::pattern::Scalar;

/// A checked expression. A copy is cheap; two are equal if they are written alike.
#[derive(Clone, Debug)]
pub struct Expression {
    compiled: Arc<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    text: Arc<str>,
    node: Node,
    /// Every path that it may read, of the subjects.
    paths: Vec<Path>,
    /// Of participants that it goes through.
    others: Vec<Path>,
    doubts: Vec<Mistake>,
}

/// What an expression has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It holds or not: `when`.
    Condition,
    /// What can be written: `{{ }}`.
    Value,
}

impl Expression {
    /// Reads and checks a text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it; if it cannot be read, the first thing that keeps it from that.
    pub fn parse(
        text: &str,
        wanted: Wanted,
        vocabulary: &Vocabulary,
    ) -> Result<Expression, Vec<Mistake>> {
        let tree = syntax::read(text)?;
        let mut checker = Checker::new(text, vocabulary);
        let node = match wanted {
            Wanted::Condition => checker.condition(&tree, "`when`"),
            Wanted::Value => match checker.node(&tree) {
                Some((_, Type::Party)) => {
                    let message = "a participant cannot be written";
                    let help = "say which of its fields: participants[0].user_name";
                    checker.mistakes.push(Mistake::new(tree.at, message, help));
                    None
                }
                other => other.map(|(node, _)| node),
            },
        };
        match node {
            Some(node) if checker.mistakes.is_empty() => {
                let (paths, others) = paths(&node);
                let (text, doubts) = (Arc::from(text), checker.doubts);
                let compiled = Compiled { text, node, paths, others, doubts };
                Ok(Expression { compiled: Arc::new(compiled) })
            }
            Some(_) | None => {
                checker.mistakes.sort_by_key(|mistake| mistake.at.start);
                Err(checker.mistakes)
            }
        }
    }

    /// As it is written.
    pub fn text(&self) -> &Arc<str> {
        &self.compiled.text
    }

    /// Whether it holds; if it is absent, it does not.
    ///
    /// # Errors
    ///
    /// A value of a kind that cannot be worked with, or a limit that was reached.
    pub fn holds(&self, scenery: &dyn Scenery) -> Result<bool, EvaluationError> {
        Evaluation::new(scenery).holds(&self.compiled.node)
    }

    /// What stands on the wire for its value: a text as it is, all else in its JSON form; `None` if
    /// it is absent. Of at most 4,096 characters if it was made here.
    ///
    /// # Errors
    ///
    /// As for [`Expression::holds`].
    pub fn render(&self, scenery: &dyn Scenery) -> Result<Option<String>, EvaluationError> {
        let node = &self.compiled.node;
        let value = Evaluation::new(scenery).value(node)?;
        if value.is_null() {
            return Ok(None);
        }
        calls::string(value, node).map(|text| Some(text.into_owned()))
    }

    /// Every path that it may read. Fields of `participants` are there as those of `participant`.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.compiled.paths.iter().chain(&self.compiled.others)
    }

    /// Every path that it may read of the subjects, without those of `participants`.
    pub fn tested(&self) -> impl Iterator<Item = &Path> {
        self.compiled.paths.iter()
    }

    /// What it is compared with is not known to be a value of the field.
    pub fn doubts(&self) -> &[Mistake] {
        &self.compiled.doubts
    }

    /// Whether it reads the time. Fields that count up to it are among the [`Expression::paths`].
    pub fn uses_now(&self) -> bool {
        self.any(&|work| matches!(work, Work::Now))
    }

    /// Whether it reads the event as it was sent.
    pub fn uses_raw(&self) -> bool {
        self.any(&|work| matches!(work, Work::Raw))
    }

    /// Whether it looks at all participants.
    pub fn uses_participants(&self) -> bool {
        self.any(&|work| matches!(work, Work::Participants))
    }

    /// Every list that it asks, by `lists.NAME.column` or by `lookup`; one may come twice.
    pub fn lists(&self) -> impl Iterator<Item = &Arc<str>> {
        let mut lists = Vec::new();
        self.compiled.node.walk(&mut |node| {
            if let Work::Row(list, _) | Work::Lookup { list, .. } = &node.work {
                lists.push(list);
            }
        });
        lists.into_iter()
    }

    /// The lists whose row has to be found by the rule's `in_list`, and where they are named.
    pub fn rows(&self) -> impl Iterator<Item = (&Arc<str>, std::ops::Range<usize>)> {
        let mut rows = Vec::new();
        self.compiled.node.walk(&mut |node| {
            if let Work::Row(list, _) = &node.work {
                rows.push((list, node.at.clone()));
            }
        });
        rows.into_iter()
    }

    /// Every column that it takes of a list, and where.
    pub fn columns(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, std::ops::Range<usize>)> {
        let mut columns = Vec::new();
        self.compiled.node.walk(&mut |node| {
            if let Work::Row(list, column) | Work::Lookup { list, column: Some(column), .. } =
                &node.work
            {
                columns.push((list, column, node.at.clone()));
            }
        });
        columns.into_iter()
    }

    /// Names that the directory has to resolve: what is called so, and the name.
    pub fn names(&self) -> impl Iterator<Item = (Named, &Arc<str>)> {
        let mut found = Vec::new();
        self.compiled.node.walk(&mut |node| {
            if let Work::Called(Path { field, .. }, names) | Work::PartyCalled(_, field, names) =
                &node.work
            {
                let named = field.kind.named();
                found.extend(names.iter().filter_map(|name| Some((named?, name))));
            }
        });
        found.into_iter()
    }

    /// Conditions that follow from it: wherever it holds, each of these paths has one of its values.
    /// They are the parts joined by `&&` that compare a field with what is written out, and there
    /// may be more that follows.
    pub fn conjuncts(&self) -> Vec<(Path, Vec<Scalar>)> {
        let node = &self.compiled.node;
        let parts =
            if let Work::Both(parts) = &node.work { parts } else { std::slice::from_ref(node) };
        parts.iter().filter_map(conjunct).collect()
    }

    fn any(&self, is: &dyn Fn(&Work) -> bool) -> bool {
        let mut any = false;
        self.compiled.node.walk(&mut |node| any |= is(&node.work));
        any
    }
}

/// A comparison of a field with values that are written out.
fn conjunct(node: &Node) -> Option<(Path, Vec<Scalar>)> {
    if let Work::Path(path) = &node.work {
        return (path.field.kind == Kind::Flag).then(|| (path.clone(), vec![Scalar::Flag(true)]));
    }
    let (path, scalars) = if let Work::OneOf(needle, constants) = &node.work {
        let Work::Path(path) = &needle.work else { return None };
        (path, constants.iter().map(value::Constant::scalar).collect::<Option<_>>()?)
    } else if let Work::Compare(Comparison::Equal, one, other) = &node.work {
        let ((Work::Path(path), Work::Constant(constant))
        | (Work::Constant(constant), Work::Path(path))) = (&one.work, &other.work)
        else {
            return None;
        };
        (path, vec![constant.scalar()?])
    } else {
        return None;
    };
    // What is shown of these is not what a condition compares.
    path.field.kind.named().is_none().then(|| (path.clone(), scalars))
}

/// The paths of subjects that are read, and those of participants that are gone through.
fn paths(node: &Node) -> (Vec<Path>, Vec<Path>) {
    let (mut paths, mut others) = (Vec::new(), Vec::new());
    node.walk(&mut |node| {
        let of = |field, key: &Option<Arc<str>>| Path {
            subject: Subject::Participant,
            field,
            key: key.clone(),
        };
        let (path, among) = if let Work::Path(path) | Work::Called(path, _) = &node.work {
            (path.clone(), &mut paths)
        } else if let Work::PartyField(_, field, key) = &node.work {
            (of(*field, key), &mut others)
        } else if let Work::PartyCalled(_, field, _) = &node.work {
            (of(*field, &None), &mut others)
        } else {
            return;
        };
        if !among.contains(&path) {
            among.push(path);
        }
    });
    (paths, others)
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.compiled.text == other.compiled.text
    }
}

impl Eq for Expression {}

impl Hash for Expression {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.compiled.text.hash(state);
    }
}
