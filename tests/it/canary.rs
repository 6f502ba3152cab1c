//! What must not be seen is not seen: secrets, tokens, addresses of channels, and what conversations
//! hold, at the noisiest level and on a very bad day.

use std::collections::BTreeSet;
use std::fs;

use attributed::simulator::world::Shape;
use attributed::simulator::{Faults, Options, Scripted, Toss};
use serde_json::{Value, json};

use crate::daemon::{Daemon, Setup, message};
use crate::monitoring::{ANY, address, ask, listening};
use crate::page::first_event;
use crate::world_at::{WorldAt, customer};

const SECRET: &str = "canary-client-secret-0815";
const NUMBER: &str = "+4915212345678";
const NAME: &str = "Canary Winterbottom";
const VALUE: &str = "canary attribute value";
const SUBJECT: &str = "canary subject of an e-mail";
const PLAIN: &str = "canary value in a rule";
const ADDRESS: &str = "canary.winterbottom@example.com";
const AGENT: &str = "Canary Ravenscroft";
const COLLEAGUE: &str = "Canary Higginbotham";

/// Two rules for the customer of every conversation with an agent, and one that names agents whom
/// nobody knows.
fn rules() -> String {
    format!(
        "[[rule]]\nname = \"tier\"\nmatch.participant.purpose = \"agent\"\nset.\"cc.tier\" = \"{{{{ customer.attributes[\\\"crm.tier\\\"] }}}} of {{{{ customer.name }}}}\"\n\n[[rule]]\nname = \"canary\"\nmatch.participant.purpose = \"agent\"\nset.\"cc.plain\" = \"{PLAIN}\"\nset.\"cc.copied\" = \"{{{{ customer.attributes.planted }}}}, {{{{ customer.number }}}}\"\nset.\"cc.number\" = \"{{{{ customer.number }}}}\"\n\n[[rule]]\nname = \"nobody\"\nmatch.agent.user = \"{AGENT}\"\nwhen = 'agent.user == \"{COLLEAGUE}\"'\nset.\"cc.nobody\" = \"x\"\n"
    )
}

/// A conversation that holds everything that must not be seen.
fn planted(world: &WorldAt, id: &str, user: usize) -> Value {
    let mut body = world.body(id, user, false);
    let party = &mut body["participants"][0];
    party["name"] = NAME.into();
    party["address"] = format!("tel:{NUMBER}").into();
    party["attributes"] = json!({ "planted": VALUE, "crm.tier": "gold" });
    party["calls"][0]["other"] =
        json!({ "name": NAME, "addressNormalized": format!("tel:{NUMBER}"), "addressRaw": NUMBER });
    party["emails"] = json!([{
        "id": format!("{id}-mail"), "state": "connected", "direction": "inbound",
        "subject": SUBJECT, "other": { "addressNormalized": ADDRESS, "name": NAME },
    }]);
    body
}

/// Answers that quote what was sent.
fn quoting() -> Vec<Scripted> {
    let message = format!("Value [{PLAIN}] and [{VALUE}, {NUMBER}] of {NAME} are not valid");
    let write = |status: u16, body: Value| Scripted {
        operation: "PATCH /attributes".to_owned(),
        status: Some(status),
        body: Some(body),
        ..Scripted::default()
    };
    let body = |status: u16| json!({ "message": message, "code": "bad.request", "status": status });
    let sent = format!("<title>cannot take {PLAIN} nor {VALUE}, {NUMBER}</title>");
    vec![
        write(500, json!({ "message": format!("[{PLAIN}] [{VALUE}, {NUMBER}]") })),
        write(502, sent.into()),
        write(409, json!({ "message": format!("conflict: {PLAIN}") })),
        write(413, json!({ "message": format!("[{PLAIN}] [{VALUE}, {NUMBER}]"), "x": body(1) })),
        write(400, json!({ "message": format!("[{PLAIN}] [{VALUE}, {NUMBER}]") })),
    ]
}

/// A daemon at the noisiest level, with a secret of its own.
fn noisy(world: &WorldAt) -> Setup {
    let more = "[channels]\nping_after = \"1s\"\ndead_after = \"3s\"\n\n[updates]\nconfirm_after = \"2s\"\n";
    let setup = world.setup(&rules(), more);
    fs::write(setup.path("client-secret"), SECRET).unwrap();
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("format = \"json\"", "format = \"json\"\nlevel = \"trace\""));
    listening(&setup, ANY);
    setup
}

fn world(generate: bool) -> WorldAt {
    let seed = 11;
    println!("seed {seed}");
    let shape = Shape { users: 20, rate: 4.0, pace: 0.5, generate, ..Shape::default() };
    let secret = SECRET.to_owned();
    WorldAt::start(Options { seed, shape, secret, record_bodies: true, ..Options::default() })
}

