//! What rules ask for, and what a snapshot tells the updates beside it.
//!
//! These are the only words that rules and updates share. A wish says what one attribute of one
//! participant should be, by which rule; whether it is written is decided by the updates, who
//! remember what was written before (SEMANTICS 1 and 3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::genesys::{ConversationId, ParticipantId};

/// One attribute of one participant, as a rule wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub participant: ParticipantId,
    pub key: Arc<str>,
    pub value: Arc<str>,
    pub rule: Arc<str>,
    /// Of the rule as it is now: one that is changed has another.
    pub digest: u64,
    pub write: Write,
    /// Everything but the push is done.
    pub dry_run: bool,
    /// Also while a flow runs that may overwrite it at its end (FACTS 3.3).
    pub during_flow: bool,
    /// Of use only so long after the value was first wished; what still waits then is given up.
    pub useless_after: Option<Duration>,
    /// Goes before what is not.
    pub urgent: bool,
}

/// When a wish that differs from what is there is written. The words are in dead letters on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Write {
    /// When the rule's value is new or changes. What others write afterwards is theirs.
    #[default]
    Follow,
    /// Once for a conversation and target.
    First,
    /// Only where the key is absent or empty.
    IfAbsent,
    /// Whenever something else is there, whoever wrote it.
    Enforce,
}

impl Write {
    /// As rules call it.
    pub fn word(self) -> &'static str {
        match self {
            Write::Follow => "follow",
            Write::First => "first",
            Write::IfAbsent => "if-absent",
            Write::Enforce => "enforce",
        }
    }
}

/// One snapshot as far as updates are concerned: what is there, and what should be.
#[derive(Clone, Debug)]
pub struct Observation {
    pub conversation: ConversationId,
    /// When the frame was read (or the answer came): where latency is counted from.
    pub at: Instant,
    pub received_at: Timestamp,
    /// Every participant of the snapshot.
    pub participants: Vec<Seen>,
    /// At most one for each participant and key.
    pub wishes: Vec<Wish>,
    /// Nobody is connected and no after-call work is pending.
    pub over: bool,
    /// Where it waits, or waited last; what waits for one queue is not to hold up another's.
    pub queue: Option<Arc<str>>,
    /// A flow that holds attributes in memory is running: wishes wait, but those of rules that say
    /// `during_flow`.
    pub in_flow: bool,
    /// The snapshot is the answer to a read, so what it shows is no older than the asking.
    pub from_read: bool,
    /// Which set of rules made the wishes; what was refused may be tried again by another set.
    pub rules_hash: u64,
    /// The digests of the rules in force. What waits by a rule that is not among them, removed or
    /// changed, is withdrawn unless it is wished again (SEMANTICS 5).
    pub in_force: Arc<BTreeSet<u64>>,
}

/// One participant as a snapshot shows it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub participant: ParticipantId,
    pub ended: bool,
    /// As whoever holds the snapshot has them: of most, one key or two are looked at.
    pub attributes: Arc<dyn Attributes>,
}

/// Attributes by key. What is to be remembered of them is copied.
pub trait Attributes: fmt::Debug + Send + Sync {
    fn get(&self, key: &str) -> Option<&str>;

    /// All of them.
    fn to_map(&self) -> BTreeMap<String, String>;
}

impl Attributes for BTreeMap<String, String> {
    fn get(&self, key: &str) -> Option<&str> {
        BTreeMap::get(self, key).map(String::as_str)
    }

    fn to_map(&self) -> BTreeMap<String, String> {
        self.clone()
    }
}

/// What the updates want of whoever holds the snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// There is room again: make the wishes of this conversation once more.
    LookAgain(ConversationId),
    /// The same for every live conversation: those that found no room were too many to be listed.
    LookAtAll,
    /// Something has to be confirmed: read this conversation through the API, and observe it.
    Read(ConversationId),
}
