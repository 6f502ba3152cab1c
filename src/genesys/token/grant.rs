//! How a token is asked for, and what the login answers (FACTS 1.4).
//!
//! Pure: from values to a request, and from an answer to values.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::{Client, Genesys};
use crate::genesys::call::CallError;
use crate::genesys::error::line;
use crate::genesys::http::basic;

/// Where an answer does not say how long the token lives: the shortest that Genesys offers.
const SHORTEST_LIFE: u64 = 300;
/// The longest that Genesys offers.
const LONGEST_LIFE: u64 = 48 * 3600;
/// Characters of what the login says.
const MAX_MESSAGE: usize = 200;

/// The request for a token: client credentials, with Basic authorization.
pub(super) fn request(
    config: &Genesys,
    client: &Client,
    secret: &SecretString,
) -> Result<Request<Bytes>, CallError> {
    Request::post(format!("{}/oauth/token", config.login_url))
        .header(header::AUTHORIZATION, authorization(client, secret)?)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from_static(b"grant_type=client_credentials"))
        .map_err(|error| CallError::NoToken(format!("genesys.login_url: {error}")))
}

/// Basic authorization: `Basic` and the client's id and secret in base64.
pub(super) fn authorization(
    client: &Client,
    secret: &SecretString,
) -> Result<HeaderValue, CallError> {
    let pair = format!("{}:{}", client.id, secret.expose_secret());
    let authorization = basic(SecretString::from(pair).expose_secret().as_bytes());
    authorization
        .ok_or_else(|| CallError::Credentials("they cannot be sent in a header".to_owned()))
}

/// Reads a token and how long it lives.
///
/// # Errors
///
/// What is not in the answer; nothing of what is.
pub(super) fn read(body: &[u8]) -> Result<(SecretString, Duration), &'static str> {
    let Grant { access_token, expires_in } =
        serde_json::from_slice(body).map_err(|_| "no access_token")?;
    let text = SecretString::from(access_token);
    let plain = text.expose_secret();
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("no usable access_token");
    }
    let life = expires_in.unwrap_or(SHORTEST_LIFE).clamp(1, LONGEST_LIFE);
    Ok((text, Duration::from_secs(life)))
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    expires_in: Option<u64>,
}

/// OAuth's errors are no `ErrorBody` (FACTS 1.4).
#[derive(Deserialize)]
struct OAuthError {
    error: String,
    description: Option<String>,
    error_description: Option<String>,
}

/// Why there is no token, as the login tells it.
pub(super) enum No {
    /// It is the credentials that it does not like.
    Credentials(String),
    /// Something else, in OAuth's form.
    Other(String),
}

/// Reads OAuth's form of a no; `None` if it has none.
pub(super) fn no(response: &Response<Bytes>) -> Option<No> {
    let known =
        ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_grant"];
    let status = response.status().as_u16();
    let Ok(OAuthError { error, description, error_description }) =
        serde_json::from_slice(response.body())
    else {
        return (status == 401).then(|| No::Credentials("the login answered 401".to_owned()));
    };
    let text = match description.or(error_description) {
        Some(description) => line(&format!("{error}: {description}"), MAX_MESSAGE),
        None => line(&error, MAX_MESSAGE),
    };
    let credentials = status == 401 || (status == 400 && known.contains(&error.as_str()));
    Some(if credentials { No::Credentials(text) } else { No::Other(text) })
}
