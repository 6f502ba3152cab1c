//! Answers against Genesys' own definitions, where those are at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::super::world::{Shape, UNKNOWN_STATE};
use super::super::{Entry, Options};
use super::client::{Client, quiet};

/// What the public API does not have, and why it is asked for all the same.
const EXEMPT: [(&str, &str); 3] = [
    ("POST", "/oauth/token"),
    ("GET", "/api/v2/conversations/users/{userId}"),
    ("PUT", "/api/v2/conversations/{conversationId}/participants/{participantId}"),
];

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
async fn answers_conform_to_the_public_api() {
    let Some(api) = api() else {
        eprintln!("SKIPPED: api-subset.json is not beside the project");
        return;
    };
    let shape = Shape { users: 30, ..Shape::default() };
    let client = Client::new(Options { shape, record_bodies: true, ..quiet() }).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    visit(&client).await;
    let log = client.simulator().requests();
    let mut unused: Vec<_> = EXEMPT.to_vec();
    let mut problems = Vec::new();
    let mut nulls = 0;
    let mut validators = BTreeMap::new();
    for entry in &log {
        let key = (entry.method.as_str(), entry.path.as_str());
        if EXEMPT.contains(&key) {
            unused.retain(|exempt| *exempt != key);
            continue;
        }
        problems.extend(check(&api, entry, &mut validators, &mut nulls));
    }
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(unused, []);
    assert!(nulls > 0, "the exemption for nulls is never used");
    assert!(log.len() > 25, "{}", log.len());
}

/// Asks for one of everything.
async fn visit(client: &Client) {
    let (channel, _) = client.channel(&[client.topic(0)]).await;
    let channel = format!("/notifications/channels/{channel}");
    let queue = client.get("/routing/queues").await.body["entities"][0]["id"].clone();
    let queue = queue.as_str().unwrap().to_owned();
    let group = client.get("/groups").await.body["entities"][0]["id"].clone();
    let group = group.as_str().unwrap().to_owned();
    let user = client.user(0);
    let query = json!({ "interval": "2026-11-20T00:00:00.000Z/2026-11-20T23:00:00.000Z" });
    let found = client.call("POST", "/analytics/conversations/details/query", query).await.body;
    let ids: Vec<String> = found["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conversation| conversation["conversationId"].as_str().unwrap().to_owned())
        .collect();
    for id in &ids {
        let body = client.get(&format!("/conversations/{id}")).await.body;
        for media in ["calls", "callbacks", "emails", "messages"] {
            client.get(&format!("/conversations/{media}/{id}")).await;
        }
        let participant = body["participants"][0]["id"].as_str().unwrap();
        let path = format!("/conversations/{id}/participants/{participant}");
        let attributes = json!({ "attributes": { "a": "1" } });
        client.call("PATCH", &format!("{path}/attributes"), attributes.clone()).await;
        client.call("PATCH", &format!("{path}/attributes"), json!({ "attributes": null })).await;
        client.call("PUT", &path, attributes).await;
        client.call("PATCH", &path, json!({ "held": true })).await;
    }
    for path in [
        "/users".to_owned(),
        format!("/users/{user}"),
        format!("/users/{user}/queues"),
        "/routing/queues/divisionviews/all".to_owned(),
        format!("/routing/queues/{queue}"),
        format!("/routing/queues/{queue}/members"),
        "/routing/wrapupcodes".to_owned(),
        format!("/groups/{group}/members"),
        format!("/groups/{group}/individuals"),
        "/organizations/me".to_owned(),
        "/organizations/limits/namespaces".to_owned(),
        "/organizations/limits/namespaces/platform.api".to_owned(),
        "/organizations/limits/docs".to_owned(),
        "/tokens/me".to_owned(),
        "/notifications/availabletopics".to_owned(),
        "/notifications/channels?includechannels=oauthclient".to_owned(),
        format!("{channel}/subscriptions"),
        format!("/conversations/users/{user}"),
        "/conversations".to_owned(),
        "/conversations/calls".to_owned(),
        format!("/analytics/conversations/{}/details", ids[0]),
        format!("/analytics/conversations/details?id={}", ids[0]),
    ] {
        client.get(&path).await;
    }
    let search = json!({ "query": [{ "type": "CONTAINS", "fields": ["name"], "value": "a" }] });
    client.call("POST", "/users/search", search.clone()).await;
    client.call("POST", "/groups/search", search).await;
    client.call("HEAD", &channel, Value::Null).await;
    client.call("DELETE", &format!("{channel}/subscriptions"), Value::Null).await;
    // The rest is refused: refusals have to conform too.
    client.simulator().spend(1_000);
    client.get("/users").await;
}

fn api() -> Option<Value> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared", "../../shared"].map(|place| root.join(place));
    let text = places
        .iter()
        .find_map(|place| std::fs::read_to_string(place.join("genesys/api-subset.json")).ok())?;
    Some(serde_json::from_str(&text).unwrap())
}

