//! Where the control socket is: made for its owner and group alone, and taken away at the end.
//!
//! A socket that nobody listens to any more is replaced; that of another service that lives is left
//! alone, and so is every file that is no socket. Two services that start in the same instant at the
//! same path are not told apart: the second has it then.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::peer::SocketFile;

/// The owner and the group may ask.
const MODE: u32 = 0o660;

/// A socket of ours; dropping it takes the file away.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// Device and inode, so that what another service has put there stays.
    identity: (u64, u64),
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("another service answers at {}: give this one a path of its own", .0.display())]
    Taken(PathBuf),
    #[error("{} is no socket: remove it, or choose another path", .0.display())]
    NoSocket(PathBuf),
    #[error("{} cannot be made ({error}): choose a path in a folder that can be written", .path.display())]
    Unwritable { path: PathBuf, error: io::Error },
}

impl Place {
    /// Makes the socket, so that nobody but owner and group could ever connect.
    ///
    /// # Errors
    ///
    /// If it cannot be made, or somebody else's is there.
    pub fn make(path: &Path) -> Result<(UnixListener, Place), PlaceError> {
        match fs::symlink_metadata(path) {
            Err(_) => {}
            Ok(found) if !found.file_type().is_socket() => {
                return Err(PlaceError::NoSocket(path.to_owned()));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(PlaceError::Taken(path.to_owned()));
            }
            Ok(_) => {}
        }
        make(path).map_err(|error| PlaceError::Unwritable { path: path.to_owned(), error })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file as it is now; an error if it is gone.
    pub fn file(&self) -> io::Result<SocketFile> {
        let found = fs::metadata(&self.path)?;
        Ok(SocketFile { uid: found.uid(), gid: found.gid(), mode: found.mode() })
    }
}

/// Binding and then setting the mode would leave an instant in between: the socket is made in a
/// closed folder and moved to its place, over a stale one.
fn make(path: &Path) -> io::Result<(UnixListener, Place)> {
    let folder = path.with_extension(format!("new-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let inside = folder.join("s");
    let made = UnixListener::bind(&inside).and_then(|listener| {
        fs::set_permissions(&inside, fs::Permissions::from_mode(MODE))?;
        listener.set_nonblocking(true)?;
        fs::rename(&inside, path)?;
        let found = fs::symlink_metadata(path)?;
        let place = Place { path: path.to_owned(), identity: (found.dev(), found.ino()) };
        Ok((listener, place))
    });
    let tidied = fs::remove_dir_all(&folder);
    let made = made?;
    tidied?;
    Ok(made)
}

impl Drop for Place {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the control socket cannot be removed; the next start replaces it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_for_its_owner_and_group_and_goes_with_its_service() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let (_listener, place) = Place::make(&path).unwrap();
        assert_eq!(place.file().unwrap().mode & 0o777, MODE);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        UnixStream::connect(&path).unwrap();
        drop(place);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_stale_is_replaced_and_what_lives_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        let (listener, place) = Place::make(&path).unwrap();
        let taken = Place::make(&path).unwrap_err();
        assert!(matches!(taken, PlaceError::Taken(_)), "{taken}");
        // Nobody answers there any more, and another service takes the place over.
        drop(listener);
        let (_second, _place) = Place::make(&path).unwrap();
        drop(place);
        assert!(path.exists(), "it is not ours to remove");
    }

    #[test]
    fn files_are_left_alone_and_what_cannot_be_made_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        fs::write(&path, "notes").unwrap();
        let error = Place::make(&path).unwrap_err().to_string();
        assert!(error.contains("is no socket"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
        let error = Place::make(&path.join("control.sock")).unwrap_err().to_string();
        assert!(error.contains("choose a path"), "{error}");
        let error = Place::make(&folder.path().join("x".repeat(120))).unwrap_err().to_string();
        assert!(error.contains("cannot be made"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
