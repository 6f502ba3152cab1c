//! Texts of a snapshot: parts of one shared body, so that to read a snapshot copies each byte once
//! and allocates once, however many texts it has.
//!
//! A text keeps the whole body alive. Whoever keeps one beyond the snapshot's life copies it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;

/// What texts are parts of.
pub(super) type Body = Arc<Box<str>>;

/// A text that is cheap to copy. It is equal to, and hashes as, what it says.
#[derive(Clone)]
pub struct Text(Place);

#[derive(Clone)]
enum Place {
    /// A word that is known.
    Known(&'static str),
    Part {
        body: Body,
        start: u32,
        end: u32,
    },
}

impl Text {
    pub const fn known(word: &'static str) -> Text {
        Text(Place::Known(word))
    }

    /// The part of the body there. It is copied where the body is too large for its places.
    pub fn part(body: &Body, place: Range<usize>) -> Text {
        match (u32::try_from(place.start), u32::try_from(place.end)) {
            (Ok(start), Ok(end)) => Text(Place::Part { body: Arc::clone(body), start, end }),
            (Err(_), _) | (_, Err(_)) => Text::from(body.get(place).unwrap_or_default()),
        }
    }

    pub fn as_str(&self) -> &str {
        match &self.0 {
            Place::Known(word) => word,
            Place::Part { body, start, end } => {
                body.get(*start as usize..*end as usize).unwrap_or_default()
            }
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        // A text of four gigabytes is none that anybody sends; it is cut rather than refused.
        let end = u32::try_from(text.len()).unwrap_or(0);
        Text(Place::Part { body: Arc::new(text.into_boxed_str()), start: 0, end })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.to_owned())
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_say() {
        let body: Body = Arc::new("say gold".into());
        let part = Text::part(&body, 4..8);
        assert_eq!(part, Text::known("gold"));
        assert_eq!(part, Text::from("gold"));
        assert_eq!(part, "gold");
        assert_ne!(part, Text::part(&body, 0..3));
        assert_eq!(format!("{part} {part:?}"), "gold \"gold\"");
    }

    #[test]
    fn a_place_outside_of_the_body_is_an_empty_text() {
        let body: Body = Arc::new("ü".into());
        assert_eq!(Text::part(&body, 0..1), "");
        assert_eq!(Text::part(&body, 1..9), "");
    }

    #[test]
    fn a_field_takes_no_more_than_a_string() {
        assert_eq!(size_of::<Option<Text>>(), size_of::<String>());
    }
}
