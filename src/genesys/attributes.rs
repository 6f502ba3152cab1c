//! Writing attributes, in either dialect (DESIGN 5).
//!
//! `patch` sends the changed keys. `put` reads the participant, merges, and sends the whole map at
//! once, as the tutorial does; what somebody else writes between the two is lost, so the map as it
//! was is handed back for the caller to see, and what turns out to be [`Lost`] is put back by a later
//! write. Neither proves that anything is stored (FACTS 1.1).

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::{Answer, Api, Call, CallError, Class, Permit, Refusal};
use super::ids::{ConversationId, ParticipantId};
use super::quoted;
use super::reading::encoded;
use crate::config::Dialect;

/// Values shorter than this are not looked for in what the server says: they are in every sentence.
const TELLING: usize = 3;

/// A write that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub status: StatusCode,
    pub correlation_id: Option<String>,
    /// The attributes as they were read just before; `put` only.
    pub before: Option<BTreeMap<String, String>>,
    /// Of what was said to be lost, the keys that were put back.
    pub restored: Vec<Arc<str>>,
}

/// One of somebody else's attributes that a write of the whole map may have undone. `None` is no
/// attribute.
#[derive(Clone, PartialEq, Eq)]
pub struct Lost {
    /// What that write carried for it.
    pub carried: Option<Arc<str>>,
    /// What somebody else had written meanwhile.
    pub value: Option<Arc<str>>,
}

/// Without the values.
impl fmt::Debug for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lost").finish_non_exhaustive()
    }
}

/// What is to be written to one participant.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub conversation: &'a ConversationId,
    pub participant: &'a ParticipantId,
    pub attributes: &'a BTreeMap<Arc<str>, Arc<str>>,
    /// To be put back where it is really lost; `put` only.
    pub lost: &'a BTreeMap<Arc<str>, Lost>,
    /// The tutorial's `status`; `put` only. A 409 means that the participant's state does not allow
    /// it.
    pub status: Option<&'a str>,
}

/// Sets attributes of a participant, and leaves the others as they are.
///
/// In the `put` dialect the permit is used for the write, and another of its class is taken for the
/// read before. Where there is nothing but what was lost, and none of it is, nothing is written.
///
/// # Errors
///
/// As [`Api::call_with`]. What the server says is shown without the values that were sent.
/// [`CallError::Unreadable`] if what was read is no participant, and then nothing is written.
///
/// # Cancel safety
///
/// Dropping the future abandons the request; the server may have acted on it.
pub async fn write(
    api: &dyn Api,
    dialect: Dialect,
    permit: Permit,
    wanted: Wanted<'_>,
) -> Result<Written, CallError> {
    match dialect {
        Dialect::Patch => patch(api, permit, wanted).await,
        Dialect::Put => put(api, permit, wanted).await,
    }
}

/// Reads a participant's attributes; `put` dialect only.
///
/// # Errors
///
/// As [`Api::call`]; [`CallError::Unreadable`] if what was read is no participant.
///
/// # Cancel safety
///
/// Cancel safe.
pub async fn read(
    api: &dyn Api,
    class: Class,
    conversation: &ConversationId,
    participant: &ParticipantId,
) -> Result<BTreeMap<String, String>, CallError> {
    let answer = api.call(get(class, path(conversation, participant, ""))).await?;
    Ok(as_texts(attributes_of(&answer)?))
}

async fn patch(api: &dyn Api, permit: Permit, wanted: Wanted<'_>) -> Result<Written, CallError> {
    let attributes = wanted.attributes;
    let call = Call {
        class: permit.class,
        operation: "patch_attributes",
        method: Method::PATCH,
        path: path(wanted.conversation, wanted.participant, "/attributes"),
        body: Some(body(attributes)?),
    };
    let answer = api.call_with(permit, call).await;
    let answer = answer.map_err(|error| without_values(error, wanted, iter::empty()))?;
    let Answer { status, correlation_id, .. } = answer;
    Ok(Written { status, correlation_id, before: None, restored: Vec::new() })
}

/// Written as they are: a [`Value`] would be a copy of each.
fn body(attributes: &BTreeMap<Arc<str>, Arc<str>>) -> Result<Bytes, CallError> {
    #[derive(Serialize)]
    struct Body<'a> {
        attributes: &'a BTreeMap<Arc<str>, Arc<str>>,
    }
    let text = serde_json::to_vec(&Body { attributes });
    text.map(Bytes::from).map_err(|error| {
        let (operation, message) = ("patch_attributes", format!("it is no JSON: {error}"));
        CallError::Refused(Refusal { operation, message, ..Refusal::default() })
    })
}

