//! From an event to the accepted request, end to end: the daemon as it is, over real sockets,
//! against the simulator in this process (on a runtime of its own), with the limits lifted.
//!
//! Conversations are put into the simulator's world at a steady rate, each with a value of its own,
//! which a rule copies to another attribute. Measured is from there to the answer that accepts the
//! write, and the daemon's own part of it, from reading the frame on (in steps of a tenth). Beside
//! it stands the floor: the same request by itself, over the same kind of connection, one after the
//! other. The floor of each rate is measured right before it, because machines are shared.
//!
//! Fails if there are more or fewer accepted requests than conversations, or an attribute is not as
//! the simulator's oracle says.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attributed::app::{Options, Start};
use attributed::config::{Config, Network};
use attributed::genesys::http::Internet;
use attributed::genesys::outside::{ByteStream, ChannelUri, Outside, SendError};
use attributed::signals::Intent;
use attributed::simulator::world::{Shape, World};
use attributed::simulator::{self, Simulator};
use attributed::status::counts::Counts;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

const USERS: usize = 50;
/// For so long conversations come in at one rate.
const SECONDS: u32 = 10;
/// Requests of which the floor is made.
const FLOOR: usize = 1_000;
/// More than any rate here needs.
const LIFTED: NonZeroU32 = NonZeroU32::new(100_000_000).unwrap();
/// As many as the configuration allows.
const WORKERS: usize = 256;
/// Nothing that is waited for takes so long on a machine that works at all.
const PATIENCE: Duration = Duration::from_secs(60);

