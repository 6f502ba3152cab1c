//! What a value has to be like.
//!
//! Absence is null: comparisons with it are false, and `not` is the negation of what stands in it,
//! so it is true of what is absent.

mod bound;
mod in_list;
mod network;
mod words;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::bound::{Bound, Side};
pub use self::in_list::InList;
pub use self::network::Network;
pub use self::words::{BadWords, Form, Words};
use super::field::Value;

/// A plain value as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    Text(Arc<str>),
    Flag(bool),
    Number(i64),
    Time(Timestamp),
    Duration(SignedDuration),
}

/// What is asked of one value. Made small: of ten thousand rules each has a few.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Equal to one of these; to nothing if there are none.
    AnyOf(Vec<Scalar>),
    Not(Box<Pattern>),
    Exists(bool),
    /// A text of that form.
    Words(Box<Words>),
    /// A text that a list has.
    InList(Box<InList>),
    /// An address in that network.
    Cidr(Box<Network>),
    /// On that side of a limit.
    Bound(Box<Bound>),
    /// A list of texts in which one of these is.
    HasAny(Box<[Arc<str>]>),
    /// A list of texts in which one of each of these is; a name can stand for several ids.
    HasAll(Box<[Vec<Arc<str>>]>),
    /// All must hold.
    All(Box<[Pattern]>),
    /// One must hold.
    Either(Box<[Pattern]>),
}

impl Scalar {
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Scalar::Text(wanted), Value::Text(found)) => **wanted == **found,
            (Scalar::Flag(wanted), Value::Flag(found)) => wanted == found,
            (Scalar::Number(wanted), Value::Number(found)) => wanted == found,
            (Scalar::Time(wanted), Value::Time(found)) => wanted == found,
            (Scalar::Duration(wanted), Value::Duration(found)) => wanted == found,
            (
                Scalar::Text(_)
                | Scalar::Flag(_)
                | Scalar::Number(_)
                | Scalar::Time(_)
                | Scalar::Duration(_),
                _,
            ) => false,
        }
    }

    pub fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Flag(_) | Scalar::Number(_) | Scalar::Time(_) | Scalar::Duration(_) => None,
        }
    }

    pub fn to_value(&self) -> Value<'_> {
        match self {
            Scalar::Text(text) => Value::Text((&**text).into()),
            Scalar::Flag(flag) => Value::Flag(*flag),
            Scalar::Number(number) => Value::Number(*number),
            Scalar::Time(time) => Value::Time(*time),
            Scalar::Duration(duration) => Value::Duration(*duration),
        }
    }
}

impl Pattern {
    pub fn holds(&self, value: Option<&Value<'_>>) -> bool {
        match self {
            Pattern::AnyOf(scalars) => {
                value.is_some_and(|value| scalars.iter().any(|scalar| scalar.is(value)))
            }
            Pattern::Not(pattern) => !pattern.holds(value),
            Pattern::Exists(wanted) => value.is_some() == *wanted,
            Pattern::Words(words) => value.and_then(text).is_some_and(|text| words.holds(text)),
            Pattern::InList(list) => value.and_then(text).is_some_and(|text| list.holds(text)),
            Pattern::Cidr(network) => value.and_then(text).is_some_and(|text| network.holds(text)),
            Pattern::Bound(bound) => value.is_some_and(|value| bound.holds(value)),
            Pattern::HasAny(wanted) => texts(value).iter().any(|text| has(wanted, text)),
            Pattern::HasAll(wanted) => {
                let found = texts(value);
                wanted.iter().all(|one| found.iter().any(|text| has(one, text)))
            }
            Pattern::All(patterns) => patterns.iter().all(|pattern| pattern.holds(value)),
            Pattern::Either(patterns) => patterns.iter().any(|pattern| pattern.holds(value)),
        }
    }

