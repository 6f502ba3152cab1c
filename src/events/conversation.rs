//! One conversation as it is at one moment, in one shape for every topic, medium and API answer.
//!
//! Genesys sends the same conversation in three shapes: the generic topic's, each media topic's
//! (flattened participants, FACTS 2.4) and the REST one (other enumeration spellings, FACTS 2.3).
//! All are normalised to this one before anybody looks. Whatever is missing, null or of an unknown
//! kind in the original is `None` or an unknown word here, never an error.
//!
//! Two values are equal if and only if no rule could tell them apart; that is what makes a
//! duplicate.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::genesys::{ConversationId, ParticipantId, QueueId, UserId};

/// Attribute keys and values of one participant.
pub type Attributes = BTreeMap<String, String>;

/// A snapshot: the whole conversation at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conversation {
    pub id: ConversationId,
    pub participants: Vec<Participant>,
    /// The conversation's own address, scheme stripped.
    pub address: Option<String>,
    pub external_tag: Option<String>,
    /// Lower case, whatever the source (REST writes upper case).
    pub recording_state: Option<String>,
    pub secure_pause: Option<bool>,
    pub division_ids: Vec<String>,
    /// How many transfers Genesys lists as recent.
    pub recent_transfers: usize,
    /// True when the body was a media topic's, which lacks other media: such a snapshot never
    /// replaces a full one (SEMANTICS 2).
    pub partial: bool,
}

/// One party to the conversation: a person, a queue leg, a flow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Participant {
    pub id: ParticipantId,
    /// An open word (`customer`, `agent`, `acd`, `ivr`, `botflow`, …), lower case.
    pub purpose: Option<String>,
    pub name: Option<String>,
    pub user_id: Option<UserId>,
    pub queue_id: Option<QueueId>,
    pub team_id: Option<String>,
    pub group_id: Option<String>,
    pub external_contact_id: Option<String>,
    pub external_organization_id: Option<String>,
    pub connected_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub start_acw_time: Option<Timestamp>,
    pub end_acw_time: Option<Timestamp>,
    pub wrapup_required: Option<bool>,
    pub wrapup_expected: Option<bool>,
    pub wrapup_code: Option<String>,
    /// Scheme stripped.
    pub address: Option<String>,
    pub flow_id: Option<String>,
    pub consult_participant_id: Option<ParticipantId>,
    pub monitored_participant_id: Option<ParticipantId>,
    pub coached_participant_id: Option<ParticipantId>,
    pub barged_participant_id: Option<ParticipantId>,
    pub routing: Routing,
    pub attributes: Arc<Attributes>,
    pub communications: Vec<Communication>,
}

/// What the queue was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Routing {
    pub queue_id: Option<QueueId>,
    pub language_id: Option<String>,
    pub skill_ids: Vec<String>,
    pub priority: Option<i64>,
}

/// One call, message thread, e-mail or other medium of one participant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Communication {
    pub media: Media,
    pub id: Option<String>,
    /// Lower case: `alerting`, `connected`, `disconnected`, … ; unknown words are kept.
    pub state: Option<String>,
    pub initial_state: Option<String>,
    pub direction: Option<Direction>,
    pub held: Option<bool>,
    pub muted: Option<bool>,
    pub recording: Option<bool>,
    pub disconnect_type: Option<String>,
    pub connected_time: Option<Timestamp>,
    pub disconnected_time: Option<Timestamp>,
    pub start_hold_time: Option<Timestamp>,
    /// State of the after-call work, lower case: `pending`, `complete`, …
    pub after_call_work: Option<String>,
    pub after_call_work_ended: Option<Timestamp>,
    pub wrapup_code: Option<String>,
    /// Our side's address, normalised as Genesys does, scheme stripped.
    pub self_address: Option<String>,
    /// The other side's address, normalised as Genesys does, scheme stripped.
    pub other_address: Option<String>,
    pub other_name: Option<String>,
    pub provider: Option<String>,
    pub script_id: Option<String>,
    pub peer_id: Option<String>,
    /// `webmessaging`, `sms`, `whatsapp`, … of a message.
    pub message_type: Option<String>,
    pub message_ids: Vec<String>,
    /// Of an e-mail.
    pub subject: Option<String>,
    /// Of a callback, E.164 where Genesys has it so.
    pub callback_numbers: Vec<String>,
    pub callback_user_name: Option<String>,
}

/// What kind of communication it is; in events, which array it was in (FACTS 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Media {
    Call,
    Callback,
    Chat,
    Cobrowse,
    Email,
    Message,
    InternalMessage,
    ScreenMonitoring,
    Screenshare,
    SocialExpression,
    Video,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    Inbound,
    Outbound,
}

impl Media {
    /// In lower case, as REST has it.
    pub fn word(self) -> &'static str {
        match self {
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
}