#[test]
fn what_servers_and_files_quote_is_not_passed_on() {
    let world = world(false);
    let setup = noisy(&world);
    let mut daemon = setup.start();
    daemon.wait_ready();
    let unknown = daemon.lines_that(|line| message(line).starts_with("a rule names something"));
    let unknown: BTreeSet<&str> = unknown.iter().filter_map(|line| line["name"].as_str()).collect();
    assert_eq!(unknown, BTreeSet::from(["user \"C…\" of rule nobody"]));
    for (number, quoting) in quoting().into_iter().enumerate() {
        assert!(world.simulator.script([quoting]));
        let id = format!("planted-{number}");
        world.simulator.inject(planted(&world, &id, number));
        daemon.wait("an answer that quotes", || {
            world.writes(&id).iter().any(|write| write.fault.is_some()).then_some(())
        });
        daemon.wait("the end of it", || settled(&world, &daemon, &id).then_some(()));
    }
    nonsense(&world);
    daemon.wait_log("frame unreadable");
    bad_files(&setup, &daemon);
    daemon.wait_log("each rule's keys will be pushed apart");
    let told = told(&daemon);
    daemon.signal("TERM");
    daemon.wait_exit();
    check(&world, &daemon, &told);
}

/// Whether all four keys were accepted, or given up.
fn settled(world: &WorldAt, daemon: &Daemon, id: &str) -> bool {
    let mut writes = world.writes(id);
    writes.retain(|write| write.status == Some(202));
    let mut keys: BTreeSet<String> = writes.into_iter().flat_map(|write| write.keys).collect();
    let given_up = daemon
        .lines_that(|line| line["conversation_id"] == id && message(line) == "update given up");
    for line in given_up {
        keys.extend(line["keys"].as_str().unwrap().split(' ').map(str::to_owned));
    }
    keys.len() == 4
}

#[test]
fn a_crash_leaves_no_memory_behind() {
    let world = WorldAt::quiet(1);
    let daemon = world.setup(&rules(), "").start();
    daemon.wait_ready();
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let limit: Vec<&str> = limit.split_whitespace().collect();
    assert_eq!(limit, ["0", "0", "bytes"], "the soft limit and the hard one");
}

#[test]
fn a_very_bad_day_gives_nothing_away() {
    let world = world(true);
    let mut daemon = noisy(&world).start();
    daemon.wait_ready();
    daemon.wait_log("pushed");
    world.simulator.set_faults(Faults::Heavy);
    world.simulator.revoke_tokens();
    for what in ["disconnected", "push failed, will retry"] {
        daemon.wait_log(what);
    }
    daemon.wait("a hundred accepted writes", || {
        let log = world.simulator.requests();
        let accepted = log.iter().filter(|one| one.is_write() && one.status == Some(202));
        (accepted.count() >= 100).then_some(())
    });
    let told = told(&daemon);
    world.simulator.set_faults(Faults::None);
    daemon.signal("TERM");
    daemon.wait_exit();
    let found = check(&world, &daemon, &told);
    assert!(found > 50, "only {found} secrets were looked for");
}

/// What is told over TCP.
fn told(daemon: &Daemon) -> String {
    let at = address(daemon);
    let mut told: Vec<String> = ["/livez", "/readyz", "/metrics", "/", "/page.js", "/nothing"]
        .map(|path| ask(&at, path, ""))
        .map(|answer| format!("{}\n{}", answer.head, answer.body))
        .into();
    assert!(told[2].contains("attributed_build_info"), "{told:?}");
    let (_open, event) = first_event(&at, "");
    assert!(event.contains("\"latest\":[{\""), "no update to show proves nothing: {event}");
    told.push(event);
    told.join("\n")
}

/// Looks for everything that must not be seen in everything that was said; returns for how much.
fn check(world: &WorldAt, daemon: &Daemon, told: &str) -> usize {
    let secrets = secrets(world);
    let said = format!("{}\n{}\n{told}", daemon.log_text(), daemon.notified().join("\n"));
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "{secret:?} was said:\n{}", around(&said, secret));
    }
    let level = |level: &str| daemon.lines_that(|line| line["level"] == level).len();
    assert!(level("DEBUG") > 0, "the level was not taken, and this proves nothing");
    for library in ["tungstenite", "tokio_tungstenite", "hyper", "reqwest", "rustls"] {
        let loud = daemon.lines_that(|line| {
            line["target"].as_str().is_some_and(|target| target.starts_with(library))
                && matches!(line["level"].as_str(), Some("TRACE" | "DEBUG" | "INFO"))
        });
        assert_eq!(loud, Vec::<Value>::new(), "{library} may quote anything");
    }
    assert!(!said.contains("panicked"), "{said}");
    secrets.len()
}

