//! What will not be sent becomes a dead letter, and is not wished again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::error;

use super::Keeper;
use crate::updates::dead_letters::{DeadLetter, Reason};
use crate::updates::outbox::{Target, Waiting};
use crate::updates::story::{Event, What};

/// What to do about a dead letter.
const HELP: &str =
    "`attributed dead-letters show` quotes the server: mend the rule and retry, or drop it";

/// What else a dead letter has to tell, where a server had a say in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    pub status: Option<u16>,
    pub correlation_id: Option<String>,
    pub answer: Option<String>,
}

impl Keeper {
    /// Why a value may not leave at all, if it may not.
    pub(super) fn fence(&self, key: &str, value: &str) -> Option<Reason> {
        if !(self.settings.allowed_keys)(key) {
            return Some(Reason::NotAllowed);
        }
        // Bytes are never fewer than characters.
        let limit = self.settings.max_value_length;
        let too_long = value.len() > limit && value.chars().count() > limit;
        too_long.then_some(Reason::TooLong)
    }

    /// Makes dead letters, one for each rule, and remembers what is not to be wished again.
    pub(super) fn give_up(
        &mut self,
        target: &Target,
        keys: Vec<(Arc<str>, Waiting)>,
        reason: Reason,
        verdict: &Verdict,
        now: Instant,
    ) {
        let mut rules: BTreeMap<Arc<str>, Vec<(Arc<str>, Waiting)>> = BTreeMap::new();
        for (key, waiting) in keys {
            rules.entry(Arc::clone(&waiting.rule)).or_default().push((key, waiting));
        }
        for (rule, keys) in rules {
            let given_up = u64::try_from(keys.len()).unwrap_or(u64::MAX);
            self.counts.gave_up(reason.as_str(), given_up);
            self.counts.rules.table().of(&rule).failed.add(given_up);
            if let Some(participant) = self.memory.participant_mut(target) {
                for (key, waiting) in &keys {
                    participant.refuse(key, &waiting.value, waiting.rules_hash);
                }
            }
            self.trace_given_up(target, &keys, reason, now);
            self.note(&rule, keys.iter().map(|(key, _)| key), reason.as_str(), verdict.status, now);
            let correlation_id: Option<Arc<str>> = verdict.correlation_id.as_deref().map(Arc::from);
            for (key, _) in &keys {
                let correlation_id = correlation_id.clone();
                let what = What::GivenUp { reason, status: verdict.status, correlation_id };
                self.story.note(|| Event::new(now, target, key, &rule, what));
            }
            let letter = self.letter(target, rule, keys, reason, verdict, now);
            error!(
                conversation_id = %letter.conversation, participant_id = %letter.participant,
                keys = letter.keys(), rule = %letter.rule, reason = reason.as_str(),
                status = letter.status, correlation_id = letter.correlation_id,
                answer = letter.answer, help = HELP, "update given up"
            );
            self.keep_letter(letter);
        }
    }

    fn letter(
        &self,
        target: &Target,
        rule: Arc<str>,
        keys: Vec<(Arc<str>, Waiting)>,
        reason: Reason,
        verdict: &Verdict,
        now: Instant,
    ) -> DeadLetter {
        let first = keys.first().map(|(_, waiting)| waiting);
        let wished_at =
            keys.iter().map(|(_, waiting)| waiting.offered_at).min().map_or(now, Instant::from);
        DeadLetter {
            conversation: target.conversation.clone(),
            participant: target.participant.clone(),
            rule,
            digest: first.map_or(0, |waiting| waiting.digest),
            rules_hash: first.map_or(0, |waiting| waiting.rules_hash),
            write: first.map(|waiting| waiting.write).unwrap_or_default(),
            during_flow: first.is_some_and(|waiting| waiting.during_flow),
            urgent: first.is_some_and(|waiting| waiting.urgent),
            changes: keys.into_iter().map(|(key, waiting)| (key, waiting.value)).collect(),
            reason,
            status: verdict.status,
            correlation_id: verdict.correlation_id.clone(),
            answer: verdict.answer.clone(),
            wished_at: self.calendar.millis(wished_at),
            at: self.calendar.millis(now),
        }
    }
}
