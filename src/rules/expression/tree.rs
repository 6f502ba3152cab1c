//! An expression as it is written: what it consists of, and where each part stands.

use std::ops::Range;

/// One part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    /// In bytes of the text; without the parentheses around it.
    pub(super) at: Range<usize>,
    pub(super) form: Form,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Null,
    Flag(bool),
    Whole(i64),
    Fraction(f64),
    Text(String),
    Name(String),
    /// `operand.field`
    Select(Box<Tree>, Word),
    /// `operand[index]`
    Index(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
    Negate(Box<Tree>),
    /// All of them, joined by `&&`.
    Both(Vec<Tree>),
    /// Any of them, joined by `||`.
    Either(Vec<Tree>),
    Compare(Comparison, Box<Tree>, Box<Tree>),
    In(Box<Tree>, Box<Tree>),
    Calculate(Operation, Box<Tree>, Box<Tree>),
    /// `condition ? then : else`
    Choose(Box<[Tree; 3]>),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
    /// `name(arguments)`, or `target.name(arguments)`: then the target is the first of them.
    Call {
        name: Word,
        method: bool,
        arguments: Vec<Tree>,
    },
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Comparison {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

impl Operation {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Operation::Add => "+",
            Operation::Subtract => "-",
            Operation::Multiply => "*",
            Operation::Divide => "/",
            Operation::Remainder => "%",
        }
    }
}
