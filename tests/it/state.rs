//! A state directory that is not there, is full, or holds what nobody wrote; and clocks that are
//! wrong.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use attributed::simulator::Options;
use jiff::{SignedDuration, Timestamp};

use crate::daemon::{Daemon, Setup};
use crate::world_at::{ANSWERED, WorldAt};

fn works(world: &WorldAt, daemon: &Daemon, id: &str) {
    world.call(id, 0);
    world.wait_written(daemon, id);
}

/// Moves the state directory of a configuration to a path.
fn state_at(setup: &Setup, path: &str) {
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("dir = \"state\"", &format!("dir = \"{path}\"")));
}

#[test]
fn without_a_state_directory_it_goes_on_in_memory_and_says_what_that_costs() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    // Root may write anywhere, but not below a file.
    state_at(&setup, "rules.toml/state");
    let mut daemon = setup.start();
    daemon.wait_ready();
    works(&world, &daemon, "c1");
    for what in
        ["no state directory", "no copy of the rules can be kept", "channels cannot be kept"]
    {
        let line = daemon.wait_log(what);
        assert_eq!(line["level"], "WARN", "{line}");
        assert!(line["error"].as_str().unwrap().contains("Not a directory"), "{line}");
        assert_eq!(daemon.log_count(what), 1, "{what}: said once");
    }
    daemon.wait_log("resolved names cannot be kept");
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());
}

#[test]
fn a_full_disk_costs_what_is_kept_and_no_update() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    fs::create_dir_all(setup.path("state/rules")).unwrap();
    symlink("/dev/full", setup.path("state/rules/kept.new")).unwrap();
    let daemon = setup.start();
    daemon.wait_ready();
    let line = daemon.wait_log("no copy of the rules can be kept");
    assert!(line["error"].as_str().unwrap().contains("No space left"), "{line}");
    works(&world, &daemon, "c1");
    let kept = fs::read_dir(setup.path("state/rules")).unwrap().map(|entry| entry.unwrap());
    let kept: Vec<_> = kept.filter(|entry| entry.file_name() != "kept.new").collect();
    assert!(kept.is_empty(), "half a copy is worse than none: {kept:?}");
}

#[test]
fn what_nobody_wrote_into_the_state_directory_is_put_aside() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    fs::create_dir_all(setup.path("state/rules")).unwrap();
    for file in ["channels.json", "names.json", "rules/00000001-0123456789ab.json"] {
        fs::write(setup.path("state").join(file), "{\"wss://a-secret-address\": 1").unwrap();
    }
    let mut daemon = setup.start();
    daemon.wait_ready();
    works(&world, &daemon, "c1");
    for what in [
        "channels of the last run unreadable",
        "kept names cannot be used",
        "a set of rules that was kept cannot be used",
    ] {
        assert_eq!(daemon.wait_log(what)["level"], "WARN");
    }
    assert!(!daemon.log_text().contains("a-secret-address"));
    assert_eq!(daemon.wait_log("others may look into the state directory")["mode"], "0755");
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());

    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(setup.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    // What was written instead is good, and for the owner alone.
    let daemon = setup.start();
    daemon.wait_ready();
    works(&world, &daemon, "c2");
    assert_eq!(daemon.lines_that(|line| line["level"] == "WARN"), Vec::<serde_json::Value>::new());
    assert_eq!(world.asked("POST", "/notifications/channels"), 1, "the channel is used again");
    let mode = |path: &str| fs::metadata(setup.path(path)).unwrap().permissions().mode() & 0o777;
    for file in ["channels.json", "names.json"] {
        assert_eq!(mode(&format!("state/{file}")), 0o600, "{file}");
    }
}

#[test]
fn a_state_directory_that_comes_back_is_used() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    fs::write(setup.path("state"), "a file where the directory should be").unwrap();
    let mut daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_log("channels cannot be kept");
    fs::remove_file(setup.path("state")).unwrap();
    fs::create_dir(setup.path("state")).unwrap();
    let before = daemon.logged();
    daemon.signal("HUP");
    daemon.wait_log_from(before, "rules reloaded");
    assert_eq!(daemon.log_count("no copy of the rules can be kept"), 1);
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());
    assert!(setup.path("state/rules").exists());
    assert!(setup.path("state/channels.json").exists(), "{}", daemon.log_text());
}

#[test]
fn clocks_a_year_apart_make_no_difference() {
    for days in [-400, 400] {
        let base = Timestamp::now() + SignedDuration::from_hours(24 * days);
        let mut options = Options { base, record_bodies: true, ..Options::default() };
        (options.shape.generate, options.shape.users) = (false, 2);
        let world = WorldAt::start(options);
        let daemon = world.setup(ANSWERED, "").start();
        daemon.wait_ready();
        works(&world, &daemon, "c1");
        // The channel ended a year ago, or ends in a year, and is not renewed all the time for it.
        let beats = || daemon.notified().iter().filter(|text| text.contains("WATCHDOG=1")).count();
        let until = beats() + 5;
        daemon.wait("beats", || (beats() >= until).then_some(()));
        let renewals = world.asked("PUT", "/subscriptions");
        assert!(renewals <= 2, "{days} days: {renewals} renewals");
        assert_eq!(world.asked("POST", "/oauth/token"), 1);
        works(&world, &daemon, "c2");
        let (_, cpu) = daemon.usage();
        assert!(cpu < Duration::from_secs(5), "{cpu:?}");
    }
}
