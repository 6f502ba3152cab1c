//! Texts that may come from anybody, made fit for a line of a log and for a terminal. Pure.

/// Whether a terminal would obey this character, or it would end a line, or turn the order of what is
/// read.
pub(crate) fn is_obeyed(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// The text in one line, with all of those characters escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_no_text_of_others() {
        let hostile = "a\u{1b}[2Jb\r\nc\u{9b}31m\u{202e}d é \"quoted\"";
        let shown = plain(hostile);
        assert_eq!(shown, "a\\u{1b}[2Jb\\r\\nc\\u{9b}31m\\u{202e}d é \"quoted\"");
    }
}
