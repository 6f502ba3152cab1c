//! What operators and functions do with values that are there.
//!
//! Nothing here looks at a conversation. Whatever is made is bounded: see [`MAX_TEXT`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an operation names the kinds that it takes, and refuses every other"
)]

pub(super) mod arithmetic;
pub(super) mod compare;
pub(super) mod convert;
pub(super) mod format;
pub(super) mod texts;
pub(super) mod times;

/// Characters of a text that an expression makes. Genesys takes no attribute of half that length;
/// texts of the event itself may be longer.
pub(super) const MAX_TEXT: usize = 4_096;

/// A text that was to become longer than [`MAX_TEXT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// A text while it is made.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    text: String,
    characters: usize,
}

impl Bounded {
    pub(super) fn push(&mut self, more: &str) -> Result<(), TooLong> {
        // A text of so many bytes has at least a quarter as many characters.
        if more.len() > 4 * MAX_TEXT {
            return Err(TooLong);
        }
        self.characters += more.chars().count();
        if self.characters > MAX_TEXT {
            return Err(TooLong);
        }
        self.text.push_str(more);
        Ok(())
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}
