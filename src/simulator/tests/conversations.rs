//! Conversations: both ways to write, the details query, and the hands that end a call.

use std::time::Duration;

use expect_test::expect;
use serde_json::{Value, json};

use super::client::{Client, conversation, quiet};

#[tokio::test(start_paused = true)]
async fn refusals_of_writes_have_their_codes() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let mut shown = Vec::new();
    for (path, attributes) in [
        ("c1/participants/customer-1", json!({ "k": "v" })),
        ("calls/c1/participants/customer-1", json!({ "k": "v" })),
        ("c1/participants/nobody", json!({ "k": "v" })),
        ("c2/participants/customer-1", json!({ "k": "v" })),
        ("c1/participants/customer-1", Value::Null),
        ("c1/participants/customer-1", json!({ "k": 1 })),
    ] {
        let path = format!("/conversations/{path}/attributes");
        let reply = client.call("PATCH", &path, json!({ "attributes": attributes })).await;
        let said = reply.body.get("code").unwrap_or(&reply.body);
        shown.push(format!("{} {said}", reply.status.as_u16()));
    }
    expect![[r#"
        202 ""
        202 {"attributes":{"k":"v"}}
        404 "conversation.error.participant.not.found"
        404 "not.found"
        400 "conversation.error.participant.attribute.null"
        400 "invalid.value""#]]
    .assert_eq(&shown.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn the_tutorials_put_replaces_the_whole_map() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let path = "/conversations/c1/participants/customer-1";
    assert_eq!(client.get(path).await.body["attributes"], json!({ "menu.choice": "billing" }));
    let reply = client.call("PUT", path, json!({ "attributes": { "a": "1" } })).await;
    assert_eq!((reply.status.as_u16(), &reply.body["attributes"]), (200, &json!({ "a": "1" })));
    let reply = client.call("PUT", path, json!({ "attributes": {}, "status": "connected" })).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (409, &json!("request.conflict")));
    assert_eq!(client.get(path).await.body["attributes"], json!({ "a": "1" }));

    let found = client.get(&format!("/conversations/users/{}", client.user(0))).await.body;
    let participant = &found["conversations"][0]["participants"][1];
    assert_eq!(found["conversations"][0]["conversationId"], "c1");
    assert_eq!(participant["participantId"], "agent-1");
    assert_eq!(participant["status"], "connected");
    let nobody = format!("/conversations/users/{}", client.user(1));
    assert_eq!(client.get(&nobody).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn the_public_patch_of_a_participant_hangs_up_and_that_is_remembered() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let path = "/conversations/c1/participants/agent-1";
    let reply = client.call("PATCH", path, json!({ "attributes": {} })).await;
    assert_eq!(reply.body["code"], "invalid.property");
    assert!(client.simulator().hung_up().is_empty());
    assert_eq!(client.call("PATCH", path, json!({ "state": "disconnected" })).await.status, 202);
    assert_eq!(client.simulator().hung_up(), [("c1".to_owned(), "agent-1".to_owned())]);
    let calls = client.get("/conversations/calls/c1").await.body;
    assert_eq!(calls["participants"][1]["state"], "disconnected");
    assert_eq!(client.get("/conversations/emails/c1").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn the_details_query_filters_by_day_and_lags() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let query = |day: &str, user: String| {
        json!({
            "interval": format!("{day}T00:00:00.000Z/{day}T01:00:00.000Z"),
            "conversationFilters": [{ "type": "and", "predicates": [
                { "type": "dimension", "dimension": "conversationEnd", "operator": "notExists" }] }],
            "segmentFilters": [{ "type": "or", "predicates": [
                { "type": "dimension", "dimension": "userId", "operator": "matches", "value": user }] }],
            "paging": { "pageSize": 100, "pageNumber": 1 },
        })
    };
    let path = "/analytics/conversations/details/query";
    let today = query("2026-11-20", client.user(0));
    // The injected call began at 14:00:00 sharp, which the index will know in five seconds.
    assert_eq!(client.call("POST", path, today.clone()).await.body, json!({ "totalHits": 0 }));
    tokio::time::sleep(Duration::from_secs(6)).await;
    let found = client.call("POST", path, today).await.body;
    assert_eq!(
        (&found["totalHits"], &found["conversations"][0]["conversationId"]),
        (&json!(1), &json!("c1"))
    );
    for other in [query("2026-11-19", client.user(0)), query("2026-11-20", client.user(1))] {
        assert_eq!(client.call("POST", path, other).await.body["totalHits"], 0);
    }
    let mut odd = query("2026-11-20", client.user(0));
    odd["segmentFilters"][0]["predicates"][0]["dimension"] = "ani".into();
    assert_eq!(client.call("POST", path, odd).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn another_writer_can_write() {
    let client = Client::new(quiet()).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let write =
        json!({ "conversation": "c1", "participant": "agent-1", "attributes": { "k": "v" } });
    assert_eq!(client.call("POST", "/simulator/attributes", write.clone()).await.status, 200);
    let read = client.get("/conversations/c1").await.body;
    assert_eq!(read["participants"][1]["attributes"]["k"], "v");
    let mut wrong = write;
    wrong["participant"] = "nobody".into();
    assert_eq!(client.call("POST", "/simulator/attributes", wrong).await.status, 400);
}
