//! Whether the loops are really going round: what the watchdog's beat is made of.
//!
//! Each loop has one [`Beat`] and gives it whenever it has done something or has looked and found
//! nothing to do. A loop that hangs gives none, and is named.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// How often a loop with nothing to do beats: well within any limit on silence.
pub const IDLE_BEAT: Duration = Duration::from_secs(5);

/// The beats of all loops.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    loops: Arc<Mutex<Vec<(&'static str, Beat)>>>,
}

/// The beat of one loop.
#[derive(Clone, Debug)]
pub struct Beat(Arc<Mutex<Instant>>);

impl Pulse {
    /// Adds a loop, which beats from now on.
    pub fn add(&self, name: &'static str) -> Beat {
        let beat = Beat(Arc::new(Mutex::new(Instant::now())));
        lock(&self.loops).push((name, beat.clone()));
        beat
    }

    /// The loops that have been silent for longer than `limit`.
    pub fn silent(&self, limit: Duration) -> Vec<&'static str> {
        let now = Instant::now();
        let loops = lock(&self.loops);
        let silent =
            loops.iter().filter(|(_, beat)| now.saturating_duration_since(*lock(&beat.0)) > limit);
        silent.map(|(name, _)| *name).collect()
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
    async fn a_loop_that_hangs_is_named() {
        let pulse = Pulse::default();
        let busy = pulse.add("busy");
        let _hung = pulse.add("hung");
        tokio::time::advance(Duration::from_secs(20)).await;
        busy.give();
        assert_eq!(pulse.silent(Duration::from_secs(15)), ["hung"]);
    }
}
