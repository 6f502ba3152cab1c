//! Pausing and resuming, from before the first token on, and the orders that follow for the updates.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::App;
use super::pauses::Pauses;
use crate::config::problem::did_you_mean;
use crate::machine;
use crate::rules::RuleFile;
use crate::status::control::Answer;
use crate::status::control::pauses::PausesNow;
use crate::status::counts::Counts;

/// What is not done, and why.
pub(super) struct Refused {
    message: String,
    help: String,
}

impl From<Refused> for Answer {
    fn from(Refused { message, help }: Refused) -> Answer {
        Answer::Failed { message, help }
    }
}

impl Pauses {
    /// Nothing is pushed from now on, or nothing by one of these rules.
    ///
    /// # Errors
    ///
    /// If no such rule is in force.
    pub(super) fn begin(
        &mut self,
        rules: &RuleFile,
        rule: Option<&str>,
        lasts: Option<Duration>,
    ) -> Result<(), Refused> {
        if let Some(rule) = rule
            && !rules.rules.iter().any(|one| *one.name == *rule)
        {
            let names = rules.rules.iter().map(|one| &*one.name);
            let help = did_you_mean(rule, names).map_or_else(
                || "`attributed rules show` prints those that are in force".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            let message = format!("no rule `{rule}` is in force");
            return Err(Refused { message, help });
        }
        self.pause(rule, lasts, machine::now());
        let for_seconds = lasts.map(|lasts| lasts.as_secs());
        warn!(rule, for_seconds, "paused: what is to be pushed waits and merges");
        Ok(())
    }

    /// Lets all go on, or one rule. Returns whether that changes anything.
    ///
    /// # Errors
    ///
    /// If that rule is not paused.
    pub(super) fn end(&mut self, rule: Option<&str>) -> Result<bool, Refused> {
        let changed = self.resume(rule);
        if !changed && let Some(rule) = rule {
            let paused = self.told();
            let help = if paused.is_empty() {
                "nothing is paused".to_owned()
            } else {
                format!("paused: {paused}")
            };
            return Err(Refused { message: format!("rule `{rule}` is not paused"), help });
        }
        if changed {
            info!(rule, "resumed");
        }
        Ok(changed)
    }

    /// Ends what has had its time. Returns whether anything had.
    pub(super) fn end_in_time(&mut self) -> bool {
        let ended = self.expire(machine::now());
        for rule in &ended {
            info!(rule = rule.as_deref(), "resumed: its time is over");
        }
        !ended.is_empty()
    }

    /// Says what is paused; also when an earlier process was told to.
    pub(super) fn remind(&self, counts: &Counts) {
        if !self.is_empty() {
            let (paused, waiting) = (self.told().to_string(), counts.outbox.get());
            warn!(paused, waiting, "still paused: `attributed resume` lets it go on");
        }
    }

    /// Keeps what was changed, and says what is paused now.
    pub(super) fn answer(&self, changed: bool, counts: &Counts) -> Answer {
        let not_kept = self.keep().err().filter(|_| changed).map(|error| {
            error!(%error, "what is paused cannot be kept: a restart would not know of it");
            error.to_string()
        });
        let (paused, waiting) = (self.told(), counts.outbox.get());
        Answer::Pauses(PausesNow { changed, paused, waiting, not_kept })
    }

    pub(super) fn count(&self, counts: &Counts) {
        counts.paused.set(u64::from(self.is_all()));
        counts.rules_paused.set(self.rules_paused());
    }

    /// For the overview.
    pub(super) fn in_words(&self) -> Vec<String> {
        let paused = self.told();
        let all = paused.all.iter().map(|it| format!("every rule {it}"));
        let rules = paused.rules.iter().map(|(rule, it)| format!("rule {rule} {it}"));
        all.chain(rules).collect()
    }
}

impl App {
    pub(super) fn pause(&mut self, rule: Option<&str>, lasts: Option<Duration>) -> Answer {
        match self.pauses.begin(&self.rules.file, rule, lasts) {
            Ok(()) => self.paused_now(true),
            Err(refused) => refused.into(),
        }
    }

    pub(super) fn resume(&mut self, rule: Option<&str>) -> Answer {
        match self.pauses.end(rule) {
            Ok(changed) => self.paused_now(changed),
            Err(refused) => refused.into(),
        }
    }

    /// Ends what has had its time, and says once an hour what has not.
    pub(super) fn look_at_pauses(&mut self, now: Instant) {
        if self.pauses.end_in_time() {
            self.paused_now(true);
        }
        if self.pauses.is_long(now) {
            self.pauses.remind(&self.counts);
        }
    }

    /// The updates go by what is paused, and by the caps of the rules in force.
    pub(super) fn give_orders(&self) {
        let orders = self.pauses.orders(self.rules.file.caps());
        self.pauses.count(&self.counts);
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

    /// It is in force, and kept.
    fn paused_now(&self, changed: bool) -> Answer {
        self.give_orders();
        self.pauses.answer(changed, &self.counts)
    }
}
