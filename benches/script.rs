//! What the daemon makes of a budget, beside the tutorial's script on the same budget: an update at a
//! time, each a GET, a merge and a PUT, and a sleep when the answer is 429.
//!
//! Both get the same ten minutes of more conversations than the budget allows, from a simulator of
//! their own and in virtual time; requests take a tenth of a second. The script is as
//! the tutorial has it, and is even told of every change, which the tutorial leaves open. Once each
//! conversation changes once, once three times within a second. Right is a participant that has the value of its
//! conversation's last change.
//!
//! Fails when the daemon is not so much better as is claimed, or when the numbers are not as
//! expected: what was accepted and what is there are held against each other.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

#[path = "script/tutorial.rs"]
mod tutorial;
#[path = "script/way.rs"]
mod way;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attributed::app::{Options, Start};
use attributed::config::Config;
use attributed::machine;
use attributed::simulator::world::Shape;
use attributed::simulator::{self, Limits, Simulator};
use attributed::status::counts::Counts;
use attributed::updates::journal::Store;
use jiff::Timestamp;
use redb::backends::InMemoryBackend;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, sleep_until};

use tutorial::Script;
use way::Way;

const LENGTH: Duration = Duration::from_secs(600);
/// More than the 300 requests of a minute can serve.
const CONVERSATIONS_PER_SECOND: u32 = 6;
/// Between the changes of a conversation that changes more than once.
const APART: Duration = Duration::from_millis(300);
/// A request, there and back.
const LATENCY: Duration = Duration::from_millis(100);
/// Where each update ends: a key with the value of the change, and one that is always the same.
const KEYS: u64 = 2;
const RULES: &str = r#"
[[rule]]
name = "copy"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.copy" = "{{ customer.attributes[\"bench.value\"] }}"
set."cc.desk" = "service"
"#;
const BEGINS: &str = "2026-03-02T08:00:00Z";
/// The daemon asks for a few things before it writes: token, organisation, users, channel, topics.
const TO_BEGIN: u64 = 20;
/// As many as there are workers.
const UNDER_WAY: u64 = 16;

fn main() -> ExitCode {
    println!("ten minutes of a budget of 300 requests a minute");
    println!(
        "{:<34} {:>9} {:>11} {:>13} {:>15}",
        "", "requests", "right/min", "requests/key", "right/1,000 req"
    );
    let once = compare("a change for each conversation", 1, 1.9);
    let burst = compare("three changes within a second", 3, 5.0);
    if once && burst { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns whether the daemon is so many times better, and everything is as expected.
fn compare(what: &str, changes: u64, bound: f64) -> bool {
    println!("{what}");
    let script = play(changes, false);
    let daemon = play(changes, true);
    script.print("  the script");
    daemon.print("  the daemon");
    let ratio = daemon.right_of_a_thousand() / script.right_of_a_thousand();
    let verdict = if ratio >= bound { "" } else { "   MISSED" };
    println!("  {ratio:.2} times as many right for each 1,000 requests, at least {bound}{verdict}");
    let as_expected = [script.is_two_requests_each(), daemon.is_one_request_each(changes)];
    ratio >= bound && as_expected == [true, true]
}

/// What came of ten minutes.
struct Outcome {
    requests: u64,
    /// Answers to writes that said yes.
    accepted: u64,
    /// Writes whose yes was told.
    told: u64,
    /// Participants with the value of their conversation's last change.
    right: u64,
    /// With both keys, and a value that never was.
    wrong: u64,
    /// Answered 429.
    refused: u64,
}

impl Outcome {
    fn right_of_a_thousand(&self) -> f64 {
        1_000.0 * float(self.right) / float(self.requests)
    }

    fn print(&self, who: &str) {
        let minutes = LENGTH.as_secs_f64() / 60.0;
        println!(
            "{who:<34} {:>9} {:>11.1} {:>13.2} {:>15.1}",
            self.requests,
            float(self.right) / minutes,
            float(self.requests) / float(self.right * KEYS),
            self.right_of_a_thousand(),
        );
    }

    /// For the script: each update is two requests.
    fn is_two_requests_each(&self) -> bool {
        self.is(self.requests - self.refused - 1 - 2 * self.told <= 2)
    }

    /// For the daemon: each update is one, and with one change each makes one participant right.
    fn is_one_request_each(&self, changes: u64) -> bool {
        let few = self.requests - self.refused - self.accepted <= TO_BEGIN;
        self.is(few && self.refused == 0 && (changes > 1 || self.accepted == self.right))
    }

    fn is(&self, as_expected: bool) -> bool {
        // What is under way at the end was accepted, and nobody was told.
        let under_way = self.accepted.checked_sub(self.told);
        let as_expected = as_expected
            && self.wrong == 0
            && self.right > 0
            && under_way.is_some_and(|number| number <= UNDER_WAY);
        if !as_expected {
            let Outcome { requests, accepted, told, right, wrong, refused } = self;
            println!(
                "  NOT AS EXPECTED: {requests} requests, {refused} refused, {accepted} writes \
                 accepted, {told} of which it was told, {right} participants right and {wrong} wrong"
            );
        }
        as_expected
    }
}

fn play(changes: u64, daemon: bool) -> Outcome {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let base: Timestamp = BEGINS.parse().unwrap();
        let _playing = machine::play(1, base);
        let calls = Calls::new(base);
        let way = Way::new(&calls.simulator);
        let told = if daemon {
            with_daemon(&calls, changes, Arc::clone(&way)).await
        } else {
            let script = Script { way: &way, calls: &calls };
            script.run(changes).await
        };
        calls.judge(told)
    })
}

/// What happens: more and more calls, each answered by an agent.
struct Calls {
    simulator: Arc<Simulator>,
    sample: Value,
    user: String,
    /// Of each conversation the last value, by number.
    last: Mutex<Vec<String>>,
    /// Changes that nobody has dealt with, for the script.
    waiting: Mutex<VecDeque<(usize, String)>>,
}

impl Calls {
    fn new(base: Timestamp) -> Calls {
        let simulator = Simulator::new(simulator::Options {
            shape: Shape { users: 1, generate: false, other_writer: false, ..Shape::default() },
            limits: Limits { phase: Some(Duration::from_secs(60)), ..Limits::default() },
            base,
            ..simulator::Options::default()
        });
        let user = simulator.look(|world| world.users()[0].id.clone());
        let (last, waiting) = (Mutex::default(), Mutex::default());
        Calls { simulator, sample: sample(), user, last, waiting }
    }

    /// Lets calls come until the end; each changes so many times.
    async fn come(&self, changes: u64, end: Instant) {
        let mut tick = interval(Duration::from_secs(1) / CONVERSATIONS_PER_SECOND);
        let mut due: VecDeque<(Instant, usize, u64)> = VecDeque::new();
        loop {
            let next = due.front().map_or(end, |(at, ..)| *at);
            tokio::select! {
                biased;
                () = sleep_until(end) => return,
                () = sleep_until(next) => {
                    let Some((at, number, change)) = due.pop_front() else { continue };
                    self.change(number, change);
                    if change + 1 < changes {
                        due.push_back((at + APART, number, change + 1));
                    }
                }
                _ = tick.tick() => {
                    let number = self.begin();
                    if changes > 1 {
                        due.push_back((Instant::now() + APART, number, 1));
                    }
                }
            }
        }
    }

    fn begin(&self) -> usize {
        let mut last = self.last.lock().unwrap();
        let number = last.len();
        last.push(value(number, 0));
        let mut body = self.sample.clone();
        body["id"] = json!(conversation(number));
        for participant in body["participants"].as_array_mut().unwrap() {
            match participant["purpose"].as_str() {
                Some("agent") => participant["userId"] = json!(self.user),
                Some("customer") => {
                    participant["id"] = json!("customer");
                    participant["attributes"]["bench.value"] = json!(value(number, 0));
                }
                Some(_) | None => {}
            }
        }
        self.simulator.inject(body);
        self.waiting.lock().unwrap().push_back((number, value(number, 0)));
        number
    }

    fn change(&self, number: usize, change: u64) {
        let value = value(number, change);
        self.last.lock().unwrap()[number].clone_from(&value);
        let attributes = BTreeMap::from([("bench.value".to_owned(), value.clone())]);
        self.simulator.write_as_other(&conversation(number), "customer", &attributes).unwrap();
        self.waiting.lock().unwrap().push_back((number, value));
    }

    fn judge(&self, told: u64) -> Outcome {
        let (mut right, mut wrong) = (0, 0);
        for (number, last) in self.last.lock().unwrap().iter().enumerate() {
            let body = self.simulator.look(|world| world.rest_body(&conversation(number))).unwrap();
            let participants = body["participants"].as_array().unwrap();
            let customer = participants.iter().find(|found| found["id"] == "customer").unwrap();
            let attributes = &customer["attributes"];
            match attributes["cc.copy"].as_str() {
                Some(copy) if copy == last && attributes["cc.desk"] == "service" => right += 1,
                Some(copy) if !copy.starts_with(&format!("value {number} ")) => wrong += 1,
                Some(_) | None => {}
            }
        }
        let log = self.simulator.requests();
        let yes = |status| matches!(status, Some(200 | 202));
        let writes = log.iter().filter(|entry| entry.keys.iter().any(|key| key == "cc.copy"));
        let is_write = |method: &str| method == "PATCH" || method == "PUT";
        Outcome {
            requests: log.len() as u64,
            accepted: writes.filter(|e| is_write(&e.method) && yes(e.status)).count() as u64,
            told,
            right,
            wrong,
            refused: log.iter().filter(|entry| entry.status == Some(429)).count() as u64,
        }
    }
}

fn conversation(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn value(number: usize, change: u64) -> String {
    format!("value {number} {change}")
}

/// A call that an agent has answered.
fn sample() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples/events/voice-inbound-02-connected.json");
    let mut frame: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    frame["eventBody"].take()
}

/// The daemon as it is, with the settings that it comes with. Returns how many writes were accepted.
async fn with_daemon(calls: &Calls, changes: u64, way: Arc<Way>) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (intents, received) = mpsc::channel(1);
    let counts = Arc::new(Counts::default());
    let outside = Arc::clone(&way);
    let start = Start {
        config: config.clone(),
        options: Options {
            journal: Some(Box::new(|| Store::on(InMemoryBackend::new()))),
            ..Options::default()
        },
        outside,
        counts: Arc::clone(&counts),
        level: None,
        intents: received,
        reread: Box::new(move || Ok(config.clone())),
    };
    let end = Instant::now() + LENGTH;
    let running = async { start.begin().await.unwrap().run().await };
    let story = async {
        while counts.topics.get() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        calls.come(changes, end).await;
        way.told()
    };
    // At the end it is as if it was killed: what it would still write while it stops is not asked for.
    let told = tokio::select! {
        biased;
        told = story => told,
        ended = running => panic!("it ended: {ended}"),
    };
    drop(intents);
    told
}

fn config(folder: &TempDir) -> Config {
    let path = |name: &str| folder.path().join(name);
    fs::write(path("rules.toml"), RULES).unwrap();
    fs::write(path("client-secret"), "demo\n").unwrap();
    fs::set_permissions(path("client-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let text = "rules = \"rules.toml\"\n[genesys]\nlogin_url = \"http://127.0.0.1:1\"\n\
                api_url = \"http://127.0.0.1:1\"\nclient_id = \"demo\"\n\
                client_secret_file = \"client-secret\"\n[watch]\nall_users = true\n\
                [state]\ndir = \"state\"\n[monitoring]\nlisten = \"\"\ncontrol = \"control.sock\"\n";
    fs::write(path("attributed.toml"), text).unwrap();
    Config::load(Some(&path("attributed.toml")), &|_| None).unwrap().0
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}
