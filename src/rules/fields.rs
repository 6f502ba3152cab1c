//! The one table of fields: the checker, the matcher, the values and the reference are made of it.
//!
//! A field that is not here cannot be named in a rules file.

use super::field::{Field, Kind, Of, Path, Subject, Value};
use super::{party, words};
use crate::events::conversation::Media::{Call, Callback, Chat, Email, Message};
use crate::events::conversation::Text;

/// One row a field: subject, name, type, whether it changes with time alone, media, words, Genesys' field, example, how it is read, and
/// how it is shown where that differs.
macro_rules! fields {
    ($($of:ident $name:literal $kind:ident $($running:ident)? [$($media:ident)*] $words:expr, $genesys:literal, $example:literal, $read:expr $(, show $show:expr)?;)*) => {
        static FIELDS: &[Field] = &[$(Field {
            name: $name,
            of: Of::$of,
            kind: Kind::$kind,
            running: fields!(@running $($running)?),
            media: &[$($media),*],
            words: $words,
            genesys: $genesys,
            example: $example,
            read: $read,
            show: fields!(@show $read $(, $show)?),
        }),*];
    };
    (@running) => { false };
    (@running running) => { true };
    (@show $read:expr) => { $read };
    (@show $read:expr, $show:expr) => { $show };
}

