//! What schedules promise, over changes of the clock too.

use std::path::Path;

use expect_test::expect;
use jiff::Zoned;
use proptest::prelude::*;

use super::*;
use crate::rules::lists::{Keying, List, Normalize};

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

fn schedule(zone: &str, open: &[&str]) -> Schedule {
    Schedule {
        name: "x".into(),
        zone: TimeZone::get(zone).unwrap(),
        open: open.iter().map(|text| Opening::parse(text).unwrap()).collect(),
        closed: Dates::default(),
        only: None,
    }
}

fn spans(texts: &[&str]) -> Dates {
    Dates::new(texts.iter().map(|text| Span::parse(text).unwrap()).collect(), Vec::new())
}

/// The next changes, as the clock on the wall shows them.
fn changes(schedule: &Schedule, after: &str, many: usize) -> String {
    let mut at: Timestamp = after.parse().unwrap();
    let mut shown = format!("{}\n", if schedule.is_open(at) { "open" } else { "closed" });
    for _ in 0..many {
        let Some(next) = schedule.next_change(at) else { break };
        let local: Zoned = next.to_zoned(schedule.zone.clone());
        let word = if schedule.is_open(next) { "opens" } else { "closes" };
        shown += &local.strftime(&format!("{word} %a %F %H:%M %:z\n")).to_string();
        at = next;
    }
    shown
}

