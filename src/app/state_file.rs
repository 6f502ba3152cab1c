//! A small file of the state directory: the owner's alone (0600), and replaced whole, so that a crash
//! leaves the old one or the new.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is kept in one is some hundred bytes; anything much larger is not ours.
const LARGEST: u64 = 1 << 20;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    pub(super) fn new(dir: &Path, name: &str) -> StateFile {
        StateFile { path: dir.join(name) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept; `None` if nothing was.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what was written.
    pub(super) fn load<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        let mut text = Vec::new();
        match fs::File::open(&self.path) {
            Ok(open) => open.take(LARGEST).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// Replaces what is kept; on disk when this returns. Blocks.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was kept before still is.
    pub(super) fn save<T: Serialize>(&self, value: &T) -> io::Result<()> {
        let text = serde_json::to_vec(value)?;
        let mut draft = self.path.clone().into_os_string();
        draft.push(".new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut open =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        open.write_all(&text)?;
        open.sync_all()?;
        fs::rename(&draft, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_what_is_broken_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::new(dir.path(), "month.json");
        assert_eq!(file.load::<Vec<u8>>().unwrap(), None);
        for kept in [vec![1, 2], vec![3]] {
            file.save(&kept).unwrap();
            assert_eq!(file.load().unwrap(), Some(kept));
        }
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(file.path(), "[1,").unwrap();
        assert!(file.load::<Vec<u8>>().is_err());
        assert!(StateFile::new(&dir.path().join("none"), "x").save(&1).is_err());
    }
}
