//! What the daemon costs while nothing happens: the real binary, watching the users of a simulator
//! in this process, 1,200 over two channels and 19,000 over the nineteen that one client has.
//!
//! Prints memory, processor time for a minute and the size of the binary beside their targets. A
//! target that is missed is reported; missed by more than a factor of two, it fails, and the memory
//! for 19,000 users fails as soon as it is missed. `IDLE_SECONDS` shortens the minute, for a first
//! look; `IDLE_USERS` is one of the two.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use attributed::simulator::world::Shape;
use attributed::simulator::{Limits, Options, Simulator};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

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
const BINARY: &str = env!("CARGO_BIN_EXE_attributed");
/// Nothing that is waited for takes so long on a machine that works at all.
const PATIENCE: Duration = Duration::from_secs(60);
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
    let folder = folder(address);
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
        "{topics} topics on {connected} channels, {} s, {} threads",
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

/// As an operator would have it, with the rules that show the whole language.
fn folder(simulator: SocketAddr) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules.example.toml");
    fs::copy(rules, path("rules.toml")).unwrap();
    fs::write(path("client-secret"), "demo\n").unwrap();
    fs::set_permissions(path("client-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = format!(
        "rules = \"rules.toml\"\n\n[genesys]\nregion = \"mypurecloud.de\"\n\
         login_url = \"http://{simulator}\"\napi_url = \"http://{simulator}\"\n\
         client_id = \"demo\"\nclient_secret_file = \"client-secret\"\n\n\
         [watch]\nall_users = true\n\n\
         [updates]\nrequests_per_second = 1000\nrequests_per_minute = 60000\n\n\
         [recovery]\nindex_lag = \"1s\"\n\n[state]\ndir = \"state\"\n\n\
         [monitoring]\nlisten = \"\"\ncontrol = \"control.sock\"\n\n[log]\nformat = \"json\"\n"
    );
    fs::write(path("attributed.toml"), configuration).unwrap();
    folder
}

/// The process; killed when dropped.
struct Daemon {
    child: Child,
}

impl Daemon {
    /// Returns when systemd would have heard that it is ready.
    fn start(folder: &Path) -> Daemon {
        let socket = folder.join("notify.sock");
        let notify = UnixDatagram::bind(&socket).unwrap();
        notify.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Command::new(BINARY)
            .args(["run", "--config"])
            .arg(folder.join("attributed.toml"))
            .env("NOTIFY_SOCKET", &socket)
            .env_remove("JOURNAL_STREAM")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Daemon { child };
        let mut told = [0; 4096];
        loop {
            let length = notify.recv(&mut told).expect("it never was ready");
            if String::from_utf8_lossy(&told[..length]).lines().any(|line| line == "READY=1") {
                break;
            }
        }
        // As systemd does, hear everything: who tells would wait for that.
        std::thread::spawn(move || while notify.recv(&mut told).is_ok() {});
        daemon
    }

    fn proc(&self, name: &str) -> String {
        let path = PathBuf::from(format!("/proc/{}/{name}", self.child.id()));
        fs::read_to_string(path).expect("the daemon runs")
    }

    /// A number of `/proc/PID/status`; sizes are in KiB.
    fn status(&self, key: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// What each thread has spent, in nanoseconds: the first number of its `schedstat`.
    fn spent(&self) -> BTreeMap<OsString, u64> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let spent = tasks.map(|task| {
            let task = task.unwrap();
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap();
            (task.file_name(), text.split_whitespace().next().unwrap().parse().unwrap())
        });
        spent.collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