    /// The values it is limited to, if it names them.
    pub fn names(&self) -> Option<&[Scalar]> {
        match self {
            Pattern::AnyOf(scalars) => Some(scalars),
            Pattern::All(patterns) => patterns.iter().find_map(Pattern::names),
            Pattern::Not(_)
            | Pattern::Exists(_)
            | Pattern::Words(_)
            | Pattern::InList(_)
            | Pattern::Cidr(_)
            | Pattern::Bound(_)
            | Pattern::HasAny(_)
            | Pattern::HasAll(_)
            | Pattern::Either(_) => None,
        }
    }

    /// True only if no value, and no absence, satisfies it.
    pub fn is_never(&self) -> bool {
        match self {
            Pattern::AnyOf(scalars) => scalars.is_empty(),
            Pattern::All(patterns) => patterns.iter().enumerate().any(|(at, one)| {
                one.is_never() || patterns[at + 1..].iter().any(|other| one.excludes(other))
            }),
            Pattern::Either(patterns) => patterns.iter().all(Pattern::is_never),
            Pattern::Not(_)
            | Pattern::Exists(_)
            | Pattern::Words(_)
            | Pattern::InList(_)
            | Pattern::Cidr(_)
            | Pattern::Bound(_)
            | Pattern::HasAny(_)
            | Pattern::HasAll(_) => false,
        }
    }

    /// True only if no value, and no absence, is known to satisfy both.
    pub fn excludes(&self, other: &Pattern) -> bool {
        match (self.names(), other.names()) {
            (Some(named), _) | (None, Some(named)) => !named.iter().any(|one| {
                let value = Some(one.to_value());
                self.holds(value.as_ref()) && other.holds(value.as_ref())
            }),
            (None, None) => self.rules_out(other) || other.rules_out(self),
        }
    }

    /// Half of [`Pattern::excludes`], for patterns that name no values.
    fn rules_out(&self, other: &Pattern) -> bool {
        match (self, other) {
            (Pattern::All(patterns), _) => patterns.iter().any(|one| one.excludes(other)),
            (Pattern::Either(patterns), _) => patterns.iter().all(|one| one.excludes(other)),
            (Pattern::Exists(false), _) => !other.holds(None),
            (Pattern::Not(pattern), _) => other.implies(pattern),
            (Pattern::Words(mine), Pattern::Words(theirs)) => mine.excludes(theirs),
            (Pattern::Bound(mine), Pattern::Bound(theirs)) => mine.excludes(theirs),
            (
                Pattern::AnyOf(_)
                | Pattern::Exists(true)
                | Pattern::Words(_)
                | Pattern::InList(_)
                | Pattern::Cidr(_)
                | Pattern::Bound(_)
                | Pattern::HasAny(_)
                | Pattern::HasAll(_),
                _,
            ) => false,
        }
    }

    /// True only if whatever satisfies this is known to satisfy `other`, too.
    fn implies(&self, other: &Pattern) -> bool {
        match (self, other) {
            (Pattern::Words(mine), Pattern::Words(theirs)) => mine.implies(theirs),
            (_, Pattern::Exists(true)) => !self.holds(None),
            (_, Pattern::Either(patterns)) => patterns.iter().any(|one| self.implies(one)),
            (_, _) => self == other,
        }
    }

