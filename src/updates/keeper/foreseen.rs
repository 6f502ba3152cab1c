//! What is said of what waits: that it will not go in time, and that a rule is over its cap.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Keeper;
use crate::updates::foresight::Outlook;

/// How often it is said of a rule that it is over its cap.
const TELL_CAP: Duration = Duration::from_secs(60);
/// So many of the rules that fill the outbox are named.
const NAMED: usize = 3;

impl Keeper {
    /// Looks whether what waits will go within `max_age`.
    pub(super) fn look_ahead(&mut self, now: Instant) {
        let (max_age, backlog) = (self.settings.max_age, self.outbox.backlog());
        // It is said already why nothing goes, and nothing grows old while the account rests.
        let seen = if !self.pushes() || self.age.stands(now) {
            self.foresight.rest(backlog)
        } else {
            self.foresight.look(backlog, self.accepted, max_age, now)
        };
        let mut rules = if seen.late { self.outbox.fullest() } else { Vec::new() };
        rules.truncate(NAMED);
        if seen.late && seen.news {
            let named: Vec<String> = rules.iter().map(|(rule, n)| format!("{rule} {n}")).collect();
            warn!(
                backlog,
                rules = named.join(", "),
                seconds_to_empty = seen.empties_in.map(|within| within.as_secs()),
                max_age_seconds = max_age.as_secs(),
                "at this pace what waits will not go within max_age: raise the budget, or cap or \
                 pause the rules that fill it"
            );
        } else if seen.news && self.pushes() {
            info!(backlog, "what waits will go within max_age again");
        }
        let seconds = seen.empties_in.map_or(u64::MAX, |within| within.as_secs());
        self.counts.outbox_seconds_to_empty.set(seconds);
        self.counts.outbox_late.set(u64::from(seen.late));
        self.outlook = Outlook { empties_in: seen.empties_in, late: seen.late, rules };
    }

    /// Counts the rules that have more to write than they may, and says so of each once a minute.
    pub(super) fn tell_used_up(&mut self, now: Instant) {
        for used_up in self.outbox.take_used_up() {
            self.counts.capped.add(1);
            let told = self.told_cap.get(&used_up.rule);
            if told.is_none_or(|told| now >= *told + TELL_CAP) {
                self.told_cap.retain(|_, told| now < *told + TELL_CAP);
                warn!(
                    rule = %used_up.rule,
                    max_writes_per_minute = used_up.cap,
                    waiting = used_up.waiting,
                    "over its cap: the rest of the rule's writes waits"
                );
                self.told_cap.insert(used_up.rule, now);
            }
        }
    }
}
