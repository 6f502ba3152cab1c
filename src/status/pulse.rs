//! Whether the loops are really going round: what the watchdog's beat is made of.
//!
//! Each loop has one [`Beat`] and gives it whenever it has done something or has looked and found
//! nothing to do; never while it waits for a neighbour to take what it has. A loop that hangs gives
//! none, and is named. A loop that has ended is not missed here, its beat goes with it: that is
//! noticed by who runs it.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::Instant;

/// How often a loop with nothing to do beats: well within any limit on silence.
pub const IDLE_BEAT: Duration = Duration::from_secs(5);

/// A loop that has not gone round for so long hangs.
pub const HUNG_AFTER: Duration = Duration::from_secs(30);

/// The beats of all loops.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    loops: Arc<Mutex<Vec<Loop>>>,
}

/// Its name, and when it beat last; gone when the loop is.
type Loop = (&'static str, Weak<Mutex<Instant>>);

/// The beat of one loop, which holds it for as long as it goes round.
#[derive(Debug)]
pub struct Beat(Arc<Mutex<Instant>>);

impl Pulse {
    /// Adds a loop, which beats from now on.
    pub fn add(&self, name: &'static str) -> Beat {
        let last = Arc::new(Mutex::new(Instant::now()));
        lock(&self.loops).push((name, Arc::downgrade(&last)));
        Beat(last)
    }

    /// The loops that have been silent for longer than `limit`.
    pub fn silent(&self, limit: Duration) -> Vec<&'static str> {
        let now = Instant::now();
        let mut loops = lock(&self.loops);
        loops.retain(|(_, last)| last.strong_count() > 0);
        let living = loops.iter().filter_map(|(name, last)| Some((*name, last.upgrade()?)));
        let silent = living.filter(|(_, last)| now.saturating_duration_since(*lock(last)) > limit);
        silent.map(|(name, _)| name).collect()
    }
}

impl Beat {
    pub fn give(&self) {
        *lock(&self.0) = Instant::now();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hangs_is_named_and_one_that_has_ended_is_not() {
        let pulse = Pulse::default();
        let busy = pulse.add("busy");
        let ended = pulse.add("ended");
        let _hung = pulse.add("hung");
        tokio::time::advance(Duration::from_secs(20)).await;
        busy.give();
        drop(ended);
        assert_eq!(pulse.silent(Duration::from_secs(15)), ["hung"]);
        // One that is begun anew counts from then on.
        let _anew = pulse.add("ended");
        assert_eq!(pulse.silent(Duration::from_secs(15)), ["hung"]);
    }
}
