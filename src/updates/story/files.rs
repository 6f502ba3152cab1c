//! The ring's files: segments that are only appended to, the oldest removed.
//!
//! A segment is called after the millisecond of its first record. One that was begun is never gone
//! on with by another process, so that a torn end stays an end.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::updates::calendar::millis;
use crate::updates::journal::Millis;

/// In the state directory.
pub const STORY_FOLDER: &str = "story";
const EXTENSION: &str = "jsonl";

/// An hour, or so many bytes: what is removed at once is a small part of all.
const SEGMENT_LASTS: Duration = Duration::from_secs(3600);
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// All of them: some 400,000 written keys with what became of each, more than half a day of the
/// ordinary budget used without a pause; read through in a second.
const ALL_BYTES: u64 = 256 * 1024 * 1024;
/// A service that is started again and again leaves small ones.
const ALL_SEGMENTS: usize = 1_000;

/// Writes them.
pub(super) struct Segments {
    folder: PathBuf,
    keep: Duration,
    current: Option<Current>,
}

struct Current {
    file: File,
    began: Millis,
    bytes: u64,
}

/// One of them, as it lies there.
pub(super) struct Segment {
    pub began: Millis,
    pub path: PathBuf,
    bytes: u64,
}

impl Segments {
    pub(super) fn new(state: &Path, keep: Duration) -> Segments {
        Segments { folder: state.join(STORY_FOLDER), keep, current: None }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends whole lines. After a failure the next ones go into a new segment.
    pub(super) fn append(&mut self, lines: &[u8], at: Millis) -> io::Result<()> {
        let mut current = match self.current.take() {
            Some(current) if current.takes(at) => current,
            Some(_) | None => {
                self.remove_old(at)?;
                self.begin(at)?
            }
        };
        current.file.write_all(lines)?;
        current.bytes += lines.len() as u64;
        self.current = Some(current);
        Ok(())
    }

    fn begin(&self, at: Millis) -> io::Result<Current> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // Another may have begun in the same millisecond.
        for began in at.. {
            let path = self.folder.join(format!("{began:015}.{EXTENSION}"));
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(path) {
                Ok(file) => return Ok(Current { file, began: at, bytes: 0 }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("there is no end to the segments"))
    }

    /// Removes what is too old by now, or too much.
    pub(super) fn remove_old(&self, now: Millis) -> io::Result<()> {
        let segments = all(&self.folder)?;
        let oldest = now.saturating_sub(millis(self.keep));
        // What comes is as large as a segment may be.
        let (mut bytes, mut count) = (SEGMENT_BYTES, 1);
        let mut ends = Millis::MAX;
        for Segment { began, path, bytes: size } in segments.iter().rev() {
            bytes += size;
            count += 1;
            if ends < oldest || bytes > ALL_BYTES || count > ALL_SEGMENTS {
                fs::remove_file(path)?;
            }
            ends = *began;
        }
        Ok(())
    }
}

impl Current {
    fn takes(&self, at: Millis) -> bool {
        self.bytes < SEGMENT_BYTES && at.saturating_sub(self.began) < millis(SEGMENT_LASTS)
    }
}

/// Removes the whole ring: none is kept any more.
pub(super) fn remove_all(state: &Path) -> io::Result<()> {
    for Segment { path, .. } in all(&state.join(STORY_FOLDER))? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// All segments of a folder, the oldest first; none where there is no folder. Other files are left
/// alone.
pub(super) fn all(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let began = name.and_then(|name| name.parse().ok());
        let ours = path.extension().is_some_and(|extension| extension == EXTENSION);
        if let Some(began) = began.filter(|_| ours) {
            let bytes = fs::metadata(&path).map_or(0, |found| found.len());
            segments.push(Segment { began, path, bytes });
        }
    }
    segments.sort_unstable_by_key(|segment| segment.began);
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const HOUR: Millis = 3_600_000;

    fn began(segments: &Segments) -> Vec<Millis> {
        all(segments.folder()).unwrap().iter().map(|segment| segment.began / HOUR).collect()
    }

    #[test]
    fn an_hour_is_a_segment_and_a_day_is_all() {
        let state = tempfile::tempdir().unwrap();
        let mut segments = Segments::new(state.path(), Duration::from_secs(24 * 3600));
        for hour in 0..30 {
            segments.append(b"{}\n", hour * HOUR).unwrap();
            segments.append(b"{}\n", hour * HOUR + HOUR / 2).unwrap();
        }
        assert_eq!(began(&segments), (4..30).collect::<Vec<_>>());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(segments.folder()), 0o700);
        assert_eq!(mode(&all(segments.folder()).unwrap()[0].path), 0o600);
        // Another process goes on in a segment of its own, also in the same millisecond.
        let mut next = Segments::new(state.path(), Duration::from_secs(24 * 3600));
        next.append(b"{}\n", 29 * HOUR).unwrap();
        assert_eq!(began(&next).len(), 27);
        // What is not ours stays.
        fs::write(next.folder().join("notes.txt"), "x").unwrap();
        next.remove_old(100 * HOUR).unwrap();
        // The last one has no end yet.
        assert_eq!(began(&next), [29]);
        remove_all(state.path()).unwrap();
        assert_eq!(fs::read_dir(next.folder()).unwrap().count(), 1);
    }

    #[test]
    fn too_much_is_removed_whatever_its_age() {
        let state = tempfile::tempdir().unwrap();
        let mut segments = Segments::new(state.path(), Duration::from_secs(24 * 3600));
        fs::create_dir(segments.folder()).unwrap();
        for began in 1..=100 {
            // Without taking the room.
            let file = File::create(segments.folder().join(format!("{began:015}.jsonl"))).unwrap();
            file.set_len(SEGMENT_BYTES).unwrap();
        }
        segments.append(b"{}\n", 200).unwrap();
        let all = all(segments.folder()).unwrap();
        let bytes: u64 = all.iter().map(|segment| segment.bytes).sum();
        assert!(bytes <= ALL_BYTES && bytes > ALL_BYTES / 2, "{bytes}");
        assert_eq!(all.last().map(|segment| segment.began), Some(200));
    }
}
