//! Texts, keys and lists as TOML has them.

/// Longer values that are lists stand on several lines.
const WIDTH: usize = 90;

/// A text in the quotes that need the fewest escapes.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| !c.is_control() || c == '\t';
    let is_tame = |c: char| is_plain(c) && !matches!(c, '"' | '\\' | '\t');
    if text.chars().all(is_tame) {
        return format!("\"{text}\"");
    }
    if !text.contains('\'') && text.chars().all(is_plain) {
        return format!("'{text}'");
    }
    let of_lines = text.contains('\n') && text.chars().all(|c| is_plain(c) || c == '\n');
    if of_lines && !text.contains("'''") && !text.ends_with('\'') {
        return format!("'''\n{text}'''");
    }
    escaped(text)
}

/// A key, bare where it may be.
pub(super) fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(is_bare) {
        return name.to_owned();
    }
    // A key takes no quotes that go over lines.
    let shown = quoted(name);
    if shown.starts_with("'''") { escaped(name) } else { shown }
}

/// A list, on one line each if it would be long.
pub(super) fn list(elements: impl Iterator<Item = String>) -> String {
    let elements: Vec<String> = elements.collect();
    let length: usize = elements.iter().map(|one| one.len() + 2).sum();
    if elements.len() < 2 || length <= WIDTH {
        return format!("[{}]", elements.join(", "));
    }
    lines(elements)
}

/// A list of which each element stands on a line of its own.
pub(super) fn lines(elements: Vec<String>) -> String {
    let elements = elements.into_iter().map(|one| format!("    {one},\n"));
    format!("[\n{}]", elements.collect::<String>())
}

/// An inline table.
pub(super) fn table(entries: &[(String, String)]) -> String {
    let entries = entries.iter().map(|(key, value)| format!("{key} = {value}"));
    format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
}

fn escaped(text: &str) -> String {
    let mut shown = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if c.is_control() => shown.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown.push('"');
    shown
}
