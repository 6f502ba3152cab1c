//! The OAuth clients of the organisation: each with a secret, tokens, a budget, permissions and
//! channels of its own (FACTS 1.4, 1.5, 3.1).
//!
//! The first is the one that everything is about unless told otherwise: requests of nobody's are
//! counted against it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::budget::Budget;
use super::oauth::Tokens;
use super::topics::Permissions;
use super::{Credentials, Limits, Simulator};

#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) tokens: Tokens,
    pub(super) budget: Budget,
    pub(super) permissions: Permissions,
}

/// What becomes of a client; one that is not there yet is added.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientChange {
    /// Its id.
    pub client: String,
    pub secret: Option<String>,
    /// Requests in a window.
    pub allowed: Option<u64>,
    /// Requests of another program with the same client.
    pub spend: Option<u64>,
    /// Replaces what it was forbidden.
    pub permissions: Option<Permissions>,
    /// Ends its tokens and tells their channels.
    pub revoke: bool,
}

impl Client {
    pub(super) fn new(credentials: &Credentials, limits: &Limits, phase: Duration) -> Client {
        let requests = credentials.requests.unwrap_or(limits.requests);
        Client {
            id: credentials.client_id.clone(),
            secret: credentials.secret.clone(),
            tokens: Tokens::new(limits.tokens),
            budget: Budget::new(requests, limits.window, phase),
            permissions: Permissions::default(),
        }
    }

    pub(super) fn shown(&self, now: Duration) -> Value {
        json!({
            "id": self.id,
            "tokens": self.tokens.count(now),
            "highest": self.budget.highest(),
        })
    }
}

impl Simulator {
    /// Changes a client, or adds one.
    pub fn change_client(&self, change: &ClientChange) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let place = state.clients.iter().position(|client| client.id == change.client);
        let number = place.unwrap_or_else(|| {
            let secret = change.secret.clone().unwrap_or_default();
            let requests = change.allowed;
            let credentials = Credentials { client_id: change.client.clone(), secret, requests };
            let client = Client::new(&credentials, &state.limits, Duration::ZERO);
            state.clients.push(client);
            state.clients.len() - 1
        });
        let client = &mut state.clients[number];
        if let Some(secret) = &change.secret {
            client.secret.clone_from(secret);
        }
        if let Some(allowed) = change.allowed {
            client.budget.set_allowed(now, allowed);
        }
        if let Some(requests) = change.spend {
            client.budget.spend(now, requests);
        }
        if let Some(permissions) = &change.permissions {
            client.permissions = permissions.clone();
        }
        if change.revoke {
            state.revoke_tokens_of(number);
        }
        drop(state);
        self.wake();
    }
}
