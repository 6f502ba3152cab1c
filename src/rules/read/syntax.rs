//! Mistakes in the TOML itself, explained to somebody who does not know TOML by heart.

use toml::de::Error;

use super::reader::Reader;

/// What the parser says, what we say, and what to do.
///
/// The first that fits counts. `true`: the rest of the document was read all the same, so that its
/// other mistakes can be shown too.
const KNOWN: [(&str, &str, &str, bool); 7] = [
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
    for error in errors {
        let span = error.span().unwrap_or_default();
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
