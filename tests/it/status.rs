//! `attributed status`: what an on-call engineer sees first, whole and broken, once and over and over.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command::{Said, attributed, says};
use crate::daemon::{Daemon, Setup};
use crate::monitoring::{ANY, address, ask, listening};
use crate::reload::say;
use crate::world_at::{ANSWERED, WorldAt};

fn status(setup: &Setup, arguments: &[&str]) -> Said {
    attributed(setup.dir.path(), &[&["status"], arguments].concat())
}

/// Waits until its first line is like that.
fn wait_first_lines(daemon: &Daemon, setup: &Setup, part: &str) -> Said {
    daemon.wait(&format!("the status {part:?}"), || {
        let said = status(setup, &[]);
        said.out.lines().take(2).any(|line| line.contains(part)).then_some(said)
    })
}

#[test]
fn it_says_that_all_is_well_and_what_is_not() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let daemon = setup.start();
    daemon.wait_ready();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    // It is made every second.
    let well = daemon.wait("the write to be told", || {
        Some(status(&setup, &[])).filter(|said| said.out.contains("1 written"))
    });
    let sentence = "All is well: 2 of 2 topics heard on 1 of 1 channels";
    let parts = [sentence, "✓ token", "✓ budget", "channel 0: connected", "answered  ", "working"];
    says(&well, 0, &parts);
    assert!(!well.out.contains('\u{1b}'), "no terminal is there to colour: {}", well.out);

    setup.write_rules("[[rule]]\nname = \"broken");
    daemon.signal("HUP");
    let ill = wait_first_lines(&daemon, &setup, "the rules file is refused");
    says(&ill, 1, &["! rules", "`attributed check` shows every problem"]);
    // The same words as everywhere.
    let readyz = ask(&address(&daemon), "/readyz", "").body;
    let readyz = readyz.replace(&setup.dir.path().display().to_string(), "FOLDER");
    let readyz: Value = serde_json::from_str(&readyz).unwrap();
    let first: Vec<&str> = ill.out.lines().take(2).collect();
    assert_eq!(first, [&readyz["verdict"], &readyz["sentence"]].map(|it| it.as_str().unwrap()));
    let json = status(&setup, &["--output", "json"]);
    says(&json, 1, &[]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["answer"], &json["well"]), (&"status".into(), &false.into()));
    assert_eq!((&json["ready"], &json["sentence"]), (&readyz["ready"], &readyz["sentence"]));
    assert_eq!(json["checks"], readyz["checks"]);
    assert_eq!(json["overview"]["rules"]["each"][0]["name"], "answered");
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_named() {
    let world = WorldAt::quiet(1);
    let broken = "set.\"cc.answered\" = \"{{ 1 / (size(conversation.id) - 2) }}\"";
    let setup = world.setup(&ANSWERED.replace("set.\"cc.answered\" = \"yes\"", broken), "");
    let daemon = setup.start();
    daemon.wait_ready();
    wait_first_lines(&daemon, &setup, "All is well");
    world.call("c1", 0);
    let said = wait_first_lines(&daemon, &setup, "the rule answered could not be evaluated");
    says(&said, 1, &["! rules", "`attributed explain --live CONVERSATION --rule NAME`"]);
}

#[test]
fn it_is_told_before_there_is_a_token_and_nobody_there_is_said() {
    let world = WorldAt::quiet(1);
    world.logins_fail(1_000);
    let setup = world.setup(ANSWERED, "");
    says(&status(&setup, &[]), 69, &["no service answers at", "systemctl status attributed"]);
    let mut daemon = setup.start();
    let said = wait_first_lines(&daemon, &setup, "answered 503");
    says(&said, 1, &["✗ token", "getting its first token"]);
    let said = attributed(setup.dir.path(), &["reload"]);
    says(&said, 1, &["has no token yet", "`attributed status` says why"]);
    daemon.signal("TERM");
    daemon.wait_exit();
    assert!(!setup.path("control.sock").exists(), "it is gone with its daemon");
}

#[test]
fn what_an_earlier_process_left_is_told_and_asked_about_before_there_is_a_token() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    listening(&setup, ANY);
    let mut daemon = setup.start();
    daemon.wait_ready();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    says(&say(&setup, &["pause"]), 0, &["paused: all since 20"]);
    world.call("c2", 1);
    daemon.wait_status("1 waiting");
    daemon.signal("TERM");
    assert_eq!(daemon.wait_exit().code(), Some(75), "{}", daemon.log_text());

    world.logins_fail(1_000);
    let daemon = setup.start();
    let told = wait_first_lines(&daemon, &setup, "answered 503");
    says(&told, 1, &["is paused: every rule since 20", "1 participant waits", "answered  "]);
    let metrics = ask(&address(&daemon), "/metrics", "").body;
    for expected in
        ["attributed_rule_matches_total{rule=\"answered\"} 0", "attributed_outbox_participants 1"]
    {
        assert!(metrics.contains(expected), "{expected}\n{metrics}");
    }
    says(&say(&setup, &["why", "c1"]), 0, &["cc.answered", "sent, 202"]);
    says(&say(&setup, &["rules", "history"]), 0, &["in force"]);
    says(&say(&setup, &["log-level", "debug"]), 0, &["debug"]);
    says(&say(&setup, &["pause", "--rule", "answred"]), 1, &["mean `answered`?"]);
    says(&say(&setup, &["pause", "--rule", "answered"]), 0, &["rule answered since 20"]);
    says(&say(&setup, &["resume"]), 0, &["1 participant"]);
    let paused =
        |it: &Said| it.out.contains("rule answered since 20") && !it.out.contains("every rule");
    daemon.wait("the pause of the rule to be told", || Some(status(&setup, &[])).filter(paused));
    assert!(world.writes("c2").is_empty());
}

#[test]
fn a_terminal_obeys_no_name_of_a_rule() {
    // Those with control characters are refused by the rules already.
    let world = WorldAt::quiet(1);
    let hostile = ANSWERED.replace("\"answered\"", r#""a\u202eb""#);
    let setup = world.setup(&hostile, "");
    let daemon = setup.start();
    daemon.wait_ready();
    let said = wait_first_lines(&daemon, &setup, "All is well");
    says(&said, 0, &[r"a\u{202e}b  "]);
    assert!(!said.out.contains('\u{202e}'), "{:?}", said.out);
}

fn watching(setup: &Setup, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attributed"));
    command.args(["status", "--watch"]).args(arguments).current_dir(setup.dir.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn watching_goes_on_over_a_restart_and_ends_by_a_signal_or_without_a_reader() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    let mut watch = watching(&setup, &["--output", "json"]);
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut wait = |part: &str| {
        let line = lines.find(|line| line.as_ref().unwrap().contains(part));
        line.unwrap_or_else(|| panic!("never shown: {part}")).unwrap()
    };
    wait("\"well\":true");
    daemon.kill();
    wait("no service answers at");
    let daemon = setup.start();
    daemon.wait_ready();
    let line = wait("\"well\":true");
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["answer"], "status");
    let id = watch.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));

    // `attributed status --watch | head -1`
    let mut watch = watching(&setup, &[]);
    let mut first = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("All is well"), "{first}");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}
