//! What leaves for the workers, and what their answers do (DESIGN 5).

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::give_up::Verdict;
use super::{Keeper, Request};
use crate::genesys::ConversationId;
use crate::genesys::call::{CallError, Refusal};
use crate::updates::dead_letters::Reason;
use crate::updates::memory::{Fate, Written};
use crate::updates::outbox::{Failure, Leaving, Target, Waiting};
use crate::updates::push::Pushed;
use crate::updates::redact;
use crate::updates::story::{Event, What, Withdrawal};
use crate::updates::wish::Write;

/// The first backoff is somewhere below this, and each further one below twice as much …
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// … up to this: an outage of hours ends within a minute for everybody.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// Doubling so often passes `MAX_BACKOFF`.
const MAX_DOUBLINGS: u32 = 7;

/// The longest rest that is believed of a 429; the account's own pacer may rest longer.
const MAX_REST: Duration = Duration::from_secs(24 * 3600);

/// A read takes a second or two; a push that met a conflict goes without it after so long.
const CONFLICT_WAIT: Duration = Duration::from_secs(10);
/// After so many conflicts it is not a matter of timing.
const MAX_CONFLICTS: u32 = 3;

/// Nothing will succeed until somebody mends the credentials.
#[derive(Debug)]
pub(crate) struct CredentialsRefused {
    pub reason: String,
}

/// Of what is written without the read that it waited for, one participant is named so often.
const TELL_UNSETTLED: Duration = Duration::from_secs(60);

impl Keeper {
    /// Whether something may be pushed now.
    pub(crate) fn may_push(&self, now: Instant) -> bool {
        let may = self.outbox.has_ready() && !self.breaker.is_open();
        self.pushes() && (may || self.probe_at().is_some_and(|at| at <= now))
    }

    /// Takes what is pushed next. Its participant is out until it is [settled](Keeper::settle).
    pub(crate) fn take(&mut self, now: Instant) -> Option<Request> {
        if !self.pushes() {
            return None;
        }
        // What is of no use any more does not leave.
        self.keep_agenda(now);
        let probe = self.probe_at().is_some_and(|at| at <= now);
        let leaving = if probe {
            self.breaker.probing(now);
            self.outbox.take_forbidden(now).or_else(|| self.outbox.take(now))
        } else if self.breaker.is_open() {
            None
        } else {
            self.outbox.take(now)
        }?;
        self.tell_used_up(now);
        if leaving.unsettled {
            self.tell_unsettled(&leaving.target, now);
        }
        let participant = self.memory.participant(&leaving.target);
        let seen = participant.map(|it| it.shown.clone()).unwrap_or_default();
        self.probes += usize::from(probe);
        Some(Request { leaving, seen, probe, taken_at: now })
    }

    /// After a restart with a long outbox, and with an API that answers no reads, there may be many.
    fn tell_unsettled(&mut self, target: &Target, now: Instant) {
        if self.told_unsettled.is_none_or(|told| now >= told + TELL_UNSETTLED) {
            self.told_unsettled = Some(now);
            warn!(
                conversation_id = %target.conversation, participant_id = %target.participant,
                "could not be read for minutes and may have moved on: written as it was wished before"
            );
        }
    }

    /// Takes in what became of a push.
    pub(crate) fn settle(
        &mut self,
        request: Request,
        result: Result<Pushed, CallError>,
        now: Instant,
    ) -> Result<(), CredentialsRefused> {
        self.counts.pushes.add(1);
        self.probes -= usize::from(request.probe);
        self.note_took(now.saturating_duration_since(request.taken_at), now);
        self.trace_pushed(&request, &result, now);
        match result {
            Ok(pushed) => self.accepted(request, &pushed, now),
            Err(error) => {
                // It may say that this was not applied, and somebody else's.
                self.touch_landed(request.target());
                self.failed(&request, error, now)?;
                self.leave_what_exists(&request, now);
                self.leave_what_is_useless(&request);
            }
        }
        Ok(())
    }

