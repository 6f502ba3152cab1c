//! What every request passes: the log, the budget, the token, permissions and faults.
//!
//! In this order: the request is counted, refused if the budget is used up, refused if the token is
//! not live; then it meets the fault that is meant for it, if any; then it is answered. Requests that
//! are refused count too (FACTS 5). Tokens are counted, but never refused for the budget.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;

use super::Simulator;
use super::answer::Refusal;
use super::budget::Standing;
use super::channels::Snapshot;
use super::log::{Entry, micros};
use super::oauth::{Caller, basic, bearer};
use super::script::{Given, Trouble, is_operation};
use super::state::State as Inner;

/// The largest request (`request.bytes.max`, FACTS 3.1).
const LARGEST: usize = 512_000;

/// The largest answer that is recorded.
const LARGEST_RECORDED: usize = 64 * 1024 * 1024;

/// On an answer: the conversation as it was returned, for the books.
#[derive(Clone)]
pub(super) struct Read(pub(super) Arc<Snapshot>);

/// On an answer: the write that it says yes to.
#[derive(Clone)]
pub(super) struct Wrote {
    pub(super) conversation: String,
    pub(super) sequence: u64,
}

/// On an answer: there is none, the connection breaks.
#[derive(Clone, Copy)]
pub(super) struct Reset;

/// On a request: accept it, and forget it.
#[derive(Clone, Copy)]
pub(super) struct Swallow;

/// What the gate decided about a request before anybody acted on it.
struct Admitted {
    number: u64,
    correlation_id: String,
    standing: Option<Standing>,
    refusal: Option<Refusal>,
    trouble: Option<Trouble>,
}

/// Closes the books on a request, also when the client goes away before there is an answer.
struct Closing {
    simulator: Arc<Simulator>,
    number: u64,
    /// A write whose yes has not gone out.
    wrote: Option<Wrote>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let now = self.simulator.clock.elapsed();
        let mut state = self.simulator.state();
        state.log.close(self.number, now);
        if let Some(Wrote { conversation, sequence }) = self.wrote.take() {
            state.truth.unanswered(&conversation, sequence);
        }
    }
}

pub(super) async fn gate(
    State(simulator): State<Arc<Simulator>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let entry = entry(&mut parts).await;
    let bytes = to_bytes(body, LARGEST).await;
    let admitted = simulator.state().admit(&mut parts, entry, bytes.as_ref().ok());
    let shared = Arc::clone(&simulator);
    let mut closing = Closing { simulator: shared, number: admitted.number, wrote: None };
    let trouble = admitted.trouble.clone().unwrap_or(Trouble { act: true, ..Trouble::default() });
    let mut answer = match (&admitted.refusal, bytes) {
        (Some(refusal), _) => refusal.clone().into_response(),
        (None, Err(_)) => too_large().into_response(),
        (None, Ok(_)) if !trouble.act => StatusCode::OK.into_response(),
        (None, Ok(bytes)) => {
            if trouble.swallow {
                parts.extensions.insert(Swallow);
            }
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
    };
    closing.wrote = answer.extensions_mut().remove();
    simulator.wake();
    if !trouble.delay.is_zero() {
        tokio::time::sleep(trouble.delay).await;
    }
    if trouble.reset && admitted.refusal.is_none() {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Reset);
        return response;
    }
    if trouble.answer.is_none() {
        closing.wrote = None;
    }
    finish(&simulator, &admitted, trouble, answer).await
}

/// The log's entry as far as the head of the request tells it.
async fn entry(parts: &mut Parts) -> Entry {
    let template = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let ids = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(params) => params.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        Err(_) => BTreeMap::new(),
    };
    Entry {
        method: parts.method.as_str().to_owned(),
        path: template.unwrap_or_else(|| parts.uri.path().to_owned()),
        ids,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        ..Entry::default()
    }
}

impl Inner {
    fn admit(&mut self, parts: &mut Parts, mut entry: Entry, bytes: Option<&Bytes>) -> Admitted {
        let now = self.clock.elapsed();
        let is_api = entry.path.starts_with("/api/");
        let correlation_id = self.mint.uuid();
        let counts = is_api || self.limits.count_tokens;
        let client = self.client_asking(parts, now);
        let standing = counts.then(|| self.clients[client].budget.take(now, is_api));
        entry.client.clone_from(&self.clients[client].id);
        let body: Option<Value> = bytes.and_then(|bytes| serde_json::from_slice(bytes).ok());
        entry.keys = body.as_ref().map(keys).unwrap_or_default();
        entry.started_us = micros(now);
        entry.window = standing.map(|standing| standing.window);
        entry.correlation_id.clone_from(&correlation_id);
        let refusal = self.refusal(parts, &entry, is_api.then_some(standing).flatten(), bytes, now);
        let trouble = match refusal {
            Some(_) => None,
            None => self.faults.request(&entry.method, &entry.path),
        };
        entry.fault = trouble.as_ref().map(Trouble::name);
        entry.request = body.filter(|_| self.log.bodies);
        let number = self.log.open(entry);
        Admitted { number, correlation_id, standing, refusal, trouble }
    }

