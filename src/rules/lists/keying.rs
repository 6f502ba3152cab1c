//! How the keys of a list compare: whole or by prefix, with or without regard to case, as written or
//! as telephone numbers or dates.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use jiff::civil::Date;

use super::slots::Hash;
use crate::events::numbers;

/// How a list finds the entry for a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keying {
    pub matching: Matching,
    pub ignore_case: bool,
    pub normalize: Normalize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Matching {
    #[default]
    Exact,
    /// The longest key that the value begins with.
    Prefix,
}

/// In which form keys and values are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Normalize {
    /// As written.
    #[default]
    No,
    /// As numbers in E.164 form, which may be written `+49 30 1234-567`, `0049301234567` or
    /// `tel:+49301234567`. A number without its country is none.
    Phone,
    /// As dates, which may be written `2026-12-24` or `24.12.2026`.
    Date,
}

/// A whole number in E.164 form has so many digits; fewer are short codes.
const WHOLE: RangeInclusive<usize> = 7..=15;
/// A prefix may be a country alone.
const PREFIX: RangeInclusive<usize> = 1..=15;

impl Keying {
    /// The key of an entry, in the form in which it is compared. `None` if it is none.
    pub(super) fn key<'t>(&self, written: &'t str) -> Option<Cow<'t, str>> {
        let written = written.trim();
        if written.is_empty() || written.contains(['\n', '\r']) {
            return None;
        }
        match self.normalize {
            Normalize::No => Some(self.folded(written)),
            Normalize::Phone => number(written, self.digits()),
            Normalize::Date => day(written).map(|date| Cow::Owned(date.to_string())),
        }
    }

    /// A value that is looked up, in the form in which it is compared. `None` if it is none, so that
    /// no entry can be it.
    pub(super) fn wanted<'t>(&self, value: &'t str) -> Option<Cow<'t, str>> {
        match self.normalize {
            Normalize::No => Some(self.folded(value)),
            Normalize::Phone => number(value, self.digits()),
            Normalize::Date => day(value.trim()).map(|date| Cow::Owned(date.to_string())),
        }
    }

    /// What a key has to be, for somebody whose key is not.
    pub fn wants(&self) -> &'static str {
        match (self.normalize, self.matching) {
            (Normalize::No, _) => "a key is one line of text, and not empty",
            (Normalize::Phone, Matching::Exact) => {
                "write the whole number with + and its country: +493012345678"
            }
            (Normalize::Phone, Matching::Prefix) => {
                "write the beginning of a number with + and its country: +4930"
            }
            (Normalize::Date, _) => "write a date as 2026-12-24 or 24.12.2026",
        }
    }

    pub(super) fn digest(&self) -> [u8; 3] {
        [self.matching as u8, u8::from(self.ignore_case), self.normalize as u8]
    }

    fn digits(&self) -> RangeInclusive<usize> {
        match self.matching {
            Matching::Exact => WHOLE,
            Matching::Prefix => PREFIX,
        }
    }

    fn folded<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let is_folded = |c: char| c.to_lowercase().eq([c]);
        if !self.ignore_case || text.chars().all(is_folded) {
            Cow::Borrowed(text)
        } else {
            // Character by character: what a prefix is must not depend on what comes after it.
            Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
        }
    }
}

/// A number with `+` and digits only.
fn number(written: &str, digits: RangeInclusive<usize>) -> Option<Cow<'_, str>> {
    let written = written.trim();
    let scheme = written.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    let written = if scheme { written[4..].trim_start() } else { written };
    let dialled = written.strip_prefix("00");
    // The zero that is dialled inside the country only: +49 (0) 30 …
    if dialled.is_none() && !written.contains("(0)") {
        return numbers::international(written, digits);
    }
    let plus = dialled.map_or_else(|| written.to_owned(), |rest| format!("+{rest}"));
    let number = numbers::international(&plus.replacen("(0)", "", 1), digits)?.into_owned();
    Some(Cow::Owned(number))
}

/// See [`date`](super::date).
pub(super) fn day(written: &str) -> Option<Date> {
    let (written, ascending) = (written.trim(), written.contains('.'));
    let mut parts = written.split(if ascending { '.' } else { '-' });
    let (one, month, other) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, day) = if ascending { (other, one) } else { (one, other) };
    let plain = [year, month, day].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if parts.next().is_some() || year.len() != 4 || !plain {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

pub(super) fn hash_of(key: &str) -> u64 {
    let mut hash = Hash::default();
    hash.add(key.as_bytes());
    hash.finish()
}
