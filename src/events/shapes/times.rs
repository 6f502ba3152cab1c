//! Times as Genesys writes them: `2026-11-20T14:00:00.000Z`.
//!
//! That form, which all real ones have, is read here by its places; any other is left to `jiff`.

use jiff::Timestamp;

/// The moment that the text names, if it names one.
#[inline]
pub(super) fn time(text: &str) -> Option<Timestamp> {
    usual(text.as_bytes()).or_else(|| text.parse().ok())
}

fn usual(text: &[u8]) -> Option<Timestamp> {
    let (head, tail) = text.split_at_checked(19)?;
    let millis = match tail {
        b"Z" => 0,
        [b'.', a, b, c, b'Z'] => number(&[*a, *b, *c])?,
        _ => return None,
    };
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] =
        head
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    // A leap second, a 30th of February and the like are for who knows the calendar.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) && day > last_day(year, month) {
        return None;
    }
    if day == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Timestamp::new(seconds, i32::try_from(millis).ok()? * 1_000_000).ok()
}

#[inline]
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

fn last_day(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970, by the civil calendar: years begin in March, so that a leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_forms_are_read_as_well() {
        for text in [
            "2026-11-20T14:00:00Z",
            "2026-11-20T14:00:00.123Z",
            "2026-11-20T14:00:00.123456789Z",
            "2026-11-20T15:00:00+01:00",
            "2026-11-20T15:00:00.5+0100",
            "2024-02-29T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-12-31T23:59:60Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "2026-11-20 14:00:00Z",
            "yesterday",
            "2026-11-20T14:00:0üZ",
            "",
        ] {
            assert_eq!(time(text), text.parse().ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_usual_form_is_read_as_jiff_reads_it(
            seconds in -62_135_596_800_i64..253_402_200_000,
            millis in 0_i32..1000,
        ) {
            let moment = Timestamp::new(seconds, millis * 1_000_000).unwrap();
            let whole = Timestamp::new(seconds, 0).unwrap();
            prop_assert_eq!(time(&format!("{moment:.3}")), Some(moment));
            prop_assert_eq!(usual(format!("{whole}").as_bytes()), Some(whole));
        }
    }
}
