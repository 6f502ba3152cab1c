//! Reading a rules file and the files it includes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::rules::{Included, Texts};

/// So many files are included at most, so that a glob on the wrong folder does not read a disk.
const MAX_FILES: usize = 1_000;

/// Reads a rules file, and what it includes.
///
/// # Errors
///
/// If the file itself cannot be read. Of those that it includes, the texts say so.
pub(crate) fn read(path: &Path) -> io::Result<Texts> {
    Ok(with_included(path, fs::read_to_string(path)?))
}

/// The text of a rules file at `path`, with what it includes, sorted by path within each glob.
pub(crate) fn with_included(path: &Path, main: String) -> Texts {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut included: Vec<Included> = Vec::new();
    for glob in Texts::wanted(&main) {
        let files = match files(&folder.join(&glob)) {
            Ok(files) => files,
            Err(error) => {
                let path = folder.join(&glob);
                included.push(Included { glob, path, text: Err(error.to_string()) });
                continue;
            }
        };
        for file in files {
            let known = file == path || included.iter().any(|other| other.path == file);
            if known || included.len() >= MAX_FILES {
                continue;
            }
            let text = fs::read_to_string(&file).map_err(|error| error.to_string());
            included.push(Included { glob: glob.clone(), path: file, text });
        }
    }
    Texts { main, included }
}

/// The files of one folder whose names a glob takes, sorted. Hidden ones, as editors leave them, are
/// not among them. A path without a glob is itself.
fn files(glob: &Path) -> io::Result<Vec<PathBuf>> {
    let name = glob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.contains(['*', '?', '[', '{']) {
        return Ok(vec![glob.to_owned()]);
    }
    let matcher = GlobBuilder::new(name).literal_separator(true).build();
    let matcher = matcher.map_err(io::Error::other)?.compile_matcher();
    let folder = match glob.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if !hidden && matcher.is_match(&name) {
            files.push(glob.with_file_name(name));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_and_what_cannot_be_read_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("rules.d")).unwrap();
        for name in ["rules.d/b.toml", "rules.d/a.toml", "rules.d/.a.toml.swp", "rules.d/c.txt"] {
            fs::write(path(name), name).unwrap();
        }
        let main = "include = ['rules.d/*.toml', 'one.toml', 'nowhere/*.toml', 'rules.d/a.*']\n";
        fs::write(path("rules.toml"), main).unwrap();
        let texts = read(&path("rules.toml")).unwrap();
        assert_eq!(texts.main, main);
        let found: Vec<(PathBuf, bool)> =
            texts.included.iter().map(|one| (one.path.clone(), one.text.is_ok())).collect();
        assert_eq!(
            found,
            [
                (path("rules.d/a.toml"), true),
                (path("rules.d/b.toml"), true),
                (path("one.toml"), false),
                (path("nowhere/*.toml"), false),
            ]
        );
    }
}
