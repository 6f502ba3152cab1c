//! What of a conversation can be read off an expression's value: the fields that it passes on, and
//! not those that it only looks at.
//!
//! A comparison, a question (`has`, `contains`, …) and the key of a `lookup` look at a field; what
//! comes of them says little of what stood in it.

use super::Expression;
use super::functions::Function;
use super::node::{How, Node, Work};
use crate::rules::field::{Path, Subject};

impl Expression {
    /// The paths whose values may stand in the result, wholly or in part. Fields of `participants`
    /// are there as those of `participant`.
    pub fn passed_on(&self) -> Vec<Path> {
        let mut passed = Vec::new();
        pass(&self.compiled.node, &mut passed);
        passed
    }
}

fn pass(node: &Node, passed: &mut Vec<Path>) {
    match &node.work {
        Work::Path(path) => passed.push(path.clone()),
        Work::PartyField(_, field, key) => {
            passed.push(Path { subject: Subject::Participant, field, key: key.clone() });
        }
        Work::Select(node, _)
        | Work::Index(node, _)
        | Work::Negate(node)
        | Work::Clock(_, node, _) => pass(node, passed),
        Work::Calculate(_, one, other) | Work::Default(one, other) => {
            pass(one, passed);
            pass(other, passed);
        }
        Work::Choose(nodes) => nodes[1..].iter().for_each(|node| pass(node, passed)),
        Work::List(nodes) => nodes.iter().for_each(|node| pass(node, passed)),
        Work::Map(entries) => entries.iter().for_each(|(key, value)| {
            pass(key, passed);
            pass(value, passed);
        }),
        Work::Each(each) => match each.how {
            How::Exists | How::All | How::ExistsOne => {}
            How::Filter | How::Map => {
                pass(&each.over, passed);
                each.value.iter().for_each(|value| pass(value, passed));
            }
        },
        Work::Call(function, nodes) if !only_looks(*function) => {
            nodes.iter().for_each(|node| pass(node, passed));
        }
        Work::Constant(_)
        | Work::Called(..)
        | Work::Local(_)
        | Work::PartyCalled(..)
        | Work::Now
        | Work::Raw
        | Work::Participants
        | Work::Row(..)
        | Work::Lookup { .. }
        | Work::Not(_)
        | Work::Both(_)
        | Work::Either(_)
        | Work::Compare(..)
        | Work::In(..)
        | Work::OneOf(..)
        | Work::Has(_)
        | Work::Matches(..)
        | Work::Call(..) => {}
    }
}

fn only_looks(function: Function) -> bool {
    match function {
        Function::StartsWith
        | Function::EndsWith
        | Function::Contains
        | Function::Matches
        | Function::Size
        | Function::IndexOf
        | Function::LastIndexOf
        | Function::Type
        | Function::Bool => true,
        Function::Lower
        | Function::Upper
        | Function::Trim
        | Function::Replace
        | Function::Split
        | Function::Join
        | Function::Substring
        | Function::CharAt
        | Function::Reverse
        | Function::Format
        | Function::Int
        | Function::Uint
        | Function::Double
        | Function::Text
        | Function::Duration
        | Function::Timestamp
        | Function::Year
        | Function::Month
        | Function::DayOfMonth
        | Function::Date
        | Function::DayOfWeek
        | Function::DayOfYear
        | Function::Hours
        | Function::Minutes
        | Function::Seconds
        | Function::Milliseconds => false,
    }
}
