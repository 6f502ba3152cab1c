//! Sockets that hang up, fall silent or carry nonsense, and channels that others take.

use attributed::simulator::{Door, Toss, Treatment};
use serde_json::{Value, json};

use crate::daemon::{Daemon, message};
use crate::world_at::{ANSWERED, WorldAt};

/// Short times, so that silence is noticed while somebody waits.
const QUICK: &str = "[channels]\nping_after = \"300ms\"\ndead_after = \"900ms\"\n";

const HELD: &str = r#"
[[rule]]
name = "held"
match.participant.purpose = "agent"
match.participant.held = true
set."cc.held" = "yes"
"#;

fn connects(daemon: &Daemon) -> usize {
    daemon.log_count("disconnected") + daemon.log_count("could not connect")
}

/// Lets so many seconds of the daemon's own time go by.
fn beats(daemon: &Daemon, count: usize) {
    let beats = || daemon.notified().iter().filter(|text| text.contains("WATCHDOG=1")).count();
    let until = beats() + count;
    daemon.wait("beats", || (beats() >= until).then_some(()));
}

#[test]
fn a_socket_that_accepts_and_hangs_up_is_not_called_in_a_loop() {
    let world = WorldAt::quiet(2);
    world.simulator.doors([Door::HangUp; 1_000]);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_log("disconnected");
    beats(&daemon, 8);
    let attempts = connects(&daemon);
    // Full jitter between 0 and 250 ms, doubled each time: six or seven in eight seconds.
    assert!((2..=25).contains(&attempts), "{attempts} connections in eight seconds");
    let channels = world.asked("POST", "/notifications/channels");
    assert!(channels <= 2, "{channels} channels were made for it");
    assert!(daemon.lines_that(|line| line["level"] == "ERROR").is_empty());
}

#[test]
fn after_hang_ups_and_refusals_it_is_ready_and_works() {
    let world = WorldAt::quiet(2);
    world.simulator.doors([Door::HangUp, Door::Refuse, Door::HangUp, Door::Refuse]);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    // The first and the third time somebody accepted, and hung up.
    let connected = |line: &Value| matches!(message(line), "connected" | "connected again");
    daemon.wait("a connection that lasts", || {
        (daemon.lines_that(connected).len() >= 3).then_some(())
    });
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    let line = daemon.wait_log("disconnected");
    assert_eq!(line["reason"], "the connection broke: it ended without a goodbye");
    let line = daemon.wait_log("could not connect, will retry");
    assert_eq!(line["level"], "WARN");
    assert!(line["reason"].as_str().unwrap().contains("503"), "{line}");
}

#[test]
fn a_half_open_socket_is_given_up_and_what_it_swallowed_is_found() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(HELD, QUICK).start();
    daemon.wait_ready();
    world.call("c1", 0);
    // The conversation has to be known before it can be looked up: a second one tells.
    world.simulator.inject(world.body("c2", 1, true));
    world.wait_written(&daemon, "c2");
    assert!(world.writes("c1").is_empty());
    let before = daemon.logged();
    assert_eq!(world.simulator.treat(Treatment::HalfOpen, None), 1);
    world.simulator.inject(world.body("c1", 0, true));
    let lost = daemon.wait_log_from(before, "disconnected");
    assert_eq!(
        (&lost["level"], &lost["reason"]),
        (&"WARN".into(), &"nothing came for 900ms".into())
    );
    let gap = daemon.wait_log_from(before, "events may have been missed");
    assert!(gap["since"].is_string() && gap["until"].is_string(), "{gap}");
    world.wait_written(&daemon, "c1");
    daemon.wait_log_from(before, "connected again");
}

