//! Bounds for what has an order: numbers, times, durations.

use std::cmp::Ordering;

use super::Scalar;
use crate::rules::field::Value;

/// `lt`, `le`, `gt` or `ge` of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bound {
    pub side: Side,
    pub limit: Scalar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Lt,
    Le,
    Gt,
    Ge,
}

impl Side {
    pub const ALL: [Side; 4] = [Side::Lt, Side::Le, Side::Gt, Side::Ge];

    /// The operator.
    pub fn name(self) -> &'static str {
        match self {
            Side::Lt => "lt",
            Side::Le => "le",
            Side::Gt => "gt",
            Side::Ge => "ge",
        }
    }

    fn takes(self, found: Ordering) -> bool {
        match self {
            Side::Lt => found.is_lt(),
            Side::Le => found.is_le(),
            Side::Gt => found.is_gt(),
            Side::Ge => found.is_ge(),
        }
    }

    fn is_upper(self) -> bool {
        matches!(self, Side::Lt | Side::Le)
    }
}

impl Bound {
    pub fn holds(&self, value: &Value<'_>) -> bool {
        compare(value, &self.limit.to_value()).is_some_and(|order| self.side.takes(order))
    }

    /// True only if nothing is known to lie within both.
    pub(super) fn excludes(&self, other: &Bound) -> bool {
        let (upper, lower) = match (self.side.is_upper(), other.side.is_upper()) {
            (true, false) => (self, other),
            (false, true) => (other, self),
            (true, true) | (false, false) => return false,
        };
        match compare(&upper.limit.to_value(), &lower.limit.to_value()) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => (upper.side, lower.side) != (Side::Le, Side::Ge),
            Some(Ordering::Greater) => match (&upper.limit, &lower.limit) {
                // Between two whole numbers that follow each other there is none.
                (Scalar::Number(upper_limit), Scalar::Number(lower_limit)) => {
                    (upper.side, lower.side) == (Side::Lt, Side::Gt)
                        && lower_limit.checked_add(1) == Some(*upper_limit)
                }
                _ => false,
            },
            None => true,
        }
    }
}

/// The order of two values of one type; values of different types have none.
fn compare(one: &Value<'_>, other: &Value<'_>) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Some(one.cmp(other)),
        (Value::Time(one), Value::Time(other)) => Some(one.cmp(other)),
        (Value::Duration(one), Value::Duration(other)) => Some(one.cmp(other)),
        (
            Value::Text(_)
            | Value::Flag(_)
            | Value::Number(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Texts(_),
            _,
        ) => None,
    }
}
