//! What the daemon holds in memory: for each 1,000 watched users, each 1,000 conversations alive, each
//! 1,000 participants with something pending, and whether a week makes it more.
//!
//! Users and conversations are measured in the real binary, by the difference between few and many.
//! What is pending is measured in the updates alone, with their journal in a directory, and nobody
//! gives leave to push: of the snapshots, of which there may be 50,000, the line before tells. The
//! week passes in virtual time: conversations come, change and end all the time, and every day the
//! memory is looked at. These two run in processes of their own.
//!
//! Fails if anything was not accepted that should be, or if a target is missed.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![expect(clippy::disallowed_methods, reason = "its threads wait for another process or thread")]

#[path = "daemon/mod.rs"]
mod daemon;
#[path = "other_end/mod.rs"]
mod other_end;
#[path = "memory/pending.rs"]
mod pending;
#[path = "spent/mod.rs"]
mod spent;
#[path = "memory/week.rs"]
mod week;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use other_end::frames::{CONNECTED, Frames};
use other_end::{OtherEnd, PATIENCE};
use spent::spent;
use tokio::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_attributed");
/// Of the whole process with 100,000 participants pending, in MiB.
const PENDING: f64 = 150.0;
/// From the second day of a week to its end, in MiB: what an allocator may do with the same content.
const GROWTH: f64 = 1.0;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("pending") => return pending::measure(PENDING),
        Some("week") => return week::measure(GROWTH),
        _ => {}
    }
    println!("resident memory, in MiB");
    let [few, many] = [1_000, 11_000].map(users);
    println!("{few:>8.1}  with 1,000 users watched, idle");
    println!("{:>8.2}  for each further 1,000 users", (many - few) / 10.0);
    println!("{:>8.2}  for each 1,000 conversations alive", conversations() / 20.0);
    let as_expected = ["pending", "week"].map(|part| {
        let part = Command::new(std::env::current_exe().unwrap()).arg(part).status();
        part.unwrap().success()
    });
    if as_expected.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn users(number: u64) -> f64 {
    let other = OtherEnd::start(number);
    Daemon::start(&other, number).resident()
}

/// What 20,000 conversations more come to, of which no rule wants anything.
fn conversations() -> f64 {
    let users = 50;
    let other = OtherEnd::start(users);
    let before = other.tally.now();
    let daemon = Daemon::start(&other, users);
    let (mut socket, frames) = (other.socket(), Frames::new(CONNECTED, 25_000, users));
    frames.write(0..5_000, &mut socket).unwrap();
    let few = daemon.resident();
    frames.write(5_000..25_000, &mut socket).unwrap();
    let many = daemon.resident();
    assert_eq!(other.tally.now().since(before).writes, 0, "nothing is to be written");
    many - few
}

/// The process; killed when dropped.
struct Daemon {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Daemon {
    /// Returns when every topic is subscribed to.
    fn start(other: &OtherEnd, users: u64) -> Daemon {
        let folder = daemon::folder(other.address, "", "");
        let secret = folder.path().join("client-secret");
        fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(folder.path().join("rules.toml"), nothing_holds()).unwrap();
        let child = Command::new(BINARY)
            .args(["run", "--config"])
            .arg(folder.path().join("attributed.toml"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while other.tally.now().topics < users {
            assert!(start.elapsed() < PATIENCE, "it never was ready");
            thread::sleep(Duration::from_millis(10));
        }
        Daemon { child, _folder: folder }
    }

    /// In MiB, once it does nothing any more.
    fn resident(&self) -> f64 {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let spent = || spent(&self.child.id().to_string(), None);
        let mut before = spent();
        loop {
            thread::sleep(Duration::from_secs(1));
            let now = spent();
            // A hundredth of a processor is its rest.
            if now.abs_diff(before) < Duration::from_millis(10) {
                return resident(&process);
            }
            before = now;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Of a process, in MiB.
fn resident(process: &Path) -> f64 {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// The rules without the one that holds.
fn nothing_holds() -> String {
    let rules = daemon::rules();
    let at = rules.find("[[rule]]\nname = \"copy\"").unwrap();
    rules[..at].to_owned()
}
