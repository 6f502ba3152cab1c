//! Processes that are kept from their work: stopped for a while, or with a disk that takes nothing,
//! or takes it slowly.

use std::fs;
use std::process::Command;
use std::time::Duration;

use attributed::simulator::{Scripted, Treatment};

use super::autopsy::Journal;
use crate::daemon::Daemon;
use crate::restart::{NOT_HELD, silent_world};
use crate::world_at::{ANSWERED, WorldAt};

const WAITING: usize = 12;

#[test]
fn a_moment_without_a_processor_is_a_gap() {
    let quick = "[channels]\nping_after = \"300ms\"\ndead_after = \"900ms\"\n";
    paused(Duration::from_secs(3), quick);
}

#[test]
#[ignore = "takes more than a minute"]
fn a_minute_without_a_processor_is_a_gap() {
    paused(Duration::from_secs(60), "");
}

/// While the process is stopped its socket dies without a word, and a call begins that only lasts
/// on: no frame will ever tell of it.
fn paused(so_long: Duration, channels: &str) {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, &format!("{channels}[recovery]\nindex_lag = \"6s\"\n"));
    let daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_log("gap looked into");
    let from = daemon.logged();
    daemon.signal("STOP");
    assert_eq!(world.simulator.treat(Treatment::HalfOpen, None), 1);
    world.call("c1", 0);
    std::thread::park_timeout(so_long);
    daemon.signal("CONT");
    daemon.wait_log_from(from, "events may have been missed");
    world.wait_written(&daemon, "c1");
    daemon.wait_line_from(from, "a gap that is as long", |line| {
        line["message"] == "gap looked into"
            && line["seconds"].as_u64().is_some_and(|seconds| seconds >= so_long.as_secs())
    });
    assert_eq!(world.writes("c1").len(), 1);
}

#[test]
fn a_full_disk_is_said_and_what_waited_outlives_it() {
    let world = silent_world();
    let setup = world.setup(NOT_HELD, "");
    // A limit on the size of files is a disk that is full for one process; it comes with a signal
    // that is to be no more than an error.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_attributed")]);
    let mut daemon = Daemon::start_by(shell, &setup, &[]);
    daemon.wait_ready();
    limit_files(&daemon, "4096");
    world.call("c-live", 0);
    world.wait_written(&daemon, "c-live");
    daemon.wait_status("journal SUSPENDED");
    let line = daemon.wait_log("the journal cannot be written");
    assert_eq!(line["level"], "ERROR");

    let operation = "PATCH /attributes".to_owned();
    let down = Scripted { operation, status: Some(503), times: 100_000, ..Scripted::default() };
    assert!(world.simulator.script([down]));
    let ids: Vec<String> = (0..WAITING).map(|number| format!("c{number}")).collect();
    for id in &ids {
        world.call(id, 0);
    }
    daemon.wait_status(&format!("{WAITING} waiting"));
    limit_files(&daemon, "unlimited");
    daemon.wait_log("the journal is written again");
    daemon.kill();

    // Nobody wishes it any more: only what was kept is left of it.
    for id in &ids {
        world.simulator.inject(world.body(id, 0, true));
    }
    world.simulator.clear_script();
    let daemon = setup.start();
    let taken_over = daemon.wait_log("taken over from the process before");
    assert_eq!(taken_over["participants"], WAITING, "{taken_over}");
    assert_eq!(
        taken_over["remembered"], 1,
        "what was written while the disk was full: {taken_over}"
    );
    for id in &ids {
        world.wait_written(&daemon, id);
    }
}

/// Syncs take this long while a file is there; loaded before the C library.
const SLOW_SYNCS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
    int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (access(getenv("SLOW_WHILE_THERE"), F_OK) == 0) sleep(20);
    return sync(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"#;

#[test]
fn a_slow_disk_holds_up_no_push_and_nothing_is_lost_on_it() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "[recovery]\nindex_lag = \"6s\"\n");
    let (source, library, slow) = (setup.path("slow.c"), setup.path("slow.so"), setup.path("slow"));
    fs::write(&source, SLOW_SYNCS).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
    assert!(compiler.status().unwrap().success());
    let mut command = Command::new(env!("CARGO_BIN_EXE_attributed"));
    command.env("LD_PRELOAD", &library).env("SLOW_WHILE_THERE", &slow);
    let mut daemon = Daemon::start_by(command, &setup, &[]);
    daemon.wait_ready();
    daemon.wait_log("gap looked into");
    fs::write(&slow, "").unwrap();
    world.call("c-live", 0);
    world.wait_written(&daemon, "c-live");

    let operation = "PATCH /attributes".to_owned();
    let down = Scripted { operation, status: Some(503), times: 100_000, ..Scripted::default() };
    assert!(world.simulator.script([down]));
    let ids: Vec<String> = (0..WAITING).map(|number| format!("c{number}")).collect();
    for id in &ids {
        world.call(id, 0);
    }
    daemon.wait_status(&format!("{WAITING} waiting"));
    daemon.kill();
    assert!(Journal::of(&setup).waiting() < WAITING, "the disk was not slow");

    world.simulator.clear_script();
    let daemon = setup.start();
    for id in &ids {
        world.wait_written(&daemon, id);
    }
}

/// So many bytes, from now on.
fn limit_files(daemon: &Daemon, size: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--pid={}", daemon.id())).arg(format!("--fsize={size}:unlimited"));
    assert!(prlimit.status().unwrap().success());
}
