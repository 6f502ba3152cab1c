//! The whole of it: a busy organisation, its bad days, and an operator who reloads and stops.
//!
//! The simulator has an oracle of its own that says, key by key, whether everything is as it should
//! be. That it can say no is tried out, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attributed::config::Network;
use attributed::genesys::http::Internet;
use attributed::genesys::outside::Outside;
use attributed::simulator::world::Shape;
use attributed::simulator::{Limits, Options, RULES, Treatment};
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::daemon::{Daemon, PATIENCE, Setup, wait, wait_within};
use super::judgement::{MEDIA, judge, medium, users_of};
use super::simulated::{Simulated, UNLIMITED, unlimited};

const USERS: usize = 1_200;
/// Of each medium, so many conversations have to be written to.
const CONVERSATIONS: usize = 50;
/// The backlog at the stop, in participants.
const BACKLOG: u64 = 200;
const SEED: u64 = 11;

/// Windows of ten seconds, so that a refusal for the budget is over soon.
fn limits() -> Limits {
    Limits { window: Duration::from_secs(10), ..unlimited() }
}

#[test]
fn everything_is_delivered_whatever_happens() {
    let shape = Shape { users: USERS, queues: 8, rate: 5.0, pace: 0.8, ..Shape::default() };
    let simulated = Simulated::start(Options {
        seed: SEED,
        shape,
        limits: limits(),
        record_bodies: true,
        ..Options::default()
    });
    simulated.rules(RULES).unwrap();
    simulated.client_watches_all();
    // The last wishes of conversations that end during the backlog are to be waited for, however
    // slow the machine is: after that time they would be given up.
    let more = format!(
        "[updates]\n{UNLIMITED}merge_window = \"200ms\"\nafter_end = \"10m\"\ndrain = \"50s\"\n\
         confirm_after = \"10m\"\nfight_key_writes = 20\n"
    );
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, &more);
    let mut daemon = setup.start();
    daemon.wait_ready();
    wait_connected(&simulated);

    sockets_drop(&simulated, &daemon);
    token_is_revoked(&simulated, &daemon);
    let rules = reload_good_rules(&simulated, &daemon, &setup);
    reload_bad_rules(&simulated, &daemon, &setup, &rules);
    wait_each_medium(&simulated, &daemon);
    both_channels_carried(&simulated);
    stop_with_a_backlog(&simulated, &mut daemon);

    judge(&simulated).unwrap();
    assert!(simulated.verdict().concerned > 4 * CONVERSATIONS);
    others_attributes_are_there(&simulated);
    let requests = simulated.requests();
    let count = |method: &str, path: &str| {
        requests.iter().filter(|entry| entry.method == method && entry.path == path).count()
    };
    let tokens = count("POST", "/oauth/token");
    assert!((2..=3).contains(&tokens), "{tokens} tokens were asked for");
    let reads = count("GET", "/api/v2/conversations/{conversationId}");
    assert!(reads > 5, "{reads} reads of what the gaps may have hidden");
}

fn wait_connected(simulated: &Simulated) {
    wait("both channels to be connected", || {
        (topics_by_channel(simulated) == [200, 1_000]).then_some(())
    });
}

/// Topics of each channel that is connected, the fewest first.
fn topics_by_channel(simulated: &Simulated) -> Vec<u64> {
    let overview = simulated.overview();
    let channels = overview["channels"].as_array().unwrap().iter();
    let mut topics: Vec<u64> = channels
        .filter(|channel| channel["connected"] == true)
        .map(|channel| channel["topics"].as_u64().unwrap())
        .collect();
    topics.sort_unstable();
    topics
}

fn wait_each_medium(simulated: &Simulated, daemon: &Daemon) {
    let mut seen = BTreeSet::new();
    let mut media: BTreeMap<&str, usize> = BTreeMap::new();
    let mut from = 0;
    wait_within(3 * PATIENCE, "fifty conversations of each medium to be written to", || {
        let logged = daemon.logged();
        for line in daemon.log_lines_from(from, "pushed") {
            let conversation = line["conversation_id"].as_str().unwrap().to_owned();
            if !seen.contains(&conversation) {
                let medium = simulated.look(|world| medium(world, &conversation)).unwrap();
                *media.entry(medium).or_default() += 1;
                seen.insert(conversation);
            }
        }
        from = logged;
        let enough = |medium| media.get(medium).is_some_and(|count| *count >= CONVERSATIONS);
        MEDIA.into_iter().all(enough).then_some(())
    });
    println!("written to: {media:?}");
}

fn wait_writes(daemon: &Daemon, more: usize) {
    let before = daemon.log_count("pushed");
    wait("some writes", || (daemon.log_count("pushed") >= before + more).then_some(()));
}

