//! Who is who in a conversation, and what a party's fields are derived from.
//!
//! "Newest" is always the order of [`Rank`] (SEMANTICS 5).

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::field::{Glance, Value};
use crate::events::conversation::{Communication, Conversation, Direction, Media, Participant};

/// The words for media, in lower case as REST has them.
pub(super) const MEDIA: &[&str] = &[
    "call",
    "callback",
    "chat",
    "cobrowse",
    "email",
    "message",
    "internalmessage",
    "screenmonitoring",
    "screenshare",
    "socialexpression",
    "video",
];

/// Purposes of those who work for the organisation.
const AGENTS: [&str; 2] = ["agent", "user"];

/// Purposes of flows that hold attributes in memory, or answer for a person (FACTS 3.3).
const FLOWS: [&str; 4] = ["ivr", "botflow", "voicesurveyflow", "workflow"];

/// How new an element of a conversation is; the greatest is the newest.
///
/// Not ended beats ended; then the later connected time; who is not ended and has none is the
/// newest, because an alerting participant has none; then the place in the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    live: bool,
    connected: Connected,
    place: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Connected {
    NotKnown,
    At(Timestamp),
    NotYet,
}

impl Rank {
    pub(super) fn new(ended: bool, connected: Option<Timestamp>, place: (usize, usize)) -> Rank {
        let connected = match connected {
            Some(time) => Connected::At(time),
            None if ended => Connected::NotKnown,
            None => Connected::NotYet,
        };
        Rank { live: !ended, connected, place }
    }
}

/// The place of the newest participant that the filter takes.
pub(super) fn newest(
    conversation: &Conversation,
    filter: impl Fn(&Participant) -> bool,
) -> Option<usize> {
    let participants = conversation.participants.iter().enumerate().filter(|(_, p)| filter(p));
    let newest =
        participants.max_by_key(|(at, p)| Rank::new(ended(p), p.connected_time, (*at, 0)))?;
    Some(newest.0)
}

pub(super) fn customer(conversation: &Conversation) -> Option<usize> {
    newest(conversation, |p| has_purpose(p, "customer"))
        .or_else(|| newest(conversation, |p| has_purpose(p, "external")))
}

pub(super) fn agent(conversation: &Conversation) -> Option<usize> {
    newest(conversation, |p| is_agent(p) && p.connected_time.is_some())
}

pub(super) fn acd(conversation: &Conversation) -> Option<usize> {
    newest(conversation, |p| has_purpose(p, "acd"))
}

/// The newest communication of the participant, not-ended ones first, and among those of that
/// medium first.
pub(super) fn newest_communication(
    participant: &Participant,
    media: Option<Media>,
) -> Option<usize> {
    let communications = participant.communications.iter().enumerate();
    let newest = communications.max_by_key(|(at, c)| {
        let ended = communication_ended(c);
        (!ended, Some(c.media) == media, Rank::new(ended, c.connected_time, (*at, 0)))
    })?;
    Some(newest.0)
}

pub(super) fn has_purpose(participant: &Participant, purpose: &str) -> bool {
    participant.purpose.as_deref() == Some(purpose)
}

pub(super) fn is_agent(participant: &Participant) -> bool {
    participant.purpose.as_deref().is_some_and(|purpose| AGENTS.contains(&purpose))
}

pub(super) fn ended(participant: &Participant) -> bool {
    participant.end_time.is_some()
}

/// True also while the state still says `connected` (FACTS 2.5.5).
pub(super) fn communication_ended(communication: &Communication) -> bool {
    communication.disconnected_time.is_some()
        || matches!(communication.state.as_deref(), Some("disconnected" | "terminated"))
}

pub(super) fn glance_ended(
    participant: &Participant,
    communication: Option<&Communication>,
) -> bool {
    ended(participant) || communication.is_some_and(communication_ended)
}

/// Nobody is connected, and no after-call work is pending.
pub(super) fn is_over(conversation: &Conversation) -> bool {
    conversation.participants.iter().all(|p| {
        let gone = ended(p)
            || (!p.communications.is_empty() && p.communications.iter().all(communication_ended));
        let working = !ended(p)
            && (p.start_acw_time.is_some() && p.end_acw_time.is_none()
                || p.communications.iter().any(|c| {
                    c.after_call_work.as_deref() == Some("pending")
                        && c.after_call_work_ended.is_none()
                }));
        gone && !working
    })
}

