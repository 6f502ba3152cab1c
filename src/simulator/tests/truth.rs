//! The books: what the oracle learns of what is delivered, read and written.

use std::time::Duration;

use serde_json::json;

use super::super::hands::Treatment;
use super::client::{Client, conversation, quiet};

const RULES: &str = r#"
[[rule]]
name = "held"
target = "customer"
match.participant.purpose = "agent"
match.participant.held = true
set."cc.on_hold" = "true"
otherwise."cc.on_hold" = "false"
"#;

const WRITE: &str = "/conversations/c1/participants/customer-1/attributes";

async fn write(client: &Client, value: &str) -> u16 {
    let body = json!({ "attributes": { "cc.on_hold": value } });
    client.call("PATCH", WRITE, body).await.status.as_u16()
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_is_what_counts() {
    let client = Client::new(quiet()).await;
    client.simulator().rules(RULES).unwrap();
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut socket = client.socket(&uri).await;
    client.simulator().inject(conversation("c1", &client.user(0), true));
    assert!(socket.next_event().await.is_some());
    let verdict = client.simulator().verdict();
    assert_eq!((verdict.concerned, verdict.right), (1, 0));

    assert_eq!(write(&client, "true").await, 202);
    assert!(client.simulator().verdict().is_right());
    let truth = client.get("/simulator/truth").await.body;
    assert_eq!((&truth["right"], &truth["wrong"]), (&json!(1), &json!([])));
    assert_eq!(write(&client, "true").await, 202);
    assert_eq!(client.simulator().verdict().redundant_writes, 1);

    // A change that nobody hears of wishes for nothing, until it is read.
    for _echo in 0..2 {
        assert!(socket.next_event().await.is_some());
    }
    client.simulator().treat(Treatment::Drop, None);
    assert_eq!(socket.next_event().await, None);
    client.simulator().inject(conversation("c1", &client.user(0), false));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(client.simulator().verdict().is_right());
    client.get("/conversations/c1").await;
    assert_eq!(client.simulator().verdict().wrong[0].expected.as_deref(), Some("false"));
    assert_eq!(write(&client, "false").await, 202);
    assert!(client.simulator().verdict().is_right());
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_may_be_made_again() {
    let client = Client::new(quiet()).await;
    client.simulator().rules(RULES).unwrap();
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut socket = client.socket(&uri).await;
    client.simulator().inject(conversation("c1", &client.user(0), true));
    assert!(socket.next_event().await.is_some());
    let lost = json!({ "operation": "PATCH /attributes", "status": 504, "act": true });
    client.call("POST", "/simulator/faults", lost).await;
    assert_eq!(write(&client, "true").await, 504);
    assert_eq!(write(&client, "true").await, 202);
    assert_eq!(client.simulator().verdict().redundant_writes, 0);
}
