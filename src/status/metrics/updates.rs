//! From wishes to accepted writes: updates, the outbox, dead letters, the journal.

use std::fmt;

use super::sheet::Sheet;
use crate::status::counts::Counts;
use crate::status::overview::Overview;
use crate::updates::dead_letters::Reason;

pub(super) fn write(
    sheet: &mut Sheet<'_>,
    overview: &Overview,
    counts: &Counts,
    journal_bytes: u64,
) -> fmt::Result {
    outcomes(sheet, counts)?;
    outbox(sheet, overview)?;
    sheet.counter(
        "pushes",
        "Requests that carried updates and have ended, whatever their answer.",
        counts.pushes.get(),
    )?;
    sheet.counter("push_retries", "Pushes that are to be tried again.", counts.retries.get())?;
    sheet.histogram(
        "event_to_accepted_seconds",
        "From reading a frame to the answer that accepted its update.",
        &counts.accepted.noted(),
    )?;
    journal(sheet, overview, journal_bytes)
}

fn outcomes(sheet: &mut Sheet<'_>, counts: &Counts) -> fmt::Result {
    let without_reason = [
        ("wished", &counts.offered),
        ("merged", &counts.merged),
        ("unchanged", &counts.unchanged),
        ("accepted", &counts.pushed),
        ("confirmed", &counts.confirmed),
        ("lost_to_others", &counts.lost_to_others),
        ("rested", &counts.rested),
        ("dry_run", &counts.dry_run),
    ];
    let plain = without_reason.map(|(outcome, count)| (outcome, "", count.get()));
    let given_up = counts.given_up();
    let failed = Reason::ALL.map(|reason| {
        let reason = reason.as_str();
        ("failed", reason, given_up.get(reason).copied().unwrap_or(0))
    });
    let each = plain.into_iter().chain(failed);
    let each =
        each.map(|(outcome, reason, count)| ([("outcome", outcome), ("reason", reason)], count));
    sheet.counters("updates", "Keys, by what became of them; one key passes several.", each)
}

fn outbox(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    let updates = &overview.updates;
    sheet.gauge(
        "outbox_participants",
        "Participants that wait or are under way.",
        updates.waiting,
    )?;
    sheet.gauge("outbox_capacity_participants", "How many may.", updates.capacity)?;
    sheet.gauge(
        "outbox_oldest_age_seconds",
        "How long ago the oldest of what waits was wished; looked for every 10 s.",
        overview.age(updates.oldest_at),
    )?;
    sheet.gauge(
        "outbox_time_to_empty_seconds",
        "How long what waits takes at the pace of the last minutes, or with the whole budget.",
        updates.seconds_to_empty,
    )?;
    sheet.gauge(
        "outbox_late",
        "1 while what waits will not go within updates.max_age at this pace.",
        updates.late,
    )?;
    sheet.gauge("pushes_in_flight", "Pushes that are not answered yet.", updates.in_flight)?;
    sheet.gauge("dead_letters", "Dead letters that are kept.", updates.dead_letters)
}

fn journal(sheet: &mut Sheet<'_>, overview: &Overview, bytes: u64) -> fmt::Result {
    let journal = &overview.journal;
    sheet.gauge(
        "journal_suspended",
        "1 while what is accepted would not outlive the process.",
        journal.suspended.is_some(),
    )?;
    sheet.counter("journal_rows", "Rows that were written or removed.", journal.rows)?;
    sheet.histogram("journal_commit_seconds", "What transactions took.", &journal.commits)?;
    sheet.gauge("journal_size_bytes", "The journal's file.", bytes)
}
