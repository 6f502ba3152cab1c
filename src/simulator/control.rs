//! `/simulator/`: the owner's hands over HTTP. The table is in the [parent](super).
//!
//! No token, no budget, no log; from this machine only.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::faults::Faults;
use super::hands::{Toss, Treatment};
use super::paging::Params;
use super::script::Scripted;
use super::socket::Door;
use super::topics::Permissions;
use super::{ClientChange, Simulator, notifications};

type Shared = State<Arc<Simulator>>;

/// Who asks, on every request that came over a connection; `None` within the process.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) Option<IpAddr>);

/// A request that cannot be understood, with the reason.
struct Misunderstood(String);

type Done = Result<Json<Value>, Misunderstood>;

impl IntoResponse for Misunderstood {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

pub(super) fn paths() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/simulator/state", get(overview))
        .route("/simulator/truth", get(truth))
        .route("/simulator/requests", get(requests).post(record))
        .route("/simulator/windows", get(windows))
        .route("/simulator/window/advance", post(advance_window))
        .route("/simulator/rules", post(rules))
        .route("/simulator/conversations", post(inject))
        .route("/simulator/frames", post(frames))
        .route("/simulator/attributes", post(attributes))
        .route("/simulator/sockets", post(sockets))
        .route("/simulator/sockets/doors", post(doors))
        .route("/simulator/tokens/revoke", post(revoke))
        .route("/simulator/clients", post(clients))
        .route("/simulator/limits", post(limits))
        .route("/simulator/faults", post(faults).delete(clear_faults))
        .route("/simulator/faults/level", post(level))
        .route("/simulator/permissions", post(permissions))
        .route("/simulator/world/advance", post(advance_world))
        .route("/simulator/world/stop", post(stop_world))
        .route("/simulator/channels/foreign", post(foreign))
        .layer(from_fn(local))
}

/// Lets only this machine in.
async fn local(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    if peer.is_some_and(|peer| !peer.to_canonical().is_loopback()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Misunderstood> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Misunderstood(error.to_string()))
}

fn done() -> Done {
    Ok(Json(json!({})))
}

async fn overview(State(simulator): Shared) -> Json<Value> {
    Json(simulator.overview())
}

async fn truth(State(simulator): Shared) -> Response {
    Json(simulator.verdict()).into_response()
}

