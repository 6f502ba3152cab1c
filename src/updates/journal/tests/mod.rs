//! The journal: what it gives back, how it fails, and what a power loss leaves.

mod damage;
mod disk;
mod letters;
mod power_loss;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use redb::{Builder, TableDefinition};

use super::*;
use crate::genesys::{ConversationId, ParticipantId};
use crate::updates::dead_letters::DeadLetter;
use disk::Disk;

fn place(name: &str) -> Place {
    let (conversation, participant) = name.split_once('/').unwrap();
    (ConversationId::new(conversation), ParticipantId::new(participant))
}

fn pending(generation: u64) -> Pending {
    let key = PendingKey {
        value: format!("value {generation}").into(),
        rule: "r".into(),
        digest: u64::MAX,
        rules_hash: 2,
        write: Mode::IfAbsent,
        during_flow: true,
        urgent: false,
        offered_at: 1,
        changed_at: 2,
        useless_at: Some(3),
        generation,
    };
    let uncertain = [("k".into(), ["".into(), "b".into()].into())];
    Pending { keys: [("k".into(), key)].into(), uncertain: uncertain.into() }
}

fn memory(value: &str) -> Memory {
    let key = WrittenKey {
        value: value.into(),
        rule: "r".into(),
        digest: 7,
        rules_hash: 8,
        write: Mode::First,
        during_flow: false,
        urgent: true,
        useless_at: None,
        accepted_at: 1,
        fate: Fate::Unconfirmed,
        met: None,
        earlier: ["".into()].into(),
        doubt: true,
        rewrites: 2,
    };
    Memory { keys: [("k".into(), key)].into() }
}

fn commit(store: &mut Store, change: impl FnOnce(&mut Changes)) {
    let mut changes = Changes::default();
    change(&mut changes);
    store.commit(&changes).unwrap();
}

#[test]
fn what_was_committed_is_there_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    assert_eq!(store.recover().unwrap(), Recovered::default());
    commit(&mut store, |changes| {
        changes.pending(place("c/p"), Some(pending(1)));
        changes.pending(place("c/q"), Some(pending(2)));
        changes.pending(place("d/p"), Some(pending(3)));
        changes.memory(place("d/p"), Some(memory("a")));
        changes.good_until(10);
        changes.good_until(9);
    });
    commit(&mut store, |changes| {
        changes.pending(place("c/p"), None);
        changes.memory(place("c/p"), Some(memory("b")));
        changes.over("d".into());
        changes.pending(place("d/new"), Some(pending(4)));
    });
    drop(store);
    let recovered = Store::open(directory.path()).unwrap().recover().unwrap();
    let expected = Recovered {
        pending: vec![(place("c/q"), pending(2)), (place("d/new"), pending(4))],
        memory: vec![(place("c/p"), memory("b"))],
        letters: Letters::default(),
        good_until: Some(10),
    };
    assert_eq!(recovered, expected);
    let mode = fs::metadata(directory.path().join("journal.redb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!format!("{recovered:?}").contains("value"), "values belong in no log");
}

#[test]
fn what_came_and_went_between_two_commits_is_never_written() {
    let disk = Disk::new(1);
    let mut store = Store::on(disk.clone()).unwrap();
    let writes = disk.writes();
    commit(&mut store, |changes| {
        changes.pending(place("c/p"), Some(pending(1)));
        changes.pending(place("c/p"), None);
        changes.over("e".into());
    });
    assert_eq!(disk.writes(), writes);
    commit(&mut store, |changes| changes.pending(place("c/p"), Some(pending(2))));
    assert!(disk.writes() > writes);
}

#[test]
fn a_directory_is_for_one_process_and_the_second_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_path_buf();
    let mut first = Store::open(&path).unwrap();
    commit(&mut first, |changes| changes.pending(place("c/p"), Some(pending(1))));
    let second = Journal::start(Box::new(move || Store::open(&path)));
    let Err(error @ StoreError::Locked) = second else { panic!("there is one already") };
    assert!(error.to_string().contains("another process"), "{error}");
    assert_eq!(first.recover().unwrap().pending, [(place("c/p"), pending(1))]);
}

#[test]
fn what_is_damaged_or_of_another_version_is_said_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.redb");
    fs::write(&path, "this is no journal, it is a letter\n".repeat(1_000)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    with(&path, |database| {
        let transaction = database.begin_write().unwrap();
        let meta: TableDefinition<'_, &str, i64> = TableDefinition::new("meta");
        transaction.open_table(meta).unwrap().insert("format", FORMAT + 1).unwrap();
        transaction.commit().unwrap();
    });
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found } if found == FORMAT + 1), "{error}");
}

#[test]
fn a_row_that_cannot_be_read_is_damage_and_its_values_are_not_said() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    with(&directory.path().join("journal.redb"), |database| {
        let transaction = database.begin_write().unwrap();
        let rows: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("pending");
        let row = br#"{"keys":"secret"}"#.as_slice();
        transaction.open_table(rows).unwrap().insert(("c", "p"), row).unwrap();
        transaction.commit().unwrap();
    });
    let error = Store::open(directory.path()).unwrap().recover().unwrap_err().to_string();
    assert!(error.contains("row of c p") && !error.contains("secret"), "{error}");
}

