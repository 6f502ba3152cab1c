//! Frames that are on their way: each has a time at which it is due.
//!
//! Every frame takes the same short while, so that they arrive in order; a fault may make one later,
//! and that is how frames come late or change places. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::channels::Frame;

/// Frames that may be on their way at once. More are lost, as on an overloaded service.
const MOST: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Deliveries {
    waiting: BTreeMap<(Duration, u64), Delivery>,
    count: u64,
}

#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) channel: String,
    pub(super) frame: Frame,
}

impl Deliveries {
    pub(super) fn push(&mut self, due: Duration, channel: &str, frame: Frame) {
        if self.waiting.len() >= MOST {
            tracing::warn!(channel, "too many frames are on their way, this one is lost");
            return;
        }
        self.count += 1;
        let delivery = Delivery { channel: channel.to_owned(), frame };
        self.waiting.insert((due, self.count), delivery);
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next frame whose time has come.
    pub(super) fn pop(&mut self, now: Duration) -> Option<Delivery> {
        let entry = self.waiting.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
