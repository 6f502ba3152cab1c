//! Channels that somebody took away.
//!
//! A client has 20 channels, and a 21st takes the place of another (FACTS 1.5): whoever shares our
//! client can take ours, and we theirs. That is recognised by Genesys' own words, or because the
//! channel is gone before its time; it is named with what to do about it, and not fought: from one
//! time to the next we wait longer, and the [pool](super::pool) makes so many in an hour at most.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::backoff::Backoff;
use super::channel::Channel;
use crate::genesys::notifications::Channel as Lease;
use crate::machine;
use crate::status::overview::Loss;

/// Before another channel is made for one that was taken. The maximum is a compromise: so long may
/// nobody listen where somebody goes on taking, and six times an hour we take one of theirs.
const TRUCE: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(600) };
/// After so long a time in which nothing was taken, the next time counts as the first.
const CALM: Duration = Duration::from_secs(3600);

impl Channel {
    /// How long to wait before another channel is made.
    pub(super) fn truce(&self) -> Duration {
        self.evictions.checked_sub(1).map_or(Duration::ZERO, |before| TRUCE.wait(before))
    }

    /// The channel is gone, which is nobody's doing if its time was over.
    pub(super) fn note_gone(&mut self, lease: &Lease) {
        if lease.expires.is_some_and(|at| at > machine::now()) {
            self.note_eviction("gone before its time");
        } else {
            info!(channel = self.number, "the channel's time is over, making another");
        }
    }

    pub(super) fn note_eviction(&mut self, reason: &str) {
        if self.evicted_at.is_none_or(|at| at.elapsed() >= CALM) {
            self.evictions = 0;
        }
        self.evictions = self.evictions.saturating_add(1);
        self.evicted_at = Some(Instant::now());
        self.marks.lost(Some(Loss::Evicted));
        self.marks.evicted_at.mark(machine::now().as_millisecond());
        warn!(
            channel = self.number,
            client = self.client(),
            reason,
            attempt = self.evictions,
            "channel was taken from us: another program of this OAuth client makes channels; give \
            the daemon a client of its own"
        );
    }
}
