//! Topics on two channels: a socket that drops is missed by nobody. And on one: it is.

use attributed::simulator::{Toss, Treatment};
use serde_json::json;

use crate::daemon::Daemon;
use crate::world_at::{ANSWERED, WorldAt, customer, topic_of_nobody};

/// What is under way at the start is asked for once, and not a second time in the midst of a test.
const ONCE: &str = "[recovery]\nindex_lag = \"1h\"\n";
const TWICE: &str = "[recovery]\nindex_lag = \"1h\"\n[channels]\ncopies = 2\n";
const MISSED: &str = "events may have been missed: ";

/// The ids of the channels that have a socket.
fn connected(world: &WorldAt) -> Vec<String> {
    let overview = world.simulator.overview();
    let channels = overview["channels"].as_array().unwrap().iter();
    let connected = channels.filter(|channel| channel["connected"] == true);
    connected.map(|channel| channel["id"].as_str().unwrap().to_owned()).collect()
}

/// What a gap makes the daemon ask for: conversations that are known alive, of which "before" is one
/// about which there is no news, and those that are not known.
fn recovery_requests(world: &WorldAt) -> usize {
    let log = world.simulator.requests();
    let of_gaps = log.iter().filter(|one| {
        one.method == "GET" && one.path == "/api/v2/conversations/before"
            || one.path.ends_with("/details/query")
    });
    of_gaps.count()
}

/// Waits until each of so many channels has been heard of well after anything that was before: by
/// then none of them can be thought to have been dead when the others came up.
fn settle(world: &WorldAt, daemon: &Daemon, channels: usize) {
    let beats = || daemon.notified().iter().filter(|text| text.contains("WATCHDOG=1")).count();
    let until = beats() + 5;
    daemon.wait("beats", || (beats() >= until).then_some(()));
    let skipped = daemon.log_count("frame skipped") + channels;
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    let frame = Some(json!({ "topicName": topic_of_nobody(), "eventBody": {} }));
    let toss = Toss { frame, topics: vec![topic], ..Toss::default() };
    assert_eq!(world.simulator.toss(&toss), channels);
    daemon.wait("a frame by each channel", || {
        (daemon.log_count("frame skipped") >= skipped).then_some(())
    });
}

/// An answered call, and what the rule makes of it.
fn call(world: &WorldAt, daemon: &Daemon, id: &str) {
    world.call(id, 0);
    world.wait_written(daemon, id);
    let attributes = world.simulator.look(|world| world.attributes(id, &customer(id)));
    assert_eq!(attributes.unwrap().get("cc.answered").map(String::as_str), Some("yes"));
}

#[test]
fn with_two_copies_no_single_socket_is_missed() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, TWICE).start();
    daemon.wait_ready();
    daemon.wait_log("gap looked into");
    daemon.wait("two sockets", || (connected(&world).len() == 2).then_some(()));
    call(&world, &daemon, "before");
    let asked = recovery_requests(&world);
    let channels = connected(&world);
    for (round, how) in [Treatment::Drop, Treatment::Drop, Treatment::Close].iter().enumerate() {
        settle(&world, &daemon, 2);
        let subscribed = world.asked("PUT", "/subscriptions");
        assert_eq!(world.simulator.treat(*how, Some(&channels[round % 2])), 1);
        call(&world, &daemon, &format!("down-{round}"));
        daemon.wait("the socket to be back", || {
            let confirmed = world.asked("PUT", "/subscriptions") > subscribed;
            (daemon.log_count("connected again") > round && confirmed).then_some(())
        });
        call(&world, &daemon, &format!("up-{round}"));
    }
    settle(&world, &daemon, 2);
    assert_eq!(daemon.log_count("disconnected"), 3);
    assert_eq!((daemon.log_count(MISSED), recovery_requests(&world)), (0, asked));
    // One write for each call, however often it came.
    for id in ["before", "down-0", "up-2"] {
        assert_eq!(world.writes(id).len(), 1, "{id}");
    }
}

#[test]
fn with_one_copy_a_dropped_socket_is_missed_and_what_is_known_is_read_again() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, ONCE).start();
    daemon.wait_ready();
    daemon.wait_log("gap looked into");
    call(&world, &daemon, "before");
    let asked = recovery_requests(&world);
    assert_eq!(world.simulator.treat(Treatment::Drop, None), 1);
    let gap = daemon.wait_log(MISSED);
    assert_eq!((&gap["level"], &gap["topics"]), (&"WARN".into(), &2.into()));
    daemon.wait("a read", || (recovery_requests(&world) > asked).then_some(()));
    call(&world, &daemon, "after");
}
