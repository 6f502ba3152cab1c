//! The checks of what is written: what waits for it, what was given up, and what holds it back.

use super::{Check, Overview, Stage, WRITING, good, warning};
use crate::status::counted::{counted, either};
use crate::status::overview::{Failing, Forbidden, Letters, Millis, Rest, Rested, seconds};
use crate::updates::dead_letters::Reason;

/// Of writes that have failed for less long, the next may well be accepted.
const FAILING: Millis = 15_000;

/// An update that waits so long is worth a look: ten times what the confirmation of one takes.
const OLD_SECONDS: f64 = 300.0;

impl Overview {
    pub(super) fn outbox(&self) -> Check {
        let updates = &self.updates;
        let waiting = counted(updates.waiting, "participant");
        let (age, wait) = (self.age(updates.oldest_at), either(updates.waiting, "waits", "wait"));
        if updates.waiting > 0 && updates.waiting >= updates.capacity {
            let reason = format!("full: {waiting} {wait}");
            return warning(
                "outbox",
                reason,
                "more is wished than the budget can write: see the rules with the most matches",
            );
        }
        if age > OLD_SECONDS {
            let reason = format!("{waiting} {wait}, the oldest for {age:.0} s");
            return warning("outbox", reason, "see the budget and the log's `push failed` lines");
        }
        if let Some(rest) = self.troubles.rest.as_ref().filter(|rest| rest.until > self.at) {
            return self.resting(rest);
        }
        good("outbox", format!("{waiting} {wait}"))
    }

    fn resting(&self, rest: &Rest) -> Check {
        let Rest { of, rule, key, until } = rest;
        let left = seconds(until.saturating_sub(self.at));
        let what = match of {
            Rested::Key => format!("the key {key} of the rule {rule} is"),
            Rested::Conversation => format!("a conversation of the rule {rule} (key {key}) is"),
        };
        let reason = format!("{what} written too often, and rests for {left:.0} s");
        let help = "two rules, or a rule and another program, want different values: see `attributed why` and mend the rule, or `attributed pause --rule` it";
        warning("outbox", reason, help)
    }

    pub(super) fn delivered(&self) -> Check {
        let (name, all) = ("dead-letters", self.updates.dead_letters);
        let kept = format!("{} kept", counted(all, "dead letter"));
        match (all, all.saturating_sub(self.letters_of_no_mistake())) {
            (0, _) => good(name, "none"),
            (_, 0) => good(name, format!("{kept}, of what ended or was of no use any more")),
            (_, mistakes) => {
                let reason = if mistakes == all {
                    kept
                } else {
                    format!("{kept}, {mistakes} of them to be seen to")
                };
                let help = "`attributed dead-letters list` says which and why; retry or drop them";
                warning(name, reason, help)
            }
        }
    }

    fn letters_of_no_mistake(&self) -> u64 {
        let no_mistake = |it: &&Letters| {
            let mut reasons = Reason::ALL.into_iter().filter(|reason| reason.is_nobodys_mistake());
            reasons.any(|reason| reason.as_str() == it.reason)
        };
        self.letters.iter().filter(no_mistake).map(|it| it.kept).sum()
    }

    /// Whether writes have failed for some time, and something waits.
    pub(in crate::status::overview) fn failing(&self) -> Option<&Failing> {
        let lasts = |failing: &&Failing| self.at.saturating_sub(failing.since) >= FAILING;
        self.troubles.failing.as_ref().filter(|_| self.updates.waiting > 0).filter(lasts)
    }

    pub(super) fn writing(&self) -> Check {
        if matches!(self.stage, Stage::LoggingIn | Stage::Asking) {
            let starts = "nothing is written yet: the service starts";
            if self.paused.is_empty() {
                return warning(WRITING, starts, "see the other checks");
            }
            let reason = format!("{starts}, and is paused: {}", self.paused.join(", "));
            return warning(
                WRITING,
                reason,
                "see the other checks; `attributed resume` when it is time",
            );
        }
        if self.dry_run {
            let help = "start without --dry-run, or set updates.dry_run = false and reload";
            return warning(WRITING, "dry run: nothing is written", help);
        }
        if !self.paused.is_empty() {
            let reason = format!("paused: {}", self.paused.join(", "));
            return warning(WRITING, reason, "`attributed resume` when it is time");
        }
        if self.hears_nothing() {
            let why =
                if self.silent_loops.is_empty() { "is heard" } else { "passes a hanging loop" };
            let reason = format!("nothing new is written: nothing {why}");
            return warning(WRITING, reason, "see the other checks");
        }
        if let Some(forbidden) = &self.troubles.forbidden {
            return writes_forbidden(forbidden);
        }
        if let Some(Failing { since, how }) = self.failing() {
            let lasts = seconds(self.at.saturating_sub(*since));
            let reason = format!("no write has been accepted for {lasts:.0} s: {how}");
            let help = "what waits merges and is tried again by itself; see the log's `push failed` lines, Genesys' status page and the network";
            return warning(WRITING, reason, help);
        }
        if let Some(seconds) = self.troubles.slow_seconds {
            let reason =
                format!("Genesys answers slowly: a tenth of the writes take {seconds} s or longer");
            let help = "nothing is lost, what waits merges; more updates.workers hide it, and Genesys' status page may say why";
            return warning(WRITING, reason, help);
        }
        good(WRITING, "attributes are written")
    }
}

fn writes_forbidden(forbidden: &Forbidden) -> Check {
    let Forbidden { operation, missing, all } = forbidden;
    let whose =
        if *all { "nothing can be written" } else { "some conversations cannot be written" };
    let reason = format!("{whose}: Genesys answers 403 to {operation}");
    let help = match &**missing {
        "" => "give a role of the OAuth client the permission, in every division that counts; what waits is tried once a minute".to_owned(),
        missing => format!("give a role of the OAuth client {missing}, in every division that counts; what waits is tried once a minute"),
    };
    warning(WRITING, reason, &help)
}