    /// Whose budget a request is counted against: the client's by its token or, at the login, by its
    /// id; nobody's is the first one's.
    fn client_asking(&self, parts: &Parts, now: Duration) -> usize {
        let by_token = bearer(&parts.headers).and_then(|token| self.client_of(token, now));
        let by_id = || {
            let (id, _) = basic(&parts.headers)?;
            self.clients.iter().position(|client| client.id == id)
        };
        by_token.or_else(by_id).unwrap_or(0)
    }

    fn refusal(
        &self,
        parts: &mut Parts,
        entry: &Entry,
        standing: Option<Standing>,
        bytes: Option<&Bytes>,
        now: Duration,
    ) -> Option<Refusal> {
        let standing = standing?;
        if standing.refused {
            return Some(Refusal::too_many_requests(standing.reset, standing.allowed));
        }
        let caller = bearer(&parts.headers).and_then(|token| {
            Some(Caller { token: token.to_owned(), client: self.client_of(token, now)? })
        });
        let Some(caller) = caller else { return Some(Refusal::bad_credentials()) };
        let permissions = &self.clients[caller.client].permissions;
        parts.extensions.insert(caller);
        let forbidden = |pattern: &String| is_operation(pattern, &entry.method, &entry.path);
        if permissions.operations.iter().any(forbidden) {
            return Some(Refusal::missing_permissions(permissions.missing()));
        }
        let is_json = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("json"));
        let has_body = bytes.is_some_and(|bytes| !bytes.is_empty());
        if has_body && !parts.headers.get(header::CONTENT_TYPE).is_some_and(is_json) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Some(Refusal::new(status, "unsupported.media.type", "Unsupported media type"));
        }
        None
    }
}

/// Attribute keys, or the names in the body.
fn keys(body: &Value) -> Vec<String> {
    let names = body.get("attributes").unwrap_or(body).as_object();
    names.map(|names| names.keys().cloned().collect()).unwrap_or_default()
}

fn too_large() -> Refusal {
    let message = format!("The request is over the size limit. Maximum bytes: {LARGEST}");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "request.entity.too.large", &message)
}

/// Makes the answer what it should look like, and writes it down.
async fn finish(
    simulator: &Simulator,
    admitted: &Admitted,
    trouble: Trouble,
    mut answer: Response,
) -> Response {
    if let (None, Some(given)) = (&admitted.refusal, trouble.answer) {
        answer = given.response(&admitted.correlation_id);
    } else if let Some(refusal) = answer.extensions_mut().remove::<Refusal>() {
        answer = refusal.rendered(&admitted.correlation_id);
    }
    let (mut answer, recorded) =
        if simulator.state().log.bodies { record(answer).await } else { (answer, None) };
    let mut state = simulator.state();
    let world_now = state.world_now();
    if let Some(Read(snapshot)) = answer.extensions_mut().remove() {
        state.truth.read(snapshot.sequence, &snapshot.body, world_now);
    }
    state.log.answered(admitted.number, answer.status().as_u16(), recorded);
    let date = state.clock.at(state.clock.elapsed());
    drop(state);
    stamp(&mut answer, admitted, date);
    answer
}

async fn record(answer: Response) -> (Response, Option<Value>) {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, LARGEST_RECORDED).await.unwrap_or_default();
    let recorded = serde_json::from_slice(&bytes).ok();
    (Response::from_parts(parts, Body::from(bytes)), recorded)
}

/// The headers that every answer of the API has.
fn stamp(answer: &mut Response, admitted: &Admitted, date: Timestamp) {
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&admitted.correlation_id) {
        headers.insert("inin-correlation-id", id);
    }
    if let Some(standing) = admitted.standing {
        headers.insert("inin-ratelimit-count", standing.count.into());
        headers.insert("inin-ratelimit-allowed", standing.allowed.into());
        headers.insert("inin-ratelimit-reset", standing.reset.into());
    }
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&date);
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::DATE, date);
    }
}

impl Given {
    fn response(&self, correlation_id: &str) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = match &self.body {
            Some(Value::String(html)) => {
                (status, [(header::CONTENT_TYPE, "text/html")], html.clone()).into_response()
            }
            Some(body) => (status, axum::Json(body)).into_response(),
            None => Refusal::new(status, code(self.status), "The simulator says no.")
                .rendered(correlation_id),
        };
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The usual `code` of a status (FACTS 1.2).
fn code(status: u16) -> &'static str {
    match status {
        400 => "bad.request",
        401 => "bad.credentials",
        403 => "not.authorized",
        404 => "not.found",
        408 => "client.timeout",
        409 => "request.conflict",
        413 => "request.entity.too.large",
        415 => "unsupported.media.type",
        429 => "too.many.requests",
        503 => "service.unavailable",
        504 => "request.timeout",
        _ => "internal.server.error",
    }
}
