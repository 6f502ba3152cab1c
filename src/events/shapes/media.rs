//! Reads the bodies of media topics (`….conversations.calls`, `.messages`, …), in which each
//! participant is flattened together with its one communication (FACTS 2.4).
//!
//! Such a body knows nothing of the conversation's other media, no ids of communications and no
//! times of theirs beside the participant's, so the snapshot is marked partial.

use super::keys::known;
use super::lexer::{Lexer, Read};
use super::unreadable::Unreadable;
use super::values::{self, Next, Source, read_next, read_whole};
use crate::events::conversation::{
    Communication, Conversation, Direction, Media, Participant, Text,
};
use crate::genesys::ParticipantId;

/// Reads the body of an event of a media topic. `media` is what the topic is about.
///
/// # Errors
///
/// If the body is not a JSON object or has no conversation id. Whatever else is missing, null, of
/// another type or not known is left out.
pub fn read_media(media: Media, body: &str) -> Result<Conversation, Unreadable> {
    read_whole(body, |lexer| next(media, lexer))
}

/// Reads the conversation that comes next.
pub(in crate::events) fn next(media: Media, lexer: &mut Lexer<'_>) -> Read<Next> {
    let mut id = None;
    let mut conversation = Box::new(Conversation { partial: true, ..Conversation::default() });
    let read = &mut *conversation;
    let original = read_next(lexer, |source, lexer| {
        lexer.object(|lexer, member| {
            match member {
                OfConversation::Id => values::id(lexer, &mut id)?,
                OfConversation::Participants => lexer.array(|lexer| {
                    read.participants.extend(participant(source, lexer, media)?);
                    Ok(())
                })?,
                OfConversation::Address => source.address(lexer, &mut read.address)?,
                OfConversation::RecordingState => source.word(lexer, &mut read.recording_state)?,
                OfConversation::SecurePause => read.secure_pause = lexer.flag()?,
                OfConversation::Divisions => {
                    source.division_ids(lexer, &mut read.division_ids)?;
                }
            }
            Ok(())
        })
    })?;
    Ok(Next::new(original, id, conversation))
}

known! {
    OfConversation {
        Id = "id",
        Participants = "participants",
        Address = "address",
        RecordingState = "recordingState",
        SecurePause = "securePause",
        Divisions = "divisions",
    }
}

known! {
    Of {
        Id = "id",
        Purpose = "purpose",
        Name = "name",
        User = "user",
        Queue = "queue",
        Team = "team",
        Group = "group",
        ExternalContact = "externalContact",
        ExternalOrganization = "externalOrganization",
        ConnectedTime = "connectedTime",
        EndTime = "endTime",
        StartAcwTime = "startAcwTime",
        EndAcwTime = "endAcwTime",
        WrapupRequired = "wrapupRequired",
        Wrapup = "wrapup",
        Address = "address",
        ConsultParticipantId = "consultParticipantId",
        MonitoredParticipantId = "monitoredParticipantId",
        CoachedParticipantId = "coachedParticipantId",
        BargedParticipantId = "bargedParticipantId",
        ConversationRoutingData = "conversationRoutingData",
        Attributes = "attributes",
        State = "state",
        InitialState = "initialState",
        Direction = "direction",
        Held = "held",
        Muted = "muted",
        Recording = "recording",
        DisconnectType = "disconnectType",
        StartHoldTime = "startHoldTime",
        Ani = "ani",
        Dnis = "dnis",
        Provider = "provider",
        Script = "script",
        Peer = "peer",
        Kind = "type",
        Messages = "messages",
        Subject = "subject",
        CallbackNumbers = "callbackNumbers",
        CallbackUserName = "callbackUserName",
    }
}

/// A participant and its communication, as they are mixed.
struct Flat {
    id: Option<ParticipantId>,
    participant: Participant,
    leg: Communication,
    caller: Option<Text>,
    called: Option<Text>,
}

fn participant(
    source: Source<'_>,
    lexer: &mut Lexer<'_>,
    media: Media,
) -> Read<Option<Participant>> {
    let mut flat = Flat {
        id: None,
        participant: Participant::default(),
        leg: Communication::new(media),
        caller: None,
        called: None,
    };
    lexer.object(|lexer, member| flat.read(source, lexer, member))?;
    Ok(flat.unfolded())
}

