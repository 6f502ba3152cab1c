//! Power that goes at any write, also during the recovery from the last time: what was committed is
//! there, whole, and nothing else. A disk whose syncs lie must be caught at it.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::*;
use super::disk::Disk;
use super::{memory, pending, place};
use crate::updates::dead_letters::DeadLetter;

/// Power losses of one run.
const LOSSES: u32 = 12;
/// Beyond this many openings in a row without one that succeeds, the disk is lost.
const OPENINGS: u32 = 20;

/// What should be on disk.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    pending: BTreeMap<Place, Pending>,
    memory: BTreeMap<Place, Memory>,
    good_until: Option<Millis>,
    letters: BTreeMap<u64, DeadLetter>,
    last_letter: u64,
}

#[test]
fn what_was_committed_survives_every_power_loss() {
    survive(0..6);
}

/// To be run for each new version of redb, in a release build.
#[test]
#[ignore = "minutes"]
fn what_was_committed_survives_thousands_of_power_losses() {
    survive(0..1_000);
}

fn survive(seeds: Range<u64>) {
    let runs = u32::try_from(seeds.end - seeds.start).unwrap();
    let (mut commits, mut cut) = (0, 0);
    for seed in seeds {
        match run(seed, false) {
            Ok(done) => {
                commits += done.commits;
                cut += done.cut;
            }
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    assert!(commits > 50 * runs, "only {commits} commits");
    assert_eq!(cut, LOSSES * runs, "each loss is within a commit");
}

#[test]
fn a_sync_that_lies_is_caught() {
    let caught = (0..5).filter(|seed| run(*seed, true).is_err()).count();
    assert!(caught >= 4, "{caught} of 5");
}

struct Done {
    commits: u32,
    /// Power losses within a commit.
    cut: u32,
}

fn run(seed: u64, lies: bool) -> Result<Done, String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let disk = Disk::new(seed);
    let mut store = Store::on(disk.clone()).map_err(|error| error.to_string())?;
    if lies {
        disk.lies();
    }
    let mut model = Model::default();
    let mut done = Done { commits: 0, cut: 0 };
    for loss in 0..LOSSES {
        disk.fail_after(rng.random_range(1..400));
        let unsure = loop {
            let (changes, next) = change(&mut rng, &model);
            match store.commit(&changes) {
                Ok(()) => {
                    model = next;
                    done.commits += 1;
                }
                Err(_) if disk.has_failed() => break next,
                Err(error) => return Err(format!("loss {loss}: {error}")),
            }
        };
        done.cut += 1;
        drop(store);
        disk.lose_power();
        store = reopen(&disk, &mut rng).map_err(|error| format!("loss {loss}: {error}"))?;
        let found = found(&store).map_err(|error| format!("loss {loss}: {error}"))?;
        if found != model && found != unsure {
            return Err(format!("loss {loss}: found {found:?}, neither {model:?} nor {unsure:?}"));
        }
        model = found;
    }
    Ok(done)
}

/// Opens the store; often the power goes again meanwhile.
fn reopen(disk: &Disk, rng: &mut StdRng) -> Result<Store, StoreError> {
    let mut openings = 0;
    loop {
        openings += 1;
        if openings < OPENINGS && rng.random_bool(0.5) {
            disk.fail_after(rng.random_range(0..30));
        }
        match Store::on(disk.clone()) {
            Err(_) if disk.has_failed() => disk.lose_power(),
            opened => return opened,
        }
    }
}

fn found(store: &Store) -> Result<Model, StoreError> {
    let Recovered { pending, memory, letters, good_until } = store.recover()?;
    let Letters { letters, last: last_letter } = letters;
    Ok(Model {
        pending: pending.into_iter().collect(),
        memory: memory.into_iter().collect(),
        good_until,
        letters,
        last_letter,
    })
}

/// A batch of changes, and what should be there after it.
fn change(rng: &mut StdRng, model: &Model) -> (Changes, Model) {
    let mut changes = Changes::default();
    let mut next = model.clone();
    let moment = model.good_until.unwrap_or_default() + 1;
    changes.good_until(moment);
    next.good_until = Some(moment);
    for _ in 0..rng.random_range(1..8) {
        let conversation = rng.random_range(0..6);
        let place = place(&format!("c{conversation}/p{}", rng.random_range(0..3)));
        match rng.random_range(0..10) {
            0..5 => {
                let row = pending(rng.random());
                next.pending.insert(place.clone(), row.clone());
                changes.pending(place, Some(row));
            }
            5..7 => {
                next.pending.remove(&place);
                changes.pending(place, None);
            }
            7..9 => {
                let row = memory(&"long ".repeat(rng.random_range(0..400)));
                next.memory.insert(place.clone(), row.clone());
                changes.memory(place, Some(row));
            }
            _ => {
                next.pending.retain(|other, _| other.0 != place.0);
                next.memory.retain(|other, _| other.0 != place.0);
                changes.over(place.0);
            }
        }
    }
    if rng.random_bool(0.3) {
        // The oldest gives way to a new one, and another is dropped.
        let last = model.last_letter + 1;
        let (first, dropped) = (last.saturating_sub(4).max(1), last.saturating_sub(2).max(1));
        next.letters.insert(last, DeadLetter::for_tests(&format!("c{last}"), moment));
        next.letters.remove(&dropped);
        next.letters.retain(|number, _| *number >= first);
        next.last_letter = last;
        let letters = [(dropped, None), (last, next.letters.get(&last).cloned())];
        changes.letters(LetterChanges { letters: letters.into(), first, last });
    }
    (changes, next)
}
