//! Tokens, the budget, faults and the log.

use std::time::Duration;

use expect_test::expect;
use serde_json::{Value, json};

use super::super::{Limits, Options};
use super::client::{BASIC, Client, conversation, quiet};
use crate::genesys::outside::SendError;

const WRITE: &str = "/conversations/c1/participants/customer-1/attributes";

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_answers_as_captured() {
    let client = Client::new(quiet()).await;
    let good = "grant_type=client_credentials";
    let mut shown = Vec::new();
    for (authorization, form) in [
        ("Basic ZGVtbzp3cm9uZw==", good),
        ("Basic b3RoZXI6ZGVtbw==", good),
        ("Bearer x", good),
        (BASIC, "grant_type=password"),
        (BASIC, good),
    ] {
        let reply = client.token_request(authorization, form).await;
        let said = [&reply.body["error"], &reply.body["description"], &reply.body["expires_in"]];
        shown.push(format!("{} {}", reply.status.as_u16(), json!(said)));
    }
    expect![[r#"
        400 ["invalid_client","authentication failed",null]
        400 ["invalid_client","client not found",null]
        400 ["invalid_client","client not found",null]
        400 ["unsupported_grant_type","grant_type is not client_credentials",null]
        200 [null,null,86399]"#]]
    .assert_eq(&shown.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn without_a_live_token_nothing_is_answered() {
    let mut client = Client::new(quiet()).await;
    assert_eq!(client.call("HEAD", "/tokens/me", Value::Null).await.status, 200);
    let me = client.get("/tokens/me").await.body;
    assert_eq!(me["OAuthClient"]["authorizedGrantType"], "CLIENT-CREDENTIALS");
    assert_eq!(client.call("DELETE", "/tokens/me", Value::Null).await.status, 200);
    let reply = client.get("/users").await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("bad.credentials")));
    let id = reply.headers["inin-correlation-id"].to_str().unwrap();
    assert_eq!(reply.body["contextId"], id);
    client.renew().await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(client.get("/users").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_the_budget_is_refused_until_the_window_ends() {
    let limits = Limits { requests: 5, ..quiet().limits };
    let client = Client::new(Options { limits, ..quiet() }).await;
    let mut counts = Vec::new();
    for _ in 0..5 {
        let reply = client.get("/users").await;
        let header = |name: &str| reply.headers[name].to_str().unwrap().to_owned();
        let [count, allowed, reset] =
            ["count", "allowed", "reset"].map(|name| header(&format!("inin-ratelimit-{name}")));
        counts.push(format!("{} {count}/{allowed} {reset}", reply.status.as_u16()));
    }
    // The token was the first.
    assert_eq!(counts, ["200 2/5 20", "200 3/5 20", "200 4/5 20", "200 5/5 20", "429 6/5 20"]);
    let reply = client.get("/users").await;
    assert_eq!(reply.headers["retry-after"], "20");
    assert_eq!(reply.body["code"], "too.many.requests.retry.after");
    assert_eq!(reply.body["limit"]["value"], 5);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(client.get("/users").await.status, 200);
    let windows = client.simulator().windows();
    let shown: Vec<_> = windows.iter().map(|w| (w.number, w.count, w.refused)).collect();
    assert_eq!(shown, [(0, 7, 2), (1, 1, 0)]);
    assert_eq!(client.simulator().highest(), 7);
}

#[tokio::test(start_paused = true)]
async fn scripted_faults_meet_the_requests_they_are_meant_for() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let faults = json!([
        { "operation": "PATCH /attributes", "status": 503, "act": true },
        { "operation": "PATCH /attributes", "status": 502, "body": "<html>no</html>" },
        { "operation": "PATCH /attributes", "status": 429, "headers": { "Retry-After": "7200" } },
        { "operation": "PATCH /attributes", "reset": true },
        { "operation": "PATCH /attributes", "swallow": true },
        { "operation": "PATCH /attributes", "delay_ms": 31_000 },
    ]);
    assert_eq!(client.call("POST", "/simulator/faults", faults).await.status, 200);
    let mut shown = Vec::new();
    for value in 1..=7 {
        let body = json!({ "attributes": { "k": value.to_string() } });
        let outcome = match client.attempt("PATCH", WRITE, body).await {
            Ok(reply) => reply.status.as_u16().to_string(),
            Err(SendError::TimedOut { .. }) => "timed out".to_owned(),
            Err(error) => error.to_string(),
        };
        let now = client.get("/conversations/c1").await.body;
        shown.push(format!("{outcome}: {}", now["participants"][0]["attributes"]["k"]));
    }
    expect![[r#"
        503: "1"
        502: "1"
        429: "1"
        the connection broke: connection reset: "1"
        202: "1"
        timed out: "6"
        202: "7""#]]
    .assert_eq(&shown.join("\n"));
    let log = client.simulator().requests();
    let faults: Vec<String> = log.iter().filter_map(|entry| entry.fault.clone()).collect();
    assert_eq!(faults[0], "answer 503 after acting");
    assert_eq!(faults.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_log_knows_what_was_asked_and_what_overlapped() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let slow = json!({ "operation": "PATCH /attributes", "delay_ms": 500 });
    client.call("POST", "/simulator/faults", slow).await;
    let write = |value: &str| client.call("PATCH", WRITE, json!({ "attributes": { "k": value } }));
    tokio::join!(write("1"), write("2"));
    write("3").await;
    let reply = client.get("/simulator/requests?path=attributes&conversation=c1&status=202").await;
    let log = reply.body["requests"].as_array().unwrap();
    assert_eq!(log.len(), 3);
    assert_eq!(log[0]["keys"], json!(["k"]));
    assert_eq!(
        log[0]["path"],
        "/api/v2/conversations/{conversationId}/participants/{participantId}/attributes"
    );
    assert_eq!(client.simulator().overlaps().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_with_an_error_body() {
    let client = Client::new(quiet()).await;
    let large = json!({ "attributes": { "k": "x".repeat(512_000) } });
    client.call("POST", "/simulator/permissions", json!({ "operations": ["GET /groups"] })).await;
    for (method, path, body, status, code) in [
        ("GET", "/nowhere", Value::Null, 404, "not.found"),
        ("PUT", "/users", json!({}), 405, "method.not.allowed"),
        ("PATCH", WRITE, large, 413, "request.entity.too.large"),
        ("PATCH", WRITE, json!([]), 404, "not.found"),
        ("GET", "/groups", Value::Null, 403, "missing.permissions"),
        ("GET", "/conversations", Value::Null, 400, "not.a.user"),
        ("GET", "/conversations/calls", Value::Null, 400, "not.a.user"),
        ("GET", "/users?pageSize=0", Value::Null, 400, "invalid.query.param.value"),
    ] {
        let reply = client.call(method, path, body).await;
        assert_eq!(
            (reply.status.as_u16(), reply.body["code"].as_str()),
            (status, Some(code)),
            "{path}"
        );
        assert_eq!(reply.body["status"], status);
    }
}
