//! Which seeds are played, and that each of them is, whatever became of the others.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Mutex, mpsc};

use crate::hour::{self, HOUR, Play};
use crate::outcome::Outcome;

/// Those of `ATTRIBUTED_SEEDS`, such as `17` or `1-300`; else the usual ones.
pub(crate) fn asked_for(usual: &str) -> RangeInclusive<u64> {
    let range = std::env::var("ATTRIBUTED_SEEDS").unwrap_or_else(|_| usual.to_owned());
    let (first, last) = range.split_once('-').unwrap_or((&range, &range));
    first.parse().unwrap()..=last.parse().unwrap()
}

/// Plays an hour with each seed, shows it, and returns the seeds that went wrong. A seed that is
/// played alone tells its whole story when it does.
pub(crate) fn play(seeds: &RangeInclusive<u64>, show: impl FnMut(u64, &Outcome)) -> BTreeSet<u64> {
    play_with(seeds, false, show)
}

/// The same, with two clients where that is said.
pub(crate) fn play_with(
    seeds: &RangeInclusive<u64>,
    two_clients: bool,
    mut show: impl FnMut(u64, &Outcome),
) -> BTreeSet<u64> {
    let mut wrong = BTreeSet::new();
    for seed in seeds.clone() {
        let play = Play { seed, length: HOUR, whole: is_alone(seeds), two_clients };
        let outcome = hour::play(play);
        show(seed, &outcome);
        wrong.extend(tell_if_wrong(play, &outcome));
    }
    wrong
}

/// The same, with a thread for each core: seeds are shown as they come to their ends.
pub(crate) fn play_side_by_side(
    seeds: &RangeInclusive<u64>,
    mut show: impl FnMut(u64, &Outcome),
) -> BTreeSet<u64> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, (played, outcomes)) = (Mutex::new(seeds.clone()), mpsc::sync_channel(cores));
    let (next, alone) = (&next, is_alone(seeds));
    let mut wrong = BTreeSet::new();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let played = played.clone();
            scope.spawn(move || {
                while let Some(seed) = { next.lock().unwrap().next() } {
                    let play = Play { seed, length: HOUR, whole: alone, two_clients: false };
                    played.send((play, hour::play(play))).unwrap();
                }
            });
        }
        drop(played);
        for (play, outcome) in outcomes {
            show(play.seed, &outcome);
            wrong.extend(tell_if_wrong(play, &outcome));
        }
    });
    wrong
}

fn is_alone(seeds: &RangeInclusive<u64>) -> bool {
    seeds.start() == seeds.end()
}

/// The seed, if it went wrong; and how, and what plays it again.
fn tell_if_wrong(play: Play, outcome: &Outcome) -> Option<u64> {
    let Play { seed, whole, two_clients, .. } = play;
    if outcome.wrong.is_empty() {
        return None;
    }
    println!("seed {seed} is wrong: {}\n{}", outcome.tally, outcome.wrong.join("\n"));
    let name = if two_clients { "with_two_clients" } else { "every_hour_ends" };
    println!("ATTRIBUTED_SEEDS={seed} cargo test --test simulation {name}");
    if whole {
        println!("{}", outcome.story());
    }
    Some(seed)
}
