//! What is wrong with a text that is not JSON, and where.

use crate::events::shapes::unreadable::Unreadable;

/// Why the text is not JSON, and how much of it had been read by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    EndsEarly,
    OutOfPlace,
    NamedTwice,
}

impl Fault {
    /// Tells of the fault in that text.
    #[cold]
    pub(super) fn in_text(self, text: &str) -> Unreadable {
        let before = text.as_bytes().get(..self.at).unwrap_or(text.as_bytes());
        let mut lines = before.split(|byte| *byte == b'\n');
        Unreadable::NotJson {
            what: match self.kind {
                Kind::EndsEarly => "it ends too early",
                Kind::OutOfPlace => "a character or number that does not belong there",
                Kind::NamedTwice => "an object names a field twice",
            },
            line: lines.clone().count(),
            column: lines.next_back().map_or(0, <[u8]>::len),
        }
    }
}
