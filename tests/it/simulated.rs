//! The simulator on a loopback port, as tests start it, look at it and meddle with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use attributed::simulator::world::Shape;
use attributed::simulator::{Entry, Limits, Options, Simulator, Toss};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::daemon::{Daemon, wait};
use super::world_at::topic_of_nobody;

/// For how long nothing may be asked before a test believes that nothing will be.
const QUIET: Duration = Duration::from_millis(1_500);

/// A simulator that plays on a runtime and a thread of its own until it is dropped.
pub(crate) struct Simulated {
    simulator: Arc<Simulator>,
    pub(crate) url: String,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// A budget that is never used up.
pub(crate) fn unlimited() -> Limits {
    Limits { requests: 60_000, ..Limits::default() }
}

/// `[updates]` for [`unlimited`].
pub(crate) const UNLIMITED: &str = "requests_per_second = 1000\nrequests_per_minute = 60000\n";

/// A world in which nothing happens but what the test does.
pub(crate) fn quiet(users: usize) -> Options {
    Options {
        seed: 7,
        shape: Shape { users, generate: false, other_writer: false, ..Shape::default() },
        limits: unlimited(),
        record_bodies: true,
        ..Options::default()
    }
}

impl Simulated {
    pub(crate) fn start(options: Options) -> Simulated {
        println!("seed {}", options.seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let simulator = Simulator::new(options);
        let stop = CancellationToken::new();
        let serving = Arc::clone(&simulator).serve(listener, stop.clone());
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || runtime.block_on(serving))
            .unwrap();
        Simulated { simulator, url, stop, thread: Some(thread) }
    }

    /// The id of the n-th user.
    pub(crate) fn user(&self, n: usize) -> String {
        self.look(|world| world.users()[n].id.clone())
    }

    /// What is written on a participant now.
    pub(crate) fn attributes(
        &self,
        conversation: &str,
        participant: &str,
    ) -> BTreeMap<String, String> {
        self.look(|world| world.attributes(conversation, participant)).unwrap_or_default()
    }

    /// Waits until an attribute is so.
    #[track_caller]
    pub(crate) fn wait_attribute(
        &self,
        daemon: &Daemon,
        (conversation, participant): (&str, &str),
        key: &str,
        value: &str,
    ) {
        wait(&format!("{key} = {value} on {conversation}\n{}", daemon.log_text()), || {
            let attributes = self.attributes(conversation, participant);
            (attributes.get(key).map(String::as_str) == Some(value)).then_some(())
        });
    }

    /// The requests of one conversation, the oldest first, as `METHOD status`.
    pub(crate) fn requests_of(&self, conversation: &str) -> Vec<String> {
        let requests = self.requests().into_iter().filter(|entry| is_of(entry, conversation));
        requests
            .map(|entry| {
                let status = entry.status.map_or("-".to_owned(), |status| status.to_string());
                format!("{} {status}", entry.method)
            })
            .collect()
    }

    /// Writes that were accepted, the oldest first.
    pub(crate) fn accepted(&self) -> Vec<Entry> {
        self.accepted_since(0)
    }

    /// The same from the request of this number on.
    pub(crate) fn accepted_since(&self, number: u64) -> Vec<Entry> {
        let is_accepted =
            |entry: &Entry| entry.status.is_some_and(|status| (200..300).contains(&status));
        let mut entries = self.requests_since(number);
        entries.retain(|entry| entry.is_write() && is_accepted(entry));
        entries
    }

    /// How many requests there have been.
    pub(crate) fn count(&self) -> u64 {
        self.count_from(0)
    }

    fn count_from(&self, known: u64) -> u64 {
        known + self.requests_since(known).len() as u64
    }

    /// The values that were accepted for a key, the oldest first, by conversation. Needs recorded
    /// bodies.
    pub(crate) fn values(&self, key: &str) -> BTreeMap<String, Vec<String>> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in self.accepted() {
            let Some(request) = &entry.request else { continue };
            if let Some(value) = request["attributes"][key].as_str() {
                let conversation = entry.ids["conversationId"].clone();
                values.entry(conversation).or_default().push(value.to_owned());
            }
        }
        values
    }

