//! What is logged: the table of events in the README is that of the source, and how much is logged
//! can be changed while the service runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use attributed::simulator::{Toss, Treatment};
use serde_json::json;

use crate::command::{Said, attributed, says};
use crate::daemon::{Daemon, Setup, message};
use crate::tidy::daemons_code;
use crate::world_at::{ANSWERED, WorldAt};

/// Where frames are read.
const INTAKE: &str = "attributed::events::channels::intake";

/// Of an event: its levels and the names of its fields.
type Told = (BTreeSet<String>, BTreeSet<String>);

/// The parts of a macro's arguments, split at commas that are in no bracket and no text.
fn arguments(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0, false);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => {
                match characters.next() {
                    // A line that goes on.
                    Some('\n') => characters = characters.as_str().trim_start().chars(),
                    Some(next) => parts.last_mut().unwrap().push(next),
                    None => {}
                }
                continue;
            }
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The events of the service.
fn in_the_source() -> BTreeMap<String, Told> {
    let mut events: BTreeMap<String, Told> = BTreeMap::new();
    for (path, text) in daemons_code() {
        for level in ["trace", "debug", "info", "warn", "error"] {
            let name = format!("{level}!(");
            for (at, _) in text.match_indices(&name) {
                let inside = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                assert!(!inside, "{}: an unknown macro ends with {name}", path.display());
                let mut fields = arguments(&text[at + name.len()..]);
                let message = fields.pop().unwrap();
                let message = message.trim_matches('"').to_owned();
                let event = events.entry(message).or_default();
                event.0.insert(level.to_uppercase());
                event.1.extend(fields.iter().map(|field| {
                    let name = field.split(" = ").next().unwrap();
                    name.trim_start_matches(['%', '?']).to_owned()
                }));
            }
        }
    }
    events
}

fn in_the_readme() -> BTreeMap<String, Told> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, section) = text.split_once("### Events of the log").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let words = |cell: &str| cell.split_whitespace().map(str::to_owned).collect();
    let mut events = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [event, levels, fields, ..] = cells[..] else { panic!("{line}") };
        let event =
            event.strip_prefix("`` ").and_then(|it| it.strip_suffix(" ``")).unwrap_or(event);
        let event = if event.starts_with('`') { event.trim_matches('`') } else { event };
        let twice = events.insert(event.to_owned(), (words(levels), words(fields)));
        assert!(twice.is_none(), "twice in the table: {event}");
    }
    events
}

#[test]
fn the_table_of_events_is_that_of_the_source() {
    let (source, readme) = (in_the_source(), in_the_readme());
    assert!(source.len() > 100, "the events were not found: {}", source.len());
    for (event, told) in &source {
        assert_eq!(readme.get(event), Some(told), "in the README's table: {event}");
    }
    for event in readme.keys() {
        assert!(source.contains_key(event), "logged nowhere any more: {event}");
    }
}

fn log_level(setup: &Setup, arguments: &[&str]) -> Said {
    attributed(setup.dir.path(), &[&["log-level"], arguments].concat())
}

fn is_noisy(daemon: &Daemon, from: usize, level: &str) -> bool {
    daemon.log_lines_from(from, "").iter().any(|line| line["level"] == level)
}

