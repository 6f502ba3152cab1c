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
pub struct Origins(BTreeMap<&'static str, Origin>);

impl Origins {
    pub fn of(&self, key: &str) -> Origin {
        self.0.get(key).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, key: &'static str, origin: Origin) {
        self.0.insert(key, origin);
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