fn with(path: &Path, change: impl FnOnce(&redb::Database)) {
    change(&Builder::new().create(path).unwrap());
}

#[test]
fn where_nothing_can_be_made_the_reason_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open(&directory.path().join("missing")).unwrap_err().to_string();
    assert!(error.contains("missing/journal.redb") && error.contains("permissions"), "{error}");
}

#[test]
fn the_thread_writes_what_comes_and_many_changes_are_few_commits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_path_buf();
    let (mut journal, _) = Journal::start(Box::new(move || Store::open(&path))).unwrap();
    for n in 0..2_000 {
        journal.change(|changes| {
            changes.pending(place(&format!("c/{}", n % 10)), Some(pending(n)));
            changes.good_until(Millis::try_from(n).unwrap());
        });
    }
    assert_eq!(journal.health(), Health::Kept);
    let shared = journal.monitor().commits();
    assert!(shared < 2_000, "{shared} commits for 2,000 changes");
    assert_eq!(journal.close(), Health::Kept);
    let recovered = Store::open(directory.path()).unwrap().recover().unwrap();
    assert_eq!(recovered.good_until, Some(1_999));
    let last: Vec<_> = (0..10).map(|n| (place(&format!("c/{n}")), pending(1_990 + n))).collect();
    assert_eq!(recovered.pending, last);
}

#[test]
fn while_nothing_can_be_written_it_says_so_and_writes_the_difference_later() {
    let disk = Disk::new(2);
    let again = disk.clone();
    let (mut journal, _) = Journal::start(Box::new(move || Store::on(again.clone()))).unwrap();
    journal.change(|changes| changes.pending(place("c/p"), Some(pending(1))));
    let monitor = journal.monitor();
    wait(|| monitor.commits() == 1);
    disk.fail_after(0);
    journal.change(|changes| {
        changes.pending(place("c/p"), None);
        changes.pending(place("c/q"), Some(pending(2)));
    });
    wait(|| matches!(monitor.health(), Health::Suspended { .. }));
    journal.change(|changes| {
        changes.pending(place("c/q"), Some(pending(3)));
        changes.good_until(5);
    });
    disk.mend();
    // The end does not wait for the next try.
    assert_eq!(journal.close(), Health::Kept);
    let recovered = Store::on(disk).unwrap().recover().unwrap();
    assert_eq!(recovered.pending, [(place("c/q"), pending(3))]);
    assert_eq!(recovered.good_until, Some(5));
}

#[test]
fn what_cannot_be_opened_at_first_is_left_alone_and_written_once_it_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let there = state.clone();
    let (mut journal, recovered) = Journal::start(Box::new(move || Store::open(&there))).unwrap();
    assert_eq!(recovered, Recovered::default());
    journal.change(|changes| changes.pending(place("c/p"), Some(pending(1))));
    wait(|| matches!(journal.health(), Health::Suspended { .. }));
    fs::create_dir(&state).unwrap();
    assert_eq!(journal.close(), Health::Kept);
    let recovered = Store::open(&state).unwrap().recover().unwrap();
    assert_eq!(recovered.pending, [(place("c/p"), pending(1))]);
}

#[test]
fn inline_a_change_is_on_disk_when_it_is_made_and_a_failure_is_made_up_for() {
    let disk = Disk::new(4);
    let (again, fails) = (disk.clone(), disk.clone());
    let opener: Opener = Box::new(move || Store::on(again.clone()));
    let (mut journal, _) = Journal::inline(opener).unwrap();
    journal.change(|changes| changes.pending(place("c/p"), Some(pending(1))));
    fails.fail_after(0);
    journal.change(|changes| changes.pending(place("c/q"), Some(pending(2))));
    assert!(matches!(journal.health(), Health::Suspended { .. }));
    fails.mend();
    journal.change(|changes| changes.good_until(3));
    assert_eq!((journal.health(), journal.monitor().commits()), (Health::Kept, 2));
    disk.lose_power();
    drop(journal);
    let recovered = Store::on(disk).unwrap().recover().unwrap();
    assert_eq!(recovered.pending, [(place("c/p"), pending(1)), (place("c/q"), pending(2))]);
    assert_eq!(recovered.good_until, Some(3));
}

#[test]
fn too_much_while_nothing_can_be_written_makes_what_is_on_disk_worthless() {
    let mut changes = Changes::default();
    changes.pending(place("c/p"), Some(pending(1)));
    changes.good_until(5);
    for n in 0..changes::MAX_CHANGES {
        changes.over(ConversationId::new(&n.to_string()));
    }
    let mut store = Store::on(Disk::new(3)).unwrap();
    commit(&mut store, |changes| changes.pending(place("d/p"), Some(pending(1))));
    store.commit(&changes).unwrap();
    assert_eq!(store.recover().unwrap(), Recovered::default());
}

