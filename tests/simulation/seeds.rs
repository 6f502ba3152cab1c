//! Which seeds are played, and that each of them is, whatever became of the others.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

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
    let alone = seeds.start() == seeds.end();
    let mut wrong = BTreeSet::new();
    for seed in seeds.clone() {
        let outcome = hour::play(Play { seed, length: HOUR, whole: alone, two_clients });
        show(seed, &outcome);
        if !outcome.wrong.is_empty() {
            println!("seed {seed} is wrong: {}\n{}", outcome.tally, outcome.wrong.join("\n"));
            let name = if two_clients { "with_two_clients" } else { "every_hour_ends" };
            println!("ATTRIBUTED_SEEDS={seed} cargo test --test simulation {name}");
            if alone {
                println!("{}", outcome.story());
            }
            wrong.insert(seed);
        }
    }
    wrong
}
