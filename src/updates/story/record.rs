//! What the ring holds: a line of JSON for each event. Plain values; no attribute value is in them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::genesys::{ConversationId, ParticipantId};
use crate::updates::dead_letters::Reason;
use crate::updates::journal::Millis;
use crate::updates::wish::Write;

/// One event. The names of the fields are short: there are some hundred thousand of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub at: Millis,
    /// Empty in what is about all of them.
    #[serde(rename = "c", default)]
    pub conversation: ConversationId,
    #[serde(rename = "p", default)]
    pub participant: ParticipantId,
    #[serde(rename = "k", default)]
    pub key: Arc<str>,
    #[serde(rename = "r", default)]
    pub rule: Arc<str>,
    /// Of the value that it is about, where there is one.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    #[serde(rename = "w")]
    pub what: What,
}

/// Tells equal values from others, within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub u32);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A process began to write; marks of values are other ones from here on.
    Started,
    /// So many events are not in the story, because they came too fast or could not be written.
    Lost { events: u64 },
    /// A rule wished a value that is not there, and it waits to be written.
    Wished {
        write: Write,
        /// It waits for a flow to end.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        flow: bool,
        /// In the place of another value that waited.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        instead: bool,
    },
    /// The outbox was full: it is wished again when there is room.
    NoRoom,
    /// It would have been written, but for the dry run.
    DryRun,
    /// Written too often: it rests.
    Rests { seconds: u64 },
    /// It was sent so long before, and accepted.
    Accepted {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<Arc<str>>,
        attempt: u32,
        took_ms: u64,
    },
    /// It was sent so long before, and failed; it will be sent again.
    Failed {
        /// `None`: there was no answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<Arc<str>>,
        attempt: u32,
        took_ms: u64,
        again_ms: u64,
    },
    /// It was sent so long before, and is forbidden; it waits until that is mended.
    Forbidden {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<Arc<str>>,
        took_ms: u64,
    },
    /// It was refused together with keys of other rules: each goes by itself from now on.
    Split {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<Arc<str>>,
        took_ms: u64,
    },
    /// It became a dead letter.
    GivenUp {
        reason: Reason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<Arc<str>>,
    },
    /// A snapshot shows it.
    Seen,
    /// A read shows that it was not applied.
    NotApplied,
    /// Accepted, and no read could tell what became of it.
    Unconfirmed,
    /// A snapshot shows another value, of somebody else.
    Overwritten {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flow: Option<Flow>,
        /// How the rule writes: what becomes of the other value now.
        write: Write,
    },
    /// It waited, and does no more.
    Withdrawn { why: Withdrawal },
}

/// What a flow was doing when a value was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    Runs,
    /// It ran when the conversation was seen before.
    Ended,
}

/// Why what waited is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withdrawal {
    /// The value is there already.
    Met,
    /// Something is there, and the rule writes `if-absent`.
    Exists,
    /// Its rule is not in force any more, or was changed.
    Unwished,
    /// The conversation's data was erased.
    Erased,
}

/// The story that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The oldest first; starts of the service and losses between them included.
    pub records: Vec<Record>,
    /// So many older ones were left out.
    pub left_out: u64,
    /// What is older than this is forgotten, or was never written down; `None` if there is nothing.
    pub since: Option<Millis>,
    /// Events that could not be written down since the service started.
    pub lost: u64,
}

impl Told {
    /// Whether anything is told of the conversation (and the key).
    pub fn is_known(&self) -> bool {
        self.records.iter().any(|record| !record.key.is_empty())
    }
}

/// As people see it.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}
