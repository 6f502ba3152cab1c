//! One kind of value from another, and what stands on the wire.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Bounded, TooLong, arithmetic, times};
use crate::rules::expression::functions::Function;
use crate::rules::expression::value::Value;
use crate::rules::field;

/// Why a conversion is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules::expression) enum Why {
    /// A text that does not say such a value, or a number outside of its range.
    Unreadable,
    /// No such value can be made of this kind.
    Kind,
    TooLong,
}

impl From<TooLong> for Why {
    fn from(_: TooLong) -> Why {
        Why::TooLong
    }
}

/// `int`, `uint`, `double`, `bool`, `string`, `duration` and `timestamp` of what is not absent.
pub(in crate::rules::expression) fn convert<'a>(
    function: Function,
    value: Value<'a>,
) -> Result<Value<'a>, Why> {
    match function {
        Function::Int => whole(&value).map(Value::Whole),
        Function::Uint => match whole(&value)? {
            number if number >= 0 => Ok(Value::Whole(number)),
            _ => Err(Why::Unreadable),
        },
        Function::Double => fraction(&value).map(Value::Fraction),
        Function::Bool => match value {
            Value::Flag(flag) => Ok(Value::Flag(flag)),
            Value::Text(text) => text.parse().map(Value::Flag).map_err(|_| Why::Unreadable),
            _ => Err(Why::Kind),
        },
        Function::Duration => match value {
            Value::Duration(_) => Ok(value),
            Value::Text(text) => times::duration(&text).map(Value::Duration).ok_or(Why::Unreadable),
            _ => Err(Why::Kind),
        },
        Function::Timestamp => match value {
            Value::Time(_) => Ok(value),
            Value::Text(text) => times::timestamp(&text).map(Value::Time).ok_or(Why::Unreadable),
            Value::Whole(seconds) => {
                Timestamp::from_second(seconds).map(Value::Time).map_err(|_| Why::Unreadable)
            }
            _ => Err(Why::Kind),
        },
        _ => text(value).map(Value::Text),
    }
}

fn whole(value: &Value<'_>) -> Result<i64, Why> {
    match value {
        Value::Whole(number) => Ok(*number),
        Value::Flag(flag) => Ok(i64::from(*flag)),
        Value::Fraction(number) => truncated(*number).ok_or(Why::Unreadable),
        Value::Text(text) => text.trim().parse().map_err(|_| Why::Unreadable),
        Value::Time(time) => Ok(time.as_second()),
        Value::Duration(duration) => Ok(duration.as_secs()),
        _ => Err(Why::Kind),
    }
}

fn truncated(number: f64) -> Option<i64> {
    // 2^63: below it, every fraction truncates to a whole number of 64 bits.
    let limit = 9_223_372_036_854_775_808.0;
    if !(-limit..limit).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "its range was looked at just now")]
    let whole = number as i64;
    Some(whole)
}

fn fraction(value: &Value<'_>) -> Result<f64, Why> {
    let number = match value {
        Value::Fraction(number) => *number,
        Value::Whole(number) => arithmetic::float(*number),
        Value::Text(text) => text.trim().parse().map_err(|_| Why::Unreadable)?,
        Value::Duration(duration) => duration.as_secs_f64(),
        _ => return Err(Why::Kind),
    };
    if number.is_finite() { Ok(number) } else { Err(Why::Unreadable) }
}

/// What stands on the wire for a value: a text as it is, all else in its JSON form.
pub(in crate::rules::expression) fn text<'a>(value: Value<'a>) -> Result<Cow<'a, str>, Why> {
    let made = match value {
        Value::Text(text) => return Ok(text),
        Value::Flag(flag) => flag.to_string(),
        Value::Whole(number) => number.to_string(),
        Value::Fraction(number) => {
            serde_json::Number::from_f64(number).ok_or(Why::Kind)?.to_string()
        }
        Value::Time(time) => field::Value::Time(time).into_text(),
        Value::Duration(duration) => field::Value::Duration(duration).into_text(),
        Value::Null | Value::Party(_) => return Err(Why::Kind),
        Value::List(_) | Value::Map(_) | Value::Json(_) => {
            let mut made = Bounded::default();
            made.push(&json(&value)?.to_string())?;
            made.into_text()
        }
    };
    Ok(Cow::Owned(made))
}

fn json(value: &Value<'_>) -> Result<Json, Why> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Flag(flag) => Json::Bool(*flag),
        Value::Whole(number) => Json::from(*number),
        Value::Fraction(number) => Json::from(*number),
        Value::Json(sent) => (*sent).clone(),
        Value::List(list) => {
            Json::Array(list.iter().map(|one| json(one)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let mut object = Map::new();
            for (key, value) in &**map {
                object.insert(key.clone().into_owned(), json(value)?);
            }
            Json::Object(object)
        }
        Value::Text(_) | Value::Time(_) | Value::Duration(_) | Value::Party(_) => {
            Json::String(text(value.clone())?.into_owned())
        }
    })
}
