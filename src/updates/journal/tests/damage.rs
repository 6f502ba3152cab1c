//! Journals that something else has altered, and a database that fails in the midst.

use super::*;

/// Where the header tells how many pages the file has.
const PAGES: std::ops::Range<usize> = 24..32;

/// How it was left.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Left {
    Closed,
    Killed,
}

fn written(left: Left) -> (Disk, Recovered) {
    let disk = Disk::new(1);
    let mut store = Store::on(disk.clone()).unwrap();
    for n in 0..40 {
        commit(&mut store, |changes| {
            changes.pending(place(&format!("c{n}/p")), Some(pending(n)));
            changes.memory(place(&format!("c{n}/p")), Some(memory("a value")));
            changes.good_until(Millis::try_from(n).unwrap());
        });
    }
    let recovered = store.recover().unwrap();
    let killed = disk.image();
    drop(store);
    if left == Left::Killed {
        disk.replace(killed);
    }
    (disk, recovered)
}

#[test]
fn a_byte_that_is_altered_anywhere_is_refused_or_makes_no_difference() {
    for left in [Left::Closed, Left::Killed] {
        let (disk, whole) = written(left);
        let image = disk.image();
        let (mut refused, mut older) = (0, 0);
        for at in (0..image.len()).step_by(503) {
            let mut altered = image.clone();
            altered[at] ^= 0x55;
            disk.replace(altered.clone());
            match Store::on(disk.clone()).and_then(|store| store.recover()) {
                Ok(recovered) if recovered == whole => {}
                // As after a power loss, the commit before it is whole, and says of when it is.
                Ok(recovered) => {
                    let mut expected = whole.pending.clone();
                    expected.retain(|(of, _)| *of != place("c39/p"));
                    assert_eq!(recovered.pending, expected, "{left:?} {at}");
                    assert_eq!(recovered.good_until, Some(38), "{left:?} {at}");
                    older += 1;
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::Damaged { .. }), "{left:?} {at}: {error}");
                    assert!(disk.image() == altered, "{left:?} {at}: it stays as it is");
                    refused += 1;
                }
            }
        }
        assert!(refused > 5, "{left:?}: only {refused} were refused");
        assert_eq!(older > 0, left == Left::Killed, "{left:?}: {older} were older");
    }
}

#[test]
fn a_journal_that_was_cut_off_is_refused_and_stays_as_it_is() {
    for left in [Left::Closed, Left::Killed] {
        let (disk, _) = written(left);
        let image = disk.image();
        // Anywhere, and between two pages.
        let pages = (4_096..image.len()).step_by(4_096);
        for length in (1..image.len()).step_by(4_999).chain(pages) {
            disk.replace(image[..length].to_vec());
            let error = Store::on(disk.clone()).and_then(|store| store.recover()).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{left:?} {length}: {error}");
            // Of the database's own header it writes how many pages there are, and no more.
            let (mut after, mut before) = (disk.image(), image[..length].to_vec());
            for it in [&mut after, &mut before] {
                it.get_mut(PAGES).into_iter().for_each(|pages| pages.fill(0));
            }
            assert!(after == before, "{left:?} {length}: it stays as it is");
        }
    }
}

#[test]
fn a_database_that_panics_costs_no_more_than_its_promise() {
    let (disk, whole) = written(Left::Closed);
    disk.panics(true);
    let error = Store::on(disk.clone()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");

    let again = disk.clone();
    let (mut journal, recovered) =
        Journal::start(Box::new(move || Store::on(again.clone()))).unwrap();
    assert_eq!(recovered, Recovered::default());
    journal.change(|changes| changes.pending(place("new/p"), Some(pending(1))));
    wait(|| matches!(journal.health(), Health::Suspended { .. }));
    disk.panics(false);
    assert_eq!(journal.close(), Health::Kept);
    let recovered = Store::on(disk.clone()).unwrap().recover().unwrap();
    assert_eq!(recovered.pending.len(), whole.pending.len() + 1);

    // While it is written, too.
    let again = disk.clone();
    let (mut journal, _) = Journal::start(Box::new(move || Store::on(again.clone()))).unwrap();
    disk.panics(true);
    journal.change(|changes| changes.pending(place("new/q"), Some(pending(2))));
    wait(|| matches!(journal.health(), Health::Suspended { .. }));
    disk.panics(false);
    assert_eq!(journal.close(), Health::Kept);
    let recovered = Store::on(disk).unwrap().recover().unwrap();
    assert_eq!(recovered.pending.len(), whole.pending.len() + 2);
}
