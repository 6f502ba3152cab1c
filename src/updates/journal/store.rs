//! The journal's core: rows on disk, in transactions that are whole or not there.
//!
//! Synchronous, and ignorant of threads and time: a simulation calls it inline, with a disk of its
//! own. A commit that returned is on disk. After one that failed nothing more is written: the store
//! is to be opened anew.

use std::io::ErrorKind;

use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, StorageBackend,
    StorageError, Table, TableDefinition, TableError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::changes::{Changes, Place};
use super::contained::contained;
use super::letters::{self, Letters};
use super::rows::{Memory, Millis, Pending};
use crate::defects::{self, Defect};
use crate::genesys::{ConversationId, ParticipantId};
use crate::machine;
use crate::status::counts::Counts;
use crate::updates::by_reason::ByReason;

/// What the rows mean. Another meaning is another number, and a migration in [`Store::prepare`].
pub const FORMAT: i64 = 1;

/// Hot rows are few: those of the participants that wait.
const CACHE: usize = 4 << 20;

type Rows = TableDefinition<'static, (&'static str, &'static str), &'static [u8]>;

const META: TableDefinition<'static, &'static str, i64> = TableDefinition::new("meta");
const PENDING: Rows = TableDefinition::new("pending");
const MEMORY: Rows = TableDefinition::new("memory");

const FORMAT_KEY: &str = "format";
const GOOD_UNTIL: &str = "good-until-ms";
/// When the journal was begun: two that are not the same have not the same.
const BEGUN: &str = "begun-ns";

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("another process has it open; one process for one state directory")]
    Locked,
    /// A newer version of this program wrote it. It is left as it is.
    #[error(
        "it has format {found}, and this version knows {FORMAT} at most; run the newer version"
    )]
    Newer { found: i64 },
    /// What is there cannot be read. It is left as it is.
    #[error("it is damaged ({reason}); move it away to begin a new one, what it held is lost then")]
    Damaged { reason: String },
    /// The disk or the directory says no.
    #[error("{reason}; see to its permissions, its owner and the space on the disk")]
    Unusable { reason: String },
}

/// What an earlier process left.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    pub pending: Vec<(Place, Pending)>,
    pub memory: Vec<(Place, Memory)>,
    pub letters: Letters,
    /// Whatever was received until then is dealt with or in here: gaps begin there.
    pub good_until: Option<Millis>,
}

