//! The oracle over a whole world: a client who does as it says is right, one who does nothing or
//! too much is not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Oracle, Verdict};
use crate::simulator::world::{Changed, Shape, World, Writer};

const RULES: &str = r#"
[[rule]]
name = "handled by"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.agent" = "{{ participant.user_name }}"

[[rule]]
name = "hold"
match.participant.held = true
set."cc.hold" = "true"
otherwise."cc.hold" = "false"

[[rule]]
name = "tier"
match.customer.attributes."crm.tier" = ["gold", "silver"]
match.participant.purpose = { not = "customer" }
set."cc.tier" = "{{ customer.attributes[\"crm.tier\"] }} {{ conversation.direction }}"
write = "first"

[[rule]]
name = "waiting"
match.acd.queue = ["Billing", "Support"]
set."cc.queue" = "{{ acd.queue }}"

[[rule]]
name = "wrapped up"
match.participant.ended = true
match.participant.wrapup_code = { exists = true }
set."cc.wrapup" = "{{ participant.wrapup_code }}"

[[rule]]
name = "alerted"
match.participant.state = "alerting"
target = "participant"
set."cc.number" = "{{ participant.number }}"
write = "if-absent"
"#;

/// Plays 20 s with every user and queue watched, lets it rest, and has `client` act once a second.
fn play(
    seed: u64,
    mut client: impl FnMut(&Verdict) -> Vec<(String, String, String, String)>,
) -> Verdict {
    let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
    let mut world = World::new(seed, &Shape::default(), start);
    let users: BTreeSet<String> = world.users().iter().map(|user| user.id.clone()).collect();
    let mut oracle = Oracle::new(&world, users);
    oracle.rules(RULES, start).unwrap();
    let mut media: BTreeSet<String> = BTreeSet::new();
    for n in 1..=30 {
        let now = start + SignedDuration::from_secs(n);
        if n == 20 {
            world.stop_generating(now);
        }
        for change in world.advance(now) {
            oracle.changed(&change, now);
            media.extend(deliver(&mut oracle, &change, now));
        }
        for (conversation, participant, key, value) in client(&oracle.verdict(&world)) {
            let asked = BTreeMap::from([(key, value)]);
            let written =
                world.patch_attributes(&conversation, &participant, &asked, Writer::Client, now);
            let change = written.unwrap();
            oracle.changed(&change, now);
            deliver(&mut oracle, &change, now);
        }
    }
    assert_eq!(world.next_due(), None);
    assert_eq!(media.len(), 4, "{media:?}");
    oracle.verdict(&world)
}

fn deliver(oracle: &mut Oracle, change: &Changed, now: Timestamp) -> Vec<String> {
    if !change.topics.is_empty() {
        oracle.delivered(1, change.sequence, change.generic(), now);
    }
    let media = change.topics.iter().filter_map(|topic| topic.rsplit_once(".conversations."));
    media.map(|(_, media)| media.to_owned()).collect()
}

/// What is wrong, as writes that would put it right.
fn corrections(verdict: &Verdict) -> Vec<(String, String, String, String)> {
    let right = |wrong: &super::Wrong| {
        let expected = wrong.expected.clone()?;
        Some((wrong.conversation.clone(), wrong.participant.clone(), wrong.key.clone(), expected))
    };
    verdict.wrong.iter().filter_map(right).collect()
}

#[test]
fn a_client_who_writes_what_is_wished_is_right() {
    for seed in [7, 8] {
        let verdict = play(seed, corrections);
        assert!(verdict.is_right(), "{verdict:#?}");
        assert_eq!((verdict.redundant_writes, verdict.excused), (0, 0));
        assert!(verdict.concerned >= 100, "{}", verdict.concerned);
    }
}

#[test]
fn a_client_who_writes_nothing_is_wrong_everywhere() {
    let verdict = play(7, |_| Vec::new());
    assert_eq!(verdict.right, 0, "{verdict:#?}");
}

#[test]
fn a_client_who_writes_twice_is_found_out() {
    let verdict = play(7, |verdict| {
        corrections(verdict).into_iter().flat_map(|write| [write.clone(), write]).collect()
    });
    assert!(verdict.redundant_writes > 300, "{}", verdict.redundant_writes);
}
