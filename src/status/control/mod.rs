//! The control socket: how somebody on this machine asks the running service for something.
//!
//! A Unix socket at `monitoring.control`. One connection is one question and one answer, each a line
//! of JSON: a [`Request`] comes in, an [`Answer`] goes out. Who may ask is said in [`peer`]. What is
//! asked goes to the service's own loop through a bounded queue and comes back from there: nothing
//! is decided or known here. Only how the service is can be told here, so that it is told as well
//! while the service starts, or hangs. Another request is another variant of [`Request`], and one of
//! [`Answer`].
//!
//! Attribute values of conversations are in no answer but that to who asks for the values of dead
//! letters ([`letters`]), although this is no network. The rules are, as they were written: whoever
//! may ask may also put others in force.

pub mod answer;
pub mod client;
pub mod letters;
pub mod pauses;
pub mod peer;
mod place;
pub mod server;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

pub use answer::Answer;
pub use place::{Place, PlaceError};
pub use server::Server;

/// The longest line that is read as a request: what can be asked fits into a hundredth of it.
pub const MAX_REQUEST: usize = 16 * 1024;
/// The longest line that is read as an answer: 100,000 rules as a text take about half of it.
pub const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Whether anybody is there.
    Ping,
    Version,
    /// Read the configuration and the rules again.
    Reload {
        /// Only say what it would change.
        #[serde(default)]
        plan: bool,
        /// Answer when it is done, and not when it is begun.
        #[serde(default)]
        wait: bool,
        /// Also what would wait for somebody's word.
        #[serde(default)]
        confirm: bool,
    },
    /// The good sets of rules that are kept.
    RulesHistory,
    /// A set of rules as one text.
    RulesShow {
        /// As the history counts, or the beginning of its hash; without it, the one in force.
        #[serde(default)]
        set: Option<String>,
    },
    /// Put an earlier set in force.
    RulesRollback {
        /// As the history counts; without it, the one before that in force.
        #[serde(default)]
        set: Option<usize>,
        #[serde(default)]
        confirm: bool,
    },
    /// Push nothing, or nothing by one rule; what is to be pushed waits and merges.
    Pause {
        #[serde(default)]
        rule: Option<String>,
        /// Then it goes on by itself.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// Let it go on: all, or one rule. Ends no other pause.
    Resume {
        #[serde(default)]
        rule: Option<String>,
    },
    /// About what could not be delivered.
    DeadLetters(letters::Question),
    /// What happened to the attributes of a conversation.
    Why {
        conversation: String,
        #[serde(default)]
        key: Option<String>,
    },
    /// How much is logged; until the restart, or until `log.level` is changed and reloaded.
    LogLevel {
        /// Without it, it is only told.
        #[serde(default)]
        level: Option<String>,
    },
    /// How the service is. Answered from the start on, also while a loop hangs.
    Status,
}

/// A request with the way back. Dropping it without an answer tells the asker that the service stops.
#[derive(Debug)]
pub struct Asked {
    pub request: Request,
    pub answer: oneshot::Sender<Answer>,
}
