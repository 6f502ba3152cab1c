//! What kinds of values there are, as far as they are evident before anything is evaluated.

use std::fmt;

use crate::rules::field::{Field, Kind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Known only when it is evaluated.
    Any,
    /// Written as `null`.
    Null,
    Flag,
    Whole,
    Fraction,
    Text,
    Time,
    Duration,
    List(Box<Type>),
    /// Values by texts.
    Map(Box<Type>),
    /// One of `participants`.
    Party,
}

impl Type {
    pub(super) fn of(field: &Field) -> Type {
        match field.kind {
            Kind::Text
            | Kind::Attributes
            | Kind::Queue
            | Kind::User
            | Kind::Wrapup
            | Kind::Language
            | Kind::Flow => Type::Text,
            Kind::Flag => Type::Flag,
            Kind::Number => Type::Whole,
            Kind::Time => Type::Time,
            Kind::Duration => Type::Duration,
            Kind::Texts | Kind::Skills | Kind::Divisions => Type::List(Box::new(Type::Text)),
        }
    }

    pub(super) fn list(self) -> Type {
        Type::List(Box::new(self))
    }

    /// Not known, or nothing: it goes with everything.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Type::Any | Type::Null)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Type::Whole | Type::Fraction)
    }

    /// Whether two such values can be equal.
    pub(super) fn can_equal(&self, other: &Type) -> bool {
        if self.is_open() || other.is_open() || (self.is_number() && other.is_number()) {
            return true;
        }
        match (self, other) {
            (Type::List(mine), Type::List(theirs)) | (Type::Map(mine), Type::Map(theirs)) => {
                mine.can_equal(theirs)
            }
            (mine, theirs) => mine == theirs,
        }
    }

    /// Whether one such value can come before another.
    pub(super) fn has_order(&self) -> bool {
        match self {
            Type::List(_) | Type::Map(_) | Type::Party => false,
            Type::Any
            | Type::Null
            | Type::Flag
            | Type::Whole
            | Type::Fraction
            | Type::Text
            | Type::Time
            | Type::Duration => true,
        }
    }

    /// What is known of a value that is of the one type or of the other.
    pub(super) fn or(self, other: Type) -> Type {
        match (self, other) {
            (Type::Null, one) | (one, Type::Null) => one,
            (Type::List(mine), Type::List(theirs)) => mine.or(*theirs).list(),
            (Type::Map(mine), Type::Map(theirs)) => Type::Map(Box::new(mine.or(*theirs))),
            (mine, theirs) if mine == theirs => mine,
            (mine, theirs) if mine.is_number() && theirs.is_number() => Type::Fraction,
            _ => Type::Any,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Any => "a value",
            Type::Null => "null",
            Type::Flag => "true or false",
            Type::Whole => "a whole number",
            Type::Fraction => "a number with a fraction",
            Type::Text => "a text",
            Type::Time => "a time",
            Type::Duration => "a duration",
            Type::List(_) => "a list",
            Type::Map(_) => "a table",
            Type::Party => "a participant",
        })
    }
}
