//! The files of lists while everything runs: which have another content, once it is whole.
//!
//! A loop of its own, because a list of a million rows takes seconds to read: it looks and reads on
//! threads that may block, and tells what it read. It decides nothing: whether another list is put
//! in force is for the [`App`](super::App).

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::settling::{Next, Settling, Stamp};
use super::tables;
use crate::config::problem::Problem;
use crate::machine;
use crate::rules::lists::{List, ListSource};
use crate::status::pulse::{Beat, IDLE_BEAT};

/// How often the files are looked at: a look costs a `stat`, and who changes a list can wait so long.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// While a file is not at rest.
const LOOK_SOON: Duration = Duration::from_secs(1);

/// Where a list's file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub source: ListSource,
    pub path: PathBuf,
}

/// A file that has changed.
#[derive(Debug)]
pub(super) struct Found {
    pub watched: Watched,
    /// With the warnings.
    pub list: Result<(Arc<List>, Vec<Problem>), Vec<Problem>>,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ListWatch {
    pub wanted: watch::Receiver<Arc<Vec<Watched>>>,
    pub found: mpsc::Sender<Found>,
    pub beat: Beat,
}

/// One look at one file.
struct Look {
    watched: Watched,
    settling: Settling,
    found: Option<Found>,
}

impl ListWatch {
    /// Runs until it is stopped, or nobody listens.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons a reading under way, which changes nothing.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = self.watch() => {}
        }
    }

    async fn watch(&mut self) {
        let mut files: BTreeMap<PathBuf, (ListSource, Settling)> = BTreeMap::new();
        loop {
            let wanted = Arc::clone(&self.wanted.borrow_and_update());
            let mut next = BTreeMap::new();
            for watched in wanted.iter() {
                self.beat.give();
                let known = files.remove(&watched.path).filter(|(it, _)| *it == watched.source);
                let settling = known.map_or_else(Settling::default, |(_, settling)| settling);
                let Look { watched, settling, found } =
                    look(watched.clone(), settling, &self.beat).await;
                next.insert(watched.path, (watched.source, settling));
                if let Some(found) = found
                    && self.found.send(found).await.is_err()
                {
                    return;
                }
            }
            files = next;
            let moving = files.values().any(|(_, settling)| settling.is_moving());
            self.rest(if moving { LOOK_SOON } else { LOOK_EVERY }).await;
        }
    }

    /// Until it is time for another look, or other lists are wanted.
    async fn rest(&mut self, mut left: Duration) {
        while !left.is_zero() {
            self.beat.give();
            let step = left.min(IDLE_BEAT);
            tokio::select! {
                biased;
                Ok(()) = self.wanted.changed() => return,
                () = sleep(step) => left -= step,
            }
        }
    }
}

/// However long it takes: a network drive that hangs is no reason to take the service for hung.
async fn look(watched: Watched, settling: Settling, beat: &Beat) -> Look {
    let (again, before) = (watched.clone(), settling);
    let looking = machine::blocking(move || look_now(watched, settling));
    tokio::pin!(looking);
    loop {
        tokio::select! {
            biased;
            looked = &mut looking => return looked.unwrap_or_else(|error| {
                warn!(file = %again.path.display(), %error, "a list could not be looked at, will retry");
                Look { watched: again, settling: before, found: None }
            }),
            () = sleep(IDLE_BEAT) => beat.give(),
        }
    }
}

fn look_now(watched: Watched, mut settling: Settling) -> Look {
    if settling.look(stamp(&watched.path)) != Next::Read {
        return Look { watched, settling, found: None };
    }
    let bytes = tables::read(&watched.path);
    let taken = settling.was_read(bytes.as_ref().ok().map(|bytes| digest(bytes)));
    let found = taken.then(|| {
        let list = match bytes {
            Ok(bytes) => watched.source.read(&watched.path, &bytes),
            Err(error) => Err(vec![watched.source.unreadable(&watched.path, &error)]),
        };
        Found { watched: watched.clone(), list }
    });
    Look { watched, settling, found }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found: io::Result<fs::Metadata> = fs::metadata(path);
    let found = found.ok()?;
    Some(Stamp {
        size: found.size(),
        modified: found.modified().ok(),
        inode: found.ino(),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
