//! Who goes when several wait: rules and queues by turns, caps, pauses, and room for everybody.

use std::num::NonZeroU32;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::updates::orders::Orders;

#[test]
fn rules_take_turns_and_within_a_rule_its_queues_and_the_oldest_goes_first() {
    check("a/1 a/1 a/1 a/2 a/2 b/1 b/1 = 7", expect!["a/1.0 b/1.5 a/2.3 b/1.6 a/1.1 a/2.4 a/1.2"]);
}

#[test]
fn a_rule_that_was_quiet_is_next_whatever_waits() {
    check("a/1 a/1 a/1 a/1 = 2 b/1 = 2", expect!["a/1.0 a/1.1 b/1.4 a/1.2"]);
}

#[test]
fn the_urgent_have_every_other_turn_and_all_when_nobody_else_waits() {
    check("a/1 a/1 U/1 U/1 U/1 U/1 = 6", expect!["U/1.2 a/1.0 U/1.3 a/1.1 U/1.4 U/1.5"]);
}

#[test]
fn who_waits_for_two_rules_goes_when_the_first_has_its_turn_and_once() {
    // The fourth participant waits for the wild rule and for another one.
    check("a/1 a/1 a/1 a+b/1 = 4", expect!["a/1.0 a+b/1.3 a/1.1 a/1.2"]);
}

#[test]
fn what_is_over_the_cap_waits_and_is_not_lost_nor_goes_along() {
    check(
        "cap:a=1 a/1 a/1 a/1 a+b/1 = 9 . = 9 . = 9",
        expect!["a/1.0 b/1.3; a/1.1; a/1.2; over a: 3, over a: 2, over a: 1"],
    );
    check("cap:a=1 a/1 a/1 = 9 cap:a=2 = 9", expect!["a/1.0; a/1.1; over a: 1"]);
}

#[test]
fn a_paused_rule_merges_and_goes_when_it_is_resumed() {
    check("pause:a a/1 a/1 a+b/1 = 9 resume = 9", expect!["b/1.2; a/1.0 a/1.1 a/1.2"]);
}

/// Words are participants that come to wait for a rule (a capital is urgent) in a queue, `=` with how
/// many go at most, `.` a minute, and orders. Shown are those that went, numbered as they came, with
/// the rules whose keys went along; then which rules were over their cap, and by how many.
#[track_caller]
fn check(script: &str, expected: Expect) {
    let mut crowd = Crowd::new(1_000);
    let mut went = Vec::new();
    let mut words = script.split(' ');
    while let Some(word) = words.next() {
        if word == "=" {
            let most = words.next().unwrap().parse().unwrap();
            let some: Vec<String> = (0..most).map_while(|_| crowd.go()).collect();
            went.push(some);
        } else {
            crowd.step(word);
        }
    }
    let over = crowd.over.iter().map(|it| format!("over {}: {}", it.rule, it.waiting));
    let over: Vec<String> = over.collect();
    let separated = script.contains(':');
    let mut shown: Vec<String> = went.iter().map(|some| some.join(" ")).collect();
    if !separated {
        shown = vec![shown.join(" ")];
    }
    shown.extend(Some(over.join(", ")).filter(|over| !over.is_empty()));
    expected.assert_eq(&shown.join("; "));
}

/// An outbox, and participants that each have a conversation of their own.
struct Crowd {
    outbox: Outbox,
    now: Instant,
    count: usize,
    orders: Orders,
    over: Vec<UsedUp>,
}

impl Crowd {
    fn new(capacity: usize) -> Crowd {
        let (outbox, now) = (Outbox::new(capacity, Duration::ZERO), Instant::now());
        Crowd { outbox, now, count: 0, orders: Orders::default(), over: Vec::new() }
    }

    fn step(&mut self, word: &str) {
        if word == "." {
            self.now += Duration::from_secs(60);
            self.outbox.wake(self.now);
        } else if let Some((order, what)) = word.split_once(':') {
            match order {
                "pause" => self.orders.rules_paused = [Arc::from(what)].into(),
                "cap" => {
                    let (rule, cap) = what.split_once('=').unwrap();
                    let cap: NonZeroU32 = cap.parse().unwrap();
                    self.orders.writes_per_minute = Arc::new([(Arc::from(rule), cap)].into());
                }
                _ => panic!("{word}"),
            }
            self.outbox.set_orders(&Arc::new(self.orders.clone()), self.now);
        } else if word == "resume" {
            self.orders.rules_paused.clear();
            self.outbox.set_orders(&Arc::new(self.orders.clone()), self.now);
        } else {
            let (rules, queue) = word.split_once('/').unwrap();
            self.come(rules, queue);
        }
    }

