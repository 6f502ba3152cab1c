//! Two OAuth clients, one of which is refused half-way: its work goes by the other, and nothing is lost.

use std::fs;

use attributed::simulator::{ClientChange, Credentials, Entry, Options, Permissions};

use crate::command::{attributed, says};
use crate::daemon::{Setup, restrict, wait};
use crate::simulated::{Agent, Simulated, call, quiet};

const RULES: &str = r#"
[[rule]]
name = "handled-by"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.handled_by" = "{{ participant.user_id }}"
"#;
/// Two channels: the first is the first client's, the second the second's.
const USERS: usize = 1_200;
const SECOND: &str = "a-second-client";
const SECOND_SECRET: &str = "a-secret-that-nobody-prints";

fn simulated() -> Simulated {
    let second = Credentials {
        client_id: SECOND.to_owned(),
        secret: SECOND_SECRET.to_owned(),
        requests: None,
    };
    Simulated::start(Options { more_clients: vec![second], ..quiet(USERS) })
}

/// A configuration with both clients, the second of which is called `spare`.
fn setup(simulated: &Simulated) -> Setup {
    let more = "[updates]\nrequests_per_second = 1000\nrequests_per_minute = 60000\n";
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, more);
    fs::write(setup.path("second-secret"), SECOND_SECRET).unwrap();
    restrict(&setup.path("second-secret"));
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    let single = "client_id = \"demo\"\nclient_secret_file = \"client-secret\"\n";
    let both = format!(
        "[[genesys.client]]\n{single}[[genesys.client]]\nclient_id = \"{SECOND}\"\n\
         name = \"spare\"\nclient_secret_file = \"second-secret\"\n"
    );
    setup.configure(&text.replace(single, &both));
    setup
}

/// Refuses a client its credentials, now and from now on.
fn refuse(simulated: &Simulated, client: &str) {
    simulated.change_client(&ClientChange {
        client: client.to_owned(),
        secret: Some("changed".to_owned()),
        revoke: true,
        ..ClientChange::default()
    });
}

/// Channels with a socket, as the id of their client and how many topics they have.
fn connected(simulated: &Simulated) -> Vec<(String, u64)> {
    let overview = simulated.overview();
    let channels = overview["channels"].as_array().unwrap().iter();
    let connected = channels.filter(|channel| channel["connected"] == true);
    let shown = connected.map(|channel| {
        (channel["client"].as_str().unwrap().to_owned(), channel["topics"].as_u64().unwrap())
    });
    let mut all: Vec<(String, u64)> = shown.collect();
    all.sort();
    all
}

#[test]
fn one_is_refused_half_way_and_nothing_is_lost() {
    let simulated = simulated();
    let setup = setup(&simulated);
    let mut daemon = setup.start();
    daemon.wait_ready();
    assert_eq!(connected(&simulated), [(SECOND.to_owned(), 200), ("demo".to_owned(), 1000)]);
    // Calls of agents on both channels, all the time.
    let calls = |from: usize, to: usize| {
        for n in from..to {
            let user = simulated.user(n * 7 % USERS);
            let agents = [Agent::talking("agent", &user, 1)];
            simulated.inject(call(&format!("call-{n}"), &[], &agents));
        }
    };
    let written = |from: usize, to: usize| {
        for n in from..to {
            let (id, user) = (format!("call-{n}"), simulated.user(n * 7 % USERS));
            simulated.wait_attribute(&daemon, (&id, "customer"), "cc.handled_by", &user);
        }
    };
    calls(0, 60);
    written(0, 60);
    let clients_of = |requests: &[Entry]| {
        let clients = requests.iter().map(|entry| entry.client.clone());
        clients.collect::<std::collections::BTreeSet<String>>()
    };
    assert_eq!(clients_of(&simulated.accepted()).len(), 2, "both have written");

    let (before, since) = (simulated.count(), daemon.logged());
    refuse(&simulated, "demo");
    calls(60, 160);
    daemon.wait_status("client demo REFUSED");
    written(60, 160);
    wait("the topics to be with the other", || {
        let all = vec![(SECOND.to_owned(), 200), (SECOND.to_owned(), 1000)];
        (connected(&simulated) == all).then_some(())
    });
    calls(160, 200);
    written(160, 200);
    assert_eq!(clients_of(&simulated.accepted_since(before)), [SECOND.to_owned()].into());
    assert_eq!(simulated.overlaps(), []);
    // One line says it all, by name and without a secret.
    let line = daemon.wait_log_from(since, "the client is refused");
    assert_eq!((&line["client"], &line["level"]), (&"demo".into(), &"WARN".into()), "{line}");
    let kept = fs::read_to_string(setup.path("state/channels.json")).unwrap();
    assert!(kept.contains(&format!("\"client\":\"{SECOND}\"")), "{kept}");
    assert!(!daemon.log_text().contains(SECOND_SECRET));

    // With the other refused, too, there is nobody left.
    refuse(&simulated, SECOND);
    calls(200, 201);
    let status = daemon.wait_exit();
    assert_eq!(status.code(), Some(77), "{}", daemon.log_text());
}

#[test]
fn the_check_asks_each_client() {
    let simulated = simulated();
    let setup = setup(&simulated);
    let check = || attributed(setup.dir.path(), &["check", "--online"]);
    says(&check(), 0, &["room for 38,000 topics with 2 clients", "1,200 topics on 2 channels"]);
    simulated.change_client(&ClientChange {
        client: SECOND.to_owned(),
        permissions: Some(Permissions {
            operations: vec!["POST /analytics".to_owned()],
            permission: Some("analytics:conversationDetail:view".to_owned()),
            ..Permissions::default()
        }),
        ..ClientChange::default()
    });
    let forbidden = "client spare: query_conversations answered 403";
    says(&check(), 1, &[forbidden, "analytics:conversationDetail:view"]);
    refuse(&simulated, "demo");
    says(&check(), 1, &["client demo: the credentials are refused"]);
    let shown = attributed(setup.dir.path(), &["config", "show"]);
    says(&shown, 0, &["[[genesys.client]]", "name = \"spare\"", "/attributed.toml:"]);
    assert!(!shown.out.contains(SECOND_SECRET));
}
