//! What a run is like: drawn from its seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How long a run lasts.
pub(crate) const LENGTH: Duration = Duration::from_secs(600);
/// What a minute allows, by default (FACTS 3.1).
const A_MINUTE: u64 = 300;
/// Millionths that the server's clock is fast or slow: as much as NTP corrects.
const SKEW: i64 = 500;
/// How long requests take, there and back: all that there is, near, usual, far. Milliseconds.
const LATENCIES: [(u64, u64); 4] = [(10, 800), (10, 50), (100, 400), (600, 800)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Nobody else uses the client; a third of the runs has a restart.
    Alone,
    /// Somebody else takes a third of the allowance, at random.
    Shared,
    /// The same with windows of 15 s.
    SharedShort,
    /// The allowance is tripled half-way.
    Raised,
    /// Half-way only three fifths of it are left.
    Lowered,
    /// After an idle minute there are 200 updates at once.
    Idle,
    /// A program starts, of whose window nothing is used, and 60 updates wait for it.
    Start,
}

/// How the server makes whole seconds of the time until the reset.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rounding {
    Up,
    Down,
    Nearest,
}

#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) seed: u64,
    pub(crate) scenario: Scenario,
    pub(crate) allowed: u64,
    /// Of a window, by our clock.
    pub(crate) window: Duration,
    /// When the first one ends.
    pub(crate) phase: Duration,
    pub(crate) rounding: Rounding,
    /// Milliseconds.
    pub(crate) latency: (u64, u64),
    /// When the process is killed, and for how long there is none.
    pub(crate) restart: Option<(Duration, Duration)>,
    /// When the allowance changes, and to what.
    pub(crate) change: Option<(Duration, u64)>,
}

impl Conditions {
    pub(crate) fn draw(scenario: Scenario, seed: u64) -> Conditions {
        let mut random = StdRng::seed_from_u64(seed);
        let short = match scenario {
            Scenario::Shared | Scenario::Idle | Scenario::Start => false,
            Scenario::SharedShort => true,
            Scenario::Alone | Scenario::Raised | Scenario::Lowered => random.random_bool(0.5),
        };
        let seconds = if short { 15 } else { 60 };
        let allowed = A_MINUTE * seconds / 60;
        let second = 1_000_000_u64.saturating_add_signed(random.random_range(-SKEW..=SKEW));
        let window = Duration::from_micros(seconds * second);
        let mut within = |from: u64, to: u64| Duration::from_millis(random.random_range(from..to));
        let restart = (within(60_000, 500_000), within(1_000, 4_000));
        let half_way = within(270_000, 330_000);
        let phase = within(1, seconds * 1_000);
        let change = match scenario {
            Scenario::Raised => Some((half_way, allowed * 3)),
            Scenario::Lowered => Some((half_way, allowed * 3 / 5)),
            Scenario::Alone
            | Scenario::Shared
            | Scenario::SharedShort
            | Scenario::Idle
            | Scenario::Start => None,
        };
        let restarts = scenario == Scenario::Alone && random.random_ratio(1, 3);
        let roundings = [Rounding::Up, Rounding::Down, Rounding::Nearest];
        Conditions {
            seed,
            scenario,
            allowed,
            window,
            phase,
            rounding: roundings[random.random_range(0..roundings.len())],
            latency: LATENCIES[random.random_range(0..LATENCIES.len())],
            restart: restarts.then_some(restart),
            change,
        }
    }

    /// The number of the window in which the allowance changes.
    pub(crate) fn changes_in(&self) -> Option<u64> {
        let (at, _) = self.change?;
        let after =
            at.checked_sub(self.phase).map(|since| since.as_nanos() / self.window.as_nanos());
        Some(after.map_or(0, |whole| u64::try_from(whole).unwrap_or(u64::MAX) + 1))
    }

    /// How long the window still lasts at that time, in whole seconds as the server makes them.
    pub(crate) fn reset(&self, at: Duration) -> u64 {
        let since = (at + self.window).checked_sub(self.phase).unwrap_or_default();
        let within = since.as_nanos() % self.window.as_nanos();
        let left = self.window - Duration::from_nanos(u64::try_from(within).unwrap_or(0));
        let part = left.subsec_nanos();
        let up = match self.rounding {
            Rounding::Up => part > 0,
            Rounding::Down => false,
            Rounding::Nearest => part >= 500_000_000,
        };
        left.as_secs() + u64::from(up)
    }
}