    fn come(&mut self, rules: &str, queue: &str) -> Option<Target> {
        let target = Target::new(&format!("{queue}.{}", self.count), "p");
        self.count += 1;
        for rule in rules.split('+') {
            let mut waiting = Waiting::for_tests("1", self.now);
            waiting.rule = Arc::from(rule);
            waiting.urgent = rule.chars().all(char::is_uppercase);
            let offered = self.outbox.offer(&target, &Arc::from(rule), waiting, self.now);
            if offered == Offered::Full {
                return None;
            }
        }
        self.outbox.set_queue(&target.conversation, Some(&Arc::from(queue)), self.now);
        Some(target)
    }

    /// One goes and is accepted.
    fn go(&mut self) -> Option<String> {
        if !self.outbox.has_ready() {
            return None;
        }
        let Leaving { target, keys, .. } = self.outbox.take(self.now)?;
        self.outbox.accepted(&target, self.now);
        self.over.extend(self.outbox.take_used_up());
        let rules: Vec<String> = keys.keys().map(ToString::to_string).collect();
        Some(format!("{}/{}", rules.join("+"), target.conversation))
    }
}

#[test]
fn a_rule_gone_wild_leaves_room_for_the_others() {
    let mut crowd = Crowd::new(1_000);
    let wild = (0..5_000).filter(|_| crowd.come("wild", "1").is_some()).count();
    assert_eq!(wild, 942, "all but a seventeenth");
    assert!((0..50).all(|_| crowd.come("calm", "1").is_some()));
    assert!(crowd.come("wild", "1").is_none());
    assert_eq!(crowd.go().unwrap(), "calm/1.5000");
}

/// Whatever is done to it, what comes goes in the end, and nothing is left of any line.
#[test]
fn nothing_is_forgotten_in_any_line() {
    for seed in 0..40 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut crowd = Crowd::new(60);
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        for _ in 0..600 {
            let rule = ["a", "b", "C", "a+b", "b+C"][dice.random_range(0..5)];
            let queue = ["1", "2"][dice.random_range(0..2)];
            match dice.random_range(0..12) {
                0..=4 => seen.extend(crowd.come(rule, queue)),
                5 | 6 if crowd.outbox.has_ready() => {
                    out.push(crowd.outbox.take(crowd.now).unwrap().target);
                }
                7 if !out.is_empty() => {
                    let target = out.swap_remove(dice.random_range(0..out.len()));
                    let again_at = crowd.now + Duration::from_secs(dice.random_range(0..90));
                    let failure = Failure { again_at, uncertain: false, counts: true };
                    crowd.outbox.failed(&target, failure, crowd.now);
                }
                8 => crowd.step(["pause:a", "pause:b", "resume"][dice.random_range(0..3)]),
                9 => crowd.step(["cap:a=1", "cap:b=3"][dice.random_range(0..2)]),
                10 if !seen.is_empty() => {
                    let target = &seen[dice.random_range(0..seen.len())];
                    crowd.outbox.withdraw(target, "b", crowd.now);
                    let id = target.conversation.clone();
                    crowd.outbox.set_flow(&id, dice.random(), crowd.now);
                }
                _ => crowd.step("."),
            }
        }
        for target in out {
            crowd.outbox.accepted(&target, crowd.now);
        }
        for target in &seen {
            crowd.outbox.set_flow(&target.conversation, false, crowd.now);
        }
        crowd.step("resume");
        for _ in 0..600 {
            while crowd.go().is_some() {}
            crowd.step(".");
        }
        let Outbox { len, ready, lanes, held, timed, .. } = &crowd.outbox;
        assert_eq!((*len, *ready, held.len(), timed.len()), (0, 0, 0, 0), "seed {seed}");
        assert!(lanes.is_empty(), "seed {seed}: {lanes:?}");
    }
}

#[test]
fn who_changes_queue_keeps_its_age_and_its_place_among_the_forbidden() {
    let mut crowd = Crowd::new(100);
    let (now, other) = (crowd.now, Arc::from("2"));
    let first = crowd.come("a", "1").unwrap();
    crowd.come("a", "2").unwrap();
    crowd.outbox.set_queue(&first.conversation, Some(&other), now);
    let went: Vec<String> = std::iter::from_fn(|| crowd.go()).collect();
    assert_eq!(went, ["a/1.0", "a/2.1"]);

    let both = [(); 2].map(|()| crowd.come("a", "1").unwrap());
    for target in &both {
        assert_eq!(crowd.outbox.take(now).unwrap().target, *target);
        crowd.outbox.forbid(target, now);
    }
    crowd.outbox.set_queue(&both[0].conversation, Some(&other), now);
    assert_eq!(crowd.outbox.take_forbidden(now).unwrap().target, both[0]);
}
