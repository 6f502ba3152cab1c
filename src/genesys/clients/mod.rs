//! Several OAuth clients that work as one: one [`Api`] for everybody, whoever's budget pays.
//!
//! Each client is an [`Account`] of its own, with its token and its budget. Leave for a request comes
//! from whichever client has it first. A client that is refused, for its credentials or with a 403,
//! hands the call on to the others: a call that was refused was not acted upon, so nothing is written
//! twice. A client whose credentials are refused is left alone but for a [look](Clients::keep_up) now
//! and then, until it works again; one that is throttled rests, and the others have leave meanwhile.
//!
//! What belongs to a client (its channels) goes by [`Clients::bound`]. Where there is one client only
//! all of this is that client's [`Account`], and nothing else.

mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all, select_all};
use http::Method;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use self::standing::Standing;
use self::standing::State;
use super::account::Account;
use super::call::{Answer, Api, Call, CallError, Class, Permit};
use super::organization::{Organization, OrganizationError, of_token};
use super::outside::Outside;
use super::pacer::Usage;
use crate::config::{Genesys, Updates};
use crate::status::counts::Counts;
use crate::status::pulse::{Beat, IDLE_BEAT};

/// How often a refused client is tried. A token request and a read: nothing of a budget that is not
/// used anyhow, and soon enough for whoever mends it and waits.
const PROBE: Duration = Duration::from_secs(60);
/// How long one try may take; less than after what a loop counts as hung.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// All clients of the configuration, in its order.
pub struct Clients {
    members: Vec<Member>,
    standings: watch::Sender<Vec<Standing>>,
    /// Who is asked for leave first, in turns.
    turn: AtomicUsize,
    /// The organisation that they must all belong to, once it is known.
    organization: OnceLock<Organization>,
}

struct Member {
    id: String,
    account: Arc<Account>,
    state: Mutex<State>,
}

/// One client, for what is its own.
pub struct Bound {
    /// The OAuth client's id.
    pub id: String,
    /// What logs call it; `None` where there is one only.
    pub name: Option<Arc<str>>,
    /// Its calls, and nobody else's.
    pub api: Arc<dyn Api>,
}

/// The calls of one client, whose outcome the others shall know.
struct One {
    clients: Arc<Clients>,
    number: usize,
}

impl Clients {
    /// Prepares them; asks for nothing yet.
    pub fn new(
        genesys: &Genesys,
        updates: &Updates,
        outside: Arc<dyn Outside>,
        counts: Arc<Counts>,
    ) -> Arc<Clients> {
        let member = |client| {
            let (outside, counts) = (Arc::clone(&outside), Arc::clone(&counts));
            let account = Account::of(genesys, client, updates, outside, counts);
            Member { id: client.id.clone(), account, state: Mutex::default() }
        };
        let members: Vec<Member> = genesys.clients.iter().map(member).collect();
        Arc::new(Clients {
            standings: watch::Sender::new(vec![Standing::Well; members.len()]),
            members,
            turn: AtomicUsize::new(0),
            organization: OnceLock::new(),
        })
    }

