//! What the fields of rules mean in a body: one look-up each, by the words of the language.

use serde_json::{Value, json};

use super::ruleset::Path;
use super::scene::{Element, Scene, given};

/// The ways to say the value of a field (a queue has a name and an id); none when it is absent.
/// The empty string counts as absent.
pub(super) fn read(
    scene: &Scene<'_>,
    path: &Path,
    tested: Element<'_>,
    watched: Option<Element<'_>>,
) -> Vec<Value> {
    let media = tested.leg.map(|(media, _)| media);
    let element = match path.subject.as_str() {
        "conversation" => {
            let found = of_conversation(scene, &path.field);
            return present(vec![found]);
        }
        "participant" => Some(tested),
        "customer" => scene.customer(media),
        "agent" => scene.agent(media),
        "acd" => scene.acd(media),
        _ => watched,
    };
    let Some(element) = element else { return Vec::new() };
    if let Some(name) = &path.attribute {
        return present(vec![element.party["attributes"][name.as_str()].clone()]);
    }
    present(of_element(scene, &path.field, element))
}

fn present(mut values: Vec<Value>) -> Vec<Value> {
    values.retain(|value| !value.is_null() && value.as_str() != Some(""));
    values
}

fn of_conversation(scene: &Scene<'_>, field: &str) -> Value {
    let body = scene.body;
    let outside = || {
        let people = scene.elements();
        people.into_iter().find(|person| matches!(person.purpose(), "customer" | "external"))
    };
    match field {
        "id" => body["id"].clone(),
        "direction" => outside()
            .and_then(|person| person.leg)
            .map_or(Value::Null, |(_, leg)| lower(&leg["direction"])),
        "media" => {
            outside().and_then(|person| person.leg).map_or(Value::Null, |(media, _)| json!(media))
        }
        "address" => plain(&body["address"]),
        "number" => number(scene, None),
        "transfers" => json!(body["recentTransfers"].as_array().map_or(0, Vec::len)),
        "agents" => json!(agents(scene)),
        "in_flow" => json!(scene.in_flow()),
        "ended" => json!(scene.over()),
        "external_tag" => body["externalTag"].clone(),
        "recording_state" => lower(&body["recordingState"]),
        _ => Value::Null,
    }
}

/// How many different users have been connected as agents.
fn agents(scene: &Scene<'_>) -> usize {
    let mut users: Vec<&str> = scene
        .people(None)
        .into_iter()
        .filter(|person| person.is_agent() && given(&person.party["connectedTime"]))
        .filter_map(|person| person.party["userId"].as_str())
        .collect();
    users.sort_unstable();
    users.dedup();
    users.len()
}

fn of_element(scene: &Scene<'_>, field: &str, element: Element<'_>) -> Vec<Value> {
    let party = element.party;
    let nothing = Value::Null;
    let (media, leg) = element.leg.unwrap_or(("", &nothing));
    let routing = &party["conversationRoutingData"];
    let one = match field {
        "id" | "name" | "purpose" => party[field].clone(),
        "media" => json!(media),
        "state" => lower(&leg["state"]),
        "direction" => lower(&leg["direction"]),
        "held" => leg["held"].clone(),
        "ended" => json!(element.ended()),
        "number" => number(scene, element.leg.map(|(media, _)| media)),
        "ani" | "dnis" => caller_or_called(leg, field),
        "address" => plain(&party["address"]),
        "queue" => return queue(scene, &party["queueId"]),
        "queue_id" => party["queueId"].clone(),
        "user" => return user(scene, &party["userId"]),
        "user_id" => party["userId"].clone(),
        "user_name" => user_name(scene, party),
        "role" => role(element),
        "wrapup_code" => {
            let own = &party["wrapup"]["code"];
            if given(own) { own.clone() } else { leg["wrapup"]["code"].clone() }
        }
        "external_contact_id" => party["externalContactId"].clone(),
        "message_type" => lower(&leg["type"]),
        "subject" => leg["subject"].clone(),
        "flow_id" => party["workflow"]["workflowId"].clone(),
        "skills" => {
            let skills = routing["skills"].as_array().into_iter().flatten();
            return skills.map(|skill| skill["id"].clone()).collect();
        }
        "language" => routing["language"]["id"].clone(),
        "priority" => routing["priority"].clone(),
        _ => Value::Null,
    };
    vec![one]
}

/// The customer's number, whatever the medium and direction; absent for who has none.
fn number(scene: &Scene<'_>, media: Option<&str>) -> Value {
    let Some(customer) = scene.customer(media) else { return Value::Null };
    let nothing = Value::Null;
    let (media, leg) = customer.leg.unwrap_or(("", &nothing));
    let theirs = match media {
        "callback" => leg["callbackNumbers"][0].clone(),
        "call" => leg["other"]["addressNormalized"].clone(),
        "message" if leg["direction"] == "outbound" => {
            leg["toAddress"]["addressNormalized"].clone()
        }
        "message" => leg["fromAddress"]["addressNormalized"].clone(),
        _ => Value::Null,
    };
    let e164 = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('+'));
    [plain(&theirs), plain(&customer.party["address"])].into_iter().find(e164).unwrap_or_default()
}

fn caller_or_called(leg: &Value, field: &str) -> Value {
    let calls_us = leg["direction"] != "outbound";
    let (call, message) = match (field, calls_us) {
        ("ani", true) | ("dnis", false) => ("other", "fromAddress"),
        _ => ("self", "toAddress"),
    };
    let of_call = plain(&leg[call]["addressNormalized"]);
    if of_call.is_null() { plain(&leg[message]["addressNormalized"]) } else { of_call }
}

fn queue(scene: &Scene<'_>, id: &Value) -> Vec<Value> {
    let known = scene.directory.queues.iter().find(|(known, _)| id == known.as_str());
    known.map(|(_, name)| json!(name)).into_iter().chain([id.clone()]).collect()
}

fn user(scene: &Scene<'_>, id: &Value) -> Vec<Value> {
    match scene.directory.users.iter().find(|(known, ..)| id == known.as_str()) {
        Some((_, name, email)) => vec![json!(name), json!(email), id.clone()],
        None => vec![id.clone()],
    }
}

fn user_name(scene: &Scene<'_>, party: &Value) -> Value {
    if !given(&party["userId"]) {
        return Value::Null;
    }
    let known = scene.directory.users.iter().find(|(known, ..)| party["userId"] == known.as_str());
    known.map_or_else(|| party["name"].clone(), |(_, name, _)| json!(name))
}

fn role(element: Element<'_>) -> Value {
    let others = [
        ("monitoredParticipantId", "monitor"),
        ("coachedParticipantId", "coach"),
        ("bargedParticipantId", "barge"),
        ("consultParticipantId", "consult"),
    ];
    let other = others.iter().find(|(name, _)| given(&element.party[*name])).map(|(_, role)| *role);
    let agent = element.is_agent().then_some("agent");
    other.or(agent).map_or(Value::Null, |role| json!(role))
}

fn lower(word: &Value) -> Value {
    word.as_str().map_or(Value::Null, |word| json!(word.to_lowercase()))
}

/// Without its scheme.
fn plain(address: &Value) -> Value {
    let Some(address) = address.as_str() else { return Value::Null };
    let scheme =
        ["tel:", "sip:", "sips:", "mailto:"].into_iter().find(|scheme| address.starts_with(scheme));
    json!(scheme.map_or(address, |scheme| &address[scheme.len()..]))
}
