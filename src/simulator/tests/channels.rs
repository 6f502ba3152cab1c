//! Channels: frames, limits, and how sockets end.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::hands::{Toss, Treatment};
use super::super::{Door, Limits, Options};
use super::client::{Client, conversation, quiet};

#[tokio::test(start_paused = true)]
async fn a_change_arrives_and_so_does_the_echo_of_a_write() {
    let client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut socket = client.socket(&uri).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    let frame = socket.next_event().await.unwrap();
    assert_eq!(frame["topicName"], client.topic(0));
    assert_eq!(frame["eventBody"]["id"], "c1");

    let path = "/conversations/c1/participants/customer-1/attributes";
    let reply = client.call("PATCH", path, json!({ "attributes": { "cc.tier": "gold" } })).await;
    assert_eq!((reply.status.as_u16(), reply.body), (202, Value::from("")));
    let echo = socket.next_event().await.unwrap();
    let attributes = &echo["eventBody"]["participants"][0]["attributes"];
    assert_eq!(attributes, &json!({ "menu.choice": "billing", "cc.tier": "gold" }));
}

#[tokio::test(start_paused = true)]
async fn the_socket_beats_and_answers_pings_and_subscriptions() {
    let client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[]).await;
    let mut socket = client.socket(&uri).await;
    assert_eq!(socket.next().await.unwrap()["eventBody"]["message"], "WebSocket Heartbeat");
    socket.say(r#"{"message":"ping"}"#).await;
    assert_eq!(socket.next().await.unwrap()["eventBody"]["message"], "pong");
    let subscribe = json!({ "message": "subscribe", "topics": [client.topic(1)] });
    socket.say(&subscribe.to_string()).await;
    assert_eq!(socket.next().await.unwrap()["status"], "subscribed");
    client.simulator().inject(conversation("c1", &client.user(1), false));
    assert_eq!(socket.next_event().await.unwrap()["eventBody"]["id"], "c1");
}

#[tokio::test(start_paused = true)]
async fn combined_topics_are_heard_under_their_own_names_and_rejections_are_told() {
    let client = Client::new(quiet()).await;
    let (id, uri) = client.channel(&[]).await;
    let forbidden = client.topic(1);
    client.call("POST", "/simulator/permissions", json!({ "topics": [forbidden] })).await;
    let path = format!("/notifications/channels/{id}/subscriptions");
    let combined = format!("v2.users.{}?conversations&presence", client.user(0));
    let topics = json!([{ "id": combined }, { "id": forbidden }, { "id": "v2.nonsense" }]);
    let reply = client.call("PUT", &path, topics.clone()).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body["code"]),
        (403, &json!("notification.unauthorized.topic"))
    );
    let reply = client.call("PUT", &format!("{path}?ignoreErrors=true"), topics).await;
    let states: Vec<&str> = reply.body["entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["Permitted", "Rejected", "Rejected"]);
    assert_eq!(
        reply.body["entities"][1]["missingPermissions"],
        json!(["conversation:communication:view"])
    );

    let mut socket = client.socket(&uri).await;
    client.simulator().inject(conversation("c1", &client.user(0), false));
    assert_eq!(socket.next_event().await.unwrap()["topicName"], client.topic(0));
}

