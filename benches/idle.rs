//! What the daemon costs while nothing happens: the real binary, watching 1,200 users of a
//! simulator in this process, over two channels.
//!
//! Prints memory, processor time for a minute and the size of the binary beside their targets. A
//! target that is missed is reported; missed by more than a factor of two, it fails. `IDLE_SECONDS`
//! shortens the minute, for a first look.

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
use attributed::simulator::{Options, Simulator};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Two channels' worth of topics.
const USERS: usize = 1_200;
const BINARY: &str = env!("CARGO_BIN_EXE_attributed");
/// Nothing that is waited for takes so long on a machine that works at all.
const PATIENCE: Duration = Duration::from_secs(60);
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
    let folder = folder(address);
    let daemon = Daemon::start(folder.path());
    runtime.block_on(async { sleep(SETTLE).await });

    let (start, before) = (Instant::now(), daemon.spent());
    runtime.block_on(async { sleep(length).await });
    let since = |(thread, spent)| spent - before.get(&thread).copied().unwrap_or(0);
    let spent = Duration::from_nanos(daemon.spent().into_iter().map(since).sum());
    let a_minute = spent.as_secs_f64() * 60.0 / start.elapsed().as_secs_f64();
    let size = fs::metadata(BINARY).unwrap().len();

    println!(
        "{USERS} users watched, {} s, {} threads",
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
         [watch]\nall_users = true\n\n[state]\ndir = \"state\"\n\n\
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
