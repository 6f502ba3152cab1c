//! Reloads as an administrator asks for them: through the control socket, with a plan before, a word
//! of confirmation, and a way back.

use std::fs;

use attributed::simulator::Scripted;
use serde_json::Value;

use crate::command::{Said, attributed, says};
use crate::daemon::{Daemon, Setup};
use crate::world_at::{ANSWERED, WorldAt};

/// Beside the other rule, another key.
const SECOND: &str = r#"
[[rule]]
name = "second"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.second" = "yes"
"#;

fn with_second() -> String {
    format!("{ANSWERED}{SECOND}")
}

pub(crate) fn say(setup: &Setup, arguments: &[&str]) -> Said {
    attributed(setup.dir.path(), arguments)
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}\n{}", said.out, said.err))
}

fn keys(world: &WorldAt, conversation: &str) -> Vec<String> {
    world.writes(conversation).into_iter().flat_map(|write| write.keys).collect()
}

fn wait_key(world: &WorldAt, daemon: &Daemon, conversation: &str, key: &str) {
    daemon.wait(&format!("{key} on {conversation}"), || {
        keys(world, conversation).iter().any(|written| written == key).then_some(())
    });
}

#[test]
fn a_good_reload_says_what_changed_and_a_bad_one_why_it_is_refused() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let daemon = setup.start();
    daemon.wait_ready();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    setup.write_rules(&with_second());
    let said = say(&setup, &["reload", "--wait"]);
    says(&said, 0, &["+ second", "of 1 live conversation: 1 wish came, 0 went", "2 rules ("]);
    // The call has no event of its own, and is looked at again.
    wait_key(&world, &daemon, "c1", "cc.second");
    let line = daemon.wait_log("rules reloaded");
    assert_eq!((&line["added"], &line["wishes_came"]), (&"second".into(), &1.into()), "{line}");

    setup.write_rules(&with_second().replace("match.participant.state", "match.participant.stat"));
    let said = say(&setup, &["reload", "--wait"]);
    says(
        &said,
        1,
        &["rules.toml:5:", "match.participant.stat", "did you mean", "in force: 2 rules"],
    );
    daemon.wait_status("rules file REFUSED");
    let answer = json(&say(&setup, &["reload", "--wait", "--output", "json"]));
    assert_eq!(answer["answer"], "reload");
    assert_eq!(answer["problems"][0]["severity"], "error", "{answer}");
    assert!(answer["in_force"]["problem"].is_string(), "{answer}");

    setup.write_rules(&SECOND.replace("second", "third"));
    says(&say(&setup, &["reload"]), 0, &["reload begun"]);
    daemon.wait_line_from(0, "the last reload", |line| line["removed"] == "answered second");
    says(
        &say(&setup, &["reload", "--wait"]),
        0,
        &["nothing changes on live conversations", "1 rule ("],
    );
}

#[test]
fn a_plan_says_what_a_reload_would_do_and_does_nothing() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let daemon = setup.start();
    daemon.wait_ready();
    for id in ["c1", "c2"] {
        world.call(id, 0);
        world.wait_written(&daemon, id);
    }
    world.wait_heard(&daemon);
    setup.write_rules(&with_second().replace("\"cc.answered\"", "\"cc.taken\""));
    let plan = |more: &[&str]| say(&setup, &[&["reload", "--plan"], more].concat());
    says(
        &plan(&[]),
        0,
        &[
            "+ second",
            "~ answered",
            "of 2 live conversations: 4 wishes came, 2 went; 4 writes to 2 participants",
            "answered: 2 appear, 0 change, 2 disappear",
            "e.g. cc.second appears on participant",
            "at most 1 minute of the account's budget",
        ],
    );
    let answer = json(&plan(&["--output", "json"]));
    assert_eq!((&answer["answer"], &answer["changes"]["writes"]), (&"plan".into(), &4.into()));
    // Nothing is in force but what was.
    assert_eq!(daemon.log_count("rules reloaded"), 0);
    world.call("c3", 1);
    world.wait_written(&daemon, "c3");
    assert_eq!(keys(&world, "c3"), ["cc.answered"]);
    setup.write_rules("[[rule]]\n");
    says(&plan(&[]), 1, &["a reload would be refused", "rules.toml:1"]);
    assert!(!daemon.notified().iter().any(|told| told.contains("REFUSED")), "it was only a plan");
}

