//! What is paused, as it is told to who asks, and to the log.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// All that is paused after a pause or a resume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// Nothing is pushed at all.
    pub all: Option<PausedUntil>,
    /// Nothing is pushed by these rules.
    pub rules: BTreeMap<String, PausedUntil>,
}

/// Times as RFC 3339 has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedUntil {
    pub since: String,
    /// `None`: until somebody resumes it.
    pub until: Option<String>,
}

/// What a pause or a resume came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausesNow {
    /// What was asked for was not so before.
    pub changed: bool,
    pub paused: Pauses,
    /// Participants with updates that wait, for whatever reason.
    pub waiting: u64,
    /// Why a restart would not know of it, if it would not.
    pub not_kept: Option<String>,
}

impl Pauses {
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.rules.is_empty()
    }
}

impl fmt::Display for Pauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all.iter().map(|it| format!("all {it}"));
        let rules = self.rules.iter().map(|(rule, it)| format!("rule {rule} {it}"));
        f.write_str(&all.chain(rules).collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Display for PausedUntil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "since {}", self.since)?;
        if let Some(until) = &self.until {
            write!(f, " until {until}")?;
        }
        Ok(())
    }
}
