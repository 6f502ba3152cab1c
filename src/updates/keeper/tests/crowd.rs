//! What a crowd of waiting participants costs.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::status::counts::Counts;
use crate::updates::keeper::Keeper;
use crate::updates::settings::Settings;
use crate::updates::wish::{Attributes, Observation, Seen, Wish, Write};

const PARTICIPANTS: usize = 100_000;
/// Of the whole process, in MiB: some 1.6 KiB each, with three keys.
const LIMIT: u64 = 200;

/// To be run alone, or what other tests hold is measured too.
#[test]
#[ignore = "measures the memory of the whole process"]
#[expect(clippy::print_stdout, reason = "a measurement is there to print")]
fn a_hundred_thousand_participants_wait_within_their_bound() {
    let (start, counts) = (Instant::now(), Arc::new(Counts::default()));
    let before = resident();
    // One rule alone does not fill it.
    let settings = Settings { max_pending: 2 * PARTICIPANTS, ..Settings::for_tests() };
    let mut keeper = Keeper::new(settings, Arc::clone(&counts), 1, start);
    let rule: Arc<str> = Arc::from("a rule");
    let in_force = Arc::default();
    for number in 0..PARTICIPANTS {
        keeper.observe(&observation(number, 0, &rule, &in_force, start), start);
    }
    assert_eq!(keeper.len(), PARTICIPANTS);
    let waiting = resident();
    let later = start + Duration::from_secs(1);
    keeper.wake(later);
    let woken = resident();
    // The API stands still, and everything changes again and again: it merges, and nothing grows.
    for round in 1..4 {
        for number in 0..PARTICIPANTS {
            keeper.observe(&observation(number, round, &rule, &in_force, start), later);
        }
    }
    let merged = resident();
    let rows = keeper.changes(
        crate::updates::calendar::Calendar::new(start, jiff::Timestamp::UNIX_EPOCH),
        later,
    );
    let journal = resident();
    println!(
        "MiB: {before} before, {waiting} with {PARTICIPANTS} waiting, {woken} ready, {merged} after \
         three further rounds, {journal} with their rows made"
    );
    assert!(rows.is_some());
    assert_eq!(keeper.len(), PARTICIPANTS);
    assert!(merged - before < LIMIT, "{} MiB", merged - before);
    let newest = keeper.take(later).unwrap();
    assert!(newest.changes().values().all(|value| value.ends_with("round 3")));
}

/// Of a conversation with two participants, ten attributes and three wishes.
fn observation(
    number: usize,
    round: usize,
    rule: &Arc<str>,
    in_force: &Arc<std::collections::BTreeSet<u64>>,
    at: Instant,
) -> Observation {
    let id = |kind: usize| format!("{kind:08x}-0000-4000-8000-{number:012x}");
    let attributes =
        (0..10).map(|n| (format!("crm.attribute.{n}"), format!("value {n} of {number}")));
    let attributes: BTreeMap<String, String> = attributes.collect();
    let attributes: Arc<dyn Attributes> = Arc::new(attributes);
    let seen = |kind: usize| Seen {
        participant: id(kind).as_str().into(),
        ended: false,
        attributes: Arc::clone(&attributes),
    };
    let wish = |n: usize| Wish {
        participant: id(1).as_str().into(),
        key: Arc::from(format!("cc.key.{n}")),
        value: Arc::from(format!("value of {number} in round {round}")),
        rule: Arc::clone(rule),
        digest: 1,
        write: Write::Follow,
        dry_run: false,
        during_flow: false,
        useless_after: None,
        urgent: false,
    };
    Observation {
        conversation: id(0).as_str().into(),
        at,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        participants: vec![seen(1), seen(2)],
        wishes: (0..3).map(wish).collect(),
        over: false,
        queue: None,
        in_flow: false,
        from_read: false,
        rules_hash: 1,
        in_force: Arc::clone(in_force),
    }
}

/// In MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
