//! What is counted, against what the simulator knows that it sent.

use std::sync::Arc;
use std::time::Duration;

use attributed::app::{Options, Start};
use attributed::config::Config;
use attributed::signals::Intent;
use attributed::simulator::inside::InMemory;
use attributed::simulator::world::{Shape, World};
use attributed::simulator::{self, Simulator};
use attributed::status::counts::Counts;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::daemon::Setup;

const RULES: &str = r#"
[[rule]]
name = "answered"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.answered" = true
"#;

/// A call that an agent has answered.
fn call(user: &str) -> Value {
    json!({ "id": "conversation", "participants": [
        { "id": "customer", "purpose": "customer", "calls": [{ "state": "connected" }] },
        { "id": "agent", "purpose": "agent", "userId": user, "calls": [{ "state": "connected" }] },
    ] })
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_counted_once() {
    let options = simulator::Options {
        shape: Shape { generate: false, ..Shape::default() },
        ..simulator::Options::default()
    };
    let world = World::new(options.seed, &options.shape, options.base);
    let user = &world.users()[0].id;
    let simulator = Simulator::new(options);
    let setup = Setup::new("http://localhost", &format!("users = [\"{user}\"]"), RULES, "");
    let (config, ..) = Config::load(Some(&setup.path("attributed.toml")), &|_| None).unwrap();
    let counts = Arc::new(Counts::default());
    let (intents, told) = mpsc::channel(1);
    let start = Start {
        config: config.clone(),
        options: Options::default(),
        outside: Arc::new(InMemory::start(Arc::clone(&simulator))),
        counts: Arc::clone(&counts),
        level: None,
        intents: told,
        reread: Box::new(move || Ok(config.clone())),
    };
    let mut daemon = JoinSet::new();
    daemon.spawn(start.begin().await.unwrap().run());
    until(|| counts.topics.get() == 1).await;

    simulator.inject(call(user));
    until(|| counts.confirmed.get() == 1).await;
    intents.send(Intent::Stop).await.unwrap();
    let ended = daemon.join_next().await.unwrap().unwrap();

    // The call, and the change that was made to it.
    let counted = (counts.frames.get(), counts.snapshots.get(), counts.pushed.get());
    assert_eq!(counted, (2, 2, 1), "{ended}");
}

/// Time is paused: it costs none.
async fn until(it_is: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if it_is() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was");
}
