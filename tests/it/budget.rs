//! The whole budget, never more: a few of the runs that `cargo bench --bench budget` plays a
//! thousand of, held to the same bounds.

use std::collections::BTreeMap;

use super::minutes::{Conditions, Scenario, Settings, Tally, play};

#[test]
fn alone_nearly_all_is_used_and_nothing_is_refused() {
    held(Scenario::Alone, 0..8);
}

#[test]
fn a_second_consumer_is_left_its_part() {
    held(Scenario::Shared, 0..6);
    held(Scenario::SharedShort, 0..2);
}

#[test]
fn another_allowance_is_followed_when_it_is_told() {
    held(Scenario::Raised, 0..3);
    held(Scenario::Lowered, 0..4);
}

#[test]
fn what_comes_after_an_idle_minute_is_dealt_with_at_once() {
    held(Scenario::Idle, 0..12);
}

#[test]
fn what_waits_for_a_start_is_dealt_with_at_once() {
    held(Scenario::Start, 0..40);
}

#[test]
fn the_same_seed_is_the_same_run() {
    let settings = Settings::new();
    let conditions = Conditions::draw(Scenario::Shared, 3);
    let [one, other] = [(); 2].map(|()| {
        let windows = play(&settings, &conditions).windows;
        windows.iter().map(|window| (window.number, window.count)).collect::<BTreeMap<_, _>>()
    });
    assert!(one.len() >= 10, "{one:?}");
    assert_eq!(one, other);
}

fn held(scenario: Scenario, seeds: std::ops::Range<u64>) {
    let (settings, runs) = (Settings::new(), seeds.end - seeds.start);
    let mut tally = Tally::new(scenario);
    for seed in seeds {
        tally.add(&play(&settings, &Conditions::draw(scenario, seed)));
    }
    println!("{tally}");
    assert!(tally.is_right() && tally.runs == runs, "seeds from 0 on: {tally}");
}
