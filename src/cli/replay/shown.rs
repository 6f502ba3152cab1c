//! What a replay says: a table for people, JSON lines for programs.
//!
//! For programs each line is an object with one name, that of what it is: `write`, `bad_line`,
//! `rule`, `change`, `summary`.

use crate::status::counted::counted;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::compare::{Change, Kind};
use super::player::{BadLine, Counts, Written};
use super::session::{Session, Step, Tally};
use crate::cli::Output;
use crate::cli::paint::{Paint, padded};
use crate::cli::print::{eprint, print};

/// Bad lines that are shown one by one.
const BAD_LINES: u64 = 10;
/// Changes of each kind that are shown one by one.
const CHANGES: usize = 20;
/// Keys of a rule that are shown.
const KEYS: usize = 4;

/// How the play went.
pub(super) struct Report {
    pub(super) counts: Counts,
    pub(super) took: Duration,
    /// It kept the recording's pace, so its own speed says nothing.
    pub(super) paced: bool,
}

pub(super) struct Voice {
    file: PathBuf,
    output: Output,
    /// People see each write as it is made.
    each: bool,
    paint: Paint,
    bad: u64,
}

impl Voice {
    pub(super) fn new(file: &Path, output: Output, each: bool) -> Voice {
        Voice { file: file.to_owned(), output, each, paint: Paint::of_output(), bad: 0 }
    }

    pub(super) fn written(&mut self, written: &Written) {
        match self.output {
            Output::Json => print(&json!({ "write": as_json(written) }).to_string()),
            Output::Text if self.each => print(&self.line(written)),
            Output::Text => {}
        }
    }

    fn line(&self, Written { at, conversation, entry, .. }: &Written) -> String {
        let wish = &entry.wish;
        let (id, participant) = (&conversation.id, &wish.participant);
        let trial = if wish.dry_run { self.paint.yellow(" (dry run)") } else { String::new() };
        format!(
            "{} {id} {participant} {} = {:?}, was {:?}  {}{trial}",
            self.paint.dim(at),
            wish.key,
            wish.value,
            entry.before,
            self.paint.dim(&wish.rule)
        )
    }

    pub(super) fn bad_line(&mut self, number: u64, bad: &BadLine) {
        self.bad += 1;
        if self.output == Output::Json {
            return print(&json!({ "bad_line": { "line": number, "reason": bad.0 } }).to_string());
        }
        if self.bad <= BAD_LINES {
            eprint(&format!("{}:{number}: {bad}", self.file.display()));
        } else if self.bad == BAD_LINES + 1 {
            eprint("more bad lines are only counted");
        }
    }

    /// What came of each rule.
    pub(super) fn rules(&self, session: &Session) {
        let nothing = Tally::default();
        let rules: Vec<(&str, &Tally)> = session
            .rule_names()
            .map(|name| (&**name, session.tallies().get(name).unwrap_or(&nothing)))
            .collect();
        match self.output {
            Output::Text => print(&table(&rules, self.paint)),
            Output::Json => {
                for (name, tally) in rules {
                    print(&json!({ "rule": tally_as_json(name, tally) }).to_string());
                }
            }
        }
    }

    /// What is not written as it was by the old rules.
    pub(super) fn changes(&self, changes: &[Change]) {
        match self.output {
            Output::Text => print(&differences(changes, self.paint)),
            Output::Json => {
                for change in changes {
                    print(&json!({ "change": change_as_json(change) }).to_string());
                }
            }
        }
    }

    pub(super) fn end(&self, report: &Report) {
        match self.output {
            Output::Text => print(&summary(report)),
            Output::Json => print(&json!({ "summary": summary_as_json(report) }).to_string()),
        }
    }
}

