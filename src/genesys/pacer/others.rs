//! What others take of the budget: other programs that use the same client.
//!
//! Answers tell how much the account has used; what is not ours is theirs. From how fast it grows
//! follows what they will take until the window ends, and that is left to them: a window that two
//! fill without regard for each other ends with a 429 for one of them. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::phase::PERIOD;

/// How fast what was seen is forgotten: soon, so that a beginning is noticed, and late, so that a
/// pause is not taken for an end.
const MEMORIES: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(120)];
/// A rate is not read off a shorter time.
const LEAST: f64 = 5.0;
/// Below this many requests a second (one in five minutes) there is nobody.
const NOBODY: f64 = 0.0033;
/// So many standard deviations above what is expected are left to them at least, and one more in a window
/// of a minute: what nobody takes in the end is lost once a window, which is more of a short one. They
/// exceed it now and then, which is seen in time mostly, since each request is thought over anew.
/// `cargo bench --bench budget` tells what that comes to, for us and for them.
const CERTAINTY: f64 = 1.0;

/// What others have taken, and how fast.
#[derive(Debug, Default)]
pub(super) struct Others {
    memories: [Memory; 2],
    /// In the current window, for sure.
    seen: u32,
    /// When that was so; `None` if it is not known over which time it was taken.
    at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    requests: f64,
    seconds: f64,
}

impl Others {
    /// So many requests of the current window, or more, were theirs at that time. Returns how many
    /// were not known of.
    pub(super) fn saw(&mut self, at: Instant, seen: u32) -> u32 {
        let more = seen.saturating_sub(self.seen);
        self.seen = self.seen.max(seen);
        let Some(before) = self.at else {
            // Whatever was before we looked says nothing of what will be.
            self.at = Some(at);
            return more;
        };
        let passed = at.saturating_duration_since(before);
        self.at = Some(before.max(at));
        for (memory, constant) in self.memories.iter_mut().zip(MEMORIES) {
            let kept = (-passed.as_secs_f64() / constant.as_secs_f64()).exp();
            memory.requests = memory.requests * kept + f64::from(more);
            memory.seconds = memory.seconds * kept + passed.as_secs_f64();
        }
        more
    }

    /// A new window has begun then; `None` if nobody knows when.
    pub(super) fn window_began(&mut self, at: Option<Instant>) {
        (self.seen, self.at) = (0, at);
    }

    pub(super) fn seen(&self) -> u32 {
        self.seen
    }

    /// What they are expected to take in such a time, on average.
    pub(super) fn expected(&self, time: Duration) -> f64 {
        let rate = self.memories.iter().map(|memory| memory.requests / memory.seconds.max(LEAST));
        let rate = rate.fold(0.0, f64::max);
        if rate < NOBODY { 0.0 } else { rate * time.as_secs_f64() }
    }

    /// What they will not often take more of in such a time, of a window that long.
    pub(super) fn at_most(&self, time: Duration, window: Duration) -> f64 {
        let expected = self.expected(time);
        if expected == 0.0 {
            return 0.0;
        }
        let certainty = CERTAINTY + window.div_duration_f64(PERIOD).min(1.0);
        // Such counts are not spread evenly around what is expected (Cornish and Fisher's first
        // correction for a Poisson distribution).
        let skew = (certainty * certainty - 1.0) / 6.0;
        expected + certainty * expected.sqrt() + skew
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_others_take_is_expected_of_them() {
        let (mut others, start) = (Others::default(), Instant::now());
        assert_eq!(others.saw(start, 40), 40);
        assert!(others.at_most(seconds(60), PERIOD) == 0.0, "what was before says nothing");
        // Two a second, over two windows.
        for at in 1..=20 {
            others.saw(start + seconds(at), 40 + 2 * u32::try_from(at).unwrap());
        }
        others.window_began(Some(start + seconds(20)));
        for at in 21..=60 {
            others.saw(start + seconds(at), 2 * u32::try_from(at - 20).unwrap());
        }
        let expected = others.expected(seconds(10));
        assert!((18.0..=22.0).contains(&expected), "{expected}");
        let most = others.at_most(seconds(10), PERIOD);
        assert!((expected + 8.5..=expected + 10.5).contains(&most), "{most}");
        let most = others.at_most(seconds(10), seconds(15));
        assert!((expected + 5.0..=expected + 6.5).contains(&most), "{most}");
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let (mut others, start) = (Others::default(), Instant::now());
        others.saw(start, 0);
        others.saw(start + seconds(10), 30);
        for at in 11..=1_000 {
            others.saw(start + seconds(at), 30);
        }
        assert!(others.at_most(seconds(60), PERIOD) == 0.0);
    }
}
