//! Takes our own values out of what a server says, before it is logged or kept.
//!
//! A server that refuses a request likes to quote it; attribute values reach no log (DESIGN 4).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::outbox::Waiting;
use crate::genesys::call::CallError;

/// What stands where a value stood.
const REDACTED: &str = "…";

/// A server's text is bounded, so a long value may be quoted in part; fewer characters than this at
/// the end of the text are no quotation.
const SHORTEST_PART: usize = 4;

/// Returns the error as text without any of the values that were sent.
pub(crate) fn describe(error: &CallError, sent: &BTreeMap<Arc<str>, Waiting>) -> String {
    let mut values: Vec<&str> = sent.values().map(|waiting| &*waiting.value).collect();
    // A value may be part of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut error = error.clone();
    match error.refusal_mut() {
        Some(refusal) => {
            refusal.message = redact(&refusal.message, &values);
            error.to_string()
        }
        None => redact(&error.to_string(), &values),
    }
}

fn redact(text: &str, values: &[&str]) -> String {
    let mut text = text.to_owned();
    for value in values.iter().filter(|value| !value.is_empty()) {
        text = text.replace(value, REDACTED);
        if let Some(at) = part_at_the_end(&text, value) {
            text.truncate(at);
            text.push_str(REDACTED);
        }
    }
    text
}

/// Where the text ends with the beginning of the value, if it does: before an ellipsis, too.
fn part_at_the_end(text: &str, value: &str) -> Option<usize> {
    let text = text.trim_end_matches(['…', '.']);
    let starts = text.char_indices().map(|(at, _)| at);
    starts.rev().take(value.len()).filter(|at| text[*at..].chars().count() >= SHORTEST_PART).find(
        |at| {
            let end = &text[*at..];
            value.starts_with(end)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::call::Refusal;

    #[test]
    fn values_are_taken_out_whole_and_in_part() {
        let check = |text: &str, values: &[&str], expected: &str| {
            assert_eq!(redact(text, values), expected);
        };
        check("value 'gold card' is bad", &["gold card", "gold"], "value '…' is bad");
        check("bad value: 0123456789…", &["0123456789abcdef"], "bad value: …");
        check("a value is bad", &["", "goldfish"], "a value is bad");
        check("größe: grüße", &["grüße und mehr"], "größe: …");
    }

    #[test]
    fn what_an_error_adds_to_the_servers_words_stays() {
        let refusal = Refusal { operation: "patch_attributes", status: 401, ..Refusal::default() };
        let said = describe(&CallError::Unauthorized(refusal), &BTreeMap::new());
        assert!(said.contains("the token was renewed"), "{said}");
    }
}
