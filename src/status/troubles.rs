//! What hinders the writes: noted by the updates as it changes, read by whoever tells.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::overview::{Failing, Forbidden, Rest, Troubles};

/// The newest word about each.
#[derive(Debug, Default)]
pub struct TroublesNow(Mutex<Troubles>);

impl TroublesNow {
    pub fn forbidden(&self, forbidden: Option<Forbidden>) {
        self.lock().forbidden = forbidden;
    }

    pub fn failing(&self, failing: Option<Failing>) {
        self.lock().failing = failing;
    }

    /// Something rests. Of several, the rest is told that lasts longest.
    pub fn rests(&self, rest: Rest) {
        let mut troubles = self.lock();
        if troubles.rest.as_ref().is_none_or(|told| told.until <= rest.until) {
            troubles.rest = Some(rest);
        }
    }

    pub fn slow(&self, seconds: Option<u64>) {
        self.lock().slow_seconds = seconds;
    }

    pub fn told(&self) -> Troubles {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Troubles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