const RULES: &str = r#"
[[rule]]
name = "copy"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.copy" = "{{ customer.attributes[\"bench.value\"] }}"
"#;

/// How fast conversations come, and how long updates to one participant are gathered.
struct Load {
    name: &'static str,
    per_second: u32,
    merge_window: Duration,
}

const LOADS: [Load; 4] = [
    Load { name: "100/s", per_second: 100, merge_window: Duration::ZERO },
    Load { name: "1,000/s", per_second: 1_000, merge_window: Duration::ZERO },
    Load {
        name: "100/s, gathered 50 ms",
        per_second: 100,
        merge_window: Duration::from_millis(50),
    },
    Load {
        name: "1,000/s, gathered 50 ms",
        per_second: 1_000,
        merge_window: Duration::from_millis(50),
    },
];

fn main() -> ExitCode {
    println!("from an event to its accepted request, ms, over {SECONDS} s each");
    println!(
        "{:<24} {:>7} {:>7}  {:>7} {:>7}  {:>6} {:>6}  {:>6} {:>6}",
        "conversations", "p50", "p99", "in", "daemon", "floor", "", "ratio", ""
    );
    let as_expected = LOADS.map(|load| Bench::new(&load).run(&load));
    if as_expected.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Clouds and a daemon, new for each load.
struct Bench {
    /// Where the clouds are served.
    outside: Runtime,
    cloud: Cloud,
    /// For the floor, whose writes no rule asks for.
    bare: Cloud,
    folder: TempDir,
}

struct Cloud {
    simulator: Arc<Simulator>,
    address: SocketAddr,
    users: Vec<String>,
    served: JoinSet<()>,
}

impl Cloud {
    fn new(outside: &Runtime) -> Cloud {
        let options = simulator::Options {
            shape: Shape { users: USERS, generate: false, other_writer: false, ..Shape::default() },
            limits: simulator::Limits {
                requests: LIFTED.get().into(),
                frame_delay: Duration::ZERO,
                ..simulator::Limits::default()
            },
            ..simulator::Options::default()
        };
        let world = World::new(options.seed, &options.shape, options.base);
        let users = world.users().iter().map(|user| user.id.clone()).collect();
        let simulator = Simulator::new(options);
        let listener = outside.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let mut served = JoinSet::new();
        let serve = Arc::clone(&simulator).serve(listener, CancellationToken::new());
        served.spawn_on(serve, outside.handle());
        Cloud { simulator, address, users, served }
    }

    /// The sample call, answered by one of the users, with a value of its own.
    fn body(&self, sample: &Value, at: usize) -> Value {
        let mut body = sample.clone();
        body["id"] = json!(format!("00000000-0000-4000-8000-{at:012}"));
        let user = &self.users[at % self.users.len()];
        for participant in body["participants"].as_array_mut().unwrap() {
            match participant["purpose"].as_str() {
                Some("agent") => participant["userId"] = json!(user),
                Some("customer") => {
                    participant["attributes"]["bench.value"] = json!(format!("value {at}"));
                }
                Some(_) | None => {}
            }
        }
        body
    }

    /// One request after the other, over one connection.
    async fn floor(&self, internet: &Internet, sample: &Value) -> Times {
        let body = self.body(sample, 0);
        let uri = format!(
            "http://{}/api/v2/conversations/{}/participants/{}/attributes",
            self.address,
            body["id"].as_str().unwrap(),
            body["participants"][0]["id"].as_str().unwrap()
        );
        self.simulator.inject(body);
        let token = self.token(internet).await;
        let mut times = Vec::new();
        for at in 0..FLOOR {
            let body = json!({ "attributes": { "cc.copy": at.to_string() } }).to_string();
            let request = Request::patch(&uri)
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .header(header::CONTENT_TYPE, "application/json")
                .body(Bytes::from(body))
                .unwrap();
            let start = Instant::now();
            let answer = internet.send(request, PATIENCE).await.unwrap();
            times.push(start.elapsed());
            assert_eq!(answer.status(), 202);
        }
        Times::new(times)
    }

    async fn token(&self, internet: &Internet) -> String {
        let request = Request::post(format!("http://{}/oauth/token", self.address))
            // demo:demo
            .header(header::AUTHORIZATION, "Basic ZGVtbzpkZW1v")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"))
            .unwrap();
        let answer = internet.send(request, PATIENCE).await.unwrap();
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

impl Bench {
    fn new(load: &Load) -> Bench {
        let outside = runtime();
        let (cloud, bare) = (Cloud::new(&outside), Cloud::new(&outside));
        cloud.simulator.rules(RULES).unwrap();
        let folder = folder(cloud.address, load.merge_window);
        Bench { outside, cloud, bare, folder }
    }

    /// Returns whether everything was written that should be, and nothing else.
    fn run(mut self, load: &Load) -> bool {
        let (inside, sample) = (runtime(), sample());
        let watched = Arc::new(Watched::new());
        let floor = inside.block_on(self.bare.floor(&watched.internet, &sample));
        let count = SECONDS as usize * load.per_second as usize;
        let bodies: Vec<Value> = (0..count).map(|at| self.cloud.body(&sample, at)).collect();

        let (intents, told) = mpsc::channel(1);
        let start = self.start(Arc::clone(&watched), told);
        let counts = Arc::clone(&start.counts);
        let mut daemon = JoinSet::new();
        let run = async move { start.begin().await.unwrap().run().await };
        daemon.spawn_on(run, inside.handle());
        let subscribed = inside.block_on(until(|| counts.topics.get() == USERS as u64));
        assert!(subscribed, "{} topics after {PATIENCE:?}", counts.topics.get());

        let simulator = Arc::clone(&self.cloud.simulator);
        let injected = self.outside.block_on(inject(&simulator, bodies, load.per_second));
        let took = (injected[count - 1].1 - injected[0].1).as_secs_f64();
        assert!(took < f64::from(SECONDS) * 1.1, "too busy a machine: {took:.1} s");
        // Each event, and its echo.
        let frames = 2 * count as u64;
        inside.block_on(until(|| watched.accepted() >= count && counts.frames.get() >= frames));
        // What should not come has time to come, too.
        inside.block_on(async { sleep(Duration::from_millis(500)).await });
        intents.try_send(Intent::Stop).unwrap();
        let ended = inside.block_on(daemon.join_next()).unwrap().unwrap();
        self.cloud.served.abort_all();
        self.bare.served.abort_all();

        let verdict = simulator.verdict();
        let as_expected = watched.accepted() == count
            && verdict.is_right()
            && verdict.concerned == count
            && verdict.redundant_writes == 0
            && counts.frames.get() == frames;
        if !as_expected {
            let (accepted, got) = (watched.accepted(), counts.frames.get());
            println!(
                "{accepted} of {count} requests, {got} of {frames} frames; {ended}; {verdict:?}"
            );
        }
        let times = Times::new(watched.after(&injected));
        print(load.name, &times, &floor, &counts);
        as_expected
    }

    fn start(&self, outside: Arc<Watched>, intents: mpsc::Receiver<Intent>) -> Start {
        let file = self.folder.path().join("attributed.toml");
        let (mut config, ..) = Config::load(Some(&file), &|_| None).unwrap();
        config.updates.requests_per_second = LIFTED;
        config.updates.requests_per_minute = LIFTED;
        config.updates.workers = WORKERS;
        let again = config.clone();
        Start {
            config,
            options: Options::default(),
            outside,
            counts: Arc::new(Counts::default()),
            level: None,
            intents,
            reread: Box::new(move || Ok(again.clone())),
        }
    }
}

/// Puts a conversation into the world at each tick; says when each came.
async fn inject(
    simulator: &Simulator,
    bodies: Vec<Value>,
    per_second: u32,
) -> Vec<(String, Instant)> {
    let mut tick = interval(Duration::from_secs(1) / per_second);
    let mut injected = Vec::with_capacity(bodies.len());
    for body in bodies {
        tick.tick().await;
        let id = body["id"].as_str().unwrap().to_owned();
        injected.push((id, Instant::now()));
        simulator.inject(body);
    }
    injected
}

/// Returns false if it never is.
async fn until(it_is: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !it_is() && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(5)).await;
    }
    it_is()
}

/// The internet, with a note of when each conversation's write was accepted.
struct Watched {
    internet: Internet,
    accepted: Mutex<HashMap<String, Vec<Instant>>>,
}

impl Watched {
    fn new() -> Watched {
        let internet = Internet::new(&Network::default()).unwrap();
        Watched { internet, accepted: Mutex::default() }
    }

    /// How many writes were accepted.
    fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().values().map(Vec::len).sum()
    }

    fn after(&self, injected: &[(String, Instant)]) -> Vec<Duration> {
        let accepted = self.accepted.lock().unwrap();
        let first = |id: &String| accepted.get(id).and_then(|times| times.first());
        injected.iter().filter_map(|(id, at)| Some(*first(id)? - *at)).collect()
    }
}

impl Outside for Watched {
    fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let answer = self.internet.send(request, timeout).await?;
            if answer.status() == 202 && path.ends_with("/attributes") {
                let now = Instant::now();
                let id = path.split('/').nth(4).unwrap_or_default().to_owned();
                self.accepted.lock().unwrap().entry(id).or_default().push(now);
            }
            Ok(answer)
        })
    }

    fn connect<'a>(
        &'a self,
        uri: &'a ChannelUri,
    ) -> BoxFuture<'a, Result<Box<dyn ByteStream>, SendError>> {
        self.internet.connect(uri)
    }
}

