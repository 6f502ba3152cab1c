//! The world as a whole: one seed one world, whole lives, who hears what, and who may write.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::conversation::parties;
use super::*;

fn start() -> Timestamp {
    "2026-11-20T14:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn play(seed: u64, seconds: i64, shape: &Shape) -> (World, Vec<Changed>) {
    let mut world = World::new(seed, shape, start());
    let changes = world.advance(after(seconds));
    (world, changes)
}

fn print(changes: &[Changed]) -> Vec<String> {
    changes
        .iter()
        .map(|c| format!("{} {} {:?} {}", c.sequence, c.conversation, c.topics, c.generic()))
        .collect()
}

#[test]
fn one_seed_makes_one_world_however_often_it_is_looked_at() {
    let (_, whole) = play(7, 20, &Shape::default());
    let mut world = World::new(7, &Shape::default(), start());
    let pieces: Vec<Changed> = (1..=200)
        .flat_map(|n| world.advance(start() + SignedDuration::from_millis(n * 100)))
        .collect();
    assert_eq!(print(&whole), print(&pieces));
    let (_, other) = play(8, 20, &Shape::default());
    assert_ne!(print(&whole), print(&other));
}

#[test]
fn what_the_client_writes_does_not_change_lives() {
    let lives = |writes: bool| {
        let mut world = World::new(3, &Shape::default(), start());
        let mut seen = Vec::new();
        for n in 1..=150 {
            let now = start() + SignedDuration::from_millis(n * 100);
            for change in world.advance(now) {
                let party =
                    parties(change.generic()).next().unwrap()["id"].as_str().unwrap().to_owned();
                let states: Vec<String> = parties(change.generic())
                    .map(|p| format!("{} {}", p["id"], p["endTime"]))
                    .collect();
                if change.writes.iter().all(|write| write.who != Writer::Other) {
                    seen.push(states);
                }
                if writes {
                    let asked = BTreeMap::from([("cc.x".to_owned(), n.to_string())]);
                    world
                        .patch_attributes(&change.conversation, &party, &asked, Writer::Client, now)
                        .unwrap();
                }
            }
        }
        seen
    };
    assert_eq!(lives(true), lives(false));
}

/// States of each medium that were seen on legs, over all conversations.
fn states(changes: &[Changed]) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut seen: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for party in changes.iter().flat_map(|change| parties(change.generic())) {
        for array in ["calls", "callbacks", "emails", "messages"] {
            for leg in party[array].as_array().into_iter().flatten() {
                let held = if leg["held"] == true { "held " } else { "" };
                seen.entry(array)
                    .or_default()
                    .insert(format!("{held}{}", leg["state"].as_str().unwrap()));
            }
        }
    }
    seen
}

