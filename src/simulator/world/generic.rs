//! How a conversation looks on the generic topics: `v2.users.{id}.conversations` and the queues'.
//!
//! Every property that the sample frames have is here, for each medium and state (FACTS 2.3). The
//! other shapes are made from this one.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::legs;
use super::model::{Media, Millis, Model, Party, Transfer};
use super::organization::Organization;

/// A message conversation is thought asleep after three days.
const INACTIVE_AFTER: Millis = 3 * 24 * 3_600_000;
const ALERTING_TIMEOUT_MS: i64 = 15_000;

pub(super) fn body(model: &Model, organization: &Organization) -> Value {
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(model.id));
    if model.media != Media::Message {
        body.insert("address".to_owned(), json!(address(model)));
    }
    body.insert("recordingState".to_owned(), json!("none"));
    body.insert("securePause".to_owned(), json!(false));
    body.insert("divisions".to_owned(), divisions(model, organization));
    if model.media == Media::Message {
        body.insert("inactivityTimeout".to_owned(), time(model.started + INACTIVE_AFTER));
    }
    put(&mut body, "externalTag", model.external_tag.as_ref());
    if !model.transfers.is_empty() {
        let transfers: Vec<Value> = model.transfers.iter().map(transfer).collect();
        body.insert("recentTransfers".to_owned(), Value::Array(transfers));
    }
    let parties: Vec<Value> =
        model.parties.iter().map(|party| participant(model, party, organization)).collect();
    body.insert("participants".to_owned(), Value::Array(parties));
    Value::Object(body)
}

/// A time as Genesys writes it, to the millisecond.
pub(super) fn time(at: Millis) -> Value {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    Value::String(format!("{at:.3}"))
}

pub(super) fn put(into: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        into.insert(name.to_owned(), Value::String(value.clone()));
    }
}

pub(super) fn put_time(into: &mut Map<String, Value>, name: &str, at: Option<Millis>) {
    if let Some(at) = at {
        into.insert(name.to_owned(), time(at));
    }
}

/// As seen from outside: the number that was called, or that we called from (swagger).
fn address(model: &Model) -> &str {
    &model.ours.address
}

fn divisions(model: &Model, organization: &Organization) -> Value {
    let mut entities: Vec<Value> = Vec::new();
    for (ids, path) in [
        (
            model.parties.iter().filter_map(|party| party.queue.as_ref()).collect::<Vec<_>>(),
            "routing/queues",
        ),
        (model.parties.iter().filter_map(|party| party.user.as_ref()).collect(), "users"),
    ] {
        for id in ids {
            let entity = json!({ "id": id, "selfUri": format!("/api/v2/{path}/{id}") });
            if !entities.contains(&entity) {
                entities.push(entity);
            }
        }
    }
    let division = &organization.division;
    json!([{
        "division": { "id": division, "selfUri": format!("/api/v2/authorization/divisions/{division}") },
        "entities": entities,
    }])
}

fn transfer(transfer: &Transfer) -> Value {
    let mut destination = Map::new();
    put(&mut destination, "userId", transfer.to_user.as_ref());
    put(&mut destination, "address", transfer.to_address.as_ref());
    json!({
        "id": transfer.id,
        "state": if transfer.complete { "complete" } else { "active" },
        "dateIssued": time(transfer.at),
        "initiator": { "userId": transfer.initiator },
        "destination": destination,
        "transferType": if transfer.attended { "attended" } else { "unattended" },
    })
}

fn participant(model: &Model, party: &Party, organization: &Organization) -> Value {
    let mut seen = Map::new();
    seen.insert("id".to_owned(), json!(party.id));
    put_time(&mut seen, "connectedTime", party.connected);
    put_time(&mut seen, "endTime", party.ended);
    seen.insert("name".to_owned(), json!(party.name));
    put(&mut seen, "userId", party.user.as_ref());
    put(&mut seen, "queueId", party.queue.as_ref());
    seen.insert("purpose".to_owned(), json!(party.purpose));
    put(&mut seen, "address", party.address.as_ref());
    put(&mut seen, "externalContactId", party.contact.as_ref());
    put(&mut seen, "consultParticipantId", party.consult_of.as_ref());
    let working = party.work_began.is_some() && party.work_ended.is_none();
    seen.insert("wrapupRequired".to_owned(), json!(working));
    seen.insert("wrapupExpected".to_owned(), json!(party.is_agent()));
    if party.is_agent() {
        seen.insert("wrapupPrompt".to_owned(), json!("optional"));
        seen.insert("alertingTimeoutMs".to_owned(), json!(ALERTING_TIMEOUT_MS));
    }
    if let Some(routing) = routing(party) {
        seen.insert("conversationRoutingData".to_owned(), routing);
    }
    put_time(&mut seen, "startAcwTime", party.work_began);
    put_time(&mut seen, "endAcwTime", party.work_ended);
    if let Some(wrapup) = legs::wrapup(party) {
        seen.insert("wrapup".to_owned(), wrapup);
    }
    seen.insert("attributes".to_owned(), json!(party.attributes));
    for media in Media::ALL {
        let legs: Vec<Value> = party
            .legs
            .iter()
            .filter(|leg| leg.media == media)
            .map(|leg| legs::leg(model, party, leg, organization))
            .collect();
        if !legs.is_empty() {
            seen.insert(media.array().to_owned(), Value::Array(legs));
        }
    }
    if let Some(flow) = &party.workflow {
        seen.insert("workflow".to_owned(), json!({ "workflowId": flow }));
    }
    Value::Object(seen)
}

/// Queue legs say what was asked for; agents have the same shape, empty.
fn routing(party: &Party) -> Option<Value> {
    if let Some(routing) = &party.routing {
        let skills: Vec<Value> = routing.skills.iter().map(|id| json!({ "id": id })).collect();
        return Some(json!({
            "queue": { "id": party.queue },
            "language": { "id": routing.language },
            "priority": routing.priority,
            "skills": skills,
            "scoredAgents": [],
        }));
    }
    party.is_agent().then(
        || json!({ "queue": {}, "language": {}, "priority": 0, "skills": [], "scoredAgents": [] }),
    )
}
