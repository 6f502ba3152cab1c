//! The story in words: one line an event, the key's fate above them. Pure, but for the printing.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::print::{eprint, plain, print};
use crate::status::counted::counted;
use crate::updates::story::{Flow, Mark, Record, Told, What, Withdrawal};
use crate::updates::wish::Write;

/// Events of a key that are shown without `--all`: how it began, and what was last.
const FIRST: usize = 2;
const LAST: usize = 10;

pub(super) fn print_story(told: &Told, all: bool) {
    let lines = lines(told, all);
    lines.iter().for_each(|line| print(line));
    if !told.is_known() {
        let since = told.since.map_or_else(String::new, |since| format!(" since {}", full(since)));
        eprint(&format!(
            "nothing is known of it{since}: no rule wished anything that was not there. `attributed explain --live CONVERSATION` says why rules hold or do not"
        ));
    }
    if told.left_out > 0 {
        eprint(&format!("{} are left out", counted(told.left_out, "older event")));
    }
    if told.lost > 0 {
        let lost = counted(told.lost, "event");
        eprint(&format!("{lost} of all conversations could not be written down since the start"));
    }
}

fn lines(told: &Told, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut subjects: Vec<(&str, &str)> = Vec::new();
    for record in told.records.iter().filter(|record| !record.key.is_empty()) {
        let subject = (record.participant.as_str(), &*record.key);
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    for (participant, key) in subjects {
        let is_own =
            |record: &Record| record.participant.as_str() == participant && *record.key == *key;
        let from = told.records.iter().position(is_own).unwrap_or_default();
        let to = told.records.iter().rposition(is_own).unwrap_or_default();
        let between = told.records[from..=to].iter();
        let story: Vec<&Record> =
            between.filter(|record| is_own(record) || record.key.is_empty()).collect();
        lines.extend(of_key(participant, key, &story, all));
    }
    lines
}

fn of_key(participant: &str, key: &str, story: &[&Record], all: bool) -> Vec<String> {
    let fate = story.last().map_or("", |record| fate(&record.what));
    let mut lines = vec![format!("{} of participant {}: {fate}", plain(key), plain(participant))];
    let mut day = String::new();
    let hidden = if all { 0 } else { story.len().saturating_sub(FIRST + LAST) };
    for (at, record) in story.iter().enumerate() {
        if hidden > 0 && (FIRST..FIRST + hidden).contains(&at) {
            if at == FIRST {
                lines.push(format!("  … {} (--all)", counted(hidden as u64, "more event")));
            }
            continue;
        }
        let moment = moment(record);
        let (its_day, time) = moment.split_once(' ').unwrap_or(("", &moment));
        if its_day != day {
            its_day.clone_into(&mut day);
            lines.push(format!("  {day}"));
        }
        lines.push(format!("  {time}  {}", event(record)));
    }
    lines
}

/// What became of it, by what happened last.
fn fate(what: &What) -> &'static str {
    match what {
        What::Started | What::Lost { .. } => "",
        What::Wished { flow: true, .. } => "waits for a flow to end",
        What::Wished { .. } => "waits to be written",
        What::NoRoom => "waits for room in the outbox",
        What::DryRun => "not written, because of a dry run",
        What::Rests { .. } => "rests, because it was written too often",
        What::Accepted { .. } => "accepted, and not seen yet",
        What::Failed { .. } => "not accepted yet, and tried again",
        What::Forbidden { .. } => "forbidden, and waits until that is mended",
        What::Split { .. } => "refused together with others, and sent apart",
        What::GivenUp { .. } => "given up, and a dead letter",
        What::Seen => "written, and seen",
        What::NotApplied => "accepted, and not applied",
        What::Unconfirmed => "accepted, and never seen",
        What::Overwritten { .. } => "overwritten by somebody else",
        What::Withdrawn { why: Withdrawal::Met } => "there already",
        What::Withdrawn { .. } => "not written any more",
    }
}

