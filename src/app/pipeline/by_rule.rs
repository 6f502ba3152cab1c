//! Asking the rules about a snapshot, and counting what they say by rule.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Pipeline;
use crate::app::observe::{Look, Moment, observation, observation_timed};
use crate::events::conversation::Conversation;

/// At one look of so many it is measured what each rule takes, which counts for all of them: reading
/// the clock twice for each rule at each look would cost more than a hundredth of it.
const MEASURED_LOOK: u64 = 32;

impl Pipeline {
    pub(super) fn ask(&mut self, current: &Arc<Conversation>, moment: &Moment) -> Look {
        let standing = self.standings.of(&current.id);
        self.looks = self.looks.wrapping_add(1);
        let (look, took) = if self.looks.is_multiple_of(MEASURED_LOOK) {
            let start = Instant::now();
            observation_timed(&self.view, standing, current, moment, &|| start.elapsed())
        } else {
            (observation(&self.view, standing, current, moment), Vec::new())
        };
        self.count(&look, &took, moment);
        look
    }

    fn count(&self, look: &Look, took: &[(Arc<str>, Duration)], moment: &Moment) {
        if look.held.is_empty() && look.errors.is_empty() && took.is_empty() {
            return;
        }
        let counts = &self.joints.counts;
        counts.matches.add(look.held.len() as u64);
        counts.rule_errors.add(look.errors.len() as u64);
        let by_rule = counts.rules.table();
        let at = moment.received_at.as_millisecond();
        look.held.iter().for_each(|rule| by_rule.of(rule).matched(at));
        look.errors.iter().for_each(|error| by_rule.of(&error.rule).erred(at));
        took.iter().for_each(|(rule, took)| by_rule.of(rule).evaluated(*took, MEASURED_LOOK));
    }
}
