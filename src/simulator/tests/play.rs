//! The world at play: traffic, faults by themselves, and that a seed makes it all again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::super::world::Shape;
use super::super::{Faults, Options};
use super::client::{Client, quiet};

#[tokio::test(start_paused = true)]
async fn the_same_seed_plays_the_same_frames() {
    let one = frames(Faults::None).await;
    assert!(one.len() > 50, "{}", one.len());
    assert_eq!(one, frames(Faults::None).await);
}

#[tokio::test(start_paused = true)]
async fn on_a_bad_day_some_frames_come_twice() {
    let frames = frames(Faults::Light).await;
    let once: BTreeSet<String> = frames.iter().map(Value::to_string).collect();
    assert!(once.len() < frames.len(), "{} of {}", once.len(), frames.len());
}

#[tokio::test(start_paused = true)]
async fn a_world_that_is_stopped_comes_to_rest() {
    let client = Client::new(playing(Faults::None)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    client.simulator().stop_world();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let state = client.get("/simulator/state").await.body;
    assert_eq!(state["frames_under_way"], 0);
    let before = state["sequence"].clone();
    client.simulator().advance_world(Duration::from_secs(600));
    assert_eq!(client.get("/simulator/state").await.body["sequence"], before);
}

#[tokio::test(start_paused = true)]
async fn the_world_can_be_played_on_at_once() {
    let client = Client::new(playing(Faults::None)).await;
    let sequence = |state: Value| state["sequence"].as_u64().unwrap();
    let before = sequence(client.get("/simulator/state").await.body);
    let body = serde_json::json!({ "seconds": 20 });
    assert_eq!(client.call("POST", "/simulator/world/advance", body).await.status, 200);
    assert!(sequence(client.get("/simulator/state").await.body) > before + 20);
}

fn playing(faults: Faults) -> Options {
    let shape = Shape { users: 30, other_writer: false, ..Shape::default() };
    Options { shape, faults, ..quiet() }
}

/// For how long frames are listened to.
const WHILE: Duration = Duration::from_secs(20);

/// What one socket hears in a while, reconnecting as needed.
async fn frames(faults: Faults) -> Vec<Value> {
    let mut client = Client::new(playing(faults)).await;
    let topics: Vec<String> = (0..30).map(|user| client.topic(user)).collect();
    let started = Instant::now();
    let mut heard = Vec::new();
    let (_, mut uri) = client.channel(&topics).await;
    while started.elapsed() < WHILE {
        let mut socket = client.socket(&uri).await;
        while started.elapsed() < WHILE
            && let Some(frame) = socket.next().await
        {
            if frame["eventBody"]["systemTopicType"] == "token_revoked" {
                client.renew().await;
                uri = client.channel(&topics).await.1;
                break;
            }
            heard.push(frame);
        }
    }
    heard
}
