//! Where each value of the configuration comes from; for `config show`.
//!
//! Pure bookkeeping, by the full key (`updates.workers`).

use std::collections::BTreeMap;
use std::fmt;

/// Where one value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    #[default]
    Default,
    /// This line of the file, from 1.
    File { line: usize },
    /// This environment variable.
    Environment(&'static str),
    /// A file that the service manager passed on (`$CREDENTIALS_DIRECTORY`).
    Credentials,
    /// Made from `genesys.region`.
    Region,
}

/// Where all values come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    keys: BTreeMap<&'static str, Origin>,
    /// Those of each table of a list.
    tables: BTreeMap<&'static str, Vec<Origins>>,
}

impl Origins {
    pub fn of(&self, key: &str) -> Origin {
        self.keys.get(key).copied().unwrap_or_default()
    }

    /// Where a value of the n-th table of a list comes from.
    pub fn of_table(&self, list: &str, n: usize, key: &str) -> Origin {
        let table = self.tables.get(list).and_then(|tables| tables.get(n));
        table.map(|table| table.of(key)).unwrap_or_default()
    }

    pub(super) fn set(&mut self, key: &'static str, origin: Origin) {
        self.keys.insert(key, origin);
    }

    pub(super) fn add_table(&mut self, list: &'static str, table: Origins) {
        self.tables.entry(list).or_default().push(table);
    }
}

/// Without the file's name, which is the same for all.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { line } => write!(f, "line {line}"),
            Origin::Environment(name) => f.write_str(name),
            Origin::Credentials => f.write_str("$CREDENTIALS_DIRECTORY"),
            Origin::Region => f.write_str("from genesys.region"),
        }
    }
}