    /// The same, with each text that it compares to replaced by what `resolve` gives for it.
    pub fn resolved(&self, resolve: &mut dyn FnMut(&str) -> Vec<Arc<str>>) -> Pattern {
        match self {
            Pattern::AnyOf(scalars) => {
                let mut resolved = Vec::new();
                for scalar in scalars {
                    match scalar.as_text() {
                        Some(text) => resolved.extend(resolve(text).into_iter().map(Scalar::Text)),
                        None => resolved.push(scalar.clone()),
                    }
                }
                resolved.shrink_to_fit();
                Pattern::AnyOf(resolved)
            }
            Pattern::HasAny(names) => {
                Pattern::HasAny(names.iter().flat_map(|name| resolve(name)).collect())
            }
            Pattern::HasAll(names) => {
                let one =
                    |names: &Vec<Arc<str>>| names.iter().flat_map(|name| resolve(name)).collect();
                Pattern::HasAll(names.iter().map(one).collect())
            }
            Pattern::Not(pattern) => Pattern::Not(Box::new(pattern.resolved(resolve))),
            Pattern::All(patterns) => {
                Pattern::All(patterns.iter().map(|one| one.resolved(resolve)).collect())
            }
            Pattern::Either(patterns) => {
                Pattern::Either(patterns.iter().map(|one| one.resolved(resolve)).collect())
            }
            Pattern::Words(_)
            | Pattern::InList(_)
            | Pattern::Exists(_)
            | Pattern::Cidr(_)
            | Pattern::Bound(_) => self.clone(),
        }
    }

    /// Every text that it compares to as a whole, wherever it stands.
    pub fn texts<'a>(&'a self, found: &mut dyn FnMut(&'a str)) {
        match self {
            Pattern::AnyOf(scalars) => {
                scalars.iter().filter_map(Scalar::as_text).for_each(|text| found(text));
            }
            Pattern::HasAny(names) => names.iter().for_each(|name| found(name)),
            Pattern::HasAll(names) => names.iter().flatten().for_each(|name| found(name)),
            Pattern::Not(pattern) => pattern.texts(found),
            Pattern::All(patterns) | Pattern::Either(patterns) => {
                patterns.iter().for_each(|one| one.texts(found));
            }
            Pattern::Words(_)
            | Pattern::InList(_)
            | Pattern::Exists(_)
            | Pattern::Cidr(_)
            | Pattern::Bound(_) => {}
        }
    }
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Flag(_)
        | Value::Number(_)
        | Value::Time(_)
        | Value::Duration(_)
        | Value::Texts(_) => None,
    }
}

fn texts<'v>(value: Option<&'v Value<'_>>) -> &'v [&'v str] {
    match value {
        Some(Value::Texts(texts)) => texts,
        Some(
            Value::Text(_)
            | Value::Flag(_)
            | Value::Number(_)
            | Value::Time(_)
            | Value::Duration(_),
        )
        | None => &[],
    }
}