    fn accepted(&mut self, request: Request, pushed: &Pushed, now: Instant) {
        info!(
            conversation_id = %request.target().conversation,
            participant_id = %request.target().participant,
            keys = request.keys(), rules = request.rules(), status = pushed.status,
            correlation_id = pushed.correlation_id, attempt = request.leaving.attempt, "pushed"
        );
        let correlation_id: Option<Arc<str>> = pushed.correlation_id.as_deref().map(Arc::from);
        let (status, attempt) = (pushed.status, request.leaving.attempt);
        self.tell_sent(&request, now, |took_ms| {
            let correlation_id = correlation_id.clone();
            What::Accepted { status, correlation_id, attempt, took_ms }
        });
        self.accepted += 1;
        self.end_failures();
        self.age.start(now);
        if self.breaker.accepted(request.probe) {
            info!(operation = "push", "permitted again");
            self.outbox.permit_all(now);
        }
        let mut landing = self.outbox.accepted(request.target(), now);
        self.carried(&request, pushed, now);
        let Request { leaving: Leaving { target, keys, .. }, seen: before, .. } = request;
        self.counts.pushed.add(u64::try_from(keys.len()).unwrap_or(u64::MAX));
        self.note_accepted(&keys, Some(pushed.status), now);
        let by_rule = self.counts.rules.table();
        keys.values().for_each(|waiting| by_rule.of(&waiting.rule).written.add(1));
        if let Some(oldest) = keys.values().map(|waiting| waiting.offered_at).min() {
            self.counts.accepted_after(now.saturating_duration_since(oldest.into()));
        }
        // A conversation that is forgotten by now is over, and is not to be remembered anew.
        if let Some(participant) = self.memory.participant_mut(&target) {
            self.guard.wrote(&target, keys.keys(), now, &self.settings);
            for (key, sent) in Arc::unwrap_or_clone(keys) {
                let before = before.get(&key).unwrap_or_default();
                let landing = landing.remove(&key).unwrap_or_default();
                let previous = participant.written.get(&key).map(|written| &**written);
                let seen = participant.seen(&key);
                let written = Written::new(sent, previous, before, landing, seen, now);
                if written.fate == Fate::Confirmed {
                    self.counts.confirmed.add(1);
                    let rule = &written.sent.rule;
                    self.story.note(|| Event::new(now, &target, &key, rule, What::Seen));
                }
                participant.written.insert(key, Box::new(written));
            }
            self.memory.touch(&target);
            self.look_after_at(&target.conversation, now + self.settings.confirm_after);
        }
        self.rest_of(&target.conversation, now);
    }

    /// What waits for a conversation rests where the fight guard says so after a write.
    pub(super) fn rest_of(&mut self, conversation: &ConversationId, now: Instant) {
        for (target, key, waiting) in self.outbox.waiting_of(conversation) {
            if let Some(until) = self.rest(&target, &key, &waiting.rule, now) {
                self.outbox.rest(&target, &key, until, now);
            }
        }
    }

