//! What real frames are like: properties nobody documented, nulls, and some that are missing.
//!
//! A few per cent of each (FACTS 2.5.6 and 2.5.7). Nothing is taken that a rule can read or the
//! truth depends on: ids, times, states, numbers and attributes stay; what is absent may be said
//! to be null. The same conversation at the same version is always roughened alike.

use serde_json::{Map, Value, json};

use super::dice::Dice;

/// How often each of these happens to one property.
const SELDOM: f64 = 0.03;

const OF_CONVERSATION: [&str; 2] = ["securePause", "divisions"];
const OF_PARTICIPANT: [&str; 3] = ["wrapupPrompt", "alertingTimeoutMs", "wrapupExpected"];
const OF_LEG: [&str; 11] = [
    "provider",
    "scriptId",
    "securePause",
    "queueMediaSettings",
    "recordersState",
    "agentAssistantId",
    "disconnectReasons",
    "recipientCountry",
    "recipientType",
    "journeyContext",
    "draftAttachments",
];
/// Absent, these may be null instead: for whoever reads they are the same.
const ABSENT_OF_CONVERSATION: [&str; 3] = ["externalTag", "utilizationLabelId", "maxParticipants"];
const ABSENT_OF_PARTICIPANT: [&str; 9] = [
    "endTime",
    "connectedTime",
    "wrapup",
    "externalContactId",
    "consultParticipantId",
    "teamId",
    "groupId",
    "startAcwTime",
    "userId",
];
const ABSENT_OF_LEG: [&str; 5] =
    ["disconnectedTime", "connectedTime", "disconnectType", "startHoldTime", "errorInfo"];
const ARRAYS: [&str; 4] = ["calls", "callbacks", "emails", "messages"];

/// Undocumented properties that frames carry; the first was captured from a real one.
pub const UNDOCUMENTED: [&str; 2] = ["additionalProperties", "traits"];
/// A word that no published enumeration has.
pub const UNKNOWN_STATE: &str = "stopping";

pub(super) fn roughen(body: &mut Value, dice: &mut Dice) {
    let Some(conversation) = body.as_object_mut() else { return };
    disturb(conversation, &OF_CONVERSATION, &ABSENT_OF_CONVERSATION, dice);
    if dice.chance(SELDOM) {
        conversation.insert("traits".to_owned(), json!(["simulated"]));
    }
    let Some(Value::Array(parties)) = conversation.get_mut("participants") else { return };
    for party in parties.iter_mut().filter_map(Value::as_object_mut) {
        for array in ARRAYS {
            let Some(Value::Array(legs)) = party.get_mut(array) else { continue };
            for leg in legs.iter_mut().filter_map(Value::as_object_mut) {
                disturb(leg, &OF_LEG, &ABSENT_OF_LEG, dice);
                unknown_word(leg, dice);
                undocumented(leg, dice);
            }
        }
        disturb(party, &OF_PARTICIPANT, &ABSENT_OF_PARTICIPANT, dice);
        undocumented(party, dice);
        let bare = party.get("attributes").and_then(Value::as_object).is_some_and(Map::is_empty);
        if bare && dice.chance(SELDOM) {
            party.insert("attributes".to_owned(), Value::Null);
        } else if bare && dice.chance(SELDOM) {
            party.remove("attributes");
        }
    }
}

fn disturb(object: &mut Map<String, Value>, present: &[&str], absent: &[&str], dice: &mut Dice) {
    for &name in present {
        if object.contains_key(name) && dice.chance(SELDOM) {
            object.remove(name);
        } else if object.contains_key(name) && dice.chance(SELDOM) {
            object.insert(name.to_owned(), Value::Null);
        }
    }
    for &name in absent {
        if !object.contains_key(name) && dice.chance(SELDOM) {
            object.insert(name.to_owned(), Value::Null);
        }
    }
}

fn unknown_word(leg: &mut Map<String, Value>, dice: &mut Dice) {
    if let Some(Value::Object(recorders)) = leg.get_mut("recordersState")
        && dice.chance(SELDOM)
    {
        recorders.insert("snippetState".to_owned(), json!(UNKNOWN_STATE));
    }
}

fn undocumented(object: &mut Map<String, Value>, dice: &mut Dice) {
    if dice.chance(SELDOM) {
        object.insert("additionalProperties".to_owned(), json!({}));
    }
}
