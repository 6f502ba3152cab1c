//! Conversations: reading one, and writing attributes the public way (FACTS 1.1, 1.3).
//!
//! The generic PATCH answers 202 without a body, the media ones return what was sent. The world takes
//! the change at once; the event that shows it follows on its own way.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, body, yes};
use super::channels::Snapshot;
use super::clock::written;
use super::gate::{Read, Swallow, Wrote};
use super::media;
use super::state::{Mode, State as Inner};
use super::world::{PatchRefused, Writer};

/// GET `/conversations` and its media variants: a program is nobody's conversation partner.
pub(super) async fn of_caller() -> Refusal {
    Refusal::not_a_user()
}

/// GET `/conversations/{conversationId}`.
pub(super) async fn one(State(simulator): State<Arc<Simulator>>, Path(id): Path<String>) -> Answer {
    let state = simulator.state();
    let body = state.world.rest_body(&id).ok_or_else(|| no_conversation(&id))?;
    let snapshot = Arc::new(Snapshot { sequence: state.world.sequence(), body });
    let mut response = axum::Json(&snapshot.body).into_response();
    response.extensions_mut().insert(Read(snapshot));
    Ok(response)
}

/// GET `/conversations/{calls,callbacks,emails,messages}/{conversationId}`.
pub(super) async fn one_of_media(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
    Extension(media): Extension<media::Media>,
) -> Answer {
    let body = simulator.state().world.rest_body(&id).ok_or_else(|| no_conversation(&id))?;
    yes(media::flattened(&body, media).ok_or_else(|| no_conversation(&id))?)
}

/// PATCH `/conversations/{conversationId}/participants/{participantId}/attributes`.
pub(super) async fn patch_attributes(
    State(simulator): State<Arc<Simulator>>,
    Path((conversation, participant)): Path<(String, String)>,
    swallow: Option<Extension<Swallow>>,
    bytes: Bytes,
) -> Answer {
    let attributes = attributes(&body(&bytes)?)?.unwrap_or_default();
    let mut response = StatusCode::ACCEPTED.into_response();
    let mut state = simulator.state();
    // A whole body is made only for whoever asks for what is not there.
    if state.world.attributes(&conversation, &participant).is_none() {
        state.exists(&conversation, &participant)?;
    }
    if swallow.is_none() {
        let sequence = state
            .write(&conversation, &participant, &attributes, Writer::Client, Mode::Merge)
            .map_err(|refused| refusal(&refused))?;
        response.extensions_mut().insert(Wrote { conversation, sequence });
    }
    Ok(response)
}

/// The same on a path of one media: what was sent comes back.
pub(super) async fn patch_attributes_of_media(
    state: State<Arc<Simulator>>,
    path: Path<(String, String)>,
    swallow: Option<Extension<Swallow>>,
    bytes: Bytes,
) -> Answer {
    let sent: Value = body(&bytes)?;
    let accepted = patch_attributes(state, path, swallow, bytes).await?;
    let body = axum::Json(json!({ "attributes": sent["attributes"] })).into_response().into_body();
    let (mut parts, _) = accepted.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Response::from_parts(parts, body))
}

/// PATCH `/conversations/{conversationId}/participants/{participantId}`: `state` hangs up.
pub(super) async fn patch_participant(
    State(simulator): State<Arc<Simulator>>,
    Path((conversation, participant)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<StatusCode, Refusal> {
    let request: Value = body(&bytes)?;
    let known = [
        "wrapup",
        "state",
        "recording",
        "muted",
        "confined",
        "held",
        "wrapupSkipped",
        "resumeTime",
    ];
    let names = request.as_object().into_iter().flat_map(serde_json::Map::keys);
    if let Some(unknown) = names.into_iter().find(|name| !known.contains(&name.as_str())) {
        let message = format!(
            "Value [{unknown}] is not a valid property for object [MediaParticipantRequest]"
        );
        return Err(Refusal::bad_request("invalid.property", &message));
    }
    let mut state = simulator.state();
    state.exists(&conversation, &participant)?;
    if matches!(request["state"].as_str(), Some("disconnected" | "terminated")) {
        state.hang_up(&conversation, &participant);
    }
    Ok(StatusCode::ACCEPTED)
}

/// The attributes of a body; `None` if it does not speak of any.
pub(super) fn attributes(body: &Value) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let Some(attributes) = body.get("attributes") else { return Ok(None) };
    let Some(attributes) = attributes.as_object() else {
        let code = "conversation.error.participant.attribute.null";
        let message = "Cannot update participant attribute map to a null value.";
        return Err(Refusal::bad_request(code, message));
    };
    let text = |(key, value): (&String, &Value)| match value.as_str() {
        Some(text) => Ok((key.clone(), text.to_owned())),
        None => {
            let message =
                format!("The value of attribute [{key}] is not valid for field type [String]");
            Err(Refusal::bad_request("invalid.value", &message))
        }
    };
    attributes.iter().map(text).collect::<Result<_, _>>().map(Some)
}

impl Inner {
    /// # Errors
    ///
    /// 404, if there is no such participant in such a conversation.
    pub(super) fn exists(&self, conversation: &str, participant: &str) -> Result<Value, Refusal> {
        if self.world.rest_body(conversation).is_none() {
            return Err(no_conversation(conversation));
        }
        let body = self.world.participant_body(conversation, participant);
        body.ok_or_else(no_participant)
    }

    /// Ends a participant, as the state `disconnected` does. Who did it is remembered, because a
    /// program that keeps attributes never should.
    pub(super) fn hang_up(&mut self, conversation: &str, participant: &str) {
        self.hung_up.push((conversation.to_owned(), participant.to_owned()));
        let Some(mut body) = self.world.generic_body(conversation) else { return };
        let now = written(self.world_now());
        media::end(&mut body, participant, &now);
        self.inject(body);
    }
}

pub(super) fn refusal(refused: &PatchRefused) -> Refusal {
    match refused {
        PatchRefused::ConversationUnknown => Refusal::not_found(),
        PatchRefused::ParticipantUnknown => no_participant(),
    }
}

fn no_participant() -> Refusal {
    let code = "conversation.error.participant.not.found";
    Refusal::new(StatusCode::NOT_FOUND, code, "The participant does not exist.")
}

fn no_conversation(id: &str) -> Refusal {
    let message = format!("The requested resource was not found: conversation {id}");
    Refusal::new(StatusCode::NOT_FOUND, "not.found", &message)
}
