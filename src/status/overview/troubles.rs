//! What hinders the writes, as the updates find it.
//!
//! Bounded by number and length. Names of rules, keys and permissions are in it, and no value.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Millis;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Troubles {
    pub forbidden: Option<Forbidden>,
    /// Several writes in a row have failed, and none was accepted since.
    pub failing: Option<Failing>,
    /// The longest rest that somebody was told of; it may be over.
    pub rest: Option<Rest>,
    /// A tenth of the last writes took so long, or longer; `None` while they are quick.
    pub slow_seconds: Option<u64>,
}

/// Writes are answered 403.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forbidden {
    pub operation: String,
    /// The permissions that are missing, as Genesys Cloud names them; empty where it names none.
    pub missing: String,
    /// Nothing is written but a probe once a minute; else it is a matter of some conversations.
    pub all: bool,
}

/// Writes fail, and are tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// When the first of them did.
    pub since: Millis,
    /// How the last one did, such as `Genesys answers 503`.
    pub how: Arc<str>,
}

/// The fight guard lets something rest that is written too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    pub of: Rested,
    pub rule: Arc<str>,
    pub key: Arc<str>,
    pub until: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rested {
    Key,
    Conversation,
}