    /// Gets the first tokens, which show whose credentials are good.
    ///
    /// # Errors
    ///
    /// [`CallError::Credentials`] if nobody's are; [`CallError::NoToken`] if nobody has a token for
    /// now.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn start(&self) -> Result<(), CallError> {
        if let [only] = &self.members[..] {
            return only.account.start().await;
        }
        let starts = self.members.iter().map(|member| member.account.start());
        let mut failures = Vec::new();
        for (number, started) in join_all(starts).await.into_iter().enumerate() {
            if let Err(error) = started {
                self.note(number, None, &error);
                failures.push(error);
            }
        }
        match failures.pop() {
            Some(error) if failures.len() + 1 == self.members.len() => Err(self.last_word(error)),
            Some(_) | None => Ok(()),
        }
    }

    /// Sees to it that all clients belong to one organisation, and to the one that is wanted. A
    /// single one that may belong to any is not asked.
    ///
    /// # Errors
    ///
    /// If one of them belongs to another, or the last question has no answer. Clients that are
    /// refused are asked when they work again.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn check_organization(&self, wanted: Option<&str>) -> Result<(), OrganizationError> {
        if let [only] = &self.members[..] {
            let Some(wanted) = wanted else { return Ok(()) };
            let check = super::organization::check_organization(&*only.account, Some(wanted));
            return check.await.map(|_| ());
        }
        let asked: Vec<usize> =
            (0..self.members.len()).filter(|number| !self.is_refused(*number)).collect();
        let answers = asked.iter().map(|number| self.organization_of(*number));
        let mut last = None;
        for (number, found) in asked.iter().zip(join_all(answers).await) {
            match found {
                Ok(found) => self.belongs(&found, wanted)?,
                Err(error) => {
                    self.note(*number, None, &error);
                    last = Some(error);
                }
            }
        }
        last.map_or(Ok(()), |error| Err(error.into()))
    }

    /// How all budgets stand, together: those of refused clients are no budget.
    pub fn usage(&self) -> Usage {
        let well = self.members.iter().enumerate().filter(|(number, _)| !self.is_refused(*number));
        let usages: Vec<Usage> = well.map(|(_, member)| member.account.usage()).collect();
        match &usages[..] {
            [] => self.members[0].account.usage(),
            [only] => *only,
            all => Usage {
                used: all.iter().map(|usage| usage.used).fold(0, u32::saturating_add),
                allowed: all.iter().map(|usage| usage.allowed).fold(0, u32::saturating_add),
                window_ends_in: all.iter().filter_map(|usage| usage.window_ends_in).max(),
                resting_for: self.resting(),
            },
        }
    }

    /// The budget of each, with its name, where there are several.
    pub fn usages(&self) -> Vec<(String, Usage)> {
        let name = |member: &Member| member.account.name().map(str::to_owned);
        let named = self.members.iter().filter_map(|one| Some((name(one)?, one.account.usage())));
        named.collect()
    }

    /// What is wrong with whom, in words for the line of status.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        for member in &self.members {
            let Some(name) = member.account.name() else { continue };
            if let Some(reason) = member.state().refused() {
                troubles.push(format!("client {name} REFUSED ({reason})"));
            } else if let Some(rest) = member.account.usage().resting_for {
                troubles.push(format!("client {name} rests for {} s (429)", rest.as_secs()));
            }
        }
        troubles
    }

    /// Drops a client's token because Genesys Cloud says that it was revoked.
    pub fn token_revoked(&self, client: usize) {
        if let Some(member) = self.members.get(client) {
            member.account.token_revoked();
        }
    }

    /// Each client by itself.
    pub fn bound(self: &Arc<Self>) -> Vec<Bound> {
        let bound = |(number, member): (usize, &Member)| Bound {
            id: member.id.clone(),
            name: member.account.name().map(Arc::from),
            api: Arc::new(One { clients: Arc::clone(self), number }),
        };
        self.members.iter().enumerate().map(bound).collect()
    }

    /// How each client stands, as it changes.
    pub fn standings(&self) -> watch::Receiver<Vec<Standing>> {
        self.standings.subscribe()
    }

    /// Tries refused clients again and again, until `stop`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is as good as `stop`.
    pub async fn keep_up(self: Arc<Self>, stop: CancellationToken, beat: Beat) {
        let mut changes = self.standings.subscribe();
        loop {
            beat.give();
            changes.mark_unchanged();
            let now = Instant::now();
            let due: Vec<(usize, Instant)> = self
                .members
                .iter()
                .enumerate()
                .filter_map(|(number, member)| Some((number, member.state().probe_at()?)))
                .collect();
            let ready: Vec<usize> =
                due.iter().filter(|(_, at)| *at <= now).map(|(number, _)| *number).collect();
            if !ready.is_empty() {
                let probes = join_all(ready.iter().map(|number| self.probe(*number)));
                if stop.run_until_cancelled(probes).await.is_none() {
                    return;
                }
                continue;
            }
            let next = due.into_iter().map(|(_, at)| at).min();
            let next = next.map_or(now + IDLE_BEAT, |at| at.min(now + IDLE_BEAT));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Ok(()) = changes.changed() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// Sees whether a refused client works again.
    async fn probe(&self, number: usize) {
        let member = &self.members[number];
        member.state().probed(Instant::now() + PROBE);
        let found = match timeout(PROBE_LIMIT, self.organization_of(number)).await {
            Ok(Ok(found)) => Some(found),
            // The token is good, whatever else there is.
            Ok(Err(CallError::Forbidden(_) | CallError::NotFound(_))) => None,
            Ok(Err(_)) | Err(_) => return,
        };
        let client = member.account.name();
        if let Some(Err(error)) = found.map(|found| self.belongs(&found, None)) {
            error!(client, %error, "the client is not taken back");
            return;
        }
        info!(client, "the client works again, and takes part again");
        member.state().is_well();
        self.set_standing(number, Standing::Well);
    }

    async fn organization_of(&self, number: usize) -> Result<Organization, CallError> {
        const OPERATION: &str = "token_me";
        let call = Call {
            class: Class::Channel,
            operation: OPERATION,
            method: Method::GET,
            path: "/api/v2/tokens/me".to_owned(),
            body: None,
        };
        let answer = self.members[number].account.call(call).await?;
        of_token(&answer.body)
            .map_err(|reason| CallError::Unreadable { operation: OPERATION, reason })
    }

    fn belongs(&self, found: &Organization, wanted: Option<&str>) -> Result<(), OrganizationError> {
        let first = self.organization.get_or_init(|| found.clone());
        let wanted = match wanted {
            Some(wanted) if !found.is_called(wanted) => wanted.to_owned(),
            _ if found.id != first.id => format!("{} ({})", first.name, first.id),
            _ => return Ok(()),
        };
        Err(OrganizationError::Other { wanted, found: found.clone() })
    }

    /// Leave of whoever has it first, but of nobody who was `tried`.
    async fn leave(&self, class: Class, tried: &BTreeSet<usize>) -> Permit {
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
            }
        }
    }

    /// Who may be asked, in their turns: those who are well; of them, who is forbidden nothing of
    /// this class. There is always somebody.
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
        chosen(&|number| !self.members[*number].state().is_barred(class, None, now), well)
    }

    async fn make(&self, permit: Permit, call: Call) -> Result<Answer, CallError> {
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
            match error {
                // It is worth asking again as soon as anybody may.
                CallError::Throttled(refusal, _) => {
                    return Err(CallError::Throttled(refusal, self.resting().unwrap_or_default()));
                }
                error if !is_for_others(&error) => return Err(error),
                // What was said of the call says more than what was said of a client.
                CallError::Forbidden(_) => said = Some(error),
                error => said = said.or(Some(error)),
            }
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
    fn last_word(&self, error: CallError) -> CallError {
        let all = self.members.iter().all(|member| member.state().credentials_refused());
        match error {
            CallError::Credentials(_) | CallError::NoToken(_) if all => {
                let told = self.members.iter().filter_map(|member| {
                    let reason = member.state().refused()?.to_owned();
                    Some(format!("{}: {reason}", member.account.name().unwrap_or_default()))
                });
                CallError::Credentials(told.collect::<Vec<_>>().join("; "))
            }
            CallError::Credentials(reason) => CallError::NoToken(reason),
            error => error,
        }
    }

    /// Takes in how a call of one client failed.
    fn note(&self, number: usize, call: Option<&Call>, error: &CallError) {
        let Some(member) = self.members.get(number).filter(|_| self.members.len() > 1) else {
            return;
        };
        let now = Instant::now();
        let client = member.account.name();
        match error {
            CallError::Credentials(_) | CallError::Unauthorized(_) => self.refuse(number, error),
            CallError::NoToken(_) => {
                let others = self.members.iter().enumerate();
                let other_works = others
                    .filter(|(n, _)| *n != number && !self.is_refused(*n))
                    .any(|(_, other)| other.state().has_token());
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
            warn!(client, %error, "the client is refused, its topics and updates go by the others");
            self.set_standing(number, Standing::Refused);
        }
    }

    fn set_standing(&self, number: usize, standing: Standing) {
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

    fn is_refused(&self, number: usize) -> bool {
        self.members.get(number).is_some_and(|member| member.state().refused().is_some())
    }

    /// How long it takes until one that is not refused may be asked; `None` if one may be now.
    fn resting(&self) -> Option<Duration> {
        let well = self.members.iter().enumerate().filter(|(number, _)| !self.is_refused(*number));
        let rests = well.map(|(_, member)| member.account.usage().resting_for.unwrap_or_default());
        rests.min().filter(|rest| !rest.is_zero())
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

impl Member {
    /// The state is whole between any two calls, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bound {
    /// The one client of a test or a command.
    pub fn alone(api: Arc<dyn Api>) -> Vec<Bound> {
        vec![Bound { id: String::new(), name: None, api }]
    }
}

impl Api for Clients {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        match &self.members[..] {
            [only] => only.account.permit(class),
            _ => Box::pin(async move { self.leave(class, &BTreeSet::new()).await }),
        }
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        match &self.members[..] {
            [only] => only.account.call_with(permit, call),
            _ => Box::pin(self.make(permit, call)),
        }
    }
}

impl Api for One {
    fn permit(&self, class: Class) -> BoxFuture<'_, Permit> {
        let client = self.number;
        let permit = self.clients.members[client].account.permit(class);
        Box::pin(permit.map(move |permit| Permit { client, ..permit }))
    }

    fn call_with(&self, permit: Permit, call: Call) -> BoxFuture<'_, Result<Answer, CallError>> {
        let account = &self.clients.members[self.number].account;
        Box::pin(async move {
            let answer = account.call_with(permit, call).await;
            match &answer {
                Ok(_) => self.clients.members[self.number].state().answered(),
                // A 403 about a channel is the topics' business.
                Err(error) => self.clients.note(self.number, None, error),
            }
            answer
        })
    }
}
