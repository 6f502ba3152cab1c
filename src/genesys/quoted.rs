//! Takes out of what a server says what belongs in no log: one that refuses a request likes to quote
//! it. Pure.
//!
//! A value is found as it is, as it looks in one line, and as JSON writes it; whole, or its beginning
//! where the text ends. A server that disguises it otherwise gets it through.

use super::call::CallError;
use super::error::one_line;

/// What stands where a value stood.
const REDACTED: &str = "…";

/// A server's text is bounded, so a long value may be quoted in part; fewer characters than this at
/// the end of the text are no quotation.
const SHORTEST_PART: usize = 4;

/// So many digits are a telephone number, or may be one.
const DIGITS: usize = 7;

/// The text without any of these values.
pub(crate) fn without<'a>(text: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    // Of an answer they may be gone already.
    let and_without_numbers = |value: &str| [value.to_owned(), without_numbers(value)];
    let values = values.into_iter().flat_map(and_without_numbers);
    let mut forms: Vec<String> = values.flat_map(|value| forms(&value)).collect();
    // A value may be part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    let mut text = text.to_owned();
    for form in forms.iter().filter(|form| !form.is_empty()) {
        text = text.replace(form.as_str(), REDACTED);
        if let Some(at) = part_at_the_end(&text, form) {
            text.truncate(at);
            text.push_str(REDACTED);
        }
    }
    text
}

/// The error without secrets that the server quotes.
pub(super) fn not_in(mut error: CallError, secrets: &[&str]) -> CallError {
    if let Some(refusal) = error.refusal_mut() {
        refusal.message = without(&refusal.message, secrets.iter().copied());
    } else if let CallError::NoToken(said) | CallError::Credentials(said) = &mut error {
        *said = without(said, secrets.iter().copied());
    }
    error
}

/// The text without what may be telephone numbers: ids have letters or hyphens beside their digits.
pub(super) fn without_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..].find(|c: char| !c.is_ascii_digit());
        let end = digits.map_or(rest.len(), |length| start + length);
        let is_of_an_id = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let before = rest[..start].chars().next_back().or_else(|| shown.chars().next_back());
        let beside = before.into_iter().chain(rest[end..].chars().next()).any(is_of_an_id);
        shown.push_str(&rest[..start]);
        shown.push_str(if end - start >= DIGITS && !beside { REDACTED } else { &rest[start..end] });
        rest = &rest[end..];
    }
    shown + rest
}

/// What a value may look like in a text.
fn forms(value: &str) -> [String; 4] {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"'));
    let quoted = inner.unwrap_or_default().to_owned();
    let mut ascii = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    [value.to_owned(), one_line(value), quoted, ascii]
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

    #[track_caller]
    fn check(text: &str, values: &[&str], expected: &str) {
        assert_eq!(without(text, values.iter().copied()), expected);
    }

    #[test]
    fn values_are_taken_out_whole_and_in_part() {
        check("value 'gold card' is bad", &["gold card", "gold"], "value '…' is bad");
        check("bad value: 0123456789…", &["0123456789abcdef"], "bad value: …");
        check("a value is bad", &["", "goldfish"], "a value is bad");
        check("größe: grüße", &["grüße und mehr"], "größe: …");
    }

    #[test]
    fn values_are_found_in_one_line_and_in_json() {
        check("value 'line one line two' is bad", &["line one\nline two"], "value '…' is bad");
        check(r#"in {"a":"say \"no\""}"#, &["say \"no\""], r#"in {"a":"…"}"#);
        check(r"in {'a':'gr\u00fcn'} or grün", &["grün"], "in {'a':'…'} or …");
        check(r"in {'a':'\ud83d\ude00 me'}", &["😀 me"], "in {'a':'…'}");
    }

    #[test]
    fn values_are_found_where_numbers_were_taken_out_of_them() {
        let said = without_numbers("not [gold, +49301234567]");
        check(&said, &["gold, +49301234567"], "not […]");
    }

    #[test]
    fn numbers_are_taken_out_and_ids_are_not() {
        let numbers = |text: &str, expected: &str| assert_eq!(without_numbers(text), expected);
        numbers("call of +4930123456 (49301234567)", "call of +… (…)");
        numbers("status 503, 3 of 123456", "status 503, 3 of 123456");
        let id = "3b0e2f7a-1234-4c5d-8e9f-123456789012";
        numbers(id, id);
        numbers("1234567", "…");
    }
}
