//! Restarts leave the client's other channels alone, and what waits and what was written outlives
//! them, however they come.

use std::collections::BTreeMap;
use std::fs;

use attributed::simulator::{Permissions, Scripted};

use super::daemon::Setup;
use super::simulated::{Simulated, UNLIMITED, is_of, quiet};
use super::world_at::{ANSWERED, WorldAt, customer};

const RULES: &str = r#"
[[rule]]
name = "agent"
match.participant.purpose = "agent"
set."cc.agent" = "{{ participant.user_name }}"
"#;
const RESTARTS: usize = 50;

#[test]
fn fifty_restarts_evict_nobodys_channel() {
    let simulated = Simulated::start(quiet(5));
    let foreign = simulated.foreign_channel();
    let more = format!("[updates]\n{UNLIMITED}");
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, &more);
    for restart in 0..RESTARTS {
        let mut daemon = setup.start();
        daemon.wait_ready();
        daemon.signal("TERM");
        let status = daemon.wait_exit();
        assert_eq!(status.code(), Some(0), "restart {restart}\n{}", daemon.log_text());
    }
    let overview = simulated.overview();
    let channels = overview["channels"].as_array().unwrap();
    let ours = channels.iter().filter(|channel| channel["foreign"] == false).count();
    assert!((1..=2).contains(&ours), "{channels:#?}");
    let still_there = channels.iter().any(|channel| channel["id"] == foreign.as_str());
    assert!(still_there, "the foreign channel was evicted: {channels:#?}");
    let requests = simulated.requests();
    let made = requests
        .iter()
        .filter(|entry| entry.method == "POST" && entry.path.ends_with("/notifications/channels"))
        .count();
    assert!(made <= 2, "{made} channels were made");
    let left = requests
        .iter()
        .filter(|entry| entry.method == "DELETE" && entry.path.ends_with("/subscriptions"))
        .count();
    assert_eq!(left, RESTARTS, "each stop ends its subscriptions");
}

/// A world where nobody may ask which conversations are open: what the journal does not hold is not
/// found again.
pub(crate) fn silent_world() -> WorldAt {
    let world = WorldAt::quiet(2);
    world.simulator.permit(Permissions {
        operations: vec!["POST /analytics/conversations/details/query".to_owned()],
        ..Permissions::default()
    });
    world
}

pub(crate) const NOT_HELD: &str = r#"
[[rule]]
name = "not-held"
match.participant.purpose = "agent"
match.participant.held = false
set."cc.answered" = "yes"
"#;
const WAITING: usize = 12;

#[test]
fn what_waits_when_it_is_killed_is_delivered_by_the_next() {
    survives("KILL", None);
}

#[test]
fn what_waits_when_it_is_stopped_is_delivered_by_the_next() {
    survives("TERM", Some(75));
}

/// The wishes of so many conversations wait while the API is down. When it is back, nobody wishes
/// them any more, but what was wished stands.
fn survives(signal: &str, code: Option<i32>) {
    let world = silent_world();
    let setup = world.setup(NOT_HELD, "[updates]\ndrain = \"1s\"\n");
    let mut daemon = setup.start();
    daemon.wait_ready();
    let down = Scripted {
        operation: "PATCH /attributes".to_owned(),
        status: Some(503),
        times: 100_000,
        ..Scripted::default()
    };
    assert!(world.simulator.script([down]));
    let ids: Vec<String> = (0..WAITING).map(|number| format!("c{number}")).collect();
    for id in &ids {
        world.call(id, 0);
    }
    daemon.wait_status(&format!("{WAITING} waiting"));
    daemon.wait("some retries of each", || {
        ids.iter().all(|id| world.writes(id).len() > 2).then_some(())
    });
    daemon.signal(signal);
    assert_eq!(daemon.wait_exit().code(), code, "{}", daemon.log_text());
    if code.is_some() {
        daemon.wait_log("kept for the next start");
    }
    for id in &ids {
        world.simulator.inject(world.body(id, 0, true));
    }
    world.simulator.clear_script();
    let daemon = setup.start();
    let taken_over = daemon.wait_log("taken over from the process before");
    assert_eq!(taken_over["participants"], WAITING, "{taken_over}");
    for id in &ids {
        let writes = world.wait_written(&daemon, id);
        let accepted = writes.iter().filter(|write| write.status == Some(202)).count();
        assert_eq!(accepted, 1, "{id}");
    }
    assert_eq!(daemon.log_count("update given up"), 0);
}

#[test]
fn what_others_wrote_is_still_theirs_after_a_restart() {
    let world = silent_world();
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    world.wait_heard(&daemon);
    let theirs = BTreeMap::from([("cc.answered".to_owned(), "no".to_owned())]);
    world.simulator.write_as_other("c1", &customer("c1"), &theirs).unwrap();
    world.wait_heard(&daemon);
    daemon.signal("TERM");
    assert_eq!(daemon.wait_exit().code(), Some(0), "{}", daemon.log_text());

    let daemon = setup.start();
    daemon.wait("c1 to be read", || {
        let requests = world.simulator.requests();
        requests.iter().any(|one| one.method == "GET" && is_of(one, "c1")).then_some(())
    });
    daemon.wait_ready();
    world.call("c2", 1);
    world.wait_written(&daemon, "c2");
    assert_eq!(world.writes("c1").len(), 1, "{}", daemon.log_text());
    let is = world.simulator.look(|world| world.attributes("c1", &customer("c1"))).unwrap();
    assert_eq!(is["cc.answered"], "no");
}

#[test]
fn one_process_for_one_state_directory() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let first = setup.start();
    first.wait_ready();
    let mut second = setup.start();
    assert_eq!(second.wait_exit().code(), Some(75), "{}", second.log_text());
    second.wait_log("another process has it open");
    world.call("c1", 0);
    world.wait_written(&first, "c1");
}

#[test]
fn a_damaged_journal_is_said_and_stays_as_it_is_and_the_service_goes_on() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let journal = setup.path("state/journal.redb");
    fs::create_dir(setup.path("state")).unwrap();
    let letter = "this is no journal, it is a letter\n".repeat(1_000);
    fs::write(&journal, &letter).unwrap();
    let daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_status("journal SUSPENDED");
    let line = daemon.wait_log("the journal cannot be written");
    assert_eq!(line["level"], "ERROR");
    assert!(line["reason"].as_str().unwrap().contains("journal.redb"), "{line}");
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    assert_eq!(fs::read_to_string(&journal).unwrap(), letter);
}
