//! Equality and order.

use std::cmp::Ordering;

use crate::rules::expression::value::Value;

/// Whether two values are equal, and how many parts were compared to know it.
///
/// That what is absent equals nothing is for the caller to see to: within lists and tables it does,
/// so that these equal themselves. Numbers are equal across their kinds; else values of different
/// kinds never are.
pub(in crate::rules::expression) fn equal(
    one: &Value<'_>,
    other: &Value<'_>,
    steps: &mut u32,
) -> bool {
    *steps = steps.saturating_add(1);
    match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Flag(one), Value::Flag(other)) => one == other,
        (Value::Text(one), Value::Text(other)) => one == other,
        (Value::Time(one), Value::Time(other)) => one == other,
        (Value::Duration(one), Value::Duration(other)) => one == other,
        (Value::Party(one), Value::Party(other)) => one == other,
        (Value::Whole(_) | Value::Fraction(_), Value::Whole(_) | Value::Fraction(_)) => {
            order(one, other) == Some(Ordering::Equal)
        }
        _ => {
            if let (Some(one), Some(other)) = (one.elements(), other.elements()) {
                return one.len() == other.len()
                    && one.iter().zip(&*other).all(|(one, other)| equal(one, other, steps));
            }
            let (Some(one), Some(other)) = (one.entries(), other.entries()) else { return false };
            one.len() == other.len()
                && one.iter().zip(&*other).all(|((key, one), (other_key, other))| {
                    key == other_key && equal(one, other, steps)
                })
        }
    }
}

/// Which value comes first; `None` if they have no order.
pub(in crate::rules::expression) fn order(one: &Value<'_>, other: &Value<'_>) -> Option<Ordering> {
    match (one, other) {
        (Value::Flag(one), Value::Flag(other)) => Some(one.cmp(other)),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        (Value::Time(one), Value::Time(other)) => Some(one.cmp(other)),
        (Value::Duration(one), Value::Duration(other)) => Some(one.cmp(other)),
        (Value::Whole(one), Value::Whole(other)) => Some(one.cmp(other)),
        (Value::Fraction(one), Value::Fraction(other)) => one.partial_cmp(other),
        (Value::Whole(one), Value::Fraction(other)) => whole_and_fraction(*one, *other),
        (Value::Fraction(one), Value::Whole(other)) => {
            whole_and_fraction(*other, *one).map(Ordering::reverse)
        }
        _ => None,
    }
}

/// Exact, also where a fraction cannot tell two large whole numbers apart.
fn whole_and_fraction(whole: i64, fraction: f64) -> Option<Ordering> {
    // 2^63; every fraction below it, and no other, truncates to a whole number of 64 bits.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if fraction.is_nan() {
        return None;
    }
    if fraction >= LIMIT {
        return Some(Ordering::Less);
    }
    if fraction < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "its range was looked at just now")]
    let truncated = fraction as i64;
    Some(whole.cmp(&truncated).then_with(|| {
        let part = fraction - fraction.trunc();
        0.0_f64.partial_cmp(&part).unwrap_or(Ordering::Equal)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_two_kinds_compare_exactly() {
        for (whole, fraction, expected) in [
            (1, 1.0, Ordering::Equal),
            (1, 1.5, Ordering::Less),
            (-1, -1.5, Ordering::Greater),
            (i64::MAX, 9_223_372_036_854_775_808.0, Ordering::Less),
            (i64::MIN, -9_223_372_036_854_775_808.0, Ordering::Equal),
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater),
            (0, f64::INFINITY, Ordering::Less),
        ] {
            let (one, other) = (Value::Whole(whole), Value::Fraction(fraction));
            assert_eq!(order(&one, &other), Some(expected), "{whole} {fraction}");
            assert_eq!(order(&other, &one), Some(expected.reverse()), "{fraction} {whole}");
        }
    }
}
