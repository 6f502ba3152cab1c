//! One change of one conversation: its place in the server's order, who hears of it, and how the
//! conversation looks after it on each of their topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::conversation::Starts;
use super::media;

/// Who writes attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The program under test, through the API.
    Client,
    /// Another integration, a script, an agent's desktop.
    Other,
    /// A flow, at its end (FACTS 3.3), and Genesys itself, copying to a queue leg.
    Flow,
}

/// Attributes that one writer asked for on one participant, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeWrite {
    pub participant: String,
    pub who: Writer,
    /// All that was asked for.
    pub asked: BTreeMap<String, String>,
    /// Only what became different; `None` where a replacing write took the key away.
    pub changed: BTreeMap<String, Option<String>>,
    /// It took the place of the whole map, and so carries what it did not mean to change.
    pub whole: bool,
}

/// A change: made in server order, to be sent to its topics.
#[derive(Clone, Debug)]
pub struct Changed {
    pub conversation: String,
    /// Server order over all conversations; each change has its own.
    pub sequence: u64,
    /// Generic and media topics of every user and queue involved, sorted; none when nobody is.
    pub topics: Vec<String>,
    /// Attribute writes that made this change or came with it.
    pub writes: Vec<AttributeWrite>,
    /// Conversations over for so long that the world has let go of them.
    pub forgotten: Vec<String>,
    pub(super) generic: Arc<Value>,
    pub(super) starts: Starts,
}

impl Changed {
    /// The `eventBody` for a topic: the generic one, or a medium's, flattened (FACTS 2.4).
    pub fn body(&self, topic: &str) -> Value {
        match topic.rsplit_once(".conversations.") {
            Some((_, array)) => media::body(&self.generic, array, &self.starts),
            None => Value::clone(&self.generic),
        }
    }

    /// The generic body, which is what the oracle is told of.
    pub fn generic(&self) -> &Value {
        &self.generic
    }
}