async fn put(api: &dyn Api, permit: Permit, wanted: Wanted<'_>) -> Result<Written, CallError> {
    let path = path(wanted.conversation, wanted.participant, "");
    let read = get(permit.class, path.clone());
    // Leave for the write is held already, so that it follows the read at once.
    let answer = api.call(read).await?;
    let before = attributes_of(&answer)?;
    let mut map = before.clone();
    let restored = restore(&mut map, wanted.lost);
    for (key, value) in wanted.attributes {
        map.insert(key.as_ref().to_owned(), Value::from(value.as_ref()));
    }
    let needless = !wanted.lost.is_empty() && restored.is_empty() && wanted.attributes.is_empty();
    let answer = if needless {
        answer
    } else {
        let mut body = json!({ "attributes": map });
        if let Some(status) = wanted.status {
            body["status"] = Value::from(status);
        }
        let call = Call {
            class: permit.class,
            operation: "put_participant",
            method: Method::PUT,
            path,
            body: Some(Bytes::from(body.to_string())),
        };
        let answer = api.call_with(permit, call).await;
        // The map holds everybody's.
        let others = before.values().filter_map(Value::as_str);
        answer.map_err(|error| without_values(error, wanted, others))?
    };
    let Answer { status, correlation_id, .. } = answer;
    Ok(Written { status, correlation_id, before: Some(as_texts(before)), restored })
}

/// Puts back what is lost: only where the map still holds what undid it. Anything else there is
/// newer.
fn restore(map: &mut Map<String, Value>, lost: &BTreeMap<Arc<str>, Lost>) -> Vec<Arc<str>> {
    let mut restored = Vec::new();
    for (key, Lost { carried, value }) in lost {
        let there = map.get(&**key).cloned().map(as_text);
        if there.as_deref() != carried.as_deref() || carried == value {
            continue;
        }
        match value {
            Some(value) => map.insert(key.as_ref().to_owned(), Value::from(value.as_ref())),
            None => map.remove(&**key),
        };
        restored.push(Arc::clone(key));
    }
    restored
}

fn get(class: Class, path: String) -> Call {
    Call { class, operation: "get_participant", method: Method::GET, path, body: None }
}

fn path(conversation: &ConversationId, participant: &ParticipantId, rest: &str) -> String {
    let (conversation, participant) =
        (encoded(conversation.as_str()), encoded(participant.as_str()));
    ["/api/v2/conversations/", &conversation, "/participants/", &participant, rest].concat()
}

/// The attributes of a participant. None at all are an empty map; anything else that is no map is
/// an error, because what is not read would be deleted by the write.
fn attributes_of(answer: &Answer) -> Result<Map<String, Value>, CallError> {
    let unreadable = |reason: &str| CallError::Unreadable {
        operation: "get_participant",
        reason: reason.to_owned(),
    };
    let participant: Value =
        serde_json::from_slice(&answer.body).map_err(|_| unreadable("it is no JSON"))?;
    let Value::Object(mut participant) = participant else {
        return Err(unreadable("it is no participant"));
    };
    match participant.remove("attributes") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(attributes)) => Ok(attributes),
        Some(_) => Err(unreadable("its attributes are no map")),
    }
}

