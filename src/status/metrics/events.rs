//! From the sockets to the rules: channels, gaps, frames, snapshots, and what held.

use std::fmt;

use super::sheet::Sheet;
use crate::status::counts::Counts;
use crate::status::overview::{Channel, Millis, Overview, seconds};
use crate::status::rule_counts::RuleCount;

pub(super) fn write(sheet: &mut Sheet<'_>, overview: &Overview, counts: &Counts) -> fmt::Result {
    channels(sheet, overview, counts)?;
    each_channel(sheet, overview)?;
    gaps(sheet, overview, counts)?;
    frames(sheet, counts)?;
    rules(sheet, counts)
}

fn channels(sheet: &mut Sheet<'_>, overview: &Overview, counts: &Counts) -> fmt::Result {
    let channels = &overview.channels;
    sheet.gauge("channels", "Notification channels that are wanted.", channels.total)?;
    sheet.gauge("channels_connected", "Channels whose topics are heard.", channels.connected)?;
    let by = &counts.connects_by;
    let connects =
        [("new", &by.new_channel), ("reconnect", &by.reconnect), ("replace", &by.replace)];
    let connects = connects.map(|(reason, count)| ([("reason", reason)], count.get()));
    sheet.counters("channel_connects", "Sockets that were made, by why.", connects)?;
    sheet.counter(
        "channel_connect_failures",
        "Sockets that could not be made.",
        counts.connects_failed.get(),
    )?;
    let by = &counts.drops_by;
    let drops = [
        ("closed", &by.closed),
        ("silent", &by.silent),
        ("broken", &by.broken),
        ("garbled", &by.garbled),
        ("evicted", &by.evicted),
    ];
    let drops = drops.map(|(reason, count)| ([("reason", reason)], count.get()));
    sheet.counters("channel_drops", "Sockets that were lost, by how.", drops)?;
    let topics = &channels.topics;
    let topics = [
        ("wanted", topics.wanted),
        ("permitted", topics.permitted),
        ("rejected", topics.rejected),
        ("without_room", topics.without_room),
        ("short_of_copies", topics.short_of_copies),
    ];
    sheet.gauges("topics", "Topics.", topics.map(|(state, count)| ([("state", state)], count)))
}

fn each_channel(sheet: &mut Sheet<'_>, overview: &Overview) -> fmt::Result {
    // The first is there before it is made.
    let none = [Channel::default()];
    let each = if overview.channels.each.is_empty() { &none } else { &*overview.channels.each };
    let named: Vec<(String, &Channel)> =
        each.iter().map(|channel| (channel.number.to_string(), channel)).collect();
    let connected = named.iter().map(|(name, it)| ([("channel", name.as_str())], it.connected));
    sheet.gauges("channel_connected", "Whether the channel's topics are heard.", connected)?;
    let mut moments = |name: &str, help: &str, of: fn(&Channel) -> Option<Millis>| {
        let each = named.iter().map(|(name, channel)| {
            ([("channel", name.as_str())], seconds(of(channel).unwrap_or(0)))
        });
        sheet.gauges(name, help, each)
    };
    moments(
        "channel_last_frame_timestamp_seconds",
        "When anything came last on the channel's socket.",
        |channel| channel.last_frame_at,
    )?;
    moments(
        "channel_last_heartbeat_timestamp_seconds",
        "When a heartbeat, or the answer to a ping, came last.",
        |channel| channel.last_heartbeat_at,
    )?;
    moments(
        "channel_expiry_timestamp_seconds",
        "When the channel's life ends if it is not renewed.",
        |channel| channel.expires_at,
    )
}

