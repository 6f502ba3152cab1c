//! Patterns in the words of the rules file, for people.

use std::sync::Arc;

use crate::rules::pattern::{Pattern, Scalar, Words};

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
        Pattern::Exists(true) => "exists".to_owned(),
        Pattern::Exists(false) => "absent".to_owned(),
        Pattern::Words(words) => {
            let Words { form, text, ignore_case, .. } = &**words;
            let folded = if *ignore_case { ", whatever the case" } else { "" };
            format!("{} {text:?}{folded}", form.name())
        }
        Pattern::InList(list) => format!("in list {:?}", list.name),
        Pattern::Cidr(network) => format!("cidr {network}"),
        Pattern::Bound(bound) => format!("{} {}", bound.side.name(), scalar(&bound.limit)),
        Pattern::HasAny(wanted) => format!("has_any {}", quoted(wanted.iter())),
        Pattern::HasAll(wanted) => format!("has_all {}", quoted(wanted.iter().flatten())),
        Pattern::All(patterns) => {
            let all: Vec<String> = patterns.iter().map(self::pattern).collect();
            all.join(" and ")
        }
        Pattern::Either(patterns) => {
            let all: Vec<String> = patterns.iter().map(self::pattern).collect();
            all.join(" or ")
        }
    }
}

fn quoted<'t>(texts: impl Iterator<Item = &'t Arc<str>>) -> String {
    texts.map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => format!("{text:?}"),
        Scalar::Flag(flag) => flag.to_string(),
        Scalar::Number(_) | Scalar::Time(_) | Scalar::Duration(_) => scalar.to_value().into_text(),
    }
}
