//! Dead letters on disk.

use std::collections::BTreeMap;

use super::*;
use crate::updates::dead_letters::DeadLetter;
use crate::updates::journal::changes::MAX_CHANGES;

fn changes(letters: &[(u64, Option<i64>)], first: u64, last: u64) -> LetterChanges {
    let letter = |at: &Option<i64>| at.map(|at| DeadLetter::for_tests("c", at));
    let letters = letters.iter().map(|(number, at)| (*number, letter(at)));
    LetterChanges { letters: letters.collect(), first, last }
}

fn kept(store: &Store) -> (Vec<(u64, i64)>, u64) {
    let Letters { letters, last } = store.letters().unwrap();
    (letters.into_iter().map(|(number, letter)| (number, letter.at)).collect(), last)
}

#[test]
fn letters_outlive_their_conversations_and_go_by_their_numbers() {
    let disk = Disk::new(1);
    let mut store = Store::on(disk.clone()).unwrap();
    assert_eq!(kept(&store), (vec![], 0), "a journal that knows of none");
    commit(&mut store, |all| {
        all.letters(changes(&[(1, Some(10)), (2, Some(20))], 1, 2));
        all.letters(changes(&[(2, None), (3, Some(30)), (4, Some(40))], 1, 4));
        all.over("c".into());
    });
    assert_eq!(kept(&store), (vec![(1, 10), (3, 30), (4, 40)], 4));
    // One is changed, one gone; all before 3 give way.
    commit(&mut store, |all| all.letters(changes(&[(3, Some(31)), (4, None)], 3, 4)));
    drop(store);
    let store = Store::on(disk).unwrap();
    assert_eq!(kept(&store), (vec![(3, 31)], 4));
    assert_eq!(store.recover().unwrap().letters.letters.len(), 1);
}

#[test]
fn changes_that_wait_are_no_more_than_the_letters() {
    let mut all = Changes::default();
    for number in 1..=30_000 {
        let first = u64::saturating_sub(number, 9) + 1;
        all.letters(changes(&[(number, Some(0))], first, number));
    }
    assert_eq!(all.letters.letters.len(), 9);
    // What waits beside them may become too much; they stay.
    for number in 0..=MAX_CHANGES {
        all.pending(place(&format!("c/{number}")), None);
    }
    assert!(all.clear);
    assert_eq!((all.letters.letters.len(), all.letters.last), (9, 30_000));
    let mut before = Changes::default();
    before.letters(changes(&[(29_000, Some(0)), (29_999, Some(1))], 1, 29_999));
    before.then(all);
    let numbers: BTreeMap<u64, _> = before.letters.letters;
    assert_eq!(numbers.first_key_value().unwrap().0, &29_992);
}

#[test]
fn a_directory_without_a_journal_gets_none_by_being_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Store::open_existing(directory.path()).unwrap().is_none());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let held = Store::open(directory.path()).unwrap();
    assert!(matches!(Store::open_existing(directory.path()), Err(StoreError::Locked)));
    drop(held);
    assert!(Store::open_existing(directory.path()).unwrap().is_some());
}