#[test]
fn garbage_is_counted_and_told_without_its_content() {
    const CONTENT: &str = "+4930900900900";
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    let toss = |text: String| {
        let toss = Toss { text: Some(text), topics: vec![topic.clone()], ..Toss::default() };
        assert_eq!(world.simulator.toss(&toss), 1);
    };
    let bodies = [
        format!("{{\"number\":\"{CONTENT}\""),
        json!([CONTENT]).to_string(),
        json!({ "topicName": topic, "eventBody": CONTENT }).to_string(),
        json!({ "topicName": CONTENT.len(), "eventBody": { "name": CONTENT } }).to_string(),
        json!({ "topicName": topic, "eventBody": { "name": CONTENT } }).to_string(),
        json!({ "topicName": topic, "eventBody": { "id": 7, "participants": CONTENT } })
            .to_string(),
        String::new(),
    ];
    let kinds = bodies.len();
    bodies.into_iter().for_each(toss);
    for _ in 0..500 {
        toss(format!("{CONTENT} again and again"));
    }
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    let lines = daemon.log_count("frame unreadable") + daemon.log_count("frame skipped");
    assert!((5..=kinds + 40).contains(&lines), "{lines} lines for {} frames", kinds + 500);
    // Of the same, ten lines a minute: the last ones may be in what is summed up.
    let told = [64, 128, 256, 512].map(|count| format!("\"count\":{count}"));
    let log = daemon.log_text();
    assert!(told.iter().any(|count| log.contains(count)), "{log}");
    assert!(!daemon.log_text().contains(CONTENT), "{}", daemon.log_text());
    assert_eq!(daemon.log_count("disconnected"), 0);
}

#[test]
fn an_oversized_frame_costs_the_connection_and_nothing_else() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    let text = format!("{{\"topicName\":\"{topic}\",\"eventBody\":\"{}\"}}", "x".repeat(17 << 20));
    world.simulator.toss(&Toss { text: Some(text), topics: vec![topic], ..Toss::default() });
    let lost = daemon.wait_log("disconnected");
    let reason = lost["reason"].as_str().unwrap();
    assert!(reason.starts_with("a frame of 178") && reason.contains("16777216"), "{reason}");
    daemon.wait_log("connected again");
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    let (rss, _) = daemon.usage();
    assert!(rss < 200 * 1024, "{rss} KiB after a frame that is not taken");
}

#[test]
fn channels_of_another_program_do_not_move_ours() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    // Ours is connected, so that of the 21 the other program's own give way.
    for _ in 0..30 {
        world.simulator.foreign_channel();
    }
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    assert_eq!(daemon.log_count("channel was taken"), 0);
    assert_eq!(world.asked("POST", "/notifications/channels"), 1);
}

#[test]
fn a_channel_that_is_taken_is_recognised_replaced_and_not_fought_for() {
    let world = WorldAt::quiet(2);
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    for round in 1..=3 {
        world.simulator.treat(Treatment::Evict, None);
        daemon.wait("another channel", || {
            (daemon.log_count("connected") > round
                && daemon.log_count("channel was taken") == round)
                .then_some(())
        });
        world.call(&format!("c{round}"), 0);
        world.wait_written(&daemon, &format!("c{round}"));
    }
    let line = daemon.wait_log("channel was taken");
    assert_eq!(line["level"], "WARN");
    assert!(line["reason"].is_string() && line["message"].as_str().unwrap().contains("of its own"));
    assert_eq!(world.asked("POST", "/notifications/channels"), 4);
    assert!(daemon.log_count("events may have been missed") >= 3);
}

#[test]
fn two_daemons_with_one_channel_between_them_do_not_evict_each_other_in_a_loop() {
    let world = WorldAt::quiet(2);
    let mut limits = world.simulator.limits();
    limits.channels = 1;
    world.simulator.set_limits(limits);
    let (one, other) = (world.setup(ANSWERED, ""), world.setup(ANSWERED, ""));
    let one = one.start();
    one.wait_ready();
    let other = other.start();
    one.wait_log("channel was taken");
    other.wait_log("channel was taken");
    let before = world.asked("POST", "/notifications/channels");
    beats(&one, 10);
    let made = world.asked("POST", "/notifications/channels") - before;
    assert!(made <= 30, "{made} channels in ten seconds");
}
