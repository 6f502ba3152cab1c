//! What happened lately: the rates of an hour, the newest updates, what dead letters are kept.
//!
//! Bounded by number and length, whatever the rules write. Of attributes only the keys are here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Millis;

/// What went through in an hour, and goes through now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// How long a step is.
    pub step_seconds: u32,
    /// Each a second, over the last few seconds.
    pub now: Rates,
    /// Of each step that is over, the oldest first.
    pub frames: Vec<u64>,
    pub snapshots: Vec<u64>,
    pub matches: Vec<u64>,
    pub written: Vec<u64>,
    pub requests: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub frames: f64,
    pub snapshots: f64,
    pub matches: f64,
    /// Keys that were accepted.
    pub written: f64,
    pub requests: f64,
}

/// Keys of one participant that one rule wished, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    pub at: Millis,
    pub rule: Arc<str>,
    /// Some of them.
    pub keys: Vec<Arc<str>>,
    /// How many more there were.
    pub more_keys: u64,
    /// `accepted`, or why it was given up.
    pub outcome: String,
    /// What the server answered.
    pub status: Option<u16>,
}

/// The dead letters of one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    pub reason: String,
    /// That are kept.
    pub kept: u64,
    /// Some keys of the newest.
    pub keys: Vec<Arc<str>>,
}
