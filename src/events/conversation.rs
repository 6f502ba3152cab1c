//! One conversation as it is at one moment, in one shape for every topic, medium and API answer.
//!
//! Genesys sends the same conversation in three shapes: the generic topic's, each media topic's
//! (flattened participants, FACTS 2.4) and the REST one (other enumeration spellings, FACTS 2.3).
//! All are normalised to this one before anybody looks. Whatever is missing, null or of an unknown
//! kind in the original is `None` or an unknown word here, never an error.
//!
//! Two values are equal if and only if no rule could tell their fields apart; that is what makes a
//! duplicate. What they were read from does not count.

use jiff::Timestamp;

pub use super::attributes::Attributes;
pub use super::original::Original;
pub use super::text::Text;
use crate::genesys::{ConversationId, ParticipantId, QueueId, UserId};

/// A snapshot: the whole conversation at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conversation {
    pub id: ConversationId,
    pub participants: Vec<Participant>,
    /// The conversation's own address, scheme stripped.
    pub address: Option<Text>,
    pub external_tag: Option<Text>,
    /// Lower case, whatever the source (REST writes upper case).
    pub recording_state: Option<Text>,
    pub secure_pause: Option<bool>,
    pub division_ids: Vec<Text>,
    /// How many transfers Genesys lists as recent.
    pub recent_transfers: usize,
    /// True when the body was a media topic's, which lacks other media: such a snapshot never
    /// replaces a full one (SEMANTICS 2).
    pub partial: bool,
    /// For rules that ask it.
    pub original: Original,
}

/// One party to the conversation: a person, a queue leg, a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Participant {
    pub id: ParticipantId,
    /// An open word (`customer`, `agent`, `acd`, `ivr`, `botflow`, …), lower case.
    pub purpose: Option<Text>,
    pub name: Option<Text>,
    pub user_id: Option<UserId>,
    pub queue_id: Option<QueueId>,
    pub team_id: Option<Text>,
    pub group_id: Option<Text>,
    pub external_contact_id: Option<Text>,
    pub external_organization_id: Option<Text>,
    pub connected_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub start_acw_time: Option<Timestamp>,
    pub end_acw_time: Option<Timestamp>,
    pub wrapup_required: Option<bool>,
    pub wrapup_expected: Option<bool>,
    pub wrapup_code: Option<Text>,
    /// Scheme stripped.
    pub address: Option<Text>,
    pub flow_id: Option<Text>,
    pub consult_participant_id: Option<ParticipantId>,
    pub monitored_participant_id: Option<ParticipantId>,
    pub coached_participant_id: Option<ParticipantId>,
    pub barged_participant_id: Option<ParticipantId>,
    pub routing: Routing,
    pub attributes: Attributes,
    pub communications: Vec<Communication>,
}

/// What the queue was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Routing {
    pub queue_id: Option<QueueId>,
    pub language_id: Option<Text>,
    pub skill_ids: Vec<Text>,
    pub priority: Option<i64>,
}

/// One call, message thread, e-mail or other medium of one participant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Communication {
    pub media: Media,
    pub id: Option<Text>,
    /// Lower case: `alerting`, `connected`, `disconnected`, … ; unknown words are kept.
    pub state: Option<Text>,
    pub initial_state: Option<Text>,
    pub direction: Option<Direction>,
    pub held: Option<bool>,
    pub muted: Option<bool>,
    pub recording: Option<bool>,
    pub disconnect_type: Option<Text>,
    pub connected_time: Option<Timestamp>,
    pub disconnected_time: Option<Timestamp>,
    pub start_hold_time: Option<Timestamp>,
    /// State of the after-call work, lower case: `pending`, `complete`, …
    pub after_call_work: Option<Text>,
    pub after_call_work_ended: Option<Timestamp>,
    pub wrapup_code: Option<Text>,
    /// Our side's address, normalised as Genesys does, scheme stripped.
    pub self_address: Option<Text>,
    /// The other side's address, normalised as Genesys does, scheme stripped.
    pub other_address: Option<Text>,
    pub other_name: Option<Text>,
    pub provider: Option<Text>,
    pub script_id: Option<Text>,
    pub peer_id: Option<Text>,
    /// `webmessaging`, `sms`, `whatsapp`, … of a message.
    pub message_type: Option<Text>,
    pub message_ids: Vec<Text>,
    /// Of an e-mail.
    pub subject: Option<Text>,
    /// Of a callback, E.164 where Genesys has it so.
    pub callback_numbers: Vec<Text>,
    pub callback_user_name: Option<Text>,
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

impl Communication {
    /// One of which nothing is known.
    pub fn new(media: Media) -> Communication {
        Communication {
            media,
            id: None,
            state: None,
            initial_state: None,
            direction: None,
            held: None,
            muted: None,
            recording: None,
            disconnect_type: None,
            connected_time: None,
            disconnected_time: None,
            start_hold_time: None,
            after_call_work: None,
            after_call_work_ended: None,
            wrapup_code: None,
            self_address: None,
            other_address: None,
            other_name: None,
            provider: None,
            script_id: None,
            peer_id: None,
            message_type: None,
            message_ids: Vec::new(),
            subject: None,
            callback_numbers: Vec::new(),
            callback_user_name: None,
        }
    }
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
