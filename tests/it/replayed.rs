//! `record` and `replay`: what a recording holds, and that it replays.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use attributed::simulator::Options;
use attributed::simulator::world::{Shape, World};
use attributed::status::counted::counted;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::command::attributed;
use crate::daemon::{Setup, wait};
use crate::world_at::WorldAt;

const NUMBER: &str = "+4915212345678";
const NAME: &str = "Canary Winterbottom";
const VALUE: &str = "canary attribute value";
const SUBJECT: &str = "canary subject of an e-mail";
const ADDRESS: &str = "canary.winterbottom@example.com";

/// Rules that need prefixes, ids, words and times only.
fn rules(user: &str) -> String {
    format!(
        "[[rule]]\nname = \"german\"\nmatch.participant.purpose = \"agent\"\nmatch.customer.number.prefix = \"+4915\"\nset.\"cc.german\" = true\n
[[rule]]\nname = \"austrian\"\nmatch.customer.number.prefix = \"+43\"\nset.\"cc.austrian\" = true\n
[[rule]]\nname = \"hers\"\nmatch.participant.user_id = \"{user}\"\nmatch.participant.state = \"connected\"\nset.\"cc.agent\" = \"{{{{ participant.user_id }}}}\"\n
[[rule]]\nname = \"planted\"\nmatch.customer.attributes.planted.exists = true\nset.\"cc.planted\" = true\n
[[rule]]\nname = \"held\"\nmatch.participant.held = true\nset.\"cc.held\" = true\notherwise.\"cc.held\" = false\n"
    )
}

/// A call that holds everything that must not be seen.
fn planted(world: &WorldAt, id: &str, held: bool) -> Value {
    let mut body = world.body(id, 0, held);
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
    body["participants"][1]["name"] = world.user(0).name.clone().into();
    body
}

/// A recording under way.
struct Recorder {
    child: Child,
    said: BufReader<std::process::ChildStderr>,
}

