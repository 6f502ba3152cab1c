//! How long something is, for somebody who glances at it. Pure.

use crate::status::overview::Millis;

/// Two units at most: `0.4 s`, `17 s`, `2 h 13 min`.
pub(in crate::cli) fn span(millis: Millis) -> String {
    let millis = millis.max(0);
    if millis < 10_000 {
        return format!("{}.{} s", millis / 1000, millis % 1000 / 100);
    }
    let (seconds, minutes, hours, days) =
        (millis / 1000, millis / 60_000, millis / 3_600_000, millis / 86_400_000);
    let with = |whole: String, rest: i64, unit| match rest {
        0 => whole,
        rest => format!("{whole} {rest} {unit}"),
    };
    if seconds < 120 {
        format!("{seconds} s")
    } else if minutes < 120 {
        format!("{minutes} min")
    } else if hours < 48 {
        with(format!("{hours} h"), minutes % 60, "min")
    } else {
        with(format!("{days} d"), hours % 24, "h")
    }
}

/// How long ago it was, seen from `at`.
pub(in crate::cli) fn ago(at: Millis, then: Option<Millis>) -> String {
    then.map_or_else(|| "never".to_owned(), |then| format!("{} ago", span(at - then)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (millis, text) in [
            (-5, "0.0 s"),
            (340, "0.3 s"),
            (9_999, "9.9 s"),
            (17_000, "17 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (7_200_000, "2 h"),
            (7_980_000, "2 h 13 min"),
            (172_800_000, "2 d"),
            (180_000_000, "2 d 2 h"),
        ] {
            assert_eq!(span(millis), text);
        }
        assert_eq!(ago(1_000, None), "never");
    }
}
