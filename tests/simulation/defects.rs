//! The simulation has teeth: each mistake that can be made on purpose is found within so many seeds.

use std::time::Duration;

use attributed::defects::{ALL, Defect, switch};

use crate::hour::{self, Play};

const SEEDS: u64 = 50;
/// Nearly an hour: of one the judge demands that everything befalls it, which says nothing here.
const LENGTH: Duration = Duration::from_secs(3_000);

#[test]
#[ignore = "takes as long as its seeds; run it where defects are compiled in"]
fn teeth() {
    let only = std::env::var("ATTRIBUTED_DEFECT").unwrap_or_default();
    let asked_for = |defect: &&Defect| format!("{defect:?}").contains(&only);
    let mut missed = Vec::new();
    for &defect in ALL.iter().filter(asked_for) {
        match caught(defect) {
            Some((seed, how)) => println!("{defect:?}: caught with seed {seed}: {how}"),
            None => missed.push(defect),
        }
    }
    assert!(missed.is_empty(), "not caught within {SEEDS} seeds: {missed:?}");
}

/// The first seed that is wrong with it, and right without it.
fn caught(defect: Defect) -> Option<(u64, String)> {
    (1..=SEEDS).find_map(|seed| {
        let play = Play { seed, length: LENGTH, whole: false, two_clients: false };
        switch(Some(defect));
        let with = hour::play(play);
        switch(None);
        let how = with.wrong.first()?;
        let without = hour::play(play);
        without.wrong.is_empty().then(|| (seed, how.clone()))
    })
}
