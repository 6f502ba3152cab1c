//! Hours of operation under every kind of fault, each from a seed: daemon and simulator in one
//! process, in virtual time, and after each hour a judgement without mercy.
//!
//! One seed decides all: the simulator's world, what goes wrong and when, and all chance in the
//! daemon, so that a seed that fails fails again, and the same seed twice gives the same trace.
//!
//! `cargo test --test simulation` plays a few seeds, `ATTRIBUTED_SEEDS=17` that one and tells what
//! happened, and `ATTRIBUTED_SEEDS=1-2000 cargo test --release --test simulation -- --ignored soak`
//! a great many. `cargo test --features defects --test simulation teeth` shows that it has teeth: each
//! mistake of `attributed::defects` is found.

#![cfg(feature = "simulator")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "a failing test shows its seed, a soak what it did")]

mod clients;
mod deck;
#[cfg(feature = "defects")]
mod defects;
mod disk;
mod ghosts;
mod hour;
mod judgement;
mod lives;
mod outcome;
mod scene;
mod seeds;
mod told;
mod trace;
mod weather;

use std::time::Duration;

use hour::Play;
use outcome::Outcome;

/// Seeds of an ordinary run, where nothing else is asked for: what a minute of one core allows.
const USUAL: &str = "1-3";
/// Those of hours with two clients.
const WITH_TWO_CLIENTS: &str = "1-2";
/// The seed that is played twice.
const TWICE: u64 = 3;
/// As long as it takes until everything has gone wrong once.
const TWICE_FOR: Duration = Duration::from_secs(900);

#[test]
fn every_hour_ends_as_it_should() {
    let wrong = seeds::play(&seeds::asked_for(USUAL), |_, _| {});
    assert!(wrong.is_empty(), "wrong with the seeds {wrong:?}");
}

#[test]
fn an_hour_with_two_clients_ends_as_it_should() {
    let wrong = seeds::play_with(&seeds::asked_for(WITH_TWO_CLIENTS), true, |_, _| {});
    assert!(wrong.is_empty(), "wrong with the seeds {wrong:?}");
}

#[test]
fn the_same_seed_twice_leaves_the_same_trace() {
    let play = Play { seed: TWICE, length: TWICE_FOR, whole: false, two_clients: false };
    let [one, other] = [hour::play(play), hour::play(play)];
    if let Some((at, ours, theirs)) = one.first_difference(&other) {
        panic!("seed {TWICE}: line {at} of the trace differs\n  {ours}\n  {theirs}");
    }
    assert_eq!(one.trace, other.trace, "seed {TWICE}: the traces differ");
}

#[test]
#[ignore = "takes as long as its seeds: see the module"]
fn soak() {
    let mut tally = outcome::Tally::default();
    let begun = tokio::time::Instant::now();
    let wrong = seeds::play_side_by_side(&seeds::asked_for("1-2000"), |seed, outcome: &Outcome| {
        println!("{}", outcome.line(seed));
        tally.add(&outcome.tally);
    });
    println!("in all, after {:.0?}: {tally}", begun.elapsed());
    assert!(wrong.is_empty(), "wrong with the seeds {wrong:?}");
}
