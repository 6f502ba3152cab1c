//! Since when each channel brings something. What one brings first may be late, and is judged by it.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// Channels of which it is remembered since when they are there: those in use, at most twenty of a
/// client, and some before them. One that is forgotten counts as new, which costs reads at most.
const MAX_CHANNELS: usize = 256;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Channels {
    channels: BTreeMap<u32, Brought>,
}

#[derive(Debug)]
struct Brought {
    first: Instant,
    last: Instant,
}

impl Channels {
    /// The channel brings something. Returns when it first did, which may be now.
    pub(super) fn bring(&mut self, channel: u32, now: Instant) -> Instant {
        if self.channels.len() >= MAX_CHANNELS && !self.channels.contains_key(&channel) {
            let silent = self.channels.iter().min_by_key(|(_, brought)| brought.last);
            if let Some(silent) = silent.map(|(channel, _)| *channel) {
                self.channels.remove(&silent);
            }
        }
        let new = || Brought { first: now, last: now };
        let brought = self.channels.entry(channel).or_insert_with(new);
        brought.last = now;
        brought.first
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_still_brings_something_is_not_forgotten_for_those_that_came_after() {
        let (start, mut channels) = (Instant::now(), Channels::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 0..1_000 {
            assert_eq!(channels.bring(0, at(n)), start);
            channels.bring(u32::try_from(n).unwrap() + 1, at(n));
        }
        assert_eq!(channels.channels.len(), MAX_CHANNELS);
        assert_eq!(channels.bring(1_000, at(1_000)), at(999));
        assert_eq!(channels.bring(1, at(1_000)), at(1_000), "that was long silent, and is as new");
    }
}
