//! `/api/v2/notifications`: channels and their subscriptions (FACTS 1.5).
//!
//! Whoever asks with `ignoreErrors` gets a 200 and has to read which topics were rejected; without
//! it, one bad topic fails them all.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, body, yes};
use super::channels::Channel;
use super::clock::written;
use super::oauth::Caller;
use super::paging::Params;
use super::state::State as Inner;
use super::topics::{self, Ruling};

#[derive(Deserialize)]
pub(super) struct Topic {
    id: String,
}

/// POST `/notifications/channels`.
pub(super) async fn create(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Answer {
    let mut state = simulator.state();
    let (id, _) = state.create_channel(caller.client, Some(caller.token));
    yes(channel(&state, &id, host(&headers)).unwrap_or_default())
}

/// GET `/notifications/channels`.
pub(super) async fn list(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let of_client = match params.get("includechannels") {
        None | Some("token") => false,
        Some("oauthclient") => true,
        Some(other) => {
            let message = format!(
                "Value [{other}] is not valid for parameter [includechannels]. Allowable values \
                 are: token, oauthclient"
            );
            return Err(Refusal::bad_request("invalid.query.param.value", &message));
        }
    };
    let state = simulator.state();
    let wanted = |channel: &&Channel| match of_client {
        true => channel.client == caller.client,
        false => channel.token.as_ref() == Some(&caller.token),
    };
    let entities: Vec<Value> = state
        .channels
        .iter()
        .filter(wanted)
        .filter_map(|found| channel(&state, &found.id, host(&headers)))
        .collect();
    yes(json!({ "entities": entities }))
}

/// HEAD `/notifications/channels/{channelId}`.
pub(super) async fn head(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let lives = simulator.state().channel_of(&caller, &id).is_some();
    if lives { Ok(StatusCode::OK) } else { Err(Refusal::not_found()) }
}

/// GET `/notifications/channels/{channelId}/subscriptions`.
pub(super) async fn subscriptions(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let state = simulator.state();
    let channel = state.channel_of(&caller, &id).ok_or_else(no_list)?;
    yes(listing(&state, channel))
}

/// POST: adds to what is subscribed.
pub(super) async fn add(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    params: Params,
    bytes: Bytes,
) -> Answer {
    let asked: Vec<Topic> = body(&bytes)?;
    let mut state = simulator.state();
    let mut topics = state.channel_of(&caller, &id).ok_or_else(no_list)?.topics.clone();
    topics.extend(asked.into_iter().map(|topic| topic.id));
    simulator.wake();
    yes(state.subscribe(&id, topics, params.is_true("ignoreErrors"))?)
}

/// PUT: replaces what is subscribed.
pub(super) async fn replace(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    params: Params,
    bytes: Bytes,
) -> Answer {
    let asked: Vec<Topic> = body(&bytes)?;
    let topics = asked.into_iter().map(|topic| topic.id).collect();
    simulator.wake();
    let mut state = simulator.state();
    state.channel_of(&caller, &id).ok_or_else(no_list)?;
    yes(state.subscribe(&id, topics, params.is_true("ignoreErrors"))?)
}

/// DELETE `/notifications/channels/{channelId}/subscriptions`.
pub(super) async fn clear(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let mut state = simulator.state();
    state.channel_of(&caller, &id).ok_or_else(no_list)?;
    state.channels.subscribe(&id, Vec::new(), &[]);
    Ok(StatusCode::NO_CONTENT)
}

/// GET `/notifications/availabletopics`.
pub(super) async fn available() -> Response {
    axum::Json(topics::available()).into_response()
}

/// Adds topics as a client asks over its socket; false if one of them cannot be had.
pub(super) fn subscribe_over_socket(simulator: &Simulator, id: &str, asked: Vec<String>) -> bool {
    let mut state = simulator.state();
    let Some(channel) = state.channels.get(id) else { return false };
    let mut topics = channel.topics.clone();
    topics.extend(asked);
    state.subscribe(id, topics, false).is_ok()
}

impl Inner {
    /// A channel, for the client that it belongs to: to others it is not there.
    fn channel_of(&self, caller: &Caller, id: &str) -> Option<&Channel> {
        self.channels.get(id).filter(|channel| channel.client == caller.client)
    }

    /// Replaces a channel's topics, and returns the `ChannelTopicEntityListing`.
    fn subscribe(
        &mut self,
        id: &str,
        topics: Vec<String>,
        ignore_errors: bool,
    ) -> Result<Value, Refusal> {
        let channel = self.channels.get(id).ok_or_else(no_list)?;
        let is_own = channel.token.is_some();
        let permissions = self.clients[channel.client].permissions.clone();
        let mut entities = Vec::new();
        let mut kept: Vec<String> = Vec::new();
        let mut singles = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for topic in topics {
            if !seen.insert(topic.to_ascii_lowercase()) {
                continue;
            }
            let (ruling, refused) = topics::rule(&topic, &permissions);
            if !ignore_errors && let Some(refusal) = refusal(&ruling, refused.first()) {
                return Err(refusal);
            }
            entities.push(topics::shown(id, &topic, &ruling));
            entities.extend(refused.iter().map(|(part, why)| topics::shown(id, part, why)));
            if ruling == Ruling::Permitted {
                let parts = topics::parts(&topic).unwrap_or_default();
                let is_refused = |part: &String| refused.iter().any(|(other, _)| other == part);
                singles.extend(parts.into_iter().filter(|part| !is_refused(part)));
                kept.push(topic);
            }
        }
        if kept.len() > self.limits.topics {
            let code = "notification.subscription.too.many.subscriptions";
            return Err(Refusal::bad_request(code, "Too many subscriptions."));
        }
        self.channels.subscribe(id, kept, &singles);
        if is_own {
            let now = self.world_now();
            self.truth.watch(self.channels.heard(), now);
        }
        let expires = self.clock.elapsed() + self.limits.channel_life;
        if let Some(channel) = self.channels.get_mut(id) {
            channel.expires = expires;
            channel.warned = false;
        }
        Ok(json!({ "entities": entities }))
    }
}

/// The refusal of a request that does not ignore errors.
fn refusal(ruling: &Ruling, refused: Option<&(String, Ruling)>) -> Option<Refusal> {
    let forbidden = || {
        let code = "notification.unauthorized.topic";
        Refusal::new(StatusCode::FORBIDDEN, code, "Not authorized for this topic.")
    };
    match ruling {
        Ruling::Permitted => refused.map(|_| forbidden()),
        Ruling::Forbidden(_) => Some(forbidden()),
        Ruling::Invalid => {
            let code = "notification.invalid.topic";
            Some(Refusal::bad_request(code, "The subscription topic is not valid."))
        }
    }
}

fn listing(state: &Inner, channel: &Channel) -> Value {
    let permissions = &state.clients[channel.client].permissions;
    let entities: Vec<Value> = channel
        .topics
        .iter()
        .map(|topic| topics::shown(&channel.id, topic, &topics::rule(topic, permissions).0))
        .collect();
    json!({ "entities": entities })
}

/// One `Channel`.
pub(super) fn channel(state: &Inner, id: &str, host: &str) -> Option<Value> {
    let channel = state.channels.get(id)?;
    Some(json!({
        "connectUri": format!("ws://{host}/channels/{id}"),
        "id": id,
        "expires": written(state.clock.at(channel.expires)),
    }))
}

/// Where the client found us is where its sockets will.
pub(super) fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost")
}

fn no_list() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "entity.not.found", "Subscription list not found.")
}
