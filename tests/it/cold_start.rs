//! What a start costs: which calls it makes until all topics are subscribed, how many one after the
//! other, and that nineteen full channels come up within the budget. In virtual time, so that each
//! answer takes as long as it is told to.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attributed::config::Config;
use attributed::signals::Intent;
use attributed::simulator::inside::InMemory;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Limits, Scripted, Simulator};
use attributed::status::counts::Counts;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::daemon::restrict;
use crate::virtual_time::start;

/// What every answer takes.
const LATENCY: Duration = Duration::from_millis(100);
/// To the first event that is not missed. Files are read on threads, while virtual time goes on.
const PROMISED: Duration = Duration::from_secs(1);
/// Genesys' own (FACTS 3.1).
const ALLOWED: u64 = 300;

fn config(dir: &Path) -> Config {
    fs::write(dir.join("rules.toml"), simulator::RULES).unwrap();
    fs::write(dir.join("client-secret"), "demo\n").unwrap();
    restrict(&dir.join("client-secret"));
    let file = dir.join("attributed.toml");
    let text = "rules = \"rules.toml\"\n[genesys]\nlogin_url = \"http://127.0.0.1:1\"\n\
                api_url = \"http://127.0.0.1:1\"\nclient_id = \"demo\"\n\
                client_secret_file = \"client-secret\"\n[watch]\nall_users = true\n\
                [state]\ndir = \"state\"\n[monitoring]\nlisten = \"\"\ncontrol = \"c.sock\"\n";
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), &|_| None).unwrap().0
}

/// A Genesys Cloud where nobody calls.
fn quiet(users: usize) -> Arc<Simulator> {
    let shape = Shape { users, generate: false, other_writer: false, ..Shape::default() };
    let phase = Some(Duration::from_secs(60));
    let limits = Limits { requests: ALLOWED, phase, ..Limits::default() };
    Simulator::new(simulator::Options { seed: 7, shape, limits, ..simulator::Options::default() })
}

/// What a start was like.
struct Began {
    /// Until all topics were subscribed and all sockets up.
    took: Duration,
    /// The calls until then, without their `/api/v2`.
    calls: Vec<String>,
}

impl Began {
    /// The calls that readiness waits for. The look into the gap may follow within the same instant.
    fn until_it_hears(&self) -> &[String] {
        let topics = |call: &String| call.starts_with("PUT ") && call.ends_with("/subscriptions");
        let last = self.calls.iter().rposition(topics).expect("it never subscribed");
        &self.calls[..=last]
    }
}

/// The simulator, which goes on from one start to the next.
fn outside(simulator: &Arc<Simulator>) -> Arc<InMemory> {
    Arc::new(InMemory::start(Arc::clone(simulator)))
}

/// Starts the daemon, waits until it hears all, goes on for so long, and stops it.
async fn begin(outside: &Arc<InMemory>, config: Config, users: usize, goes_on: Duration) -> Began {
    let simulator = outside.simulator();
    let slow = Scripted {
        operation: "* /".to_owned(),
        delay_ms: u64::try_from(LATENCY.as_millis()).unwrap(),
        times: 1_000_000,
        ..Scripted::default()
    };
    simulator.clear_script();
    assert!(simulator.script([slow]));
    let first = simulator.requests().last().map_or(0, |entry| entry.number + 1);
    let (intents, received) = mpsc::channel(4);
    let (counts, outside) = (Arc::new(Counts::default()), Arc::clone(outside));
    let begun = Instant::now();
    let start = start(config.clone(), config, outside, Arc::clone(&counts), received);
    let app = start.begin().await.map_err(|ended| ended.to_string()).unwrap();
    let look = async {
        let users = users as u64;
        let all = || counts.topics.get() == users && counts.channels_connected.get() > 0;
        let up = || counts.channels_connected.get() == counts.channels.get();
        let ready = async {
            while !(all() && up()) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(600), ready).await.expect("it never hears all");
        let took = begun.elapsed();
        let calls = simulator
            .requests_since(first)
            .into_iter()
            .map(|entry| format!("{} {}", entry.method, entry.path.trim_start_matches("/api/v2")));
        let began = Began { took, calls: calls.collect() };
        sleep(goes_on).await;
        intents.send(Intent::Stop).await.unwrap();
        began
    };
    let (_ended, began) = tokio::join!(app.run(), look);
    began
}

#[tokio::test(start_paused = true)]
async fn a_start_with_kept_names_makes_three_calls_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let (outside, config) = (outside(&quiet(1_000)), config(dir.path()));
    let first = begin(&outside, config.clone(), 1_000, Duration::from_secs(60)).await;
    println!("without anything kept: {:?} {:#?}", first.took, first.calls);
    // Names and the channel are kept: a token, whether the channel lives, its topics.
    let again = begin(&outside, config.clone(), 1_000, Duration::from_secs(60)).await;
    println!("with all kept: {:?} {:#?}", again.took, again.calls);
    let channel = "/notifications/channels";
    let topics = format!("PUT {channel}/{{channelId}}/subscriptions");
    let lives = format!("HEAD {channel}/{{channelId}}");
    assert_eq!(again.until_it_hears(), ["POST /oauth/token", lives.as_str(), topics.as_str()]);
    assert!(again.took < PROMISED, "{:?}", again.took);
    // Only the names: a channel is made in its place.
    fs::remove_file(dir.path().join("state/channels.json")).unwrap();
    let names = begin(&outside, config, 1_000, Duration::ZERO).await;
    let made = format!("POST {channel}");
    assert_eq!(names.until_it_hears(), ["POST /oauth/token", made.as_str(), topics.as_str()]);
    assert!(names.took < PROMISED, "{:?}", names.took);
}

#[tokio::test(start_paused = true)]
async fn nineteen_full_channels_come_up_within_the_budget() {
    const USERS: usize = 19_000;
    let dir = tempfile::tempdir().unwrap();
    let (simulator, config) = (quiet(USERS), config(dir.path()));
    let outside = outside(&simulator);
    // Nothing is kept: the directory has to say first who there is. What is asked for afterwards uses
    // up the first window.
    let first = begin(&outside, config, USERS, Duration::from_secs(60)).await;
    let windows = simulator.windows();
    println!("{:?} after {} calls, {windows:?}", first.took, first.calls.len());
    assert!(windows.iter().all(|window| window.refused == 0 && window.count <= ALLOWED));
    let of = |what: &str| first.calls.iter().filter(|call| call.contains(what)).count();
    assert_eq!((of("POST /notifications/channels"), of("PUT ")), (19, 19));
    let throttled = simulator.requests().iter().filter(|entry| entry.status == Some(429)).count();
    assert_eq!(throttled, 0);
}
