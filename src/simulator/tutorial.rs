//! The tutorial's way: three calls that the public API does not have (FACTS 0), as the seed has them.
//!
//! `PUT` replaces the whole map of attributes, and changes `status` on the way where the state allows
//! it; otherwise it is a 409.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Simulator;
use super::answer::{Answer, Refusal, body, yes};
use super::conversations::{attributes, refusal};
use super::gate::Wrote;
use super::media;
use super::state::Mode;
use super::world::Writer;

/// GET `/conversations/users/{userId}`: the living conversations of a user.
pub(super) async fn of_user(
    State(simulator): State<Arc<Simulator>>,
    Path(id): Path<String>,
) -> Answer {
    let state = simulator.state();
    let open = state.world.open_conversations();
    let living = open.iter().filter(|open| open.ended.is_none() && open.users.contains(&id));
    let conversations: Vec<Value> = living
        .filter_map(|open| state.world.rest_body(&open.id))
        .filter(|body| is_taking_part(body, &id))
        .map(|body| shown(&body))
        .collect();
    if conversations.is_empty() {
        return Err(Refusal::not_found());
    }
    yes(json!({ "conversations": conversations }))
}

/// GET `/conversations/{conversationId}/participants/{participantId}`.
pub(super) async fn one(
    State(simulator): State<Arc<Simulator>>,
    Path((conversation, participant)): Path<(String, String)>,
) -> Answer {
    yes(simulator.state().exists(&conversation, &participant)?)
}

/// PUT of the same.
pub(super) async fn replace(
    State(simulator): State<Arc<Simulator>>,
    Path((conversation, participant)): Path<(String, String)>,
    bytes: Bytes,
) -> Answer {
    let request: Value = body(&bytes)?;
    let attributes = attributes(&request)?;
    let mut state = simulator.state();
    let now = state.exists(&conversation, &participant)?;
    if let Some(wanted) = request["status"].as_str() {
        let current = media::state(&now);
        if current == wanted || current == "disconnected" {
            let message =
                format!("Participant status change from {current} to {wanted} is not allowed");
            return Err(Refusal::new(StatusCode::CONFLICT, "request.conflict", &message));
        }
    }
    let mut wrote = None;
    if let Some(attributes) = attributes {
        let sequence = state
            .write(&conversation, &participant, &attributes, Writer::Client, Mode::Replace)
            .map_err(|refused| refusal(&refused))?;
        wrote = Some(Wrote { conversation: conversation.clone(), sequence });
    }
    if request["status"] == "disconnected" {
        state.hang_up(&conversation, &participant);
    }
    let mut response = yes(state.exists(&conversation, &participant)?)?;
    if let Some(wrote) = wrote {
        response.extensions_mut().insert(wrote);
    }
    Ok(response)
}

fn is_taking_part(conversation: &Value, user: &str) -> bool {
    let mut participants = conversation["participants"].as_array().into_iter().flatten();
    participants.any(|found| found["userId"] == user && found["endTime"].is_null())
}

/// The seed's shape.
fn shown(conversation: &Value) -> Value {
    let participants: Vec<Value> = conversation["participants"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|participant| {
            json!({
                "participantId": participant["id"],
                "userId": participant["userId"],
                "purpose": participant["purpose"],
                "status": media::state(participant),
            })
        })
        .collect();
    json!({ "conversationId": conversation["id"], "participants": participants })
}
