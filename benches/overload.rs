//! More than can be written: ten thousand frames a second for a minute while the API is frozen for
//! ten, until 100,000 participants wait: the customers and the agents of 50,000 calls with four
//! parties each. The real binary, against a simulator in this process.
//!
//! Prints what it costs in memory, whether the socket was read all the time, and how much of the
//! budget is used when the API is back. Fails if the memory is beyond its bound, the socket was cut
//! off, an older value was written than the newest, or the budget stays unused.
//! `OVERLOAD_TARGETS=1` has 100,000 calls, with one participant of each that waits.
//! `OVERLOAD_SECONDS` and `OVERLOAD_FROZEN_SECONDS` shorten it, for a first look; fewer frames a
//! second (`OVERLOAD_PER_SECOND`) are for a machine that is busy, or a build that is not optimised.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

mod child;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use attributed::simulator::world::{Shape, World};
use attributed::simulator::{Limits, Options, Scripted, Simulator, Toss};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use child::{Daemon, PATIENCE};

const WAITING: usize = 100_000;
const PER_SECOND: u64 = 10_000;
const TICKS_A_SECOND: u64 = 100;
const USERS: usize = 50;
/// Requests in a minute, once there are answers.
const BUDGET: u32 = 6_000;
/// What of it has to be used.
const USED: f64 = 0.9;
/// Resident memory, in MiB, while so many wait …
const MEMORY: u64 = 150;
/// … and at its highest, which is while they come: frames that wait to be looked at, and tables that
/// are moved as they grow, are there for a moment.
const HIGHEST: u64 = 160;

