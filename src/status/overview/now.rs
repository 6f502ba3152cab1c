//! The overview as it is told: the app's last word, and what it cannot say of itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Check, Overview, State, Verdict};
use crate::status::pulse::{HUNG_AFTER, Pulse};

/// Whoever has it can tell how the daemon is, whether the app goes round or not.
#[derive(Clone, Debug)]
pub struct Newest {
    pub overview: watch::Receiver<Arc<Overview>>,
    pub pulse: Pulse,
}

/// An overview with what follows from it, in the words that every surface has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusNow {
    /// Nothing failed, as `/readyz` has it.
    pub ready: bool,
    /// Nothing failed, and there is no warning.
    pub well: bool,
    pub verdict: Verdict,
    pub sentence: String,
    pub checks: Vec<Check>,
    pub overview: Overview,
}

impl Newest {
    /// The app's last word, and whether its loops hang as it is now: the app may be one of them.
    pub fn now(&self) -> Overview {
        let mut overview = Overview::clone(&self.overview.borrow());
        let hanging = self.pulse.silent(HUNG_AFTER).into_iter();
        overview.silent_loops = hanging.map(str::to_owned).collect();
        overview
    }
}

impl From<Overview> for StatusNow {
    fn from(overview: Overview) -> StatusNow {
        let checks = overview.checks();
        StatusNow {
            ready: overview.is_ready(),
            verdict: overview.verdict(),
            well: checks.iter().all(|check| check.state == State::Good),
            sentence: overview.sentence(),
            checks,
            overview,
        }
    }
}