#[test]
fn what_is_found_late_is_handed_over_before_anything_is_written_over_it() {
    for stops in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let (state, aside) = (directory.path().join("state"), directory.path().join("aside"));
        fs::create_dir(&aside).unwrap();
        let mut store = Store::open(&aside).unwrap();
        commit(&mut store, |changes| {
            changes.pending(place("c/p"), Some(pending(1)));
            let letter = DeadLetter::for_tests("c", 1);
            let letters = [(1, Some(letter))].into();
            changes.letters(LetterChanges { letters, first: 1, last: 1 });
        });
        drop(store);
        let there = state.clone();
        let opener: Opener = Box::new(move || Store::open(&there));
        let (mut journal, _) =
            if stops { Journal::start(opener) } else { Journal::inline(opener) }.unwrap();
        journal.change(|changes| {
            changes.pending(place("d/p"), Some(pending(2)));
            let letter = DeadLetter::for_tests("d", 2);
            let letters = [(1, Some(letter))].into();
            changes.letters(LetterChanges { letters, first: 1, last: 1 });
        });
        wait(|| matches!(journal.health(), Health::Suspended { .. }));
        fs::rename(&aside, &state).unwrap();
        if !stops {
            journal.change(|changes| changes.good_until(1));
            assert_eq!(journal.anew().0, 1);
            let left = journal.take_left().unwrap();
            assert_eq!(left.pending, [(place("c/p"), pending(1))]);
            assert_eq!(left.letters.letters.len(), 1);
            drop(journal);
            continue;
        }
        assert_eq!(journal.close(), Health::Kept);
        let recovered = Store::open(&state).unwrap().recover().unwrap();
        assert_eq!(recovered.pending.len(), 2);
        let letters = recovered.letters.letters.values();
        let of: Vec<&str> = letters.map(|letter| letter.conversation.as_str()).collect();
        assert_eq!((of, recovered.letters.last), (vec!["c", "d"], 2));
    }
}

#[test]
fn what_was_too_much_is_made_anew_before_the_promise_holds_again() {
    let disk = Disk::new(5);
    let (again, fails) = (disk.clone(), disk.clone());
    let (mut journal, _) = Journal::inline(Box::new(move || Store::on(again.clone()))).unwrap();
    journal.change(|changes| changes.pending(place("c/p"), Some(pending(1))));
    journal.change(|changes| changes.good_until(1));
    fails.fail_after(0);
    journal.change(|changes| {
        for n in 0..=changes::MAX_CHANGES {
            changes.over(ConversationId::new(&n.to_string()));
        }
    });
    assert!(matches!(journal.health(), Health::Suspended { .. }));
    assert_eq!(journal.anew(), (0, true), "nothing is asked for while nothing can be written");
    fails.mend();
    journal.change(|changes| changes.good_until(2));
    assert_eq!(journal.anew(), (1, true));
    assert!(matches!(journal.health(), Health::Suspended { .. }));

    journal.change(|changes| changes.pending(place("c/p"), Some(pending(1))));
    // An answer to an earlier question is none.
    journal.change(|changes| changes.whole(0));
    assert!(matches!(journal.health(), Health::Suspended { .. }));
    journal.change(|changes| {
        changes.pending(place("c/q"), Some(pending(2)));
        changes.whole(1);
    });
    assert_eq!(journal.health(), Health::Kept);
    journal.change(|changes| changes.good_until(3));
    drop(journal);
    let recovered = Store::on(disk).unwrap().recover().unwrap();
    assert_eq!(recovered.pending, [(place("c/p"), pending(1)), (place("c/q"), pending(2))]);
    assert_eq!(recovered.good_until, Some(3));
}

/// Somebody has put an empty journal in the place of one that had failed.
#[test]
fn another_journal_in_the_place_of_ours_is_made_anew() {
    let (ours, empty) = (Disk::new(6), Disk::new(7));
    let (first, second) = (ours.clone(), empty.clone());
    let mut times = 0;
    let opener: Opener = Box::new(move || {
        times += 1;
        Store::on(if times == 1 { first.clone() } else { second.clone() })
    });
    let (mut journal, _) = Journal::inline(opener).unwrap();
    journal.change(|changes| changes.pending(place("c/p"), Some(pending(1))));
    ours.fail_after(0);
    journal.change(|changes| changes.pending(place("c/q"), Some(pending(2))));
    journal.change(|changes| changes.good_until(3));
    assert!(matches!(journal.health(), Health::Suspended { .. }), "c/p is on no disk");
    assert_eq!(journal.anew(), (1, true));
    journal.change(|changes| {
        changes.pending(place("c/p"), Some(pending(1)));
        changes.pending(place("c/q"), Some(pending(2)));
        changes.whole(1);
    });
    journal.change(|changes| changes.good_until(4));
    assert_eq!(journal.health(), Health::Kept);
    drop(journal);
    let recovered = Store::on(empty).unwrap().recover().unwrap();
    assert_eq!(recovered.pending, [(place("c/p"), pending(1)), (place("c/q"), pending(2))]);
    assert_eq!(recovered.good_until, Some(4));
}

fn wait(done: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("it never happened");
}
