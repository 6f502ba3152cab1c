//! The disk under the journal: it outlives the daemon, and a crash takes what was not synced.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::RngExt as _;
use rand::rngs::StdRng;
use redb::StorageBackend;

/// One disk over all lives of the daemon.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Inside>>);

/// The disk as one life has it: after the crash it has nothing any more.
#[derive(Debug)]
pub(crate) struct Mounted {
    disk: Disk,
    life: u64,
}

#[derive(Debug, Default)]
struct Inside {
    /// What is there for sure.
    synced: Vec<u8>,
    /// What is read: everything that was written.
    cached: Vec<u8>,
    unsynced: Vec<Write>,
    /// Writes and syncs that still work, if not all do.
    left: Option<u64>,
    /// Nothing more fits.
    full: bool,
    life: u64,
}

#[derive(Clone, Debug)]
enum Write {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    pub(crate) fn mount(&self) -> Mounted {
        Mounted { disk: self.clone(), life: self.inside().life }
    }

    /// After so many more writes and syncs, nothing works until [`mend`](Disk::mend).
    pub(crate) fn fail_after(&self, writes: u64) {
        self.inside().left = Some(writes);
    }

    /// Nothing more fits until [`mend`](Disk::mend): what is there is read and synced.
    pub(crate) fn fill(&self) {
        self.inside().full = true;
    }

    pub(crate) fn mend(&self) {
        let mut inside = self.inside();
        (inside.left, inside.full) = (None, false);
    }

    /// The power goes and comes back: of what was not synced, some is there.
    pub(crate) fn lose_power(&self, dice: &mut StdRng) {
        let mut inside = self.inside();
        let kept = [0.0, 0.5, 1.0][dice.random_range(0..3)];
        for write in std::mem::take(&mut inside.unsynced) {
            if dice.random_bool(kept) {
                write.to(&mut inside.synced);
            }
        }
        inside.cached = inside.synced.clone();
        (inside.left, inside.full) = (None, false);
        inside.life += 1;
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write {
    fn to(self, image: &mut Vec<u8>) {
        match self {
            Write::Length(length) => image.resize(length, 0),
            Write::Bytes(at, bytes) => {
                let end = at + bytes.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[at..end].copy_from_slice(&bytes);
            }
        }
    }
}

impl Mounted {
    fn inside(&self) -> io::Result<MutexGuard<'_, Inside>> {
        let inside = self.disk.inside();
        if inside.life != self.life {
            return Err(io::Error::other("this life is over"));
        }
        Ok(inside)
    }

    fn act(&self) -> io::Result<MutexGuard<'_, Inside>> {
        let mut inside = self.inside()?;
        match &mut inside.left {
            Some(0) => return Err(io::Error::other("the disk does not answer")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(inside)
    }

    fn put(&self, write: Write) -> io::Result<()> {
        let mut inside = self.act()?;
        if inside.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        write.clone().to(&mut inside.cached);
        inside.unsynced.push(write);
        Ok(())
    }
}

impl StorageBackend for Mounted {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inside()?.cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let inside = self.inside()?;
        let bytes = inside.cached.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.put(Write::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inside = self.act()?;
        for write in std::mem::take(&mut inside.unsynced) {
            write.to(&mut inside.synced);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.put(Write::Bytes(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
