//! A disk that loses power: what was not synced is then there, or not, in part or in another order.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use redb::StorageBackend;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// Copies are the same disk.
#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Mutex<Inside>>);

#[derive(Debug)]
struct Inside {
    rng: StdRng,
    /// What is there for sure.
    synced: Vec<u8>,
    /// What is read: everything that was written.
    cached: Vec<u8>,
    /// What was written since the last sync.
    unsynced: Vec<Write>,
    /// Writes and syncs that still work.
    left: Option<u64>,
    /// Syncs are answered and not made.
    lies: bool,
    /// Whoever reads or writes panics.
    panics: bool,
    writes: u64,
}

#[derive(Clone, Debug)]
enum Write {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    pub(super) fn new(seed: u64) -> Disk {
        Disk(Arc::new(Mutex::new(Inside {
            rng: StdRng::seed_from_u64(seed),
            synced: Vec::new(),
            cached: Vec::new(),
            unsynced: Vec::new(),
            left: None,
            lies: false,
            panics: false,
            writes: 0,
        })))
    }

    pub(super) fn lies(&self) {
        self.inside().lies = true;
    }

    pub(super) fn panics(&self, panics: bool) {
        self.inside().panics = panics;
    }

    /// What is read.
    pub(super) fn image(&self) -> Vec<u8> {
        self.inside().cached.clone()
    }

    /// Another disk in its place.
    pub(super) fn replace(&self, image: Vec<u8>) {
        let mut inside = self.inside();
        inside.unsynced.clear();
        (inside.synced, inside.cached) = (image.clone(), image);
    }

    pub(super) fn writes(&self) -> u64 {
        self.inside().writes
    }

    /// After so many more writes and syncs, nothing works.
    pub(super) fn fail_after(&self, writes: u64) {
        self.inside().left = Some(writes);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.inside().left == Some(0)
    }

    pub(super) fn mend(&self) {
        self.inside().left = None;
    }

    /// The power goes and comes back.
    pub(super) fn lose_power(&self) {
        let mut inside = self.inside();
        let mut unsynced = std::mem::take(&mut inside.unsynced);
        if inside.rng.random_bool(0.5) {
            unsynced.shuffle(&mut inside.rng);
        }
        let kept = [0.0, 0.5, 0.9, 1.0][inside.rng.random_range(0..4)];
        for write in unsynced {
            if !inside.rng.random_bool(kept) {
                continue;
            }
            match write {
                Write::Bytes(at, bytes) if inside.rng.random_bool(0.2) => {
                    for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                        if inside.rng.random_bool(0.5) {
                            Write::Bytes(at + n * SECTOR, sector.to_vec()).to(&mut inside.synced);
                        }
                    }
                }
                write @ (Write::Bytes(..) | Write::Length(_)) => write.to(&mut inside.synced),
            }
        }
        inside.cached = inside.synced.clone();
        inside.left = None;
    }

    fn at_work(&self) -> MutexGuard<'_, Inside> {
        let panics = self.inside().panics;
        assert!(!panics, "as the test wants it");
        self.inside()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
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

impl Inside {
    fn act(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::Error::other("the disk is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn write(&mut self, write: Write) -> io::Result<()> {
        self.act()?;
        self.writes += 1;
        write.clone().to(&mut self.cached);
        self.unsynced.push(write);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.at_work().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let inside = self.at_work();
        let bytes = inside.cached.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.at_work().write(Write::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inside = self.at_work();
        inside.act()?;
        if !inside.lies {
            for write in std::mem::take(&mut inside.unsynced) {
                write.to(&mut inside.synced);
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.at_work().write(Write::Bytes(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
