//! The last good sets of rules, kept in the state directory: for a start with a broken file, and for
//! a step back.
//!
//! A set is the text of the rules file with a hash of it, in a file of its own (0600) that is there
//! whole or not at all. What nobody wrote, or what was damaged, is put aside and said. Whether an
//! earlier set is in force by somebody's word is kept here too, so that it outlives a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::list_copies::ListCopies;

/// How many good sets are kept: some weeks of an administrator's work.
const KEPT: usize = 10;
/// The folder in the state directory.
const FOLDER: &str = "rules";
/// In that: the copies of lists.
const LISTS: &str = "lists";
/// Written first, and then given its name.
const NEW: &str = "kept.new";
const ROLLBACK: &str = "rollback.json";
/// Of the files here; another is passed over.
const FORMAT: u32 = 1;
/// Of a hash that people compare: 48 bits, far more than ten sets need.
const HASH_DIGITS: usize = 12;

/// The text that rules were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub path: PathBuf,
    pub text: String,
    /// The beginning of what `sha256sum` says of the file.
    pub hash: String,
}

/// One good set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub source: Source,
    /// When it came to be in force first.
    pub at: Timestamp,
    pub rules: usize,
    /// The hash of each list as it was last; only those in force are kept, see [`ListCopies`].
    pub lists: BTreeMap<String, String>,
    /// Grows with each set that is kept.
    number: u64,
}

/// An earlier set is in force because somebody said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rollback {
    /// The hash of the set that is in force.
    pub set: String,
    /// The hash of the file that is passed over; another is taken again.
    pub passed_over: String,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct History {
    folder: PathBuf,
}

/// A set as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    at: String,
    hash: String,
    rules: usize,
    files: Vec<WrittenFile>,
    lists: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct WrittenFile {
    path: PathBuf,
    text: String,
}

impl Source {
    pub(super) fn new(path: &Path, text: String) -> Source {
        let digest = Sha256::digest(text.as_bytes());
        let mut hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hash.truncate(HASH_DIGITS);
        Source { path: path.to_owned(), text, hash }
    }
}

impl History {
    pub(super) fn new(state_dir: &Path) -> History {
        History { folder: state_dir.join(FOLDER) }
    }

    /// Keeps a set as the newest, and forgets the oldest of too many. A set that is kept already
    /// becomes the newest.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was kept before still is.
    pub(super) fn keep(
        &self,
        source: &Source,
        rules: usize,
        lists: BTreeMap<String, String>,
        now: Timestamp,
    ) -> io::Result<()> {
        let kept = self.sets();
        let newest = kept.first();
        let same = newest.filter(|newest| newest.source == *source);
        if same.is_some_and(|same| same.lists == lists) {
            return Ok(());
        }
        let number = newest.map_or(1, |newest| newest.number + 1);
        let at = same.map_or(now, |same| same.at).to_string();
        let files = vec![WrittenFile { path: source.path.clone(), text: source.text.clone() }];
        let hash = source.hash.clone();
        let written = Written { format: FORMAT, at, hash, rules, files, lists };
        self.write(&file_name(number, &source.hash), &written)?;
        let (same, others): (Vec<_>, Vec<_>) =
            kept.into_iter().partition(|kept| kept.source.hash == source.hash);
        for old in same.iter().chain(others.iter().skip(KEPT - 1)) {
            fs::remove_file(self.folder.join(file_name(old.number, &old.source.hash)))?;
        }
        Ok(())
    }

    /// The sets that are kept, the newest first.
    pub(super) fn sets(&self) -> Vec<Kept> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut sets: Vec<Kept> = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let Some(number) = number_of(&path) else { continue };
            match read(&path).and_then(|written| kept(number, written)) {
                Ok(kept) => sets.push(kept),
                Err(error) => put_aside(&path, &error),
            }
        }
        sets.sort_unstable_by_key(|kept| std::cmp::Reverse(kept.number));
        sets
    }

    /// Whether somebody stepped back, and from what.
    pub(super) fn rollback(&self) -> Option<Rollback> {
        let path = self.folder.join(ROLLBACK);
        match read(&path) {
            Ok(rollback) => Some(rollback),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) if !self.folder.is_dir() => None,
            Err(error) => {
                warn!(file = %path.display(), %error, "it cannot be read whether the rules were rolled back: the rules file counts");
                None
            }
        }
    }

    /// Notes a step back, or with `None` its end.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn set_rollback(&self, rollback: Option<&Rollback>) -> io::Result<()> {
        match rollback {
            Some(rollback) => self.write(ROLLBACK, rollback),
            None => match fs::remove_file(self.folder.join(ROLLBACK)) {
                Err(error) if self.folder.join(ROLLBACK).exists() => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    /// The copies of the lists in force.
    pub(super) fn lists(&self) -> ListCopies {
        ListCopies { folder: self.folder.join(LISTS) }
    }

    fn write(&self, name: &str, content: &impl Serialize) -> io::Result<()> {
        write_whole(&self.folder, name, &serde_json::to_vec_pretty(content)?)
    }
}

/// Writes a file so that it is there whole or not at all, for the owner only.
///
/// # Errors
///
/// If it cannot be written; what was there before still is.
pub(super) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = folder.join(NEW);
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, folder.join(name))
}

