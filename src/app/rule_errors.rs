//! Rules that cannot be evaluated: counted each, and told once a minute at most.
//!
//! A rule that fails does so with most events; the log has one line a minute of it, with how often.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::rules::RuleError;

/// Between two lines about one rule.
const EVERY: Duration = Duration::from_secs(60);

/// Rules that are kept in mind: those of one file that fail, far fewer than it has. Beyond it, all
/// start anew.
const RULES: usize = 10_000;

/// What has failed so far.
#[derive(Debug, Default)]
pub(super) struct RuleErrors {
    rules: HashMap<Arc<str>, Failing>,
}

#[derive(Debug)]
struct Failing {
    told: Instant,
    /// Since it was told.
    times: u64,
}

impl RuleErrors {
    /// Notes what failed at one look, and tells of what was not told lately.
    pub(super) fn note(&mut self, errors: &[RuleError], now: Instant) {
        for error in errors {
            if let Some(times) = self.due(error, now) {
                warn!(
                    rule = %error.rule,
                    reason = %error.message,
                    times,
                    "a rule could not be evaluated, and did not hold"
                );
            }
        }
    }

    /// How often it has failed since the last line, if another is due.
    fn due(&mut self, error: &RuleError, now: Instant) -> Option<u64> {
        if self.rules.len() >= RULES && !self.rules.contains_key(&error.rule) {
            self.rules.clear();
        }
        let Some(failing) = self.rules.get_mut(&error.rule) else {
            self.rules.insert(Arc::clone(&error.rule), Failing { told: now, times: 0 });
            return Some(1);
        };
        failing.times += 1;
        if now.duration_since(failing.told) < EVERY {
            return None;
        }
        failing.told = now;
        Some(std::mem::take(&mut failing.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_of_once_a_minute() {
        let mut errors = RuleErrors::default();
        let error = |rule: &str| RuleError { rule: Arc::from(rule), message: "x".to_owned() };
        let (one, other) = (error("one"), error("other"));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(errors.due(&one, at(0)), Some(1));
        assert_eq!(errors.due(&one, at(1)), None);
        assert_eq!(errors.due(&other, at(1)), Some(1));
        assert_eq!(errors.due(&one, at(59)), None);
        assert_eq!(errors.due(&one, at(60)), Some(3));
        assert_eq!(errors.due(&one, at(61)), None);
        assert_eq!(errors.due(&other, at(200)), Some(1));
    }
}