/// One line for each rule, in the order of the file.
pub(super) fn table(rules: &[(&str, &Tally)], paint: Paint) -> String {
    let head = ["rule", "matches", "writes", "conversations", "keys"].map(str::to_owned);
    let rows = rules.iter().map(|(name, tally)| {
        let keys: Vec<&str> = tally.keys.iter().take(KEYS).map(|key| &**key).collect();
        let more = tally.keys.len().saturating_sub(KEYS);
        let mut keys = keys.join(" ");
        if more > 0 {
            keys += &format!(" … {more} more");
        }
        if tally.dry_run > 0 {
            keys += " (dry run)";
        }
        if tally.errors > 0 {
            keys += &format!(" ({} could not be evaluated)", tally.errors);
        }
        let conversations = tally.conversations.len().to_string();
        let (matches, writes) = (tally.matches.to_string(), tally.writes.to_string());
        [(*name).to_owned(), matches, writes, conversations, keys]
    });
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let lines =
        rows.iter().enumerate().map(|(at, [name, matches, writes, conversations, keys])| {
            let [names, ms, ws, cs] = widths;
            let line = format!(
                "{}  {matches:>ms$}  {writes:>ws$}  {conversations:>cs$}  {keys}",
                padded(name, names)
            );
            let line = line.trim_end();
            if at == 0 { paint.bold(line) } else { line.to_owned() }
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// How many, by rule, and some of them.
pub(super) fn differences(changes: &[Change], paint: Paint) -> String {
    let mut lines = vec![String::new()];
    if changes.is_empty() {
        lines.push("both sets of rules write the same".to_owned());
        return lines.join("\n");
    }
    for kind in Kind::ALL {
        let of_kind = || changes.iter().filter(|change| change.kind() == kind);
        let count = of_kind().count();
        if count == 0 {
            continue;
        }
        let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
        for step in of_kind().filter_map(|change| change.new.last().or(change.old.last())) {
            *by_rule.entry(&step.rule).or_default() += 1;
        }
        let rules: Vec<String> = by_rule.iter().map(|(rule, n)| format!("{rule} {n}")).collect();
        let word = kind.word();
        lines.push(paint.bold(format!("{count} × {word} (by rule: {})", rules.join(", "))));
        lines.extend(of_kind().take(CHANGES).map(|change| {
            let Change { conversation, participant, key, old, new } = change;
            format!("  {conversation} {participant} {key}: {} → {}", values(old), values(new))
        }));
        if count > CHANGES {
            lines.push(format!("  and {} more; --output json shows all", count - CHANGES));
        }
    }
    lines.join("\n")
}

fn values(steps: &[Step]) -> String {
    let values: Vec<String> = steps.iter().map(|step| format!("{:?}", step.value)).collect();
    if values.is_empty() { "nothing".to_owned() } else { values.join(", ") }
}

pub(super) fn summary(Report { counts, took, paced }: &Report) -> String {
    let Counts {
        lines,
        events,
        snapshots,
        duplicate,
        older,
        in_doubt,
        partial,
        other_frames,
        bad,
        by_time,
    } = counts;
    let seconds = took.as_secs_f64();
    let speed = if *paced {
        String::new()
    } else {
        format!(", {:.0} events/s", per_second(*events, seconds))
    };
    let mut text = format!(
        "\n{} in {}, {} looked at in {seconds:.2} s{speed}",
        counted(*events, "event"),
        counted(*lines, "line"),
        counted(*snapshots, "snapshot")
    );
    for (count, what) in [
        (duplicate, "seen already"),
        (older, "older than what was there"),
        (in_doubt, "in doubt: taken in the order of arrival, where the daemon would ask the API"),
        (partial, "of media topics: too little to be compared, not looked at"),
        (by_time, "looks because of the time alone"),
        (other_frames, "frames about no conversation"),
        (bad, "bad lines"),
    ] {
        if *count > 0 {
            text += &format!("\n  {count} {what}");
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(events: u64, seconds: f64) -> f64 {
    events as f64 / seconds.max(1e-6)
}

fn as_json(Written { at, conversation, entry, .. }: &Written) -> Value {
    let wish = &entry.wish;
    let mut participants = conversation.participants.iter();
    let participant = participants.find(|one| one.id == wish.participant);
    json!({
        "at": at.to_string(),
        "conversation": conversation.id.as_str(),
        "participant": wish.participant.as_str(),
        "purpose": participant.and_then(|one| one.purpose.as_deref()),
        "key": &*wish.key,
        "value": &*wish.value,
        "before": entry.before,
        "rule": &*wish.rule,
        "dry_run": wish.dry_run,
    })
}

fn tally_as_json(name: &str, tally: &Tally) -> Value {
    json!({
        "rule": name,
        "matches": tally.matches,
        "writes": tally.writes,
        "dry_run": tally.dry_run,
        "conversations": tally.conversations.len(),
        "keys": tally.keys.iter().map(|key| &**key).collect::<Vec<_>>(),
        "errors": tally.errors,
    })
}

fn change_as_json(change: &Change) -> Value {
    let steps = |steps: &[Step]| -> Value {
        steps.iter().map(|one| json!({ "value": &*one.value, "rule": &*one.rule })).collect()
    };
    json!({
        "kind": change.kind().word(),
        "conversation": change.conversation.as_str(),
        "participant": change.participant.as_str(),
        "key": &*change.key,
        "old": steps(&change.old),
        "new": steps(&change.new),
    })
}

fn summary_as_json(Report { counts, took, paced }: &Report) -> Value {
    let seconds = took.as_secs_f64();
    json!({
        "lines": counts.lines,
        "events": counts.events,
        "snapshots": counts.snapshots,
        "duplicate": counts.duplicate,
        "older": counts.older,
        "in_doubt": counts.in_doubt,
        "partial": counts.partial,
        "by_time": counts.by_time,
        "other_frames": counts.other_frames,
        "bad_lines": counts.bad,
        "seconds": seconds,
        "events_per_second": (!paced).then(|| per_second(counts.events, seconds)),
    })
}
