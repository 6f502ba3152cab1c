//! Sets of dates: single ones, spans, days of every year, and those of a list.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;

use crate::rules::lists::{self, Tables};

/// The dates that somebody wrote down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dates {
    pub spans: Vec<Span>,
    /// Lists whose keys are dates, by name.
    pub lists: Vec<Arc<str>>,
    /// The dates of these lists.
    listed: BTreeSet<Date>,
}

/// Some days one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// From the first to the last, both of them included.
    Dates(Date, Date),
    /// A month and a day, in every year.
    Yearly(i8, i8),
}

/// What to write instead of a date that is none.
const DATES: &str = "write a date as \"2026-12-24\", several days as \
     \"2026-12-24..2026-12-31\", or a day of every year as \"12-25\"";

impl Dates {
    pub fn new(spans: Vec<Span>, lists: Vec<Arc<str>>) -> Dates {
        Dates { spans, lists, listed: BTreeSet::new() }
    }

    /// The same, with the dates of its lists as these tables have them. A key that is no date, or a
    /// list that is not there, adds none.
    pub fn with_dates_of(&self, tables: &Tables) -> Dates {
        let lists = self.lists.iter().filter_map(|name| tables.list(name));
        let listed = lists.flat_map(|list| list.keys().filter_map(lists::date)).collect();
        Dates { listed, ..self.clone() }
    }

    pub fn lists(&self) -> impl Iterator<Item = &Arc<str>> {
        self.lists.iter()
    }

    pub(super) fn contain(&self, date: Date) -> bool {
        self.listed.contains(&date) || self.spans.iter().any(|span| span.contains(date))
    }
}

impl Span {
    /// Reads a span as it is written.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to write instead.
    pub fn parse(text: &str) -> Result<Span, (String, &'static str)> {
        let wrong = |text: &str| (format!("{text:?} is no date"), DATES);
        if let Some((first, last)) = text.split_once("..") {
            let date = |text: &str| lists::date(text).ok_or_else(|| wrong(text.trim()));
            let (first, last) = (date(first)?, date(last)?);
            if last < first {
                let message = format!("{text:?} ends before it begins");
                return Err((message, "write the earlier date first"));
            }
            return Ok(Span::Dates(first, last));
        }
        if let Some(date) = lists::date(text) {
            return Ok(Span::Dates(date, date));
        }
        let yearly = text.trim().split_once('-').filter(|(month, day)| {
            [month, day]
                .iter()
                .all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
        });
        let (month, day) = yearly.ok_or_else(|| wrong(text))?;
        let (month, day) = (month.parse().unwrap_or(0), day.parse().unwrap_or(0));
        // A leap year has every day that there is.
        Date::new(2024, month, day).map_err(|_| wrong(text))?;
        Ok(Span::Yearly(month, day))
    }

    pub(super) fn contains(self, date: Date) -> bool {
        match self {
            Span::Dates(first, last) => first <= date && date <= last,
            Span::Yearly(month, day) => (date.month(), date.day()) == (month, day),
        }
    }
}

/// As [`Span::parse`] reads it.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Span::Dates(first, last) if first == last => write!(f, "{first}"),
            Span::Dates(first, last) => write!(f, "{first}..{last}"),
            Span::Yearly(month, day) => write!(f, "{month:02}-{day:02}"),
        }
    }
}
