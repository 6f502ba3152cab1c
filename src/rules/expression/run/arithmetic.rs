//! Calculations: numbers, times and durations; texts and lists that are joined.

use std::borrow::Cow;

use super::{Bounded, TooLong};
use crate::rules::expression::tree::Operation;
use crate::rules::expression::value::Value;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules::expression) enum Why {
    /// The operation does not take these.
    Kinds,
    DividedByZero,
    /// It does not fit 64 bits, or is outside of what times can be.
    TooLarge,
    TooLong,
}

impl From<TooLong> for Why {
    fn from(_: TooLong) -> Why {
        Why::TooLong
    }
}

/// Calculates with two values, neither of which is absent.
pub(in crate::rules::expression) fn calculate<'a>(
    operation: Operation,
    one: &Value<'a>,
    other: &Value<'a>,
) -> Result<Value<'a>, Why> {
    match (one, other) {
        (Value::Whole(one), Value::Whole(other)) => {
            whole(operation, *one, *other).map(Value::Whole)
        }
        (Value::Fraction(one), Value::Fraction(other)) => fraction(operation, *one, *other),
        (Value::Whole(one), Value::Fraction(other)) => fraction(operation, float(*one), *other),
        (Value::Fraction(one), Value::Whole(other)) => fraction(operation, *one, float(*other)),
        _ => match operation {
            Operation::Add => add(one, other),
            Operation::Subtract => subtract(one, other),
            Operation::Multiply | Operation::Divide | Operation::Remainder => Err(Why::Kinds),
        },
    }
}

fn add<'a>(one: &Value<'a>, other: &Value<'a>) -> Result<Value<'a>, Why> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => {
            let mut made = Bounded::default();
            made.push(one)?;
            made.push(other)?;
            Ok(Value::Text(Cow::Owned(made.into_text())))
        }
        (Value::Time(time), Value::Duration(duration))
        | (Value::Duration(duration), Value::Time(time)) => {
            time.checked_add(*duration).map(Value::Time).map_err(|_| Why::TooLarge)
        }
        (Value::Duration(one), Value::Duration(other)) => {
            one.checked_add(*other).map(Value::Duration).ok_or(Why::TooLarge)
        }
        _ => {
            let (Some(one), Some(other)) = (one.elements(), other.elements()) else {
                return Err(Why::Kinds);
            };
            Ok(Value::List(one.iter().chain(&*other).cloned().collect()))
        }
    }
}

fn subtract<'a>(one: &Value<'a>, other: &Value<'a>) -> Result<Value<'a>, Why> {
    match (one, other) {
        (Value::Time(one), Value::Time(other)) => Ok(Value::Duration(one.duration_since(*other))),
        (Value::Time(time), Value::Duration(duration)) => {
            time.checked_sub(*duration).map(Value::Time).map_err(|_| Why::TooLarge)
        }
        (Value::Duration(one), Value::Duration(other)) => {
            one.checked_sub(*other).map(Value::Duration).ok_or(Why::TooLarge)
        }
        _ => Err(Why::Kinds),
    }
}

fn whole(operation: Operation, one: i64, other: i64) -> Result<i64, Why> {
    let result = match operation {
        Operation::Add => one.checked_add(other),
        Operation::Subtract => one.checked_sub(other),
        Operation::Multiply => one.checked_mul(other),
        Operation::Divide | Operation::Remainder if other == 0 => return Err(Why::DividedByZero),
        Operation::Divide => one.checked_div(other),
        Operation::Remainder => one.checked_rem(other),
    };
    result.ok_or(Why::TooLarge)
}

fn fraction<'a>(operation: Operation, one: f64, other: f64) -> Result<Value<'a>, Why> {
    let result = match operation {
        Operation::Add => one + other,
        Operation::Subtract => one - other,
        Operation::Multiply => one * other,
        Operation::Divide if other == 0.0 => return Err(Why::DividedByZero),
        Operation::Divide => one / other,
        Operation::Remainder => return Err(Why::Kinds),
    };
    if result.is_finite() { Ok(Value::Fraction(result)) } else { Err(Why::TooLarge) }
}

/// The fraction nearest to a whole number.
pub(in crate::rules::expression) fn float(whole: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the nearest one is what is wanted")]
    let float = whole as f64;
    float
}
