//! Files that are missing, unreadable or wrong, names that nobody has, credentials and permissions
//! that are refused: each says what to do, and costs nothing that could be kept.

use std::fs;

use crate::command::{Said, attributed};
use crate::daemon::{Setup, message};
use crate::world_at::{ANSWERED, WorldAt};

/// An address at which nobody listens: these never get so far.
const NOWHERE: &str = "http://127.0.0.1:9";

fn setup() -> Setup {
    Setup::new(NOWHERE, "all_users = true", ANSWERED, "")
}

pub(crate) fn run(setup: &Setup, arguments: &[&str]) -> Said {
    let arguments = [&["run", "--config", "attributed.toml"][..], arguments].concat();
    attributed(setup.dir.path(), &arguments)
}

#[track_caller]
pub(crate) fn says(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, code, "{}", said.err);
    for part in parts {
        assert!(said.err.contains(part), "{part:?} is not said:\n{}", said.err);
    }
}

#[test]
fn a_configuration_that_cannot_be_read_says_where_to_look() {
    let setup = setup();
    let folder = setup.dir.path();
    let said = attributed(folder, &["run", "--config", "nowhere.toml"]);
    says(&said, 78, &["nowhere.toml", "No such file", "check the path after --config"]);
    let said = attributed(folder, &["run", "--config", "."]);
    says(&said, 78, &["cannot be read", "Is a directory", "check the path after --config"]);
    fs::write(setup.path("odd.toml"), [0xff, 0xfe]).unwrap();
    let said = attributed(folder, &["run", "--config", "odd.toml"]);
    says(&said, 78, &["odd.toml", "UTF-8"]);
    setup.configure("");
    says(&run(&setup, &[]), 78, &["`genesys.region` is missing", "there is nothing to watch"]);
    fs::remove_file(setup.path("attributed.toml")).unwrap();
    let said = attributed(folder, &["run"]);
    says(&said, 78, &["there is no ./attributed.toml", "/etc/attributed/attributed.toml"]);
}

#[test]
fn an_unknown_region_is_told_the_one_that_was_meant() {
    let setup = setup();
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    for (wrong, meant) in
        [("https://login.usw2.pure.cloud", "usw2.pure.cloud"), ("eu-central-l", "eu-central-1")]
    {
        setup.configure(&text.replace("\"mypurecloud.de\"", &format!("\"{wrong}\"")));
        let said = run(&setup, &[]);
        let meant = format!("did you mean `{meant}`?");
        says(&said, 78, &[wrong, &meant, "attributed.toml:4:10", "known are"]);
    }
    // What looks like a domain may be one that is newer than this program.
    setup.configure(&text.replace("\"mypurecloud.de\"", "\"mypurecloud.dee\""));
    let said = attributed(setup.dir.path(), &["check", "--deny-warnings"]);
    says(&said, 3, &["warning: ", "did you mean `mypurecloud.de`?", "attributed.toml:4:10"]);
}

#[test]
fn rules_that_cannot_be_read_say_so_where_nothing_stands_in_for_them() {
    let setup = setup();
    fs::remove_file(setup.path("rules.toml")).unwrap();
    says(&run(&setup, &[]), 78, &["rules.toml", "No such file", "there are no earlier ones"]);
    fs::create_dir(setup.path("rules.toml")).unwrap();
    says(&run(&setup, &[]), 78, &["rules.toml", "Is a directory"]);
}

#[test]
fn a_bad_rules_file_gives_way_to_the_last_good_one() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    daemon.signal("TERM");
    assert!(daemon.wait_exit().success());

    setup.write_rules("[[rule]]\nname = \"a\"\nsett.x = 1\n");
    says(&run(&setup, &["--strict"]), 78, &["rules.toml:3:1", "unknown key `sett`", "--strict"]);

    let daemon = setup.start();
    daemon.wait_ready();
    let problem = |line: &serde_json::Value| message(line) == "rules problem" && line["line"] == 3;
    let problem = daemon.lines_that(problem).pop().unwrap();
    assert_eq!((&problem["level"], &problem["column"]), (&"ERROR".into(), &1.into()));
    assert_eq!(problem["reason"], "unknown key `sett` in a rule");
    assert!(problem["help"].as_str().unwrap().contains("`set`"), "{problem}");
    let stood_in = daemon.wait_log("started with the last good rules");
    assert_eq!(stood_in["level"], "ERROR");
    let refused = "rules file REFUSED, earlier rules in force";
    assert!(daemon.notified().iter().any(|text| text.contains(refused)), "STATUS keeps silent");
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");

    fs::remove_file(setup.path("rules.toml")).unwrap();
    let before = daemon.logged();
    daemon.signal("HUP");
    let kept = daemon.wait_log_from(before, "the rules stay as they are");
    assert_eq!(kept["level"], "ERROR");
    assert!(daemon.wait_notified("READY=1").contains(refused));
    world.call("c2", 1);
    world.wait_written(&daemon, "c2");

    setup.write_rules(ANSWERED);
    daemon.signal("HUP");
    daemon.wait_log("rules reloaded");
    assert!(!daemon.wait_notified("READY=1").contains("REFUSED"));
}