#[test]
fn the_level_changes_while_it_runs_and_comes_back_with_a_restart() {
    let world = WorldAt::quiet(2);
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    says(&log_level(&setup, &[]), 0, &["info, as configured"]);
    assert!(!is_noisy(&daemon, 0, "DEBUG"));
    let said = log_level(&setup, &["info,updates=debug,events=trace"]);
    says(
        &said,
        0,
        &["info,updates=debug,events=trace until the next start, which brings back info"],
    );
    assert_eq!(daemon.wait_log("log level changed")["before"], "info");
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    let frame = Some(json!({ "topicName": "v2.users.somebody.presence", "eventBody": {} }));
    assert_eq!(world.simulator.toss(&Toss { frame, topics: vec![topic], ..Toss::default() }), 1);
    let line = daemon.wait_log("frame of a topic we did not ask for");
    assert_eq!((&line["level"], &line["target"]), (&"DEBUG".into(), &INTAKE.into()));
    // What is not ours is not made louder, and what makes no sense is refused.
    for (wrong, part) in
        [("loud", "is not a level"), ("tungstenite=trace", "is no part of the service")]
    {
        says(&log_level(&setup, &[wrong]), 1, &[part, "info,updates=debug"]);
    }
    says(&log_level(&setup, &["warn"]), 0, &["warn until the next start"]);
    daemon.wait_line_from(0, "the change to warn", |line| line["now"] == "warn");
    let from = daemon.logged();
    world.call("c2", 1);
    world.wait_written(&daemon, "c2");
    assert!(!is_noisy(&daemon, from, "INFO"), "{}", daemon.log_text());
    // A reload that does not change it leaves it; one that does takes over.
    says(&attributed(setup.dir.path(), &["reload", "--wait"]), 0, &[]);
    says(&log_level(&setup, &["--output", "json"]), 0, &["\"level\": \"warn\""]);
    let text = fs::read_to_string(setup.path("attributed.toml")).unwrap();
    setup.configure(&text.replace("[log]\n", "[log]\nlevel = \"debug\"\n"));
    says(&attributed(setup.dir.path(), &["reload", "--wait"]), 0, &[]);
    says(&log_level(&setup, &[]), 0, &["debug, as configured"]);
    setup.configure(&text);
    daemon.kill();
    let daemon = setup.start();
    daemon.wait_ready();
    says(&log_level(&setup, &[]), 0, &["info, as configured"]);
}

#[test]
fn libraries_stay_quiet_at_the_noisiest_level_that_can_be_asked_for() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    let daemon = setup.start();
    daemon.wait_ready();
    says(&log_level(&setup, &["trace,genesys=trace,events=trace"]), 0, &[]);
    let from = daemon.logged();
    // Sockets and connections are made anew, with their tokens and addresses.
    world.simulator.treat(Treatment::Drop, None);
    daemon.wait_log_from(from, "connected again");
    world.simulator.revoke_tokens();
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    let foreign = daemon.lines_that(|line| {
        let target = line["target"].as_str().unwrap_or_default();
        !target.starts_with("attributed")
            && !matches!(line["level"].as_str(), Some("WARN" | "ERROR"))
    });
    assert!(foreign.is_empty(), "{foreign:#?}");
    let text = daemon.log_text();
    for secret in ["Bearer", "Basic ", "\"demo\\n\"", "/channels/"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn what_repeats_is_summed_up_and_the_first_is_shown() {
    let world = WorldAt::quiet(1);
    let setup = world.setup(ANSWERED, "");
    let mut daemon = setup.start();
    daemon.wait_ready();
    let topic = format!("v2.users.{}.conversations", world.user(0).id);
    for _ in 0..30 {
        let frame = Some(json!({ "topicName": topic, "eventBody": {} }));
        let toss = Toss { frame, topics: vec![topic.clone()], ..Toss::default() };
        assert_eq!(world.simulator.toss(&toss), 1);
    }
    daemon.wait("the frames on their way", || {
        (world.simulator.overview()["frames_under_way"] == 0).then_some(())
    });
    world.call("c1", 0);
    world.wait_written(&daemon, "c1");
    daemon.signal("TERM");
    daemon.wait_exit();
    let skipped = "frame skipped: its body cannot be read";
    assert_eq!(daemon.log_count(skipped), 10, "{}", daemon.log_text());
    let sum = daemon.wait_log("more in the last minute");
    assert_eq!((message(&sum), &sum["event"]), ("and 20 more in the last minute", &skipped.into()));
    assert_eq!(sum["level"], "WARN");
}
