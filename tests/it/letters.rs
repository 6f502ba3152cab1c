//! Dead letters as an on-call engineer meets them: listed, shown, wished anew and forgotten, through
//! the control socket and in the state directory of a service that is stopped.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use attributed::simulator::Scripted;
use serde_json::Value;

use crate::command::{Said, attributed, says};
use crate::daemon::{Daemon, Setup};
use crate::world_at::{WorldAt, customer};

const VALUE: &str = "a value that nobody lists";

fn rules() -> String {
    format!(
        "[[rule]]\nname = \"vip\"\nmatch.participant.purpose = \"agent\"\nset.\"cc.vip\" = \"{VALUE}\"\n"
    )
}

fn say(setup: &Setup, arguments: &[&str]) -> Said {
    attributed(setup.dir.path(), &[&["dead-letters"], arguments].concat())
}

/// A call whose write is refused for good.
fn refused(world: &WorldAt, daemon: &Daemon, id: &str) {
    let refusal = Scripted {
        operation: "PATCH /attributes".to_owned(),
        status: Some(400),
        ..Scripted::default()
    };
    let before = daemon.log_count("update given up");
    world.simulator.script([refusal]);
    world.call(id, 0);
    daemon.wait("a dead letter", || (daemon.log_count("update given up") > before).then_some(()));
}

#[test]
fn what_was_refused_is_listed_shown_and_wished_anew() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(&rules(), "");
    let daemon = setup.start();
    daemon.wait_ready();
    let said = say(&setup, &["list"]);
    says(&said, 0, &["no dead letters"]);
    refused(&world, &daemon, "c1");
    refused(&world, &daemon, "c2");
    daemon.wait_status("2 dead letters");

    let said = say(&setup, &["list", "--reason", "refused"]);
    says(&said, 0, &["1  20", "  refused (400)  vip  c1 c1-customer  cc.vip", "  vip  c2 "]);
    assert!(!said.out.contains(VALUE), "{}", said.out);
    says(
        &say(&setup, &["list", "--since", "1h", "--rule", "other"]),
        0,
        &["none of 2 dead letters"],
    );
    let json: Value =
        serde_json::from_str(&say(&setup, &["list", "--output", "json"]).out).unwrap();
    let letter = &json["letters"][0];
    assert_eq!((&letter["reason"], &letter["number"]), (&"refused".into(), &1.into()), "{json}");
    assert!(letter["values"].is_null() && letter["correlation_id"].is_string(), "{letter}");

    let said = say(&setup, &["show", "1"]);
    let value = format!("cc.vip = \"{VALUE}\"");
    says(&said, 0, &["dead letter 1\n", &value, "  server        400 ", "correlation_id"]);
    says(&say(&setup, &["show", "7"]), 1, &["none of 2 dead letters is meant"]);

    says(&say(&setup, &["retry", "1"]), 0, &["of 1 dead letters: 1 keys wished anew, 0 left"]);
    world.wait_written(&daemon, "c1");
    let said = say(&setup, &["retry", "1"]);
    says(&said, 1, &["of 0 dead letters"]);

    // The rule is not in force any more.
    setup.write_rules(&rules().replace("vip", "gold"));
    says(&attributed(setup.dir.path(), &["reload", "--wait"]), 0, &["- vip"]);
    let said = say(&setup, &["retry", "--all"]);
    says(&said, 1, &["0 keys wished anew, 1 left", "2  cc.vip: its rule is not in force any more"]);
    assert_eq!(world.writes("c2").iter().filter(|one| one.keys == ["cc.vip"]).count(), 1);
    assert!(!daemon.log_text().contains(VALUE));
}

#[test]
fn a_conversation_that_is_dropped_leaves_nothing_and_is_left_alone() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(&rules(), "");
    let daemon = setup.start();
    daemon.wait_ready();
    refused(&world, &daemon, "c1");
    refused(&world, &daemon, "c2");
    let said = say(&setup, &["drop", "--conversation", "c1"]);
    says(&said, 0, &["forgotten: 1 dead letters", "is not written to any more"]);
    says(&say(&setup, &["list", "--conversation", "c1"]), 0, &["none of 1 dead letters"]);
    setup.write_rules(&rules().replace(VALUE, "another value"));
    says(&attributed(setup.dir.path(), &["reload", "--wait"]), 0, &["~ vip"]);
    world.wait_written(&daemon, "c2");
    world.call("c1", 0);
    world.wait_heard(&daemon);
    assert_eq!(world.writes("c1").len(), 1, "{:?}", customer("c1"));
    says(&say(&setup, &["drop", "2"]), 0, &["forgotten: 1 dead letters"]);
    says(&say(&setup, &["drop", "2"]), 0, &["forgotten: 0 dead letters"]);
}

#[test]
fn letters_outlive_the_service_and_can_be_seen_without_it() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(&rules(), "");
    says(&say(&setup, &["list"]), 0, &["no dead letters"]);
    assert!(!setup.path("state/journal.redb").exists());
    let mut daemon = setup.start();
    daemon.wait_ready();
    for id in ["c1", "c2", "c3"] {
        refused(&world, &daemon, id);
    }
    // Another socket than the daemon's: the directory is in use, and that is said.
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("control.sock", "elsewhere.sock"));
    says(&say(&setup, &["list"]), 69, &["a daemon has ./state open", "--socket PATH"]);
    setup.configure(&text);
    daemon.signal("TERM");
    daemon.wait_exit();

    says(&say(&setup, &["list"]), 0, &["1  20", "2  20", "3  20"]);
    says(&say(&setup, &["show", "3"]), 0, &[VALUE]);
    says(&say(&setup, &["retry", "3"]), 69, &["no daemon answers at", "start it first"]);
    says(&say(&setup, &["drop", "--conversation", "c2"]), 0, &["forgotten: 1 dead letters"]);
    let journal = setup.path("state/journal.redb");
    assert_eq!(fs::metadata(&journal).unwrap().permissions().mode() & 0o777, 0o600);

    let daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_status("2 dead letters");
    refused(&world, &daemon, "c4");
    let said = say(&setup, &["list"]);
    says(&said, 0, &["c1 c1-customer", "c3 c3-customer", "4  20"]);
    assert!(!said.out.contains("c2"), "{}", said.out);
}

#[test]
fn what_cannot_be_asked_says_what_to_do() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(&rules(), "");
    says(&say(&setup, &["drop"]), 2, &["which dead letters?", "or --all"]);
    says(&say(&setup, &["drop", "--all", "3"]), 2, &["cannot be used with"]);
    says(&say(&setup, &["list", "--reason", "bad-luck"]), 2, &["too-old", "conversation-over"]);
    says(&say(&setup, &["list", "--since", "yesterday"]), 2, &["is not a duration"]);
    let said = say(&setup, &["list", "--socket", "nowhere.sock"]);
    says(&said, 69, &["no service answers at nowhere.sock"]);
    fs::create_dir(setup.path("state")).unwrap();
    fs::write(setup.path("state/journal.redb"), "no journal at all, and longer than nothing")
        .unwrap();
    says(&say(&setup, &["list"]), 69, &["the journal in ./state: it is damaged"]);
}
