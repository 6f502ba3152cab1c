//! What a value has to be like.
//!
//! Absence is null: comparisons with it are false, and `not` is the negation of what stands in it,
//! so it is true of what is absent.

use std::sync::Arc;

use super::field::Value;

/// A plain value as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    Text(Arc<str>),
    Flag(bool),
    Number(i64),
}

/// What is asked of one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Equal to one of these; to nothing if there are none.
    AnyOf(Vec<Scalar>),
    Not(Box<Pattern>),
    Prefix(Arc<str>),
    Exists(bool),
    /// Several operators: all must hold.
    All(Vec<Pattern>),
}

impl Scalar {
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Scalar::Text(wanted), Value::Text(found)) => **wanted == **found,
            (Scalar::Flag(wanted), Value::Flag(found)) => wanted == found,
            (Scalar::Number(wanted), Value::Number(found)) => wanted == found,
            (Scalar::Text(_) | Scalar::Flag(_) | Scalar::Number(_), _) => false,
        }
    }

    pub fn to_value(&self) -> Value<'_> {
        match self {
            Scalar::Text(text) => Value::Text((&**text).into()),
            Scalar::Flag(flag) => Value::Flag(*flag),
            Scalar::Number(number) => Value::Number(*number),
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
            Pattern::Prefix(prefix) => match value {
                Some(Value::Text(text)) => text.starts_with(&**prefix),
                Some(
                    Value::Flag(_)
                    | Value::Number(_)
                    | Value::Time(_)
                    | Value::Duration(_)
                    | Value::Texts(_),
                )
                | None => false,
            },
            Pattern::Exists(wanted) => value.is_some() == *wanted,
            Pattern::All(patterns) => patterns.iter().all(|pattern| pattern.holds(value)),
        }
    }

    /// The values it is limited to, if it names them.
    pub fn names(&self) -> Option<&[Scalar]> {
        match self {
            Pattern::AnyOf(scalars) => Some(scalars),
            Pattern::All(patterns) => patterns.iter().find_map(Pattern::names),
            Pattern::Not(_) | Pattern::Prefix(_) | Pattern::Exists(_) => None,
        }
    }

    /// True if and only if no value, and no absence, is known to satisfy both.
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
        match self {
            Pattern::All(patterns) => patterns.iter().any(|one| one.excludes(other)),
            Pattern::Exists(false) => !other.holds(None),
            Pattern::Not(pattern) => **pattern == *other,
            Pattern::Prefix(mine) => match other {
                Pattern::Prefix(theirs) => {
                    !mine.starts_with(&**theirs) && !theirs.starts_with(&**mine)
                }
                Pattern::AnyOf(_) | Pattern::Not(_) | Pattern::Exists(_) | Pattern::All(_) => false,
            },
            Pattern::AnyOf(_) | Pattern::Exists(true) => false,
        }
    }

    /// The same, with each text that it compares to replaced by what `resolve` gives for it.
    pub fn resolved(&self, resolve: &mut dyn FnMut(&str) -> Vec<Arc<str>>) -> Pattern {
        match self {
            Pattern::AnyOf(scalars) => {
                let mut resolved = Vec::new();
                for scalar in scalars {
                    match scalar {
                        Scalar::Text(text) => {
                            resolved.extend(resolve(text).into_iter().map(Scalar::Text));
                        }
                        Scalar::Flag(_) | Scalar::Number(_) => resolved.push(scalar.clone()),
                    }
                }
                Pattern::AnyOf(resolved)
            }
            Pattern::Not(pattern) => Pattern::Not(Box::new(pattern.resolved(resolve))),
            Pattern::All(patterns) => {
                Pattern::All(patterns.iter().map(|one| one.resolved(resolve)).collect())
            }
            Pattern::Prefix(_) | Pattern::Exists(_) => self.clone(),
        }
    }

    /// Every text that it compares to, wherever it stands.
    pub fn texts<'a>(&'a self, found: &mut dyn FnMut(&'a str)) {
        match self {
            Pattern::AnyOf(scalars) => scalars.iter().for_each(|scalar| match scalar {
                Scalar::Text(text) => found(text),
                Scalar::Flag(_) | Scalar::Number(_) => {}
            }),
            Pattern::Not(pattern) => pattern.texts(found),
            Pattern::All(patterns) => patterns.iter().for_each(|one| one.texts(found)),
            Pattern::Prefix(_) | Pattern::Exists(_) => {}
        }
    }
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
        Pattern::Prefix(Arc::from(text))
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
            (Pattern::All(vec![Pattern::Exists(true), not(gold)]), false, true, false),
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
            (prefix("+49"), Pattern::All(vec![Pattern::Exists(true), not(prefix("+49"))]), true),
            (prefix("+4930"), not(prefix("+43")), false),
        ] {
            assert_eq!(one.excludes(&other), expected, "{one:?} and {other:?}");
            assert_eq!(other.excludes(&one), expected, "{other:?} and {one:?}");
        }
    }
}