#[tokio::test(start_paused = true)]
async fn a_second_socket_disconnects_the_first() {
    let client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut first = client.socket(&uri).await;
    let mut second = client.socket(&uri).await;
    assert_eq!(first.next().await, None);
    client.simulator().inject(conversation("c1", &client.user(0), false));
    assert!(second.next_event().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_21st_channel_evicts_and_the_loser_is_told() {
    let client = Client::new(quiet()).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let (_, uri) = client.channel(&[]).await;
        sockets.push(client.socket(&uri).await);
    }
    let listed = client.get("/notifications/channels?includechannels=oauthclient").await;
    assert_eq!(listed.body["entities"].as_array().unwrap().len(), 20);
    client.call("POST", "/simulator/channels/foreign", json!({ "count": 1 })).await;
    let goodbye = sockets[0].next_event().await.unwrap();
    assert!(goodbye["topicName"].as_str().unwrap().starts_with("v2.system.no_longer_subscribed."));
    assert_eq!(goodbye["eventBody"]["reason"], "another_channel_subscribed");
    assert_eq!(sockets[0].next().await, None);
    let listed = client.get("/notifications/channels?includechannels=oauthclient").await;
    assert_eq!(listed.body["entities"].as_array().unwrap().len(), 20);
    let own = client.get("/notifications/channels").await;
    assert_eq!(own.body["entities"].as_array().unwrap().len(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_channel_holds_a_thousand_topics() {
    let client = Client::new(quiet()).await;
    let (id, _) = client.channel(&[]).await;
    let topics = |count: usize| {
        let topic = |n| json!({ "id": format!("v2.users.user-{n}.conversations") });
        (0..count).map(topic).collect::<Value>()
    };
    let path = format!("/notifications/channels/{id}/subscriptions?ignoreErrors=true");
    assert_eq!(client.call("PUT", &path, topics(1_000)).await.status, 200);
    let reply = client.call("PUT", &path, topics(1_001)).await;
    let code = "notification.subscription.too.many.subscriptions";
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (400, &json!(code)));
    let more = json!([{ "id": client.topic(0) }]);
    assert_eq!(client.call("POST", &path, more).await.status, 400);
    assert_eq!(client.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(client.get(&path).await.body, json!({ "entities": [] }));
}

#[tokio::test(start_paused = true)]
async fn a_channel_ends_after_its_life_unless_it_is_subscribed_again() {
    let limits = Limits { channel_life: Duration::from_secs(600), ..quiet().limits };
    let client = Client::new(Options { limits, ..quiet() }).await;
    let (id, uri) = client.channel(&[client.topic(0)]).await;
    let head = format!("/notifications/channels/{id}");
    tokio::time::sleep(Duration::from_secs(500)).await;
    let topics = json!([{ "id": client.topic(0) }]);
    client.call("PUT", &format!("{head}/subscriptions"), topics).await;
    tokio::time::sleep(Duration::from_secs(500)).await;
    assert_eq!(client.call("HEAD", &head, Value::Null).await.status, 200);
    let mut socket = client.socket(&uri).await;
    assert_eq!(socket.next_event().await.unwrap()["topicName"], "v2.system.socket_closing");
    assert_eq!(socket.next_event().await, None);
    assert_eq!(client.call("HEAD", &head, Value::Null).await.status, 404);
    assert_eq!(client.get(&format!("{head}/subscriptions")).await.body["code"], "entity.not.found");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_while_nobody_listens_is_lost() {
    let client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut socket = client.socket(&uri).await;
    client.simulator().treat(Treatment::Drop, None);
    assert_eq!(socket.next().await, None);
    client.simulator().inject(conversation("c1", &client.user(0), false));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut socket = client.socket(&uri).await;
    client.simulator().inject(conversation("c2", &client.user(0), false));
    assert_eq!(socket.next_event().await.unwrap()["eventBody"]["id"], "c2");
}

#[tokio::test(start_paused = true)]
async fn sockets_can_be_half_open_and_doors_can_be_shut() {
    let client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut socket = client.socket(&uri).await;
    assert_eq!(client.simulator().treat(Treatment::HalfOpen, None), 1);
    socket.say(r#"{"message":"ping"}"#).await;
    assert_eq!(socket.next().await, None);
    client.simulator().doors([Door::HangUp, Door::HalfOpen]);
    let mut socket = client.socket(&uri).await;
    assert_eq!(socket.next().await, None);
    let mut socket = client.socket(&uri).await;
    assert_eq!(socket.next().await, None);
    let mut socket = client.socket(&uri).await;
    assert!(socket.next().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn raw_frames_go_where_they_are_sent_and_count_if_they_should() {
    let client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[client.topic(0)]).await;
    let mut socket = client.socket(&uri).await;
    let topics = vec![client.topic(0)];
    let garbage =
        Toss { text: Some("{\"top".to_owned()), topics: topics.clone(), ..Toss::default() };
    assert_eq!(client.simulator().toss(&garbage), 1);
    assert_eq!(socket.next().await.unwrap()["raw"], 5);
    let frame = json!({ "topicName": topics[0], "eventBody": { "id": "c9" } });
    let late = Toss { frame: Some(frame), topics, delay_ms: 500, ..Toss::default() };
    client.simulator().toss(&late);
    assert_eq!(socket.next_event().await.unwrap()["eventBody"]["id"], "c9");
}

#[tokio::test(start_paused = true)]
async fn revoked_tokens_are_told_to_their_channels() {
    let mut client = Client::new(quiet()).await;
    let (_, uri) = client.channel(&[]).await;
    let mut socket = client.socket(&uri).await;
    assert_eq!(client.simulator().revoke_tokens(), 1);
    let told = socket.next_event().await.unwrap();
    assert_eq!(told["eventBody"]["systemTopicType"], "token_revoked");
    assert_eq!(client.get("/users").await.status, 401);
    client.renew().await;
    assert_eq!(client.get("/users").await.status, 200);
}
