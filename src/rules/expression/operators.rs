//! Evaluating operators: comparisons and calculations, and what they make of what is absent.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an operation names the kinds that it takes, and refuses every other"
)]

use regex::Regex;
use serde_json::Value as Json;

use super::calls::too_long;
use super::evaluate::{Evaluation, Outcome, wants};
use super::mistake::EvaluationError;
use super::node::Node;
use super::run::{arithmetic, compare};
use super::tree::{Comparison, Operation};
use super::value::{Constant, Value};

impl<'a> Evaluation<'a> {
    pub(super) fn negate(&mut self, operand: &'a Node) -> Outcome<'a> {
        match self.value(operand)? {
            Value::Null => Ok(Value::Null),
            Value::Fraction(number) => Ok(Value::Fraction(-number)),
            Value::Whole(number) => match number.checked_neg() {
                Some(number) => Ok(Value::Whole(number)),
                None => Err(EvaluationError::new(&operand.at, "the result is too large")),
            },
            Value::Duration(duration) => match duration.checked_neg() {
                Some(duration) => Ok(Value::Duration(duration)),
                None => Err(EvaluationError::new(&operand.at, "the result is too large")),
            },
            other => Err(wants("a number", &other, operand)),
        }
    }

    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        (one, other): (&'a Node, &'a Node),
        node: &Node,
    ) -> Result<bool, EvaluationError> {
        let (one, other) = (&self.value(one)?, &self.value(other)?);
        if let Value::Text(text) = one {
            self.charge_text(text, &node.at)?;
        }
        let absent = one.is_null() || other.is_null();
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let mut steps = 0;
            let equal = !absent && compare::equal(one, other, &mut steps);
            self.charge(usize::try_from(steps).unwrap_or(usize::MAX), &node.at)?;
            return Ok(equal == (comparison == Comparison::Equal));
        }
        if absent {
            return Ok(false);
        }
        let Some(order) = compare::order(one, other) else {
            let (one, other) = (one.called(), other.called());
            let message = format!("`{}` does not order {one} and {other}", comparison.sign());
            return Err(EvaluationError::new(&node.at, message));
        };
        Ok(match comparison {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual | Comparison::Equal | Comparison::NotEqual => order.is_ge(),
        })
    }

    pub(super) fn is_in(
        &mut self,
        (needle, hay): (&'a Node, &'a Node),
        node: &Node,
    ) -> Result<bool, EvaluationError> {
        let (needle, hay) = (&self.value(needle)?, &self.value(hay)?);
        if needle.is_null() || hay.is_null() {
            return Ok(false);
        }
        if let Some(elements) = hay.elements() {
            let mut steps = 0;
            let found = elements.iter().any(|one| compare::equal(needle, one, &mut steps));
            self.charge(usize::try_from(steps).unwrap_or(usize::MAX), &node.at)?;
            return Ok(found);
        }
        match (hay, needle) {
            (Value::Map(map), Value::Text(name)) => Ok(map.contains_key(&**name)),
            (Value::Json(Json::Object(object)), Value::Text(name)) => {
                Ok(object.contains_key(&**name))
            }
            (Value::Map(_) | Value::Json(_), _) => Ok(false),
            (other, _) => Err(wants("a list", other, node)),
        }
    }

    pub(super) fn is_one_of(
        &mut self,
        needle: &'a Node,
        constants: &[Constant],
    ) -> Result<bool, EvaluationError> {
        let needle = self.value(needle)?;
        let mut steps = 0;
        let mut constants = constants.iter().map(Constant::value);
        Ok(!needle.is_null() && constants.any(|one| compare::equal(&needle, &one, &mut steps)))
    }

    pub(super) fn matches(
        &mut self,
        text: &'a Node,
        regex: &Regex,
    ) -> Result<bool, EvaluationError> {
        match self.value(text)? {
            Value::Text(found) => {
                self.charge_text(&found, &text.at)?;
                Ok(regex.is_match(&found))
            }
            Value::Null => Ok(false),
            other => Err(wants("a text", &other, text)),
        }
    }

    pub(super) fn calculate(
        &mut self,
        operation: Operation,
        (one, other): (&'a Node, &'a Node),
        node: &Node,
    ) -> Outcome<'a> {
        let (one, other) = (&self.value(one)?, &self.value(other)?);
        if one.is_null() || other.is_null() {
            return Ok(Value::Null);
        }
        let result = arithmetic::calculate(operation, one, other);
        let why = match result {
            Ok(Value::List(list)) => {
                self.charge(list.len(), &node.at)?;
                return Ok(Value::List(list));
            }
            Ok(value) => return Ok(value),
            Err(why) => why,
        };
        let message = match why {
            arithmetic::Why::Kinds => {
                let (one, other) = (one.called(), other.called());
                format!("`{}` does not take {one} and {other}", operation.sign())
            }
            arithmetic::Why::DividedByZero => "division by zero".to_owned(),
            arithmetic::Why::TooLarge => "the result is too large".to_owned(),
            arithmetic::Why::TooLong => too_long(),
        };
        Err(EvaluationError::new(&node.at, message))
    }
}