    fn failed(
        &mut self,
        request: &Request,
        error: CallError,
        now: Instant,
    ) -> Result<(), CredentialsRefused> {
        let target = request.target();
        let text = redact::describe(&error, &request.leaving.keys);
        let uncertain = error.may_have_acted();
        if uncertain && let Some(participant) = self.memory.participant_mut(target) {
            let unanswered = &mut participant.rare_mut().unanswered;
            unanswered.get_or_insert_with(|| request.seen.clone());
        }
        self.note_outage(&error, now);
        self.note_failure(&error, now);
        match error {
            CallError::Throttled(refusal, rest) => {
                let again_at = now + rest.min(MAX_REST);
                let failure = Failure { again_at, uncertain, counts: false };
                self.again(request, Some(&refusal), &text, failure, now);
            }
            CallError::Forbidden(refusal) => self.forbidden(request, &refusal, &text, now),
            CallError::NotFound(refusal) => {
                let over = self.over(target);
                let reason = if over { Reason::ConversationOver } else { Reason::ParticipantGone };
                self.refused(request, reason, &refusal, text, now);
            }
            CallError::Refused(refusal) => {
                if self.outbox.split(target, now) {
                    let (status, correlation_id) = told(&refusal);
                    self.tell_sent(request, now, |took_ms| {
                        let correlation_id = correlation_id.clone();
                        What::Split { status, correlation_id, took_ms }
                    });
                    warn!(
                        conversation_id = %target.conversation,
                        participant_id = %target.participant, keys = request.keys(),
                        rules = request.rules(), status = refusal.status,
                        correlation_id = refusal.correlation_id, error = text,
                        "refused, each rule's keys will be pushed apart"
                    );
                } else {
                    self.refused(request, Reason::Refused, &refusal, text, now);
                }
            }
            CallError::Conflict(refusal) => {
                if self.outbox.conflict(target) > MAX_CONFLICTS {
                    self.refused(request, Reason::Conflict, &refusal, text, now);
                } else {
                    self.asks.read(&target.conversation);
                    let again_at = now + CONFLICT_WAIT;
                    let failure = Failure { again_at, uncertain, counts: true };
                    self.again(request, Some(&refusal), &text, failure, now);
                }
            }
            CallError::Unauthorized(refusal) | CallError::Unavailable(refusal) => {
                let failure =
                    Failure { again_at: self.backoff(request, now), uncertain, counts: true };
                self.again(request, Some(&refusal), &text, failure, now);
            }
            CallError::NoAnswer { .. } | CallError::NoToken(_) | CallError::Unreadable { .. } => {
                let failure =
                    Failure { again_at: self.backoff(request, now), uncertain, counts: true };
                self.again(request, None, &text, failure, now);
            }
            CallError::Credentials(reason) => {
                let failure = Failure { again_at: now, uncertain, counts: false };
                self.outbox.failed(target, failure, now);
                return Err(CredentialsRefused { reason });
            }
        }
        Ok(())
    }

    /// Nothing grows old while the account rests or the API is down.
    fn note_outage(&mut self, error: &CallError, now: Instant) {
        match error {
            CallError::Throttled(_, rest) => self.age.stop(now, Some(now + (*rest).min(MAX_REST))),
            // The gateway's answers; a 500 or 408 may be this participant's alone.
            CallError::Unavailable(refusal) if matches!(refusal.status, 502..=504) => {
                self.age.stop(now, None);
            }
            CallError::NoAnswer { .. } | CallError::NoToken(_) | CallError::Credentials(_) => {
                self.age.stop(now, None);
            }
            CallError::Unavailable(_)
            | CallError::Unauthorized(_)
            | CallError::Forbidden(_)
            | CallError::NotFound(_)
            | CallError::Conflict(_)
            | CallError::Refused(_)
            | CallError::Unreadable { .. } => self.age.start(now),
        }
    }

    /// The push is to be made again, unless the conversation has had its time.
    fn again(
        &mut self,
        request: &Request,
        refusal: Option<&Refusal>,
        error: &str,
        failure: Failure,
        now: Instant,
    ) {
        let target = request.target();
        if self.memory.conversation(&target.conversation).is_none() {
            let given_up = self.outbox.give_up(target, now);
            let verdict = Verdict {
                status: refusal.map(|refusal| refusal.status),
                correlation_id: refusal.and_then(|refusal| refusal.correlation_id.clone()),
                answer: Some(error.to_owned()),
            };
            return self.give_up(target, given_up, Reason::ConversationOver, &verdict, now);
        }
        let landed = self.outbox.failed(target, failure, now);
        let all = landed.len() == request.leaving.keys.len();
        self.settle_landed(request, landed, now);
        if all && request.leaving.losses.is_empty() {
            return;
        }
        self.counts.retries.add(1);
        let again_ms = millis(failure.again_at.saturating_duration_since(now));
        let (status, correlation_id) = refusal.map(told).unzip();
        let correlation_id = correlation_id.flatten();
        let attempt = request.leaving.attempt;
        self.tell_sent(request, now, |took_ms| {
            let correlation_id = correlation_id.clone();
            What::Failed { status, correlation_id, attempt, took_ms, again_ms }
        });
        warn!(
            conversation_id = %target.conversation, participant_id = %target.participant,
            keys = request.keys(), rules = request.rules(), attempt = request.leaving.attempt,
            status = refusal.map(|refusal| refusal.status),
            correlation_id = refusal.and_then(|refusal| refusal.correlation_id.as_deref()),
            error, after_ms = again_ms,
            "push failed, will retry"
        );
    }

