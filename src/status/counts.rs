//! Counts what happened, for whoever wants to tell: the demo's table, STATUS, the metrics.
//!
//! Every loop holds the same [`Counts`] and adds to it as things happen; nobody decides anything by
//! them. Names are the metrics' names without prefix and unit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::channel_marks::ChannelMarks;
use super::histogram::Histogram;
use super::recent::Recent;
use super::rule_counts::RuleCounts;
use super::troubles::TroublesNow;

/// A number that only grows, or that is set.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Counts {
    // Events.
    pub frames: Count,
    pub heartbeats: Count,
    /// Frames that hold a conversation.
    pub frames_conversation: Count,
    /// What the server says of the channel itself.
    pub frames_system: Count,
    /// Of topics that were not asked for.
    pub frames_other: Count,
    /// Frames that could not be read.
    pub frames_unreadable: Count,
    pub snapshots: Count,
    /// Snapshots with the body of the current one.
    pub snapshots_duplicate: Count,
    pub snapshots_older: Count,
    /// Snapshots of which it could not be told whether they are newer.
    pub snapshots_doubtful: Count,
    pub conversations: Count,
    // Channels.
    pub channels: Count,
    pub channels_connected: Count,
    pub connects: Count,
    /// Connects, by why a new socket was made.
    pub connects_by: Connects,
    /// A socket could not be made.
    pub connects_failed: Count,
    pub drops: Count,
    /// Drops, by how a socket was lost.
    pub drops_by: Drops,
    /// By channel.
    pub marks: ChannelMarks,
    pub topics: Count,
    pub topics_rejected: Count,
    // Gaps.
    /// Looked into now, or waiting for it.
    pub gaps_open: Count,
    /// When the oldest of those began, in milliseconds since 1970; 0 if there is none.
    pub gap_oldest_at: Count,
    /// Milliseconds in which topics were not heard, of each gap.
    pub gap_millis: Count,
    pub gaps_closed: Count,
    /// Conversations that were looked at for gaps.
    pub gap_conversations: Count,
    /// Those of them that were not as they were known, or not known.
    pub gap_changed: Count,
    /// Conversations that ended inside of gaps, seen or not.
    pub gap_ended: Count,
    /// What the rules wished because of them, by key.
    pub gap_wishes: Count,
    /// 1 while it may not be asked which conversations are open.
    pub gaps_not_permitted: Count,
    // The audit.
    /// Conversations that were read and compared with what is held.
    pub audited: Count,
    /// Those of them that no event had told of.
    pub audit_mismatches: Count,
    // Rules.
    pub matches: Count,
    /// A rule held, but its target is not there.
    pub targets_missing: Count,
    /// A rule could not be evaluated, and did not hold.
    pub rule_errors: Count,
    pub rules: RuleCounts,
    /// Good rules came into force, by a reload or a step back.
    pub rules_reloads: Count,
    /// The rules file could not be used.
    pub rules_reloads_refused: Count,
    /// When rules came into force last: seconds since 1970.
    pub rules_reloaded_at: Count,
    /// When files were last read again, whatever came of it: milliseconds since 1970.
    pub reload_tried_at: Count,
    /// Of the text in force: the first 48 bits of its SHA-256.
    pub rules_hash: Count,
    // Updates, counted by key.
    pub offered: Count,
    /// Folded into an update that was waiting already.
    pub merged: Count,
    /// Accepted by Genesys Cloud.
    pub pushed: Count,
    /// Wished, and there already.
    pub unchanged: Count,
    pub confirmed: Count,
    /// Overwritten by somebody else after us.
    pub lost_to_others: Count,
    /// Accepted, and neither: no event and no read told before there was nothing more to ask.
    pub unconfirmed: Count,
    /// Became dead letters.
    pub failed: Count,
    /// Dead letters that are kept now.
    pub dead_letters: Count,
    pub dry_run: Count,
    /// Held back by the fight guard.
    pub rested: Count,
    /// A rule had used up its writes of a minute, and more of it waited.
    pub capped: Count,
    // Updates, counted by participant.
    pub outbox: Count,
    /// Until nothing waits for its turn any more, at the pace of the last minutes; `u64::MAX` for
    /// never.
    pub outbox_seconds_to_empty: Count,
    /// 1 while what waits will not go within `updates.max_age` at this pace.
    pub outbox_late: Count,
    /// 1 while all pushes are paused.
    pub paused: Count,
    /// Rules that are paused.
    pub rules_paused: Count,
    pub pushes: Count,
    pub retries: Count,
    /// Requests for them that are not answered yet.
    pub in_flight: Count,
    /// When the oldest of what waits was wished, in milliseconds since 1970; 0 if nothing waits.
    pub outbox_oldest_at: Count,
    /// Keys that were given up, by the reason's stable word.
    given_up: Mutex<BTreeMap<&'static str, u64>>,
    // Requests.
    /// Answers 429.
    pub throttled: Count,
    /// Requests that had to wait for leave.
    pub held_back: Count,
    /// How long requests waited for leave.
    pub waits: Histogram,
    /// Tokens that could not be obtained.
    pub token_failures: Count,
    /// All that were made, answered or not.
    pub requests_made: Count,
    /// In this month (UTC), those of earlier processes included.
    pub month_requests: Count,
    /// How many there will be at its end, at the pace so far; 0 as long as that is not known.
    pub month_forecast: Count,
    /// `updates.requests_per_month`; 0 for none.
    pub month_limit: Count,
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    durations: Mutex<BTreeMap<&'static str, Arc<Histogram>>>,
    /// From reading a frame to the answer that accepted its update.
    pub accepted: Histogram,
    /// The newest updates.
    pub recent: Recent,
    /// What hinders the writes.
    pub troubles: TroublesNow,
    latency: Mutex<Latency>,
}

