//! Reads the shape in which participants hold their communications in arrays, one for each medium:
//! that of the generic users' and queues' topics (FACTS 2.3), and of the REST answer.
//!
//! A participant without an id is left out, because nothing can be written to it.

mod communication;

use super::keys::known;
use super::lexer::{Lexer, Read};
use super::unreadable::Unreadable;
use super::values::{self, Next, Source, read_next, read_whole};
use crate::events::conversation::{Conversation, Media, Participant, Text};
use crate::genesys::ParticipantId;

/// Reads the body of an event of a generic topic, users' or queues'.
///
/// # Errors
///
/// If the body is not a JSON object or has no conversation id. Whatever else is missing, null, of
/// another type or not known is left out.
pub fn read_generic(body: &str) -> Result<Conversation, Unreadable> {
    read_whole(body, next)
}

/// Reads the conversation that comes next.
pub(in crate::events) fn next(lexer: &mut Lexer<'_>) -> Read<Next> {
    let (mut id, mut conversation) = (None, Box::<Conversation>::default());
    let read = &mut *conversation;
    let original = read_next(lexer, |source, lexer| {
        lexer.object(|lexer, member| {
            match member {
                OfConversation::Id => values::id(lexer, &mut id)?,
                OfConversation::Participants => {
                    lexer.array(|lexer| participant(source, lexer, &mut read.participants))?;
                }
                OfConversation::Address => source.address(lexer, &mut read.address)?,
                OfConversation::ExternalTag => source.text(lexer, &mut read.external_tag)?,
                OfConversation::RecordingState => source.word(lexer, &mut read.recording_state)?,
                OfConversation::SecurePause => read.secure_pause = lexer.flag()?,
                OfConversation::Divisions => {
                    source.division_ids(lexer, &mut read.division_ids)?;
                }
                OfConversation::RecentTransfers => {
                    read.recent_transfers = values::count_objects(lexer)?;
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
        ExternalTag = "externalTag",
        RecordingState = "recordingState",
        SecurePause = "securePause",
        Divisions = "divisions",
        RecentTransfers = "recentTransfers",
    }
}

known! {
    OfParticipant {
        Id = "id",
        Purpose = "purpose",
        Name = "name",
        UserId = "userId",
        QueueId = "queueId",
        TeamId = "teamId",
        GroupId = "groupId",
        ExternalContactId = "externalContactId",
        ExternalOrganizationId = "externalOrganizationId",
        ConnectedTime = "connectedTime",
        EndTime = "endTime",
        StartAcwTime = "startAcwTime",
        EndAcwTime = "endAcwTime",
        WrapupRequired = "wrapupRequired",
        WrapupExpected = "wrapupExpected",
        Wrapup = "wrapup",
        Address = "address",
        Workflow = "workflow",
        ConsultParticipantId = "consultParticipantId",
        MonitoredParticipantId = "monitoredParticipantId",
        CoachedParticipantId = "coachedParticipantId",
        BargedParticipantId = "bargedParticipantId",
        ConversationRoutingData = "conversationRoutingData",
        Attributes = "attributes",
        Calls = "calls",
        Callbacks = "callbacks",
        Chats = "chats",
        Cobrowsesessions = "cobrowsesessions",
        Emails = "emails",
        Messages = "messages",
        InternalMessages = "internalMessages",
        ScreenMonitorings = "screenMonitorings",
        Screenshares = "screenshares",
        SocialExpressions = "socialExpressions",
        Videos = "videos",
    }
}

known! { Workflow { Id = "workflowId", } }

/// Reads one in the place where it will stay.
fn participant(source: Source<'_>, lexer: &mut Lexer<'_>, all: &mut Vec<Participant>) -> Read<()> {
    use OfParticipant as Of;
    let mut id = None::<ParticipantId>;
    all.push(Participant::default());
    let Some(one) = all.last_mut() else { return lexer.skip_value() };
    lexer.object(|lexer, member| {
        match member {
            Of::Id => values::id(lexer, &mut id)?,
            Of::Purpose => source.word(lexer, &mut one.purpose)?,
            Of::Name => source.text(lexer, &mut one.name)?,
            Of::UserId => values::id(lexer, &mut one.user_id)?,
            Of::QueueId => values::id(lexer, &mut one.queue_id)?,
            Of::TeamId => source.text(lexer, &mut one.team_id)?,
            Of::GroupId => source.text(lexer, &mut one.group_id)?,
            Of::ExternalContactId => source.text(lexer, &mut one.external_contact_id)?,
            Of::ExternalOrganizationId => source.text(lexer, &mut one.external_organization_id)?,
            Of::ConnectedTime => values::time(lexer, &mut one.connected_time)?,
            Of::EndTime => values::time(lexer, &mut one.end_time)?,
            Of::StartAcwTime => values::time(lexer, &mut one.start_acw_time)?,
            Of::EndAcwTime => values::time(lexer, &mut one.end_acw_time)?,
            Of::WrapupRequired => one.wrapup_required = lexer.flag()?,
            Of::WrapupExpected => one.wrapup_expected = lexer.flag()?,
            Of::Wrapup => source.wrapup_code(lexer, &mut one.wrapup_code)?,
            Of::Address => source.address(lexer, &mut one.address)?,
            Of::Workflow => flow_id(source, lexer, &mut one.flow_id)?,
            Of::ConsultParticipantId => values::id(lexer, &mut one.consult_participant_id)?,
            Of::MonitoredParticipantId => values::id(lexer, &mut one.monitored_participant_id)?,
            Of::CoachedParticipantId => values::id(lexer, &mut one.coached_participant_id)?,
            Of::BargedParticipantId => values::id(lexer, &mut one.barged_participant_id)?,
            Of::ConversationRoutingData => source.routing(lexer, &mut one.routing)?,
            Of::Attributes => source.attributes(lexer, &mut one.attributes)?,
            Of::Calls => communications(source, lexer, Media::Call, one)?,
            Of::Callbacks => communications(source, lexer, Media::Callback, one)?,
            Of::Chats => communications(source, lexer, Media::Chat, one)?,
            Of::Cobrowsesessions => communications(source, lexer, Media::Cobrowse, one)?,
            Of::Emails => communications(source, lexer, Media::Email, one)?,
            Of::Messages => communications(source, lexer, Media::Message, one)?,
            Of::InternalMessages => communications(source, lexer, Media::InternalMessage, one)?,
            Of::ScreenMonitorings => communications(source, lexer, Media::ScreenMonitoring, one)?,
            Of::Screenshares => communications(source, lexer, Media::Screenshare, one)?,
            Of::SocialExpressions => communications(source, lexer, Media::SocialExpression, one)?,
            Of::Videos => communications(source, lexer, Media::Video, one)?,
        }
        Ok(())
    })?;
    match id {
        Some(id) => {
            one.id = id;
            // Arrays can come in any order; the order of media is ours.
            one.communications.sort_by_key(|leg| leg.media);
        }
        None => drop(all.pop()),
    }
    Ok(())
}

fn communications(
    source: Source<'_>,
    lexer: &mut Lexer<'_>,
    media: Media,
    participant: &mut Participant,
) -> Read<()> {
    lexer.array(|lexer| communication::read(source, lexer, media, &mut participant.communications))
}

fn flow_id(source: Source<'_>, lexer: &mut Lexer<'_>, flow: &mut Option<Text>) -> Read<()> {
    lexer.object(|lexer, Workflow::Id| source.text(lexer, flow)).map(drop)
}

#[cfg(test)]
mod tests;