fn gaps(sheet: &mut Sheet<'_>, overview: &Overview, counts: &Counts) -> fmt::Result {
    let gaps = &overview.gaps;
    sheet.gauge("gaps_open", "Gaps that are looked into, or wait for it.", gaps.open)?;
    sheet.gauge(
        "gap_oldest_age_seconds",
        "Since when events have been missed that were not looked up yet.",
        overview.age(gaps.oldest_since),
    )?;
    sheet.gauge(
        "gap_recovery_permitted",
        "0 while it may not be asked which conversations are open.",
        !gaps.not_permitted,
    )?;
    for (name, help, count) in [
        ("gaps_closed", "Gaps that were looked into.", &counts.gaps_closed),
        (
            "gap_conversations",
            "Conversations that were looked at for gaps.",
            &counts.gap_conversations,
        ),
        (
            "gap_conversations_changed",
            "Of these, those that were not as they were known.",
            &counts.gap_changed,
        ),
        ("gap_conversations_ended", "Conversations that ended inside of gaps.", &counts.gap_ended),
        ("gap_wishes", "Keys that the rules wished because of gaps.", &counts.gap_wishes),
        (
            "audited_conversations",
            "Conversations that were read to compare them with what is held.",
            &counts.audited,
        ),
        (
            "audit_mismatches",
            "Of these, those that no event had told of.",
            &counts.audit_mismatches,
        ),
    ] {
        sheet.counter(name, help, count.get())?;
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a process are below 2^52")]
    let unheard = counts.gap_millis.get() as f64 / 1000.0;
    sheet.counter("gap_seconds", "Time in which topics were not heard, of each gap.", unheard)
}

fn frames(sheet: &mut Sheet<'_>, counts: &Counts) -> fmt::Result {
    let frames = [
        ("conversation", &counts.frames_conversation),
        ("heartbeat", &counts.heartbeats),
        ("system", &counts.frames_system),
        ("other", &counts.frames_other),
        ("unreadable", &counts.frames_unreadable),
    ];
    let frames = frames.map(|(kind, count)| ([("kind", kind)], count.get()));
    sheet.counters(
        "frames",
        "What came on the sockets; a conversation that cannot be read is under unreadable, too.",
        frames,
    )?;
    let snapshots = [
        ("evaluated", &counts.snapshots),
        ("duplicate", &counts.snapshots_duplicate),
        ("older", &counts.snapshots_older),
        ("doubtful", &counts.snapshots_doubtful),
    ];
    let snapshots = snapshots.map(|(outcome, count)| ([("outcome", outcome)], count.get()));
    sheet.counters(
        "snapshots",
        "Conversations as they were seen or looked at again.",
        snapshots,
    )?;
    sheet.gauge("conversations", "Conversations that are held.", counts.conversations.get())
}

fn rules(sheet: &mut Sheet<'_>, counts: &Counts) -> fmt::Result {
    let table = counts.rules.table();
    let mut by_rule = |name: &str, help: &str, of: fn(&RuleCount) -> f64| {
        let each = table.rules.iter().map(|(rule, _, count)| (&**rule, &**count));
        // No rule has an empty name.
        let each = each.chain([("", &*table.others)]);
        sheet.counters(name, help, each.map(|(rule, count)| ([("rule", rule)], of(count))))
    };
    by_rule("rule_matches", "Looks at which the rule held.", |it| float(it.matches.get()))?;
    by_rule("rule_errors", "Looks at which it could not be evaluated.", |it| {
        float(it.errors.get())
    })?;
    by_rule("rule_written_keys", "Keys that were accepted.", |it| float(it.written.get()))?;
    by_rule("rule_failed_keys", "Keys that became dead letters.", |it| float(it.failed.get()))?;
    by_rule(
        "rule_evaluation_seconds",
        "What the rule's conditions and values took; measured at one look of 32, which counts for all.",
        |it| float(it.evaluation.get()) / 1e9,
    )?;
    sheet.counter(
        "targets_missing",
        "Rules that held where their target is not there.",
        counts.targets_missing.get(),
    )?;
    let reloads = [("accepted", &counts.rules_reloads), ("refused", &counts.rules_reloads_refused)];
    let reloads = reloads.map(|(outcome, count)| ([("outcome", outcome)], count.get()));
    sheet.counters("rules_reloads", "Reloads of the rules.", reloads)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a process stay below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}
