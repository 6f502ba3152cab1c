//! Colours, where somebody sees them.

use std::fmt::Display;
use std::io::IsTerminal as _;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// As standard output wants it: coloured on a terminal, unless `NO_COLOR` is set.
    pub(super) fn of_output() -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Paint { on: !unwanted && std::io::stdout().is_terminal() }
    }

    pub(super) fn bold(self, text: impl Display) -> String {
        self.painted("1", text)
    }

    pub(super) fn dim(self, text: impl Display) -> String {
        self.painted("2", text)
    }

    pub(super) fn red(self, text: impl Display) -> String {
        self.painted("1;31", text)
    }

    pub(super) fn green(self, text: impl Display) -> String {
        self.painted("32", text)
    }

    pub(super) fn yellow(self, text: impl Display) -> String {
        self.painted("33", text)
    }

    fn painted(self, code: &str, text: impl Display) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// As many blanks after it as make it so wide.
pub(super) fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.chars().count());
    format!("{text}{:blanks$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_anybody_to_see_it_text_is_plain() {
        assert_eq!(Paint::default().red("x"), "x");
        assert_eq!(Paint { on: true }.red("x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert_eq!(padded("é", 3), "é  ");
    }
}
