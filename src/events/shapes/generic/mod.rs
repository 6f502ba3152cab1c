//! Reads the shape in which participants hold their communications in arrays, one for each medium:
//! that of the generic users' and queues' topics (FACTS 2.3), and of the REST answer.
//!
//! A participant without an id is left out, because nothing can be written to it.

mod communication;

use std::sync::Arc;

use super::keys::known;
use super::lexer::{Lexer, Read};
use super::unreadable::Unreadable;
use super::values::{self, Source, read_whole};
use crate::events::conversation::{Conversation, Media, Participant, Text};
use crate::events::text::Body;
use crate::genesys::ParticipantId;

/// Reads the body of an event of a generic topic, users' or queues'.
///
/// # Errors
///
/// If the body is not a JSON object or has no conversation id. Whatever else is missing, null, of
/// another type or not known is left out.
pub fn read_generic(body: &str) -> Result<Conversation, Unreadable> {
    let body: Body = Arc::new(Box::from(body));
    let (mut id, mut conversation) = (None, Conversation::default());
    read_whole(&body, |source, lexer| {
        let read = &mut conversation;
        lexer.object(|lexer, member| {
            match member {
                OfConversation::Id => id = values::id(lexer)?,
                OfConversation::Participants => lexer.array(|lexer| {
                    read.participants.extend(participant(source, lexer)?);
                    Ok(())
                })?,
                OfConversation::Address => read.address = source.address(lexer)?,
                OfConversation::ExternalTag => read.external_tag = source.text(lexer)?,
                OfConversation::RecordingState => read.recording_state = source.word(lexer)?,
                OfConversation::SecurePause => read.secure_pause = lexer.flag()?,
                OfConversation::Divisions => read.division_ids = source.division_ids(lexer)?,
                OfConversation::RecentTransfers => {
                    read.recent_transfers = values::count_objects(lexer)?;
                }
            }
            Ok(())
        })
    })?;
    conversation.id = id.ok_or(Unreadable::NoId)?;
    Ok(conversation)
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

fn participant(source: Source<'_>, lexer: &mut Lexer<'_>) -> Read<Option<Participant>> {
    use OfParticipant as Of;
    let (mut id, mut read) = (None::<ParticipantId>, Participant::default());
    let one = &mut read;
    lexer.object(|lexer, member| {
        match member {
            Of::Id => id = values::id(lexer)?,
            Of::Purpose => one.purpose = source.word(lexer)?,
            Of::Name => one.name = source.text(lexer)?,
            Of::UserId => one.user_id = values::id(lexer)?,
            Of::QueueId => one.queue_id = values::id(lexer)?,
            Of::TeamId => one.team_id = source.text(lexer)?,
            Of::GroupId => one.group_id = source.text(lexer)?,
            Of::ExternalContactId => one.external_contact_id = source.text(lexer)?,
            Of::ExternalOrganizationId => one.external_organization_id = source.text(lexer)?,
            Of::ConnectedTime => one.connected_time = values::time(lexer)?,
            Of::EndTime => one.end_time = values::time(lexer)?,
            Of::StartAcwTime => one.start_acw_time = values::time(lexer)?,
            Of::EndAcwTime => one.end_acw_time = values::time(lexer)?,
            Of::WrapupRequired => one.wrapup_required = lexer.flag()?,
            Of::WrapupExpected => one.wrapup_expected = lexer.flag()?,
            Of::Wrapup => one.wrapup_code = source.wrapup_code(lexer)?,
            Of::Address => one.address = source.address(lexer)?,
            Of::Workflow => one.flow_id = flow_id(source, lexer)?,
            Of::ConsultParticipantId => one.consult_participant_id = values::id(lexer)?,
            Of::MonitoredParticipantId => one.monitored_participant_id = values::id(lexer)?,
            Of::CoachedParticipantId => one.coached_participant_id = values::id(lexer)?,
            Of::BargedParticipantId => one.barged_participant_id = values::id(lexer)?,
            Of::ConversationRoutingData => one.routing = source.routing(lexer)?,
            Of::Attributes => one.attributes = source.attributes(lexer)?,
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
    Ok(id.map(|id| {
        // Arrays can come in any order; the order of media is ours.
        read.communications.sort_by_key(|leg| leg.media);
        Participant { id, ..read }
    }))
}

fn communications(
    source: Source<'_>,
    lexer: &mut Lexer<'_>,
    media: Media,
    participant: &mut Participant,
) -> Read<()> {
    lexer.array(|lexer| {
        participant.communications.extend(communication::read(source, lexer, media)?);
        Ok(())
    })
}

fn flow_id(source: Source<'_>, lexer: &mut Lexer<'_>) -> Read<Option<Text>> {
    let mut flow = None;
    lexer.object(|lexer, Workflow::Id| {
        flow = source.text(lexer)?;
        Ok(())
    })?;
    Ok(flow)
}

#[cfg(test)]
mod tests;