/// In ascending order.
struct Times(Vec<Duration>);

impl Times {
    fn new(mut times: Vec<Duration>) -> Times {
        times.sort();
        Times(times)
    }

    /// Milliseconds that so many in a hundred stayed below.
    fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

fn print(name: &str, times: &Times, floor: &Times, counts: &Counts) {
    let [p50, p99] = [50, 99].map(|percent| times.percentile(percent));
    let [floor50, floor99] = [50, 99].map(|percent| floor.percentile(percent));
    let inside = |share| counts.latency(share).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    println!(
        "{name:<24} {p50:>7.2} {p99:>7.2}  {:>7.1} {:>7.1}  {floor50:>6.2} {floor99:>6.2}  {:>6.1} {:>6.1}",
        inside(0.5),
        inside(0.99),
        p50 / floor50,
        p99 / floor99,
    );
}

/// As the program's own: everything waits on sockets and timers.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A call that an agent has answered, some 6 KB.
fn sample() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples/events/voice-inbound-02-connected.json");
    let mut frame: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    frame["eventBody"].take()
}

fn folder(simulator: SocketAddr, merge_window: Duration) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("rules.toml", RULES);
    write("client-secret", "demo\n");
    write(
        "attributed.toml",
        &format!(
            "rules = \"rules.toml\"\n\n[genesys]\nregion = \"mypurecloud.de\"\n\
             login_url = \"http://{simulator}\"\napi_url = \"http://{simulator}\"\n\
             client_id = \"demo\"\nclient_secret_file = \"client-secret\"\n\n\
             [watch]\nall_users = true\n\n\
             [updates]\nmerge_window = \"{}ms\"\n\n\
             [state]\ndir = \"state\"\n\n[monitoring]\nlisten = \"\"\ncontrol = \"control.sock\"\n",
            merge_window.as_millis()
        ),
    );
    folder
}
