//! What a 403 does to the pushes (SEMANTICS 3): a permission is missing, and asking faster does not
//! bring it.
//!
//! A participant whose push was forbidden waits; once a minute one of those is tried, and when it
//! is accepted, all go on. One that is forbidden may be a matter of its division, so the others go
//! on meanwhile; several in a row, with no yes between them, and the operation as a whole waits.

use std::time::Duration;

use tokio::time::Instant;

/// How often a forbidden push is tried again, and how often that is said.
pub(crate) const PROBE: Duration = Duration::from_secs(60);

/// So many in a row are no longer one division's conversations.
const IN_A_ROW: u32 = 3;

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    in_a_row: u32,
    probe_at: Option<Instant>,
    told_at: Option<Instant>,
}

impl Breaker {
    /// Notes a push that was forbidden. Returns true if and only if it is time to say so.
    pub(crate) fn forbidden(&mut self, now: Instant) -> bool {
        self.in_a_row += 1;
        self.probe_at.get_or_insert(now + PROBE);
        let tell = self.told_at.is_none_or(|told| now >= told + PROBE);
        if tell {
            self.told_at = Some(now);
        }
        tell
    }

    /// Notes a push that was accepted. Returns true if and only if those that were forbidden may be
    /// tried again.
    pub(crate) fn accepted(&mut self, was_probe: bool) -> bool {
        let closes = was_probe || self.is_open();
        self.in_a_row = 0;
        if closes {
            self.probe_at = None;
            self.told_at = None;
        }
        closes
    }

    /// Whether the operation as a whole waits.
    pub(crate) fn is_open(&self) -> bool {
        self.in_a_row >= IN_A_ROW
    }

    /// When the next forbidden push is tried.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        self.probe_at
    }

    pub(crate) fn probing(&mut self, now: Instant) {
        self.probe_at = Some(now + PROBE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_division_stops_nobody_else_and_a_missing_permission_everybody() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        assert!(breaker.forbidden(start), "said at once");
        assert!(!breaker.accepted(false) && !breaker.is_open());
        for _ in 0..IN_A_ROW {
            assert!(!breaker.forbidden(start), "said once a minute");
        }
        assert!(breaker.is_open());
        assert_eq!(breaker.probe_at(), Some(start + PROBE));
        breaker.probing(start + PROBE);
        assert!(breaker.forbidden(start + PROBE));
        assert!(breaker.accepted(true) && !breaker.is_open());
        assert_eq!(breaker.probe_at(), None);
    }
}
