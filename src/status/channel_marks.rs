//! When each channel was last heard of, and how long it still lives: written by the channel, read by
//! whoever tells.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::counts::Count;
use super::overview::{Channel, Loss, Millis};

/// The marks of one channel: milliseconds since 1970, 0 for never.
#[derive(Debug, Default)]
pub struct Marks {
    /// 1 while its topics are confirmed on a socket that is up.
    pub connected: Count,
    pub connected_at: Count,
    pub last_frame_at: Count,
    pub last_heartbeat_at: Count,
    pub expires_at: Count,
    pub topics: Count,
    pub gaps: Count,
    /// Milliseconds.
    pub unheard: Count,
    pub evicted_at: Count,
    lost: Mutex<Option<Loss>>,
}

impl Marks {
    /// Its socket was lost, or (`None`) its topics are heard again.
    pub fn lost(&self, how: Option<Loss>) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = how;
    }
}

/// The marks of all channels, by number; at most as many as a client may have channels.
#[derive(Debug, Default)]
pub struct ChannelMarks(Mutex<BTreeMap<u32, Arc<Marks>>>);

impl ChannelMarks {
    /// The marks of a channel, new ones if it had none.
    pub fn of(&self, channel: u32) -> Arc<Marks> {
        Arc::clone(self.lock().entry(channel).or_default())
    }

    /// Topics of a channel were not heard for so long. One that is no more has nowhere to count it.
    pub fn gap(&self, channel: u32, unheard: Duration) {
        if let Some(marks) = self.lock().get(&channel) {
            marks.gaps.add(1);
            marks.unheard.add(u64::try_from(unheard.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// The channel is no more.
    pub fn forget(&self, channel: u32) {
        self.lock().remove(&channel);
    }

    /// In the order of their numbers.
    pub fn told(&self) -> Vec<Channel> {
        let all = self.lock();
        let told = all.iter().map(|(number, marks)| Channel {
            number: *number,
            connected: marks.connected.get() > 0,
            connected_at: marks.connected_at.moment(),
            last_frame_at: marks.last_frame_at.moment(),
            last_heartbeat_at: marks.last_heartbeat_at.moment(),
            expires_at: marks.expires_at.moment(),
            topics: marks.topics.get(),
            gaps: marks.gaps.get(),
            unheard_ms: marks.unheard.get(),
            lost: *marks.lost.lock().unwrap_or_else(PoisonError::into_inner),
            evicted_at: marks.evicted_at.moment(),
        });
        told.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Marks>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// Sets it to a moment.
    pub fn mark(&self, at: Millis) {
        self.set(u64::try_from(at).unwrap_or_default());
    }

    /// The moment it is set to, if it ever was.
    pub fn moment(&self) -> Option<Millis> {
        Millis::try_from(self.get()).ok().filter(|at| *at > 0)
    }
}