#[test]
fn a_wrong_secret_ends_it_and_names_what_to_check() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    fs::write(setup.path("client-secret"), "wrong-secret-of-ours").unwrap();
    let said = run(&setup, &[]);
    let parts = ["invalid_client", "client_id", "client-secret", "mypurecloud.de", "\"exit\":77"];
    says(&said, 77, &parts);
    assert!(said.err.contains("Client Credentials"), "the grant type is not named: {}", said.err);
    assert!(!said.err.contains("wrong-secret-of-ours") && !said.err.contains("will retry"));
    assert_eq!(world.asked("POST", "/oauth/token"), 1, "it asks once, and believes the answer");
}

#[test]
fn another_organisations_credentials_are_refused() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "# genesys\norganization = \"Other Ltd\"\n\n");
    says(&run(&setup, &[]), 77, &["Other Ltd", "Example Ltd", "\"exit\":77"]);
}

#[test]
fn names_that_nobody_has_are_warned_of_and_the_rest_works() {
    let world = WorldAt::quiet(3);
    let watch = format!(
        "users = [\"{}\", \"nobody@example.com\"]\nqueues = [\"Nowhere\"]\nmembers_of_queues = [\"Nowhere too\"]\nmembers_of_groups = [\"Nobody\"]",
        world.user(0).email
    );
    let rules = format!(
        "{ANSWERED}\n[[rule]]\nname = \"lost\"\nmatch.acd.queue = \"Elsewhere\"\nset.\"cc.lost\" = \"x\"\n"
    );
    let setup = Setup::new(&world.url, &watch, &rules, "");
    let daemon = setup.start();
    daemon.wait_ready();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    for name in ["n…@example.com", "Nowhere", "Nowhere too", "Nobody", "Elsewhere"] {
        let lines =
            daemon.lines_that(|line| line["name"].as_str().is_some_and(|it| it.ends_with(name)));
        assert!(lines.iter().any(|line| line["level"] == "WARN"), "{name}: {}", daemon.log_text());
        assert!(lines.len() <= 2, "{name} is said too often: {lines:?}");
    }
    assert_eq!(daemon.lines_that(|line| line["level"] == "ERROR"), Vec::<serde_json::Value>::new());
}

#[test]
fn a_topic_without_permission_is_named_and_the_others_are_heard() {
    let world = WorldAt::quiet(3);
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    let permissions = serde_json::json!({ "topics": [topic] });
    world.simulator.permit(serde_json::from_value(permissions).unwrap());
    let daemon = world.setup(ANSWERED, "").start();
    daemon.wait_ready();
    let refused = daemon.wait_log("topic refused");
    assert_eq!(refused["missing_permissions"], "conversation:communication:view");
    assert_eq!(refused["topic"].as_str().unwrap().to_lowercase(), topic.to_lowercase());
    daemon.wait_status("1 topic REJECTED");
    world.call("c1", 1);
    world.wait_written(&daemon, "c1");
}

#[test]
fn without_any_permitted_topic_it_ends_and_names_the_permission() {
    let world = WorldAt::quiet(3);
    let permissions =
        serde_json::json!({ "topics": ["v2.*"], "permission": "a:permission:missing" });
    world.simulator.permit(serde_json::from_value(permissions).unwrap());
    let mut daemon = world.setup(ANSWERED, "").start();
    assert_eq!(daemon.wait_exit().code(), Some(77));
    let last = daemon.wait_log("not one topic is permitted");
    assert_eq!(last["level"], "ERROR");
    assert!(message(&last).contains("a:permission:missing"), "{last}");
    assert!(daemon.notified().iter().all(|text| !text.contains("READY=1")));
    assert!(daemon.notified().iter().any(|text| text.contains("a:permission:missing")));
}

#[test]
fn a_thousand_and_one_topics_take_a_second_channel() {
    let world = WorldAt::quiet(1_001);
    let daemon = world.setup(ANSWERED, "").start();
    let ready = daemon.wait_notified("READY=1");
    assert!(ready.contains("2 channels connected, 1,001 topics"), "{ready}");
    let mut topics = world.simulator.overview()["channels"].as_array().unwrap().clone();
    topics.sort_by_key(|channel| channel["topics"].as_u64());
    let topics: Vec<u64> = topics.iter().map(|one| one["topics"].as_u64().unwrap()).collect();
    assert_eq!((topics.len(), topics.iter().sum()), (2, 1_001));
    for user in [0, 500, 1_000] {
        world.call(&format!("c{user}"), user);
        world.wait_written(&daemon, &format!("c{user}"));
    }
}

#[test]
fn topics_that_find_no_room_are_counted_and_said() {
    let world = WorldAt::quiet(1_001);
    let daemon = world.setup(ANSWERED, "[channels]\nmax = 2\n").start();
    let ready = daemon.wait_notified("READY=1");
    assert!(ready.contains("1,000 topics, 1 topic WITHOUT ROOM"), "{ready}");
    let line = daemon.wait_log("topics without room");
    assert_eq!((&line["topics"], &line["capacity"]), (&1.into(), &1_000.into()));
    assert_eq!(line["level"], "ERROR");
}
