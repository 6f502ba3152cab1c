//! Words for people, on standard output and standard error.
//!
//! A reader that has gone away (`attributed check | head`) is no failure of ours.

use std::io::{self, Write};

use crate::config::problem::Problem;

/// One line (or several) on standard output.
pub(super) fn print(text: &str) {
    to(&mut io::stdout().lock(), text);
}

/// One line (or several) on standard error.
pub(super) fn eprint(text: &str) {
    to(&mut io::stderr().lock(), text);
}

/// Every problem, with its place.
pub(super) fn eprint_problems(problems: &[Problem]) {
    for problem in problems {
        eprint(&format!("{problem}\n"));
    }
}

/// A text that may come from anybody, in one line, with all escaped that a terminal would obey or
/// that would turn the order of what is read.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

fn to(out: &mut impl Write, text: &str) {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(_gone) => {}
    }
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
