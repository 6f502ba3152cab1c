//! The conversation with systemd, over a datagram socket as systemd has it.

use std::fs;

use attributed::simulator::{Options, Scripted};

use crate::daemon::{Daemon, message};
use crate::world_at::{ANSWERED, WorldAt};

fn has(text: &str, word: &str) -> bool {
    text.lines().any(|line| line.starts_with(word))
}

/// The line of a datagram that begins so.
fn value<'t>(text: &'t str, name: &str) -> &'t str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap()
}

fn index(daemon: &Daemon, word: &str) -> Option<usize> {
    daemon.notified().iter().position(|text| has(text, word))
}

#[test]
fn ready_comes_with_the_subscription_and_not_before() {
    let world = WorldAt::quiet(3);
    let subscribe = "PUT /subscriptions".to_owned();
    world.simulator.script([Scripted {
        operation: subscribe,
        delay_ms: 3_000,
        ..Scripted::default()
    }]);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_status("starting: subscribing");
    // A reload in the middle of it must not look like the end of the start.
    daemon.signal("HUP");
    daemon.wait_log("rules reloaded");
    daemon.wait_notified("WATCHDOG=1");
    assert_eq!(index(&daemon, "READY=1"), None);
    let ready = daemon.wait_notified("READY=1");
    assert!(value(&ready, "STATUS=").contains("1 channel connected, 3 topics"), "{ready}");
    let topics = world.simulator.overview()["topics"].as_u64();
    assert_eq!(topics, Some(3), "it said READY, so this is subscribed to");
}

#[test]
fn a_start_that_waits_for_genesys_says_so() {
    let world = WorldAt::quiet(1);
    world.logins_fail(2);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_status("starting: no token");
    assert_eq!(daemon.wait_log("no token could be obtained, will retry")["level"], "WARN");
    daemon.wait_ready();
    daemon.wait_log("a token was obtained again");
}

#[test]
fn a_reload_begins_and_ends_for_good_and_bad_files() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let configuration = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    let daemon = setup.start();
    daemon.wait_ready();
    let reload = || {
        daemon.signal("HUP");
        let begun = daemon.wait_notified("RELOADING=1");
        let since: u64 = value(&begun, "MONOTONIC_USEC=").parse().unwrap();
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let now = std::time::Duration::from_secs_f64(uptime).as_micros();
        assert!(now.abs_diff(u128::from(since)) < 60_000_000, "{since} is not now, {now}");
        daemon.wait_notified("READY=1")
    };
    assert!(!reload().contains("REFUSED"));
    setup.write_rules(&ANSWERED.replace("\"answered\"", "1"));
    let ended = reload();
    assert!(value(&ended, "STATUS=").starts_with("rules file REFUSED, earlier rules in force ("));
    assert!(ended.contains("rules.toml:3: "), "{ended}");
    // Both at once, each said; and what was good of them counts.
    setup.configure(&configuration.replace("all_users", "all_user"));
    let before = daemon.logged();
    let ended = reload();
    assert!(ended.contains("configuration REFUSED, earlier one in force"), "{ended}");
    assert!(ended.contains("rules file REFUSED"), "{ended}");
    let problems = daemon.lines_that(|line| message(line) == "configuration problem");
    let slip = problems.iter().find(|line| line["line"].is_u64()).unwrap();
    assert!(slip["level"] == "ERROR" && slip["file"].is_string(), "{slip}");
    assert!(slip["reason"].as_str().unwrap().contains("did you mean `all_users`?"), "{slip}");
    assert!(problems.iter().all(|line| line["help"].is_string()), "{problems:?}");
    daemon.wait_log_from(before, "the configuration stays as it is; mend it and reload");
    setup.configure(&configuration.replace("client_id = \"demo\"", "client_id = \"other\""));
    setup.write_rules(ANSWERED);
    let before = daemon.logged();
    assert!(!reload().contains("REFUSED"));
    let line = daemon.wait_log_from(before, "takes effect only after a restart");
    assert_eq!((&line["level"], &line["key"]), (&"WARN".into(), &"genesys.client_id".into()));
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
}

#[test]
fn it_beats_and_tells_what_it_does() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    for _ in 0..3 {
        daemon.wait_notified("WATCHDOG=1");
    }
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    daemon.wait_status("1 pushed");
    // What has not changed is not told again.
    let told = daemon.notified();
    let told: Vec<&String> = told.iter().filter(|text| text.starts_with("STATUS=")).collect();
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:#?}");
}

#[test]
fn a_stop_is_announced_with_the_time_it_may_take() {
    let world = WorldAt::quiet(2);
    let mut daemon = world.setup(ANSWERED, "[updates]\ndrain = \"7s\"\n").start();
    daemon.wait_ready();
    daemon.signal("TERM");
    let stopping = daemon.wait_notified("STOPPING=1");
    assert_eq!(value(&stopping, "STATUS="), "stopping, 0 participants wait");
    let extended = daemon.wait_notified("EXTEND_TIMEOUT_USEC=");
    let usec: u64 = value(&extended, "EXTEND_TIMEOUT_USEC=").parse().unwrap();
    assert!((7_000_000..60_000_000).contains(&usec), "{usec}");
    assert_eq!(daemon.wait_exit().code(), Some(0));
    let last = daemon.notified().pop().unwrap();
    assert!(last.contains("stopped, everything that waited was dealt with"), "{last}");
    // The topics are taken off and the channel is kept: it may be used again.
    assert_eq!(world.simulator.overview()["topics"], 0);
}

#[test]
fn a_second_signal_leaves_at_once() {
    let world = WorldAt::quiet(2);
    let mut daemon = world.setup(ANSWERED, "[updates]\ndrain = \"10m\"\n").start();
    daemon.wait_ready();
    let never = Scripted {
        operation: "PATCH /attributes".to_owned(),
        times: 1_000,
        status: Some(503),
        ..Scripted::default()
    };
    world.simulator.script([never]);
    world.call("c1", 0);
    daemon.wait_log("push failed, will retry");
    daemon.signal("TERM");
    daemon.wait_notified("STOPPING=1");
    let draining = daemon.wait_log("draining");
    assert_eq!((&draining["level"], &draining["participants"]), (&"INFO".into(), &1.into()));
    daemon.signal("TERM");
    assert_eq!(daemon.wait_exit().code(), Some(1));
}

#[test]
fn a_stop_before_there_is_a_token_ends_well() {
    let mut options = Options::default();
    options.shape.generate = false;
    let world = WorldAt::start(options);
    let setup = world.setup(ANSWERED, "");
    drop(world);
    let mut daemon = setup.start();
    daemon.wait_status("starting: no token");
    daemon.signal("TERM");
    assert_eq!(daemon.wait_exit().code(), Some(0));
    assert!(index(&daemon, "STOPPING=1").is_some());
}
