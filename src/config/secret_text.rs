//! Finds what may be a secret in the text of a configuration, by its looks.
//!
//! A report shows the line of a problem. Secrets do not belong in the file, but somebody will put
//! one there, perhaps in a line that is no TOML at all; so this looks at the text, before anybody
//! understands it. Pure.

use std::ops::Range;

/// What in the name of a key says that its value is a secret.
const WORDS: [&str; 5] = ["secr", "passw", "token", "credential", "api_key"];
/// Ends of keys that say where a secret is, and not what it is.
const PLACES: [&str; 3] = ["_file", "_credential", "_env"];

/// The parts that no report may show: values of keys that sound secret (but for those that name a
/// file), and user and password in URLs.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for (at, _) in line.match_indices('=') {
            let name = line[..at].trim_end().rsplit([' ', '\t', ',', '{']).next();
            let name = name.unwrap_or_default().trim_matches(['"', '\'']).to_ascii_lowercase();
            let named = PLACES.iter().any(|place| name.ends_with(place));
            let secret = !named && WORDS.iter().any(|word| name.contains(word));
            if secret {
                spans.push(start + at + 1..start + line.trim_end().len().max(at + 1));
            }
        }
        for (at, _) in line.match_indices("://") {
            let authority = &line[at + 3..];
            let end = authority.find(['/', '"', '\'', ' ', '\n']).unwrap_or(authority.len());
            if let Some(user_end) = authority[..end].rfind('@') {
                spans.push(start + at + 3..start + at + 3 + user_end);
            }
        }
        start += line.len();
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_found_on_any_line() {
        let text = "client_secret = \"abc\nclient_secret_file = \"f\"\n\
                    x = { \"Passwort\" = 1, y = 2 }\nproxy = \"http://u:p@host:1\" # a@b\n\
                    client_id = \"7\"\nsecret =";
        let found: Vec<&str> = spans(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(found, [" \"abc", " 1, y = 2 }", "u:p", ""]);
    }
}
