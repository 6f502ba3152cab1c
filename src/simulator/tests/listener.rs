//! A real listener, a real socket, and real time, but little of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_util::sync::CancellationToken;

use super::super::Simulator;
use super::client::{BASIC, conversation, quiet};

#[tokio::test]
async fn a_client_from_outside_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let simulator = Simulator::new(quiet());
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&simulator).serve(listener, stop.clone()));

    let form = "application/x-www-form-urlencoded";
    let token =
        exchange(address, "POST /oauth/token", BASIC, form, "grant_type=client_credentials").await;
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let api = async |line: &str, body: &str| {
        exchange(address, line, &bearer, "application/json", body).await
    };
    let channel = api("POST /api/v2/notifications/channels", "").await;
    let uri = channel["connectUri"].as_str().unwrap();
    assert!(uri.starts_with(&format!("ws://{address}/channels/streaming-")));
    let user = simulator.book.users[0].id.clone();
    let path = format!(
        "PUT /api/v2/notifications/channels/{}/subscriptions",
        channel["id"].as_str().unwrap()
    );
    let topic = format!("v2.users.{user}.conversations");
    api(&path, &json!([{ "id": topic }]).to_string()).await;

    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async(uri, stream).await.unwrap();
    let body = conversation("c1", &user, false);
    let injected = api("POST /simulator/conversations", &body.to_string()).await;
    assert!(injected["topics"].as_array().unwrap().contains(&json!(topic)));
    let frame = timeout(Duration::from_secs(5), socket.next()).await.unwrap().unwrap().unwrap();
    let frame: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
    assert_eq!(frame["eventBody"]["id"], "c1");

    stop.cancel();
    let ended = timeout(Duration::from_secs(5), tasks.join_next()).await.unwrap();
    assert!(ended.unwrap().is_ok());
    assert!(TcpStream::connect(address).await.is_err());
}

/// One request on a connection of its own.
async fn exchange(
    address: SocketAddr,
    line: &str,
    authorization: &str,
    kind: &str,
    body: &str,
) -> Value {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\ncontent-type: {kind}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    serde_json::from_str(body).unwrap()
}
