//! Writes the channels into their file whenever they change.
//!
//! Without a file, or when it cannot be written, all goes on; only the next start makes new channels
//! then. That is said once, and again when it changes.

use std::io;
use std::path::PathBuf;

use tracing::{info, warn};

use super::kept::{self, Kept};
use crate::machine;

pub(crate) struct Keeper {
    file: Option<PathBuf>,
    written: Option<Vec<Kept>>,
    writable: bool,
}

impl Keeper {
    /// Reads what an earlier run kept.
    pub(crate) async fn open(file: Option<PathBuf>) -> (Keeper, Vec<Kept>) {
        let leases = match file.clone() {
            None => Vec::new(),
            Some(path) => match blocking(move || kept::load(&path)).await {
                Ok(leases) => leases,
                Err(error) => {
                    let file = file.as_ref().map(|path| path.display());
                    warn!(file = file.map(tracing::field::display), %error,
                        "channels of the last run unreadable, making new ones");
                    Vec::new()
                }
            },
        };
        let writable = file.is_some();
        (Keeper { file, written: None, writable }, leases)
    }

    /// Writes the channels if they changed. Returns true if and only if the next start will find
    /// them.
    pub(crate) async fn keep(&mut self, leases: Vec<Kept>) -> bool {
        let Some(file) = &self.file else { return false };
        if self.writable && self.written.as_ref() == Some(&leases) {
            return true;
        }
        let (path, list) = (file.clone(), leases.clone());
        match blocking(move || kept::save(&path, &list)).await {
            Ok(()) => {
                if !self.writable {
                    info!(file = %file.display(), "channels can be kept again");
                }
                self.writable = true;
                self.written = Some(leases);
            }
            Err(error) => {
                if self.writable {
                    warn!(file = %file.display(), %error, "channels cannot be kept: each start \
                        makes new ones, and after 20 in a day those of others with this client go; \
                        make the state directory writable");
                }
                self.writable = false;
            }
        }
        self.writable
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    machine::blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
