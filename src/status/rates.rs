//! How much went through in the last hour, step by step, and how much goes through now.
//!
//! Bounded: [`STEPS`] steps of [`STEP`]. Made of the counts as they were at moments that it is given;
//! it keeps no time of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::overview::{Flow, History, Rates};

/// Short enough to see when something began, long enough for an hour to fit into a small chart.
const STEP: Duration = Duration::from_secs(10);
/// An hour.
const STEPS: usize = 360;
/// The rate of now is that of so long: shorter and it jumps, longer and it lags.
const NOW: Duration = Duration::from_secs(5);
/// As often as anybody looks within that time.
const NOW_LOOKS: usize = 16;

/// See the [module](self).
#[derive(Debug)]
pub struct Hour {
    /// When the step under way began, and what was counted then.
    began: (Instant, Flow),
    steps: VecDeque<Flow>,
    /// The last looks, the oldest first.
    looks: VecDeque<(Instant, Flow)>,
    told: Arc<History>,
}

impl Hour {
    pub fn new(now: Instant) -> Hour {
        Hour {
            began: (now, Flow::default()),
            steps: VecDeque::new(),
            looks: VecDeque::from([(now, Flow::default())]),
            told: Arc::default(),
        }
    }

    /// Takes in what was counted until now.
    pub fn look(&mut self, flow: Flow, now: Instant) {
        while now >= self.began.0 + STEP {
            // What was not looked at for longer than a step counts in the first of them.
            self.steps.push_back(since(&self.began.1, &flow));
            if self.steps.len() > STEPS {
                self.steps.pop_front();
            }
            self.began = (self.began.0 + STEP, flow);
        }
        self.looks.push_back((now, flow));
        let old = |looks: &VecDeque<(Instant, Flow)>| {
            looks.get(1).is_some_and(|(at, _)| now >= *at + NOW) || looks.len() > NOW_LOOKS
        };
        while old(&self.looks) {
            self.looks.pop_front();
        }
        self.told = Arc::new(self.history(flow, now));
    }

    pub fn told(&self) -> Arc<History> {
        Arc::clone(&self.told)
    }

    fn history(&self, flow: Flow, now: Instant) -> History {
        let steps = |of: fn(&Flow) -> u64| self.steps.iter().map(of).collect();
        History {
            step_seconds: u32::try_from(STEP.as_secs()).unwrap_or_default(),
            now: self.looks.front().map_or_else(Rates::default, |(at, before)| {
                rates(&since(before, &flow), now.saturating_duration_since(*at))
            }),
            frames: steps(|flow| flow.frames),
            snapshots: steps(|flow| flow.snapshots),
            matches: steps(|flow| flow.matches),
            written: steps(|flow| flow.written),
            requests: steps(|flow| flow.requests),
        }
    }
}

fn since(before: &Flow, now: &Flow) -> Flow {
    let more = |of: fn(&Flow) -> u64| of(now).saturating_sub(of(before));
    Flow {
        frames: more(|it| it.frames),
        snapshots: more(|it| it.snapshots),
        matches: more(|it| it.matches),
        wished: more(|it| it.wished),
        written: more(|it| it.written),
        failed: more(|it| it.failed),
        requests: more(|it| it.requests),
    }
}

fn rates(flow: &Flow, took: Duration) -> Rates {
    #[expect(clippy::cast_precision_loss, reason = "what goes through in seconds is below 2^52")]
    let rate = |count: u64| count as f64 / took.as_secs_f64().max(1.0);
    Rates {
        frames: rate(flow.frames),
        snapshots: rate(flow.snapshots),
        matches: rate(flow.matches),
        written: rate(flow.written),
        requests: rate(flow.requests),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(frames: u64) -> Flow {
        Flow { frames, ..Flow::default() }
    }

    #[test]
    fn an_hour_is_kept_step_by_step() {
        let start = Instant::now();
        let mut hour = Hour::new(start);
        // Two a second for an hour and a minute.
        for second in 1..=3660_u64 {
            hour.look(frames(second * 2), start + Duration::from_secs(second));
        }
        let told = hour.told();
        assert_eq!((told.frames.len(), told.step_seconds), (STEPS, 10));
        assert!(told.frames.iter().all(|count| *count == 20), "{:?}", told.frames);
        assert_eq!((told.now.frames, told.now.requests), (2.0, 0.0));
        // Nobody looked for a minute and a half: nothing is counted twice.
        hour.look(frames(3660 * 2 + 7), start + Duration::from_secs(3750));
        assert_eq!(hour.told().frames[STEPS - 9..], [7, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_rate_of_now_begins_at_once_and_ends_soon() {
        let start = Instant::now();
        let mut hour = Hour::new(start);
        let at = |millis| start + Duration::from_millis(millis);
        hour.look(frames(0), at(1000));
        hour.look(frames(12), at(2000));
        assert_eq!(hour.told().now.frames, 6.0);
        // However often it is looked at.
        for millis in 2001..2100 {
            hour.look(frames(12), at(millis));
        }
        assert!(hour.looks.len() <= NOW_LOOKS);
        for second in 3..=8 {
            hour.look(frames(12), at(second * 1000));
        }
        assert_eq!(hour.told().now.frames, 0.0);
        assert!(hour.told().frames.is_empty(), "no step is over yet");
    }
}
