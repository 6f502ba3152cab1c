//! What the demo counts, as one line and as a table.

use crate::status::counted::counted;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::genesys::pacer::Usage;
use crate::simulator::oracle::Verdict;
use crate::status::counts::Counts;

/// Wrong attributes that are shown one by one.
const SHOWN: usize = 10;

/// One line every few seconds.
pub(super) fn summary(counts: &Counts, usage: &Usage, after: Duration) -> String {
    format!(
        "── {:>4} s  {} live, {}, {}, {}, {} pushed, {} unchanged, {} waiting, {} failed, budget {}/{}",
        after.as_secs(),
        counted(counts.conversations.get(), "conversation"),
        counted(counts.frames.get(), "frame"),
        counted(counts.snapshots.get(), "snapshot"),
        counted(counts.matches.get(), "match"),
        counts.pushed.get(),
        counts.unchanged.get(),
        counts.outbox.get(),
        counts.failed.get(),
        usage.used,
        usage.allowed,
    )
}

/// Everything that was counted, at the end.
pub(super) fn table(counts: &Counts, usage: &Usage, took: Duration) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _infallible = writeln!(text, "  {name:<22} {value}");
    };
    row("after", format!("{:.1} s", took.as_secs_f64()));
    row(
        "frames",
        format!(
            "{} ({} duplicate, {} late, {} in doubt, {} unreadable)",
            counts.frames.get(),
            counts.snapshots_duplicate.get(),
            counts.snapshots_older.get(),
            counts.snapshots_doubtful.get(),
            counts.frames_unreadable.get()
        ),
    );
    row("snapshots", counts.snapshots.get().to_string());
    row("matches", counts.matches.get().to_string());
    row(
        "updates (keys)",
        format!(
            "{} offered, {} merged, {} pushed, {} unchanged, {} failed",
            counts.offered.get(),
            counts.merged.get(),
            counts.pushed.get(),
            counts.unchanged.get(),
            counts.failed.get()
        ),
    );
    row(
        "seen afterwards (keys)",
        format!(
            "{} confirmed, {} overwritten by others",
            counts.confirmed.get(),
            counts.lost_to_others.get()
        ),
    );
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut operations: BTreeMap<&str, u64> = BTreeMap::new();
    for ((operation, status), count) in counts.requests() {
        *statuses.entry(status).or_default() += count;
        *operations.entry(operation).or_default() += count;
    }
    let list = |pairs: Vec<String>| pairs.join(", ");
    let by_status = statuses.iter().map(|(status, count)| match status {
        0 => format!("{count} × no answer"),
        status => format!("{count} × {status}"),
    });
    row("requests by status", list(by_status.collect()));
    let by_operation = operations.iter().map(|(name, count)| format!("{count} {name}"));
    row("requests by operation", list(by_operation.collect()));
    row("budget of this window", format!("{} of {}", usage.used, usage.allowed));
    let latency = |share| {
        counts.latency(share).map_or_else(
            || "-".to_owned(),
            |latency| format!("{:.0} ms", latency.as_secs_f64() * 1000.0),
        )
    };
    row("event to accepted", format!("p50 {}, p99 {}", latency(0.5), latency(0.99)));
    text
}

/// What the simulator, by its own reckoning, thinks of the attributes.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let mut text = format!(
        "verdict of the simulator: {} of {} participants that a rule concerns have exactly the attributes they should have",
        verdict.right, verdict.concerned
    );
    if verdict.concerned == 0 {
        text.push_str("\n  nobody was concerned: that is no success");
    }
    let others = [
        (verdict.untouched_violations, "keys were written that no rule names"),
        (verdict.older_writes, "values of older snapshots were written"),
        (verdict.flow_writes, "values were written while a flow ran"),
        (verdict.redundant_writes, "writes changed nothing"),
        (
            verdict.excused,
            "keys were first wished long after the conversation's end, and are not judged",
        ),
    ];
    for (count, what) in others {
        if count > 0 {
            let _infallible = write!(text, "\n  {count} {what}");
        }
    }
    for wrong in verdict.wrong.iter().take(SHOWN) {
        let _infallible = write!(
            text,
            "\n  wrong: {} of participant {} in conversation {} (rule {}): should be {}, is {}",
            wrong.key,
            wrong.participant,
            wrong.conversation,
            wrong.rule,
            wrong.expected.as_deref().unwrap_or("(absent)"),
            wrong.found.as_deref().unwrap_or("(absent)"),
        );
    }
    if verdict.wrong.len() > SHOWN {
        let _infallible = write!(text, "\n  and {} more", verdict.wrong.len() - SHOWN);
    }
    text
}