fn event(record: &Record) -> String {
    let rule = plain(&record.rule);
    let value = value(record.mark);
    match &record.what {
        What::Started => {
            "– the daemon started; marks of values are other ones from here –".to_owned()
        }
        What::Lost { events } => {
            let events = counted(*events, "event");
            format!("– {events} of all conversations could not be written down –")
        }
        What::Wished { write, flow, instead } => {
            let instead = if *instead { ", instead of what waited" } else { "" };
            let flow = if *flow { "; it waits for the flow to end" } else { "" };
            format!("wished by {rule} ({}){value}{instead}{flow}", write.word())
        }
        What::NoRoom => {
            format!("wished by {rule}{value}, and the outbox is full: again when there is room")
        }
        What::DryRun => format!("wished by {rule}{value}, and not written: dry run"),
        What::Rests { seconds } => {
            format!("written too often (last by {rule}): rests for {seconds} s")
        }
        What::Accepted { status, correlation_id, attempt, took_ms } => {
            let how = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            sent(&how, Some(*status), *took_ms, "", correlation_id.as_deref())
        }
        What::Failed { status, correlation_id, attempt, took_ms, again_ms } => {
            let (how, then) =
                (format!(" (attempt {attempt})"), format!(", again in {again_ms} ms"));
            sent(&how, *status, *took_ms, &then, correlation_id.as_deref())
        }
        What::Forbidden { status, correlation_id, took_ms } => {
            let then = ": forbidden, it waits";
            sent("", Some(*status), *took_ms, then, correlation_id.as_deref())
        }
        What::Split { status, correlation_id, took_ms } => {
            let (how, then) = (" with keys of other rules", ": each rule's go apart now");
            sent(how, Some(*status), *took_ms, then, correlation_id.as_deref())
        }
        What::GivenUp { reason, status, correlation_id } => {
            let status = status.map_or_else(String::new, |status| format!(" ({status})"));
            let correlation = correlation(correlation_id.as_deref());
            format!(
                "given up: {reason}{status}{correlation}; `attributed dead-letters list` has it"
            )
        }
        What::Seen => format!("seen{value}"),
        What::NotApplied => "read, and not there: written again, or given up".to_owned(),
        What::Unconfirmed => "no read could confirm it".to_owned(),
        What::Overwritten { flow, write } => overwritten(*flow, *write, &value),
        What::Withdrawn { why } => withdrawn(*why, &rule),
    }
}

fn sent(how: &str, status: Option<u16>, took_ms: u64, then: &str, id: Option<&str>) -> String {
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("sent{how}, {status} after {took_ms} ms{then}{}", correlation(id))
}

fn overwritten(flow: Option<Flow>, write: Write, value: &str) -> String {
    let when = match flow {
        None => "",
        Some(Flow::Runs) => " while a flow ran",
        Some(Flow::Ended) => " as the flow ended",
    };
    let then = match write {
        Write::Enforce => "the rule writes it again (enforce)",
        Write::Follow => "it is theirs until the rule's value changes (follow)",
        Write::First => "it is theirs: the rule writes once (first)",
        Write::IfAbsent => "it is theirs as long as it is not empty (if-absent)",
    };
    format!("overwritten by somebody else{when}{value}; {then}")
}

fn withdrawn(why: Withdrawal, rule: &str) -> String {
    match why {
        Withdrawal::Met => "not written: the value is there already".to_owned(),
        Withdrawal::Exists => "not written: something is there (if-absent)".to_owned(),
        Withdrawal::Unwished => {
            format!("not written: {rule} is not in force any more, or was changed")
        }
        Withdrawal::Erased => {
            "not written: the conversation's data was erased (dead-letters drop)".to_owned()
        }
    }
}

fn value(mark: Option<Mark>) -> String {
    mark.map_or_else(String::new, |mark| format!(", value {mark}"))
}

fn correlation(id: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(id) = id {
        let _infallible = write!(text, ", correlation id {}", plain(id));
    }
    text
}