fn as_texts(map: Map<String, Value>) -> BTreeMap<String, String> {
    map.into_iter().map(|(key, value)| (key, as_text(value))).collect()
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// Values belong in no log, and errors are logged: takes out what the server repeats of them.
fn without_values<'a>(
    mut error: CallError,
    wanted: Wanted<'a>,
    others: impl Iterator<Item = &'a str>,
) -> CallError {
    if let Some(refusal) = error.refusal_mut() {
        let lost = wanted.lost.values().filter_map(|lost| lost.value.as_deref());
        let values = wanted.attributes.values().map(|value| &**value).chain(lost).chain(others);
        let telling = values.filter(|value| value.chars().count() >= TELLING);
        refusal.message = quoted::without(&refusal.message, telling);
    }
    error
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::fake::FakeApi;
    use super::*;

    fn new() -> BTreeMap<Arc<str>, Arc<str>> {
        let pair = |key: &str, value: &str| (Arc::from(key), Arc::from(value));
        BTreeMap::from([pair("cc.segment", "platinum"), pair("cc.on_hold", "true")])
    }

    async fn write_to(api: &FakeApi, dialect: Dialect) -> Result<Written, CallError> {
        let permit = api.permit(Class::Update).await;
        let (conversation, participant) = (ConversationId::new("c/1"), ParticipantId::new("p?2"));
        let (attributes, lost) = (new(), BTreeMap::new());
        let wanted = Wanted {
            conversation: &conversation,
            participant: &participant,
            attributes: &attributes,
            lost: &lost,
            status: None,
        };
        write(api, dialect, permit, wanted).await
    }

    #[tokio::test]
    async fn patch_sends_the_changed_keys() {
        let api = FakeApi::new([(202, "")]);
        let written = write_to(&api, Dialect::Patch).await.unwrap();
        assert_eq!(written.before, None);
        expect![[r#"
            PATCH /api/v2/conversations/c%2F1/participants/p%3F2/attributes {"attributes":{"cc.on_hold":"true","cc.segment":"platinum"}}
        "#]].assert_eq(&api.seen());
    }

    #[tokio::test]
    async fn put_keeps_what_is_there() {
        let there = r#"{"id":"p","attributes":{"crm.id":"CS-1","cc.on_hold":"false","odd":7}}"#;
        let api = FakeApi::new([(200, there), (200, "{}")]);
        let before = write_to(&api, Dialect::Put).await.unwrap().before.unwrap();
        assert_eq!(before["cc.on_hold"], "false");
        assert_eq!(before["odd"], "7");
        expect![[r#"
            GET /api/v2/conversations/c%2F1/participants/p%3F2
            PUT /api/v2/conversations/c%2F1/participants/p%3F2 {"attributes":{"cc.on_hold":"true","cc.segment":"platinum","crm.id":"CS-1","odd":7}}
        "#]].assert_eq(&api.seen());

        let api = FakeApi::new([(200, "{}"), (200, "{}")]);
        let permit = api.permit(Class::Update).await;
        let wanted = Wanted {
            conversation: &ConversationId::new("c"),
            participant: &ParticipantId::new("p"),
            attributes: &BTreeMap::new(),
            lost: &BTreeMap::new(),
            status: Some("connected"),
        };
        write(&api, Dialect::Put, permit, wanted).await.unwrap();
        expect![[r#"
            GET /api/v2/conversations/c/participants/p
            PUT /api/v2/conversations/c/participants/p {"attributes":{},"status":"connected"}
        "#]]
        .assert_eq(&api.seen());
    }

    #[tokio::test]
    async fn put_gives_back_what_is_lost_and_only_that() {
        let text = |text: &str| Some(Arc::from(text));
        let lost = BTreeMap::from([
            (Arc::from("new"), Lost { carried: None, value: text("1") }),
            (Arc::from("newer"), Lost { carried: text("0"), value: text("1") }),
            (Arc::from("gone"), Lost { carried: text("0"), value: None }),
        ]);
        let lose = async |api: &FakeApi| {
            let permit = api.permit(Class::Update).await;
            let wanted = Wanted {
                conversation: &ConversationId::new("c"),
                participant: &ParticipantId::new("p"),
                attributes: &BTreeMap::new(),
                lost: &lost,
                status: None,
            };
            write(api, Dialect::Put, permit, wanted).await.unwrap().restored.join(" ")
        };
        let there = r#"{"attributes":{"newer":"2","gone":"0","odd":7}}"#;
        let api = FakeApi::new([(200, there), (200, "{}")]);
        assert_eq!(lose(&api).await, "gone new");
        expect![[r#"
            GET /api/v2/conversations/c/participants/p
            PUT /api/v2/conversations/c/participants/p {"attributes":{"new":"1","newer":"2","odd":7}}
        "#]]
        .assert_eq(&api.seen());

        let there = r#"{"attributes":{"new":"1","newer":"2"}}"#;
        let api = FakeApi::new([(200, there)]);
        assert_eq!(lose(&api).await, "");
        assert!(!api.seen().contains("PUT"), "{}", api.seen());
    }

    #[tokio::test]
    async fn put_writes_nothing_over_what_it_cannot_read() {
        for body in ["", "[]", r#"{"attributes":"x"}"#, "<html>"] {
            let api = FakeApi::new([(200, body)]);
            let error = write_to(&api, Dialect::Put).await.unwrap_err();
            assert!(matches!(error, CallError::Unreadable { .. }), "{error}");
            assert!(!api.seen().contains("PUT"), "{body}");
        }
    }

    #[tokio::test]
    async fn errors_do_not_repeat_values() {
        let body = r#"{"message":"the value 'platinum' is true, but too long"}"#;
        let error = write_to(&FakeApi::new([(400, body)]), Dialect::Patch).await.unwrap_err();
        expect!["patch_attributes answered 400: the value '…' is …, but too long"]
            .assert_eq(&error.to_string());
    }
}
