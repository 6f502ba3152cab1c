//! What a channel tells its supervisor.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::subscription::Subscription;

/// News of one channel.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) channel: u32,
    pub(crate) news: News,
}

#[derive(Debug)]
pub(crate) enum News {
    /// The socket is up and its topics are confirmed, or confirmed again.
    Subscribed {
        subscription: Subscription,
        at: Timestamp,
        /// Since when they were carried no more, if they were not all the time.
        lost: Option<Timestamp>,
    },
    /// The whole list was refused.
    Refused(Subscription),
    /// The topics are carried no more; it is worked on.
    Lost {
        since: Timestamp,
    },
    TokenRevoked,
}

/// What was on its way when a socket was last heard of, and how far clocks may be apart.
const MARGIN: Duration = Duration::from_secs(2);

/// When a channel was last heard of. Outlives the channel's task, so that a task that is made anew
/// knows where its gap begins.
#[derive(Debug, Default)]
pub(crate) struct Heard(AtomicI64);

impl Heard {
    pub(crate) fn note(&self, now: Timestamp) {
        self.0.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Where a gap begins that opens now; `None` if nothing was ever heard.
    pub(crate) fn gap_start(&self) -> Option<Timestamp> {
        let heard = match self.0.load(Ordering::Relaxed) {
            0 => return None,
            heard => Timestamp::from_millisecond(heard).ok()?,
        };
        Some(heard.checked_sub(MARGIN).unwrap_or(heard))
    }
}
