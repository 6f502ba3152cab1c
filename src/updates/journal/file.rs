//! Where the journal lies: one file in the state directory, for its owner only.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::contained::contained;
use super::store::{Store, StoreError, builder, of_open};

/// In the state directory.
pub const JOURNAL_FILE: &str = "journal.redb";

impl Store {
    /// Opens the journal of a state directory, or begins one.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; what is there stays as it is.
    pub fn open(directory: &Path) -> Result<Store, StoreError> {
        let path = directory.join(JOURNAL_FILE);
        make(directory, &path).map_err(|error| unusable(&path, &error))?;
        Store::open_file(&path)
    }

    /// Opens the journal of a state directory, if there is one.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; what is there stays as it is.
    pub fn open_existing(directory: &Path) -> Result<Option<Store>, StoreError> {
        let path = directory.join(JOURNAL_FILE);
        match path.try_exists() {
            Ok(true) => Store::open_file(&path).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    fn open_file(path: &Path) -> Result<Store, StoreError> {
        let opened = contained(|| Store::prepare(builder().create(path).map_err(of_open)?));
        opened.map_err(|error| error.at(path))
    }
}

impl StoreError {
    /// Says where that is.
    fn at(self, path: &Path) -> StoreError {
        let at = |reason: String| format!("{}: {reason}", path.display());
        match self {
            StoreError::Damaged { reason } => StoreError::Damaged { reason: at(reason) },
            StoreError::Unusable { reason } => StoreError::Unusable { reason: at(reason) },
            error @ (StoreError::Locked | StoreError::Newer { .. }) => error,
        }
    }
}

fn unusable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unusable { reason: format!("{}: {error}", path.display()) }
}

/// Values are in it, so nobody else may read it; and it is to be found after a power loss.
fn make(directory: &Path, path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => File::open(directory)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
