//! Reads the shape in which participants hold their communications in arrays, one for each medium:
//! that of the generic users' and queues' topics (FACTS 2.3), and of the REST answer.
//!
//! A participant without an id is left out, because nothing can be written to it.

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient::{AttributeMap, List, Maybe, Object, Scalar, read};
use super::unreadable::Unreadable;
use super::wire::{Division, Reference, RoutingData, ThreadMessage, Wrapup};
use super::words::{Address, DisconnectType, Word};
use crate::events::conversation::{Communication, Conversation, Direction, Media, Participant};
use crate::genesys::{ConversationId, ParticipantId, QueueId, UserId};

/// Reads the body of an event of a generic topic, users' or queues'.
///
/// # Errors
///
/// If the body is not a JSON object or has no conversation id. Whatever else is missing, null, of
/// another type or not known is left out.
pub fn read_generic(body: &str) -> Result<Conversation, Unreadable> {
    let raw: RawConversation = read(body)?;
    let id = raw.id.0.ok_or(Unreadable::NoId)?;
    Ok(Conversation {
        id,
        participants: raw.participants.objects().filter_map(RawParticipant::normalise).collect(),
        address: raw.address.0.map(|address| address.0),
        external_tag: raw.external_tag.0,
        recording_state: raw.recording_state.0.map(|word| word.0),
        secure_pause: raw.secure_pause.0,
        division_ids: raw.divisions.ids(),
        recent_transfers: raw.recent_transfers.objects().count(),
        partial: false,
    })
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawConversation {
    id: Maybe<ConversationId>,
    participants: List<Object<RawParticipant>>,
    address: Maybe<Address>,
    external_tag: Maybe<String>,
    recording_state: Maybe<Word>,
    secure_pause: Maybe<bool>,
    divisions: List<Object<Division>>,
    recent_transfers: List<Object<Reference<Transfer>>>,
}

/// A transfer is only counted.
struct Transfer;

impl Scalar for Transfer {}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawParticipant {
    id: Maybe<ParticipantId>,
    purpose: Maybe<Word>,
    name: Maybe<String>,
    user_id: Maybe<UserId>,
    queue_id: Maybe<QueueId>,
    team_id: Maybe<String>,
    group_id: Maybe<String>,
    external_contact_id: Maybe<String>,
    external_organization_id: Maybe<String>,
    connected_time: Maybe<Timestamp>,
    end_time: Maybe<Timestamp>,
    start_acw_time: Maybe<Timestamp>,
    end_acw_time: Maybe<Timestamp>,
    wrapup_required: Maybe<bool>,
    wrapup_expected: Maybe<bool>,
    wrapup: Object<Wrapup>,
    address: Maybe<Address>,
    workflow: Object<Workflow>,
    consult_participant_id: Maybe<ParticipantId>,
    monitored_participant_id: Maybe<ParticipantId>,
    coached_participant_id: Maybe<ParticipantId>,
    barged_participant_id: Maybe<ParticipantId>,
    conversation_routing_data: Object<RoutingData>,
    attributes: AttributeMap,
    calls: Communications,
    callbacks: Communications,
    chats: Communications,
    cobrowsesessions: Communications,
    emails: Communications,
    messages: Communications,
    internal_messages: Communications,
    screen_monitorings: Communications,
    screenshares: Communications,
    social_expressions: Communications,
    videos: Communications,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Workflow {
    workflow_id: Maybe<String>,
}

type Communications = List<Object<RawCommunication>>;

/// All that any medium has.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCommunication {
    id: Maybe<String>,
    state: Maybe<Word>,
    initial_state: Maybe<Word>,
    direction: Maybe<Direction>,
    held: Maybe<bool>,
    muted: Maybe<bool>,
    recording: Maybe<bool>,
    disconnect_type: Maybe<DisconnectType>,
    connected_time: Maybe<Timestamp>,
    disconnected_time: Maybe<Timestamp>,
    start_hold_time: Maybe<Timestamp>,
    after_call_work: Object<AfterCallWork>,
    wrapup: Object<Wrapup>,
    #[serde(rename = "self")]
    our_side: Object<Endpoint>,
    other: Object<Endpoint>,
    to_address: Object<Endpoint>,
    from_address: Object<Endpoint>,
    provider: Maybe<String>,
    script_id: Maybe<String>,
    peer_id: Maybe<String>,
    #[serde(rename = "type")]
    kind: Maybe<Word>,
    messages: List<Object<ThreadMessage>>,
    subject: Maybe<String>,
    callback_numbers: List<Maybe<Address>>,
    callback_user_name: Maybe<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AfterCallWork {
    state: Maybe<Word>,
    end_time: Maybe<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    name: Maybe<String>,
    address_normalized: Maybe<Address>,
    address_raw: Maybe<Address>,
}

impl Endpoint {
    fn address(&mut self) -> Option<String> {
        let address = self.address_normalized.0.take().or_else(|| self.address_raw.0.take());
        address.map(|address| address.0)
    }
}

impl RawParticipant {
    fn normalise(self) -> Option<Participant> {
        let id = self.id.0?;
        let mut communications = Vec::new();
        for (media, list) in [
            (Media::Call, self.calls),
            (Media::Callback, self.callbacks),
            (Media::Chat, self.chats),
            (Media::Cobrowse, self.cobrowsesessions),
            (Media::Email, self.emails),
            (Media::Message, self.messages),
            (Media::InternalMessage, self.internal_messages),
            (Media::ScreenMonitoring, self.screen_monitorings),
            (Media::Screenshare, self.screenshares),
            (Media::SocialExpression, self.social_expressions),
            (Media::Video, self.videos),
        ] {
            communications.extend(list.objects().map(|raw| raw.normalise(media)));
        }
        Some(Participant {
            id,
            purpose: self.purpose.0.map(|word| word.0),
            name: self.name.0,
            user_id: self.user_id.0,
            queue_id: self.queue_id.0,
            team_id: self.team_id.0,
            group_id: self.group_id.0,
            external_contact_id: self.external_contact_id.0,
            external_organization_id: self.external_organization_id.0,
            connected_time: self.connected_time.0,
            end_time: self.end_time.0,
            start_acw_time: self.start_acw_time.0,
            end_acw_time: self.end_acw_time.0,
            wrapup_required: self.wrapup_required.0,
            wrapup_expected: self.wrapup_expected.0,
            wrapup_code: self.wrapup.code(),
            address: self.address.0.map(|address| address.0),
            flow_id: self.workflow.0.and_then(|workflow| workflow.workflow_id.0),
            consult_participant_id: self.consult_participant_id.0,
            monitored_participant_id: self.monitored_participant_id.0,
            coached_participant_id: self.coached_participant_id.0,
            barged_participant_id: self.barged_participant_id.0,
            routing: self.conversation_routing_data.routing(),
            attributes: self.attributes.0,
            communications,
        })
    }
}

impl RawCommunication {
    fn normalise(self, media: Media) -> Communication {
        // Calls name the two sides; messages name sender and receiver, so that which of them is
        // ours depends on the direction.
        let (our_side, other) = match self.direction.0 {
            Some(Direction::Outbound) => (self.from_address, self.to_address),
            Some(Direction::Inbound) | None => (self.to_address, self.from_address),
        };
        let mut our_side = self.our_side.0.or(our_side.0).unwrap_or_default();
        let mut other = self.other.0.or(other.0).unwrap_or_default();
        let after_call_work = self.after_call_work.0.unwrap_or_default();
        Communication {
            media,
            id: self.id.0,
            state: self.state.0.map(|word| word.0),
            initial_state: self.initial_state.0.map(|word| word.0),
            direction: self.direction.0,
            held: self.held.0,
            muted: self.muted.0,
            recording: self.recording.0,
            disconnect_type: self.disconnect_type.0.map(|kind| kind.0),
            connected_time: self.connected_time.0,
            disconnected_time: self.disconnected_time.0,
            start_hold_time: self.start_hold_time.0,
            after_call_work: after_call_work.state.0.map(|word| word.0),
            after_call_work_ended: after_call_work.end_time.0,
            wrapup_code: self.wrapup.code(),
            self_address: our_side.address(),
            other_address: other.address(),
            other_name: other.name.0,
            provider: self.provider.0,
            script_id: self.script_id.0,
            peer_id: self.peer_id.0,
            message_type: self.kind.0.map(|word| word.0),
            message_ids: self.messages.ids(),
            subject: self.subject.0,
            callback_numbers: self.callback_numbers.values().map(|number| number.0).collect(),
            callback_user_name: self.callback_user_name.0,
        }
    }
}

#[cfg(test)]
mod tests;
