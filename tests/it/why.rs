//! `attributed why`: the story of an attribute, from the running daemon and from what one that was
//! killed has left.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use attributed::simulator::Scripted;
use serde_json::{Value, json};

use crate::command::{Said, attributed, says};
use crate::daemon::{Daemon, Setup};
use crate::world_at::{WorldAt, customer};

const VALUE: &str = "a value that nobody keeps";
const THEIRS: &str = "what the flow wrote";

fn rules() -> String {
    format!(
        r#"
[[rule]]
name = "in-the-flow"
match.participant.purpose = "ivr"
set."cc.flow" = "{VALUE}"
during_flow = true

[[rule]]
name = "answered"
match.participant.purpose = "agent"
set."cc.answered" = "{VALUE}"
"#
    )
}

fn why(setup: &Setup, arguments: &[&str]) -> Said {
    attributed(setup.dir.path(), &[&["why"], arguments].concat())
}

/// Waits until the story has all of this in it.
fn wait_story(daemon: &Daemon, setup: &Setup, arguments: &[&str], parts: &[&str]) -> Said {
    daemon.wait(&format!("a story with {parts:?}"), || {
        let said = why(setup, arguments);
        parts.iter().all(|part| said.out.contains(part)).then_some(said)
    })
}

/// A call in a flow, or the same when the flow has ended and has written its attributes back.
fn in_flow(world: &WorldAt, id: &str, ended: bool) -> Value {
    let mut body = world.body(id, 0, false);
    let mut flow = json!({
        "id": format!("{id}-flow"), "purpose": "ivr", "connectedTime": "2026-11-20T14:00:02.000Z",
        "attributes": {}, "calls": [{ "id": format!("{id}-3"), "state": "connected" }],
    });
    if ended {
        flow["endTime"] = "2026-11-20T14:00:30.000Z".into();
        flow["calls"][0]["state"] = "disconnected".into();
        flow["calls"][0]["disconnectedTime"] = "2026-11-20T14:00:30.000Z".into();
        body["participants"][0]["attributes"] = json!({ "cc.flow": THEIRS });
    }
    body["participants"].as_array_mut().unwrap().push(flow);
    body
}

#[test]
fn a_story_is_told_from_the_rule_to_who_overwrote_it() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(&rules(), "");
    let daemon = setup.start();
    daemon.wait_ready();
    says(&why(&setup, &["c1"]), 1, &["nothing is known of it", "attributed explain --live"]);

    world.simulator.script([Scripted {
        operation: "PATCH /attributes".to_owned(),
        status: Some(503),
        ..Scripted::default()
    }]);
    world.simulator.inject(in_flow(&world, "c1", false));
    wait_story(&daemon, &setup, &["c1", "cc.flow"], &["  seen\n"]);
    let waits = why(&setup, &["c1", "cc.answered"]);
    says(&waits, 0, &["cc.answered of participant c1-customer: waits for a flow to end\n"]);
    world.simulator.inject(in_flow(&world, "c1", true));
    let said = wait_story(&daemon, &setup, &["c1", "cc.flow"], &["overwritten"]);
    let parts = [
        "cc.flow of participant c1-customer: overwritten by somebody else\n",
        "  wished by in-the-flow (follow), value #",
        "  sent (attempt 1), 503 after ",
        "  sent (attempt 2), 202 after ",
        ", correlation id ",
        "  seen\n",
        "  overwritten by somebody else as the flow ended, value #",
        "; it is theirs until the rule's value changes (follow)",
    ];
    says(&said, 0, &parts);
    assert!(said.out.lines().count() <= 8, "{}", said.out);
    assert!(!said.out.contains(VALUE) && !said.out.contains(THEIRS), "{}", said.out);
    // The same id as in the log.
    let id = daemon.wait_log("pushed")["correlation_id"].as_str().unwrap().to_owned();
    assert!(said.out.contains(&id), "{id}: {}", said.out);
    // As programs read it.
    let json = why(&setup, &["c1", "cc.flow", "--output", "json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let records = json["records"].as_array().unwrap();
    let accepted = records.iter().find_map(|record| record["w"].get("accepted")).unwrap();
    assert_eq!((&accepted["status"], &accepted["correlation_id"]), (&202.into(), &id.into()));
    says(&why(&setup, &["c1", "cc.other"]), 1, &["nothing is known"]);
}

#[test]
fn what_was_refused_is_told_also_after_a_crash_and_without_the_service() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(&rules(), "");
    says(&why(&setup, &["c1"]), 1, &["nothing is known"]);
    let mut daemon = setup.start();
    daemon.wait_ready();
    world.simulator.script([Scripted {
        operation: "PATCH /attributes".to_owned(),
        status: Some(400),
        ..Scripted::default()
    }]);
    world.call("c1", 0);
    let parts = ["wished by answered (follow)", "given up: refused (400), correlation id "];
    wait_story(&daemon, &setup, &["c1"], &parts);
    world.call("c2", 1);
    wait_story(&daemon, &setup, &["c2"], &["202 after"]);
    daemon.kill();
    let at_rest = why(&setup, &["c1"]);
    says(&at_rest, 0, &parts);
    says(&at_rest, 0, &["given up, and a dead letter", "attributed dead-letters list"]);
    // The end of the file is torn.
    let files = || fs::read_dir(setup.path("state/story")).unwrap().map(|it| it.unwrap().path());
    let last = files().max().unwrap();
    let mut torn = fs::read(&last).unwrap();
    torn.extend_from_slice(b"{\"at\":1764385927120,\"c\":\"c1\",\"k\":\"cc.answ");
    fs::write(&last, torn).unwrap();

    let daemon = setup.start();
    daemon.wait_ready();
    says(&why(&setup, &["c1"]), 0, &parts);
    // Its value has changed.
    setup.write_rules(&rules().replace(VALUE, "another value"));
    says(&attributed(setup.dir.path(), &["reload", "--wait"]), 0, &["~ answered"]);
    let started = "the daemon started; marks of values are other ones from here";
    let said = wait_story(&daemon, &setup, &["c1"], &[started, "written, and seen"]);
    says(&said, 0, &parts);
    assert!(said.out.contains(&format!("of participant {}: written, and seen", customer("c1"))));

    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(setup.path("state/story")), 0o700);
    for file in files() {
        assert_eq!(mode(file.clone()), 0o600);
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains(VALUE) && !text.contains("another value"), "{text}");
    }
}

#[test]
fn none_is_kept_where_none_is_wanted() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(&rules(), "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    world.call("c1", 0);
    wait_story(&daemon, &setup, &["c1"], &["202 after"]);
    daemon.signal("TERM");
    daemon.wait_exit();
    says(&why(&setup, &["c1"]), 0, &["202 after"]);
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("[state]\n", "[state]\nstory = \"0s\"\n"));
    let daemon = setup.start();
    daemon.wait_ready();
    says(&why(&setup, &["c1"]), 1, &["none is kept (state.story is 0s)"]);
    assert_eq!(fs::read_dir(setup.path("state/story")).unwrap().count(), 0);
    drop(daemon);
}
