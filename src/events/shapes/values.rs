//! Reads single values that somebody else may change tomorrow.
//!
//! Nothing in an event is required, and nothing says that a type stays what it is (FACTS 2.5). A
//! field that is missing, null or of another type is simply not there; only a text that is not JSON
//! is an error.

use std::sync::Arc;

use jiff::Timestamp;

use super::lexer::{Broken, Lexer, Quoted, Read};
use super::times;
use super::unreadable::Unreadable;
use super::words::{self, without_scheme};
use crate::events::attributes::{Attributes, Entry};
use crate::events::conversation::{Conversation, Direction, Original};
use crate::events::text::{Body, Text};
use crate::genesys::ConversationId;

/// The text that values are read from, and parts of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    body: &'a Body,
    /// Where the original begins of which the body is a copy.
    original: usize,
}

/// Reads the object that comes next by `read`, which says whether it was one, and keeps it as it is.
/// The body is a copy of all that comes.
pub(super) fn read_next(
    lexer: &mut Lexer<'_>,
    read: impl FnOnce(Source<'_>, &mut Lexer<'_>) -> Read<bool>,
) -> Read<(bool, Original)> {
    let rest = lexer.rest();
    let body: Body = Arc::new(Box::from(rest));
    let is_object = read(Source { body: &body, original: rest.as_ptr().addr() }, lexer)?;
    let end = rest.len() - lexer.rest().len();
    Ok((is_object, Original::new(Text::part(&body, 0..end))))
}

/// Reads a text that is one conversation and nothing else.
pub(super) fn read_whole(
    text: &str,
    read: impl FnOnce(&mut Lexer<'_>) -> Read<Next>,
) -> Result<Conversation, Unreadable> {
    let mut lexer = Lexer::new(text);
    let next = read(&mut lexer).and_then(|next| {
        lexer.end()?;
        Ok(next)
    });
    match next {
        Ok(Next::Conversation(conversation)) => Ok(*conversation),
        Ok(Next::NoId) => Err(Unreadable::NoId),
        Ok(Next::NotAnObject) => Err(Unreadable::NotAnObject),
        Err(Broken) => Err(lexer.unreadable()),
    }
}

/// What came next where a conversation was expected.
#[derive(Debug)]
pub(in crate::events) enum Next {
    Conversation(Box<Conversation>),
    NoId,
    NotAnObject,
}

impl Next {
    pub(super) fn new(
        (is_object, original): (bool, Original),
        id: Option<ConversationId>,
        mut conversation: Box<Conversation>,
    ) -> Next {
        match id {
            Some(id) => {
                conversation.id = id;
                conversation.original = original;
                Next::Conversation(conversation)
            }
            None if is_object => Next::NoId,
            None => Next::NotAnObject,
        }
    }
}

impl Source<'_> {
    /// A text that is there and not empty: the empty one counts as absent wherever rules look
    /// (SEMANTICS 5).
    #[inline(never)]
    pub(super) fn text(self, lexer: &mut Lexer<'_>, place: &mut Option<Text>) -> Read<()> {
        if let Some(quoted) = lexer.text()? {
            if quoted.escaped {
                *place = Some(Text::from(quoted.text().into_owned()));
            } else {
                self.part(quoted.raw, place);
            }
        }
        Ok(())
    }

    /// A word of an enumeration, in lower case.
    #[inline(never)]
    pub(super) fn word(self, lexer: &mut Lexer<'_>, place: &mut Option<Text>) -> Read<()> {
        if lexer.peek()? != b'"' {
            return lexer.skip_value();
        }
        match words::known(lexer.name()?) {
            Some(word) => *place = Some(Text::known(word)),
            None => self.spelt(lexer.as_quoted(), words::in_lower_case, place),
        }
        Ok(())
    }

    /// Why a communication ended, as events spell it.
    #[inline(never)]
    pub(super) fn disconnect_type(
        self,
        lexer: &mut Lexer<'_>,
        place: &mut Option<Text>,
    ) -> Read<()> {
        if lexer.peek()? != b'"' {
            return lexer.skip_value();
        }
        match words::known(lexer.name()?) {
            Some(word) => *place = Some(Text::known(word)),
            None => self.spelt(lexer.as_quoted(), words::disconnect_type, place),
        }
        Ok(())
    }

    /// An address without its scheme.
    #[inline(never)]
    pub(super) fn address(self, lexer: &mut Lexer<'_>, place: &mut Option<Text>) -> Read<()> {
        if let Some(quoted) = lexer.text()? {
            self.address_of(quoted, place);
        }
        Ok(())
    }

    pub(super) fn address_of(self, quoted: Quoted<'_>, place: &mut Option<Text>) {
        if quoted.escaped {
            let text = quoted.text();
            let address = without_scheme(&text);
            *place = (!address.is_empty()).then(|| Text::from(address));
        } else {
            self.part(without_scheme(quoted.raw), place);
        }
    }

    /// The id of something that is referred to, all that is used of it.
    pub(super) fn reference(self, lexer: &mut Lexer<'_>, place: &mut Option<Text>) -> Read<()> {
        lexer.object(|lexer, Reference::Id| self.text(lexer, place)).map(drop)
    }

    /// What each element of an array is read as.
    pub(super) fn each(
        self,
        lexer: &mut Lexer<'_>,
        texts: &mut Vec<Text>,
        read: fn(Self, &mut Lexer<'_>, &mut Option<Text>) -> Read<()>,
    ) -> Read<()> {
        lexer.array(|lexer| {
            let mut text = None;
            read(self, lexer, &mut text)?;
            texts.extend(text);
            Ok(())
        })
    }

    /// The attributes of a participant. Genesys declares strings (FACTS 1.1); should a number or a
    /// flag come all the same, it is there, in its JSON form, and not free to be written over by
    /// `if-absent`.
    pub(super) fn attributes(self, lexer: &mut Lexer<'_>, place: &mut Attributes) -> Read<()> {
        let (mut parts, mut copied) = (Vec::new(), None::<Vec<(String, String)>>);
        lexer.members(|lexer, key| {
            let first = lexer.peek()?;
            if first != b'"' {
                let value = bare(lexer, first)?;
                let pair = value.map(|value| (key.text().into_owned(), value));
                pair.into_iter().for_each(|pair| own(&parts, &mut copied).push(pair));
            } else if let Some(value) = lexer.text()? {
                if copied.is_none() && !key.escaped && !value.escaped {
                    parts.push((key.raw, value.raw));
                } else {
                    let pair = (key.text().into_owned(), value.text().into_owned());
                    own(&parts, &mut copied).push(pair);
                }
            }
            Ok(())
        })?;
        *place = match copied {
            Some(copied) => copied.into_iter().collect(),
            None => {
                let entry = |(key, value): (&str, &str)| {
                    Some(Entry { key: self.place(key)?, value: self.place(value)? })
                };
                Attributes::new(self.body, parts.into_iter().filter_map(entry).collect())
            }
        };
        Ok(())
    }

    #[cold]
    fn spelt(
        self,
        quoted: Quoted<'_>,
        spell: fn(&str) -> words::Spelling,
        place: &mut Option<Text>,
    ) {
        let text = quoted.text();
        match spell(&text) {
            words::Spelling::Known(word) => *place = Some(Text::known(word)),
            words::Spelling::Other(word) => *place = Some(Text::from(word)),
            words::Spelling::AsItIs if quoted.escaped => {
                *place = Some(Text::from(text.into_owned()));
            }
            words::Spelling::AsItIs => self.part(quoted.raw, place),
        }
    }

    #[inline]
    fn part(self, part: &str, place: &mut Option<Text>) {
        if !part.is_empty() {
            let start = part.as_ptr().addr() - self.original;
            *place = Some(Text::part(self.body, start..start + part.len()));
        }
    }

    fn place(self, part: &str) -> Option<(u32, u32)> {
        let start = part.as_ptr().addr() - self.original;
        Some((u32::try_from(start).ok()?, u32::try_from(start + part.len()).ok()?))
    }
}

super::keys::known! { Reference { Id = "id", } }

/// The attributes copied so far, which begin with those that were only located.
fn own<'c>(
    parts: &[(&str, &str)],
    copied: &'c mut Option<Vec<(String, String)>>,
) -> &'c mut Vec<(String, String)> {
    copied.get_or_insert_with(|| {
        parts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    })
}

