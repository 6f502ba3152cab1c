//! Finds the participants that can be meant, in either dialect (DESIGN 5).
//!
//! In the patch dialect a user's conversations are found by a details query, which knows of a
//! conversation only after a while, and each is then read. In the put dialect one call lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

use super::plan::Attributes;
use super::request::{Place, Request, Whom};
use super::user;
use crate::cli::failure::{Failure, NO_PUT};
use crate::config::Dialect;
use crate::events::conversation::{Conversation, Participant};
use crate::events::read_rest;
use crate::genesys::call::{Api, CallError, Class};
use crate::genesys::reading::{self, UserConversation, Whose};
use crate::genesys::{ConversationId, ParticipantId, UserId};

/// How far back a conversation may have begun: the longest interval of one details query.
const LOOKBACK: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Reads under way at the same time.
const AT_ONCE: usize = 4;
/// Open conversations of one user that are looked at: a third of a minute's budget. Somebody who has
/// more is no person.
const MOST: usize = 100;
/// Words of the tutorial's `status` for who is no longer there.
const GONE: [&str; 2] = ["disconnected", "terminated"];

/// A participant that can be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) conversation: ConversationId,
    pub(super) participant: ParticipantId,
    /// Purpose, medium and state, as far as they are known; nothing private.
    pub(super) about: String,
    /// If they were read on the way.
    pub(super) attributes: Option<Attributes>,
}

/// One look around.
struct Search<'a> {
    api: &'a dyn Api,
    dialect: Dialect,
    request: &'a Request,
    now: Timestamp,
}

/// Everybody who can be meant: one at least.
///
/// # Errors
///
/// If nobody is there, or it cannot be found out.
pub(super) async fn find(
    api: &dyn Api,
    dialect: Dialect,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<Candidate>, Failure> {
    let search = Search { api, dialect, request, now };
    match &request.place {
        Place::Conversation { id, user: None } => search.in_conversation(id, None).await,
        Place::Conversation { id, user: Some(name) } => {
            let user = user::find(api, name).await?;
            search.in_conversation(id, Some(&user)).await
        }
        Place::User(name) => {
            let user = user::find(api, name).await?;
            search.of_user(name, &user).await
        }
    }
}

impl Search<'_> {
    async fn in_conversation(
        &self,
        id: &ConversationId,
        user: Option<&UserId>,
    ) -> Result<Vec<Candidate>, Failure> {
        match (self.dialect, &self.request.whom, user) {
            // Nothing is left to be found out.
            (Dialect::Put, Whom::Participant(participant), _) => Ok(vec![Candidate {
                conversation: id.clone(),
                participant: participant.clone(),
                about: String::new(),
                attributes: None,
            }]),
            (Dialect::Put, Whom::User, Some(user)) => {
                let mut listed = self.listed(user).await?;
                listed.retain(|one| one.conversation_id == *id);
                let found = listed.iter().flat_map(|one| self.listed_candidates(one, user));
                self.some(found.collect(), &format!("conversation {id}"), "")
            }
            (Dialect::Put | Dialect::Patch, ..) => {
                let conversation = self.read(id).await.map_err(|error| self.call(&error))?;
                if conversation.is_over() {
                    return Err(Failure::missing(format!("the conversation {id} is over"))
                        .help("attributes of a conversation that has ended cannot be changed"));
                }
                let found = candidates(&conversation, &self.request.whom, user);
                self.some(found, &format!("conversation {id}"), &purposes(&[conversation]))
            }
        }
    }

    async fn of_user(&self, name: &str, user: &UserId) -> Result<Vec<Candidate>, Failure> {
        let place = format!("the live conversations of {name}");
        if self.dialect == Dialect::Put {
            let listed = self.listed(user).await?;
            if listed.is_empty() {
                return Err(self.no_conversation(name).await);
            }
            let by_purpose = matches!(self.request.whom, Whom::Purpose(_));
            if !by_purpose {
                let found = listed.iter().flat_map(|one| self.listed_candidates(one, user));
                return self.some(found.collect(), &place, "");
            }
            // The tutorial's listing has no purposes.
            let ids = listed.into_iter().map(|one| one.conversation_id).collect();
            return self.in_any(ids, name, user).await;
        }
        let whose = Whose { users: BTreeSet::from([user.clone()]), ..Whose::default() };
        let from = self.now.checked_sub(LOOKBACK).unwrap_or(Timestamp::UNIX_EPOCH);
        let ids = reading::open_conversations(self.api, Class::Update, &whose, from, self.now);
        let ids = ids.await.map_err(|error| self.call(&error))?;
        self.in_any(ids, name, user).await
    }

    /// In those of the conversations that live and in which the user still is.
    async fn in_any(
        &self,
        ids: BTreeSet<ConversationId>,
        name: &str,
        user: &UserId,
    ) -> Result<Vec<Candidate>, Failure> {
        if ids.len() > MOST {
            let message = format!("{name} has {} open conversations", ids.len());
            return Err(Failure::usage(message).help("say which with --conversation ID"));
        }
        let mut reads = futures::stream::iter(&ids).map(|id| self.read(id)).buffered(AT_ONCE);
        let (mut living, mut refused) = (Vec::new(), None);
        while let Some(read) = reads.next().await {
            match read {
                Ok(conversation) => {
                    let is_user = |one: &Participant| one.user_id.as_ref() == Some(user);
                    let mut there = conversation.participants.iter().filter(|one| !one.ended());
                    if !conversation.is_over() && there.any(is_user) {
                        living.push(conversation);
                    }
                }
                // Over since, or of a division that is not ours to see.
                Err(CallError::NotFound(_)) => {}
                Err(error @ CallError::Forbidden(_)) => refused = Some(error),
                Err(error) => return Err(self.call(&error)),
            }
        }
        match (living.is_empty(), refused) {
            (true, Some(refused)) => return Err(self.call(&refused)),
            (true, None) => return Err(self.no_conversation(name).await),
            (false, _) => {}
        }
        let whom = &self.request.whom;
        let found = living.iter().flat_map(|one| candidates(one, whom, Some(user))).collect();
        self.some(found, &format!("the live conversations of {name}"), &purposes(&living))
    }

    async fn read(&self, id: &ConversationId) -> Result<Conversation, CallError> {
        let answer = reading::conversation(self.api, Class::Update, id).await?;
        read_rest(&answer.body).map_err(|error| CallError::Unreadable {
            operation: "get_conversation",
            reason: error.to_string(),
        })
    }

    async fn listed(&self, user: &UserId) -> Result<Vec<UserConversation>, Failure> {
        let listed = reading::user_conversations(self.api, Class::Update, user).await;
        listed.map_err(|error| self.call(&error))
    }

    fn listed_candidates(&self, listed: &UserConversation, user: &UserId) -> Vec<Candidate> {
        let is_gone = |one: &reading::UserParticipant| {
            one.status.as_deref().is_some_and(|status| GONE.contains(&status))
        };
        let is_user = |one: &reading::UserParticipant| one.user_id.as_ref() == Some(user);
        // Who has hung up may have after-call work to do, unless another one is there instead.
        let some_there = listed.participants.iter().any(|one| is_user(one) && !is_gone(one));
        let meant = |one: &&reading::UserParticipant| match &self.request.whom {
            Whom::Participant(id) => one.participant_id == *id,
            Whom::User | Whom::Purpose(_) => is_user(one) && !(some_there && is_gone(one)),
        };
        let candidate = |one: &reading::UserParticipant| Candidate {
            conversation: listed.conversation_id.clone(),
            participant: one.participant_id.clone(),
            about: joined([one.purpose.clone(), one.status.clone()]),
            attributes: None,
        };
        listed.participants.iter().filter(meant).map(candidate).collect()
    }

    /// What was found, if it is anything.
    fn some(
        &self,
        found: Vec<Candidate>,
        place: &str,
        there: &str,
    ) -> Result<Vec<Candidate>, Failure> {
        if !found.is_empty() {
            return Ok(found);
        }
        let whom = match &self.request.whom {
            Whom::Participant(id) => format!("no participant {id}"),
            Whom::Purpose(purpose) => format!("nobody of purpose {purpose:?}"),
            Whom::User => "no participant of the user".to_owned(),
        };
        let help = match there {
            "" => "check the ids; who has left cannot be written to".to_owned(),
            there => format!("those who are there: {there}"),
        };
        Err(Failure::missing(format!("{whom} is in {place}")).help(help))
    }

    fn call(&self, error: &CallError) -> Failure {
        Failure::of_call(error, self.dialect)
    }

    async fn no_conversation(&self, name: &str) -> Failure {
        if user::is_unknown_id(self.api, name).await {
            return user::unknown(name);
        }
        let failure = Failure::missing(format!("{name} is in no conversation now"));
        match self.dialect {
            Dialect::Put => failure.help(NO_PUT),
            Dialect::Patch => failure.help(
                "one that has just begun is found only after a while: name it with --conversation \
                 ID, or run it again in a minute",
            ),
        }
    }
}