#[test]
fn too_many_writes_wait_for_a_word_and_live_events_do_not() {
    let world = WorldAt::quiet(3);
    let setup = world.setup(ANSWERED, "[reload]\nmax_writes = 1\n");
    let daemon = setup.start();
    daemon.wait_ready();
    for (user, id) in ["c1", "c2"].into_iter().enumerate() {
        world.call(id, user);
        world.wait_written(&daemon, id);
    }
    world.wait_heard(&daemon);
    setup.write_rules(&with_second());
    says(&say(&setup, &["reload", "--plan"]), 0, &["more than reload.max_writes (1)"]);
    let said = say(&setup, &["reload", "--wait"]);
    says(&said, 0, &["2 writes to 2 participants", "2 writes on conversations", "--confirm"]);
    daemon.wait_status("2 writes wait for `attributed reload --confirm`");
    // The new rules are in force all the same.
    world.call("c3", 2);
    wait_key(&world, &daemon, "c3", "cc.second");
    world.wait_heard(&daemon);
    for id in ["c1", "c2"] {
        assert_eq!(keys(&world, id), ["cc.answered"]);
    }
    // Asking again is no confirmation.
    says(&say(&setup, &["reload", "--wait"]), 0, &["--confirm"]);
    says(&say(&setup, &["reload", "--confirm"]), 0, &["2 writes to 2 participants"]);
    for id in ["c1", "c2"] {
        wait_key(&world, &daemon, id, "cc.second");
    }
    daemon.wait_status_that("nothing waits", |status| !status.contains("--confirm"));
}

#[test]
fn what_waits_for_a_removed_rule_is_withdrawn_and_what_is_wished_still_stays() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(&with_second(), "");
    let daemon = setup.start();
    daemon.wait_ready();
    let fails = Scripted {
        operation: "PATCH /attributes".to_owned(),
        times: 4,
        status: Some(503),
        ..Scripted::default()
    };
    world.simulator.script([fails]);
    world.call("c1", 0);
    daemon.wait_log("push failed, will retry");
    // The first does something else from now on, and yet wishes the same of this call.
    let other = ANSWERED.replace("\"connected\"", "[\"connected\", \"alerting\"]");
    setup.write_rules(&other);
    says(
        &say(&setup, &["reload", "--wait"]),
        0,
        &["~ answered", "- second", "0 wishes came, 1 went"],
    );
    let writes = world.wait_written(&daemon, "c1");
    let accepted: Vec<_> = writes.iter().filter(|write| write.status == Some(202)).collect();
    assert_eq!(accepted.len(), 1);
    assert_eq!(accepted[0].keys, ["cc.answered"]);
    daemon.wait_status("0 waiting, 1 pushed");
}

#[test]
fn a_step_back_holds_until_the_file_has_changed_also_over_a_restart() {
    let world = WorldAt::quiet(3);
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    says(&say(&setup, &["rules", "rollback"]), 1, &["no set of rules is kept from before"]);
    setup.write_rules(&with_second());
    says(&say(&setup, &["reload", "--wait"]), 0, &["+ second"]);
    let history = say(&setup, &["rules", "history"]);
    says(&history, 0, &["2 rules", "1 rule "]);
    let lines: Vec<&str> = history.out.lines().collect();
    assert!(lines[0].starts_with("0 ") && lines[0].ends_with("in force"), "{}", history.out);
    assert!(lines.len() == 2 && !lines[1].ends_with("in force"), "{}", history.out);

    let shown = say(&setup, &["rules", "show"]);
    says(&shown, 0, &["in force\n", "name = \"answered\"", "name = \"second\""]);
    // What is shown is a rules file itself, and the one shown says what the kept one did.
    fs::write(setup.path("shown.toml"), &shown.out).unwrap();
    let path = setup.path("shown.toml");
    says(&say(&setup, &["check", path.to_str().unwrap()]), 0, &["2 rules found"]);
    let earlier = say(&setup, &["rules", "show", "1"]);
    says(&earlier, 0, &["name = \"answered\""]);
    assert!(!earlier.out.contains("second") && !earlier.out.contains("in force"));
    let hash = lines[1].split_whitespace().nth(2).unwrap();
    assert_eq!(say(&setup, &["rules", "show", &hash[..6]]).out, earlier.out);
    says(&say(&setup, &["rules", "show", "0000"]), 1, &["no set 0000 of rules is kept"]);
    says(&say(&setup, &["rules", "rollback"]), 0, &["- second", "1 rule (", "an earlier set"]);
    daemon.wait_status("rules ROLLED BACK to ");
    // Neither a reload of the same file nor a restart undoes it.
    says(&say(&setup, &["reload", "--wait"]), 0, &["1 rule (", "an earlier set"]);
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());
    let mut daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_status("rules ROLLED BACK to ");
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    assert_eq!(keys(&world, "c1"), ["cc.answered"]);

    // A file that was changed for the worse changes nothing either, for the better it does.
    setup.write_rules("[[rule]]\n");
    says(&say(&setup, &["reload", "--wait"]), 1, &["in force: 1 rule"]);
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());
    let daemon = setup.start();
    daemon.wait_ready();
    daemon.wait_log("started with the last good rules");
    let sets = json(&say(&setup, &["rules", "history", "--output", "json"]));
    assert_eq!(sets["sets"][1]["in_force"], true, "what was in force last stood in: {sets}");
    setup.write_rules(&with_second().replace("second", "better"));
    says(&say(&setup, &["reload", "--wait"]), 0, &["+ better", "2 rules ("]);
    daemon.wait_status_that("the file counts", |status| !status.contains("ROLLED BACK"));
    says(&say(&setup, &["rules", "rollback", "7"]), 1, &["no set 7 of rules is kept"]);
    says(&say(&setup, &["rules", "rollback", "1"]), 0, &["+ second", "- better"]);
}