/// The JSON form of a flag or number; anything else is skipped.
fn bare(lexer: &mut Lexer<'_>, first: u8) -> Read<Option<String>> {
    match first {
        b't' | b'f' => Ok(lexer.flag()?.map(|flag| flag.to_string())),
        b'-' | b'0'..=b'9' => {
            let number = lexer.number()?;
            Ok(match number.parse::<i64>() {
                Ok(whole) => Some(whole.to_string()),
                Err(_) => number
                    .parse()
                    .ok()
                    .and_then(serde_json::Number::from_f64)
                    .map(|number| number.to_string()),
            })
        }
        _ => lexer.skip_value().map(|()| None),
    }
}

/// An id, which outlives the snapshot and so is a copy.
#[inline(never)]
pub(super) fn id<T: for<'t> From<&'t str>>(
    lexer: &mut Lexer<'_>,
    place: &mut Option<T>,
) -> Read<()> {
    let quoted = lexer.text()?;
    if let Some(quoted) = quoted.filter(|quoted| !quoted.raw.is_empty()) {
        *place = Some(T::from(&quoted.text()));
    }
    Ok(())
}

/// The id of something that is referred to, as a copy.
pub(super) fn reference_id<T: for<'t> From<&'t str>>(
    lexer: &mut Lexer<'_>,
    place: &mut Option<T>,
) -> Read<()> {
    lexer.object(|lexer, Reference::Id| id(lexer, place)).map(drop)
}

#[inline(never)]
pub(super) fn time(lexer: &mut Lexer<'_>, place: &mut Option<Timestamp>) -> Read<()> {
    if let Some(quoted) = lexer.text()? {
        *place = times::time(&quoted.text());
    }
    Ok(())
}

pub(super) fn direction(lexer: &mut Lexer<'_>) -> Read<Option<Direction>> {
    let quoted = lexer.text()?;
    Ok(quoted.and_then(|quoted| words::direction(&quoted.text())))
}

/// A whole number.
pub(super) fn whole(lexer: &mut Lexer<'_>) -> Read<Option<i64>> {
    match lexer.peek()? {
        b'-' | b'0'..=b'9' => Ok(lexer.number()?.parse().ok()),
        _ => lexer.skip_value().map(|()| None),
    }
}

/// How many objects are in an array.
pub(super) fn count_objects(lexer: &mut Lexer<'_>) -> Read<usize> {
    let mut count = 0;
    lexer.array(|lexer| {
        count += usize::from(lexer.peek()? == b'{');
        lexer.skip_value()
    })?;
    Ok(count)
}
