//! Mistakes in the TOML itself, explained to somebody who does not know TOML by heart.

use toml::de::Error;

use super::reader::Reader;

/// What the parser says, what we say, and what to do.
///
/// The first that fits counts. `true`: the rest of the document was read all the same, so that its
/// other mistakes can be shown too.
const KNOWN: [(&str, &str, &str, bool); 10] = [
    (
        "cannot extend value of type inline table",
        "a table in braces { } is complete and cannot be extended below",
        "write dotted lines and no braces: match.participant.purpose = \"agent\", then \
         match.participant.state = \"connected\"",
        true,
    ),
    (
        "cannot extend value of type",
        "this has a value already and cannot have parts",
        "write all operators in dotted lines, or as one table in braces",
        true,
    ),
    (
        "string values must be quoted",
        "texts stand in straight quotes",
        "write \"…\"; true, false and numbers go without",
        true,
    ),
    (
        "invalid basic string",
        "this text does not end, or has a mistake in it",
        "close it with \" on the same line; a \\ in a text is written \\\\",
        false,
    ),
    (
        "invalid literal string",
        "this text does not end, or has a mistake in it",
        "close it with ' on the same line; a text with ' in it stands in \"…\"",
        false,
    ),
    (
        "unexpected key or value",
        "this line goes on behind its end",
        "write one key = value in a line; a text with ' in it stands in \"…\"",
        false,
    ),
    ("missing comma", "two values stand side by side", "write a comma between them", false),
    (
        "unclosed",
        "a bracket is never closed",
        "close it with ] on the same line as it opens",
        false,
    ),
    ("duplicate key", "this is there twice", "leave one of them", true),
    ("key with no value", "a key without a value", "write key = value", false),
];

/// Reports the parser's errors. Returns true if what was read beside them can be relied on.
pub(super) fn report(reader: &mut Reader<'_>, errors: &[Error]) -> bool {
    let mut reliable = true;
    let mut seen = Vec::new();
    let open = never_closed(reader.source, errors);
    if let Some(end) = open {
        reader
            .problems
            .error(end..end, "a list is never closed")
            .help("close it with ] where it ends; all lines below belong to it until then");
        reliable = false;
    }
    for error in errors {
        let span = error.span().unwrap_or_default();
        if open.is_some_and(|end| span.start >= end) {
            continue;
        }
        // One mistake can have several consequences in one place.
        if seen.contains(&span.start) {
            continue;
        }
        seen.push(span.start);
        let known = KNOWN.iter().find(|(start, ..)| error.message().starts_with(start));
        match known {
            Some((_, message, help, harmless)) => {
                reader.problems.error(span, *message).help(*help);
                reliable &= harmless;
            }
            None => {
                reader.problems.error(span, error.message());
                reliable = false;
            }
        }
    }
    reliable
}

/// Where the list should have ended in which the parser has met a line `key = value`: behind the line
/// above. All that is said of what comes later is a consequence.
fn never_closed(text: &str, errors: &[Error]) -> Option<usize> {
    let starts =
        errors.iter().filter(|error| error.message().starts_with("unexpected `=` in array"));
    let lines = starts.filter_map(|error| {
        let before = text.get(..error.span()?.start)?;
        let line = before.rfind('\n')? + 1;
        // A list that begins in this line is another mistake.
        (!before[line..].contains(['[', '{'])).then_some(line)
    });
    let above = text[..lines.min()?].trim_end();
    Some(above.len())
}
