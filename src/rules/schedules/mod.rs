//! Schedules: when something is open, by the clock on the wall of one place.
//!
//! A [`Schedule`] is open whenever that clock shows a time inside of its hours: [start, end), and
//! hours over midnight belong to the day on which they start. So it is right over changes of
//! daylight-saving time by what it means: an hour that the clock skips is not there, one that it
//! shows twice counts both times. What is said of a date goes before what is said of a weekday:
//!
//! 1. hours that `open` gives to the date itself;
//! 2. else nothing, on dates that are `closed`;
//! 3. else nothing on other dates than `dates`, where that is given;
//! 4. else the hours of the weekday; the whole day where `open` gives none to any.

mod dates;
mod hours;
#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

pub use self::dates::{Dates, Span};
pub use self::hours::{Days, Hours, Opening};
use super::lists::Tables;

/// How far [`Schedule::next_change`] looks ahead, in days. No conversation waits longer for a change
/// without any news: those are looked up each day.
const HORIZON: i32 = 32;
/// The days in which the next change nearly always is, so that most of the time few are gone through.
const NEAR: i32 = 3;

/// A `[schedules.NAME]`. See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub name: Arc<str>,
    pub zone: TimeZone,
    pub open: Vec<Opening>,
    pub closed: Dates,
    /// The only dates on which the hours of weekdays count; `None` for all.
    pub only: Option<Dates>,
}

impl Hash for Schedule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, self.zone.iana_name(), &self.open, &self.closed, &self.only).hash(state);
    }
}

impl Schedule {
    /// The same, with the dates of its lists as these tables have them.
    pub fn with_dates_of(&self, tables: &Tables) -> Schedule {
        Schedule {
            closed: self.closed.with_dates_of(tables),
            only: self.only.as_ref().map(|dates| dates.with_dates_of(tables)),
            ..self.clone()
        }
    }

    /// The lists that it takes dates from.
    pub fn lists(&self) -> impl Iterator<Item = &Arc<str>> {
        self.closed.lists().chain(self.only.iter().flat_map(Dates::lists))
    }

    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        let (date, second) = (local.date(), hours::second_of(local.time()));
        self.hours_of(date).any(|hours| hours.hold_at(second))
            || date
                .yesterday()
                .is_ok_and(|before| self.hours_of(before).any(|hours| hours.hold_after(second)))
    }

    /// When it next opens or closes: the first moment after `after` at which
    /// [`is_open`](Schedule::is_open) is not what it is at `after`. `None` if that is more than a
    /// month away.
    pub fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        let is_open = self.is_open(after);
        [NEAR, HORIZON].into_iter().find_map(|days| {
            let mut moments = self.moments(after, days);
            moments.sort_unstable();
            moments.into_iter().find(|moment| self.is_open(*moment) != is_open)
        })
    }

    /// Every moment of the next days at which it may open or close: where hours begin or end, and
    /// where the clock is changed.
    fn moments(&self, after: Timestamp, days: i32) -> Vec<Timestamp> {
        let today = self.zone.to_datetime(after).date();
        let Ok(end) = today.checked_add(days.days()) else { return Vec::new() };
        let Ok(end) = self.zone.to_timestamp(end.to_datetime(jiff::civil::Time::midnight())) else {
            return Vec::new();
        };
        let changes = self.zone.following(after).map(|change| change.timestamp());
        let mut moments: Vec<Timestamp> = changes.take_while(|moment| *moment <= end).collect();
        // A clock that is put back over midnight shows the day before once more.
        let mut date = today.checked_sub(2.days()).unwrap_or(Date::MIN);
        for _ in 0..days + 3 {
            for hours in self.hours_of(date) {
                for shown in hours.bounds(date).into_iter().flatten() {
                    self.at(shown, &mut moments);
                }
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        moments.retain(|moment| after < *moment && *moment <= end);
        moments
    }

    /// When the clock shows a time: once, twice, or never.
    fn at(&self, shown: DateTime, moments: &mut Vec<Timestamp>) {
        match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => moments.extend(offset.to_timestamp(shown)),
            // The clock jumps over it, which is a moment of its own.
            AmbiguousOffset::Gap { .. } => {}
            AmbiguousOffset::Fold { before, after } => {
                moments.extend(before.to_timestamp(shown));
                moments.extend(after.to_timestamp(shown));
            }
        }
    }

    fn hours_of(&self, date: Date) -> impl Iterator<Item = Hours> {
        let of_date = move |opening: &&Opening| opening.days.is_date(date);
        let of_week = self.of_week(date);
        let has_own = self.open.iter().any(|opening| opening.days.is_date(date));
        let own = self.open.iter().filter(of_date);
        let weekly = self
            .open
            .iter()
            .filter(move |opening| !has_own && of_week && opening.days.is_weekday(date.weekday()));
        let whole = !has_own && of_week && !self.open.iter().any(|one| one.days.is_of_week());
        let hours = own.chain(weekly).flat_map(|opening| opening.hours.iter().copied());
        hours.chain(whole.then_some(Hours::WHOLE_DAY))
    }

    /// Whether the hours of weekdays count on a date.
    fn of_week(&self, date: Date) -> bool {
        !self.closed.contain(date) && self.only.as_ref().is_none_or(|only| only.contain(date))
    }
}

impl Days {
    fn is_date(&self, date: Date) -> bool {
        match self {
            Days::Week(_) => false,
            Days::Dates(span) => span.contains(date),
        }
    }

    fn is_weekday(&self, weekday: Weekday) -> bool {
        match self {
            Days::Week(days) => days[usize::from(weekday.to_monday_zero_offset().unsigned_abs())],
            Days::Dates(_) => false,
        }
    }

    fn is_of_week(&self) -> bool {
        matches!(self, Days::Week(_))
    }
}
