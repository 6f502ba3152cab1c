//! What hinders the writes, told to whoever looks: that they are forbidden, that they fail, that
//! something rests, that they are slow.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Keeper;
use crate::genesys::call::{CallError, Refusal};
use crate::status::overview::{Failing, Forbidden, Rest, Rested};
use crate::status::recent::short;
use crate::updates::guard::{self, Resting};
use crate::updates::slowness::News;

/// Of the permissions that are missing; a refusal names one or two.
const PERMISSIONS: usize = 5;

/// So many failures in a row are told; fewer are everyday.
const FAILURES: u32 = 3;

/// Writes that have failed in a row, all in ways that may pass.
#[derive(Debug, Default)]
pub(super) struct Failures {
    count: u32,
    /// When the first of them did.
    since: Option<Instant>,
    told: Option<Failing>,
}

impl Keeper {
    /// A write was accepted: none fails any more.
    pub(super) fn end_failures(&mut self) {
        let Failures { told, .. } = std::mem::take(&mut self.failures);
        if told.is_some() {
            self.counts.troubles.failing(None);
        }
    }

    pub(super) fn note_failure(&mut self, error: &CallError, now: Instant) {
        let how = match error {
            CallError::Unavailable(refusal) | CallError::Unauthorized(refusal) => {
                format!("Genesys answers {} to {}", refusal.status, refusal.operation)
            }
            CallError::NoAnswer { operation, .. } => format!("there is no answer to {operation}"),
            CallError::Unreadable { operation, .. } => {
                format!("the answers to {operation} cannot be read")
            }
            CallError::NoToken(_) => "there is no token".to_owned(),
            // These say something of one participant, or are told of in other words.
            CallError::Throttled(..)
            | CallError::Forbidden(_)
            | CallError::NotFound(_)
            | CallError::Conflict(_)
            | CallError::Refused(_)
            | CallError::Credentials(_) => return,
        };
        self.failures.count = self.failures.count.saturating_add(1);
        let since = *self.failures.since.get_or_insert(now);
        if self.failures.count < FAILURES {
            return;
        }
        let failing = Failing { since: self.calendar.millis(since), how: how.into() };
        if self.failures.told.as_ref() != Some(&failing) {
            self.counts.troubles.failing(Some(failing.clone()));
            self.failures.told = Some(failing);
        }
    }

    pub(super) fn note_forbidden(&mut self, refusal: &Refusal) {
        let missing = refusal.missing_permissions.iter().take(PERMISSIONS);
        let missing: Vec<Arc<str>> = missing.map(|name| short(&Arc::from(&**name))).collect();
        let forbidden = Forbidden {
            operation: refusal.operation.to_owned(),
            missing: missing.join(" "),
            all: self.breaker.is_open(),
        };
        if self.forbidden.as_ref() != Some(&forbidden) {
            self.counts.troubles.forbidden(Some(forbidden.clone()));
            self.forbidden = Some(forbidden);
        }
    }

    /// Nothing is forbidden any more once a write has shown it, or nothing waits that was.
    pub(super) fn end_forbidden(&mut self) {
        let is = self.breaker.is_open() || self.outbox.has_forbidden() || self.probes > 0;
        if self.forbidden.is_some() && !is {
            self.forbidden = None;
            self.counts.troubles.forbidden(None);
        }
    }

    pub(super) fn note_rest(&self, rest: &guard::Rest, rule: &Arc<str>, key: &Arc<str>) {
        let of = match rest.of {
            Resting::Key => Rested::Key,
            Resting::Conversation => Rested::Conversation,
        };
        let until = self.calendar.millis(rest.until);
        self.counts.troubles.rests(Rest { of, rule: short(rule), key: short(key), until });
    }

    pub(super) fn note_took(&mut self, took: Duration, now: Instant) {
        let before = self.slowness.slow();
        let news = self.slowness.note(took, now);
        self.tell_slowness(before, news);
    }

    pub(super) fn look_at_slowness(&mut self, now: Instant) {
        let before = self.slowness.slow();
        let news = self.slowness.look(now);
        self.tell_slowness(before, news);
    }

    fn tell_slowness(&self, before: Option<Duration>, news: Option<News>) {
        match news {
            Some(News::Slow(took)) => warn!(
                seconds = took.as_secs(),
                waiting = self.outbox.len(),
                "writes are answered slowly: nothing is lost, what waits merges; more \
                 updates.workers hide it, and Genesys' status page may say why"
            ),
            Some(News::QuickAgain) => info!("writes are answered quickly again"),
            None => {}
        }
        let slow = self.slowness.slow();
        if slow != before {
            self.counts.troubles.slow(slow.map(|took| took.as_secs()));
        }
    }
}
