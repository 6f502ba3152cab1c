//! What goes wrong, and when: a schedule from the seed, and a script that a test writes.
//!
//! `light` is an ordinary bad day: a socket drops, a frame comes late or twice, an answer is a 5xx,
//! one token is revoked; a program that does its work loses nothing. `heavy` is everything that was
//! ever seen, 413 included, which a client may rightly take for a last word. Pure: the time is an
//! argument, and nothing is done here, only decided.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::script::{Script, Trouble};

const STREAM: u64 = 0x6661_756c;

/// How much goes wrong by itself.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Faults {
    #[default]
    None,
    Light,
    Heavy,
}

/// What befalls the whole, at a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfortune {
    DropSocket,
    HalfOpenSocket,
    /// Announced, and then done a minute later.
    CloseSocket,
    EvictChannel,
    RevokeTokens,
    Garbage,
    OversizedFrame,
}

impl Misfortune {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Misfortune::DropSocket => "socket dropped",
            Misfortune::HalfOpenSocket => "socket half-open",
            Misfortune::CloseSocket => "socket closing",
            Misfortune::EvictChannel => "channel evicted",
            Misfortune::RevokeTokens => "tokens revoked",
            Misfortune::Garbage => "frame garbage",
            Misfortune::OversizedFrame => "frame oversized",
        }
    }
}

/// What befalls one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameFault {
    pub(super) late: Duration,
    /// It comes once more, so much later.
    pub(super) again: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Schedule {
    level: Faults,
    rng: StdRng,
    next: Option<Duration>,
    happened: u64,
    /// How often each kind of fault befell somebody, scripted ones included.
    pub(super) injected: BTreeMap<&'static str, u64>,
    pub(super) script: Script,
}

impl Schedule {
    pub(super) fn new(seed: u64, level: Faults) -> Schedule {
        let rng = StdRng::seed_from_u64(seed ^ STREAM);
        let script = Script::default();
        let injected = BTreeMap::new();
        let mut schedule = Schedule { level, rng, next: None, happened: 0, injected, script };
        schedule.set_level(level, Duration::ZERO);
        schedule
    }

    pub(super) fn level(&self) -> Faults {
        self.level
    }

    pub(super) fn set_level(&mut self, level: Faults, now: Duration) {
        self.level = level;
        self.next = self.gap().map(|gap| now + gap);
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.next
    }

    /// What is due by now, at most one at a time.
    pub(super) fn misfortune(&mut self, now: Duration) -> Option<Misfortune> {
        if self.next? > now {
            return None;
        }
        self.next = self.gap().map(|gap| now + gap);
        self.happened += 1;
        let draw = self.rng.random_range(0..100_u8);
        match self.level {
            Faults::None => None,
            // The second of an ordinary bad day is the revoked token; there is no other.
            Faults::Light if self.happened == 2 => Some(Misfortune::RevokeTokens),
            Faults::Light => Some(Misfortune::DropSocket),
            Faults::Heavy => Some(match draw {
                0..35 => Misfortune::DropSocket,
                35..45 => Misfortune::HalfOpenSocket,
                45..55 => Misfortune::CloseSocket,
                55..65 => Misfortune::EvictChannel,
                65..75 => Misfortune::RevokeTokens,
                75..90 => Misfortune::Garbage,
                _ => Misfortune::OversizedFrame,
            }),
        }
    }

    pub(super) fn frame(&mut self) -> FrameFault {
        let (late, again, longest) = match self.level {
            Faults::None => return FrameFault::default(),
            Faults::Light => (0.01, 0.02, 2_000),
            Faults::Heavy => (0.05, 0.05, 10_000),
        };
        let is_late = self.rng.random_bool(late);
        let late = if is_late { self.millis(20, longest) } else { Duration::ZERO };
        let again = self.rng.random_bool(again).then(|| self.millis(20, longest));
        if is_late {
            self.note("frame late");
        }
        if again.is_some() {
            self.note("frame twice");
        }
        FrameFault { late, again }
    }

    /// What befalls a request: the script's word first, then chance.
    pub(super) fn request(&mut self, method: &str, template: &str) -> Option<Trouble> {
        let trouble = self.trouble(method, template)?;
        self.note(trouble.kind());
        Some(trouble)
    }

    /// Counts a fault that befell somebody.
    pub(super) fn note(&mut self, kind: &'static str) {
        *self.injected.entry(kind).or_default() += 1;
    }

    fn trouble(&mut self, method: &str, template: &str) -> Option<Trouble> {
        if let Some(trouble) = self.script.next(method, template) {
            return Some(trouble);
        }
        let share = match self.level {
            Faults::None => return None,
            Faults::Light => 0.01,
            Faults::Heavy => 0.08,
        };
        if !self.rng.random_bool(share) {
            return None;
        }
        let heavy = self.level == Faults::Heavy;
        let is_write = method == "PATCH" || method == "PUT";
        let act = self.rng.random_bool(0.5);
        Some(match self.rng.random_range(0..if heavy { 100_u8 } else { 60 }) {
            0..15 => Trouble::answer(503, act),
            15..25 => Trouble::answer(500, act),
            25..30 => Trouble::html(502, act),
            30..35 => Trouble::answer(504, act),
            35..50 => Trouble::slow(self.millis(200, 2_000)),
            50..60 => Trouble::reset(act),
            60..75 => Trouble::throttled(self.rng.random_range(1..5)),
            75..82 => Trouble::answer(408, act),
            82..90 if is_write => Trouble::answer(409, false),
            90..91 if is_write => Trouble::answer(413, false),
            _ => Trouble::slow(self.millis(2_000, 20_000)),
        })
    }

    /// Picks one of so many.
    pub(super) fn pick(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { self.rng.random_range(0..count) }
    }

    fn gap(&mut self) -> Option<Duration> {
        match self.level {
            Faults::None => None,
            Faults::Light => Some(self.millis(6_000, 18_000)),
            Faults::Heavy => Some(self.millis(2_000, 8_000)),
        }
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_day_drops_sockets_and_revokes_tokens_once() {
        let mut schedule = Schedule::new(7, Faults::Light);
        let mut seen = Vec::new();
        for second in 0..120 {
            seen.extend(schedule.misfortune(Duration::from_secs(second)));
        }
        let revoked = seen.iter().filter(|m| **m == Misfortune::RevokeTokens).count();
        let dropped = seen.iter().filter(|m| **m == Misfortune::DropSocket).count();
        assert_eq!(revoked, 1);
        assert_eq!(dropped + revoked, seen.len());
        assert!((6..20).contains(&seen.len()), "{}", seen.len());
    }

    #[test]
    fn the_same_seed_makes_the_same_day() {
        let day = |seed| {
            let mut schedule = Schedule::new(seed, Faults::Heavy);
            (0..500).map(|_| format!("{:?}", schedule.request("PATCH", "/x"))).collect::<Vec<_>>()
        };
        assert_eq!(day(3), day(3));
        assert_ne!(day(3), day(4));
    }

    #[test]
    fn nothing_goes_wrong_where_nothing_should() {
        let mut schedule = Schedule::new(1, Faults::None);
        assert_eq!(schedule.misfortune(Duration::from_secs(9_999)), None);
        assert_eq!(schedule.frame(), FrameFault::default());
        assert!(schedule.request("GET", "/x").is_none());
    }
}