/// A flow is running that answers for a person.
pub(super) fn in_flow(conversation: &Conversation) -> bool {
    conversation.participants.iter().any(|p| {
        p.purpose.as_deref().is_some_and(|purpose| FLOWS.contains(&purpose))
            && !ended(p)
            && p.communications.iter().any(|c| !communication_ended(c))
    })
}

/// The first communication of the first customer or external participant.
pub(super) fn first_outside(conversation: &Conversation) -> Option<&Communication> {
    let mut outside = conversation
        .participants
        .iter()
        .filter(|p| has_purpose(p, "customer") || has_purpose(p, "external"));
    outside.find_map(|p| p.communications.first())
}

pub(super) fn direction(conversation: &Conversation) -> Option<Direction> {
    first_outside(conversation)?.direction
}

/// How many different users have been connected as agents.
pub(super) fn agents(conversation: &Conversation) -> usize {
    let connected =
        conversation.participants.iter().filter(|p| is_agent(p) && p.connected_time.is_some());
    connected.filter_map(|p| p.user_id.as_ref()).collect::<BTreeSet<_>>().len()
}

/// What the participant is there for, if they work for the organisation.
pub(super) fn role(participant: &Participant) -> Option<&'static str> {
    if !is_agent(participant) {
        None
    } else if participant.barged_participant_id.is_some() {
        Some("barge")
    } else if participant.coached_participant_id.is_some() {
        Some("coach")
    } else if participant.monitored_participant_id.is_some() {
        Some("monitor")
    } else if participant.consult_participant_id.is_some() {
        Some("consult")
    } else {
        Some("agent")
    }
}

/// The customer's telephone number in E.164: the callback's, else the other side's, else the
/// participant's address.
pub(super) fn customer_number(conversation: &Conversation) -> Option<String> {
    let customer = &conversation.participants[customer(conversation)?];
    let communication = newest_communication(customer, None).map(|at| &customer.communications[at]);
    let callbacks = customer.communications.iter().flat_map(|c| &c.callback_numbers);
    let other = communication.and_then(|c| c.other_address.as_ref());
    callbacks.chain(other).chain(&customer.address).find_map(|text| e164(text))
}

/// The number without its punctuation, if it is one with a country code.
fn e164(text: &str) -> Option<String> {
    let number: String =
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
    let digits = number.strip_prefix('+')?;
    let fits = (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(number)
}

/// Whoever called: the other side if inbound, we if outbound.
pub(super) fn ani(communication: &Communication) -> Option<&str> {
    match communication.direction? {
        Direction::Inbound => communication.other_address.as_deref(),
        Direction::Outbound => communication.self_address.as_deref(),
    }
}

/// Whoever was called: we if inbound, the other side if outbound.
pub(super) fn dnis(communication: &Communication) -> Option<&str> {
    match communication.direction? {
        Direction::Inbound => communication.self_address.as_deref(),
        Direction::Outbound => communication.other_address.as_deref(),
    }
}

pub(super) fn wrapup_code<'a>(
    participant: &'a Participant,
    communication: Option<&'a Communication>,
) -> Option<&'a str> {
    let own = participant.wrapup_code.as_deref();
    own.or_else(|| communication.and_then(|c| c.wrapup_code.as_deref()))
}

/// The directory's name for the user, else the participant's own.
pub(super) fn user_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let participant = glance.participant?;
    let user = participant.user_id.as_ref()?;
    let known = glance.names.user_names.get(user);
    Value::text(known.or(participant.name.as_ref()).map(String::as_str))
}

/// The directory's name for the queue, else what the queue's own leg in the conversation is called.
pub(super) fn queue_name<'a>(glance: &Glance<'a>) -> Option<Value<'a>> {
    let queue = glance.participant?.queue_id.as_ref()?;
    let leg = || {
        let mut legs = glance.conversation.participants.iter().filter(|p| has_purpose(p, "acd"));
        legs.find(|p| p.queue_id.as_ref() == Some(queue))?.name.as_ref()
    };
    Value::text(glance.names.queue_names.get(queue).or_else(leg).map(String::as_str))
}

pub(super) fn media_word(media: Media) -> &'static str {
    match media {
        Media::Call => "call",
        Media::Callback => "callback",
        Media::Chat => "chat",
        Media::Cobrowse => "cobrowse",
        Media::Email => "email",
        Media::Message => "message",
        Media::InternalMessage => "internalmessage",
        Media::ScreenMonitoring => "screenmonitoring",
        Media::Screenshare => "screenshare",
        Media::SocialExpression => "socialexpression",
        Media::Video => "video",
    }
}

pub(super) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}
