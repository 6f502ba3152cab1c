//! How a call finds its client, and another where that one is refused.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Clients, Standing};
use crate::genesys::call::{Answer, Api, Call, CallError, Class, Permit};

/// How often a refused client is tried. A token request and a read: nothing of a budget that is not
/// used anyhow, and soon enough for whoever mends it and waits.
pub(super) const PROBE: Duration = Duration::from_secs(60);

/// Who has no token is passed over; whether there is one by now is looked at so often, by whoever waits
/// for leave.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Clients {
    /// Leave of whoever has it first, but of nobody who was `tried`.
    pub(super) async fn leave(&self, class: Class, tried: &BTreeSet<usize>) -> Permit {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut changes = self.standings.subscribe();
        loop {
            changes.mark_unchanged();
            let asked = self.candidates(class, tried, first).into_iter().map(|client| {
                let permit = self.members[client].account.permit(class);
                permit.map(move |permit| Permit { client, ..permit }).boxed()
            });
            let asked: Vec<_> = asked.collect();
            tokio::select! {
                biased;
                (permit, ..) = select_all(asked) => return permit,
                // Others may be asked now.
                Ok(()) = changes.changed() => {}
                () = sleep(LOOK_AGAIN), if !self.all_have_tokens() => {}
            }
        }
    }

    fn all_have_tokens(&self) -> bool {
        self.well().all(|(_, member)| member.account.has_token())
    }

    /// Who may be asked, in their turns: those who are well; of them, who is forbidden nothing of
    /// this class; of them, who has a token. There is always somebody.
    fn candidates(&self, class: Class, tried: &BTreeSet<usize>, first: usize) -> Vec<usize> {
        let (now, count) = (Instant::now(), self.members.len());
        let turns = (0..count).map(|n| (first.wrapping_add(n)) % count);
        let untried: Vec<usize> = turns.filter(|number| !tried.contains(number)).collect();
        let untried = if untried.is_empty() { (0..count).collect() } else { untried };
        let chosen = |is: &dyn Fn(&usize) -> bool, of: Vec<usize>| {
            let those: Vec<usize> = of.iter().copied().filter(is).collect();
            if those.is_empty() { of } else { those }
        };
        let well = chosen(&|number| !self.is_refused(*number), untried);
        let may =
            chosen(&|number| !self.members[*number].state().is_barred(class, None, now), well);
        chosen(&|number| self.members[*number].account.has_token(), may)
    }

    pub(super) async fn make(&self, permit: Permit, call: Call) -> Result<Answer, CallError> {
        let mut permit = self.better(permit, &call).await;
        let (mut tried, mut said) = (BTreeSet::new(), None);
        loop {
            let number = permit.client;
            let answer = self.members[number].account.call_with(permit, call.clone()).await;
            let error = match answer {
                Ok(answer) => {
                    self.members[number].state().succeeded(call.operation);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            self.note(number, Some(&call), &error);
            if let CallError::Throttled(refusal, _) = error {
                // It is worth asking again as soon as anybody may.
                return Err(CallError::Throttled(refusal, self.resting().unwrap_or_default()));
            }
            if !is_for_others(&error) {
                return Err(error);
            }
            // What was said of the call says more than what was said of a client.
            let of_the_call = matches!(error, CallError::Forbidden(_));
            said = if of_the_call { Some(error) } else { said.or(Some(error)) };
            tried.insert(number);
            let others =
                (0..self.members.len()).any(|n| !tried.contains(&n) && !self.is_refused(n));
            match said.take() {
                Some(error) if !others => return Err(self.last_word(error)),
                kept => said = kept,
            }
            permit = self.leave(call.class, &tried).await;
        }
    }

    /// Where the client that gave leave is forbidden this very operation, somebody else's leave.
    async fn better(&self, permit: Permit, call: &Call) -> Permit {
        let (now, number) = (Instant::now(), permit.client);
        let barred = |n: usize| self.members[n].state().is_barred(call.class, Some(call), now);
        let other = |n: usize| n != number && !self.is_refused(n) && !barred(n);
        if !barred(number) || !(0..self.members.len()).any(other) {
            return permit;
        }
        self.members[number].account.give_back(permit);
        let without = (0..self.members.len()).filter(|n| !other(*n)).collect();
        self.leave(call.class, &without).await
    }

    /// That the credentials are refused is the last word only if it is said to all.
    pub(super) fn last_word(&self, error: CallError) -> CallError {
        let all = self.members.iter().all(|member| member.state().credentials_refused());
        if all && matches!(error, CallError::Credentials(_) | CallError::NoToken(_)) {
            let told = self.members.iter().filter_map(|member| {
                let reason = member.state().refused()?.to_owned();
                Some(format!("{}: {reason}", member.account.name().unwrap_or_default()))
            });
            return CallError::Credentials(told.collect::<Vec<_>>().join("; "));
        }
        if let CallError::Credentials(reason) = error { CallError::NoToken(reason) } else { error }
    }

    /// Takes in how a call of one client failed.
    pub(super) fn note(&self, number: usize, call: Option<&Call>, error: &CallError) {
        let Some(member) = self.members.get(number).filter(|_| self.members.len() > 1) else {
            return;
        };
        let now = Instant::now();
        let client = member.account.name();
        match error {
            CallError::Credentials(_) | CallError::Unauthorized(_) => self.refuse(number, error),
            CallError::NoToken(_) => {
                let mut others = self.well().filter(|(other, _)| *other != number);
                let other_works = others.any(|(_, other)| other.state().has_token());
                if member.state().without_token(now) && other_works {
                    self.refuse(number, error);
                }
            }
            CallError::Forbidden(_) => {
                if let Some(call) = call
                    && member.state().forbidden(call, now)
                {
                    warn!(
                        client,
                        operation = call.operation,
                        "forbidden to this client again and again, the others do it: give all \
                         clients the same roles and divisions"
                    );
                }
            }
            CallError::Throttled(..) => {
                let rest = member.account.usage().resting_for.unwrap_or_default();
                self.set_standing(number, Standing::Resting { until: now + rest });
            }
            CallError::NotFound(_)
            | CallError::Conflict(_)
            | CallError::Refused(_)
            | CallError::Unavailable(_)
            | CallError::NoAnswer { .. }
            | CallError::Unreadable { .. } => {}
        }
    }

    fn refuse(&self, number: usize, error: &CallError) {
        let member = &self.members[number];
        if member.state().refuse(error, Instant::now() + PROBE) {
            let client = member.account.name();
            warn!(client, correlation_id = error.correlation_id(), %error, "the client is refused, its topics and updates go by the others");
            self.set_standing(number, Standing::Refused);
        }
    }

    pub(super) fn set_standing(&self, number: usize, standing: Standing) {
        self.standings.send_if_modified(|standings| match standings.get_mut(number) {
            // A call that was under way when it was refused says nothing new.
            Some(Standing::Refused) if standing != Standing::Well => false,
            Some(old) if *old != standing => {
                *old = standing;
                true
            }
            Some(_) | None => false,
        });
    }
}

/// Whether another client may have another answer. Nothing was done in any of these.
fn is_for_others(error: &CallError) -> bool {
    match error {
        CallError::Credentials(_)
        | CallError::NoToken(_)
        | CallError::Unauthorized(_)
        | CallError::Forbidden(_) => true,
        CallError::Throttled(..)
        | CallError::NotFound(_)
        | CallError::Conflict(_)
        | CallError::Refused(_)
        | CallError::Unavailable(_)
        | CallError::NoAnswer { .. }
        | CallError::Unreadable { .. } => false,
    }
}
