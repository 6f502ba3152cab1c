//! From an answer to what may be done about it.
//!
//! Errors should be an `ErrorBody` (FACTS 1.2), and are not always: a 502 is some gateway's HTML.
//! Nothing of the body is relied on but the status, and what is shown of it is bounded and free of
//! control characters.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use super::call::{Answer, CallError, Refusal};
use super::quoted::without_numbers;
use crate::plain::is_obeyed;

const CORRELATION_ID: HeaderName = HeaderName::from_static("inin-correlation-id");
/// Characters of a message; Genesys' own are below 200.
const MAX_MESSAGE: usize = 300;
/// Characters of a code or an id.
const MAX_WORD: usize = 100;
/// An `ErrorBody` is a few hundred bytes; a larger body is something else, and not worth parsing.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Permissions that are listed; an operation wants three or four.
const MAX_PERMISSIONS: usize = 20;

/// Reads an answer. `rest` is asked for how long the account rests when the answer is a 429, given
/// what its `Retry-After` and its correlation id say.
pub(super) fn read_answer(
    operation: &'static str,
    response: Response<Bytes>,
    rest: impl FnOnce(Option<Duration>, Option<&str>) -> Duration,
) -> Result<Answer, CallError> {
    let (parts, body) = response.into_parts();
    let correlation_id = text(&parts.headers, &CORRELATION_ID).map(|id| line(id, MAX_WORD));
    if parts.status.is_success() {
        let date = text(&parts.headers, &header::DATE).and_then(date);
        return Ok(Answer { status: parts.status, correlation_id, date, body });
    }
    let mut refusal = refusal(operation, parts.status, &parts.headers, &body);
    refusal.correlation_id = correlation_id.or(refusal.correlation_id);
    Err(match parts.status.as_u16() {
        401 => CallError::Unauthorized(refusal),
        403 => CallError::Forbidden(refusal),
        404 => CallError::NotFound(refusal),
        408 | 500.. => CallError::Unavailable(refusal),
        409 => CallError::Conflict(refusal),
        429 => {
            let correlation_id = refusal.correlation_id.as_deref();
            let rest = rest(retry_after(&parts.headers), correlation_id);
            CallError::Throttled(refusal, rest)
        }
        _ => CallError::Refused(refusal),
    })
}

/// How long to rest, by the header of a 429: seconds, or a time.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, &header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    // Against the server's own clock.
    let now = date(text(headers, &header::DATE)?)?;
    Duration::try_from(date(value)?.duration_since(now)).ok()
}

/// The text with a space for each character that would end the line, or be obeyed by a terminal.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect()
}

