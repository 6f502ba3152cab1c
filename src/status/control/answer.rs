//! What is answered over the control socket: what people and programs get to see.
//!
//! Plain values. Names of rules, keys, ids and numbers are in them; attribute values only in
//! [`letters`](super::letters), for who asks for them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::letters::{Dropped, Page, Retried};
use super::pauses::PausesNow;
use crate::config::problem::{Problem, Severity};
use crate::status::overview::StatusNow;
use crate::updates::story::Told;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    Pong {
        /// Every permitted topic is subscribed to.
        ready: bool,
    },
    Version {
        version: String,
        pid: u32,
    },
    /// A reload has begun; its end is in the log and in STATUS.
    Begun,
    Reload(Reloaded),
    Plan(Planned),
    History {
        /// The newest first.
        sets: Vec<KeptSet>,
    },
    Rules(ShownSet),
    DeadLetters(Page),
    Retried(Retried),
    Dropped(Dropped),
    Pauses(PausesNow),
    Status(Box<StatusNow>),
    Why(Box<Told>),
    LogLevel {
        level: String,
        /// What the configuration says, and a restart brings back.
        configured: String,
    },
    /// It was not done, and nothing has changed.
    Failed {
        message: String,
        /// What to do next.
        help: String,
    },
}

/// How a reload, or a step back, ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    pub in_force: InForce,
    /// Against what was in force before.
    pub diff: RulesDiff,
    pub changes: Changes,
    /// Of the files that were read. With an error among them, that file is not in force.
    pub problems: Vec<Problem>,
}

/// What a reload would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub diff: RulesDiff,
    pub changes: Changes,
    /// Rules whose writes would change, those with the most first.
    pub by_rule: Vec<RuleChanges>,
    /// Further such rules.
    pub more_rules: usize,
    /// Some of the writes.
    pub examples: Vec<Example>,
    /// How long the requests take of the account's budget, were it used for nothing else; rounded up.
    pub budget_minutes: u64,
    /// More writes than this wait for a confirmation.
    pub max_writes: usize,
    pub problems: Vec<Problem>,
}

/// The rules that count now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    pub rules: usize,
    /// Of the text; the beginning of what `sha256sum` says of a single file.
    pub hash: String,
    /// Why the rules file is not what is in force.
    pub problem: Option<String>,
    /// An earlier set is in force because somebody said so.
    pub rolled_back: bool,
    /// So many writes wait for `reload --confirm`.
    pub unconfirmed_writes: Option<u64>,
}

/// Rules by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesDiff {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    /// Rules that are in both come in another order, and the last that has a value wins.
    pub reordered: bool,
}

/// What other rules change on the conversations that are live now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// That were looked at.
    pub conversations: u64,
    /// Wishes that only the new rules make, or make otherwise.
    pub came: u64,
    /// Wishes that only the old rules made, or made otherwise.
    pub went: u64,
    /// Of those that came, those that are written: what is there already is not.
    pub writes: u64,
    /// Participants that are written to, each by one request.
    pub participants: u64,
    /// Some conversations were not looked at, for want of time.
    pub incomplete: bool,
    /// Live conversations of which no snapshot is kept: what the new rules make of them shows at
    /// their next event.
    #[serde(default)]
    pub not_kept: u64,
}

/// Changes by one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChanges {
    pub rule: String,
    pub appear: u64,
    pub change: u64,
    pub disappear: u64,
}

/// One write that appears, changes or disappears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    pub conversation: String,
    pub participant: String,
    pub key: String,
    pub rule: String,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    Appears,
    Changes,
    Disappears,
}

/// A good set of rules of some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSet {
    /// What `rules rollback` is told: 0 is the newest.
    pub set: usize,
    pub hash: String,
    /// When it came to be in force first, as RFC 3339 has it.
    pub at: String,
    pub rules: usize,
    pub files: Vec<PathBuf>,
    /// The hash of each list as it was when the set was in force last.
    pub lists: BTreeMap<String, String>,
    pub in_force: bool,
}

/// A good set of rules, in one text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSet {
    pub hash: String,
    pub in_force: bool,
    /// As a rules file, with what it includes and its defaults resolved. It holds what people wrote
    /// into it, values of attributes and rows of lists among them.
    pub text: String,
}

impl Answer {
    /// Whether all was done, or would be, as it was asked.
    pub fn is_good(&self) -> bool {
        match self {
            Answer::Reload(reloaded) => reloaded.is_good(),
            Answer::Plan(plan) => plan.is_good(),
            Answer::Retried(retried) => retried.is_good(),
            Answer::Failed { .. } => false,
            Answer::Pauses(now) => now.not_kept.is_none(),
            Answer::Status(now) => now.well,
            Answer::Pong { .. }
            | Answer::Version { .. }
            | Answer::Begun
            | Answer::History { .. }
            | Answer::Rules(_)
            | Answer::DeadLetters(_)
            | Answer::Why(_)
            | Answer::LogLevel { .. }
            | Answer::Dropped(_) => true,
        }
    }
}

impl Reloaded {
    /// Whether all that was read is in force now.
    pub fn is_good(&self) -> bool {
        !has_errors(&self.problems)
    }
}

impl Planned {
    /// Whether a reload would be good.
    pub fn is_good(&self) -> bool {
        !has_errors(&self.problems)
    }
}

impl RulesDiff {
    pub fn is_empty(&self) -> bool {
        let RulesDiff { added, changed, removed, reordered } = self;
        added.is_empty() && changed.is_empty() && removed.is_empty() && !reordered
    }
}

fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

/// Whatever stands in the rules is for who asked only.
impl fmt::Debug for ShownSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShownSet { hash, in_force, text } = self;
        let mut shown = f.debug_struct("ShownSet");
        shown.field("hash", hash).field("in_force", in_force).field("bytes", &text.len()).finish()
    }
}
