//! Patterns in the words of the rules file, for people.

use crate::rules::pattern::{Pattern, Scalar};

/// So many values of a list are shown.
const SHOWN: usize = 5;

/// What a value has to be like.
pub(super) fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::AnyOf(scalars) => match &scalars[..] {
            [] => "nothing".to_owned(),
            [one] => scalar(one),
            several => {
                let shown: Vec<String> = several.iter().take(SHOWN).map(scalar).collect();
                let more = several.len().saturating_sub(SHOWN);
                let more = if more > 0 { format!(", … {more} more") } else { String::new() };
                format!("any of {}{more}", shown.join(", "))
            }
        },
        Pattern::Not(inner) => format!("not {}", self::pattern(inner)),
        Pattern::Prefix(prefix) => format!("prefix {prefix:?}"),
        Pattern::Exists(true) => "exists".to_owned(),
        Pattern::Exists(false) => "absent".to_owned(),
        Pattern::All(patterns) => {
            let all: Vec<String> = patterns.iter().map(self::pattern).collect();
            all.join(" and ")
        }
    }
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => format!("{text:?}"),
        Scalar::Flag(flag) => flag.to_string(),
        Scalar::Number(number) => number.to_string(),
    }
}
