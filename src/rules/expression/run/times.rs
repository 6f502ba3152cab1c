//! Times and durations: how they are read, and what can be asked of them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::rules::expression::functions::Function;
use crate::rules::expression::value::Value;

/// Nanoseconds of a unit; days are here for convenience, and always of 24 hours.
const UNITS: [(&str, i128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Digits before and after a point: what a duration of some centuries takes.
const MAX_DIGITS: usize = 12;

/// Reads `90s`, `1h30m`, `1.5s`, `-5m`.
pub(in crate::rules::expression) fn duration(text: &str) -> Option<SignedDuration> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(digits);
        let length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += amount(number, *nanos)?;
        rest = after;
    }
    let total = total * sign;
    let seconds = i64::try_from(total / 1_000_000_000).ok()?;
    let nanos = i32::try_from(total % 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, nanos))
}

/// A decimal number of units.
fn amount(number: &str, nanos: i128) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > MAX_DIGITS || part.len() > MAX_DIGITS {
        return None;
    }
    let mut total = whole.parse::<i128>().ok()? * nanos;
    if !part.is_empty() {
        let scale = 10_i128.pow(u32::try_from(part.len()).ok()?);
        total += part.parse::<i128>().ok()? * nanos / scale;
    }
    Some(total)
}

/// Reads a time as RFC 3339 has it.
pub(in crate::rules::expression) fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// What one of the `get…` functions gives, if this can be asked of the value.
///
/// As in CEL, months, days of a month (`getDayOfMonth`) and of a year begin with 0, and the week
/// with Sunday, which is 0; `getDate` begins with 1.
pub(in crate::rules::expression) fn clock(
    function: Function,
    value: &Value<'_>,
    zone: &TimeZone,
) -> Option<i64> {
    match value {
        Value::Time(time) => {
            let at = time.to_zoned(zone.clone());
            Some(match function {
                Function::Year => at.year().into(),
                Function::Month => i64::from(at.month()) - 1,
                Function::Date => at.day().into(),
                Function::DayOfMonth => i64::from(at.day()) - 1,
                Function::DayOfYear => i64::from(at.day_of_year()) - 1,
                Function::DayOfWeek => at.weekday().to_sunday_zero_offset().into(),
                Function::Hours => at.hour().into(),
                Function::Minutes => at.minute().into(),
                Function::Seconds => at.second().into(),
                Function::Milliseconds => at.millisecond().into(),
                _ => return None,
            })
        }
        Value::Duration(duration) => Some(match function {
            Function::Hours => duration.as_hours(),
            Function::Minutes => duration.as_mins(),
            Function::Seconds => duration.as_secs(),
            Function::Milliseconds => duration.subsec_millis().into(),
            _ => return None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_cel_writes_them() {
        for (text, millis) in [
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5s", Some(1_500)),
            ("-5m", Some(-300_000)),
            ("250ms", Some(250)),
            ("2d", Some(172_800_000)),
            ("", None),
            ("-", None),
            ("5", None),
            ("s", None),
            ("5 s", None),
            (".5s", None),
            ("1.2.3s", None),
            ("999999999999999d", None),
            ("9999999999999s", None),
        ] {
            let found = duration(text).map(|duration| duration.as_millis());
            assert_eq!(found, millis, "{text}");
        }
    }
}
