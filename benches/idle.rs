//! What the daemon costs while nothing happens: the real binary, watching 1,200 users of a
//! simulator in this process, over two channels.
//!
//! Prints memory, processor time for a minute and the size of the binary beside their targets. A
//! target that is missed is reported; missed by more than a factor of two, it fails. `IDLE_SECONDS`
//! shortens the minute, for a first look.

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
use attributed::simulator::{Options, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use child::{BINARY, Daemon};

/// Two channels' worth of topics.
const USERS: usize = 1_200;
/// From readiness to where only the idling is left.
const SETTLE: Duration = Duration::from_secs(3);

/// Resident memory, in MiB.
const MEMORY: f64 = 40.0;
/// Processor time, in seconds for a minute.
const PROCESSOR: f64 = 0.3;
/// The release binary with the simulator in it, in MiB.
const SIZE: f64 = 20.0;

fn main() -> ExitCode {
    let seconds = std::env::var("IDLE_SECONDS").ok().and_then(|text| text.parse().ok());
    let length = Duration::from_secs(seconds.unwrap_or(60));
    let runtime = Runtime::new().unwrap();
    let mut simulator = JoinSet::new();
    let address = runtime.block_on(simulate(&mut simulator));
    // The rules that show the whole language.
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules.example.toml");
    let folder = child::folder(address, &fs::read_to_string(rules).unwrap(), "");
    let daemon = Daemon::start(folder.path());
    runtime.block_on(async { sleep(SETTLE).await });

    let (start, before) = (Instant::now(), daemon.spent());
    runtime.block_on(async { sleep(length).await });
    let since = |(thread, spent)| spent - before.get(&thread).copied().unwrap_or(0);
    let spent = Duration::from_nanos(daemon.spent().into_iter().map(since).sum());
    let a_minute = spent.as_secs_f64() * 60.0 / start.elapsed().as_secs_f64();
    let size = fs::metadata(BINARY).unwrap().len();

    println!(
        "{USERS} users watched by {} topics, {} s, {} threads",
        daemon.told("topics").unwrap_or_default(),
        length.as_secs(),
        daemon.status("Threads:")
    );
    let lines = [
        line("resident memory, MiB", mib(daemon.status("VmRSS:") * 1024), MEMORY),
        line("its highest, MiB", mib(daemon.status("VmHWM:") * 1024), MEMORY),
        line("processor, s a minute", a_minute, PROCESSOR),
        line("binary, MiB", mib(size), SIZE),
    ];
    if lines.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
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
async fn simulate(tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shape = Shape { users: USERS, generate: false, ..Shape::default() };
    let simulator = Simulator::new(Options { shape, ..Options::default() });
    tasks.spawn(Arc::clone(&simulator).serve(listener, CancellationToken::new()));
    address
}
