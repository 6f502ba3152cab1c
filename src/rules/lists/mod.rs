//! Lists: a million telephone numbers, say, each with a few columns, that rules look things up in.
//!
//! A [`List`] is made once, of a file's text or of a few rows in the rules file, and never changes:
//! whoever reads the file again makes another and swaps it whole. A list is whole or it is not
//! there: one bad line refuses it, so that the caller keeps the one he has. Of a key that is there
//! twice the last row counts, as a spreadsheet is corrected at its end, and a warning says so.
//!
//! Made for size: all texts stand in one arena, an entry costs its bytes, four for each column and
//! eight to sixteen for the index. A lookup is one probe of a hash table; for the longest prefix,
//! one for each length that the list's keys have. `benches/lists.rs` has the figures.

mod keying;
mod read;
mod slots;
mod source;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::keying::{Keying, Matching, Normalize};
use self::keying::{day, hash_of};
pub use self::read::Read;
use self::slots::{Hash, Slots};
pub use self::source::{ListSource, Origin, Taken, columns_help};
pub use self::tables::Tables;

/// Entries of one list. A list that is longer belongs into a database.
pub const MAX_ENTRIES: usize = 1_000_000;
/// Bytes of a list's file: 256 for each of a million entries. It is read into memory whole.
pub const MAX_BYTES: usize = 256 << 20;
/// What the only column of a list without columns is called.
pub const VALUE: &str = "value";

/// A list, compact and immutable. See the [module](self).
#[derive(Debug, PartialEq, Eq)]
pub struct List {
    keying: Keying,
    columns: Vec<Arc<str>>,
    /// The place of the key among the columns.
    key: usize,
    /// The cells of all rows, one after the other; keys in the form in which they compare.
    texts: String,
    /// Where each cell ends.
    ends: Vec<u32>,
    slots: Slots,
    /// The lengths of all keys in bytes, ascending; for `Matching::Prefix` only.
    lengths: Vec<usize>,
    hash: u64,
}

/// One entry of a list.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    list: &'a List,
    row: u32,
}

impl List {
    /// The entry for a value, by the list's own way to compare: equal, or the longest key that the
    /// value begins with.
    pub fn find(&self, value: &str) -> Option<Row<'_>> {
        let value = self.keying.wanted(value)?;
        let row = match self.keying.matching {
            Matching::Exact => self.probe(hash_of(&value), &value),
            Matching::Prefix => self.longest(&value),
        };
        row.map(|row| Row { list: self, row })
    }

    pub fn contains(&self, value: &str) -> bool {
        self.find(value).is_some()
    }

    /// How many different keys there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As the header row calls them; [`VALUE`] alone for a list without one.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// The place of a column, for [`Row::at`].
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| **column == *name)
    }

    pub fn keying(&self) -> Keying {
        self.keying
    }

    /// Every key in the form in which it compares, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.slots.rows().map(|row| self.cell(row, self.key))
    }

    /// The column in which the keys stand.
    pub fn key_column(&self) -> &Arc<str> {
        &self.columns[self.key]
    }

    /// Every entry, in the order of the rows.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rows: Vec<u32> = self.slots.rows().collect();
        rows.sort_unstable();
        rows.into_iter().map(|row| Row { list: self, row })
    }

    /// A digest of what the list says. The order of its rows, what the file is called and how it is
    /// laid out do not count. It is the same in every build.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let lengths = self.lengths.capacity() * size_of::<usize>();
        self.texts.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.slots.bytes()
            + lengths
    }

    fn longest(&self, value: &str) -> Option<u32> {
        let (mut hash, mut hashed, mut found) = (Hash::default(), 0, None);
        for &length in &self.lengths {
            let Some(more) = value.as_bytes().get(hashed..length) else { break };
            hash.add(more);
            hashed = length;
            // A key ends between two characters, so a value that is cut in one holds none.
            if let Some(begin) = value.get(..length) {
                found = self.probe(hash.finish(), begin).or(found);
            }
        }
        found
    }

    fn probe(&self, hash: u64, key: &str) -> Option<u32> {
        self.slots.find(hash, |row| self.cell(row, self.key) == key)
    }

    fn cell(&self, row: u32, column: usize) -> &str {
        let at = row as usize * self.columns.len() + column;
        let end = |at: usize| self.ends[at] as usize;
        let start = at.checked_sub(1).map_or(0, end);
        &self.texts[start..end(at)]
    }
}

