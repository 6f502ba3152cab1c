//! The few words of which an event is made: what a party, a communication and the conversation can
//! be given.
//!
//! They are the names of the fields that rules look at, as far as a person gives them; what follows
//! from others (`ended` of the conversation, `agents`, …) cannot be given.

use crate::genesys::names::Listed;

/// One word.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) kind: WordKind,
    pub(crate) place: Place,
    /// What Genesys calls it, where it is taken over as it is; empty where it is not.
    pub(crate) genesys: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordKind {
    Text,
    Flag,
    Number,
    Texts,
    Queue,
    User,
    Listed(Listed),
    /// Several.
    AllListed(Listed),
}

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Conversation,
    Party,
    /// Each communication of the party, unless that says otherwise itself.
    Communication,
}

const fn word(name: &'static str, kind: WordKind, place: Place, genesys: &'static str) -> Word {
    Word { name, kind, place, genesys }
}

use Place::{Communication, Conversation, Party};
use WordKind::{AllListed, Flag, Number, Queue, Text, Texts, User};

/// Of `given` itself.
pub(crate) static CONVERSATION_WORDS: &[Word] = &[
    word("media", Text, Conversation, ""),
    word("direction", Text, Conversation, ""),
    word("ani", Text, Conversation, ""),
    word("dnis", Text, Conversation, ""),
    word("transfers", Number, Conversation, ""),
    word("address", Text, Conversation, "address"),
    word("external_tag", Text, Conversation, "externalTag"),
    word("recording_state", Text, Conversation, "recordingState"),
    word("secure_pause", Flag, Conversation, "securePause"),
    word("divisions", AllListed(Listed::Division), Conversation, ""),
    word("division_ids", Texts, Conversation, ""),
];

/// Of a party.
pub(crate) static PARTY_WORDS: &[Word] = &[
    word("purpose", Text, Party, "purpose"),
    word("name", Text, Party, "name"),
    word("user", User, Party, "userId"),
    word("queue", Queue, Party, "queueId"),
    word("team_id", Text, Party, "teamId"),
    word("group_id", Text, Party, "groupId"),
    word("number", Text, Party, ""),
    word("address", Text, Party, ""),
    word("external_contact_id", Text, Party, "externalContactId"),
    word("external_organization_id", Text, Party, "externalOrganizationId"),
    word("flow", WordKind::Listed(Listed::Flow), Party, ""),
    word("flow_id", Text, Party, ""),
    word("wrapup", WordKind::Listed(Listed::WrapupCode), Party, ""),
    word("wrapup_code", Text, Party, ""),
    word("skills", AllListed(Listed::Skill), Party, ""),
    word("skill_ids", Texts, Party, ""),
    word("language", WordKind::Listed(Listed::Language), Party, ""),
    word("language_id", Text, Party, ""),
    word("priority", Number, Party, ""),
    word("role", Text, Party, ""),
    word("ended", Flag, Communication, ""),
    word("media", Text, Communication, ""),
    word("state", Text, Communication, ""),
    word("direction", Text, Communication, ""),
    word("ani", Text, Communication, ""),
    word("dnis", Text, Communication, ""),
    word("held", Flag, Communication, "held"),
    word("muted", Flag, Communication, "muted"),
    word("disconnect_type", Text, Communication, "disconnectType"),
    word("message_type", Text, Communication, "type"),
    word("subject", Text, Communication, "subject"),
    word("after_call_work", Text, Communication, ""),
];