/// One for each participant of a call that waits. Alone, a rule may not have all the room there is.
const RULES: [&str; 2] = [
    r#"
[[rule]]
name = "copy"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.copy" = "{{ customer.attributes[\"bench.round\"] }}"
"#,
    r#"
[[rule]]
name = "copy-for-agent"
match.participant.purpose = "agent"
match.participant.state = "connected"
target = "participant"
set."cc.copy" = "{{ customer.attributes[\"bench.round\"] }}"
"#,
];
/// So that there is room for all that shall wait, and for others still.
const ROOM: usize = WAITING / 8 * 9;

fn main() -> ExitCode {
    let flood = number("OVERLOAD_SECONDS", 60);
    let frozen = Duration::from_secs(number("OVERLOAD_FROZEN_SECONDS", 600));
    let targets = usize::try_from(number("OVERLOAD_TARGETS", 2)).unwrap();
    let calls = WAITING / targets;
    let runtime = Runtime::new().unwrap();
    let mut served = JoinSet::new();
    let cloud = runtime.block_on(Cloud::start(&mut served));
    let budget = format!(
        "\n[updates]\nrequests_per_second = {}\nrequests_per_minute = {BUDGET}\nmax_pending = {ROOM}\n",
        BUDGET / 60
    );
    let folder = child::folder(cloud.address, &RULES[..targets].concat(), &budget);
    let daemon = Daemon::start(folder.path());
    runtime.block_on(async { sleep(Duration::from_secs(3)).await });

    cloud.answer_all(504, "* /api", Duration::from_secs(60));
    let (start, before) = (Instant::now(), daemon.spent());
    let rate = number("OVERLOAD_PER_SECOND", PER_SECOND);
    let frames = runtime.block_on(cloud.flood(flood, rate, calls));
    let took = start.elapsed();
    runtime.block_on(until(2 * PATIENCE, || daemon.told("waiting") >= Some(WAITING as u64)));
    let spent: u64 = daemon.spent().values().sum::<u64>() - before.values().sum::<u64>();
    let waiting = daemon.told("waiting").unwrap_or_default();
    println!(
        "{frames} frames of {calls} calls in {:.0} s, {:.0} s of processor time, {waiting} participants wait",
        took.as_secs_f64(),
        Duration::from_nanos(spent).as_secs_f64()
    );
    let read = || cloud.simulator.frames_sent().0 >= frames as u64;
    let read = runtime.block_on(until(PATIENCE, read));
    println!("the socket was {}", if read { "read all the time" } else { "cut off  MISSED" });
    runtime.block_on(async { sleep(frozen.saturating_sub(start.elapsed())).await });
    let lines = [
        memory("resident memory, MiB", daemon.status("VmRSS:"), MEMORY),
        memory("its highest, MiB", daemon.status("VmHWM:"), HIGHEST),
    ];

    let newest = frames.div_ceil(calls) - 1;
    let used = runtime.block_on(cloud.thaw(newest));
    let enough = used.is_some_and(|used| used >= USED);
    println!(
        "of the budget, used      {:>8.3}   target > {USED}{}",
        used.unwrap_or_default(),
        if enough { "" } else { "  MISSED" }
    );
    let fine = !lines.contains(&false) && read && enough && waiting == WAITING as u64;
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// False if the target is missed.
fn memory(what: &str, kib: u64, most: u64) -> bool {
    let mib = kib / 1024;
    let verdict = if mib < most { "" } else { "  MISSED" };
    println!("{what:<24} {mib:>8}   target < {most}{verdict}");
    mib < most
}

/// Returns false if it never is.
async fn until(patience: Duration, it_is: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !it_is() && start.elapsed() < patience {
        sleep(Duration::from_millis(50)).await;
    }
    it_is()
}

struct Cloud {
    simulator: Arc<Simulator>,
    address: SocketAddr,
    users: Vec<String>,
    frame: Frame,
}

/// A frame in pieces, between which the number of its conversation stands, its user and its round.
struct Frame(Vec<Piece>);

enum Piece {
    Text(String),
    Number,
    User,
    Round,
}

impl Cloud {
    async fn start(served: &mut JoinSet<()>) -> Cloud {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shape =
            Shape { users: USERS, generate: false, other_writer: false, ..Shape::default() };
        let limits = Limits { requests: BUDGET.into(), ..Limits::default() };
        let options = Options { shape, limits, ..Options::default() };
        let world = World::new(options.seed, &options.shape, options.base);
        let users = world.users().iter().map(|user| user.id.clone()).collect();
        let simulator = Simulator::new(options);
        served.spawn(Arc::clone(&simulator).serve(listener, CancellationToken::new()));
        Cloud { simulator, address, users, frame: Frame::sample() }
    }

    fn answer_all(&self, status: u16, operation: &str, after: Duration) {
        let scripted = Scripted {
            operation: operation.to_owned(),
            status: Some(status),
            delay_ms: u64::try_from(after.as_millis()).unwrap(),
            times: u32::MAX,
            ..Scripted::default()
        };
        assert!(self.simulator.script([scripted]));
    }

    /// Frames of so many calls in turn. Returns how many that were.
    async fn flood(&self, seconds: u64, a_second: u64, calls: usize) -> usize {
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(TICKS_A_SECOND).unwrap());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let frames = usize::try_from(seconds * a_second).unwrap();
        let a_tick = usize::try_from((a_second / TICKS_A_SECOND).max(1)).unwrap();
        for at in 0..frames {
            if at % a_tick == 0 {
                ticks.tick().await;
            }
            let (round, number) = (at / calls, at % calls);
            let user = &self.users[number % self.users.len()];
            let text = Some(self.frame.text(number, user, round));
            let topics = vec![format!("v2.users.{user}.conversations")];
            self.simulator.toss(&Toss { text, topics, ..Toss::default() });
        }
        frames
    }

    /// Answers again, for a minute; returns how much of the budget was used, if every value that was
    /// written is of its newest round.
    async fn thaw(&self, newest: usize) -> Option<f64> {
        let from = self.simulator.requests().len();
        self.simulator.clear_script();
        self.simulator.record_bodies(true);
        // These conversations are nowhere but in the frames.
        self.answer_all(202, "PATCH /attributes", Duration::ZERO);
        let accepted = || {
            let requests = self.simulator.requests();
            let writes = requests.into_iter().skip(from).filter(|one| one.status == Some(202));
            writes.collect::<Vec<_>>()
        };
        until(2 * PATIENCE, || !accepted().is_empty()).await;
        sleep(Duration::from_secs(60)).await;
        let writes = accepted();
        let value = json!(format!("round {newest}"));
        let older = writes.iter().filter(|write| {
            write.request.as_ref().is_none_or(|body| body["attributes"]["cc.copy"] != value)
        });
        let older = older.count();
        println!(
            "{} values written in a minute, {older} of them older than the newest",
            writes.len()
        );
        let used = f64::from(u32::try_from(writes.len()).unwrap()) / f64::from(BUDGET);
        (older == 0).then_some(used)
    }
}

impl Frame {
    /// A call that an agent has answered, some 6 KB; all its ids end with its number.
    fn sample() -> Frame {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/samples/events/voice-inbound-02-connected.json");
        let mut frame: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let topic = frame["topicName"].as_str().unwrap();
        let user = topic.split('.').nth(2).unwrap().to_owned();
        let body = &mut frame["eventBody"];
        let mut ids = vec![body["id"].as_str().unwrap().to_owned()];
        for party in body["participants"].as_array_mut().unwrap() {
            ids.push(party["id"].as_str().unwrap().to_owned());
            match party["purpose"].as_str() {
                Some("agent") => party["userId"] = json!("{user}"),
                Some("customer") => party["attributes"]["bench.round"] = json!("{round}"),
                Some(_) | None => {}
            }
        }
        let mut text = frame.to_string().replace(&user, "{user}");
        for id in ids {
            text = text.replace(&id, &format!("{}{{number}}", &id[..24]));
        }
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        let next = |rest: &str| {
            let marks = ["{number}", "{user}", "{round}"].into_iter();
            marks.filter_map(|mark| Some((rest.find(mark)?, mark))).min()
        };
        while let Some((at, mark)) = next(rest) {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            pieces.push(match mark {
                "{number}" => Piece::Number,
                "{user}" => Piece::User,
                _ => Piece::Round,
            });
            rest = &rest[at + mark.len()..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Frame(pieces)
    }

    fn text(&self, number: usize, user: &str, round: usize) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Number => format!("{number:012}"),
            Piece::User => user.to_owned(),
            Piece::Round => format!("round {round}"),
        });
        pieces.collect()
    }
}