#[test]
fn included_files_are_reloaded_refused_and_stepped_back_to_with_the_rest() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(&format!("include = [\"rules.d/*.toml\"]\n{ANSWERED}"), "");
    let included = setup.path("rules.d/second.toml");
    fs::create_dir(setup.path("rules.d")).unwrap();
    fs::write(&included, SECOND).unwrap();
    let daemon = setup.start();
    daemon.wait_ready();
    fs::write(&included, SECOND.replace("second", "third")).unwrap();
    says(&say(&setup, &["reload", "--wait"]), 0, &["+ third", "- second", "2 rules ("]);
    fs::write(&included, SECOND.replace("participant.state", "participant.stat")).unwrap();
    let refused = ["rules.d/second.toml:5:", "did you mean", "in force: 2 rules"];
    says(&say(&setup, &["reload", "--wait"]), 1, &refused);
    // The text that was included then comes back, whatever the file holds now.
    says(&say(&setup, &["rules", "rollback", "1"]), 0, &["+ second", "- third", "2 rules ("]);
    world.call("c1", 0);
    wait_key(&world, &daemon, "c1", "cc.second");
    assert!(!keys(&world, "c1").iter().any(|key| key == "cc.third"));
}

#[test]
fn a_list_is_taken_when_it_has_changed_and_is_whole() {
    let world = WorldAt::quiet(1);
    let rules = r#"
[lists.ours]
file = "ours.txt"
[lists.phones]
file = "phones.csv"
key = "phone"

[[rule]]
name = "listed"
match.conversation.id = { in_list = "ours" }
match.participant.purpose = "agent"
set."cc.listed" = "yes"
"#;
    let setup = world.setup(rules, "");
    let list = |rows: &[&str]| fs::write(setup.path("ours.txt"), rows.join("\n") + "\n").unwrap();
    list(&["c1", "c2", "c3"]);
    let phones = |text: &str| fs::write(setup.path("phones.csv"), text).unwrap();
    phones("phone;segment\n+4930;gold\n");
    let daemon = setup.start();
    daemon.wait_ready();
    for id in ["c1", "c4"] {
        world.call(id, 0);
    }
    world.wait_written(&daemon, "c1");
    assert!(world.writes("c4").is_empty());
    list(&["c1", "c2", "c3", "c4"]);
    // Nobody asked, and the call has no event of its own.
    world.wait_written(&daemon, "c4");
    let line = daemon.wait_log("a list has changed");
    assert_eq!((&line["list"], &line["entries"]), (&"ours".into(), &4.into()), "{line}");

    list(&["c1"]);
    let line = daemon.wait_log("the list is not taken");
    assert_eq!((&line["level"], &line["list"]), (&"WARN".into(), &"ours".into()), "{line}");
    daemon.wait_status(
        "list ours REFUSED, the earlier one in force (it has shrunk from 4 rows to 1)",
    );
    says(&say(&setup, &["reload", "--wait"]), 0, &["the list `ours` is not taken", "--confirm"]);
    world.call("c2", 0);
    world.wait_written(&daemon, "c2");
    says(&say(&setup, &["reload", "--confirm"]), 0, &["0 wishes came, 2 went"]);
    daemon.wait_status_that("the list counts", |status| !status.contains("REFUSED"));

    fs::remove_file(setup.path("ours.txt")).unwrap();
    let line = daemon.wait_log("the list cannot be used: the earlier one stays");
    assert_eq!(line["level"], "ERROR", "{line}");
    daemon.wait_status("list ours REFUSED");
    list(&["c1"]);
    daemon.wait_status_that("the list is back", |status| !status.contains("REFUSED"));
    let sets = json(&say(&setup, &["rules", "history", "--output", "json"]));
    assert_eq!(sets["sets"].as_array().map(Vec::len), Some(1), "another list is no other set");
    assert!(sets["sets"][0]["lists"]["ours"].is_string(), "{sets}");

    let from = daemon.logged();
    phones("phone;segment\n+4930;gold\n+4989;gold;more\n");
    let line = daemon.wait_log_from(from, "the list cannot be used: the earlier one stays");
    assert_eq!((&line["list"], &line["line"]), (&"phones".into(), &3.into()), "{line}");
}