fn sockets_drop(simulated: &Simulated, daemon: &Daemon) {
    wait_writes(daemon, 20);
    let from = daemon.logged();
    assert_eq!(simulated.treat(Treatment::Drop, None), 2);
    daemon.wait_log_from(from, "disconnected");
    daemon.wait_log_from(from, "events may have been missed");
    wait_connected(simulated);
}

fn token_is_revoked(simulated: &Simulated, daemon: &Daemon) {
    let from = daemon.logged();
    assert!(simulated.revoke_tokens() > 0);
    daemon.wait_log_from(from, "token revoked");
    wait_writes(daemon, 20);
}

/// Returns the new rules.
fn reload_good_rules(simulated: &Simulated, daemon: &Daemon, setup: &Setup) -> String {
    let rules = RULES.replace(r#"set."cc.desk" = "service""#, r#"set."cc.desk" = "front""#);
    assert_ne!(rules, RULES);
    setup.write_rules(&rules);
    let from = daemon.logged();
    daemon.signal("HUP");
    daemon.wait_log_from(from, "rules reloaded");
    simulated.rules(&rules).unwrap();
    wait_desk(simulated, daemon);
    rules
}

/// Waits for a write that only the reloaded rules make.
fn wait_desk(simulated: &Simulated, daemon: &Daemon) {
    let (from, number) = (daemon.logged(), simulated.count());
    wait("a write by the rules in force", || {
        let mut pushed = daemon.log_lines_from(from, "pushed");
        let by = |line: &Value| line["rules"].as_str().unwrap().contains("desk-service");
        pushed.retain(by);
        let ids: BTreeSet<&str> =
            pushed.iter().map(|line| line["correlation_id"].as_str().unwrap()).collect();
        // What was on its way during the reload may still be the old value.
        let is_new = |request: &Value| request["attributes"]["cc.desk"] == "front";
        let mut writes = simulated.accepted_since(number).into_iter();
        writes
            .any(|write| {
                ids.contains(&*write.correlation_id) && write.request.as_ref().is_some_and(is_new)
            })
            .then_some(())
    });
}

fn reload_bad_rules(simulated: &Simulated, daemon: &Daemon, setup: &Setup, rules: &str) {
    setup.write_rules(&rules.replace("match.participant.held", "match.participant.hold"));
    let from = daemon.logged();
    daemon.signal("HUP");
    let problem = daemon.wait_log_from(from, "rules problem");
    assert!(problem["reason"].as_str().unwrap().contains("hold"), "{problem}");
    assert!(problem["line"].as_u64().unwrap() > 1, "{problem}");
    let refused = daemon.wait_log_from(from, "the rules file cannot be used");
    assert_eq!(refused["level"], "ERROR");
    daemon.wait_status_that("that the rules are refused", |status| {
        status.contains("rules file REFUSED, earlier rules in force")
    });
    wait_desk(simulated, daemon);
}

/// On each of the two channels there was traffic that no other channel had, and it was written.
fn both_channels_carried(simulated: &Simulated) {
    let accepted = simulated.accepted();
    let written: BTreeSet<&String> =
        accepted.iter().map(|entry| &entry.ids["conversationId"]).collect();
    let channels = simulated.users_by_channel();
    assert_eq!(channels.len(), 2, "{:?}", channels.keys());
    for (channel, users) in channels {
        let only_here = |id: &&&String| {
            let of = simulated.look(|world| users_of(world, id));
            !of.is_empty() && of.iter().all(|user| users.contains(user))
        };
        let count = written.iter().filter(only_here).count();
        println!("channel {channel}: {count} conversations of its own were written to");
        assert!(count > 5, "channel {channel} carried {count}");
    }
}

fn stop_with_a_backlog(simulated: &Simulated, daemon: &mut Daemon) {
    simulated.set_limits(Limits { requests: 5, ..limits() });
    daemon.wait_log("throttled");
    let waiting = |status: &str| -> u64 {
        let part = status.split(", ").find_map(|part| part.strip_suffix(" waiting"));
        part.map_or(0, |count| count.parse().unwrap())
    };
    daemon.wait_status_that("the backlog", |status| waiting(status) >= BACKLOG + 20);
    simulated.stop_world();
    wait("the last lives to end", || {
        simulated.look(|world| world.next_due().is_none()).then_some(())
    });
    simulated.wait_taken_in(daemon);

    let from = daemon.logged();
    daemon.signal("TERM");
    let stopping = daemon.wait_log_from(from, "stopping");
    assert!(stopping["waiting"].as_u64().unwrap() >= BACKLOG, "{stopping}");
    let told = daemon.wait_notified("STOPPING=1");
    assert!(told.contains("participants wait"), "{told}");
    // What is in doubt is read before the drain begins, inside the same budget.
    simulated.set_limits(Limits { requests: 60, ..limits() });
    let draining = daemon.wait_log_from(from, "draining");
    assert!(draining["participants"].as_u64().unwrap() > 0, "{draining}");
    simulated.set_limits(limits());
    let status = daemon.wait_exit();
    assert_eq!(status.code(), Some(0), "{}", daemon.log_text());
    daemon.wait_log_from(from, "everything that waited was dealt with");
}

/// Where we wrote, what flows and other programs wrote is still there.
fn others_attributes_are_there(simulated: &Simulated) {
    let others = ["menu.choice", "ivr.Priority"];
    let mut seen = 0;
    for entry in simulated.accepted() {
        let (conversation, participant) =
            (&entry.ids["conversationId"], &entry.ids["participantId"]);
        let written = simulated.attributes(conversation, participant);
        if others.iter().all(|key| written.contains_key(*key)) {
            seen += 1;
        }
        for key in &entry.keys {
            assert!(key.starts_with("cc."), "{key} is not ours");
        }
    }
    assert!(seen > CONVERSATIONS, "only {seen} writes were beside those of others");
}

/// A world small enough to be looked at several times.
fn small() -> Options {
    Options {
        seed: 3,
        shape: Shape { users: 40, rate: 5.0, pace: 0.6, ..Shape::default() },
        limits: unlimited(),
        record_bodies: true,
        ..Options::default()
    }
}

/// Plays the small world to its end under a daemon with these arguments.
fn play_small(arguments: &[&str]) -> Simulated {
    let simulated = Simulated::start(small());
    simulated.rules(RULES).unwrap();
    let more = format!("[updates]\n{UNLIMITED}fight_key_writes = 20\n");
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, &more);
    let mut daemon = Daemon::start(&setup, arguments);
    daemon.wait_ready();
    wait("some conversations", || {
        let conversations = simulated.overview()["conversations"].as_u64().unwrap();
        (conversations > 110).then_some(())
    });
    simulated.stop_world();
    wait("the last lives to end", || {
        simulated.look(|world| world.next_due().is_none()).then_some(())
    });
    simulated.wait_quiet(&daemon);
    daemon.signal("TERM");
    assert_eq!(daemon.wait_exit().code(), Some(0), "{}", daemon.log_text());
    simulated
}

