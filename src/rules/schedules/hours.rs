//! Opening hours as they are written: `mon-fri 08:00-12:00, 13:00-18:00`.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};

use super::dates::Span;
use crate::config::problem::did_you_mean;

/// Hours of some days.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opening {
    pub days: Days,
    pub hours: Vec<Hours>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Days {
    /// Of the week, Monday first.
    Week([bool; 7]),
    Dates(Span),
}

/// From a time of the day on, up to another one of that day or the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hours {
    /// Minute of the day.
    pub(super) start: i32,
    /// Minute of the day, not included. Not after `start`: of the day after.
    pub(super) end: i32,
}

const DAY: i32 = 24 * 60;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// What to write, for somebody who wrote something else.
const HOURS: &str = "write \"08:00-18:00\": hours and minutes, the end not included; up to 24:00, \
     and over midnight as \"22:00-06:00\"";
const OPENING: &str = "write days and hours, such as \"mon-fri 08:00-18:00\", \
     \"sat,sun 09:00-13:00\", \"daily 00:00-24:00\" or \"2026-12-24 09:00-12:00\"";

/// What is wrong, and what to write instead.
type Wrong = (String, String);

impl Opening {
    /// Reads days and their hours as they are written.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and what to write instead.
    pub fn parse(text: &str) -> Result<Opening, Wrong> {
        let text = text.trim();
        // The hours begin at the first thing with a colon in it.
        let colon = text
            .find(':')
            .ok_or_else(|| (format!("there are no hours in {text:?}"), OPENING.to_owned()))?;
        let Some(space) = text[..colon].rfind(char::is_whitespace) else {
            return Err((format!("{text:?} does not say on which days"), OPENING.to_owned()));
        };
        let (days, hours) = text.split_at(space);
        let days = Days::parse(days.trim())?;
        let hours = hours.split(',').map(|hours| Hours::parse(hours.trim()));
        Ok(Opening { days, hours: hours.collect::<Result<_, _>>()? })
    }
}

impl Days {
    fn parse(text: &str) -> Result<Days, Wrong> {
        if text == "daily" {
            return Ok(Days::Week([true; 7]));
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let span = Span::parse(text).map_err(|(message, help)| (message, help.to_owned()))?;
            return Ok(Days::Dates(span));
        }
        let mut week = [false; 7];
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (weekday(first.trim())?, weekday(last.trim())?);
            // `sat-mon` goes over the end of the week.
            let many = (last + 7 - first) % 7;
            (0..=many).for_each(|day| week[(first + day) % 7] = true);
        }
        Ok(Days::Week(week))
    }
}

impl Hours {
    pub(super) const WHOLE_DAY: Hours = Hours { start: 0, end: DAY };

    fn parse(text: &str) -> Result<Hours, Wrong> {
        let Some((start, end)) = text.split_once('-') else {
            return Err((format!("{text:?} is no range of hours"), HOURS.to_owned()));
        };
        let (start, end) = (minute(start)?, minute(end)?);
        if start == DAY {
            let message = format!("{text:?} starts when the day is over");
            return Err((message, "write 00:00, of the day after".to_owned()));
        }
        if start == end {
            let message = format!("{text:?} starts and ends at the same time");
            return Err((message, "for a whole day write 00:00-24:00".to_owned()));
        }
        Ok(Hours { start, end })
    }

    /// Whether it is open on the day itself, at a second of it.
    pub(super) fn hold_at(self, second: i32) -> bool {
        self.start * 60 <= second && (self.goes_on() || second < self.end * 60)
    }

    /// Whether it is still open on the day after.
    pub(super) fn hold_after(self, second: i32) -> bool {
        self.goes_on() && second < self.end * 60
    }

    /// What the clock shows when they begin and when they end.
    pub(super) fn bounds(self, date: Date) -> [Option<DateTime>; 2] {
        let over = self.goes_on() || self.end == DAY;
        let end = if over { date.tomorrow().ok() } else { Some(date) };
        [at(date, self.start), end.and_then(|date| at(date, self.end % DAY))]
    }

    fn goes_on(self) -> bool {
        self.end <= self.start
    }
}

/// As [`Opening::parse`] reads it.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.days)?;
        for (at, hours) in self.hours.iter().enumerate() {
            write!(f, "{}{hours}", if at == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Days::Dates(span) => write!(f, "{span}"),
            Days::Week(days) if days.iter().all(|day| *day) => f.write_str("daily"),
            Days::Week(days) => {
                let mut runs: Vec<(usize, usize)> = Vec::new();
                for day in (0..days.len()).filter(|day| days[*day]) {
                    match runs.last_mut() {
                        Some((_, last)) if *last + 1 == day => *last = day,
                        _ => runs.push((day, day)),
                    }
                }
                let run = |(first, last): (usize, usize)| match last - first {
                    0 => WEEKDAYS[first].to_owned(),
                    1 => format!("{},{}", WEEKDAYS[first], WEEKDAYS[last]),
                    _ => format!("{}-{}", WEEKDAYS[first], WEEKDAYS[last]),
                };
                f.write_str(&runs.into_iter().map(run).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hours { start, end } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)
    }
}

pub(super) fn second_of(time: Time) -> i32 {
    (i32::from(time.hour()) * 60 + i32::from(time.minute())) * 60 + i32::from(time.second())
}

fn at(date: Date, minute: i32) -> Option<DateTime> {
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    Some(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
}

fn weekday(text: &str) -> Result<usize, Wrong> {
    let lower = text.to_lowercase();
    let names = WEEKDAYS.iter().zip(LONG);
    let mut places = names.enumerate();
    if let Some((at, _)) = places.find(|(_, (short, long))| lower == **short || lower == *long) {
        return Ok(at);
    }
    let help = match did_you_mean(text, WEEKDAYS.into_iter().chain(LONG)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => OPENING.to_owned(),
    };
    Err((format!("{text:?} is no day of the week"), help))
}

/// The minute of the day.
fn minute(text: &str) -> Result<i32, Wrong> {
    let text = text.trim();
    let wrong = || (format!("{text:?} is no time of the day"), HOURS.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, long: &[usize]| {
        let plain = long.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse::<i32>().ok()).flatten()
    };
    let (hour, minute) = number(hour, &[1, 2]).zip(number(minute, &[2])).ok_or_else(wrong)?;
    if minute > 59 || hour * 60 + minute > DAY {
        return Err(wrong());
    }
    Ok(hour * 60 + minute)
}