fn file_name(number: u64, hash: &str) -> String {
    format!("{number:08}-{hash}.json")
}

fn number_of(path: &Path) -> Option<u64> {
    let (number, _hash) = path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?;
    number.parse().ok()
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// An error if it is not what was written.
fn kept(number: u64, written: Written) -> io::Result<Kept> {
    let Written { format, at, hash, rules, files, lists } = written;
    let Some(file) = files.into_iter().next().filter(|_| format == FORMAT) else {
        return Err(io::Error::other("it was written by another version"));
    };
    let source = Source::new(&file.path, file.text);
    if source.hash != hash {
        return Err(io::Error::other("its content is not that of its hash"));
    }
    let at = at.parse().map_err(io::Error::other)?;
    Ok(Kept { source, at, rules, lists, number })
}

/// Takes a file out of the history, for somebody to look at.
fn put_aside(path: &Path, error: &io::Error) {
    warn!(file = %path.display(), %error, "a set of rules that was kept cannot be used, put aside");
    if let Err(error) = fs::rename(path, path.with_extension("damaged")) {
        warn!(file = %path.display(), %error, "it cannot be put aside");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn source(text: &str) -> Source {
        Source::new(Path::new("/etc/attributed/rules.toml"), text.to_owned())
    }

    fn texts(history: &History) -> String {
        history.sets().into_iter().map(|kept| kept.source.text).collect::<Vec<_>>().join(" ")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_last_ten_are_kept_the_newest_first_and_none_twice() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        assert_eq!(history.sets(), []);
        for n in 0..12 {
            // A clock that goes backwards changes no order.
            history
                .keep(&source(&format!("v{n}")), n, BTreeMap::new(), at(100 - 10 * n as i64))
                .unwrap();
        }
        assert_eq!(texts(&history), "v11 v10 v9 v8 v7 v6 v5 v4 v3 v2");
        history.keep(&source("v11"), 1, BTreeMap::new(), at(7)).unwrap();
        history.keep(&source("v4"), 1, BTreeMap::new(), at(8)).unwrap();
        assert_eq!(texts(&history), "v4 v11 v10 v9 v8 v7 v6 v5 v3 v2");
        assert_eq!(history.sets()[0].at, at(8));
        // Another list is no other set.
        let lists = BTreeMap::from([("vip".to_owned(), "1".to_owned())]);
        history.keep(&source("v4"), 1, lists.clone(), at(9)).unwrap();
        assert_eq!(texts(&history), "v4 v11 v10 v9 v8 v7 v6 v5 v3 v2");
        assert_eq!((&history.sets()[0].lists, history.sets()[0].at), (&lists, at(8)));
        for entry in fs::read_dir(folder.path().join(FOLDER)).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_damaged_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        for text in ["one", "two", "three"] {
            history.keep(&source(text), 1, BTreeMap::new(), at(0)).unwrap();
        }
        let file =
            |n: u64, text: &str| folder.path().join(FOLDER).join(file_name(n, &source(text).hash));
        fs::write(file(3, "three"), "{\"format\":1").unwrap();
        let changed = fs::read_to_string(file(2, "two")).unwrap().replace("two", "owt");
        fs::write(file(2, "two"), changed).unwrap();
        fs::write(folder.path().join(FOLDER).join("notes.json"), "not ours").unwrap();
        assert_eq!(texts(&history), "one");
        history.keep(&source("four"), 1, BTreeMap::new(), at(0)).unwrap();
        assert_eq!(texts(&history), "four one");
        assert!(file(3, "three").with_extension("damaged").exists());
    }

    #[test]
    fn a_step_back_is_kept_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(folder.path());
        assert_eq!(history.rollback(), None);
        history.set_rollback(None).unwrap();
        let back = Rollback { set: "a".to_owned(), passed_over: "b".to_owned() };
        history.set_rollback(Some(&back)).unwrap();
        assert_eq!(history.rollback(), Some(back));
        history.set_rollback(None).unwrap();
        assert_eq!(history.rollback(), None);
        fs::write(folder.path().join(FOLDER).join(ROLLBACK), "garbage").unwrap();
        assert_eq!(history.rollback(), None);
    }

    #[test]
    fn a_hash_is_the_beginning_of_what_sha256sum_says() {
        assert_eq!(source("abc").hash, "ba7816bf8f01");
    }
}
