//! What the API's media shapes make of a conversation (FACTS 2.4), and how a participant ends.
//!
//! Pure functions over JSON. The media shape is flat: state, direction and times of the communication
//! are on the participant, and references are objects.

use serde_json::{Map, Value, json};

/// A medium that has paths of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Media(pub(super) &'static str);

pub(super) const MEDIA: [Media; 4] =
    [Media("calls"), Media("callbacks"), Media("emails"), Media("messages")];

/// Names under which participants keep their communications.
const COMMUNICATIONS: [&str; 11] = [
    "calls",
    "callbacks",
    "chats",
    "cobrowsesessions",
    "emails",
    "messages",
    "internalMessages",
    "screenMonitorings",
    "screenshares",
    "socialExpressions",
    "videos",
];

/// What a participant has in both shapes.
const KEPT: [&str; 14] = [
    "id",
    "name",
    "address",
    "startTime",
    "connectedTime",
    "endTime",
    "purpose",
    "wrapupRequired",
    "wrapupPrompt",
    "attributes",
    "wrapup",
    "conversationRoutingData",
    "alertingTimeoutMs",
    "wrapupTimeoutMs",
];

/// What a participant of the media shape has from its communication.
const LIFTED: [&str; 8] =
    ["state", "direction", "disconnectType", "held", "muted", "confined", "provider", "scriptId"];

/// The conversation in the shape of one medium; `None` if it has no such communication.
pub(super) fn flattened(conversation: &Value, media: Media) -> Option<Value> {
    let participants: Vec<Value> = conversation["participants"]
        .as_array()?
        .iter()
        .filter_map(|participant| flat(participant, media))
        .collect();
    if participants.is_empty() {
        return None;
    }
    let id = conversation["id"].as_str()?;
    Some(json!({
        "id": id,
        "participants": participants,
        "otherMediaUris": [],
        "selfUri": format!("/api/v2/conversations/{}/{id}", media.0),
    }))
}

fn flat(participant: &Value, media: Media) -> Option<Value> {
    let communication = participant[media.0].as_array()?.last()?;
    let mut flat = Map::new();
    let mut keep = |from: &Value, name: &str| {
        if let Some(value) = from.get(name).filter(|value| !value.is_null()) {
            flat.insert(name.to_owned(), value.clone());
        }
    };
    KEPT.iter().for_each(|name| keep(participant, name));
    // Only calls can be muted or confined.
    let lifted =
        LIFTED.iter().filter(|name| media.0 == "calls" || !["muted", "confined"].contains(name));
    lifted.for_each(|name| keep(communication, name));
    if let Some(script) = flat.remove("scriptId") {
        flat.insert("script".to_owned(), json!({ "id": script }));
    }
    for (id, name) in
        [("userId", "user"), ("queueId", "queue"), ("externalContactId", "externalContact")]
    {
        if let Some(id) = participant.get(id).filter(|id| id.is_string()) {
            flat.insert(name.to_owned(), json!({ "id": id }));
        }
    }
    Some(Value::Object(flat))
}

/// Ends a participant and its communications.
pub(super) fn end(conversation: &mut Value, participant: &str, now: &str) {
    let participants = conversation["participants"].as_array_mut().into_iter().flatten();
    for participant in participants.filter(|found| found["id"] == participant) {
        participant["endTime"] = now.into();
        for name in COMMUNICATIONS {
            let communications = participant.get_mut(name).and_then(Value::as_array_mut);
            for communication in communications.into_iter().flatten() {
                if communication["disconnectedTime"].is_null() {
                    communication["state"] = "disconnected".into();
                    communication["disconnectType"] = "client".into();
                    communication["disconnectedTime"] = now.into();
                }
            }
        }
    }
}

/// The state of a participant's newest communication.
pub(super) fn state(participant: &Value) -> &str {
    if participant["endTime"].is_string() {
        return "disconnected";
    }
    COMMUNICATIONS
        .iter()
        .filter_map(|name| participant[*name].as_array()?.last()?["state"].as_str())
        .find(|state| *state != "disconnected")
        .unwrap_or("disconnected")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Value {
        json!({ "id": "c", "participants": [
            { "id": "p1", "purpose": "customer", "attributes": { "a": "1" },
              "calls": [{ "id": "x", "state": "connected", "direction": "inbound", "muted": false }] },
            { "id": "p2", "purpose": "agent", "userId": "u",
              "callbacks": [{ "id": "y", "state": "connected" }] },
        ]})
    }

    #[test]
    fn the_media_shape_is_flat() {
        let calls = flattened(&conversation(), Media("calls")).unwrap();
        assert_eq!(calls["participants"].as_array().unwrap().len(), 1);
        assert_eq!(calls["participants"][0]["state"], "connected");
        assert_eq!(calls["participants"][0]["attributes"]["a"], "1");
        let callbacks = flattened(&conversation(), Media("callbacks")).unwrap();
        assert_eq!(callbacks["participants"][0]["user"]["id"], "u");
        assert_eq!(flattened(&conversation(), Media("emails")), None);
    }

    #[test]
    fn a_participant_that_is_hung_up_has_ended() {
        let mut body = conversation();
        assert_eq!(state(&body["participants"][0]), "connected");
        end(&mut body, "p1", "2026-11-20T14:00:00.000Z");
        assert_eq!(state(&body["participants"][0]), "disconnected");
        assert_eq!(body["participants"][0]["calls"][0]["disconnectType"], "client");
        assert_eq!(state(&body["participants"][1]), "connected");
    }
}
