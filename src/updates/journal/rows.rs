//! What the journal holds of one participant, as it lies on disk: JSON, with times of the calendar,
//! because clocks that only run do not outlive a process.
//!
//! A field more needs a `#[serde(default)]`; anything else a new [`FORMAT`](super::store::FORMAT).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::updates::wish::Write;

/// Milliseconds since 1970.
pub type Millis = i64;

/// All that waits to be written to one participant, or is under way.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub keys: BTreeMap<Arc<str>, PendingKey>,
    /// Values that were sent without an answer, and may yet be applied.
    pub uncertain: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

/// One key that waits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingKey {
    pub value: Arc<str>,
    pub rule: Arc<str>,
    /// Of the rule.
    pub digest: u64,
    pub rules_hash: u64,
    pub write: Mode,
    pub during_flow: bool,
    pub urgent: bool,
    /// When a value for this key was first wished.
    pub offered_at: Millis,
    /// When the value last changed.
    pub changed_at: Millis,
    pub useless_at: Option<Millis>,
    /// Which change of which key this is: an answer settles what was sent, and nothing newer.
    pub generation: u64,
}

/// [`Write`], by a word that does not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    #[default]
    Follow,
    First,
    IfAbsent,
    Enforce,
}

/// What was written to one participant, and is remembered while its conversation lives.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub keys: BTreeMap<Arc<str>, WrittenKey>,
}

/// The value that was last accepted for a key (SEMANTICS 3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenKey {
    pub value: Arc<str>,
    pub rule: Arc<str>,
    pub digest: u64,
    #[serde(default)]
    pub rules_hash: u64,
    #[serde(default)]
    pub write: Mode,
    #[serde(default)]
    pub during_flow: bool,
    #[serde(default)]
    pub urgent: bool,
    #[serde(default)]
    pub useless_at: Option<Millis>,
    pub accepted_at: Millis,
    pub fate: Fate,
    /// What was wished since, and was there without being written.
    pub met: Option<Arc<str>>,
    /// Values that a snapshot older than the write may show.
    pub earlier: BTreeSet<Arc<str>>,
    /// Seeing the value in an event does not tell, only a read does.
    pub doubt: bool,
    pub rewrites: u8,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    Unconfirmed,
    Confirmed,
    Missing,
    Foreign,
}

impl From<Write> for Mode {
    fn from(write: Write) -> Mode {
        match write {
            Write::Follow => Mode::Follow,
            Write::First => Mode::First,
            Write::IfAbsent => Mode::IfAbsent,
            Write::Enforce => Mode::Enforce,
        }
    }
}

impl From<Mode> for Write {
    fn from(mode: Mode) -> Write {
        match mode {
            Mode::Follow => Write::Follow,
            Mode::First => Write::First,
            Mode::IfAbsent => Write::IfAbsent,
            Mode::Enforce => Write::Enforce,
        }
    }
}

/// Without the values.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generations = self.keys.iter().map(|(key, it)| (key, it.generation));
        f.debug_map().entries(generations).finish()
    }
}

/// Without the values.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.keys.iter().map(|(key, it)| (key, it.fate))).finish()
    }
}