/// Frames that cannot be read, with what must not be seen in them.
fn nonsense(world: &WorldAt) {
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    let texts = [
        format!("{NAME} {NUMBER} {VALUE}"),
        format!("{{\"{NAME}\": \"{VALUE}\""),
        json!({ "topicName": topic, "eventBody": VALUE }).to_string(),
        json!({ "topicName": topic, "eventBody": { "name": NAME } }).to_string(),
        json!({ "topicName": topic, "eventBody": { "id": "c", "participants": [NAME, NUMBER] } })
            .to_string(),
        format!(
            "{{\"topicName\":\"{topic}\",\"eventBody\":{{\"id\":\"c\",\"name\":\"{NAME}\",\"name\":}}}}"
        ),
    ];
    for text in texts {
        let toss = Toss { text: Some(text), topics: vec![topic.clone()], ..Toss::default() };
        world.simulator.toss(&toss);
    }
}

/// Files that cannot be used, with values in every place that a report could quote.
fn bad_files(setup: &Setup, daemon: &Daemon) {
    let files = [
        format!("[[rule]]\nname = \"a\"\nset.\"k\" = \"{PLAIN} {{{{ nonsense }}}}\"\n"),
        format!("[[rule]]\nname = \"a\"\nset.\"k\" = \"{PLAIN}\n"),
        format!("[[rule]]\nname = \"a\"\nset.\"k\" = [\"{PLAIN}\"]\n"),
        format!("[[rule]]\nname = \"a\"\nset.\"k\" = {PLAIN}\n"),
        format!(
            "[[rule]]\nname = \"a\"\nmatch.customer.number = {{ like = \"{NUMBER}\" }}\nset.k = \"x\"\n"
        ),
        format!("[[rule]]\nname = \"a\"\nmatch.participant.held = \"{VALUE}\"\nset.k = \"x\"\n"),
    ];
    for rules in files {
        setup.write_rules(&rules);
        let before = daemon.logged();
        daemon.signal("HUP");
        daemon.wait_log_from(before, "the rules stay as they are");
    }
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup
        .configure(&text.replace("client_id", &format!("client_secret = \"{SECRET}\"\nclient_id")));
    let before = daemon.logged();
    daemon.signal("HUP");
    daemon.wait_log_from(before, "the configuration stays as it is");
}

/// What was planted, and what the simulator gave out and was sent.
fn secrets(world: &WorldAt) -> BTreeSet<String> {
    let planted = [SECRET, NUMBER, NAME, VALUE, SUBJECT, PLAIN, ADDRESS, AGENT, COLLEAGUE];
    let mut secrets: BTreeSet<String> = planted.map(str::to_owned).into();
    for entry in world.simulator.requests() {
        let answer = entry.answer.unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        secrets.extend(text(&answer["access_token"]));
        if entry.path.ends_with("/notifications/channels") {
            secrets.extend(text(&answer["id"]));
            secrets.extend(text(&answer["connectUri"]));
        }
        for party in answer["participants"].as_array().into_iter().flatten() {
            secrets.extend(
                ["name", "participantName", "ani", "address"]
                    .map(|key| &party[key])
                    .into_iter()
                    .filter_map(text),
            );
        }
        if entry.method == "PATCH" {
            let sent = entry.request.unwrap_or_default();
            let values = sent["attributes"].as_object().into_iter().flatten();
            secrets.extend(values.filter_map(|(_, value)| text(value)));
        }
    }
    // Short words and ids are no proof: `true` and a queue's id are everywhere.
    secrets.retain(|secret| {
        secret.chars().count() >= 8 && !attributed::genesys::names::looks_like_id(secret)
    });
    secrets
}

fn around(text: &str, found: &str) -> String {
    let lines = text.lines().filter(|line| line.contains(found));
    lines.take(3).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_planted_value_is_in_the_world_and_reaches_it() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(&rules(), "");
    let daemon = setup.start();
    daemon.wait_ready();
    world.simulator.inject(planted(&world, "c1", 0));
    let to_customer = daemon.wait("a write to the customer", || {
        let writes = world.writes("c1");
        writes.into_iter().find(|write| write.ids["participantId"] == customer("c1"))
    });
    let sent = to_customer.request.unwrap();
    assert_eq!(sent["attributes"]["cc.plain"], PLAIN);
    assert_eq!(sent["attributes"]["cc.copied"], format!("{VALUE}, {NUMBER}"));
}