async fn requests(State(simulator): Shared, params: Params) -> Done {
    let number = |name: &str| params.get(name).map(str::parse::<u64>).transpose();
    let misread = |_| Misunderstood("since, status and limit are numbers".to_owned());
    let since = number("since").map_err(misread)?.unwrap_or(0);
    let status = number("status").map_err(misread)?;
    let limit = number("limit").map_err(misread)?.unwrap_or(u64::MAX);
    let is = |wanted: Option<&str>, found: Option<&str>| wanted.is_none() || wanted == found;
    let mut log = simulator.requests();
    log.retain(|entry| {
        let id = |name: &str| entry.ids.get(name).map(String::as_str);
        entry.number >= since
            && is(params.get("method"), Some(&entry.method))
            && params.get("path").is_none_or(|part| entry.path.contains(part))
            && status.is_none_or(|status| entry.status.map(u64::from) == Some(status))
            && is(params.get("conversation"), id("conversationId"))
            && is(params.get("participant"), id("participantId"))
    });
    log.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Json(json!({ "requests": log })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    bodies: bool,
}

async fn record(State(simulator): Shared, bytes: Bytes) -> Done {
    simulator.record_bodies(read::<Record>(&bytes)?.bodies);
    done()
}

async fn windows(State(simulator): Shared) -> Json<Value> {
    Json(json!({ "windows": simulator.windows(), "highest": simulator.highest() }))
}

async fn advance_window(State(simulator): Shared) -> Done {
    simulator.advance_window();
    done()
}

async fn rules(State(simulator): Shared, text: String) -> Done {
    simulator.rules(&text).map_err(Misunderstood)?;
    done()
}

async fn inject(State(simulator): Shared, bytes: Bytes) -> Done {
    let (sequence, topics) = simulator.inject(read(&bytes)?);
    Ok(Json(json!({ "sequence": sequence, "topics": topics })))
}

async fn frames(State(simulator): Shared, bytes: Bytes) -> Done {
    let channels = simulator.toss(&read::<Toss>(&bytes)?);
    Ok(Json(json!({ "channels": channels })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    conversation: String,
    participant: String,
    attributes: BTreeMap<String, String>,
}

async fn attributes(State(simulator): Shared, bytes: Bytes) -> Done {
    let write: Write = read(&bytes)?;
    simulator
        .write_as_other(&write.conversation, &write.participant, &write.attributes)
        .map_err(|_| Misunderstood("no such conversation or participant".to_owned()))?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sockets {
    how: Treatment,
    channel: Option<String>,
}

async fn sockets(State(simulator): Shared, bytes: Bytes) -> Done {
    let Sockets { how, channel } = read(&bytes)?;
    Ok(Json(json!({ "channels": simulator.treat(how, channel.as_deref()) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doors {
    doors: Vec<Door>,
}

async fn doors(State(simulator): Shared, bytes: Bytes) -> Done {
    simulator.doors(read::<Doors>(&bytes)?.doors);
    done()
}

async fn revoke(State(simulator): Shared) -> Json<Value> {
    Json(json!({ "tokens": simulator.revoke_tokens() }))
}

async fn clients(State(simulator): Shared, bytes: Bytes) -> Done {
    let change: ClientChange = read(&bytes)?;
    if change.client.is_empty() {
        return Err(Misunderstood("`client` is the id of one".to_owned()));
    }
    simulator.change_client(&change);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLimits {
    allowed: Option<u64>,
    window_seconds: Option<u64>,
    spend: Option<u64>,
    channels: Option<usize>,
    topics: Option<usize>,
    token_seconds: Option<u64>,
    channel_seconds: Option<u64>,
    heartbeat_seconds: Option<u64>,
    index_lag_seconds: Option<u64>,
}

async fn limits(State(simulator): Shared, bytes: Bytes) -> Done {
    let new: NewLimits = read(&bytes)?;
    let mut limits = simulator.limits();
    let seconds = |new: Option<u64>, old: Duration| new.map_or(old, Duration::from_secs);
    limits.requests = new.allowed.unwrap_or(limits.requests);
    limits.window = seconds(new.window_seconds, limits.window);
    limits.channels = new.channels.unwrap_or(limits.channels);
    limits.topics = new.topics.unwrap_or(limits.topics);
    limits.token_life = seconds(new.token_seconds, limits.token_life);
    limits.channel_life = seconds(new.channel_seconds, limits.channel_life);
    limits.heartbeat = seconds(new.heartbeat_seconds, limits.heartbeat);
    limits.index_lag = seconds(new.index_lag_seconds, limits.index_lag);
    simulator.set_limits(limits);
    if let Some(requests) = new.spend {
        simulator.spend(requests);
    }
    done()
}

async fn faults(State(simulator): Shared, bytes: Bytes) -> Done {
    let value: Value = read(&bytes)?;
    let wanted = if value.is_array() { value } else { json!([value]) };
    let wanted: Vec<Scripted> =
        serde_json::from_value(wanted).map_err(|error| Misunderstood(error.to_string()))?;
    if !simulator.script(wanted) {
        return Err(Misunderstood("too many faults wait already".to_owned()));
    }
    done()
}

async fn clear_faults(State(simulator): Shared) -> Done {
    simulator.clear_script();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    level: Faults,
}

async fn level(State(simulator): Shared, bytes: Bytes) -> Done {
    simulator.set_faults(read::<Level>(&bytes)?.level);
    done()
}

async fn permissions(State(simulator): Shared, bytes: Bytes) -> Done {
    simulator.permit(read::<Permissions>(&bytes)?);
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

async fn advance_world(State(simulator): Shared, bytes: Bytes) -> Done {
    let Advance { seconds } = read(&bytes)?;
    let by = Duration::try_from_secs_f64(seconds).map_err(|e| Misunderstood(e.to_string()))?;
    simulator.advance_world(by);
    done()
}

async fn stop_world(State(simulator): Shared) -> Done {
    simulator.stop_world();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign {
    #[serde(default = "one")]
    count: usize,
}

fn one() -> usize {
    1
}

async fn foreign(State(simulator): Shared, headers: HeaderMap, bytes: Bytes) -> Done {
    let Foreign { count } = read(&bytes)?;
    let ids: Vec<String> = (0..count).map(|_| simulator.foreign_channel()).collect();
    let state = simulator.state();
    let host = notifications::host(&headers);
    let shown = ids.iter().filter_map(|id| notifications::channel(&state, id, host));
    Ok(Json(json!({ "channels": shown.collect::<Vec<_>>() })))
}
