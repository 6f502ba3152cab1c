//! How a conversation looks to `GET /api/v2/conversations/{id}`, made from its generic shape.
//!
//! The API spells some words otherwise (FACTS 2.3), leaves some properties out and has some of its
//! own; a rule that reads only one of the shapes would be caught here.

use serde_json::{Map, Value, json};

use super::conversation::Starts;
use super::organization::Organization;

const LEGS: [&str; 4] = ["calls", "callbacks", "emails", "messages"];

pub(super) fn body(generic: &Value, starts: &Starts, organization: &Organization) -> Value {
    let mut body = Map::new();
    for name in ["id", "address", "externalTag", "divisions", "securePause", "inactivityTimeout"] {
        if let Some(value) = generic.get(name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    body.insert("recordingState".to_owned(), upper(&generic["recordingState"]));
    let parties: Vec<Value> = generic["participants"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|party| participant(party, starts, organization))
        .collect();
    if let Some(start) = parties.iter().filter_map(|party| party["startTime"].as_str()).min() {
        body.insert("startTime".to_owned(), json!(start));
    }
    let ends: Option<Vec<&str>> = parties.iter().map(|party| party["endTime"].as_str()).collect();
    if let Some(end) = ends.and_then(|ends| ends.into_iter().max()) {
        body.insert("endTime".to_owned(), json!(end));
    }
    let transfers: Vec<Value> =
        generic["recentTransfers"].as_array().into_iter().flatten().map(transfer).collect();
    body.insert("recentTransfers".to_owned(), Value::Array(transfers));
    body.insert("selfUri".to_owned(), json!(uri("conversations", &generic["id"])));
    body.insert("participants".to_owned(), Value::Array(parties));
    Value::Object(body)
}

fn uri(path: &str, id: &Value) -> String {
    format!("/api/v2/{path}/{}", id.as_str().unwrap_or_default())
}

fn upper(word: &Value) -> Value {
    word.as_str().map_or(Value::Null, |word| json!(word.to_uppercase()))
}

fn capital(word: &Value) -> Value {
    let Some(word) = word.as_str() else { return Value::Null };
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    Value::String(first.into_iter().chain(letters).collect())
}

fn transfer(transfer: &Value) -> Value {
    let mut seen = transfer.as_object().cloned().unwrap_or_default();
    for name in ["state", "transferType"] {
        seen.insert(name.to_owned(), capital(&transfer[name]));
    }
    Value::Object(seen)
}

/// One participant in the API's shape.
pub(super) fn participant(party: &Value, starts: &Starts, organization: &Organization) -> Value {
    let mut seen = party.as_object().cloned().unwrap_or_default();
    seen.remove("workflow");
    seen.remove("wrapupExpected");
    if let Some(start) = party["id"].as_str().and_then(|id| starts.get(id)) {
        seen.insert("startTime".to_owned(), start.clone());
    }
    let first_leg = LEGS.iter().find_map(|&array| party[array].as_array()?.first());
    if let Some(leg) = first_leg {
        let outbound = leg["direction"] == "outbound";
        let (caller, called) = if outbound { ("self", "other") } else { ("other", "self") };
        for (name, side) in [("ani", caller), ("dnis", called)] {
            if let Some(address) = leg[side]["addressNormalized"].as_str() {
                seen.insert(name.to_owned(), json!(address));
            }
        }
    }
    if let Some(queue) = party["queueId"].as_str().and_then(|id| organization.queue_name(id)) {
        seen.insert("queueName".to_owned(), json!(queue));
    }
    if party["userId"].is_string() {
        seen.insert("userUri".to_owned(), json!(uri("users", &party["userId"])));
    }
    for array in LEGS {
        let legs =
            party[array].as_array().into_iter().flatten().map(|seen| leg(seen, array)).collect();
        seen.insert(array.to_owned(), Value::Array(legs));
    }
    Value::Object(seen)
}

fn leg(leg: &Value, array: &str) -> Value {
    let mut seen = leg.as_object().cloned().unwrap_or_default();
    if array == "emails" {
        seen.remove("resumeTime");
    }
    if let Some(Value::Object(recorders)) = seen.get_mut("recordersState") {
        for state in recorders.values_mut() {
            *state = upper(state);
        }
    }
    if let Some(why) = leg["disconnectType"].as_str() {
        seen.insert("disconnectType".to_owned(), json!(why.replace(".dnd", ".donotdisturb")));
    }
    Value::Object(seen)
}
