//! `"…%s…".format([…])`.

use super::convert;
use super::{Bounded, TooLong};
use crate::rules::expression::value::Value;

/// Digits after the point that can be asked for.
const MAX_PRECISION: usize = 20;

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules::expression) enum Why {
    /// What is written after a `%` is not known.
    Unknown,
    /// There are more or fewer values than places.
    Count,
    /// The place does not take such a value.
    Kind,
    TooLong,
}

/// A piece of the text to fill.
enum Piece<'t> {
    Text(&'t str),
    Place(char, Option<usize>),
}

impl From<TooLong> for Why {
    fn from(_: TooLong) -> Why {
        Why::TooLong
    }
}

/// How many values the text asks for.
///
/// # Errors
///
/// What in it is not known, in words.
pub(in crate::rules::expression) fn places(text: &str) -> Result<usize, String> {
    let mut places = 0;
    for piece in pieces(text) {
        match piece {
            Ok(Piece::Text(_)) => {}
            Ok(Piece::Place(..)) => places += 1,
            Err(part) => return Err(format!("`{part}` is not known here")),
        }
    }
    Ok(places)
}

/// The text with its places filled; `None` if a value for one of them is absent.
pub(in crate::rules::expression) fn format(
    text: &str,
    values: &[Value<'_>],
) -> Result<Option<String>, Why> {
    let mut made = Bounded::default();
    let mut values = values.iter();
    for piece in pieces(text) {
        match piece.map_err(|_| Why::Unknown)? {
            Piece::Text(text) => made.push(text)?,
            Piece::Place(kind, precision) => match values.next().ok_or(Why::Count)? {
                Value::Null => return Ok(None),
                value => made.push(&place(kind, precision, value)?)?,
            },
        }
    }
    if values.next().is_some() {
        return Err(Why::Count);
    }
    Ok(Some(made.into_text()))
}

fn place(kind: char, precision: Option<usize>, value: &Value<'_>) -> Result<String, Why> {
    let decimals = precision.unwrap_or(6);
    Ok(match (kind, value) {
        ('s', value) => match convert::text(value.clone()) {
            Ok(text) => text.into_owned(),
            Err(convert::Why::TooLong) => return Err(Why::TooLong),
            Err(convert::Why::Kind | convert::Why::Unreadable) => return Err(Why::Kind),
        },
        ('d', Value::Whole(number)) => number.to_string(),
        ('x', Value::Whole(number)) => signed(*number, format!("{:x}", number.unsigned_abs())),
        ('X', Value::Whole(number)) => signed(*number, format!("{:X}", number.unsigned_abs())),
        ('o', Value::Whole(number)) => signed(*number, format!("{:o}", number.unsigned_abs())),
        ('b', Value::Whole(number)) => signed(*number, format!("{:b}", number.unsigned_abs())),
        ('b', Value::Flag(flag)) => u8::from(*flag).to_string(),
        ('f' | 'e', Value::Whole(_) | Value::Fraction(_)) => {
            let number = match value {
                Value::Whole(number) => super::arithmetic::float(*number),
                Value::Fraction(number) => *number,
                _ => return Err(Why::Kind),
            };
            if kind == 'f' {
                format!("{number:.decimals$}")
            } else {
                format!("{number:.decimals$e}")
            }
        }
        _ => return Err(Why::Kind),
    })
}

fn signed(number: i64, digits: String) -> String {
    if number < 0 { format!("-{digits}") } else { digits }
}

/// The pieces of a text; what is not known comes as it is written.
fn pieces(text: &str) -> impl Iterator<Item = Result<Piece<'_>, &str>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(after) = rest.strip_prefix('%') else {
            let (before, after) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
            rest = after;
            return Some(Ok(Piece::Text(before)));
        };
        if let Some(after) = after.strip_prefix('%') {
            rest = after;
            return Some(Ok(Piece::Text("%")));
        }
        let whole = rest;
        let (precision, after) = match after.strip_prefix('.') {
            Some(after) => {
                let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                let (digits, after) = after.split_at(digits);
                (Some(digits.parse().unwrap_or(usize::MAX)), after)
            }
            None => (None, after),
        };
        let kind = after.chars().next();
        rest = &after[kind.map_or(0, char::len_utf8)..];
        let precise = |kind| precision.is_none() || matches!(kind, 'f' | 'e');
        Some(match kind {
            Some(kind @ ('s' | 'd' | 'f' | 'e' | 'x' | 'X' | 'o' | 'b'))
                if precise(kind) && precision.is_none_or(|digits| digits <= MAX_PRECISION) =>
            {
                Ok(Piece::Place(kind, precision))
            }
            _ => Err(&whole[..whole.len() - rest.len()]),
        })
    })
}
