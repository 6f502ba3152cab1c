//! The legs of a participant as the generic topics show them: calls, messages, e-mails, callbacks.

use serde_json::{Map, Value, json};

use super::generic::{put, put_time, time};
use super::model::{Contact, Leg, Media, Model, Note, Party};
use super::organization::Organization;

pub(super) fn leg(model: &Model, party: &Party, leg: &Leg, organization: &Organization) -> Value {
    let mut seen = common(model, party, leg, organization);
    match leg.media {
        Media::Call => call(&mut seen, model, party, leg, organization),
        Media::Message => message(&mut seen, model, party, leg),
        Media::Email => email(&mut seen, model, party, leg),
        Media::Callback => callback(&mut seen, model, party),
    }
    Value::Object(seen)
}

pub(super) fn wrapup(party: &Party) -> Option<Value> {
    let wrapup = party.wrapup.as_ref()?;
    let tags: Vec<&str> = if wrapup.notes.is_empty() { Vec::new() } else { vec!["noted"] };
    Some(json!({
        "code": wrapup.code,
        "notes": wrapup.notes,
        "tags": tags,
        "durationSeconds": wrapup.seconds,
        "endTime": time(wrapup.at),
    }))
}

/// What legs of all media have.
fn common(
    model: &Model,
    party: &Party,
    leg: &Leg,
    organization: &Organization,
) -> Map<String, Value> {
    let mut seen = Map::new();
    seen.insert("id".to_owned(), json!(leg.id));
    seen.insert("state".to_owned(), json!(leg.state));
    seen.insert("initialState".to_owned(), json!(leg.initial));
    seen.insert("direction".to_owned(), json!(model.direction));
    seen.insert("held".to_owned(), json!(leg.held_since.is_some()));
    seen.insert("provider".to_owned(), json!(leg.media.provider()));
    put(&mut seen, "peerId", leg.peer.as_ref());
    put_time(&mut seen, "connectedTime", leg.connected);
    put_time(&mut seen, "disconnectedTime", leg.disconnected);
    put_time(&mut seen, "startHoldTime", leg.held_since);
    if let Some(why) = leg.disconnect_type {
        seen.insert("disconnectType".to_owned(), json!(why));
    }
    if party.is_agent() || party.purpose == "acd" {
        seen.insert("scriptId".to_owned(), json!(organization.script));
    }
    if party.is_agent() || (party.purpose == "acd" && leg.media == Media::Call) {
        let settings = json!({
            "alertingTimeoutSeconds": 15,
            "autoAnswerAlertToneSeconds": 300.0,
            "manualAnswerAlertToneSeconds": 300.0,
            "enableAutoAnswer": false,
        });
        seen.insert("queueMediaSettings".to_owned(), settings);
    }
    let working = party.work_began.is_some() && party.work_ended.is_none();
    seen.insert("afterCallWorkRequired".to_owned(), json!(working));
    if let Some(work) = after_call_work(party) {
        seen.insert("afterCallWork".to_owned(), work);
    }
    if let Some(wrapup) = wrapup(party) {
        seen.insert("wrapup".to_owned(), wrapup);
    }
    seen
}

fn after_call_work(party: &Party) -> Option<Value> {
    let mut work = Map::new();
    put_time(&mut work, "startTime", Some(party.work_began?));
    put_time(&mut work, "endTime", party.work_ended);
    let state = if party.work_ended.is_some() { "complete" } else { "pending" };
    work.insert("state".to_owned(), json!(state));
    Some(Value::Object(work))
}

