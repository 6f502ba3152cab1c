//! Durations as people write them: `250ms`, `10s`, `1h30m`, `7d`.
//!
//! Pure. For every file that people write; a number without a unit is refused, because nobody knows
//! afterwards what was meant.

use std::time::Duration;

/// Why a text is no duration. The messages are whole sentences for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("`{0}` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`")]
    NotOne(String),
    #[error("`{0}` has no unit: write for example `{0}s` (ms, s, m, h and d are known)")]
    NoUnit(String),
    #[error("`{0}` is not a unit of time: ms, s, m, h and d are")]
    UnknownUnit(String),
    #[error("`{0}` is not in order: the larger unit comes first, and each once, as in `1h30m`")]
    OutOfOrder(String),
    #[error("`{0}` is too long")]
    TooLong(String),
}

/// Units and their milliseconds, the largest first.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a duration.
///
/// # Errors
///
/// If it is none; the message says what to write.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let not_one = || DurationError::NotOne(text.to_owned());
    let too_long = || DurationError::TooLong(text.to_owned());
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(not_one());
    }
    let mut total: u64 = 0;
    let mut smallest_yet = u64::MAX;
    while !rest.is_empty() {
        let (digits, after) = split_where(rest, |c| !c.is_ascii_digit());
        if digits.is_empty() {
            return Err(not_one());
        }
        let number: u64 = digits.parse().map_err(|_| too_long())?;
        let (unit, after) = split_where(after, |c| !c.is_alphabetic());
        let millis = match UNITS.iter().find(|(word, _)| *word == unit) {
            Some((_, millis)) => *millis,
            None if number == 0 && text.trim() == digits => 1,
            None if unit.is_empty() && after.is_empty() => {
                return Err(DurationError::NoUnit(digits.to_owned()));
            }
            None if unit.is_empty() => return Err(not_one()),
            None => return Err(DurationError::UnknownUnit(unit.to_owned())),
        };
        if millis >= smallest_yet {
            return Err(DurationError::OutOfOrder(text.to_owned()));
        }
        smallest_yet = millis;
        let part = number.checked_mul(millis).ok_or_else(too_long)?;
        total = total.checked_add(part).ok_or_else(too_long)?;
        rest = after;
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration so that [`parse`] reads it again, to the millisecond.
pub fn show(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, millis) in UNITS {
        let count = rest / u128::from(millis);
        rest %= u128::from(millis);
        // `24h` and `7d`, not `1d` and `168h`: a single day is written in hours.
        if unit == "d" && count <= 1 {
            rest += count * u128::from(millis);
        } else if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("2d1h1m1s1ms", 176_461_001),
            ("0s", 0),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(text), Ok(duration), "{text}");
            assert_eq!(show(duration), text);
        }
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        assert_eq!(parse(" 90s "), Ok(Duration::from_secs(90)));
    }

    #[test]
    fn what_is_no_duration_is_told_apart() {
        let table: Vec<String> =
            ["", "ten", "10", "10 s", "1.5h", "-5s", "3w", "5m1h", "1s1s", "99999999999999d", "é"]
                .map(|text| parse(text).unwrap_err().to_string())
                .into();
        expect_test::expect![[r"
            `` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`
            `ten` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`
            `10` has no unit: write for example `10s` (ms, s, m, h and d are known)
            `10 s` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`
            `1.5h` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`
            `-5s` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`
            `w` is not a unit of time: ms, s, m, h and d are
            `5m1h` is not in order: the larger unit comes first, and each once, as in `1h30m`
            `1s1s` is not in order: the larger unit comes first, and each once, as in `1h30m`
            `99999999999999d` is too long
            `é` is not a duration: write for example `250ms`, `10s`, `1h30m` or `7d`"]]
        .assert_eq(&table.join("\n"));
    }
}
