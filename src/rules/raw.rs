//! The event as it was sent, for what the table of fields does not have.
//!
//! The body is parsed a second time, once for each look, when a rule first asks for it: that costs
//! about as much as reading the snapshot did. Where it is not known, or is no JSON, all of it
//! is absent, and rules that ask it say nothing.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::bound::Rules;
use super::expression::Expression;
use super::field::Value;
use super::file::Rule;
use super::pattern::Pattern;

/// One step into the body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    Key(Arc<str>),
    /// Of a list, from 0.
    Index(usize),
    /// Every element of a list, or every value of a table.
    Every,
}

/// What the places of the body that a path leads to have to be like.
///
/// One of them has to be as is asked, and none may be as `not` says; so `not` is the negation of what
/// stands in it, as everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawCondition {
    pub path: Vec<Segment>,
    pub pattern: Pattern,
}

/// The body of one event.
#[derive(Debug)]
pub(super) struct Body<'a> {
    text: Option<&'a str>,
    parsed: OnceCell<Option<Json>>,
}

impl<'a> Body<'a> {
    pub(super) fn new(text: Option<&'a str>) -> Body<'a> {
        Body { text, parsed: OnceCell::new() }
    }

    pub(super) fn json(&self) -> Option<&Json> {
        let parse = || self.text.and_then(|text| serde_json::from_str(text).ok());
        self.parsed.get_or_init(parse).as_ref()
    }
}

impl Rules {
    /// Whether any of them asks the event as it was sent, so that two events that differ in nothing
    /// else are not the same.
    pub fn ask_raw(&self) -> bool {
        let asks = |rule: &Rule| rule.asks_raw() || rule.expressions().any(Expression::uses_raw);
        self.rules.iter().any(|bound| asks(&bound.rule))
    }
}

impl RawCondition {
    pub(super) fn holds(&self, body: &Body<'_>) -> bool {
        holds(&self.pattern, &self.found(body))
    }

    /// What stands at the places that the path leads to.
    pub(super) fn found<'b>(&self, body: &'b Body<'_>) -> Vec<Value<'b>> {
        let mut found = Vec::new();
        if let Some(json) = body.json() {
            walk(json, &self.path, &mut found);
        }
        found
    }
}

fn holds(pattern: &Pattern, found: &[Value<'_>]) -> bool {
    match pattern {
        Pattern::Not(pattern) => !holds(pattern, found),
        Pattern::Exists(wanted) => found.is_empty() != *wanted,
        Pattern::All(patterns) => {
            let whole = |one: &&Pattern| matches!(one, Pattern::Not(_) | Pattern::Exists(_));
            let (whole, each): (Vec<&Pattern>, Vec<&Pattern>) = patterns.iter().partition(whole);
            let mut each_at_one =
                found.iter().map(|value| each.iter().all(|one| one.holds(Some(value))));
            whole.into_iter().all(|one| holds(one, found))
                && (each.is_empty() || each_at_one.any(|all| all))
        }
        Pattern::Either(patterns) => patterns.iter().any(|one| holds(one, found)),
        Pattern::AnyOf(_)
        | Pattern::Words(_)
        | Pattern::InList(_)
        | Pattern::Cidr(_)
        | Pattern::Bound(_)
        | Pattern::HasAny(_)
        | Pattern::HasAll(_) => found.iter().any(|value| pattern.holds(Some(value))),
    }
}

fn walk<'j>(json: &'j Json, path: &[Segment], found: &mut Vec<Value<'j>>) {
    let Some((first, rest)) = path.split_first() else {
        found.extend(value(json));
        return;
    };
    match (first, json) {
        (Segment::Key(key), Json::Object(table)) => {
            table.get(&**key).into_iter().for_each(|json| walk(json, rest, found));
        }
        (Segment::Index(at), Json::Array(list)) => {
            list.get(*at).into_iter().for_each(|json| walk(json, rest, found));
        }
        (Segment::Every, Json::Array(list)) => {
            list.iter().for_each(|json| walk(json, rest, found));
        }
        (Segment::Every, Json::Object(table)) => {
            table.values().for_each(|json| walk(json, rest, found));
        }
        (Segment::Key(_) | Segment::Index(_) | Segment::Every, _) => {}
    }
}

/// What is compared: texts, whole numbers and truths as they are, lists as their texts, other
/// numbers and tables as their JSON text. What is null or empty is absent.
fn value(json: &Json) -> Option<Value<'_>> {
    match json {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => Some(match number.as_i64() {
            Some(number) => Value::Number(number),
            None => Value::Text(Cow::Owned(number.to_string())),
        }),
        Json::String(text) => Value::text(Some(text)),
        Json::Array(list) if list.is_empty() => None,
        Json::Array(list) => Some(Value::Texts(list.iter().filter_map(Json::as_str).collect())),
        Json::Object(table) if table.is_empty() => None,
        Json::Object(_) => Some(Value::Text(Cow::Owned(json.to_string()))),
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Key(key) => f.write_str(key),
            Segment::Index(at) => write!(f, "{at}"),
            Segment::Every => f.write_str("*"),
        }
    }
}
