//! Evaluating a checked expression: deterministic, bounded, and never a panic.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an operation names the kinds that it takes, and refuses every other"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::mistake::EvaluationError;
use super::node::{Node, Work};
use super::run::times;
use super::scenery::Scenery;
use super::value::Value;
use crate::rules::field::{self, Field, Kind, Of};
use crate::rules::fields;

/// Steps of one evaluation: about one for each part that is evaluated, each element of a list that
/// is made and each [`STEP_BYTES`] of a text that is looked through. A condition takes ten, one
/// over the participants of a large conference a thousand.
pub(super) const MAX_STEPS: u32 = 10_000;

/// Bytes of text that count as one step.
const STEP_BYTES: usize = 256;

pub(super) type Outcome<'a> = Result<Value<'a>, EvaluationError>;

/// One evaluation under way.
pub(super) struct Evaluation<'a> {
    pub(super) scenery: &'a dyn Scenery,
    /// The variables of the macros around, outermost first.
    pub(super) locals: Vec<Value<'a>>,
    pub(super) steps: u32,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(scenery: &'a dyn Scenery) -> Evaluation<'a> {
        Evaluation { scenery, locals: Vec::new(), steps: 0 }
    }

    /// Whether something holds; what is absent does not.
    pub(super) fn holds(&mut self, node: &'a Node) -> Result<bool, EvaluationError> {
        match self.value(node)? {
            Value::Flag(flag) => Ok(flag),
            Value::Null => Ok(false),
            other => {
                let message = format!("a condition is needed; this is {}", other.called());
                Err(EvaluationError::new(&node.at, message))
            }
        }
    }

    pub(super) fn value(&mut self, node: &'a Node) -> Outcome<'a> {
        self.charge(1, &node.at)?;
        Ok(match &node.work {
            Work::Constant(constant) => constant.value(),
            Work::Path(path) => Value::of(self.scenery.show(path)),
            Work::Called(path, names) => {
                let id = self.scenery.read(path);
                self.is_called(path.field.kind, id, names)
            }
            Work::Local(depth) => self.local(*depth, node)?,
            Work::PartyField(party, field, key) => {
                let party = self.value(party)?;
                self.field(&party, field, key.as_deref(), node)?
            }
            Work::PartyCalled(party, field, names) => match self.value(party)? {
                Value::Party(at) => {
                    self.is_called(field.kind, self.scenery.read_of(at, field, None), names)
                }
                _ => Value::Flag(false),
            },
            Work::Now => Value::Time(self.scenery.now()),
            Work::Raw => self.scenery.raw().map_or(Value::Null, Value::json),
            Work::Participants => {
                let count = self.scenery.participants();
                self.charge(count, &node.at)?;
                Value::List((0..count).map(Value::Party).collect())
            }
            Work::Row(list, column) => self.scenery.row(list, column).map_or(Value::Null, found),
            Work::Lookup { list, key, column } => self.lookup(list, key, column.as_deref())?,
            Work::Select(of, name) => self.value(of).and_then(|of| self.select(&of, name, node))?,
            Work::Index(of, index) => self.index((of, index), node)?,
            Work::Not(operand) => Value::Flag(!self.holds(operand)?),
            Work::Negate(operand) => self.negate(operand)?,
            Work::Both(parts) => Value::Flag(!self.decides(parts, false)?),
            Work::Either(parts) => Value::Flag(self.decides(parts, true)?),
            Work::Compare(comparison, one, other) => {
                Value::Flag(self.compare(*comparison, (one, other), node)?)
            }
            Work::In(needle, hay) => Value::Flag(self.is_in((needle, hay), node)?),
            Work::OneOf(needle, constants) => Value::Flag(self.is_one_of(needle, constants)?),
            Work::Calculate(operation, one, other) => {
                self.calculate(*operation, (one, other), node)?
            }
            Work::Choose(parts) => {
                let [condition, then, or_else] = &**parts;
                return if self.holds(condition)? { self.value(then) } else { self.value(or_else) };
            }
            Work::List(nodes) => self.values(nodes).map(Value::list)?,
            Work::Map(entries) => self.map(entries)?,
            Work::Has(operand) => Value::Flag(!self.value(operand)?.is_absent()),
            Work::Default(value, other) => match self.value(value)? {
                absent if absent.is_absent() => return self.value(other),
                value => value,
            },
            Work::Matches(text, regex) => Value::Flag(self.matches(text, regex)?),
            Work::Each(each) => self.each(each, node)?,
            Work::Call(function, nodes) => {
                let values = self.values(nodes)?;
                self.call(*function, values, node)?
            }
            Work::Clock(function, of, zone) => match self.value(of)? {
                Value::Null => Value::Null,
                value => {
                    let number = times::clock(*function, &value, zone);
                    Value::Whole(number.ok_or_else(|| wants("a time", &value, node))?)
                }
            },
        })
    }

    /// Counts steps.
    pub(super) fn charge(
        &mut self,
        steps: usize,
        at: &Range<usize>,
    ) -> Result<(), EvaluationError> {
        self.steps = self.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        if self.steps > MAX_STEPS {
            let message = format!("this takes more than {MAX_STEPS} steps");
            return Err(EvaluationError::new(at, message));
        }
        Ok(())
    }

    /// Counts the steps that it takes to look through a text.
    pub(super) fn charge_text(
        &mut self,
        text: &str,
        at: &Range<usize>,
    ) -> Result<(), EvaluationError> {
        self.charge(text.len() / STEP_BYTES, at)
    }

    fn local(&mut self, depth: usize, node: &Node) -> Outcome<'a> {
        let value = self.locals.get(depth).cloned().unwrap_or(Value::Null);
        if let Value::Text(Cow::Owned(text)) = &value {
            self.charge_text(text, &node.at)?;
        }
        Ok(value)
    }

    fn values(&mut self, nodes: &'a [Node]) -> Result<Vec<Value<'a>>, EvaluationError> {
        nodes.iter().map(|node| self.value(node)).collect()
    }

    /// Whether one of these decides the whole. One that cannot be evaluated does not matter if
    /// another decides.
    fn decides(&mut self, parts: &'a [Node], deciding: bool) -> Result<bool, EvaluationError> {
        let mut failed = None;
        for part in parts {
            match self.holds(part) {
                Ok(holds) if holds == deciding => return Ok(true),
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    fn is_called(&self, kind: Kind, id: Option<field::Value<'_>>, names: &[Arc<str>]) -> Value<'a> {
        let ids: Vec<&str> = match &id {
            Some(field::Value::Text(id)) => vec![id],
            Some(field::Value::Texts(ids)) => ids.clone(),
            _ => return Value::Flag(false),
        };
        let is = |what, name: &str| ids.iter().any(|id| self.scenery.is_called(what, id, name));
        let called = |what| names.iter().any(|name| is(what, name));
        Value::Flag(kind.named().is_some_and(called))
    }

    fn field(
        &self,
        party: &Value<'a>,
        field: &Field,
        key: Option<&str>,
        node: &Node,
    ) -> Outcome<'a> {
        match party {
            Value::Party(at) => Ok(Value::of(self.scenery.show_of(*at, field, key))),
            Value::Null => Ok(Value::Null),
            other => Err(wants("a participant", other, node)),
        }
    }

    fn lookup(&mut self, list: &str, key: &'a Node, column: Option<&str>) -> Outcome<'a> {
        match self.value(key)? {
            Value::Text(text) => {
                Ok(self.scenery.lookup(list, &text, column).map_or(Value::Null, found))
            }
            Value::Null => Ok(Value::Null),
            other => Err(wants("a text", &other, key)),
        }
    }

    fn select(&mut self, of: &Value<'a>, name: &str, node: &Node) -> Outcome<'a> {
        match of {
            Value::Null => Ok(Value::Null),
            Value::Map(map) => Ok(map.get(name).cloned().unwrap_or(Value::Null)),
            Value::Json(Json::Object(object)) => {
                Ok(object.get(name).map_or(Value::Null, Value::json))
            }
            Value::Party(_) => match fields::find(Of::Party, name) {
                Some(known) if known.kind != Kind::Attributes => self.field(of, known, None, node),
                Some(_) | None => {
                    let message = format!("a participant has no field `{name}`");
                    Err(EvaluationError::new(&node.at, message))
                }
            },
            other => {
                let message = format!("{} has no field `{name}`", other.called());
                Err(EvaluationError::new(&node.at, message))
            }
        }
    }

    fn index(&mut self, (of, index): (&'a Node, &'a Node), node: &Node) -> Outcome<'a> {
        let (of, index) = (&self.value(of)?, &self.value(index)?);
        let place = |number: &i64| usize::try_from(*number).ok();
        match (of, index) {
            (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
            (Value::List(list), Value::Whole(number)) => {
                Ok(place(number).and_then(|at| list.get(at).cloned()).unwrap_or(Value::Null))
            }
            (Value::Json(Json::Array(array)), Value::Whole(number)) => {
                let element = place(number).and_then(|at| array.get(at));
                Ok(element.map_or(Value::Null, Value::json))
            }
            (_, Value::Text(name)) => self.select(of, name, node),
            _ => {
                let message = format!("{} is not asked by {}", of.called(), index.called());
                Err(EvaluationError::new(&node.at, message))
            }
        }
    }

    fn map(&mut self, entries: &'a [(Node, Node)]) -> Outcome<'a> {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let value_of = self.value(value)?;
            match self.value(key)? {
                Value::Text(text) => {
                    map.insert(text, value_of);
                }
                other => return Err(wants("a text", &other, key)),
            }
        }
        Ok(Value::Map(map.into()))
    }
}

fn found(text: Cow<'_, str>) -> Value<'_> {
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

/// Says which kind is needed, and which is there.
pub(super) fn wants(kind: &str, found: &Value<'_>, node: &Node) -> EvaluationError {
    EvaluationError::new(&node.at, format!("{kind} is needed; this is {}", found.called()))
}
