//! Dead letters on disk: a table of their own, by number.
//!
//! The oldest go first, so that what is gone is mostly said by one number. Absent in journals of
//! earlier versions, which is as good as empty.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction};

use super::store::{StoreError, damaged, of};
use crate::updates::dead_letters::DeadLetter;

const LETTERS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("letters");
/// The greatest number that was ever given, so that none is given twice.
const NUMBERS: TableDefinition<'static, &'static str, u64> = TableDefinition::new("numbers");
const LAST: &str = "letter";

/// The dead letters that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    pub letters: BTreeMap<u64, DeadLetter>,
    /// The greatest number that was given.
    pub last: u64,
}

/// What changed of them since the last commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LetterChanges {
    /// `None` where one is gone.
    pub letters: BTreeMap<u64, Option<DeadLetter>>,
    /// All before this one are gone.
    pub first: u64,
    pub last: u64,
}

impl LetterChanges {
    /// Adds what came later.
    pub(super) fn then(&mut self, later: LetterChanges) {
        let LetterChanges { letters, first, last } = later;
        self.letters.extend(letters);
        self.first = self.first.max(first);
        self.last = self.last.max(last);
        self.letters = self.letters.split_off(&self.first);
    }

    /// Puts them behind those that are there, up to this number.
    pub(super) fn shift(&mut self, behind: u64) {
        if self.is_empty() {
            return;
        }
        let letters = std::mem::take(&mut self.letters);
        self.letters = letters.into_iter().map(|(it, letter)| (it + behind, letter)).collect();
        (self.first, self.last) = (0, self.last + behind);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last == 0
    }
}

/// Returns true if it made a difference.
pub(super) fn write(
    transaction: &WriteTransaction,
    changes: &LetterChanges,
) -> Result<bool, StoreError> {
    if changes.is_empty() {
        return Ok(false);
    }
    let mut table = transaction.open_table(LETTERS).map_err(of)?;
    table.retain_in(..changes.first, |_, _| false).map_err(of)?;
    for (number, letter) in &changes.letters {
        put(&mut table, *number, letter.as_ref())?;
    }
    let mut numbers = transaction.open_table(NUMBERS).map_err(of)?;
    numbers.insert(LAST, changes.last).map_err(of)?;
    Ok(true)
}

fn put(
    table: &mut Table<'_, u64, &'static [u8]>,
    number: u64,
    letter: Option<&DeadLetter>,
) -> Result<(), StoreError> {
    let Some(letter) = letter else {
        table.remove(number).map_err(of)?;
        return Ok(());
    };
    let bytes = serde_json::to_vec(letter)
        .map_err(|error| StoreError::Unusable { reason: error.to_string() })?;
    table.insert(number, bytes.as_slice()).map_err(of)?;
    Ok(())
}

pub(super) fn read(transaction: &ReadTransaction) -> Result<Letters, StoreError> {
    let mut kept = Letters::default();
    match transaction.open_table(LETTERS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(kept),
        Err(error) => return Err(of(error)),
        Ok(table) => {
            for row in table.iter().map_err(of)? {
                let (number, bytes) = row.map_err(of)?;
                let number = number.value();
                let letter = serde_json::from_slice(bytes.value())
                    .map_err(|error| damaged(&format!("dead letter {number}"), &error))?;
                kept.letters.insert(number, letter);
            }
        }
    }
    let numbers = transaction.open_table(NUMBERS).map_err(of)?;
    kept.last = numbers.get(LAST).map_err(of)?.map_or(0, |last| last.value());
    Ok(kept)
}