/// Why sockets were made.
#[derive(Debug, Default)]
pub struct Connects {
    /// A channel's first, or a new channel after the one before was given up.
    pub new_channel: Count,
    /// On the channel that it had, after its socket was lost.
    pub reconnect: Count,
    /// Beside the old one, which the server will close or whose life ends.
    pub replace: Count,
}

impl Counts {
    /// Notes an answer and how long it took; `status` 0 means that none came.
    pub fn request(&self, operation: &'static str, status: u16, took: Duration) {
        self.requests_made.add(1);
        *lock(&self.requests).entry((operation, status)).or_default() += 1;
        lock(&self.durations).entry(operation).or_default().note(took);
    }

    /// Answers by operation and status.
    pub fn requests(&self) -> BTreeMap<(&'static str, u16), u64> {
        lock(&self.requests).clone()
    }

    /// How long answers took, by operation.
    pub fn durations(&self) -> BTreeMap<&'static str, Arc<Histogram>> {
        lock(&self.durations).clone()
    }

    /// Notes that topics of a channel were not heard for so long.
    pub fn unheard(&self, channel: u32, took: Duration) {
        self.gap_millis.add(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        self.marks.gap(channel, took);
    }

    /// Notes how long a request waited for leave.
    pub fn waited(&self, took: Duration) {
        self.waits.note(took);
        self.held_back.add(u64::from(took >= HELD_BACK));
    }

    /// Notes that keys were given up.
    pub fn gave_up(&self, reason: &'static str, keys: u64) {
        self.failed.add(keys);
        *lock(&self.given_up).entry(reason).or_default() += keys;
    }

    /// Keys that were given up, by reason.
    pub fn given_up(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.given_up).clone()
    }

    /// What a key that was accepted has cost in requests of all kinds, reads and tokens included.
    pub fn requests_per_key(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let (made, pushed) = (self.requests_made.get() as f64, self.pushed.get() as f64);
        Some(made / pushed).filter(|_| pushed > 0.0)
    }

    /// Notes how long it took from reading a frame to the answer that accepted its update.
    pub fn accepted_after(&self, latency: Duration) {
        self.accepted.note(latency);
        lock(&self.latency).note(latency);
    }

    /// The latency that this share of the accepted updates stayed below, to about 5 %.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        lock(&self.latency).quantile(share)
    }
}

/// How sockets were lost.
#[derive(Debug, Default)]
pub struct Drops {
    /// The server closed it.
    pub closed: Count,
    /// Nothing came for `channels.dead_after`.
    pub silent: Count,
    pub broken: Count,
    /// Something came that no server should send.
    pub garbled: Count,
    /// Somebody else has the channel now.
    pub evicted: Count,
}

/// Waiting for leave for less is no waiting.
const HELD_BACK: Duration = Duration::from_millis(5);

/// Buckets that grow by a tenth each, from 100 µs on.
#[derive(Debug, Default)]
struct Latency {
    buckets: Vec<u64>,
    total: u64,
}

const FIRST_BUCKET: f64 = 1e-4;
const GROWTH: f64 = 1.1;
/// Up to about 25 hours.
const BUCKETS: usize = 220;

impl Latency {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the buckets' range right after"
    )]
    fn note(&mut self, latency: Duration) {
        let steps = (latency.as_secs_f64().max(FIRST_BUCKET) / FIRST_BUCKET).log(GROWTH);
        let bucket = (steps.round() as usize).min(BUCKETS - 1);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.total += 1;
    }

    fn quantile(&self, share: f64) -> Option<Duration> {
        if self.total == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of updates is far below 2^52")]
        let wanted = self.total as f64 * share;
        let mut seen = 0.0;
        let mut value = FIRST_BUCKET;
        for count in &self.buckets {
            #[expect(clippy::cast_precision_loss, reason = "a count of updates is far below 2^52")]
            let count = *count as f64;
            seen += count;
            if seen >= wanted {
                break;
            }
            value *= GROWTH;
        }
        Some(Duration::from_secs_f64(value))
    }
}

/// Counting goes on after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_tenth() {
        let counts = Counts::default();
        for ms in 1..=1000 {
            counts.accepted_after(Duration::from_millis(ms));
        }
        for (share, expected) in [(0.5, 0.5), (0.99, 0.99)] {
            let got = counts.latency(share).unwrap().as_secs_f64();
            assert!((got / expected - 1.0).abs() < 0.1, "{share}: {got}");
        }
    }
}
