//! The steps of each update, as they are handed over to [`traces`](crate::updates::traces).

use std::sync::Arc;

use tokio::time::Instant;

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
            let keys = &request.leaving.keys;
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
    let (mut names, mut rules, mut began) = (Vec::new(), Vec::new(), None::<Instant>);
    for (key, waiting) in keys {
        let offered_at = Instant::from(waiting.offered_at);
        began = Some(began.map_or(offered_at, |began| began.min(offered_at)));
        names.push(&**key);
        rules.push(&*waiting.rule);
    }
    rules.sort_unstable();
    rules.dedup();
    Step {
        conversation: target.conversation.clone(),
        participant: target.participant.clone(),
        keys: names.join(" "),
        rules: rules.join(" "),
        began: began.unwrap_or(sent),
        ended,
        done,
        dropped: 0,
    }
}