/// What is wrong with one exchange.
fn check(
    api: &Value,
    entry: &Entry,
    validators: &mut BTreeMap<String, Validator>,
    nulls: &mut usize,
) -> Vec<String> {
    let place = format!("{} {} {:?}", entry.method, entry.path, entry.status);
    let operation = &api["paths"][&entry.path][entry.method.to_lowercase()];
    let status = entry.status.unwrap_or(0).to_string();
    let response = resolved(api, &operation["responses"][&status]);
    // 204 is what a DELETE gives that declares no success at all.
    if response.is_null() && status != "204" && entry.method != "HEAD" {
        return vec![format!("{place}: not declared")];
    }
    let (Some(answer), Some(schema)) = (&entry.answer, response.get("schema")) else {
        return Vec::new();
    };
    let mut answer = answer.clone();
    *nulls += without_nulls(&mut answer);
    let answer = &answer;
    let validator = validators.entry(schema.to_string()).or_insert_with(|| {
        let document = json!({ "allOf": [schema], "definitions": api["definitions"] });
        jsonschema::validator_for(&document).unwrap()
    });
    let on_purpose = |error: &jsonschema::ValidationError<'_>| {
        let word = error.instance().as_str();
        word.is_some_and(|word| word.eq_ignore_ascii_case(UNKNOWN_STATE))
    };
    let mut problems: Vec<String> = validator
        .iter_errors(answer)
        .filter(|error| !on_purpose(error))
        .map(|error| format!("{place}: {} at {}", error, error.instance_path()))
        .collect();
    unknown(api, schema, answer, &place, &mut problems);
    problems.truncate(3);
    problems
}

/// Anything can be null (FACTS 2.5.7), which the definitions do not say. Returns how many were.
fn without_nulls(value: &mut Value) -> usize {
    match value {
        Value::Array(items) => items.iter_mut().map(without_nulls).sum(),
        Value::Object(fields) => {
            let before = fields.len();
            fields.retain(|_, value| !value.is_null());
            before - fields.len() + fields.values_mut().map(without_nulls).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Properties that no definition names. A world may add some on purpose, below a conversation.
fn unknown(api: &Value, schema: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    let schema = resolved(api, schema);
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| unknown(api, &schema["items"], item, place, problems));
        }
        Value::Object(fields) => {
            let Some(properties) = schema["properties"].as_object() else { return };
            let is_noisy =
                properties.contains_key("purpose") || properties.contains_key("recentTransfers");
            for (name, value) in fields {
                match properties.get(name) {
                    Some(schema) if !is_noisy => unknown(api, schema, value, place, problems),
                    None if !is_noisy => problems.push(format!("{place}: unknown {name}")),
                    Some(_) | None => {}
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn resolved(api: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => api.pointer(pointer).cloned().unwrap_or_default(),
        None => schema.clone(),
    }
}