/// One line of at most so many characters.
pub(super) fn line(text: &str, max: usize) -> String {
    let text = text.trim();
    // As every answer's correlation id is.
    if text.len() <= max && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    let mut line: String = one_line(text).chars().take(max).collect();
    line.truncate(line.trim_end().len());
    if text.chars().nth(max).is_some() {
        line.push('…');
    }
    line
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

fn refusal(
    operation: &'static str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Refusal {
    let mut refusal = Refusal { operation, status: status.as_u16(), ..Refusal::default() };
    let parsed =
        if body.len() <= MAX_ERROR_BODY { serde_json::from_slice(body).ok() } else { None };
    let Some(Value::Object(error)) = parsed else {
        refusal.message = foreign_message(headers, body);
        return refusal;
    };
    let word = |key: &str| error.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    refusal.code = word("code").map(|code| line(code, MAX_WORD));
    refusal.message = word("message").map_or_else(String::new, message);
    refusal.correlation_id = word("contextId").map(|id| line(id, MAX_WORD));
    if status == StatusCode::FORBIDDEN {
        // Where they stand is not specified; most precise first.
        for place in ["messageParams", "details", "message"] {
            if let Some(value) = error.get(place)
                && refusal.missing_permissions.is_empty()
            {
                permissions(value, &mut refusal.missing_permissions);
            }
        }
    }
    refusal
}

/// What to show of a body that is no `ErrorBody`.
fn foreign_message(headers: &HeaderMap, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(&body[..body.len().min(MAX_ERROR_BODY)]);
    let title = body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    match (title, text(headers, &header::LOCATION)) {
        // A portal that wants a login, or an address that was mistyped. Only its host is shown.
        (_, Some(location)) => {
            let host = location.split('/').nth(2).unwrap_or("another path of this host");
            format!("it points to {}", line(host, MAX_WORD))
        }
        (Some((title, _)), None) => message(title),
        (None, None) if body.trim_start().starts_with('<') => "a page without a title".to_owned(),
        (None, None) => message(&body),
    }
}

/// What to show of a server's words.
fn message(text: &str) -> String {
    line(&without_numbers(text), MAX_MESSAGE)
}

/// Finds what looks like `domain:entity:action` in any text of a JSON value.
fn permissions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_-*:".contains(c);
            for word in text.split(|c| !is_part(c)) {
                let parts: Vec<&str> = word.trim_end_matches(':').split(':').collect();
                let whole = parts.len() == 3 && parts.iter().all(|part| !part.is_empty());
                let word = line(word.trim_end_matches(':'), MAX_WORD);
                if whole && found.len() < MAX_PERMISSIONS && !found.contains(&word) {
                    found.push(word);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| permissions(value, found)),
        Value::Object(values) => values.values().for_each(|value| permissions(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn read(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Answer, CallError> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        read_answer("patch_attributes", response, |after, _| after.unwrap_or_default())
    }

    #[test]
    fn what_the_server_says_becomes_what_to_do() {
        let gone = r#"{"message":"The participant does not exist.","code":"conversation.error.participant.not.found","status":404,"contextId":"6568b4a8"}"#;
        let forbidden = r#"{"message":"Unable to perform the requested action. You must have at least one of the following permissions assigned: [conversation:communication:view]","code":"missing.any.permissions","messageParams":{"permissions":"[conversation:communication:view, routing:queue:*]"}}"#;
        let html = "<html>\r\n<head><title>502 Bad\nGateway</title></head><body>…</body></html>";
        let id = ("ININ-Correlation-Id", "8e2a");
        let portal = ("Location", "https://portal.example/login?from=secret");
        let table = [
            (400, vec![id], r#"{"message":7,"code":["x"],"messageParams":3}"#),
            (401, vec![], r#"{"code":"bad.credentials","message":"Invalid login credentials."}"#),
            (403, vec![], forbidden),
            (403, vec![], r#"{"message":"needs analytics:conversationDetail:view."}"#),
            (404, vec![id], gone),
            (404, vec![], gone),
            (405, vec![], ""),
            (408, vec![], "{"),
            (409, vec![], "[]"),
            (413, vec![], "\"a\""),
            (429, vec![("Retry-After", "17")], r#"{"code":"too.many.requests"}"#),
            (429, vec![("Retry-After", "soon")], "null"),
            (500, vec![], "\u{0}\u{1b}[31mred\u{7}"),
            (502, vec![("Content-Type", "text/html")], html),
            (503, vec![], "<html><body>x</body></html>"),
            (302, vec![portal], ""),
            (302, vec![("Location", "/login")], ""),
        ];
        let told: Vec<String> = table
            .into_iter()
            .map(|(status, headers, body)| {
                let error = read(status, &headers, body).unwrap_err();
                let kind = format!("{error:?}");
                format!("{}: {error}", kind.split('(').next().unwrap())
            })
            .collect();
        expect![[r#"
            Refused: patch_attributes answered 400 [correlation_id 8e2a]
            Unauthorized: patch_attributes answered 401 bad.credentials: Invalid login credentials.; the token was renewed and is refused all the same
            Forbidden: patch_attributes answered 403 missing.any.permissions: Unable to perform the requested action. You must have at least one of the following permissions assigned: [conversation:communication:view] (missing: conversation:communication:view, routing:queue:*)
            Forbidden: patch_attributes answered 403: needs analytics:conversationDetail:view. (missing: analytics:conversationDetail:view)
            NotFound: patch_attributes answered 404 conversation.error.participant.not.found: The participant does not exist. [correlation_id 8e2a]
            NotFound: patch_attributes answered 404 conversation.error.participant.not.found: The participant does not exist. [correlation_id 6568b4a8]
            Refused: patch_attributes answered 405
            Unavailable: patch_attributes answered 408: {
            Conflict: patch_attributes answered 409: []
            Refused: patch_attributes answered 413: "a"
            Throttled: patch_attributes answered 429 too.many.requests; the account rests for 17 s
            Throttled: patch_attributes answered 429: null; the account rests for 0 s
            Unavailable: patch_attributes answered 500:   [31mred
            Unavailable: patch_attributes answered 502: 502 Bad Gateway
            Unavailable: patch_attributes answered 503: a page without a title
            Refused: patch_attributes answered 302: it points to portal.example
            Refused: patch_attributes answered 302: it points to another path of this host"#]].assert_eq(&told.join("\n"));
    }

    #[test]
    fn messages_are_bounded() {
        let long = format!(r#"{{"message":"{}","code":"{}"}}"#, "é".repeat(9999), "c".repeat(999));
        for body in [long, "x".repeat(1_000_000), "{\"message\":".to_owned() + &"[".repeat(90_000)]
        {
            let error = read(400, &[("ININ-Correlation-Id", &"i".repeat(999))], &body).unwrap_err();
            assert!(error.to_string().chars().count() < 600, "{error}");
        }
    }

    #[test]
    fn a_yes_carries_the_servers_clock() {
        let headers = [("Date", "Sun, 22 Nov 2026 08:49:37 GMT"), ("inin-correlation-id", "x")];
        let answer = read(202, &headers, "").unwrap();
        assert_eq!(answer.date, Some("2026-11-22T08:49:37Z".parse().unwrap()));
        assert_eq!(answer.correlation_id.as_deref(), Some("x"));
        assert_eq!(read(200, &[("Date", "yesterday")], "").unwrap().date, None);
    }

    #[test]
    fn the_rest_after_a_429() {
        let now = ("date", "Sun, 22 Nov 2026 08:49:37 GMT");
        let table = [
            (vec![("retry-after", " 17 ")], Some(17)),
            (vec![("retry-after", "Sun, 22 Nov 2026 08:50:00 GMT"), now], Some(23)),
            (vec![("retry-after", "Sun, 22 Nov 2026 08:49:00 GMT"), now], None),
            (vec![("retry-after", "Sun, 22 Nov 2026 08:50:00 GMT")], None),
            (vec![("retry-after", "-5")], None),
            (vec![("retry-after", "99999999999999999999999")], None),
            (vec![], None),
        ];
        for (headers, expected) in table {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(retry_after(&map), expected.map(Duration::from_secs), "{headers:?}");
        }
    }
}