/// Those of a conversation that can be meant.
fn candidates(conversation: &Conversation, whom: &Whom, user: Option<&UserId>) -> Vec<Candidate> {
    let live = |meant: &dyn Fn(&Participant) -> bool| -> Vec<&Participant> {
        conversation.participants.iter().filter(|one| !one.ended() && meant(one)).collect()
    };
    let found = match whom {
        Whom::Participant(id) => {
            conversation.participants.iter().filter(|one| one.id == *id).collect()
        }
        Whom::User => live(&|one| user.is_some() && one.user_id.as_ref() == user),
        Whom::Purpose(purpose) => {
            let found = live(&|one| one.has_purpose(purpose));
            // The customer's attributes count until the conversation is over, whoever has hung up.
            match purpose.as_str() {
                "customer" if found.is_empty() => conversation.customer().into_iter().collect(),
                _ => found,
            }
        }
    };
    let candidate = |one: &Participant| Candidate {
        conversation: conversation.id.clone(),
        participant: one.id.clone(),
        about: about(one),
        attributes: Some(one.attributes.to_map()),
    };
    found.into_iter().map(candidate).collect()
}

fn about(participant: &Participant) -> String {
    let leg = participant.newest_communication(None).map(|leg| {
        let state = leg.state.as_deref().unwrap_or("state unknown");
        format!("{} {state}", leg.media.word())
    });
    let since = participant.connected_time.map(|time| format!("since {time:.0}"));
    let ended = participant.ended().then(|| "has left".to_owned());
    joined([participant.purpose.as_deref().map(str::to_owned), leg, since, ended])
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How many of each purpose are there.
fn purposes(conversations: &[Conversation]) -> String {
    let mut count = BTreeMap::<&str, usize>::new();
    for participant in conversations.iter().flat_map(|one| &one.participants) {
        if let Some(purpose) = participant.purpose.as_deref().filter(|_| !participant.ended()) {
            *count.entry(purpose).or_default() += 1;
        }
    }
    let each = count.into_iter().map(|(purpose, count)| format!("{count} {purpose}"));
    each.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conversation {} participant {}", self.conversation, self.participant)?;
        if self.about.is_empty() { Ok(()) } else { write!(f, " ({})", self.about) }
    }
}
