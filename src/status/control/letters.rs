//! Dead letters as somebody asks for them over the control socket, and what they are told.
//!
//! Plain values. Attribute values are in an answer only where they were asked for: whoever may ask at
//! the socket may read the journal's file as well, or was let in by who may.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::updates::dead_letters::Reason;

/// What may be asked of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// A page of them, the oldest first.
    List {
        #[serde(default)]
        filter: Filter,
        /// Only those with a greater number: where the page before ended.
        #[serde(default)]
        after: u64,
        /// Also what was to be written.
        #[serde(default)]
        values: bool,
    },
    /// Wish them anew.
    Retry { filter: Filter },
    /// Forget them. By a conversation and nothing else: all that is kept of its values goes.
    Drop { filter: Filter },
}

/// Which ones. All that is said must hold; what says nothing picks all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Given up at this time or later: milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
}

/// Some of the letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The oldest first.
    pub letters: Vec<Shown>,
    /// There are more of them: ask again, after the last of these.
    pub more: bool,
    /// How many are kept, whether asked for or not.
    pub kept: usize,
    /// Since the start, so many older ones had to give way.
    pub displaced: u64,
}

/// One letter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub number: u64,
    /// When it was given up, as RFC 3339 has it.
    pub at: String,
    /// When the oldest of its values was first wished.
    pub wished_at: String,
    pub conversation: String,
    pub participant: String,
    pub rule: String,
    pub reason: Reason,
    pub keys: Vec<String>,
    /// What was to be written, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, String>>,
    /// Of the answer that decided it, where there was one.
    pub status: Option<u16>,
    pub correlation_id: Option<String>,
    /// What the server said.
    pub answer: Option<String>,
}

/// What a retry did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// Letters that were picked.
    pub letters: usize,
    /// Keys that are wished anew, and are dead letters no more.
    pub keys: usize,
    /// Keys that stay what they are.
    pub left: usize,
    /// Why, for some of them.
    pub why: Vec<Left>,
}

/// A key that was not wished anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub number: u64,
    pub key: String,
    pub why: String,
}

/// What was forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub letters: usize,
    /// Keys that waited to be written to the conversation.
    pub waiting: usize,
    /// The conversation was known, and is not written to any more.
    pub left_alone: bool,
}

impl Filter {
    /// A conversation and nothing else.
    pub fn whole_conversation(&self) -> Option<&str> {
        let Filter { numbers, rule, reason, conversation, since_ms } = self;
        let only = numbers.is_empty() && rule.is_none() && reason.is_none() && since_ms.is_none();
        conversation.as_deref().filter(|_| only)
    }
}

impl Retried {
    /// All that was meant, and something was, is wished anew.
    pub fn is_good(&self) -> bool {
        self.letters > 0 && self.left == 0
    }
}

/// Without the values.
impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown")
            .field("number", &self.number)
            .field("conversation", &self.conversation)
            .field("keys", &self.keys)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
