//! What is asked and what is answered: the page and its `/events`, `/livez`, `/readyz`, `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Access, Source, events, page};
use crate::status::metrics::{self, Facts, Format};
use crate::status::overview::{Newest, Overview};
use crate::status::pulse::HUNG_AFTER;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// With every answer: nothing of it is run, framed, guessed at, kept or passed on.
const STRICT: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Answers whatever is asked. What hinders an answer is said in one line of text. `streams` are the
/// places of those that stay open.
pub(super) async fn answer(
    head: &Parts,
    source: &Source,
    access: &Access,
    streams: &Arc<Semaphore>,
) -> Response<Body> {
    let mut response = match permitted(head, access).await {
        Ok(()) => route(head, source, streams).await,
        Err(refusal) => refusal,
    };
    for (name, value) in STRICT {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn permitted(head: &Parts, access: &Access) -> Result<(), Response<Body>> {
    if head.method != Method::GET && head.method != Method::HEAD {
        let mut refusal =
            text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD: nothing can be changed here");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Err(refusal);
    }
    let length = head.headers.get(header::CONTENT_LENGTH);
    let has_body = length.is_some_and(|length| length.as_bytes() != b"0");
    if has_body || head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(text(StatusCode::PAYLOAD_TOO_LARGE, "no body is taken"));
    }
    access.check(&head.headers).await.map_err(|(status, reason)| {
        let mut refusal = text(status, reason);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            refusal.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        refusal
    })
}

async fn route(head: &Parts, source: &Source, streams: &Arc<Semaphore>) -> Response<Body> {
    let path = head.uri.path();
    if let Some(file) = page::file(path) {
        return file_of_the_page(file);
    }
    match path {
        "/events" => events::answer(source, streams),
        "/livez" => livez(source),
        "/readyz" => readyz(source),
        "/metrics" => metrics(head, source).await,
        _ => text(StatusCode::NOT_FOUND, "there are /, /events, /livez, /readyz and /metrics"),
    }
}

fn file_of_the_page(file: &page::File) -> Response<Body> {
    let mut response = whole(StatusCode::OK, file.content_type, file.text);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, page::POLICY);
    response
}

/// Whether the loops go round; nothing of the world outside.
fn livez(source: &Source) -> Response<Body> {
    let hanging = source.pulse.silent(HUNG_AFTER);
    let status = status(hanging.is_empty());
    json(status, &json!({ "alive": hanging.is_empty(), "hanging": hanging }))
}

/// Whether the work is done, and each check with its reason and what to do.
fn readyz(source: &Source) -> Response<Body> {
    let overview = now(source);
    let ready = overview.is_ready();
    let body = json!({
        "ready": ready,
        "verdict": overview.verdict().words,
        "sentence": overview.sentence(),
        "stage": overview.stage,
        "version": overview.version,
        "checks": overview.checks(),
    });
    json(status(ready), &body)
}

async fn metrics(head: &Parts, source: &Source) -> Response<Body> {
    let accept = head.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::asked(accept);
    let journal = tokio::fs::metadata(&source.journal_file).await;
    let facts = Facts {
        overview: Arc::new(now(source)),
        counts: Arc::clone(&source.counts),
        journal_bytes: journal.map_or(0, |found| found.len()),
    };
    match metrics::render(facts, format) {
        Ok(text) => whole(StatusCode::OK, format.content_type(), text),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written"),
    }
}

/// The app's last word, and whether its loops hang as it is now: the app may be one of them.
pub(super) fn now(source: &Source) -> Overview {
    Newest { overview: source.overview.clone(), pulse: source.pulse.clone() }.now()
}

fn status(is_well: bool) -> StatusCode {
    if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn json(status: StatusCode, value: &Value) -> Response<Body> {
    whole(status, JSON, format!("{value}\n"))
}

pub(super) fn text(status: StatusCode, text: &str) -> Response<Body> {
    whole(status, TEXT, format!("{text}\n"))
}

fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::sync::watch;

    use super::*;
    use crate::status::pulse::Pulse;

    async fn asked(request: http::request::Builder, pulse: &Pulse) -> (u16, String, Response<()>) {
        let (_sender, overview) = watch::channel(Arc::default());
        let source = Source {
            overview,
            counts: Arc::default(),
            pulse: pulse.clone(),
            journal_file: "/nowhere".into(),
        };
        let (head, ()) = request.body(()).unwrap().into_parts();
        let (access, streams) = (Access::new(None, true).unwrap(), Arc::new(Semaphore::new(1)));
        let response = answer(&head, &source, &access, &streams).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        (parts.status.as_u16(), text, Response::from_parts(parts, ()))
    }

    #[tokio::test]
    async fn what_cannot_be_answered_says_why() {
        let pulse = Pulse::default();
        let get = Request::get;
        for (request, status, part) in [
            (get("/nothing"), 404, "/livez"),
            (get("/page.html"), 404, ""),
            (get("/page.js/"), 404, ""),
            (Request::post("/events"), 405, "nothing can be changed"),
            (get("/events").header("Host", "evil.example.com"), 421, "token_file"),
            (get("/").header("Host", "evil.example.com"), 421, "token_file"),
            (get("/metrics/"), 404, ""),
            (get("/%2e%2e/etc/passwd"), 404, ""),
            (Request::post("/metrics"), 405, "nothing can be changed"),
            (Request::options("/livez"), 405, ""),
            (get("/metrics").header("Content-Length", "1"), 413, "no body"),
            (get("/metrics").header("Transfer-Encoding", "chunked"), 413, "no body"),
            (get("/metrics").header("Host", "evil.example.com"), 421, "token_file"),
            (get("/metrics?a=b").header("Content-Length", "0"), 200, "attributed_build_info"),
            (get("/livez"), 200, "\"alive\":true"),
            (get("/readyz"), 503, "\"ready\":false"),
        ] {
            let (got, text, response) = asked(request, &pulse).await;
            assert_eq!(got, status, "{text}");
            assert!(text.contains(part), "{text}");
            for (name, value) in STRICT {
                assert_eq!(response.headers()[&name], value);
            }
        }
    }

    #[tokio::test]
    async fn the_page_may_do_what_it_needs_and_nothing_else() {
        for (path, content_type, part) in [
            ("/", "text/html; charset=utf-8", "<!doctype html>"),
            ("/?a=b", "text/html; charset=utf-8", "<!doctype html>"),
            ("/page.css", "text/css; charset=utf-8", "prefers-color-scheme"),
            ("/page.js", "text/javascript; charset=utf-8", "EventSource"),
            ("/page.svg", "image/svg+xml", "<svg"),
        ] {
            let (status, text, response) = asked(Request::get(path), &Pulse::default()).await;
            assert_eq!((status, text.contains(part)), (200, true), "{path}");
            let headers = response.headers();
            assert_eq!(headers[header::CONTENT_TYPE], content_type);
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
            for unsafe_word in ["unsafe", "*", "http", "data:", "blob:"] {
                assert!(!policy.contains(unsafe_word), "{policy}");
            }
            for (name, value) in &STRICT[1..] {
                assert_eq!(headers[name], value);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_hangs_is_named() {
        let pulse = Pulse::default();
        let _beat = pulse.add("pipeline");
        tokio::time::advance(HUNG_AFTER * 2).await;
        let (status, text, _) = asked(Request::get("/livez"), &pulse).await;
        assert_eq!((status, text.contains("[\"pipeline\"]")), (503, true), "{text}");
        let (_, text, _) = asked(Request::get("/readyz"), &pulse).await;
        assert!(text.contains("hanging: pipeline"), "{text}");
    }
}