    /// Waits until the daemon has taken in everything that is on its way on the channels.
    ///
    /// A frame without a conversation goes last on each of them; the daemon says that it skips it.
    pub(crate) fn wait_taken_in(&self, daemon: &Daemon) {
        wait("the frames on their way", || {
            (self.overview()["frames_under_way"] == 0).then_some(())
        });
        let skipped = "frame skipped";
        let before = daemon.log_count(skipped);
        let channels: Vec<String> = self.overview()["channels"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|channel| channel["connected"] == true)
            .map(|channel| channel["id"].as_str().unwrap().to_owned())
            .collect();
        let frame = Some(json!({ "topicName": topic_of_nobody(), "eventBody": {} }));
        let count = self.toss(&Toss { frame, channels, ..Toss::default() });
        assert!(count > 0, "nobody listens");
        wait("the last frame to be taken in", || {
            (daemon.log_count(skipped) >= before + count).then_some(())
        });
    }

    /// Waits until nothing is asked any more.
    pub(crate) fn wait_quiet(&self, daemon: &Daemon) {
        self.wait_taken_in(daemon);
        let mut last = (self.count(), tokio::time::Instant::now());
        wait("the requests to end", || {
            let now = self.count_from(last.0);
            if now != last.0 {
                last = (now, tokio::time::Instant::now());
            }
            (last.1.elapsed() >= QUIET).then_some(())
        });
    }

    /// Topics of users by channel, as the subscriptions that were put last say. Needs recorded
    /// bodies.
    pub(crate) fn users_by_channel(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut channels = BTreeMap::new();
        for entry in self.requests() {
            if entry.method != "PUT" || !entry.path.ends_with("/subscriptions") {
                continue;
            }
            let topics = entry.request.as_ref().and_then(Value::as_array).cloned();
            let users = topics.into_iter().flatten().filter_map(|topic| {
                let user = topic["id"].as_str()?.strip_prefix("v2.users.")?;
                Some(user.split_once('.')?.0.to_owned())
            });
            channels.insert(entry.ids["channelId"].clone(), users.collect());
        }
        channels
    }
}

impl Deref for Simulated {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _failed = thread.join();
        }
    }
}

pub(crate) fn is_of(entry: &Entry, conversation: &str) -> bool {
    entry.ids.get("conversationId").is_some_and(|id| id == conversation)
}

/// The customer of an injected call; always `customer`.
pub(crate) fn customer(attributes: &[(&str, &str)]) -> Value {
    let attributes: Map<String, Value> =
        attributes.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    json!({
        "id": "customer",
        "purpose": "customer",
        "connectedTime": at(0),
        "attributes": attributes,
        "calls": [{
            "id": "call-customer", "state": "connected", "direction": "inbound",
            "connectedTime": at(0),
        }],
    })
}

/// An agent of an injected call.
pub(crate) struct Agent<'a> {
    pub(crate) id: &'a str,
    pub(crate) user: &'a str,
    /// Alerting as long as there is none. In seconds, as `left`.
    pub(crate) connected: Option<i64>,
    pub(crate) held: bool,
    pub(crate) left: Option<i64>,
}

impl<'a> Agent<'a> {
    /// Is asked and has not answered.
    pub(crate) fn alerting(id: &'a str, user: &'a str) -> Agent<'a> {
        Agent { id, user, connected: None, held: false, left: None }
    }

    pub(crate) fn talking(id: &'a str, user: &'a str, since: i64) -> Agent<'a> {
        Agent { connected: Some(since), ..Agent::alerting(id, user) }
    }

    pub(crate) fn body(&self) -> Value {
        let state = match (self.left, self.connected) {
            (Some(_), _) => "disconnected",
            (None, Some(_)) => "connected",
            (None, None) => "alerting",
        };
        let mut call = json!({
            "id": format!("call-{}", self.id), "state": state, "direction": "inbound",
            "held": self.held,
        });
        let mut body = json!({
            "id": self.id, "purpose": "agent", "userId": self.user, "attributes": {},
        });
        if let Some(connected) = self.connected {
            body["connectedTime"] = json!(at(connected));
            call["connectedTime"] = json!(at(connected));
        }
        if let Some(left) = self.left {
            body["endTime"] = json!(at(left));
            call["disconnectedTime"] = json!(at(left));
        }
        body["calls"] = json!([call]);
        body
    }
}

/// An injected call in the generic shape.
pub(crate) fn call(id: &str, attributes: &[(&str, &str)], agents: &[Agent<'_>]) -> Value {
    let mut parties = vec![customer(attributes)];
    parties.extend(agents.iter().map(Agent::body));
    json!({ "id": id, "recordingState": "none", "participants": parties })
}

/// Seconds after some moment.
fn at(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(1_790_000_000 + seconds).unwrap();
    format!("{at:.3}")
}
