//! What came of a run, by the simulator's books, and of many.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use attributed::simulator::{Simulator, Window};

use super::conditions::{Conditions, Scenario};

/// Requests that may be under way when a process ends: as many as workers.
const UNDER_WAY: u64 = 16;

#[derive(Debug)]
pub(crate) struct Outcome {
    seed: u64,
    pub(crate) windows: Vec<Window>,
    /// In whole windows: ours that were accepted, and what others left.
    used: u64,
    left: u64,
    requests: u64,
    refused: u64,
    /// Refused although it could have been known.
    careless: u64,
    /// Windows with more requests than they allow, all counted.
    over: u64,
    /// Requests of the other program for which there was no room.
    theirs: u64,
    burst: Option<Duration>,
    /// The books agree with each other, and with what the client was told.
    balanced: bool,
}

impl Outcome {
    pub(crate) fn new(
        conditions: &Conditions,
        simulator: &Simulator,
        spent: &BTreeMap<u64, u64>,
        told: u64,
        careless: u64,
        burst: Option<Duration>,
    ) -> Outcome {
        let (windows, log) = (simulator.windows(), simulator.requests());
        let changed = conditions.changes_in();
        let lowered = changed.filter(|_| conditions.scenario == Scenario::Lowered);
        let (mut used, mut left) = (0, 0);
        let whole = windows.get(1..windows.len() - 1).unwrap_or_default();
        for window in whole.iter().filter(|window| Some(window.number) != changed) {
            let others = spent.get(&window.number).copied().unwrap_or(0);
            used += window.count - others - window.refused;
            left += window.allowed.saturating_sub(others);
        }
        // A consumer who asks nobody may make the last request too many itself: ours is refused then,
        // or was not made at all.
        let ours = |window: &Window| spent.is_empty() || window.refused > 0;
        let exceeded = |window: &&Window| {
            window.count > window.allowed && ours(window) && Some(window.number) != lowered
        };
        let counted: u64 = windows.iter().map(|window| window.count).sum();
        let accepted = log.iter().filter(|entry| entry.keys == ["cc.number"]);
        let accepted = accepted.filter(|entry| entry.status == Some(202)).count() as u64;
        let ends = 1 + u64::from(conditions.restart.is_some());
        Outcome {
            seed: conditions.seed,
            used,
            left,
            requests: log.len() as u64,
            refused: windows.iter().map(|window| window.refused).sum(),
            careless,
            over: windows.iter().filter(exceeded).count() as u64,
            theirs: windows.iter().map(|window| beyond(window, spent)).sum(),
            burst,
            balanced: counted == log.len() as u64 + spent.values().sum::<u64>()
                && (told..=told + ends * UNDER_WAY).contains(&accepted),
            windows,
        }
    }

    fn share(&self) -> f64 {
        ratio(self.used, self.left)
    }
}

/// The other program's requests beyond what the window allowed: it was counted, and is refused.
fn beyond(window: &Window, spent: &BTreeMap<u64, u64>) -> u64 {
    let too_many = window.count.saturating_sub(window.allowed + window.refused);
    too_many.min(spent.get(&window.number).copied().unwrap_or(0))
}

/// Many runs of one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    scenario: Scenario,
    pub(crate) runs: u64,
    used: u64,
    left: u64,
    /// The smallest share of a run, and which.
    least: (f64, u64),
    requests: u64,
    refused: u64,
    careless: u64,
    over: u64,
    theirs: u64,
    /// The longest burst, and which run's.
    burst: (Duration, u64),
    unbalanced: Vec<u64>,
    /// Runs with a request that was carelessly refused, or a window that was exceeded.
    guilty: Vec<u64>,
}

impl Tally {
    pub(crate) fn new(scenario: Scenario) -> Tally {
        Tally {
            scenario,
            runs: 0,
            used: 0,
            left: 0,
            least: (f64::INFINITY, 0),
            requests: 0,
            refused: 0,
            careless: 0,
            over: 0,
            theirs: 0,
            burst: (Duration::ZERO, 0),
            unbalanced: Vec::new(),
            guilty: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.used += outcome.used;
        self.left += outcome.left;
        if outcome.share() < self.least.0 {
            self.least = (outcome.share(), outcome.seed);
        }
        self.requests += outcome.requests;
        self.refused += outcome.refused;
        self.careless += outcome.careless;
        self.over += outcome.over;
        self.theirs += outcome.theirs;
        self.burst = self.burst.max((outcome.burst.unwrap_or_default(), outcome.seed));
        if !outcome.balanced {
            self.unbalanced.push(outcome.seed);
        }
        if outcome.careless + outcome.over > 0 {
            self.guilty.push(outcome.seed);
        }
    }

    /// Returns true if and only if everything is as it should be.
    pub(crate) fn is_right(&self) -> bool {
        let share = ratio(self.used, self.left);
        let clean = self.careless == 0 && self.over == 0;
        let kept = match self.scenario {
            Scenario::Alone => clean && self.least.0 >= 0.98,
            Scenario::Raised | Scenario::Lowered => clean && share >= 0.98,
            Scenario::Shared | Scenario::SharedShort => share >= 0.95 && self.rarely_refused(),
            Scenario::Idle => clean && self.burst.0 <= Duration::from_secs(12),
            Scenario::Start => clean && self.burst.0 <= Duration::from_secs(5),
        };
        kept && self.unbalanced.is_empty()
    }

    /// Fewer than one of our requests in a thousand.
    fn rarely_refused(&self) -> bool {
        self.careless * 1_000 < self.requests
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.scenario {
            Scenario::Alone => "alone",
            Scenario::Shared => "a second consumer",
            Scenario::SharedShort => "the same, windows of 15 s",
            Scenario::Raised => "allowance raised",
            Scenario::Lowered => "allowance lowered",
            Scenario::Idle => "200 after an idle minute",
            Scenario::Start => "60 at a start",
        };
        write!(f, "{name:<26} {:>5} {:>9}", self.runs, self.requests)?;
        if matches!(self.scenario, Scenario::Idle | Scenario::Start) {
            let (longest, seed) = (self.burst.0.as_secs_f64(), self.burst.1);
            write!(f, "   within {longest:.1} s (seed {seed})")?;
        } else {
            let share = 100.0 * ratio(self.used, self.left);
            write!(f, " {share:>7.2} % {:>7.2} % ({})", 100.0 * self.least.0, self.least.1)?;
        }
        write!(f, "   429: {}", self.refused)?;
        if self.scenario == Scenario::Lowered {
            write!(f, ", {} of them sent after it was told", self.careless)?;
        }
        write!(f, "   windows exceeded: {}", self.over)?;
        if matches!(self.scenario, Scenario::Shared | Scenario::SharedShort) {
            write!(f, "   429 of the other: {}", self.theirs)?;
        }
        if !self.guilty.is_empty() {
            write!(f, "   seeds {:?}", self.guilty)?;
        }
        if !self.unbalanced.is_empty() {
            write!(f, "   NOT AS EXPECTED with seeds {:?}", self.unbalanced)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
