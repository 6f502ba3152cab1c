//! Several OAuth clients that work as one: one [`Api`] for everybody, whoever's budget pays.
//!
//! Each client is an [`Account`] of its own, with its token and its budget. Leave for a request comes
//! from whichever client has it first, of those that have a token. A client that is refused, for its
//! credentials or with a 403, hands the call on to the others: a call that was refused was not acted
//! upon, so nothing is written twice. A client whose credentials are refused is left alone but for a
//! [look](Clients::keep_up) now and then, until it works again; one that is throttled rests, and the
//! others have leave meanwhile.
//!
//! What belongs to a client (its channels) goes by [`Clients::bound`]. Where there is one client only
//! all of this is that client's [`Account`], and nothing else.

mod admission;
mod sharing;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

pub use self::standing::Standing;
use self::standing::State;
use super::account::Account;
use super::call::{Answer, Api, Call, CallError, Class, Permit};
use super::organization::Organization;
use super::outside::Outside;
use super::pacer::Usage;
use crate::config::{Genesys, Updates};
use crate::status::counts::Counts;

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

    /// How all budgets stand, together: those of refused clients are no budget.
    pub fn usage(&self) -> Usage {
        let usages: Vec<Usage> = self.well().map(|(_, member)| member.account.usage()).collect();
        match &usages[..] {
            [] => self.members[0].account.usage(),
            [only] => *only,
            all => Usage {
                used: all.iter().map(|usage| usage.used).fold(0, u32::saturating_add),
                foreign: all.iter().map(|usage| usage.foreign).fold(0, u32::saturating_add),
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

    /// The account of each, in the order of the configuration.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.members.iter().map(|member| &*member.account)
    }

    /// Each with the OAuth client's id.
    pub fn by_id(&self) -> impl Iterator<Item = (&str, &Account)> {
        self.members.iter().map(|member| (&*member.id, &*member.account))
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

    /// Those that are not refused, with their places in the configuration.
    fn well(&self) -> impl Iterator<Item = (usize, &Member)> {
        self.members.iter().enumerate().filter(|(number, _)| !self.is_refused(*number))
    }

    fn is_refused(&self, number: usize) -> bool {
        self.members.get(number).is_some_and(|member| member.state().refused().is_some())
    }

    /// How long it takes until one that is not refused may be asked; `None` if one may be now.
    fn resting(&self) -> Option<Duration> {
        let rest = |member: &Member| member.account.usage().resting_for.unwrap_or_default();
        let rests = self.well().map(|(_, member)| rest(member));
        rests.min().filter(|rest| !rest.is_zero())
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
