//! Answers as Genesys Cloud gives them, above all its refusals (FACTS 1.2).
//!
//! A [`Refusal`] travels to the gate as it is; only there is the correlation id known that makes it
//! an `ErrorBody`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) type Answer = Result<Response, Refusal>;

/// A no, not yet an `ErrorBody`.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The permissions that are missing, if that is why.
    permissions: Vec<String>,
    retry_after: Option<u64>,
    limit: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: &str) -> Refusal {
        Refusal {
            status,
            code,
            message: message.to_owned(),
            permissions: Vec::new(),
            retry_after: None,
            limit: None,
        }
    }

    pub(super) fn bad_request(code: &'static str, message: &str) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn not_found() -> Refusal {
        let message = "The requested resource was not found.";
        Refusal::new(StatusCode::NOT_FOUND, "not.found", message)
    }

    pub(super) fn bad_credentials() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "bad.credentials", "Invalid login credentials.")
    }

    /// The call that needs a person behind it (FACTS 1.3).
    pub(super) fn not_a_user() -> Refusal {
        let message = "This request requires a user context. Client credentials cannot be used \
                       for requests to this resource.";
        Refusal::bad_request("not.a.user", message)
    }

    pub(super) fn missing_permissions(permission: &str) -> Refusal {
        let message = format!(
            "Unable to perform the requested action. You are missing the following permission(s): \
             {permission}"
        );
        let mut refusal = Refusal::new(StatusCode::FORBIDDEN, "missing.permissions", &message);
        refusal.permissions.push(permission.to_owned());
        refusal
    }

    /// 429 with `Retry-After`, and the limit that was hit.
    pub(super) fn too_many_requests(retry_after: u64, allowed: u64) -> Refusal {
        let message = format!(
            "Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds"
        );
        let code = "too.many.requests.retry.after";
        let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, &message);
        refusal.retry_after = Some(retry_after);
        refusal.limit = Some(allowed);
        refusal
    }

    /// The `ErrorBody`.
    pub(super) fn rendered(&self, correlation_id: &str) -> Response {
        let mut body = json!({
            "message": self.message,
            "code": self.code,
            "status": self.status.as_u16(),
            "messageParams": {},
            "contextId": correlation_id,
            "details": [],
            "errors": [],
        });
        if !self.permissions.is_empty() {
            body["messageParams"] = json!({ "permissions": self.permissions.join(", ") });
        }
        if let Some(retry_after) = self.retry_after {
            body["messageParams"] = json!({ "0": retry_after.to_string() });
        }
        if let Some(allowed) = self.limit {
            body["limit"] = json!({
                "key": "client.credentials.token.rate.per.minute",
                "namespace": "platform.api",
                "value": allowed,
            });
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(retry_after) = self.retry_after {
            response.headers_mut().insert("retry-after", retry_after.into());
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A yes with a body.
pub(super) fn yes(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

/// Reads a JSON body, or refuses it as Genesys does.
pub(super) fn body<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!(
            "The request could not be understood by the server due to malformed syntax: {error}"
        );
        Refusal::bad_request("bad.request", &message)
    })
}
