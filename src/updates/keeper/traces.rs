//! The steps of each update, as they are handed over to [`traces`](crate::updates::traces).

use std::sync::Arc;

use tokio::time::Instant;

use super::request::rules_of;
use super::{Keeper, Request};
use crate::genesys::call::CallError;
use crate::updates::dead_letters::Reason;
use crate::updates::outbox::{Target, Waiting};
use crate::updates::push::Pushed;
use crate::updates::traces::{Answer, Done, Step, Traces};

impl Keeper {
    /// Hands over what is done from now on.
    pub(crate) fn trace(&mut self, traces: Traces) {
        self.traces = traces;
    }

    pub(super) fn trace_pushed(
        &mut self,
        request: &Request,
        result: &Result<Pushed, CallError>,
        now: Instant,
    ) {
        self.traces.note(|| {
            let (status, correlation_id) = match result {
                Ok(pushed) => (Some(pushed.status), pushed.correlation_id.as_deref()),
                Err(error) => {
                    let refusal = error.refusal();
                    let id = refusal.and_then(|refusal| refusal.correlation_id.as_deref());
                    (refusal.map(|refusal| refusal.status), id)
                }
            };
            let answer = Answer { status, correlation_id: correlation_id.map(Arc::from) };
            let (sent, attempt) = (request.taken_at, request.leaving.attempt);
            let done = Done::Pushed { sent, attempt, answer, is_accepted: result.is_ok() };
            let keys = request.leaving.keys.iter();
            step(request.target(), keys, (sent, now), done)
        });
    }

    pub(super) fn trace_seen<'k>(
        &mut self,
        target: &Target,
        keys: impl IntoIterator<Item = (&'k Arc<str>, &'k Waiting)>,
        now: Instant,
    ) {
        self.traces.note(|| step(target, keys, (now, now), Done::Seen));
    }

    pub(super) fn trace_given_up(
        &mut self,
        target: &Target,
        keys: &[(Arc<str>, Waiting)],
        reason: Reason,
        now: Instant,
    ) {
        let keys = keys.iter().map(|(key, waiting)| (key, waiting));
        self.traces.note(|| step(target, keys, (now, now), Done::GivenUp { reason }));
    }
}

/// Where there are no keys, something of others is put back, which begins when it is sent.
fn step<'k>(
    target: &Target,
    keys: impl IntoIterator<Item = (&'k Arc<str>, &'k Waiting)>,
    (sent, ended): (Instant, Instant),
    done: Done,
) -> Step {
    let (names, waiting): (Vec<&str>, Vec<&Waiting>) =
        keys.into_iter().map(|(key, waiting)| (&**key, waiting)).unzip();
    let began = waiting.iter().map(|waiting| waiting.offered_at).min();
    Step {
        conversation: target.conversation.clone(),
        participant: target.participant.clone(),
        keys: names.join(" "),
        rules: rules_of(waiting),
        began: began.map_or(sent, Instant::from),
        ended,
        done,
        dropped: 0,
    }
}