fn call(
    seen: &mut Map<String, Value>,
    model: &Model,
    party: &Party,
    leg: &Leg,
    organization: &Organization,
) {
    let recorded = party.is_agent() && leg.connected.is_some();
    seen.insert("recording".to_owned(), json!(recorded && leg.live()));
    seen.insert("recordingState".to_owned(), json!(if recorded { "active" } else { "none" }));
    seen.insert("muted".to_owned(), json!(false));
    seen.insert("confined".to_owned(), json!(leg.confined));
    seen.insert("securePause".to_owned(), json!(false));
    seen.insert("self".to_owned(), address(&model.ours));
    seen.insert("other".to_owned(), address(&model.theirs));
    if recorded {
        let recorders = json!({
            "adhocState": "none",
            "customerExperienceState": "active",
            "agentExperienceState": "active",
            "snippetState": "none",
        });
        seen.insert("recordersState".to_owned(), recorders);
        seen.insert("agentAssistantId".to_owned(), json!(organization.script));
    }
    if !leg.live() {
        let reasons = match leg.disconnect_type {
            Some("endpoint") => {
                json!([{ "type": "q850", "code": 16, "phrase": "Normal call clearing" }])
            }
            Some(_) | None => json!([]),
        };
        seen.insert("disconnectReasons".to_owned(), reasons);
    }
}

fn message(seen: &mut Map<String, Value>, model: &Model, party: &Party, leg: &Leg) {
    seen.insert("type".to_owned(), json!(model.message_type));
    seen.insert("recipientCountry".to_owned(), json!("DE"));
    seen.insert("recipientType".to_owned(), json!(model.message_type));
    seen.insert("toAddress".to_owned(), address(&model.ours));
    seen.insert("fromAddress".to_owned(), address(&model.theirs));
    let messages: Vec<Value> = leg.messages.iter().map(note).collect();
    seen.insert("messages".to_owned(), Value::Array(messages));
    put_time(seen, "parkTime", leg.parked);
    put_time(seen, "resumeTime", leg.resumed);
    if let (Some((cookie, session)), "customer") = (&model.journey, party.purpose) {
        let journey = json!({
            "customer": { "id": cookie, "idType": "cookie" },
            "customerSession": { "id": session, "type": "web" },
        });
        seen.insert("journeyContext".to_owned(), journey);
    }
}

fn note(note: &Note) -> Value {
    json!({
        "messageId": note.id,
        "messageTime": time(note.at),
        "messageStatus": note.status,
        "messageSegmentCount": 1,
        "media": [],
        "stickers": [],
        "messageMetadata": { "type": "Text", "events": [], "content": [] },
    })
}

fn email(seen: &mut Map<String, Value>, model: &Model, party: &Party, leg: &Leg) {
    seen.insert("subject".to_owned(), json!(model.subject));
    seen.insert("messagesSent".to_owned(), json!(leg.messages.len()));
    seen.insert("autoGenerated".to_owned(), json!(false));
    seen.insert("spam".to_owned(), json!(false));
    seen.insert("draftAttachments".to_owned(), json!([]));
    if party.purpose == "customer" {
        seen.insert("messageId".to_owned(), json!(format!("<{}@mail.example.com>", leg.id)));
    }
    put_time(seen, "parkTime", leg.parked);
    put_time(seen, "resumeTime", leg.resumed);
}

fn callback(seen: &mut Map<String, Value>, model: &Model, party: &Party) {
    let number = model.theirs.address.trim_start_matches("tel:");
    seen.insert("callbackNumbers".to_owned(), json!([number]));
    seen.insert("callbackUserName".to_owned(), json!(model.theirs.name));
    seen.insert("externalCampaign".to_owned(), json!(false));
    seen.insert("skipEnabled".to_owned(), json!(party.is_agent()));
    seen.insert("timeoutSeconds".to_owned(), json!(0));
    put_time(seen, "callbackScheduledTime", model.scheduled);
    seen.insert("callerId".to_owned(), json!(model.ours.address.trim_start_matches("tel:")));
    seen.insert("callerIdName".to_owned(), json!(model.ours.name));
}

fn address(of: &Contact) -> Value {
    let plain = of.address.trim_start_matches("tel:");
    let raw = if plain == of.address { plain.to_owned() } else { format!("sip:{plain}@10.0.0.1") };
    json!({
        "name": of.name,
        "nameRaw": of.name,
        "addressNormalized": of.address,
        "addressRaw": raw,
        "addressDisplayable": plain,
    })
}
