//! What a value is found by: 64 bits mixed of it, or of how it begins or ends.
//!
//! Two values can have one print. That costs a test that fails, and nothing else.

use crate::rules::field::Value;
use crate::rules::pattern::{Form, InList, Pattern, Scalar, Words};

pub(super) type Print = u64;

/// Which part of a value its print is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// So many bytes from its beginning.
    Head(usize),
    /// So many bytes up to its end.
    Tail(usize),
    /// Whether one of these lists has it. A list has too many values to name them.
    Listed(Vec<InList>),
}

/// The print of what a list has.
const LISTED: Print = 1;

/// The lengths of heads and tails. Each length in use costs a look-up at each element, so a longer
/// text is found by as many of its bytes as the next shorter length has.
const LENGTHS: [usize; 12] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32];

/// What mixes best is an odd number without a pattern: 2^64 divided by the golden ratio.
const MIXER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Adds to a print.
#[inline]
pub(super) fn with(print: Print, more: u64) -> Print {
    let mixed = (print.rotate_left(26) ^ more).wrapping_mul(MIXER);
    mixed ^ (mixed >> 32)
}

impl Part {
    /// Less for what tells more, as a rule, and is found sooner.
    fn rank(&self) -> (u8, usize) {
        match self {
            Part::Whole => (0, 0),
            Part::Head(length) => (1, *length),
            Part::Tail(length) => (2, *length),
            Part::Listed(lists) => (3, lists.len()),
        }
    }

    pub(super) fn is_looked_up(&self) -> bool {
        matches!(self, Part::Listed(_))
    }

    /// The print of that part of the value, if the value has it.
    #[inline]
    pub(super) fn of(&self, value: &Value<'_>) -> Option<Print> {
        match (self, value) {
            (Part::Whole, Value::Text(text)) => Some(of_bytes(text.as_bytes())),
            (Part::Whole, Value::Flag(flag)) => Some(of_number(0, i64::from(*flag))),
            (Part::Whole, Value::Number(number)) => Some(of_number(1, *number)),
            (Part::Head(length), Value::Text(text)) => text.as_bytes().get(..*length).map(of_bytes),
            (Part::Tail(length), Value::Text(text)) => {
                let start = text.len().checked_sub(*length)?;
                text.as_bytes().get(start..).map(of_bytes)
            }
            (Part::Listed(lists), Value::Text(text)) => {
                lists.iter().any(|list| list.holds(text)).then_some(LISTED)
            }
            (Part::Whole, Value::Time(_) | Value::Duration(_) | Value::Texts(_))
            | (
                Part::Head(_) | Part::Tail(_) | Part::Listed(_),
                Value::Flag(_)
                | Value::Number(_)
                | Value::Time(_)
                | Value::Duration(_)
                | Value::Texts(_),
            ) => None,
        }
    }
}

/// The prints that a value can have for which the pattern holds, and of which part; `None` if it
/// is not limited to any.
pub(super) fn wanted(pattern: &Pattern) -> Option<(Part, Vec<Print>)> {
    match pattern {
        Pattern::AnyOf(scalars) => any_of(scalars),
        Pattern::Words(words) => of_words(words),
        Pattern::All(patterns) => {
            let each = patterns.iter().filter_map(wanted);
            each.min_by_key(|(part, prints)| (part.rank(), prints.len()))
        }
        Pattern::Either(patterns) => either(patterns),
        Pattern::InList(list) => Some((Part::Listed(vec![(**list).clone()]), vec![LISTED])),
        Pattern::Not(_)
        | Pattern::Exists(_)
        | Pattern::Cidr(_)
        | Pattern::Bound(_)
        | Pattern::HasAny(_)
        | Pattern::HasAll(_) => None,
    }
}

/// The prints of the values that are named.
pub(super) fn any_of(scalars: &[Scalar]) -> Option<(Part, Vec<Print>)> {
    let prints = scalars.iter().map(|scalar| Part::Whole.of(&scalar.to_value()));
    let mut prints: Vec<Print> = prints.collect::<Option<_>>()?;
    prints.sort_unstable();
    prints.dedup();
    Some((Part::Whole, prints))
}

/// Those of all alternatives, if all speak of the same part.
fn either(patterns: &[Pattern]) -> Option<(Part, Vec<Print>)> {
    let mut each = patterns.iter().map(wanted);
    let (mut part, mut all) = each.next()??;
    for next in each {
        let (of, prints) = next?;
        match (&mut part, of) {
            (Part::Listed(lists), Part::Listed(more)) => lists.extend(more),
            (part, of) if *part != of => return None,
            _ => {}
        }
        all.extend(prints);
    }
    all.sort_unstable();
    all.dedup();
    Some((part, all))
}

fn of_words(words: &Words) -> Option<(Part, Vec<Print>)> {
    if words.ignore_case {
        return None;
    }
    let text = words.text.as_bytes();
    match words.form {
        Form::Equal => Some((Part::Whole, vec![of_bytes(text)])),
        Form::Prefix => head(text),
        Form::Suffix => tail(text),
        Form::Glob => glob(&words.text),
        Form::Contains | Form::Regex => None,
    }
}

/// What stands in a glob before the first of its signs, or behind the last, whichever is longer.
fn glob(text: &str) -> Option<(Part, Vec<Print>)> {
    const SIGNS: [char; 6] = ['*', '?', '[', ']', '{', '\\'];
    // Two stars can stand for nothing, together with a slash beside them.
    if text.contains("**") {
        return None;
    }
    let Some(first) = text.find(SIGNS) else {
        return Some((Part::Whole, vec![of_bytes(text.as_bytes())]));
    };
    let last = text.rfind(|c| SIGNS.contains(&c) || c == '}' || c == ',')?;
    let (before, behind) = (&text.as_bytes()[..first], &text.as_bytes()[last + 1..]);
    if before.len() >= behind.len() { head(before) } else { tail(behind) }
}

fn head(text: &[u8]) -> Option<(Part, Vec<Print>)> {
    let length = shorter(text.len())?;
    Some((Part::Head(length), vec![of_bytes(&text[..length])]))
}

fn tail(text: &[u8]) -> Option<(Part, Vec<Print>)> {
    let length = shorter(text.len())?;
    Some((Part::Tail(length), vec![of_bytes(&text[text.len() - length..])]))
}

/// The greatest of the lengths that is not greater; none for nothing.
fn shorter(length: usize) -> Option<usize> {
    LENGTHS.into_iter().rev().find(|one| *one <= length)
}

fn of_number(kind: u64, number: i64) -> Print {
    with(kind, number.cast_unsigned())
}

#[inline]
fn of_bytes(bytes: &[u8]) -> Print {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut print = bytes.len() as u64;
    for chunk in chunks {
        print = (print.rotate_left(26) ^ u64::from_le_bytes(*chunk)).wrapping_mul(MIXER);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    with(print, u64::from_le_bytes(last))
}