    /// While a push was under way that failed, somebody else may have given a key its value.
    fn leave_what_exists(&mut self, request: &Request, now: Instant) {
        let target = request.target();
        for key in request.leaving.keys.keys() {
            let Some(waiting) = self.outbox.waiting(target, key) else { continue };
            let situation = self.situation(target, key, waiting.rules_hash, false);
            if waiting.write == Write::IfAbsent && situation.exists() {
                let rule = Arc::clone(&waiting.rule);
                self.withdraw(target, key, &rule, Withdrawal::Exists, now);
                info!(
                    conversation_id = %target.conversation,
                    participant_id = %target.participant, key = %key, rule = %rule,
                    "push failed, and the key has a value by now: left as it is"
                );
            }
        }
    }

    /// What became of no use while it was under way was passed over then.
    fn leave_what_is_useless(&mut self, request: &Request) {
        let useless_at = request.leaving.keys.values().filter_map(|sent| sent.useless_at).min();
        if let Some(at) = useless_at {
            self.look_after_at(&request.target().conversation, at.into());
        }
    }

    /// Full jitter: those who failed together do not come back together.
    fn backoff(&mut self, request: &Request, now: Instant) -> Instant {
        let doublings = (request.leaving.attempt - 1).min(MAX_DOUBLINGS);
        let most = (FIRST_BACKOFF * 2_u32.pow(doublings)).min(MAX_BACKOFF);
        now + most.mul_f64(self.rng.random::<f64>())
    }

    fn forbidden(&mut self, request: &Request, refusal: &Refusal, text: &str, now: Instant) {
        self.outbox.forbid(request.target(), now);
        let (status, correlation_id) = told(refusal);
        self.tell_sent(request, now, |took_ms| {
            let correlation_id = correlation_id.clone();
            What::Forbidden { status, correlation_id, took_ms }
        });
        let tell = self.breaker.forbidden(now);
        self.note_forbidden(refusal);
        if tell {
            error!(
                operation = refusal.operation,
                status = refusal.status,
                correlation_id = refusal.correlation_id,
                missing_permissions = refusal.missing_permissions.join(" "),
                waiting = self.outbox.len(),
                error = text,
                "forbidden: grant the permission to the OAuth client's role; \
                 what waits is tried once a minute"
            );
        } else {
            debug!(
                conversation_id = %request.target().conversation,
                participant_id = %request.target().participant, status = refusal.status,
                "forbidden, waits"
            );
        }
    }

    fn refused(
        &mut self,
        request: &Request,
        reason: Reason,
        refusal: &Refusal,
        text: String,
        now: Instant,
    ) {
        self.refused_losses(request, reason.as_str());
        let given_up: Vec<(Arc<str>, Waiting)> = self.outbox.give_up(request.target(), now);
        let verdict = Verdict {
            status: Some(refusal.status),
            correlation_id: refusal.correlation_id.clone(),
            answer: Some(text),
        };
        self.give_up(request.target(), given_up, reason, &verdict, now);
    }

    /// Whether a conversation is over, or forgotten because it was.
    fn over(&self, target: &Target) -> bool {
        let conversation = self.memory.conversation(&target.conversation);
        conversation.is_none_or(|conversation| conversation.over_since.is_some())
    }
}

/// What the story tells of a refusal.
fn told(refusal: &Refusal) -> (u16, Option<Arc<str>>) {
    (refusal.status, refusal.correlation_id.as_deref().map(Arc::from))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
