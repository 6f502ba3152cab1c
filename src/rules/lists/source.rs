//! What `[lists.NAME]` says: where a list is from, and how its keys compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::Read;
use super::{Keying, List};
use crate::config::problem::{Declared, Problem, Severity, did_you_mean};

/// One `[lists.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSource {
    pub name: Arc<str>,
    pub origin: Origin,
    pub keying: Keying,
    /// Where the rules name it: what is wrong with its file as a whole is shown there.
    pub declared: Declared,
    /// The columns that rules take of it, as far as they are not known before its file is read.
    pub taken: BTreeMap<Arc<str>, Taken>,
}

/// Where rules take a column of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub first: Declared,
    /// In how many more places.
    pub more: usize,
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
                read.map(|(list, mut warnings)| {
                    warnings.extend(self.not_there(&list));
                    (Arc::new(list), warnings)
                })
            }
        }
    }

    /// Columns that rules take and the list has not: they are absent wherever they are asked.
    fn not_there(&self, list: &List) -> Vec<Problem> {
        let unknown = self.taken.iter().filter(|(column, _)| list.column(column).is_none());
        let problem = |(column, taken): (&Arc<str>, &Taken)| {
            let more = match taken.more {
                0 => String::new(),
                1 => ", named in one more place".to_owned(),
                more => format!(", named in {more} more places"),
            };
            let message = format!("the list `{}` has no column `{column}`{more}", self.name);
            let mut problem = taken.first.problem(message);
            problem.severity = Severity::Warning;
            problem.help(columns_help(list.columns(), column));
            problem
        };
        unknown.map(problem).collect()
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

/// What to write in place of a column that a list has not.
pub fn columns_help(columns: &[Arc<str>], wanted: &str) -> String {
    let names = columns.iter().map(|column| &**column);
    match did_you_mean(wanted, names.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if columns.is_empty() => {
            "a list of one value a line has no columns; write a CSV file with a header".to_owned()
        }
        None => format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
    }
}