impl Recovered {
    /// What is shown of it, as long as nobody works with it.
    pub fn count(&self, counts: &Counts) {
        counts.outbox.set(self.pending.len() as u64);
        let letters = &self.letters.letters;
        counts.recent.keeps(ByReason::of(letters.values()).told());
        counts.dead_letters.set(letters.len() as u64);
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Store {
    database: Database,
    /// `None` where an earlier version began it.
    begun: Option<i64>,
}

impl Store {
    /// Opens what is on this disk, or begins anew on an empty one.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; what is there stays as it is, but for the number of pages in the header of one
    /// that was cut off: the database writes it before it misses them.
    pub fn on(disk: impl StorageBackend) -> Result<Store, StoreError> {
        contained(|| Store::prepare(builder().create_with_backend(disk).map_err(of_open)?))
    }

    /// Sees to the format, and that all tables are there.
    pub(super) fn prepare(database: Database) -> Result<Store, StoreError> {
        let mut store = Store { database, begun: None };
        store.begun = store.read_meta(BEGUN)?;
        match store.read_meta(FORMAT_KEY)? {
            Some(FORMAT) => return Ok(store),
            Some(found) => return Err(StoreError::Newer { found }),
            None => {}
        }
        let transaction = store.database.begin_write().map_err(of)?;
        transaction.open_table(PENDING).map_err(of)?;
        transaction.open_table(MEMORY).map_err(of)?;
        let begun = i64::try_from(machine::now().as_nanosecond()).unwrap_or(i64::MAX);
        let mut meta = transaction.open_table(META).map_err(of)?;
        meta.insert(FORMAT_KEY, FORMAT).map_err(of)?;
        meta.insert(BEGUN, begun).map_err(of)?;
        drop(meta);
        transaction.commit().map_err(of)?;
        store.begun = Some(begun);
        Ok(store)
    }

    /// Everything that is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where a row cannot be read.
    pub fn recover(&self) -> Result<Recovered, StoreError> {
        contained(|| {
            Ok(Recovered {
                pending: self.rows(PENDING)?,
                memory: self.rows(MEMORY)?,
                letters: self.letters()?,
                good_until: self.read_meta(GOOD_UNTIL)?,
            })
        })
    }

    /// When it was begun: tells one journal from another.
    pub(super) fn begun(&self) -> Option<i64> {
        self.begun
    }

    /// Makes all of these changes, or none. Changes that change nothing cost nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] or [`StoreError::Damaged`]: nothing more can be written by this store.
    /// Whether these changes are there is known after the next opening.
    pub fn commit(&mut self, changes: &Changes) -> Result<(), StoreError> {
        contained(|| self.write(changes))
    }

    fn write(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(of)?;
        let synced = !defects::on(Defect::NoFsync);
        transaction
            .set_durability(if synced { Durability::Immediate } else { Durability::None })
            .map_err(|error| StoreError::Unusable { reason: error.to_string() })?;
        let mut changed = false;
        {
            let mut pending = transaction.open_table(PENDING).map_err(of)?;
            let mut memory = transaction.open_table(MEMORY).map_err(of)?;
            if changes.clear {
                changed = true;
                pending.retain(|_, _| false).map_err(of)?;
                memory.retain(|_, _| false).map_err(of)?;
            }
            for conversation in &changes.over {
                changed |= forget(&mut pending, conversation)?;
                changed |= forget(&mut memory, conversation)?;
            }
            for (place, row) in &changes.pending {
                changed |= put(&mut pending, place, row.as_ref())?;
            }
            for (place, row) in &changes.memory {
                changed |= put(&mut memory, place, row.as_ref())?;
            }
            changed |= letters::write(&transaction, &changes.letters)?;
            if let Some(moment) = changes.good_until {
                let mut meta = transaction.open_table(META).map_err(of)?;
                let before = meta.insert(GOOD_UNTIL, moment).map_err(of)?;
                changed |= before.is_none_or(|before| before.value() != moment);
            }
        }
        if !changed {
            return transaction.abort().map_err(of);
        }
        transaction.commit().map_err(of)
    }

    /// The dead letters alone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] where one cannot be read.
    pub fn letters(&self) -> Result<Letters, StoreError> {
        contained(|| letters::read(&self.database.begin_read().map_err(of)?))
    }

    fn read_meta(&self, key: &str) -> Result<Option<i64>, StoreError> {
        let transaction = self.database.begin_read().map_err(of)?;
        let meta = match transaction.open_table(META) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            meta => meta.map_err(of)?,
        };
        Ok(meta.get(key).map_err(of)?.map(|value| value.value()))
    }

    fn rows<T: DeserializeOwned>(&self, table: Rows) -> Result<Vec<(Place, T)>, StoreError> {
        let transaction = self.database.begin_read().map_err(of)?;
        let table = transaction.open_table(table).map_err(of)?;
        let mut rows = Vec::new();
        for row in table.iter().map_err(of)? {
            let (place, bytes) = row.map_err(of)?;
            let (conversation, participant) = place.value();
            let row = serde_json::from_slice(bytes.value()).map_err(|error| {
                damaged(&format!("row of {conversation} {participant}"), &error)
            })?;
            rows.push(((ConversationId::new(conversation), ParticipantId::new(participant)), row));
        }
        Ok(rows)
    }
}

/// How the file is opened, wherever it lies. Each page is verified then: a file that something else
/// has altered is refused and not trusted. That reads all of it once, a few tens of megabytes with
/// 100,000 participants waiting.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}

type RowTable<'a> = Table<'a, (&'static str, &'static str), &'static [u8]>;

/// Returns true if it made a difference.
fn put(
    table: &mut RowTable<'_>,
    (conversation, participant): &Place,
    row: Option<&impl Serialize>,
) -> Result<bool, StoreError> {
    let place = (conversation.as_str(), participant.as_str());
    let Some(row) = row else {
        return Ok(table.remove(place).map_err(of)?.is_some());
    };
    let bytes = serde_json::to_vec(row)
        .map_err(|error| StoreError::Unusable { reason: error.to_string() })?;
    table.insert(place, bytes.as_slice()).map_err(of)?;
    Ok(true)
}

fn forget(table: &mut RowTable<'_>, conversation: &ConversationId) -> Result<bool, StoreError> {
    let first = (conversation.as_str(), "");
    let mut of_it = Vec::new();
    for row in table.range(first..).map_err(of)? {
        let (place, _) = row.map_err(of)?;
        if place.value().0 != conversation.as_str() {
            break;
        }
        of_it.push(place.value().1.to_owned());
    }
    for participant in &of_it {
        table.remove((conversation.as_str(), participant.as_str())).map_err(of)?;
    }
    Ok(!of_it.is_empty())
}

/// Not the whole error: it may quote a value.
pub(super) fn damaged(what: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged { reason: format!("{what}, at {}:{}", error.line(), error.column()) }
}

/// What may be done about a failure of the store.
pub(super) fn of(error: impl Into<redb::Error>) -> StoreError {
    let error = error.into();
    let reason = error.to_string();
    if matches!(error, redb::Error::Corrupted(_)) {
        StoreError::Damaged { reason }
    } else {
        StoreError::Unusable { reason }
    }
}

/// What may be done about a failure to open it.
pub(super) fn of_open(error: DatabaseError) -> StoreError {
    let reason = error.to_string();
    if matches!(error, DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) {
        return StoreError::Locked;
    }
    let damaged = if let DatabaseError::Storage(StorageError::Io(error)) = &error {
        // It ends before what it says is in it.
        matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
    } else {
        matches!(
            error,
            DatabaseError::UpgradeRequired(_) | DatabaseError::Storage(StorageError::Corrupted(_))
        )
    };
    if damaged { StoreError::Damaged { reason } } else { StoreError::Unusable { reason } }
}

#[cfg(test)]
impl Store {
    /// In memory.
    pub(crate) fn for_tests() -> Store {
        Store::on(redb::backends::InMemoryBackend::new()).unwrap()
    }
}
