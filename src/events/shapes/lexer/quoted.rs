//! What stands between quotation marks, and what its escapes mean.

use std::borrow::Cow;

/// What stands between two quotation marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::events) struct Quoted<'a> {
    /// As it stands in the text.
    pub(in crate::events) raw: &'a str,
    /// There are escapes in it.
    pub(in crate::events) escaped: bool,
}

impl<'a> Quoted<'a> {
    /// What it says, without escapes.
    pub(in crate::events) fn text(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescaped(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

#[cold]
fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let letter = escape.chars().next().unwrap_or('\\');
        let mut length = letter.len_utf8();
        text.push(match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = unit(escape.get(1..5));
                let second = escape.get(5..7).filter(|next| *next == "\\u");
                let second = second.and_then(|_| unit(escape.get(7..11)));
                let pair = match (first, second) {
                    (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
                        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
                    }
                    _ => None,
                };
                length = if pair.is_some() { 11 } else { 5 };
                let single = || first.and_then(char::from_u32);
                pair.or_else(single).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            itself => itself,
        });
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The code unit that four digits stand for.
fn unit(digits: Option<&str>) -> Option<u32> {
    u32::from_str_radix(digits?, 16).ok()
}
