//! Functions of texts. Places in a text are counted in characters, from 0.

use std::borrow::Cow;

use super::{Bounded, TooLong};

/// Replaces the first `limit` occurrences. An empty `old` is nowhere.
pub(in crate::rules::expression) fn replace(
    text: &str,
    old: &str,
    new: &str,
    limit: usize,
) -> Result<String, TooLong> {
    let mut made = Bounded::default();
    let mut rest = text;
    let mut left = if old.is_empty() { 0 } else { limit };
    while left > 0
        && let Some((before, after)) = rest.split_once(old)
    {
        made.push(before)?;
        made.push(new)?;
        rest = after;
        left -= 1;
    }
    made.push(rest)?;
    Ok(made.into_text())
}

/// The parts between separators, at most `limit`; an empty separator splits into characters.
pub(in crate::rules::expression) fn split<'t>(
    text: &'t str,
    separator: &str,
    limit: usize,
) -> Vec<&'t str> {
    if limit == 0 {
        return Vec::new();
    }
    if !separator.is_empty() {
        return text.splitn(limit, separator).collect();
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if parts.len() + 1 == limit {
            parts.push(rest);
            return parts;
        }
        let (one, after) = rest.split_at(first.len_utf8());
        parts.push(one);
        rest = after;
    }
    parts
}

/// From one place up to another; `None` if they are not places of the text.
pub(in crate::rules::expression) fn substring<'t>(
    text: &Cow<'t, str>,
    from: i64,
    to: Option<i64>,
) -> Option<Cow<'t, str>> {
    let start = byte(text, from)?;
    let end = match to {
        Some(to) => byte(text, to)?,
        None => text.len(),
    };
    match text {
        Cow::Borrowed(text) => text.get(start..end).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(start..end).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// At which character this byte is.
pub(in crate::rules::expression) fn character(text: &str, byte: Option<usize>) -> i64 {
    let count = byte.and_then(|byte| text.get(..byte)).map(|before| before.chars().count());
    count.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1)
}

/// At which byte this character is; the place behind the last one counts.
fn byte(text: &str, character: i64) -> Option<usize> {
    let character = usize::try_from(character).ok()?;
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.nth(character)
}
