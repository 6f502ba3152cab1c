//! `/oauth/token` and `/api/v2/tokens/me`: who may call, and for how long (FACTS 1.4).
//!
//! OAuth's errors are no `ErrorBody`, and a wrong secret is a 400. Too many live tokens of one client
//! end the oldest.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::Simulator;
use super::answer::{Answer, Refusal};

/// An organisation's idle timeout as `dateTokenIdles` tells it, far away.
const IDLES_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The live tokens, the oldest first.
#[derive(Debug)]
pub(super) struct Tokens {
    live: VecDeque<Token>,
    most: usize,
}

#[derive(Debug)]
struct Token {
    value: String,
    ends: Duration,
}

/// Whose request it is; the gate has seen to it that the token is live.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) token: String,
    /// The place of its client.
    pub(super) client: usize,
}

impl Tokens {
    pub(super) fn new(most: usize) -> Tokens {
        Tokens { live: VecDeque::new(), most }
    }

    /// Takes in a new token; the oldest ends if there are too many.
    pub(super) fn issue(&mut self, value: String, now: Duration, life: Duration) {
        self.live.retain(|token| token.ends > now);
        self.live.push_back(Token { value, ends: now + life });
        if self.live.len() > self.most {
            self.live.pop_front();
        }
    }

    pub(super) fn lives(&self, value: &str, now: Duration) -> bool {
        self.live.iter().any(|token| token.value == value && token.ends > now)
    }

    pub(super) fn revoke(&mut self, value: &str) {
        self.live.retain(|token| token.value != value);
    }

    /// Ends all tokens and returns them.
    pub(super) fn revoke_all(&mut self) -> Vec<String> {
        self.live.drain(..).map(|token| token.value).collect()
    }

    pub(super) fn count(&self, now: Duration) -> usize {
        self.live.iter().filter(|token| token.ends > now).count()
    }
}

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

#[derive(Deserialize)]
pub(super) struct Grant {
    #[serde(default)]
    grant_type: String,
}

pub(super) async fn token(
    State(simulator): State<Arc<Simulator>>,
    headers: HeaderMap,
    form: Result<Form<Grant>, FormRejection>,
) -> Response {
    let Ok(Form(grant)) = form else {
        return refused("invalid_request", "the body is no form");
    };
    if grant.grant_type != "client_credentials" {
        return refused("unsupported_grant_type", "grant_type is not client_credentials");
    }
    let Some((id, secret)) = basic(&headers) else {
        return refused("invalid_client", "client not found");
    };
    let now = simulator.clock.elapsed();
    let mut state = simulator.state();
    let Some(client) = state.clients.iter().position(|client| client.id == id) else {
        return refused("invalid_client", "client not found");
    };
    if secret != state.clients[client].secret {
        return refused("invalid_client", "authentication failed");
    }
    let value = state.mint.token();
    let life = state.limits.token_life;
    state.clients[client].tokens.issue(value.clone(), now, life);
    let body = json!({
        "access_token": value,
        "token_type": "bearer",
        "expires_in": life.as_secs(),
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The shape that go-gcloudcx captured (FACTS 1.4).
fn refused(error: &str, description: &str) -> Response {
    let body = json!({
        "error": error,
        "description": description,
        "error_description": description,
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// GET and HEAD `/api/v2/tokens/me`.
pub(super) async fn me(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
) -> Answer {
    let idles = simulator.clock.at(simulator.clock.elapsed() + IDLES_AFTER);
    let state = simulator.state();
    let organization = json!({
        "id": simulator.book.organization.id,
        "name": simulator.book.organization.name,
    });
    let body = json!({
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": [],
        "dateTokenIdles": super::clock::written(idles),
        "OAuthClient": {
            "id": state.clients[caller.client].id,
            "name": "The simulator's client",
            "authorizedGrantType": "CLIENT-CREDENTIALS",
            "scope": [],
            "state": "active",
            "organization": organization,
        },
    });
    Ok(Json(body).into_response())
}

/// DELETE `/api/v2/tokens/me`.
pub(super) async fn revoke_me(
    State(simulator): State<Arc<Simulator>>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Refusal> {
    simulator.state().clients[caller.client].tokens.revoke(&caller.token);
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_too_many_tokens_ends() {
        let mut tokens = Tokens::new(2);
        let life = Duration::from_secs(10);
        for (value, at) in [("a", 0), ("b", 1), ("c", 2)] {
            tokens.issue(value.to_owned(), Duration::from_secs(at), life);
        }
        let lives = |value, at| tokens.lives(value, Duration::from_secs(at));
        assert_eq!([lives("a", 2), lives("b", 2), lives("c", 2)], [false, true, true]);
        assert_eq!([lives("b", 11), lives("c", 11)], [false, true]);
    }
}
