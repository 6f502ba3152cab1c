//! The clock by which waiting updates grow old (SEMANTICS 4): it stands still while the account
//! rests or the API is down, so that a long outage makes no dead letters.
//!
//! It is read as the time it has run. Nothing here waits or asks what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// A clock that can be stopped.
#[derive(Debug)]
pub(crate) struct AgeClock {
    start: Instant,
    /// Before that.
    ran: Duration,
    /// How long it has stood still, not counting now.
    stood: Duration,
    standing: Option<Standing>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    since: Instant,
    /// `None`: until somebody starts it again.
    until: Option<Instant>,
}

impl AgeClock {
    pub(crate) fn new(now: Instant) -> AgeClock {
        AgeClock { start: now, ran: Duration::ZERO, stood: Duration::ZERO, standing: None }
    }

    /// A clock that shows this much already.
    pub(crate) fn showing(reading: Duration, now: Instant) -> AgeClock {
        AgeClock { ran: reading, ..AgeClock::new(now) }
    }

    /// How long the clock has run.
    pub(crate) fn reading(&self, now: Instant) -> Duration {
        let standing = self.standing.map_or(Duration::ZERO, |standing| standing.length(now));
        let since = now.saturating_duration_since(self.start);
        self.ran + since.saturating_sub(self.stood + standing)
    }

    /// Stops the clock until then, or until [`start`](AgeClock::start). A clock that stands already
    /// goes on standing until the later of the two.
    pub(crate) fn stop(&mut self, now: Instant, until: Option<Instant>) {
        if self.standing.is_some_and(|standing| standing.until.is_some_and(|until| until <= now)) {
            self.start(now);
        }
        match &mut self.standing {
            None => self.standing = Some(Standing { since: now, until }),
            Some(standing) => {
                standing.until = standing.until.zip(until).map(|(one, other)| one.max(other));
            }
        }
    }

    /// Whether it stands still now.
    pub(crate) fn stands(&self, now: Instant) -> bool {
        self.standing.is_some_and(|standing| standing.until.is_none_or(|until| until > now))
    }

    /// Lets the clock run, whatever stopped it.
    pub(crate) fn start(&mut self, now: Instant) {
        if let Some(standing) = self.standing.take() {
            self.stood += standing.length(now);
        }
    }
}

impl Standing {
    fn length(self, now: Instant) -> Duration {
        let end = self.until.map_or(now, |until| until.min(now));
        end.saturating_duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_while_stopped() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut clock = AgeClock::new(start);

        clock.stop(at(10), Some(at(20)));
        assert_eq!(clock.reading(at(15)).as_secs(), 10);
        assert_eq!(clock.reading(at(25)).as_secs(), 15, "a rest ends by itself");

        clock.stop(at(30), None);
        clock.stop(at(31), Some(at(32)));
        assert_eq!(clock.reading(at(90)).as_secs(), 20, "an outage ends when it is over");

        clock.start(at(100));
        assert_eq!(clock.reading(at(101)).as_secs(), 21);

        let clock = AgeClock::showing(Duration::from_secs(7), start);
        assert_eq!(clock.reading(at(1)).as_secs(), 8);
    }
}
