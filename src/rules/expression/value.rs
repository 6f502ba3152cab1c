//! Values while an expression is evaluated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::rules::field;
use crate::rules::pattern::Scalar;

/// What a part of an expression gives. What is absent is `Null`.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Flag(bool),
    Whole(i64),
    Fraction(f64),
    Text(Cow<'a, str>),
    Time(Timestamp),
    Duration(SignedDuration),
    List(Rc<[Value<'a>]>),
    Map(Rc<BTreeMap<Cow<'a, str>, Value<'a>>>),
    /// An array or an object of the event as sent, not looked into yet.
    Json(&'a Json),
    /// The place of a participant.
    Party(usize),
}

/// A value that is written in the expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Null,
    Flag(bool),
    Whole(i64),
    Fraction(f64),
    Text(Arc<str>),
    Time(Timestamp),
    Duration(SignedDuration),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: &'a str) -> Value<'a> {
        Value::Text(Cow::Borrowed(text))
    }

    pub(super) fn owned(text: String) -> Value<'a> {
        Value::Text(Cow::Owned(text))
    }

    pub(super) fn list(values: Vec<Value<'a>>) -> Value<'a> {
        Value::List(values.into())
    }

    /// What a field gives.
    pub(super) fn of(value: Option<field::Value<'a>>) -> Value<'a> {
        match value {
            None => Value::Null,
            Some(field::Value::Text(text)) => Value::Text(text),
            Some(field::Value::Flag(flag)) => Value::Flag(flag),
            Some(field::Value::Number(number)) => Value::Whole(number),
            Some(field::Value::Time(time)) => Value::Time(time),
            Some(field::Value::Duration(duration)) => Value::Duration(duration),
            Some(field::Value::Texts(texts)) => {
                Value::list(texts.into_iter().map(Value::text).collect())
            }
        }
    }

    pub(super) fn json(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::Whole(whole),
                None => number.as_f64().map_or(Value::Null, Value::Fraction),
            },
            Json::String(text) => Value::text(text),
            Json::Array(_) | Json::Object(_) => Value::Json(json),
        }
    }

    /// What CEL calls its type; a participant is a table to it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Flag(_) => "bool",
            Value::Whole(_) => "int",
            Value::Fraction(_) => "double",
            Value::Text(_) => "string",
            Value::Time(_) => "google.protobuf.Timestamp",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::List(_) | Value::Json(Json::Array(_)) => "list",
            Value::Map(_) | Value::Json(_) | Value::Party(_) => "map",
        }
    }

    /// The elements, if it is a list.
    pub(super) fn elements(&self) -> Option<Rc<[Value<'a>]>> {
        match self {
            Value::List(list) => Some(Rc::clone(list)),
            Value::Json(Json::Array(array)) => Some(array.iter().map(Value::json).collect()),
            Value::Json(_)
            | Value::Null
            | Value::Flag(_)
            | Value::Whole(_)
            | Value::Fraction(_)
            | Value::Text(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Map(_)
            | Value::Party(_) => None,
        }
    }

    /// The entries, if it is a table.
    pub(super) fn entries(&self) -> Option<Rc<BTreeMap<Cow<'a, str>, Value<'a>>>> {
        match self {
            Value::Map(map) => Some(Rc::clone(map)),
            Value::Json(Json::Object(object)) => {
                let entries = object.iter();
                let entries =
                    entries.map(|(key, value)| (Cow::Borrowed(&**key), Value::json(value)));
                Some(Rc::new(entries.collect()))
            }
            Value::Json(_)
            | Value::Null
            | Value::Flag(_)
            | Value::Whole(_)
            | Value::Fraction(_)
            | Value::Text(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::List(_)
            | Value::Party(_) => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// What counts as absent for `has` and `default`: the empty text and the empty list too.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
            Value::Json(Json::Array(array)) => array.is_empty(),
            Value::Json(Json::Object(object)) => object.is_empty(),
            Value::Json(_)
            | Value::Flag(_)
            | Value::Whole(_)
            | Value::Fraction(_)
            | Value::Time(_)
            | Value::Duration(_)
            | Value::Party(_) => false,
        }
    }

    /// How it is called in a message.
    pub(super) fn called(&self) -> &'static str {
        match self {
            Value::Null => "absent",
            Value::Flag(_) => "true or false",
            Value::Whole(_) => "a whole number",
            Value::Fraction(_) => "a number with a fraction",
            Value::Text(_) => "a text",
            Value::Time(_) => "a time",
            Value::Duration(_) => "a duration",
            Value::List(_) | Value::Json(Json::Array(_)) => "a list",
            Value::Map(_) | Value::Json(_) => "a table",
            Value::Party(_) => "a participant",
        }
    }
}

impl Constant {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Constant::Null => Value::Null,
            Constant::Flag(flag) => Value::Flag(*flag),
            Constant::Whole(number) => Value::Whole(*number),
            Constant::Fraction(number) => Value::Fraction(*number),
            Constant::Text(text) => Value::text(text),
            Constant::Time(time) => Value::Time(*time),
            Constant::Duration(duration) => Value::Duration(*duration),
        }
    }

    /// The same for a condition, if a condition can compare to it.
    pub(super) fn scalar(&self) -> Option<Scalar> {
        match self {
            Constant::Text(text) => Some(Scalar::Text(Arc::clone(text))),
            Constant::Flag(flag) => Some(Scalar::Flag(*flag)),
            Constant::Whole(number) => Some(Scalar::Number(*number)),
            Constant::Time(time) => Some(Scalar::Time(*time)),
            Constant::Duration(duration) => Some(Scalar::Duration(*duration)),
            Constant::Null | Constant::Fraction(_) => None,
        }
    }
}
