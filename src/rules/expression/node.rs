//! An expression after it was checked: names are resolved, constants made, patterns compiled.

use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;

use super::functions::Function;
use super::tree::{Comparison, Operation};
use super::value::Constant;
use crate::rules::field::{Field, Path};

/// One part, and where it stands in the text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) work: Work,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    Constant(Constant),
    Path(Path),
    /// Whether what the path says is called by one of these names.
    Called(Path, Vec<Arc<str>>),
    /// A variable of a macro, by the depth at which it was made.
    Local(usize),
    /// A field of a participant that was computed.
    PartyField(Box<Node>, &'static Field, Option<Arc<str>>),
    PartyCalled(Box<Node>, &'static Field, Vec<Arc<str>>),
    Now,
    Raw,
    Participants,
    /// The row that `in_list` found: list, column.
    Row(Arc<str>, Arc<str>),
    Lookup {
        list: Arc<str>,
        key: Box<Node>,
        column: Option<Arc<str>>,
    },
    Select(Box<Node>, Arc<str>),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Both(Vec<Node>),
    Either(Vec<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    /// Equal to one of these.
    OneOf(Box<Node>, Vec<Constant>),
    Calculate(Operation, Box<Node>, Box<Node>),
    Choose(Box<[Node; 3]>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Has(Box<Node>),
    Default(Box<Node>, Box<Node>),
    Matches(Box<Node>, Regex),
    Each(Box<Each>),
    Call(Function, Vec<Node>),
    /// A function of a time, in a zone.
    Clock(Function, Box<Node>, TimeZone),
}

/// A macro: something is asked of each element of a list.
#[derive(Clone, Debug)]
pub(super) struct Each {
    pub(super) how: How,
    pub(super) over: Node,
    /// What is asked of the element; for `map` with two arguments, always true.
    pub(super) test: Option<Node>,
    /// What becomes of it, for `map`.
    pub(super) value: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Exists,
    All,
    ExistsOne,
    Filter,
    Map,
}

impl Node {
    /// Every part of it, itself included, in the order of the text as far as it matters.
    pub(super) fn walk<'n>(&'n self, visit: &mut dyn FnMut(&'n Node)) {
        visit(self);
        let mut each = |nodes: &[&'n Node]| nodes.iter().for_each(|node| node.walk(visit));
        match &self.work {
            Work::Constant(_)
            | Work::Path(_)
            | Work::Called(..)
            | Work::Local(_)
            | Work::Now
            | Work::Raw
            | Work::Participants
            | Work::Row(..) => {}
            Work::PartyField(node, ..)
            | Work::PartyCalled(node, ..)
            | Work::Lookup { key: node, .. }
            | Work::Select(node, _)
            | Work::Not(node)
            | Work::Negate(node)
            | Work::OneOf(node, _)
            | Work::Has(node)
            | Work::Matches(node, _)
            | Work::Clock(_, node, _) => each(&[node]),
            Work::Index(one, other)
            | Work::Compare(_, one, other)
            | Work::In(one, other)
            | Work::Calculate(_, one, other)
            | Work::Default(one, other) => each(&[one, other]),
            Work::Both(nodes) | Work::Either(nodes) | Work::List(nodes) | Work::Call(_, nodes) => {
                nodes.iter().for_each(|node| node.walk(visit));
            }
            Work::Choose(nodes) => nodes.iter().for_each(|node| node.walk(visit)),
            Work::Map(entries) => entries.iter().for_each(|(key, value)| {
                key.walk(visit);
                value.walk(visit);
            }),
            Work::Each(it) => {
                it.over.walk(visit);
                it.test.iter().chain(&it.value).for_each(|node| node.walk(visit));
            }
        }
    }
}
