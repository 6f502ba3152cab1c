//! A simulator at an address of its own, whose conversations the test makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use attributed::simulator::world::{Shape, User, World};
use attributed::simulator::{Entry, Options, Scripted, Simulator, Toss};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::daemon::{Daemon, Setup};

/// Writes one key to the customer of every answered call.
pub(crate) const ANSWERED: &str = r#"
[[rule]]
name = "answered"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.answered" = "yes"
"#;

pub(crate) struct WorldAt {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) url: String,
    users: Vec<User>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl WorldAt {
    /// So many users, and no conversations but those that are put in.
    pub(crate) fn quiet(users: usize) -> WorldAt {
        let shape = Shape { users, generate: false, other_writer: false, ..Shape::default() };
        WorldAt::start(Options { seed: 7, shape, record_bodies: true, ..Options::default() })
    }

    pub(crate) fn start(options: Options) -> WorldAt {
        let users = World::new(options.seed, &options.shape, options.base).users().to_vec();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let simulator = {
            let _in_its_time = runtime.enter();
            Simulator::new(options)
        };
        let (shared, stopped) = (Arc::clone(&simulator), stop.clone());
        let thread = std::thread::spawn(move || runtime.block_on(shared.serve(listener, stopped)));
        WorldAt { simulator, url, users, stop, thread: Some(thread) }
    }

    pub(crate) fn user(&self, number: usize) -> &User {
        &self.users[number]
    }

    /// A daemon's folder that watches every user of this world.
    pub(crate) fn setup(&self, rules: &str, more: &str) -> Setup {
        Setup::new(&self.url, "all_users = true", rules, more)
    }

    /// An answered call of that user; `id` names it, and its participants.
    pub(crate) fn call(&self, id: &str, user: usize) {
        self.simulator.inject(self.body(id, user, false));
    }

    /// The body of such a call.
    pub(crate) fn body(&self, id: &str, user: usize, held: bool) -> Value {
        json!({
            "id": id,
            "participants": [
                {
                    "id": customer(id), "purpose": "customer",
                    "connectedTime": "2026-11-20T14:00:00.000Z", "attributes": {},
                    "calls": [
                        { "id": format!("{id}-1"), "state": "connected", "direction": "inbound" }
                    ],
                },
                {
                    "id": format!("{id}-agent"), "purpose": "agent",
                    "userId": self.users[user].id,
                    "connectedTime": "2026-11-20T14:00:01.000Z", "attributes": {},
                    "calls": [{ "id": format!("{id}-2"), "state": "connected", "held": held }],
                },
            ],
        })
    }

    /// The writes to a conversation, answered or not, the oldest first.
    pub(crate) fn writes(&self, conversation: &str) -> Vec<Entry> {
        let mut log = self.simulator.requests();
        let is =
            |entry: &Entry| entry.ids.get("conversationId").is_some_and(|id| id == conversation);
        log.retain(|entry| entry.is_write() && is(entry));
        log
    }

    /// Logins are answered with 503, so often or for as long as the script stands.
    pub(crate) fn logins_fail(&self, times: u32) {
        self.simulator.script([Scripted {
            operation: "POST /oauth/token".to_owned(),
            times,
            status: Some(503),
            ..Scripted::default()
        }]);
    }

    /// How many requests there were with this method to a path that ends so.
    pub(crate) fn asked(&self, method: &str, path: &str) -> usize {
        let log = self.simulator.requests();
        log.iter().filter(|one| one.method == method && one.path.ends_with(path)).count()
    }

    /// Waits until the daemon has heard of everything so far, the events of its own writes among it:
    /// what comes after a reload is a live event, whatever it tells.
    pub(crate) fn wait_heard(&self, daemon: &Daemon) {
        daemon.wait("the frames on their way", || {
            (self.simulator.overview()["frames_under_way"] == 0).then_some(())
        });
        let skipped = daemon.log_count("frame skipped");
        let topic = format!("v2.users.{}.conversations", self.users[0].id);
        let frame = Some(json!({ "topicName": topic_of_nobody(), "eventBody": {} }));
        let toss = Toss { frame, topics: vec![topic], ..Toss::default() };
        assert_eq!(self.simulator.toss(&toss), 1);
        daemon.wait("the last frame to be taken in", || {
            (daemon.log_count("frame skipped") > skipped).then_some(())
        });
    }

    /// Waits until a write to this conversation was accepted, and returns all of them.
    pub(crate) fn wait_written(&self, daemon: &Daemon, conversation: &str) -> Vec<Entry> {
        daemon.wait(&format!("an accepted write to {conversation}"), || {
            let writes = self.writes(conversation);
            writes.iter().any(|write| write.status == Some(202)).then_some(writes)
        })
    }
}

/// Another one each time: what the daemon says of a frame of this topic is not summed up with others.
pub(crate) fn topic_of_nobody() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("v2.users.00000000-0000-4000-8000-{number:012}.conversations")
}

/// The customer of a call that a test put in.
pub(crate) fn customer(conversation: &str) -> String {
    format!("{conversation}-customer")
}

impl Drop for WorldAt {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