#[test]
fn lives_of_every_medium_go_through_all_their_states() {
    let (_, changes) = play(1, 60, &Shape { rate: 6.0, ..Shape::default() });
    let seen: Vec<String> = states(&changes)
        .into_iter()
        .map(|(media, states)| {
            format!("{media}: {}", states.into_iter().collect::<Vec<_>>().join(", "))
        })
        .collect();
    expect_test::expect![[r#"
        callbacks: alerting, connected, disconnected
        calls: alerting, connected, contacting, dialing, disconnected, held connected
        emails: alerting, connected, disconnected, parked
        messages: alerting, connected, disconnected, parked"#]]
    .assert_eq(&seen.join("\n"));
}

#[test]
fn transfers_consults_and_missed_alerts_happen() {
    let (world, changes) = play(2, 60, &Shape { rate: 8.0, ..Shape::default() });
    let count = |test: &dyn Fn(&Value) -> bool| {
        let ids: BTreeSet<&str> = changes
            .iter()
            .filter(|change| test(change.generic()))
            .map(|change| change.conversation.as_str())
            .collect();
        ids.len()
    };
    let legs = |party: &Value| party["calls"].as_array().cloned().unwrap_or_default();
    let transferred = count(&|body| body["recentTransfers"].is_array());
    let consulted = count(&|body| parties(body).any(|p| p["consultParticipantId"].is_string()));
    let missed = count(&|body| {
        parties(body).flat_map(legs).any(|leg| leg["disconnectType"] == "transfer.noanswer")
    });
    let twice = count(&|body| {
        let users: Vec<&str> = parties(body).filter_map(|p| p["userId"].as_str()).collect();
        users.iter().collect::<BTreeSet<_>>().len() < users.len()
    });
    let outbound =
        count(&|body| parties(body).flat_map(legs).any(|leg| leg["direction"] == "outbound"));
    let abandoned = count(&|body| {
        parties(body).all(|p| p["endTime"].is_string())
            && !parties(body).any(|p| p["userId"].is_string())
    });
    let counts = [transferred, consulted, missed, twice, outbound, abandoned];
    assert!(counts.iter().all(|&n| n >= 10), "too few of something: {counts:?}");
    let lives: Vec<i64> = world
        .open_conversations()
        .iter()
        .filter_map(|c| Some(c.ended?.duration_since(c.started).as_millis()))
        .map(|millis| i64::try_from(millis).unwrap())
        .collect();
    let mean = lives.iter().sum::<i64>() / i64::try_from(lives.len()).unwrap();
    assert!((8_000..20_000).contains(&mean), "lives of {mean} ms on average");
    assert!(lives.iter().all(|&life| life < 45_000), "nobody lives for ever");
}

#[test]
fn half_a_minute_has_enough_of_everything() {
    let (_, changes) = play(11, 20, &Shape::default());
    let mut watched: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for change in
        changes.iter().filter(|change| change.topics.iter().any(|t| t.starts_with("v2.users.")))
    {
        for media in change.topics.iter().filter_map(|topic| topic.rsplit_once(".conversations.")) {
            watched.entry(media.1).or_default().insert(&change.conversation);
        }
    }
    let all: BTreeSet<&str> = watched.values().flatten().copied().collect();
    assert!(all.len() >= 90, "only {}", all.len());
    assert!(watched.len() == 4 && watched.values().all(|of| of.len() >= 8), "{watched:?}");
}

#[test]
fn a_user_hears_while_involved_and_once_of_the_end() {
    let (_, changes) = play(4, 30, &Shape::default());
    let mut told: BTreeSet<String> = BTreeSet::new();
    for change in &changes {
        for party in parties(change.generic()).filter(|party| party["userId"].is_string()) {
            let topic = format!("v2.users.{}.conversations", party["userId"].as_str().unwrap());
            let id = party["id"].as_str().unwrap().to_owned();
            // Before the world was first looked at nobody was told.
            let before = party["endTime"].as_str().is_some_and(|end| end < "2026-11-20T14");
            let ended = party["endTime"].is_string();
            if before {
                continue;
            }
            if !ended || told.insert(id) {
                assert!(change.topics.contains(&topic), "{} is not told", party["id"]);
            }
        }
    }
    let waiting = changes.iter().find(|change| {
        parties(change.generic())
            .any(|party| party["purpose"] == "acd" && party["endTime"].is_null())
            && !parties(change.generic()).any(|party| party["userId"].is_string())
    });
    let topics = &waiting.unwrap().topics;
    assert!(topics.iter().all(|topic| topic.starts_with("v2.routing.queues.")), "{topics:?}");
}

#[test]
fn noise_is_a_few_per_cent_and_takes_nothing_that_matters() {
    let (_, changes) = play(5, 30, &Shape::default());
    let people: Vec<&Value> = changes.iter().flat_map(|change| parties(change.generic())).collect();
    let share = |test: &dyn Fn(&Value) -> bool| {
        people.iter().filter(|party| test(party)).count() * 1000 / people.len()
    };
    for (what, per_mille) in [
        ("unknown", share(&|party| party.get("additionalProperties").is_some())),
        ("null", share(&|party| party.get("groupId") == Some(&Value::Null))),
        ("missing", share(&|party| party.get("wrapupExpected").is_none())),
    ] {
        assert!((15..60).contains(&per_mille), "{what}: {per_mille} of a thousand");
    }
    assert!(people.iter().all(|party| party["id"].is_string() && party["purpose"].is_string()));
}

#[test]
fn patch_merges_put_replaces_and_both_refuse_what_is_not_there() {
    let mut world = World::new(1, &Shape { generate: false, ..Shape::default() }, start());
    let body = json!({ "id": "c", "participants": [{ "id": "p", "purpose": "customer", "userId": null,
        "connectedTime": "2026-11-20T14:00:00Z", "attributes": { "own": "1" } }] });
    world.inject(body, start());
    let asked = |text: &str| BTreeMap::from([("cc.a".to_owned(), text.to_owned())]);
    let changed = world.patch_attributes("c", "p", &asked("x"), Writer::Client, start()).unwrap();
    assert_eq!(
        changed.generic()["participants"][0]["attributes"],
        json!({ "cc.a": "x", "own": "1" })
    );
    let again = world.patch_attributes("c", "p", &asked("x"), Writer::Client, start()).unwrap();
    assert!(again.writes[0].changed.is_empty() && again.sequence > changed.sequence);
    world.put_attributes("c", "p", &asked("y"), Writer::Client, start()).unwrap();
    assert_eq!(world.participant_body("c", "p").unwrap()["attributes"], json!({ "cc.a": "y" }));
    let unknown = |c: &str, p: &str, w: &mut World| {
        w.patch_attributes(c, p, &asked("z"), Writer::Other, start())
    };
    assert_eq!(unknown("c", "q", &mut world).unwrap_err(), PatchRefused::ParticipantUnknown);
    assert_eq!(unknown("d", "p", &mut world).unwrap_err(), PatchRefused::ConversationUnknown);
    let over =
        json!({ "id": "c", "participants": [{ "id": "p", "endTime": "2026-11-20T14:00:01Z" }] });
    let changed = world.inject(over, start());
    assert_eq!(
        changed.generic()["participants"][0]["attributes"],
        json!({ "cc.a": "y" }),
        "they stay"
    );
    assert!(world.patch_attributes("c", "p", &asked("z"), Writer::Client, after(50)).is_ok());
    let late = world.patch_attributes("c", "p", &asked("z"), Writer::Client, after(90));
    assert_eq!(late.unwrap_err(), PatchRefused::ConversationUnknown);
}

#[test]
fn after_the_generator_stops_the_world_comes_to_rest() {
    let (mut world, _) = play(9, 20, &Shape::default());
    world.stop_generating(after(20));
    world.advance(after(27));
    assert_eq!(world.next_due(), None);
    let (over, alive): (Vec<_>, Vec<_>) =
        world.open_conversations().into_iter().partition(|c| c.ended.is_some());
    assert!(over.len() > 10 && alive.len() > 10, "{} over, {} alive", over.len(), alive.len());
}

#[test]
fn others_overwrite_only_what_the_client_wrote() {
    let mut world = World::new(6, &Shape { pace: 20.0, ..Shape::default() }, start());
    let mut theirs = 0;
    for n in 1..=300 {
        let now = start() + SignedDuration::from_millis(n * 100);
        for change in world.advance(now) {
            let contested =
                |write: &AttributeWrite| write.asked.keys().any(|key| key.starts_with("cc."));
            theirs += change
                .writes
                .iter()
                .filter(|write| write.who == Writer::Other && contested(write))
                .inspect(|write| assert!(write.asked.keys().all(|key| key == "cc.x")))
                .count();
            let party =
                parties(change.generic()).next().unwrap()["id"].as_str().unwrap().to_owned();
            let asked = BTreeMap::from([("cc.x".to_owned(), n.to_string())]);
            world
                .patch_attributes(&change.conversation, &party, &asked, Writer::Client, now)
                .unwrap();
        }
    }
    assert!(theirs > 5, "{theirs}");
    let (_, alone) = play(6, 30, &Shape::default());
    assert!(
        alone
            .iter()
            .flat_map(|c| &c.writes)
            .all(|w| w.asked.keys().all(|key| !key.starts_with("cc.")))
    );
}
