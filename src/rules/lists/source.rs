//! What `[lists.NAME]` says: where a list is from, and how its keys compare.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::Read;
use super::{Keying, List};
use crate::config::problem::{Declared, Problem};

/// One `[lists.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSource {
    pub name: Arc<str>,
    pub origin: Origin,
    pub keying: Keying,
    /// Where the rules name it: what is wrong with its file as a whole is shown there.
    pub declared: Declared,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As written: relative to the rules file. `key` is the key's column.
    File { path: PathBuf, key: Option<Arc<str>> },
    /// Its rows stand in the rules file.
    Rows(Arc<List>),
}

impl ListSource {
    /// Reads the bytes of its file, which is at `file`.
    ///
    /// # Errors
    ///
    /// As [`List::read`]. A list whose rows stand in the rules needs no file and is given as it is.
    pub fn read(
        &self,
        file: &Path,
        bytes: &[u8],
    ) -> Result<(Arc<List>, Vec<Problem>), Vec<Problem>> {
        match &self.origin {
            Origin::Rows(list) => Ok((Arc::clone(list), Vec::new())),
            Origin::File { key, .. } => {
                let read: Read = List::read(file, bytes, key.as_deref(), self.keying);
                read.map(|(list, warnings)| (Arc::new(list), warnings))
            }
        }
    }

    /// A file that cannot be read at all.
    pub fn unreadable(&self, file: &Path, error: &std::io::Error) -> Problem {
        let message = format!("the list `{}` cannot be read: {error}", self.name);
        let mut problem = self.declared.problem(message);
        let file = file.display();
        problem.help(if error.kind() == std::io::ErrorKind::NotFound {
            format!("there is no {file}; a list is looked for from the folder of the rules file")
        } else {
            format!("let the service read {file}")
        });
        problem
    }
}
