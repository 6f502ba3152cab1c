//! `names.json` in the state directory: what the directory said, kept for the next start.
//!
//! The file is a convenience. One that cannot be read or written costs the next start its head start,
//! and nothing else; whoever asks is told, and goes on. It holds names of people, so it is for this
//! user only.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Known;
use crate::machine;

const FILE: &str = "names.json";
/// Changed when an older program could not read it; one of another version is not read.
const VERSION: u32 = 1;

/// Where it is kept.
#[derive(Clone, Debug)]
pub struct Cache {
    file: PathBuf,
}

/// Why it was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It will be written anew by the next refresh.
    #[error("{} is damaged ({reason}); it is written anew", .file.display())]
    Damaged { file: PathBuf, reason: String },
    /// Somebody has to look at the state directory.
    #[error("{}: {error}; the next start has to ask the directory first", .file.display())]
    Disk { file: PathBuf, error: io::Error },
}

#[derive(Serialize)]
struct Written<'k> {
    version: u32,
    known: &'k Known,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    known: Known,
}

impl Cache {
    /// In this state directory.
    pub fn new(state_dir: &Path) -> Cache {
        Cache { file: state_dir.join(FILE) }
    }

    /// Reads what was kept; nothing if there is no file.
    ///
    /// # Errors
    ///
    /// If there is one and it is of no use.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn load(&self) -> Result<Known, CacheError> {
        let file = self.file.clone();
        let read = in_the_background(move || fs::read(file)).await;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known::default()),
            Err(error) => return Err(self.disk(error)),
        };
        let damaged = |reason: String| CacheError::Damaged { file: self.file.clone(), reason };
        // Where it broke, not what stands there.
        let read: Read = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("line {}", error.line())))?;
        if read.version != VERSION {
            return Err(damaged(format!("it is of version {}", read.version)));
        }
        Ok(read.known)
    }

    /// Keeps this for the next start: all of it, or what was there before.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the old or the new content is there, perhaps with a file `names.json.new` beside
    /// it that the next writing replaces.
    pub async fn store(&self, known: &Known) -> Result<(), CacheError> {
        let bytes = serde_json::to_vec(&Written { version: VERSION, known })
            .map_err(|error| self.disk(io::Error::other(error)))?;
        let file = self.file.clone();
        let replaced = in_the_background(move || replace(&file, &bytes)).await;
        replaced.map_err(|error| self.disk(error))
    }

    fn disk(&self, error: io::Error) -> CacheError {
        CacheError::Disk { file: self.file.clone(), error }
    }
}

async fn in_the_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    machine::blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = file.with_extension("json.new");
    // Made anew, so that the mode is ours.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = fs::OpenOptions::new();
    let mut writer = options.write(true).create_new(true).mode(0o600).open(&new)?;
    writer.write_all(bytes)?;
    writer.sync_all()?;
    fs::rename(&new, file)
}
