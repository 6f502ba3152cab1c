//! A client of the tests' own: a token, calls, and sockets over memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::super::inside::InMemory;
use super::super::world::Shape;
use super::super::{Limits, Options, Simulator};
use crate::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};

pub(super) const BASIC: &str = "Basic ZGVtbzpkZW1v";

pub(super) struct Client {
    pub(super) inside: InMemory,
    pub(super) token: String,
}

pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A quiet world: nothing happens but what the test does.
pub(super) fn quiet() -> Options {
    Options {
        seed: 7,
        shape: Shape { users: 30, generate: false, other_writer: false, ..Shape::default() },
        base: "2026-11-20T14:00:00Z".parse().unwrap(),
        limits: Limits { phase: Some(Duration::from_secs(20)), ..Limits::default() },
        ..Options::default()
    }
}

impl Client {
    /// A client with a token, of a simulator that plays.
    pub(super) async fn new(options: Options) -> Client {
        let inside = InMemory::start(Simulator::new(options));
        let mut client = Client { inside, token: String::new() };
        client.renew().await;
        client
    }

    pub(super) async fn renew(&mut self) {
        let reply = self.token_request(BASIC, "grant_type=client_credentials").await;
        assert_eq!(reply.status, 200);
        self.token = reply.body["access_token"].as_str().unwrap().to_owned();
    }

    pub(super) async fn token_request(&self, authorization: &str, form: &str) -> Reply {
        let request = Request::post("http://simulated/oauth/token")
            .header("authorization", authorization)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .unwrap();
        reply(self.inside.send(request, Duration::from_secs(30)).await.unwrap())
    }

    pub(super) fn simulator(&self) -> &Arc<Simulator> {
        self.inside.simulator()
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    /// One request, whatever the path.
    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.attempt(method, path, body).await.unwrap()
    }

    pub(super) async fn attempt(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Reply, SendError> {
        let path = if path.starts_with("/simulator/") {
            path.to_owned()
        } else {
            format!("/api/v2{path}")
        };
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://simulated{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(bytes)
            .unwrap();
        self.inside.send(request, Duration::from_secs(30)).await.map(reply)
    }

    /// A new channel with these topics: its id and address.
    pub(super) async fn channel(&self, topics: &[String]) -> (String, String) {
        let made = self.call("POST", "/notifications/channels", Value::Null).await.body;
        let id = made["id"].as_str().unwrap().to_owned();
        let asked: Vec<Value> = topics.iter().map(|topic| json!({ "id": topic })).collect();
        let path = format!("/notifications/channels/{id}/subscriptions");
        let reply = self.call("PUT", &path, json!(asked)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        (id, made["connectUri"].as_str().unwrap().to_owned())
    }

    pub(super) async fn socket(&self, uri: &str) -> Socket {
        let stream = self.inside.connect(&ChannelUri::new(uri.to_owned())).await.unwrap();
        Socket { stream: client_async(uri, stream).await.unwrap().0 }
    }

    /// The topic of the n-th user.
    pub(super) fn topic(&self, user: usize) -> String {
        format!("v2.users.{}.conversations", self.user(user))
    }

    pub(super) fn user(&self, user: usize) -> String {
        self.simulator().book.users[user].id.clone()
    }
}

pub(super) struct Socket {
    stream: WebSocketStream<Box<dyn ByteStream>>,
}

impl Socket {
    /// The next frame; `None` if there is none within a minute, or never again.
    pub(super) async fn next(&mut self) -> Option<Value> {
        match timeout(Duration::from_secs(60), self.stream.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                Some(serde_json::from_str(&text).unwrap_or_else(|_| json!({ "raw": text.len() })))
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// The next frame that is no heartbeat.
    pub(super) async fn next_event(&mut self) -> Option<Value> {
        loop {
            let frame = self.next().await?;
            if frame["eventBody"]["message"] != "WebSocket Heartbeat" {
                return Some(frame);
            }
        }
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.stream.send(Message::Text(text.into())).await.unwrap();
    }
}

fn reply(response: http::Response<Bytes>) -> Reply {
    let (parts, bytes) = response.into_parts();
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
    Reply { status: parts.status, headers: parts.headers, body }
}

/// A call of one user, in the generic shape.
pub(super) fn conversation(id: &str, user: &str, held: bool) -> Value {
    json!({
        "id": id,
        "recordingState": "none",
        "participants": [
            {
                "id": "customer-1",
                "purpose": "customer",
                "connectedTime": "2026-11-20T14:00:00.000Z",
                "attributes": { "menu.choice": "billing" },
                "calls": [{ "id": "call-1", "state": "connected", "direction": "inbound" }],
            },
            {
                "id": "agent-1",
                "purpose": "agent",
                "userId": user,
                "connectedTime": "2026-11-20T14:00:01.000Z",
                "attributes": {},
                "calls": [{ "id": "call-2", "state": "connected", "held": held }],
            },
        ],
    })
}