#[test]
fn a_week_at_the_office() {
    let office = schedule(BERLIN, &["mon-fri 08:00-12:00, 13:00-18:00", "sat 09:00-13:00"]);
    expect![[r#"
        open
        closes Fri 2026-11-20 12:00 +01:00
        opens Fri 2026-11-20 13:00 +01:00
        closes Fri 2026-11-20 18:00 +01:00
        opens Sat 2026-11-21 09:00 +01:00
        closes Sat 2026-11-21 13:00 +01:00
        opens Mon 2026-11-23 08:00 +01:00
        closes Mon 2026-11-23 12:00 +01:00
        opens Mon 2026-11-23 13:00 +01:00
    "#]]
    .assert_eq(&changes(&office, "2026-11-20T10:59:59Z", 8));
    for (at, open) in [
        ("2026-11-20T06:59:59Z", false),
        ("2026-11-20T07:00:00Z", true),
        ("2026-11-20T16:59:59.9Z", true),
        ("2026-11-20T17:00:00Z", false),
        ("2026-11-22T10:00:00Z", false),
    ] {
        assert_eq!(office.is_open(at.parse().unwrap()), open, "{at}");
    }
}

#[test]
fn hours_over_midnight_belong_to_the_day_they_start() {
    let mut night =
        schedule(BERLIN, &["fri 22:00-06:00", "sat-sun 20:00-24:00", "mon 00:00-02:00"]);
    expect![[r#"
        closed
        opens Fri 2026-11-20 22:00 +01:00
        closes Sat 2026-11-21 06:00 +01:00
        opens Sat 2026-11-21 20:00 +01:00
        closes Sun 2026-11-22 00:00 +01:00
        opens Sun 2026-11-22 20:00 +01:00
        closes Mon 2026-11-23 02:00 +01:00
        opens Fri 2026-11-27 22:00 +01:00
        closes Sat 2026-11-28 06:00 +01:00
    "#]]
    .assert_eq(&changes(&night, "2026-11-20T12:00:00Z", 8));
    // Friday's night goes on into a Saturday that is closed, Saturday's own does not begin.
    night.closed = spans(&["2026-11-21"]);
    expect![[r#"
        closed
        opens Fri 2026-11-20 22:00 +01:00
        closes Sat 2026-11-21 06:00 +01:00
        opens Sun 2026-11-22 20:00 +01:00
        closes Mon 2026-11-23 02:00 +01:00
    "#]]
    .assert_eq(&changes(&night, "2026-11-20T12:00:00Z", 4));
}

#[test]
fn an_hour_that_the_clock_skips() {
    // 2026-03-29 02:00 to 03:00 in Berlin, 2026-03-08 02:00 to 03:00 in New York.
    let inside = schedule(BERLIN, &["sun 02:15-02:45", "sun 04:00-05:00"]);
    expect![[r#"
        closed
        opens Sun 2026-03-29 04:00 +02:00
        closes Sun 2026-03-29 05:00 +02:00
    "#]]
    .assert_eq(&changes(&inside, "2026-03-28T12:00:00Z", 2));
    let into = schedule(BERLIN, &["sun 01:00-02:30", "sun 04:00-05:00"]);
    expect![[r#"
        closed
        opens Sun 2026-03-29 01:00 +01:00
        closes Sun 2026-03-29 03:00 +02:00
    "#]]
    .assert_eq(&changes(&into, "2026-03-28T12:00:00Z", 2));
    let out = schedule(NEW_YORK, &["sun 02:30-04:00"]);
    expect![[r#"
        closed
        opens Sun 2026-03-08 03:00 -04:00
        closes Sun 2026-03-08 04:00 -04:00
    "#]]
    .assert_eq(&changes(&out, "2026-03-07T12:00:00Z", 2));
    let over = schedule(NEW_YORK, &["sat 22:00-06:00"]);
    expect![[r#"
        closed
        opens Sat 2026-03-07 22:00 -05:00
        closes Sun 2026-03-08 06:00 -04:00
    "#]]
    .assert_eq(&changes(&over, "2026-03-07T12:00:00Z", 2));
}

#[test]
fn an_hour_that_the_clock_shows_twice() {
    // 2026-10-25 03:00 back to 02:00 in Berlin, 2026-11-01 02:00 back to 01:00 in New York.
    let inside = schedule(BERLIN, &["sun 02:15-02:45"]);
    expect![[r#"
        closed
        opens Sun 2026-10-25 02:15 +02:00
        closes Sun 2026-10-25 02:45 +02:00
        opens Sun 2026-10-25 02:15 +01:00
        closes Sun 2026-10-25 02:45 +01:00
    "#]]
    .assert_eq(&changes(&inside, "2026-10-24T12:00:00Z", 4));
    let into = schedule(BERLIN, &["sun 01:00-02:30"]);
    expect![[r#"
        closed
        opens Sun 2026-10-25 01:00 +02:00
        closes Sun 2026-10-25 02:30 +02:00
        opens Sun 2026-10-25 02:00 +01:00
        closes Sun 2026-10-25 02:30 +01:00
    "#]]
    .assert_eq(&changes(&into, "2026-10-24T12:00:00Z", 4));
    let out = schedule(NEW_YORK, &["sun 01:30-04:00"]);
    expect![[r#"
        closed
        opens Sun 2026-11-01 01:30 -04:00
        closes Sun 2026-11-01 01:00 -05:00
        opens Sun 2026-11-01 01:30 -05:00
        closes Sun 2026-11-01 04:00 -05:00
    "#]]
    .assert_eq(&changes(&out, "2026-10-31T12:00:00Z", 4));
    let over = schedule(NEW_YORK, &["sat 22:00-06:00"]);
    expect![[r#"
        closed
        opens Sat 2026-10-31 22:00 -04:00
        closes Sun 2026-11-01 06:00 -05:00
    "#]]
    .assert_eq(&changes(&over, "2026-10-31T12:00:00Z", 2));
}

#[test]
fn dates_go_before_weekdays() {
    let mut office = schedule(
        BERLIN,
        &["mon-fri 08:00-18:00", "2026-12-24 09:00-12:00", "27.12.2026 10:00-11:00"],
    );
    office.closed = Dates::new(
        vec![Span::parse("12-25").unwrap(), Span::parse("2026-12-24..2026-12-26").unwrap()],
        vec!["holidays".into()],
    );
    expect![[r#"
        open
        closes Wed 2026-12-23 18:00 +01:00
        opens Thu 2026-12-24 09:00 +01:00
        closes Thu 2026-12-24 12:00 +01:00
        opens Sun 2026-12-27 10:00 +01:00
        closes Sun 2026-12-27 11:00 +01:00
        opens Mon 2026-12-28 08:00 +01:00
        closes Mon 2026-12-28 18:00 +01:00
        opens Tue 2026-12-29 08:00 +01:00
        closes Tue 2026-12-29 18:00 +01:00
    "#]]
    .assert_eq(&changes(&office, "2026-12-23T12:00:00Z", 9));
    let keying = Keying { normalize: Normalize::Date, ..Keying::default() };
    let list = List::read(Path::new("x"), b"28.12.2026\n2026-12-29\n", None, keying).unwrap().0;
    let mut tables = Tables::default();
    tables.put("holidays".into(), Arc::new(list));
    expect![[r#"
        closed
        opens Wed 2026-12-30 08:00 +01:00
        closes Wed 2026-12-30 18:00 +01:00
    "#]]
    .assert_eq(&changes(&office.with_dates_of(&tables), "2026-12-27T12:00:00Z", 2));
}

#[test]
fn only_some_dates() {
    let mut sale = schedule(BERLIN, &[]);
    sale.only = Some(spans(&["2026-11-27", "2026-11-30..2026-12-01"]));
    expect![[r#"
        closed
        opens Fri 2026-11-27 00:00 +01:00
        closes Sat 2026-11-28 00:00 +01:00
        opens Mon 2026-11-30 00:00 +01:00
        closes Wed 2026-12-02 00:00 +01:00
    "#]]
    .assert_eq(&changes(&sale, "2026-11-26T12:00:00Z", 9));
    sale.open = vec![Opening::parse("daily 10:00-20:00").unwrap()];
    expect![[r#"
        closed
        opens Fri 2026-11-27 10:00 +01:00
        closes Fri 2026-11-27 20:00 +01:00
        opens Mon 2026-11-30 10:00 +01:00
    "#]]
    .assert_eq(&changes(&sale, "2026-11-26T12:00:00Z", 3));
}

#[test]
fn what_never_changes() {
    let at: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let always = schedule(NEW_YORK, &["daily 00:00-24:00"]);
    assert!(always.is_open(at) && always.next_change(at).is_none());
    let mut never = always;
    never.only = Some(Dates::default());
    assert!(!never.is_open(at) && never.next_change(at).is_none());
    for end in [Timestamp::MIN, Timestamp::MAX] {
        let office = schedule(BERLIN, &["daily 08:00-18:00"]);
        let _open = (office.is_open(end), office.next_change(end));
    }
}

#[test]
fn what_is_no_opening() {
    let mut shown = String::new();
    for text in [
        "",
        "mon-fri",
        "08:00-18:00",
        "mon-fry 08:00-18:00",
        "mo-fr 08:00-18:00",
        "mon 8-18:00",
        "mon 08:00",
        "mon 08:00-25:00",
        "mon 08:00-18:60",
        "mon 8:00-18:00:00",
        "mon 08:00-08:00",
        "mon 24:00-08:00",
        "2026-02-30 08:00-09:00",
        "2026-12-31..2026-12-24 08:00-09:00",
        "mon 08:00-12:00,",
        "holidays 08:00-12:00",
        "mon 8am-6pm",
        "02-30 08:00-09:00",
    ] {
        let (message, help) = Opening::parse(text).unwrap_err();
        shown += &format!("{message}\n    {help}\n");
    }
    expect![[r#"
        there are no hours in ""
            write days and hours, such as "mon-fri 08:00-18:00", "sat,sun 09:00-13:00", "daily 00:00-24:00" or "2026-12-24 09:00-12:00"
        there are no hours in "mon-fri"
            write days and hours, such as "mon-fri 08:00-18:00", "sat,sun 09:00-13:00", "daily 00:00-24:00" or "2026-12-24 09:00-12:00"
        "08:00-18:00" does not say on which days
            write days and hours, such as "mon-fri 08:00-18:00", "sat,sun 09:00-13:00", "daily 00:00-24:00" or "2026-12-24 09:00-12:00"
        "fry" is no day of the week
            did you mean `fri`?
        "mo" is no day of the week
            did you mean `mon`?
        "8" is no time of the day
            write "08:00-18:00": hours and minutes, the end not included; up to 24:00, and over midnight as "22:00-06:00"
        "08:00" is no range of hours
            write "08:00-18:00": hours and minutes, the end not included; up to 24:00, and over midnight as "22:00-06:00"
        "25:00" is no time of the day
            write "08:00-18:00": hours and minutes, the end not included; up to 24:00, and over midnight as "22:00-06:00"
        "18:60" is no time of the day
            write "08:00-18:00": hours and minutes, the end not included; up to 24:00, and over midnight as "22:00-06:00"
        "18:00:00" is no time of the day
            write "08:00-18:00": hours and minutes, the end not included; up to 24:00, and over midnight as "22:00-06:00"
        "08:00-08:00" starts and ends at the same time
            for a whole day write 00:00-24:00
        "24:00-08:00" starts when the day is over
            write 00:00, of the day after
        "2026-02-30" is no date
            write a date as "2026-12-24", several days as "2026-12-24..2026-12-31", or a day of every year as "12-25"
        "2026-12-31..2026-12-24" ends before it begins
            write the earlier date first
        "" is no range of hours
            write "08:00-18:00": hours and minutes, the end not included; up to 24:00, and over midnight as "22:00-06:00"
        "holidays" is no day of the week
            write days and hours, such as "mon-fri 08:00-18:00", "sat,sun 09:00-13:00", "daily 00:00-24:00" or "2026-12-24 09:00-12:00"
        there are no hours in "mon 8am-6pm"
            write days and hours, such as "mon-fri 08:00-18:00", "sat,sun 09:00-13:00", "daily 00:00-24:00" or "2026-12-24 09:00-12:00"
        "02-30" is no date
            write a date as "2026-12-24", several days as "2026-12-24..2026-12-31", or a day of every year as "12-25"
    "#]].assert_eq(&shown);
    for fine in [
        "Mon 8:00-18:00",
        "saturday - monday 00:00-24:00",
        "mon, wed 22:00-6:00",
        "12-24 08:00-12:00",
    ] {
        assert!(Opening::parse(fine).is_ok(), "{fine}");
    }
}

fn zones() -> impl Strategy<Value = &'static str> {
    // Half an hour's change, a change at midnight, a day left out, no change at all.
    let odd = ["Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Pacific/Apia", "UTC"];
    prop_oneof![Just(BERLIN), Just(NEW_YORK), prop::sample::select(odd.to_vec())]
}

fn hours() -> impl Strategy<Value = String> {
    let time = || (0..24, prop::sample::select(vec!["00", "15", "30"]));
    (time(), time())
        .prop_filter("the same", |(start, end)| start != end)
        .prop_map(|((from, start), (to, end))| format!("{from:02}:{start}-{to:02}:{end}"))
}

fn opening() -> impl Strategy<Value = String> {
    let days = prop::sample::select(vec![
        "daily",
        "mon-fri",
        "sat-sun",
        "sun",
        "sat",
        "2026-03-29",
        "2026-11-01",
        "2026-10-24..2026-10-25",
        "2011-12-29",
    ]);
    (days, hours()).prop_map(|(days, hours)| format!("{days} {hours}"))
}

/// Days around changes of the clock.
fn around() -> impl Strategy<Value = Timestamp> {
    let days = [
        "2026-03-28",
        "2026-03-07",
        "2026-10-24",
        "2026-10-31",
        "2026-04-04",
        "2026-04-23",
        "2026-10-29",
        "2011-12-29",
        "2026-06-10",
    ];
    (prop::sample::select(days.to_vec()), 0..86_400_i64).prop_map(|(day, second)| {
        let midnight: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
        midnight + second.seconds()
    })
}

/// Whether the schedule is open when the clock shows this, said in the plainest way.
fn shows_open(openings: &[String], closed: Option<Date>, shown: DateTime) -> bool {
    let minute = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
    [(shown.date(), minute), (shown.date().yesterday().unwrap(), minute + DAY)].into_iter().any(
        |(date, minute)| {
            let openings = openings.iter().map(|text| Opening::parse(text).unwrap());
            let (dated, weekly): (Vec<_>, Vec<_>) =
                openings.partition(|one| !one.days.is_of_week());
            let dated: Vec<_> = dated.into_iter().filter(|one| one.days.is_date(date)).collect();
            let is_closed = closed == Some(date);
            let whole = [Opening::parse("daily 00:00-24:00").unwrap()];
            let of_week = match &weekly[..] {
                _ if is_closed => &[],
                [] => &whole[..],
                weekly => weekly,
            };
            let hours = if dated.is_empty() { of_week } else { &dated[..] };
            let hours = hours
                .iter()
                .filter(|one| one.days.is_date(date) || one.days.is_weekday(date.weekday()));
            hours.flat_map(|one| &one.hours).any(|hours| {
                let end = if hours.end <= hours.start { hours.end + DAY } else { hours.end };
                (hours.start..end).contains(&minute)
            })
        },
    )
}

const DAY: i32 = 24 * 60;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_next_change_is_where_a_walk_minute_by_minute_finds_it(
        zone in zones(),
        openings in proptest::collection::vec(opening(), 0..4),
        closed in proptest::option::of(0..5_i64),
        after in around(),
    ) {
        let texts: Vec<&str> = openings.iter().map(String::as_str).collect();
        let mut schedule = schedule(zone, &texts);
        let closed = closed.map(|days| schedule.zone.to_datetime(after).date() + (days - 2).days());
        if let Some(date) = closed {
            schedule.closed = Dates::new(vec![Span::Dates(date, date)], Vec::new());
        }
        let shown = |at: Timestamp| shows_open(&openings, closed, schedule.zone.to_datetime(at));
        let open = shown(after);
        prop_assert_eq!(schedule.is_open(after), open);
        // Everything begins and ends with a minute.
        let next = after.as_second().div_euclid(60) * 60 + 60;
        let mut minutes = (0..4 * 24 * 60).map(|n| Timestamp::from_second(next + n * 60).unwrap());
        let walked = minutes.find(|at| shown(*at) != open);
        let found = schedule.next_change(after);
        match walked {
            Some(_) => prop_assert_eq!(found, walked),
            None => prop_assert!(found.is_none_or(|found| found.as_second() >= next + 4 * 24 * 3600)),
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC*", near in "[mon0-9:., -]{0,20}") {
        let _read = (Opening::parse(&text).is_ok(), Span::parse(&text).is_ok());
        let _read = (Opening::parse(&near).is_ok(), Span::parse(&near).is_ok());
    }
}
