//! What a party's fields are derived from, beyond what [`events`](crate::events) says of it.
//!
//! Who is the customer, what has ended, whose number it is: that is decided there, once for all, so
//! that rules and what is observed beside them agree. Here is what only rules ask, and the words
//! that they are written in.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::field::{Glance, Value};
use crate::events::conversation::{Communication, Conversation, Direction, Participant, Text};
use crate::events::parties::{Recency, Role};
use crate::genesys::names::Listed;

/// Purposes of those who work for the organisation.
const AGENTS: [&str; 2] = ["agent", "user"];

/// How new an element of a conversation is; the greatest is the newest (SEMANTICS 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    recency: Recency,
    /// In the arrays of participants and of their communications.
    place: (usize, usize),
}

impl Rank {
    pub(super) fn new(ended: bool, connected: Option<Timestamp>, place: (usize, usize)) -> Rank {
        Rank { recency: Recency::new(ended, connected), place }
    }
}

/// Where in the array this element of it stands.
pub(super) fn place<T>(array: &[T], element: Option<&T>) -> Option<usize> {
    let element = element?;
    array.iter().position(|one| std::ptr::eq(one, element))
}

pub(super) fn is_agent(participant: &Participant) -> bool {
    participant.purpose.as_deref().is_some_and(|purpose| AGENTS.contains(&purpose))
}

/// The participant has ended, or the communication that is looked at has.
pub(super) fn glance_ended(
    participant: &Participant,
    communication: Option<&Communication>,
) -> bool {
    participant.ended() || communication.is_some_and(Communication::ended)
}

/// The first communication of the first customer or external participant that has any.
pub(super) fn first_outside(conversation: &Conversation) -> Option<&Communication> {
    let outside = |one: &&Participant| one.has_purpose("customer") || one.has_purpose("external");
    let mut outside = conversation.participants.iter().filter(outside);
    outside.find_map(|participant| participant.communications.first())
}

/// How many different users have been connected as agents.
pub(super) fn agents(conversation: &Conversation) -> usize {
    let connected =
        conversation.participants.iter().filter(|p| is_agent(p) && p.connected_time.is_some());
    connected.filter_map(|p| p.user_id.as_ref()).collect::<BTreeSet<_>>().len()
}

/// How long the conversation waited in queues, in all. A wait that lasts is not in it, so that it
/// changes with events only.
pub(super) fn queue_wait(conversation: &Conversation) -> Option<SignedDuration> {
    let legs = conversation.participants.iter().filter(|one| one.has_purpose("acd"));
    let waits = legs.filter_map(|leg| Some(leg.end_time?.duration_since(leg.connected_time?)));
    waits.map(|wait| wait.max(SignedDuration::ZERO)).reduce(|all, one| all.saturating_add(one))
}

/// How long the queue leg that is looked at has been waiting.
pub(super) fn waiting(glance: &Glance<'_>) -> Option<SignedDuration> {
    let leg = glance.participant.filter(|one| one.has_purpose("acd"))?;
    since(glance, leg.connected_time?)
}

pub(super) fn held_for(glance: &Glance<'_>) -> Option<SignedDuration> {
    let held = glance.communication.filter(|one| one.held == Some(true))?;
    since(glance, held.start_hold_time?)
}

pub(super) fn connected(glance: &Glance<'_>) -> Option<Timestamp> {
    let of_communication = glance.communication.and_then(|one| one.connected_time);
    of_communication.or(glance.participant?.connected_time)
}

pub(super) fn end(glance: &Glance<'_>) -> Option<Timestamp> {
    let of_communication = glance.communication.and_then(|one| one.disconnected_time);
    of_communication.or(glance.participant?.end_time)
}

/// How long something lasts that began then: `None` if who is looked at has ended. It is never
/// negative, however the clocks differ.
pub(super) fn since(glance: &Glance<'_>, began: Timestamp) -> Option<SignedDuration> {
    let live = !glance_ended(glance.participant?, glance.communication);
    live.then(|| glance.now.duration_since(began).max(SignedDuration::ZERO))
}

pub(super) fn wrapup_code<'a>(
    participant: &'a Participant,
    communication: Option<&'a Communication>,
) -> Option<&'a str> {
    let own = participant.wrapup_code.as_deref();
    own.or_else(|| communication.and_then(|c| c.wrapup_code.as_deref()))
}

/// The directory's name for the wrap-up code; nothing while that is not known.
pub(super) fn wrapup_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let code = wrapup_code(glance.participant?, glance.communication)?;
    Value::text(glance.names.listed_name(Listed::WrapupCode, code))
}

/// The directory's name for the flow; nothing while that is not known.
pub(super) fn flow_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let flow = glance.participant?.flow_id.as_deref()?;
    Value::text(glance.names.listed_name(Listed::Flow, flow))
}

/// The directory's name for the language; nothing while that is not known.
pub(super) fn language_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let language = glance.participant?.routing.language_id.as_deref()?;
    Value::text(glance.names.listed_name(Listed::Language, language))
}

pub(super) fn skill_names<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    all_names(glance, Listed::Skill, &glance.participant?.routing.skill_ids)
}

pub(super) fn division_names<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    all_names(glance, Listed::Division, &glance.conversation.division_ids)
}

/// The directory's names for all of these; nothing while one is not known.
fn all_names<'a>(glance: &Glance<'a>, of: Listed, ids: &[Text]) -> Option<Value<'a>> {
    let names = ids.iter().map(|id| glance.names.listed_name(of, id.as_str()));
    Value::texts(names.collect::<Option<Vec<&str>>>()?.into_iter())
}

/// The directory's name for the user, else the participant's own.
pub(super) fn user_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let participant = glance.participant?;
    let user = participant.user_id.as_ref()?;
    let known = glance.names.user_names.get(user);
    Value::text(known.map(String::as_str).or(participant.name.as_deref()))
}

/// The directory's name for the queue, else what the queue's own leg in the conversation is called.
pub(super) fn queue_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let queue = glance.participant?.queue_id.as_ref()?;
    let leg = || {
        let mut legs = glance.conversation.participants.iter().filter(|p| p.has_purpose("acd"));
        legs.find(|p| p.queue_id.as_ref() == Some(queue))?.name.as_deref()
    };
    Value::text(glance.names.queue_names.get(queue).map(String::as_str).or_else(leg))
}

pub(super) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Agent => "agent",
        Role::Monitor => "monitor",
        Role::Coach => "coach",
        Role::Barge => "barge",
        Role::Consult => "consult",
    }
}
