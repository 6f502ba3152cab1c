//! Pausing and resuming while everything runs, and the orders that follow for the updates.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::App;
use crate::config::problem::did_you_mean;
use crate::machine;
use crate::status::control::Answer;
use crate::status::control::pauses::PausesNow;

impl App {
    /// Nothing is pushed from now on, or nothing by one rule.
    pub(super) fn pause(&mut self, rule: Option<&str>, lasts: Option<Duration>) -> Answer {
        if let Some(rule) = rule
            && !self.rules.file.rules.iter().any(|one| *one.name == *rule)
        {
            let names = self.rules.file.rules.iter().map(|one| &*one.name);
            let help = did_you_mean(rule, names).map_or_else(
                || "`attributed rules show` prints those that are in force".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            return Answer::Failed { message: format!("no rule `{rule}` is in force"), help };
        }
        self.pauses.pause(rule, lasts, machine::now());
        let for_seconds = lasts.map(|lasts| lasts.as_secs());
        warn!(rule, for_seconds, "paused: what is to be pushed waits and merges");
        self.paused_now(true)
    }

    /// Lets all go on, or one rule.
    pub(super) fn resume(&mut self, rule: Option<&str>) -> Answer {
        let changed = self.pauses.resume(rule);
        if !changed && let Some(rule) = rule {
            let paused = self.pauses.told();
            let help = if paused.is_empty() {
                "nothing is paused".to_owned()
            } else {
                format!("paused: {paused}")
            };
            return Answer::Failed { message: format!("rule `{rule}` is not paused"), help };
        }
        if changed {
            info!(rule, "resumed");
        }
        self.paused_now(changed)
    }

    /// Ends what has had its time, and says once an hour what has not.
    pub(super) fn look_at_pauses(&mut self, now: Instant) {
        let ended = self.pauses.expire(machine::now());
        for rule in &ended {
            info!(rule = rule.as_deref(), "resumed: its time is over");
        }
        if !ended.is_empty() {
            self.paused_now(true);
        }
        if self.pauses.is_long(now) {
            self.remind();
        }
    }

    /// Says what is paused; also when an earlier process was told to.
    pub(super) fn remind(&self) {
        if !self.pauses.is_empty() {
            let paused = self.pauses.told().to_string();
            let waiting = self.counts.outbox.get();
            warn!(paused, waiting, "still paused: `attributed resume` lets it go on");
        }
    }

    /// The updates go by what is paused, and by the caps of the rules in force.
    pub(super) fn give_orders(&self) {
        let orders = self.pauses.orders(self.rules.file.caps());
        self.counts.paused.set(u64::from(orders.all_paused));
        self.counts.rules_paused.set(orders.rules_paused.len() as u64);
        self.joints.orders.send_if_modified(|given| {
            let other = **given != orders;
            if other {
                *given = Arc::new(orders);
            }
            other
        });
    }

    /// For the line of status.
    pub(super) fn paused_in_words(&self) -> Vec<String> {
        let paused = self.pauses.told();
        let all = paused.all.iter().map(|it| format!("PAUSED {it}, nothing is pushed"));
        let rules = paused.rules.iter().map(|(rule, it)| format!("rule {rule} PAUSED {it}"));
        all.chain(rules).collect()
    }

    /// Likewise, for the overview.
    pub(super) fn pauses_told(&self) -> Vec<String> {
        let paused = self.pauses.told();
        let all = paused.all.iter().map(|it| format!("every rule {it}"));
        let rules = paused.rules.iter().map(|(rule, it)| format!("rule {rule} {it}"));
        all.chain(rules).collect()
    }

    /// It is in force, and kept.
    fn paused_now(&mut self, changed: bool) -> Answer {
        self.give_orders();
        let not_kept = self.pauses.keep().err().filter(|_| changed).map(|error| {
            error!(%error, "what is paused cannot be kept: a restart would not know of it");
            error.to_string()
        });
        let (paused, waiting) = (self.pauses.told(), self.counts.outbox.get());
        Answer::Pauses(PausesNow { changed, paused, waiting, not_kept })
    }
}