#[test]
fn the_judgement_fails_who_writes_nothing() {
    let simulated = play_small(&["--dry-run"]);
    assert_eq!(simulated.accepted().len(), 0);
    let verdict = simulated.verdict();
    assert!(verdict.concerned > CONVERSATIONS && verdict.right < verdict.concerned / 10);
    judge(&simulated).unwrap_err();
}

#[test]
fn the_judgement_fails_who_writes_everything_twice() {
    let simulated = play_small(&[]);
    judge(&simulated).unwrap();
    let writes = simulated.accepted().len();
    let repeated = write_again(&simulated);
    assert_eq!(simulated.accepted().len(), writes + repeated);
    let verdict = simulated.verdict();
    assert!(repeated > 50 && verdict.redundant_writes == repeated, "{verdict:#?}");
    assert!(verdict.is_right(), "writing twice does no other harm");
    judge(&simulated).unwrap_err();
}

/// Makes writes whose values are still there once more; returns how many were accepted.
fn write_again(simulated: &Simulated) -> usize {
    let internet = Internet::new(&Network::default()).unwrap();
    let done = AtomicUsize::new(0);
    let send = async |request: Request<Bytes>| internet.send(request, PATIENCE).await.unwrap();
    let again = async {
        let login = Request::post(format!("{}/oauth/token", simulated.url))
            .header("authorization", "Basic ZGVtbzpkZW1v")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"));
        let answer = send(login.unwrap()).await;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        for entry in simulated.accepted() {
            let (conversation, participant) =
                (&entry.ids["conversationId"], &entry.ids["participantId"]);
            let there = simulated.attributes(conversation, participant);
            let request = entry.request.unwrap();
            let mut asked = request["attributes"].as_object().unwrap().iter();
            if asked.any(|(key, value)| there.get(key).map(String::as_str) != value.as_str()) {
                continue;
            }
            let path = entry
                .path
                .replace("{conversationId}", conversation)
                .replace("{participantId}", participant);
            let request = Request::patch(format!("{}{path}", simulated.url))
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
                .body(Bytes::from(request.to_string()));
            if send(request.unwrap()).await.status() == 202 {
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(again);
    done.load(Ordering::Relaxed)
}
