//! What the daemon costs while nothing happens: the real binary, watching the users of a simulator
//! in this process, 1,200 over two channels and 19,000 over the nineteen that one client has.
//!
//! Prints memory, processor time for a minute and the size of the binary beside their targets. A
//! target that is missed is reported; missed by more than a factor of two, it fails, and the memory
//! for 19,000 users fails as soon as it is missed. `IDLE_SECONDS` shortens the minute, for a first
//! look; `IDLE_USERS` is one of the two.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

mod child;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use attributed::simulator::world::Shape;
use attributed::simulator::{Limits, Options, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use child::{BINARY, Daemon};

/// Whom the daemon watches, and what that may cost.
struct Crowd {
    users: usize,
    channels: usize,
    /// Resident memory, in MiB.
    memory: f64,
    /// A promise: missed by anything, it fails.
    is_promised: bool,
    /// Processor time, in seconds for a minute.
    processor: f64,
}

/// Two channels' worth of topics, and all that one client has room for.
const CROWDS: [Crowd; 2] = [
    Crowd { users: 1_200, channels: 2, memory: 40.0, is_promised: false, processor: 0.3 },
    Crowd { users: 19_000, channels: 19, memory: 60.0, is_promised: true, processor: 0.6 },
];
/// The start is not to wait for a budget.
const SETTINGS: &str = "[updates]\nrequests_per_second = 1000\nrequests_per_minute = 60000\n\n\
                        [recovery]\nindex_lag = \"1s\"\n";
/// When nothing has been asked for so long, only the idling is left.
const SETTLE: Duration = Duration::from_secs(5);

/// The release binary with the simulator in it, in MiB.
const SIZE: f64 = 20.0;

fn main() -> ExitCode {
    let number = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let length = Duration::from_secs(number("IDLE_SECONDS").unwrap_or(60));
    let only = number("IDLE_USERS");
    let wanted = |crowd: &&Crowd| only.is_none_or(|users| users == crowd.users as u64);
    let fine: Vec<bool> =
        CROWDS.iter().filter(wanted).map(|crowd| measure(crowd, length)).collect();
    let size = line("binary, MiB", mib(fs::metadata(BINARY).unwrap().len()), SIZE);
    if fine.is_empty() || fine.contains(&false) || !size {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// False if it costs too much, or if not all are watched.
fn measure(crowd: &Crowd, length: Duration) -> bool {
    let runtime = Runtime::new().unwrap();
    let mut tasks = JoinSet::new();
    let (simulator, address) = runtime.block_on(simulate(crowd.users, &mut tasks));
    // The rules that show the whole language.
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules.example.toml");
    let folder = child::folder(address, &fs::read_to_string(rules).unwrap(), SETTINGS);
    let daemon = Daemon::start(folder.path());
    runtime.block_on(settle(&simulator));

    let (start, before) = (Instant::now(), daemon.spent());
    runtime.block_on(async { sleep(length).await });
    let since = |(thread, spent)| spent - before.get(&thread).copied().unwrap_or(0);
    let spent = Duration::from_nanos(daemon.spent().into_iter().map(since).sum());
    let a_minute = spent.as_secs_f64() * 60.0 / start.elapsed().as_secs_f64();
    let overview = simulator.overview();
    let channels = overview["channels"].as_array().unwrap();
    let connected = channels.iter().filter(|one| one["connected"] == true).count();
    let topics = usize::try_from(overview["topics"].as_u64().unwrap()).unwrap();

    println!(
        "{topics} topics on {connected} channels, {} told to systemd, {} s, {} threads",
        daemon.told("topics").unwrap_or_default(),
        length.as_secs(),
        daemon.status("Threads:")
    );
    let resident = mib(daemon.status("VmRSS:") * 1024);
    let lines = [
        line("resident memory, MiB", resident, crowd.memory),
        line("its highest, MiB", mib(daemon.status("VmHWM:") * 1024), crowd.memory),
        line("processor, s a minute", a_minute, crowd.processor),
    ];
    let kept = !crowd.is_promised || resident < crowd.memory;
    !lines.contains(&false) && kept && (topics, connected) == (crowd.users, crowd.channels)
}

/// Waits until the start is over: names, topics, and what was asked for at the beginning.
async fn settle(simulator: &Simulator) {
    let (mut asked, mut since) = (0, Instant::now());
    while since.elapsed() < SETTLE {
        sleep(Duration::from_millis(200)).await;
        let now = simulator.overview()["requests"].as_u64().unwrap();
        if now != asked {
            (asked, since) = (now, Instant::now());
        }
    }
}

/// False if and only if the target is missed by far.
fn line(what: &str, value: f64, target: f64) -> bool {
    let verdict = if value < target { "" } else { "  MISSED" };
    println!("{what:<22} {value:>8.3}   target < {target}{verdict}");
    value <= 2.0 * target
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A Genesys Cloud in which nobody calls.
async fn simulate(users: usize, tasks: &mut JoinSet<()>) -> (Arc<Simulator>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shape = Shape { users, generate: false, other_writer: false, ..Shape::default() };
    // A budget that is not waited for: what is measured is what comes after the start.
    let limits = Limits { requests: 60_000, ..Limits::default() };
    let simulator = Simulator::new(Options { shape, limits, ..Options::default() });
    tasks.spawn(Arc::clone(&simulator).serve(listener, CancellationToken::new()));
    (simulator, address)
}