impl<'a> Row<'a> {
    /// The key, in the form in which it compares.
    pub fn key(self) -> &'a str {
        self.list.cell(self.row, self.list.key)
    }

    /// What stands in a column. What is empty, or a column that the list does not have, is absent.
    pub fn get(self, column: &str) -> Option<&'a str> {
        self.at(self.list.column(column)?)
    }

    /// The same, by the column's place.
    pub fn at(self, column: usize) -> Option<&'a str> {
        let there = column < self.list.columns.len();
        there.then(|| self.list.cell(self.row, column)).filter(|cell| !cell.is_empty())
    }
}

/// A date as lists may write it: `2026-12-24` or `24.12.2026`.
pub fn date(text: &str) -> Option<jiff::civil::Date> {
    day(text)
}

/// Makes a list row by row.
struct Builder {
    list: List,
}

/// Why a row cannot be an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// The key is empty, or not of the form that the list asks for.
    Key,
    /// There are [`MAX_ENTRIES`] already, or too many bytes.
    Full,
}

impl Builder {
    /// `key` is the place of the key's column.
    fn new(keying: Keying, columns: Vec<Arc<str>>, key: usize) -> Builder {
        Builder {
            list: List {
                keying,
                columns,
                key,
                texts: String::new(),
                ends: Vec::new(),
                slots: Slots::default(),
                lengths: Vec::new(),
                hash: 0,
            },
        }
    }

    /// Adds a row with a cell for each column.
    fn push<'c>(&mut self, cells: impl Iterator<Item = &'c str>) -> Result<(), Refused> {
        let list = &mut self.list;
        let (texts, ends) = (list.texts.len(), list.ends.len());
        if ends / list.columns.len() >= MAX_ENTRIES {
            return Err(Refused::Full);
        }
        for (column, cell) in cells.enumerate() {
            let cell = cell.trim();
            if column == list.key {
                let Some(key) = list.keying.key(cell) else {
                    list.texts.truncate(texts);
                    list.ends.truncate(ends);
                    return Err(Refused::Key);
                };
                list.texts.push_str(&key);
            } else {
                list.texts.push_str(cell);
            }
            list.ends.push(u32::try_from(list.texts.len()).map_err(|_| Refused::Full)?);
        }
        Ok(())
    }

    /// The list; `twice` is told of each row whose key a later row has, and of that row.
    fn finish(self, mut twice: impl FnMut(u32, u32)) -> List {
        let mut list = self.list;
        list.texts.shrink_to_fit();
        list.ends.shrink_to_fit();
        let rows = list.ends.len() / list.columns.len();
        let mut slots = Slots::with_room(rows);
        // Of rows that count, in any order: a sum, from which a row that is replaced goes again.
        let mut content = 0_u64;
        for row in 0..u32::try_from(rows).unwrap_or(u32::MAX) {
            let key = list.cell(row, list.key);
            let replaced =
                slots.insert(hash_of(key), row, |other| list.cell(other, list.key) == key);
            content = content.wrapping_add(list.digest(row));
            if let Some(replaced) = replaced {
                content = content.wrapping_sub(list.digest(replaced));
                twice(replaced, row);
            }
        }
        if list.keying.matching == Matching::Prefix {
            let lengths = slots.rows().map(|row| list.cell(row, list.key).len());
            let lengths: std::collections::BTreeSet<usize> = lengths.collect();
            list.lengths = lengths.into_iter().collect();
        }
        list.slots = slots;
        list.hash = list.whole(content);
        list
    }
}

impl List {
    fn digest(&self, row: u32) -> u64 {
        let mut hash = Hash::default();
        for column in 0..self.columns.len() {
            hash.add(self.cell(row, column).as_bytes());
            hash.add(&[0xFF]);
        }
        hash.finish()
    }

    fn whole(&self, content: u64) -> u64 {
        let mut hash = Hash::default();
        for column in &self.columns {
            hash.add(column.as_bytes());
            hash.add(&[0xFF]);
        }
        hash.add(&self.keying.digest());
        hash.add(&(self.key as u64).to_le_bytes());
        hash.add(&content.to_le_bytes());
        hash.finish()
    }
}
