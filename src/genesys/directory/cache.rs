//! `names.json` in the state directory: what the directory said, kept for the next start.
//!
//! The file is a convenience. One that cannot be read or written costs the next start its head start,
//! and nothing else; whoever asks is told, and goes on. It holds names of people, so it is for this
//! user only.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::Known;

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
        let bytes = match fs::read(&self.file).await {
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
        self.replace(&bytes).await.map_err(|error| self.disk(error))
    }

    async fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let new = self.file.with_extension("json.new");
        // Made anew, so that the mode is ours.
        match fs::remove_file(&new).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&new).await?;
        file.write_all(bytes).await?;
        file.sync_all().await?;
        fs::rename(&new, &self.file).await
    }

    fn disk(&self, error: io::Error) -> CacheError {
        CacheError::Disk { file: self.file.clone(), error }
    }
}