fields! {
    Conversation "id" Text [] &[], "id", "0cfda4f3-…",
        |g| Value::text(Some(g.conversation.id.as_str()));
    Conversation "direction" Text [] words::DIRECTIONS, "participants[].calls[].direction of the first customer or external one that has it", "inbound",
        |g| Value::text(g.conversation.direction().map(party::direction_word));
    Conversation "media" Text [] words::MEDIA, "the array of the first customer's or external's first communication", "call",
        |g| Value::text(party::first_outside(g.conversation).map(|c| c.media.word()));
    Conversation "number" Text [] &[], "the customer's, in E.164, whatever the medium", "+4930123456",
        |g| Some(Value::Text(g.conversation.customer_number()?));
    Conversation "address" Text [] &[], "address, without its scheme", "+13175550100",
        |g| Value::text(g.conversation.address.as_deref());
    Conversation "external_tag" Text [] &[], "externalTag", "CASE-17",
        |g| Value::text(g.conversation.external_tag.as_deref());
    Conversation "recording_state" Text [] words::RECORDING_STATES, "recordingState", "active",
        |g| Value::text(g.conversation.recording_state.as_deref());
    Conversation "secure_pause" Flag [] &[], "securePause", "false",
        |g| g.conversation.secure_pause.map(Value::Flag);
    Conversation "transfers" Number [] &[], "how many recentTransfers[]", "1",
        |g| number(g.conversation.recent_transfers);
    Conversation "agents" Number [] &[], "how many different users have been connected as agent", "2",
        |g| number(party::agents(g.conversation));
    Conversation "queue_wait" Duration [] &[], "participants[] of purpose acd that have ended: endTime less connectedTime, in all", "90s",
        |g| party::queue_wait(g.conversation).map(Value::Duration);
    Conversation "waiting" Duration running [] &[], "now less connectedTime of the newest live acd participant", "90s",
        |g| g.conversation.waiting(g.now).map(Value::Duration);
    Conversation "divisions" Divisions [] &[], "divisions[].division.id", "Home",
        |g| Value::texts(g.conversation.division_ids.iter().map(Text::as_str)), show party::division_names;
    Conversation "division_ids" Texts [] &[], "divisions[].division.id", "94a1b3c2-…",
        |g| Value::texts(g.conversation.division_ids.iter().map(Text::as_str));
    Conversation "in_flow" Flag [] &[], "a participant of an IVR or bot flow is live", "false",
        |g| Some(Value::Flag(g.conversation.in_flow()));
    Conversation "ended" Flag [] &[], "nobody is connected and no after-call work is pending", "true",
        |g| Some(Value::Flag(g.conversation.is_over()));

    Party "id" Text [] &[], "participants[].id", "5c02f952-…",
        |g| Value::text(Some(g.participant?.id.as_str()));
    Party "purpose" Text [] words::PURPOSES, "participants[].purpose", "agent",
        |g| Value::text(g.participant?.purpose.as_deref());
    Party "name" Text [] &[], "participants[].name", "Avery Agent",
        |g| Value::text(g.participant?.name.as_deref());
    Party "user" User [] &[], "participants[].userId", "avery@example.com",
        |g| Value::text(Some(g.participant?.user_id.as_ref()?.as_str())), show party::user_name;
    Party "user_id" Text [] &[], "participants[].userId", "68b50539-…",
        |g| Value::text(Some(g.participant?.user_id.as_ref()?.as_str()));
    Party "user_name" Text [] &[], "the directory's name for userId, else participants[].name", "Avery Agent",
        party::user_name;
    Party "queue" Queue [] &[], "participants[].queueId", "Billing",
        |g| Value::text(Some(g.participant?.queue_id.as_ref()?.as_str())), show party::queue_name;
    Party "queue_id" Text [] &[], "participants[].queueId", "d81980df-…",
        |g| Value::text(Some(g.participant?.queue_id.as_ref()?.as_str()));
    Party "team_id" Text [] &[], "participants[].teamId", "3e1d4c5a-…",
        |g| Value::text(g.participant?.team_id.as_deref());
    Party "group_id" Text [] &[], "participants[].groupId", "9b0f2d11-…",
        |g| Value::text(g.participant?.group_id.as_deref());
    Party "role" Text [] words::ROLES, "monitoredParticipantId, coachedParticipantId, bargedParticipantId, consultParticipantId, else agent", "agent",
        |g| Value::text(g.participant?.role().map(party::role_word));
    Party "ended" Flag [] &[], "endTime, or the communication's disconnectedTime, is there", "false",
        |g| Some(Value::Flag(party::glance_ended(g.participant?, g.communication)));
    Party "connected_time" Time [] &[], "the communication's connectedTime, else participants[].connectedTime", "2026-11-22T17:00:00Z",
        |g| party::connected(g).map(Value::Time);
    Party "end_time" Time [] &[], "the communication's disconnectedTime, else participants[].endTime", "2026-11-22T17:05:00Z",
        |g| party::end(g).map(Value::Time);
    Party "connected_for" Duration running [] &[], "now less connectedTime, while it has not ended", "90s",
        |g| party::since(g, party::connected(g)?).map(Value::Duration);
    Party "waiting" Duration running [] &[], "of a live acd participant: now less connectedTime", "90s",
        |g| party::waiting(g).map(Value::Duration);
    Party "acw_start_time" Time [] &[], "participants[].startAcwTime", "2026-11-22T17:05:00Z",
        |g| g.participant?.start_acw_time.map(Value::Time);
    Party "acw_end_time" Time [] &[], "participants[].endAcwTime", "2026-11-22T17:06:00Z",
        |g| g.participant?.end_acw_time.map(Value::Time);
    Party "wrapup_required" Flag [] &[], "participants[].wrapupRequired", "true",
        |g| g.participant?.wrapup_required.map(Value::Flag);
    Party "wrapup_expected" Flag [] &[], "participants[].wrapupExpected", "true",
        |g| g.participant?.wrapup_expected.map(Value::Flag);
    Party "number" Text [] &[], "the customer's, in E.164, whatever the medium and direction", "+4930123456",
        |g| Some(Value::Text(g.conversation.customer_number()?));
    Party "address" Text [] &[], "participants[].address, without its scheme", "casey@example.com",
        |g| Value::text(g.participant?.address.as_deref());
    Party "external_contact_id" Text [] &[], "participants[].externalContactId", "7a12…",
        |g| Value::text(g.participant?.external_contact_id.as_deref());
    Party "external_organization_id" Text [] &[], "participants[].externalOrganizationId", "2f9c…",
        |g| Value::text(g.participant?.external_organization_id.as_deref());
    Party "flow" Flow [] &[], "participants[].workflow.workflowId", "Main menu",
        |g| Value::text(g.participant?.flow_id.as_deref()), show party::flow_name;
    Party "flow_id" Text [] &[], "participants[].workflow.workflowId", "da84ed45-…",
        |g| Value::text(g.participant?.flow_id.as_deref());
    Party "wrapup" Wrapup [] &[], "participants[].wrapup.code, else the communication's", "Sale",
        |g| Value::text(party::wrapup_code(g.participant?, g.communication)), show party::wrapup_name;
    Party "wrapup_code" Text [] &[], "participants[].wrapup.code, else the communication's", "aa84a005-…",
        |g| Value::text(party::wrapup_code(g.participant?, g.communication));
    Party "skills" Skills [] &[], "participants[].conversationRoutingData.skills[].id", "German",
        |g| Value::texts(g.participant?.routing.skill_ids.iter().map(Text::as_str)), show party::skill_names;
    Party "skill_ids" Texts [] &[], "participants[].conversationRoutingData.skills[].id", "bdc2cd3a-…",
        |g| Value::texts(g.participant?.routing.skill_ids.iter().map(Text::as_str));
    Party "language" Language [] &[], "participants[].conversationRoutingData.language.id", "English",
        |g| Value::text(g.participant?.routing.language_id.as_deref()), show party::language_name;
    Party "language_id" Text [] &[], "participants[].conversationRoutingData.language.id", "7a04f913-…",
        |g| Value::text(g.participant?.routing.language_id.as_deref());
    Party "requested_queue_id" Text [] &[], "participants[].conversationRoutingData.queue.id", "d81980df-…",
        |g| Value::text(Some(g.participant?.routing.queue_id.as_ref()?.as_str()));
    Party "priority" Number [] &[], "participants[].conversationRoutingData.priority", "5",
        |g| g.participant?.routing.priority.map(Value::Number);
    Party "consulted_by" Text [] &[], "participants[].consultParticipantId", "5c02f952-…",
        |g| Value::text(Some(g.participant?.consult_participant_id.as_ref()?.as_str()));
    Party "monitors" Text [] &[], "participants[].monitoredParticipantId", "5c02f952-…",
        |g| Value::text(Some(g.participant?.monitored_participant_id.as_ref()?.as_str()));
    Party "coaches" Text [] &[], "participants[].coachedParticipantId", "5c02f952-…",
        |g| Value::text(Some(g.participant?.coached_participant_id.as_ref()?.as_str()));
    Party "barges" Text [] &[], "participants[].bargedParticipantId", "5c02f952-…",
        |g| Value::text(Some(g.participant?.barged_participant_id.as_ref()?.as_str()));
    Party "attributes" Attributes [] &[], "participants[].attributes", "crm.tier = gold",
        |_| None;

    Party "media" Text [] words::MEDIA, "which of calls[], messages[], emails[], callbacks[], … it is in", "call",
        |g| Value::text(Some(g.communication?.media.word()));
    Party "state" Text [] words::STATES, "calls[].state", "connected",
        |g| Value::text(g.communication?.state.as_deref());
    Party "direction" Text [] words::DIRECTIONS, "calls[].direction", "inbound",
        |g| Value::text(g.communication?.direction.map(party::direction_word));
    Party "held" Flag [Call Callback Chat Email Message] &[], "calls[].held", "true",
        |g| g.communication?.held.map(Value::Flag);
    Party "muted" Flag [Call] &[], "calls[].muted", "false",
        |g| g.communication?.muted.map(Value::Flag);
    Party "ani" Text [Call Message] &[], "calls[].other or .self, whoever called", "+4930123456",
        |g| Value::text(g.communication?.ani());
    Party "dnis" Text [Call Message] &[], "calls[].self or .other, whoever was called", "+13175550100",
        |g| Value::text(g.communication?.dnis());
    Party "disconnect_type" Text [] words::DISCONNECT_TYPES, "calls[].disconnectType", "transfer",
        |g| Value::text(g.communication?.disconnect_type.as_deref());
    Party "communication_id" Text [] &[], "calls[].id", "0a8b5c2f-…",
        |g| Value::text(g.communication?.id.as_deref());
    Party "initial_state" Text [] words::STATES, "calls[].initialState", "alerting",
        |g| Value::text(g.communication?.initial_state.as_deref());
    Party "recording" Flag [Call Chat Email Message] &[], "calls[].recording", "true",
        |g| g.communication?.recording.map(Value::Flag);
    Party "held_for" Duration running [Call Callback Chat Email Message] &[], "now less calls[].startHoldTime, while it is held", "90s",
        |g| party::held_for(g).map(Value::Duration);
    Party "after_call_work" Text [] words::AFTER_CALL_WORK, "calls[].afterCallWork.state", "pending",
        |g| Value::text(g.communication?.after_call_work.as_deref());
    Party "self_address" Text [] &[], "calls[].self or messages[].toAddress, ours", "+13175550100",
        |g| Value::text(g.communication?.self_address.as_deref());
    Party "other_address" Text [] &[], "calls[].other or messages[].fromAddress, theirs", "+4930123456",
        |g| Value::text(g.communication?.other_address.as_deref());
    Party "other_name" Text [] &[], "calls[].other.name", "Casey Customer",
        |g| Value::text(g.communication?.other_name.as_deref());
    Party "provider" Text [] &[], "calls[].provider", "Edge",
        |g| Value::text(g.communication?.provider.as_deref());
    Party "script_id" Text [] &[], "calls[].scriptId", "6f2a1c3e-…",
        |g| Value::text(g.communication?.script_id.as_deref());
    Party "peer_id" Text [] &[], "calls[].peerId", "0a8b5c2f-…",
        |g| Value::text(g.communication?.peer_id.as_deref());
    Party "callback_numbers" Texts [Callback] &[], "callbacks[].callbackNumbers", "+4930123456",
        |g| Value::texts(g.communication?.callback_numbers.iter().map(Text::as_str));
    Party "callback_name" Text [Callback] &[], "callbacks[].callbackUserName", "Casey Customer",
        |g| Value::text(g.communication?.callback_user_name.as_deref());
    Party "message_type" Text [Message] words::MESSAGE_TYPES, "messages[].type", "whatsapp",
        |g| Value::text(g.communication?.message_type.as_deref());
    Party "subject" Text [Email] &[], "emails[].subject", "Invoice 17",
        |g| Value::text(g.communication?.subject.as_deref());
}

/// The field of that name which the subject has.
pub fn find(of: Of, name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.of == of && field.name == name)
}

/// The names of all fields that such a subject has, in the order of the table.
pub fn names(of: Of) -> impl Iterator<Item = &'static str> {
    FIELDS.iter().filter(move |field| field.of == of).map(|field| field.name)
}

/// The path to a field that is known to be there and is not `attributes`.
pub fn path(subject: Subject, name: &str) -> Option<Path> {
    let field = find(subject.of(), name)?;
    (field.kind != Kind::Attributes).then_some(Path { subject, field, key: None })
}

/// Every field, in the order of the table.
pub fn all() -> &'static [Field] {
    FIELDS
}

fn number(count: usize) -> Option<Value<'static>> {
    i64::try_from(count).ok().map(Value::Number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_field_is_there_twice() {
        let names: BTreeSet<_> = FIELDS.iter().map(|field| (field.of, field.name)).collect();
        assert_eq!(names.len(), FIELDS.len());
    }

    #[test]
    fn words_hold_their_example() {
        for field in FIELDS.iter().filter(|field| !field.words.is_empty()) {
            assert!(field.words.contains(&field.example), "{field:?}");
        }
    }
}
