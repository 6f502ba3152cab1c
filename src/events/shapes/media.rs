//! Reads the bodies of media topics (`….conversations.calls`, `.messages`, …), in which each
//! participant is flattened together with its one communication (FACTS 2.4).
//!
//! Such a body knows nothing of the conversation's other media, no ids of communications and no
//! times of theirs beside the participant's, so the snapshot is marked partial.

use std::mem;

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient::{AttributeMap, List, Maybe, Object, read};
use super::unreadable::Unreadable;
use super::wire::{Division, Reference, RoutingData, ThreadMessage, Wrapup};
use super::words::{Address, DisconnectType, Word};
use crate::events::conversation::{Communication, Conversation, Direction, Media, Participant};
use crate::genesys::{ConversationId, ParticipantId, QueueId, UserId};

/// Reads the body of an event of a media topic. `media` is what the topic is about.
///
/// # Errors
///
/// If the body is not a JSON object or has no conversation id. Whatever else is missing, null, of
/// another type or not known is left out.
pub fn read_media(media: Media, body: &str) -> Result<Conversation, Unreadable> {
    let raw: RawConversation = read(body)?;
    let id = raw.id.0.ok_or(Unreadable::NoId)?;
    let participants = raw.participants.objects();
    Ok(Conversation {
        id,
        participants: participants.filter_map(|one| one.normalise(media)).collect(),
        address: raw.address.0.map(|address| address.0),
        external_tag: None,
        recording_state: raw.recording_state.0.map(|word| word.0),
        secure_pause: raw.secure_pause.0,
        division_ids: raw.divisions.ids(),
        recent_transfers: 0,
        partial: true,
    })
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawConversation {
    id: Maybe<ConversationId>,
    participants: List<Object<RawParticipant>>,
    address: Maybe<Address>,
    recording_state: Maybe<Word>,
    secure_pause: Maybe<bool>,
    divisions: List<Object<Division>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawParticipant {
    id: Maybe<ParticipantId>,
    purpose: Maybe<Word>,
    name: Maybe<String>,
    user: Object<Reference<UserId>>,
    queue: Object<Reference<QueueId>>,
    team: Object<Reference<String>>,
    group: Object<Reference<String>>,
    external_contact: Object<Reference<String>>,
    external_organization: Object<Reference<String>>,
    connected_time: Maybe<Timestamp>,
    end_time: Maybe<Timestamp>,
    start_acw_time: Maybe<Timestamp>,
    end_acw_time: Maybe<Timestamp>,
    wrapup_required: Maybe<bool>,
    wrapup: Object<Wrapup>,
    address: Maybe<Address>,
    consult_participant_id: Maybe<ParticipantId>,
    monitored_participant_id: Maybe<ParticipantId>,
    coached_participant_id: Maybe<ParticipantId>,
    barged_participant_id: Maybe<ParticipantId>,
    conversation_routing_data: Object<RoutingData>,
    attributes: AttributeMap,
    state: Maybe<Word>,
    initial_state: Maybe<Word>,
    direction: Maybe<Direction>,
    held: Maybe<bool>,
    muted: Maybe<bool>,
    recording: Maybe<bool>,
    disconnect_type: Maybe<DisconnectType>,
    start_hold_time: Maybe<Timestamp>,
    ani: Maybe<Address>,
    dnis: Maybe<Address>,
    provider: Maybe<String>,
    script: Object<Reference<String>>,
    peer: Maybe<String>,
    #[serde(rename = "type")]
    kind: Maybe<Word>,
    messages: List<Object<ThreadMessage>>,
    subject: Maybe<String>,
    callback_numbers: List<Maybe<Address>>,
    callback_user_name: Maybe<String>,
}

impl RawParticipant {
    fn normalise(mut self, media: Media) -> Option<Participant> {
        let id = self.id.0.take()?;
        let wrapup_code = mem::take(&mut self.wrapup).code();
        let communications = self.communication(media, wrapup_code.clone()).into_iter().collect();
        Some(Participant {
            id,
            purpose: self.purpose.0.map(|word| word.0),
            name: self.name.0,
            user_id: self.user.id(),
            queue_id: self.queue.id(),
            team_id: self.team.id(),
            group_id: self.group.id(),
            external_contact_id: self.external_contact.id(),
            external_organization_id: self.external_organization.id(),
            connected_time: self.connected_time.0,
            end_time: self.end_time.0,
            start_acw_time: self.start_acw_time.0,
            end_acw_time: self.end_acw_time.0,
            wrapup_required: self.wrapup_required.0,
            wrapup_expected: None,
            wrapup_code,
            address: self.address.0.map(|address| address.0),
            flow_id: None,
            consult_participant_id: self.consult_participant_id.0,
            monitored_participant_id: self.monitored_participant_id.0,
            coached_participant_id: self.coached_participant_id.0,
            barged_participant_id: self.barged_participant_id.0,
            routing: self.conversation_routing_data.routing(),
            attributes: self.attributes.0,
            communications,
        })
    }

    /// The one communication, if the participant takes part in this medium at all.
    fn communication(
        &mut self,
        media: Media,
        wrapup_code: Option<String>,
    ) -> Option<Communication> {
        let (state, provider) = (self.state.0.take(), self.provider.0.take());
        if state.is_none() && provider.is_none() && self.direction.0.is_none() {
            return None;
        }
        let (caller, called) = (self.ani.0.take(), self.dnis.0.take());
        let (our_side, other) = match self.direction.0 {
            Some(Direction::Outbound) => (caller, called),
            Some(Direction::Inbound) | None => (called, caller),
        };
        let numbers = mem::take(&mut self.callback_numbers);
        Some(Communication {
            media,
            id: None,
            state: state.map(|word| word.0),
            initial_state: self.initial_state.0.take().map(|word| word.0),
            direction: self.direction.0,
            held: self.held.0,
            muted: self.muted.0,
            recording: self.recording.0,
            disconnect_type: self.disconnect_type.0.take().map(|kind| kind.0),
            connected_time: self.connected_time.0,
            // The participant's end is that of its after-call work, which can be later.
            disconnected_time: None,
            start_hold_time: self.start_hold_time.0,
            after_call_work: None,
            after_call_work_ended: None,
            wrapup_code,
            self_address: our_side.map(|address| address.0),
            other_address: other.map(|address| address.0),
            other_name: None,
            provider,
            script_id: mem::take(&mut self.script).id(),
            peer_id: self.peer.0.take(),
            message_type: self.kind.0.take().map(|word| word.0),
            message_ids: mem::take(&mut self.messages).ids(),
            subject: self.subject.0.take(),
            callback_numbers: numbers.values().map(|number| number.0).collect(),
            callback_user_name: self.callback_user_name.0.take(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{read_generic, samples};

    /// Takes away what the media shape cannot know.
    fn reduced(mut conversation: Conversation) -> Conversation {
        conversation.partial = true;
        if conversation.participants[0].communications[0].media == Media::Message {
            conversation.recording_state = None;
            conversation.secure_pause = None;
        }
        for participant in &mut conversation.participants {
            participant.flow_id = None;
            participant.wrapup_expected = None;
            for communication in &mut participant.communications {
                communication.id = None;
                communication.disconnected_time = None;
                communication.after_call_work = None;
                communication.after_call_work_ended = None;
                communication.other_name = None;
                if communication.media == Media::Message {
                    communication.self_address = None;
                    communication.other_address = None;
                }
            }
        }
        conversation
    }

    #[test]
    fn a_media_event_tells_what_the_generic_event_of_the_moment_tells() {
        for (media, suffix, names) in [
            (
                Media::Call,
                "calls",
                &[
                    "voice-inbound-01-alerting",
                    "voice-inbound-03-held",
                    "voice-inbound-05-disconnected-acw",
                    "voice-inbound-06-wrapup-complete",
                ][..],
            ),
            (
                Media::Message,
                "messages",
                &["message-web-03-new-messages", "message-web-05-wrapup-complete"][..],
            ),
        ] {
            for name in names {
                let generic = read_generic(&samples::body(&format!("{name}.json"))).unwrap();
                let flat = samples::body(&format!("{name}.{suffix}.json"));
                let flat = read_media(media, &flat).unwrap();
                assert_eq!(flat, reduced(generic), "{name}");
            }
        }
    }

    #[test]
    fn who_called_whom_depends_on_the_direction() {
        let body = |direction| {
            let sides = r#""ani":"tel:+1317","dnis":"tel:+4930""#;
            format!(
                r#"{{"id":"c","participants":[{{"id":"p","direction":"{direction}",{sides}}}]}}"#
            )
        };
        for (direction, expected) in
            [("inbound", ("+4930", "+1317")), ("outbound", ("+1317", "+4930"))]
        {
            let read = read_media(Media::Call, &body(direction)).unwrap();
            let leg = &read.participants[0].communications[0];
            let sides = (leg.self_address.as_deref(), leg.other_address.as_deref());
            assert_eq!(sides, (Some(expected.0), Some(expected.1)), "{direction}");
        }
    }

    #[test]
    fn a_participant_without_this_medium_has_no_communication() {
        let body = r#"{"id":"c","participants":[{"id":"p","purpose":"agent"},{"purpose":"acd"}]}"#;
        let read = read_media(Media::Email, body).unwrap();
        assert_eq!(read.participants.len(), 1);
        assert!(read.participants[0].communications.is_empty());
    }
}