/// What was sent is told at the time of the sending.
fn moment(record: &Record) -> String {
    let took = match &record.what {
        What::Accepted { took_ms, .. }
        | What::Failed { took_ms, .. }
        | What::Forbidden { took_ms, .. }
        | What::Split { took_ms, .. } => i64::try_from(*took_ms).unwrap_or_default(),
        What::Started
        | What::Lost { .. }
        | What::Wished { .. }
        | What::NoRoom
        | What::DryRun
        | What::Rests { .. }
        | What::GivenUp { .. }
        | What::Seen
        | What::NotApplied
        | What::Unconfirmed
        | What::Overwritten { .. }
        | What::Withdrawn { .. } => 0,
    };
    full(record.at.saturating_sub(took))
}

fn full(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        Err(_) => millis.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::updates::dead_letters::Reason;

    fn record(at: i64, key: &str, what: What) -> Record {
        Record {
            at: 1_764_385_927_120 + at,
            conversation: if key.is_empty() { "" } else { "c" }.into(),
            participant: if key.is_empty() { "" } else { "p" }.into(),
            key: key.into(),
            rule: "vip-pop\u{7}".into(),
            mark: matches!(what, What::Wished { .. } | What::Overwritten { .. })
                .then_some(Mark(0x3f_a2c1)),
            what,
        }
    }

    fn wished() -> What {
        What::Wished { write: Write::Follow, flow: false, instead: false }
    }

    #[test]
    fn a_story_is_a_few_lines() {
        let id = |text: &str| Some(text.into());
        let records = vec![
            record(0, "cc.k", wished()),
            record(10, "cc.other", wished()),
            record(
                900,
                "cc.k",
                What::Failed {
                    status: None,
                    correlation_id: None,
                    attempt: 1,
                    took_ms: 800,
                    again_ms: 200,
                },
            ),
            record(
                1_300,
                "cc.k",
                What::Accepted {
                    status: 202,
                    correlation_id: id("8e2a"),
                    attempt: 2,
                    took_ms: 170,
                },
            ),
            record(1_310, "", What::Started),
            record(
                1_320,
                "cc.other",
                What::GivenUp {
                    reason: Reason::Refused,
                    status: Some(400),
                    correlation_id: id("77"),
                },
            ),
            record(1_400, "cc.k", What::Seen),
            record(
                24_000,
                "cc.k",
                What::Overwritten { flow: Some(Flow::Ended), write: Write::Follow },
            ),
        ];
        let told = Told { records, ..Told::default() };
        expect![[r"
            cc.k of participant p: overwritten by somebody else
              2025-11-29
              03:12:07.120  wished by vip-pop\u{7} (follow), value #3fa2c1
              03:12:07.220  sent (attempt 1), no answer after 800 ms, again in 200 ms
              03:12:08.250  sent (attempt 2), 202 after 170 ms, correlation id 8e2a
              03:12:08.430  – the daemon started; marks of values are other ones from here –
              03:12:08.520  seen
              03:12:31.120  overwritten by somebody else as the flow ended, value #3fa2c1; it is theirs until the rule's value changes (follow)
            cc.other of participant p: given up, and a dead letter
              2025-11-29
              03:12:07.130  wished by vip-pop\u{7} (follow), value #3fa2c1
              03:12:08.430  – the daemon started; marks of values are other ones from here –
              03:12:08.440  given up: refused (400), correlation id 77; `attributed dead-letters list` has it
        "]]
        .assert_eq(&(lines(&told, false).join("\n") + "\n"));
    }

    #[test]
    fn a_long_one_is_cut_in_its_middle() {
        let records = (0..40).map(|at| record(at, "cc.k", wished())).collect();
        let told = Told { records, ..Told::default() };
        let short = lines(&told, false);
        assert_eq!(short.len(), 2 + FIRST + 1 + LAST);
        assert_eq!(short[4], "  … 28 more events (--all)");
        assert_eq!(lines(&told, true).len(), 2 + 40);
    }
}