impl Recorder {
    fn start(setup: &Setup, more: &[&str]) -> Recorder {
        let mut child = Command::new(env!("CARGO_BIN_EXE_attributed"))
            .args(["record", "events.jsonl"])
            .args(more)
            .current_dir(setup.dir.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut recorder = Recorder { child, said };
        let mut all = String::new();
        while !all.contains("listening to") {
            let read = recorder.said.read_line(&mut all).unwrap();
            assert!(read > 0, "it never listened:\n{all}");
        }
        recorder
    }

    /// Ends it as Ctrl-C does; returns its code and what it said last.
    fn end(mut self) -> (Option<i32>, String) {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// What came of each rule: matches, writes, conversations, keys.
fn tallies(folder: &Path, file: &str) -> BTreeMap<String, Value> {
    let said = attributed(folder, &["replay", file, "--output", "json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let lines = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rules = lines.filter_map(|line| line.get("rule").cloned());
    rules.map(|rule| (rule["rule"].as_str().unwrap().to_owned(), rule)).collect()
}

#[test]
fn a_redacted_recording_shows_nobody_and_replays() {
    let world = WorldAt::quiet(2);
    let rules = rules(&world.user(0).id);
    let (redacted, plain) = (world.setup(&rules, ""), world.setup(&rules, ""));
    let recorders = [
        Recorder::start(&redacted, &[]),
        Recorder::start(&plain, &["--unredacted", "--yes", "--yes"]),
    ];
    for held in [false, true, false] {
        world.simulator.inject(planted(&world, "canary-1", held));
    }
    world.simulator.inject(world.body("canary-2", 1, false));
    let text = |setup: &Setup| {
        let text = fs::read_to_string(setup.path("events.jsonl")).unwrap_or_default();
        (text.lines().filter(|line| line.contains("\"canary-")).count() == 4).then_some(text)
    };
    let hidden = wait("the redacted recording", || text(&redacted));
    let shown = wait("the other recording", || text(&plain));
    for recorder in recorders {
        let (code, said) = recorder.end();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("4 frames"), "{said}");
    }
    let secrets = [NUMBER, NAME, VALUE, SUBJECT, ADDRESS, "gold", &world.user(0).name[..]];
    for secret in secrets.iter().flat_map(|secret| [*secret, secret.trim_start_matches('+')]) {
        assert!(!hidden.contains(secret), "{secret}");
        assert!(shown.contains(secret), "{secret} was never in it, and this proves nothing");
    }
    assert!(hidden.contains("@example.com") && hidden.contains("tel:+4915"), "{hidden}");
    for setup in [&redacted, &plain] {
        let mode = fs::metadata(setup.path("events.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // The daemon's own channels are left alone, and nothing is written.
    assert!(!redacted.path("state/channels.json").exists());
    assert!(world.writes("canary-1").is_empty());

    let tallies = [&redacted, &plain].map(|setup| tallies(setup.dir.path(), "events.jsonl"));
    assert_eq!(tallies[0], tallies[1]);
    let writes = |rule: &str| tallies[0][rule]["writes"].as_u64().unwrap();
    let written = ["german", "austrian", "hers", "planted", "held"].map(writes);
    assert_eq!(written, [1, 0, 1, 1, 2]);

    let said = attributed(redacted.dir.path(), &["record", "events.jsonl"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("not overwritten"), "{}", said.err);
    let said = attributed(redacted.dir.path(), &["record", "new.jsonl", "--unredacted", "--yes"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(!redacted.path("new.jsonl").exists());
}

/// Frames of a world's whole conversations, as users' and queues' topics bring them.
fn frames(seed: u64) -> String {
    let start = Timestamp::from_second(1_790_000_000).unwrap();
    let mut world = World::new(seed, &Shape { rate: 4.0, ..Shape::default() }, start);
    let mut text = String::new();
    for step in 0..400 {
        let now = start + SignedDuration::from_millis(step * 100);
        for changed in world.advance(now) {
            let generic = changed.topics.iter().filter(|topic| topic.ends_with(".conversations"));
            for topic in generic {
                let frame = json!({
                    "received_at": now.to_string(), "channel": 1,
                    "topicName": topic, "eventBody": changed.body(topic),
                });
                text += &format!("{frame}\n");
            }
        }
    }
    text
}

#[test]
fn a_world_is_replayed_and_compared() {
    let seed = 5;
    println!("seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let example = include_str!("../../rules.example.toml");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("rules.toml"), example).unwrap();
    fs::write(
        path("other.toml"),
        example.replace("set.\"cc.transferred\" = true", "set.\"cc.transferred\" = \"yes\""),
    )
    .unwrap();
    let frames = frames(seed);
    let events = frames.lines().count();
    let bad = "this is no event\n{\"topicName\":7}\n{\"topicName\":\"channel.metadata\"}\n";
    fs::write(path("events.jsonl"), format!("{bad}{frames}")).unwrap();
    let replay = |more: &[&str]| {
        let base = ["replay", "events.jsonl", "--rules", "rules.toml"];
        attributed(folder.path(), &[&base[..], more].concat())
    };
    let said = replay(&[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let read = format!("{} in {}", counted(events, "event"), counted(events + 3, "line"));
    assert!(said.out.contains(&read), "{}", said.out);
    assert!(said.out.contains("2 bad lines") && said.out.contains("events/s"), "{}", said.out);
    assert!(said.err.contains("events.jsonl:1: it is no event"), "{}", said.err);
    let same = replay(&["--against", "rules.toml"]);
    assert!(same.out.contains("both sets of rules write the same"), "{}", same.out);
    let said = replay(&["--against", "other.toml", "--output", "json"]);
    let lines: Vec<Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |name: &str| lines.iter().filter_map(|line| line.get(name)).cloned().collect::<Vec<_>>();
    let (writes, changes) = (of("write"), of("change"));
    let transferred = writes.iter().filter(|write| write["key"] == "cc.transferred").count();
    assert!(transferred > 0, "nobody was transferred, and this proves nothing");
    assert_eq!(changes.len(), transferred);
    for change in &changes {
        assert_eq!(
            (&change["kind"], &change["key"]),
            (&json!("changes"), &json!("cc.transferred"))
        );
    }
    let told: u64 = of("rule").iter().map(|rule| rule["writes"].as_u64().unwrap()).sum();
    assert_eq!(told, writes.len() as u64);
    assert_eq!(of("bad_line").len(), 2);
    assert_eq!(of("summary")[0]["events"], events);

    fs::write(path("empty.jsonl"), "{}\n").unwrap();
    for (arguments, code) in [
        (&["replay", "empty.jsonl", "--rules", "rules.toml"][..], 1),
        (&["replay", "nowhere.jsonl", "--rules", "rules.toml"], 69),
        (&["replay", "events.jsonl", "--rules", "nowhere.toml"], 78),
        (&["replay", "events.jsonl", "--rules", "rules.toml", "--speed", "fast"], 2),
        (&["replay"], 2),
    ] {
        let said = attributed(folder.path(), arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
    }
}

/// The options of a world are not what this is about, but that a real day can be recorded.
#[test]
fn a_recording_ends_by_itself() {
    let shape = Shape { users: 5, rate: 5.0, pace: 0.2, ..Shape::default() };
    let world = WorldAt::start(Options { seed: 9, shape, ..Options::default() });
    let setup = world.setup(&rules("nobody"), "");
    let said = attributed(setup.dir.path(), &["record", "day.jsonl", "--for", "4s"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let text = fs::read_to_string(setup.path("day.jsonl")).unwrap();
    assert!(text.starts_with("{\"recording\""), "{text}");
    for user in 0..5 {
        let user = world.user(user);
        assert!(!text.contains(&user.name) && !text.contains(&user.email), "{}", user.name);
    }
    if text.lines().count() > 1 {
        tallies(setup.dir.path(), "day.jsonl");
    }
}

#[test]
fn at_a_speed_each_write_is_shown() {
    let world = World::new(1, &Shape::default(), Timestamp::UNIX_EPOCH);
    let user = world.users()[0].id.clone();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.toml"), rules(&user)).unwrap();
    let event = |second: u32, state: &str| {
        json!({
            "received_at": format!("2026-11-20T14:00:{second:02}Z"),
            "topicName": format!("v2.users.{user}.conversations"),
            "eventBody": { "id": "c", "participants": [
                { "id": "p1", "purpose": "customer", "calls": [{ "id": "1", "state": "connected" }] },
                { "id": "p2", "purpose": "agent", "userId": user,
                  "calls": [{ "id": "2", "state": state }] },
            ] },
        })
    };
    let events = format!("{}\n{}\n", event(1, "alerting"), event(31, "connected"));
    fs::write(folder.path().join("events.jsonl"), events).unwrap();
    let arguments = ["replay", "events.jsonl", "--rules", "rules.toml", "--speed", "20x"];
    let begun = tokio::time::Instant::now();
    let said = attributed(folder.path(), &arguments);
    assert_eq!(said.code, 0, "{}", said.err);
    let (seconds, out) = (begun.elapsed().as_secs_f64(), said.out);
    assert!(seconds >= 1.5, "half a minute took {seconds} s at 20x");
    assert!(out.contains("2026-11-20T14:00:31Z c p1 cc.agent = "), "{out}");
    assert!(out.contains("2 events in 2 lines") && !out.contains("events/s"), "{out}");
}