fn has(wanted: &[Arc<str>], found: &str) -> bool {
    wanted.iter().any(|one| **one == *found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(Arc::from(text))
    }

    fn not(pattern: Pattern) -> Pattern {
        Pattern::Not(Box::new(pattern))
    }

    fn prefix(text: &str) -> Pattern {
        Pattern::Words(Box::new(Words::new(Form::Prefix, text, false).unwrap()))
    }

    fn words(form: Form, text: &str) -> Pattern {
        Pattern::Words(Box::new(Words::new(form, text, false).unwrap()))
    }

    fn bound(side: Side, limit: i64) -> Pattern {
        Pattern::Bound(Box::new(Bound { side, limit: Scalar::Number(limit) }))
    }

    #[test]
    fn lists_have_some_or_all() {
        let id = |text: &str| -> Arc<str> { Arc::from(text) };
        let value = Value::Texts(vec!["german", "billing-1"]);
        let either = vec![id("billing-1"), id("billing-2")];
        for (pattern, expected) in [
            (Pattern::HasAny(Box::new([id("french"), id("german")])), true),
            (Pattern::HasAny(Box::new([id("french")])), false),
            (Pattern::HasAny(Box::new([])), false),
            (Pattern::HasAll(Box::new([vec![id("german")], either.clone()])), true),
            (Pattern::HasAll(Box::new([vec![id("french")], either])), false),
            // A name that nobody knows is nowhere.
            (Pattern::HasAll(Box::new([vec![id("german")], vec![]])), false),
        ] {
            assert_eq!(pattern.holds(Some(&value)), expected, "{pattern:?}");
            assert!(!pattern.holds(None), "{pattern:?} of nothing");
        }
    }

    #[test]
    fn what_can_never_be_is_known() {
        for (patterns, expected) in [
            (vec![prefix("+49"), not(prefix("+49"))], true),
            (vec![prefix("+49"), not(prefix("+4930"))], false),
            (vec![bound(Side::Gt, 5), bound(Side::Lt, 3)], true),
            (vec![Pattern::Exists(false), Pattern::AnyOf(vec![text("x")])], true),
            (vec![Pattern::Exists(true), not(Pattern::AnyOf(vec![text("x")]))], false),
        ] {
            assert_eq!(Pattern::All(patterns.clone().into()).is_never(), expected, "{patterns:?}");
        }
    }

    #[test]
    fn absence_makes_comparisons_false_and_negations_true() {
        let gold = Pattern::AnyOf(vec![text("gold")]);
        let plus = prefix("+49");
        let value = |text| Value::text(Some(text));
        for (pattern, gold_holds, number_holds, absent_holds) in [
            (gold.clone(), true, false, false),
            (plus.clone(), false, true, false),
            (Pattern::Exists(true), true, true, false),
            (Pattern::Exists(false), false, false, true),
            (not(gold.clone()), false, true, true),
            (not(plus), true, false, true),
            (Pattern::All(Box::new([Pattern::Exists(true), not(gold)])), false, true, false),
            (Pattern::AnyOf(vec![]), false, false, false),
        ] {
            assert_eq!(pattern.holds(value("gold").as_ref()), gold_holds, "{pattern:?} of gold");
            assert_eq!(pattern.holds(value("+4930").as_ref()), number_holds, "{pattern:?} of +49");
            assert_eq!(pattern.holds(value("").as_ref()), absent_holds, "{pattern:?} of empty");
            assert_eq!(pattern.holds(None), absent_holds, "{pattern:?} of nothing");
        }
    }

    #[test]
    fn patterns_that_exclude_each_other_are_known() {
        let any = |texts: &[&str]| Pattern::AnyOf(texts.iter().map(|one| text(one)).collect());
        let zero = Pattern::AnyOf(vec![Scalar::Number(0)]);
        for (one, other, expected) in [
            (any(&["gold"]), any(&["silver", "bronze"]), true),
            (any(&["gold", "silver"]), any(&["silver", "bronze"]), false),
            (zero.clone(), not(zero), true),
            (any(&["+49301"]), prefix("+4930"), false),
            (any(&["+1"]), prefix("+4930"), true),
            (Pattern::Exists(false), prefix("+"), true),
            (Pattern::Exists(false), not(any(&["gold"])), false),
            (Pattern::Exists(true), Pattern::Exists(false), true),
            (prefix("+49"), prefix("+43"), true),
            (prefix("+49"), prefix("+4930"), false),
            (
                prefix("+49"),
                Pattern::All(Box::new([Pattern::Exists(true), not(prefix("+49"))])),
                true,
            ),
            (prefix("+4930"), not(prefix("+43")), false),
            (prefix("+4930"), not(prefix("+49")), true),
            (prefix("+49"), not(Pattern::Exists(true)), true),
            (words(Form::Suffix, ".de"), words(Form::Suffix, ".at"), true),
            (words(Form::Suffix, ".de"), prefix("x"), false),
            (words(Form::Contains, "x"), not(words(Form::Contains, "x")), true),
            (bound(Side::Gt, 3), bound(Side::Lt, 4), true),
            (bound(Side::Gt, 3), bound(Side::Lt, 5), false),
            (bound(Side::Ge, 3), bound(Side::Le, 3), false),
            (bound(Side::Ge, 4), bound(Side::Le, 3), true),
            (bound(Side::Lt, 3), bound(Side::Le, 3), false),
        ] {
            assert_eq!(one.excludes(&other), expected, "{one:?} and {other:?}");
            assert_eq!(other.excludes(&one), expected, "{other:?} and {one:?}");
        }
    }
}