impl Flat {
    fn read(&mut self, source: Source<'_>, lexer: &mut Lexer<'_>, member: Of) -> Read<()> {
        let (one, leg) = (&mut self.participant, &mut self.leg);
        match member {
            Of::Id => values::id(lexer, &mut self.id)?,
            Of::Purpose => source.word(lexer, &mut one.purpose)?,
            Of::Name => source.text(lexer, &mut one.name)?,
            Of::User => values::reference_id(lexer, &mut one.user_id)?,
            Of::Queue => values::reference_id(lexer, &mut one.queue_id)?,
            Of::Team => source.reference(lexer, &mut one.team_id)?,
            Of::Group => source.reference(lexer, &mut one.group_id)?,
            Of::ExternalContact => source.reference(lexer, &mut one.external_contact_id)?,
            Of::ExternalOrganization => {
                source.reference(lexer, &mut one.external_organization_id)?;
            }
            Of::ConnectedTime => values::time(lexer, &mut one.connected_time)?,
            Of::EndTime => values::time(lexer, &mut one.end_time)?,
            Of::StartAcwTime => values::time(lexer, &mut one.start_acw_time)?,
            Of::EndAcwTime => values::time(lexer, &mut one.end_acw_time)?,
            Of::WrapupRequired => one.wrapup_required = lexer.flag()?,
            Of::Wrapup => source.wrapup_code(lexer, &mut one.wrapup_code)?,
            Of::Address => source.address(lexer, &mut one.address)?,
            Of::ConsultParticipantId => values::id(lexer, &mut one.consult_participant_id)?,
            Of::MonitoredParticipantId => values::id(lexer, &mut one.monitored_participant_id)?,
            Of::CoachedParticipantId => values::id(lexer, &mut one.coached_participant_id)?,
            Of::BargedParticipantId => values::id(lexer, &mut one.barged_participant_id)?,
            Of::ConversationRoutingData => source.routing(lexer, &mut one.routing)?,
            Of::Attributes => source.attributes(lexer, &mut one.attributes)?,
            Of::State => source.word(lexer, &mut leg.state)?,
            Of::InitialState => source.word(lexer, &mut leg.initial_state)?,
            Of::Direction => leg.direction = values::direction(lexer)?,
            Of::Held => leg.held = lexer.flag()?,
            Of::Muted => leg.muted = lexer.flag()?,
            Of::Recording => leg.recording = lexer.flag()?,
            Of::DisconnectType => source.disconnect_type(lexer, &mut leg.disconnect_type)?,
            Of::StartHoldTime => values::time(lexer, &mut leg.start_hold_time)?,
            Of::Ani => source.address(lexer, &mut self.caller)?,
            Of::Dnis => source.address(lexer, &mut self.called)?,
            Of::Provider => source.text(lexer, &mut leg.provider)?,
            Of::Script => source.reference(lexer, &mut leg.script_id)?,
            Of::Peer => source.text(lexer, &mut leg.peer_id)?,
            Of::Kind => source.word(lexer, &mut leg.message_type)?,
            Of::Messages => source.message_ids(lexer, &mut leg.message_ids)?,
            Of::Subject => source.text(lexer, &mut leg.subject)?,
            Of::CallbackNumbers => {
                source.each(lexer, &mut leg.callback_numbers, Source::address)?;
            }
            Of::CallbackUserName => source.text(lexer, &mut leg.callback_user_name)?,
        }
        Ok(())
    }

    fn unfolded(self) -> Option<Participant> {
        let Flat { id, mut participant, mut leg, caller, called } = self;
        participant.id = id?;
        // Who takes no part in this medium at all has none of these.
        if leg.state.is_some() || leg.provider.is_some() || leg.direction.is_some() {
            (leg.self_address, leg.other_address) = match leg.direction {
                Some(Direction::Outbound) => (caller, called),
                Some(Direction::Inbound) | None => (called, caller),
            };
            // The participant's end is that of its after-call work, which can be later, and so no
            // time of the communication's.
            leg.connected_time = participant.connected_time;
            leg.wrapup_code.clone_from(&participant.wrapup_code);
            participant.communications.push(leg);
        }
        Some(participant)
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
