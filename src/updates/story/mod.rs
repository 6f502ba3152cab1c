//! The story of each attribute: who wished it, by which rule, what was sent, what was answered, what
//! was seen, and who overwrote it, for the last day or so.
//!
//! A ring of files in the state directory, for `attributed why`. It holds ids, keys, names of rules
//! and correlation ids, and of values no more than marks, by which equal ones are told from others:
//! nobody can make the value of a mark, because what it takes is forgotten with the process.
//!
//! The updates hand over what happens and never wait for it: where the thread that writes cannot
//! keep up, events are dropped, counted, and the count is part of the story. A process that is
//! killed loses the last quarter of a second of it; a machine that loses its power what its disk had
//! not written yet. Nothing depends on it: without it everything else goes on.

mod files;
mod handle;
mod mark;
mod read;
mod record;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::Arc;

use tokio::time::Instant;

pub use files::STORY_FOLDER;
pub use handle::{Answering, Reader, Story};
pub use read::at_rest;
pub use record::{Flow, Mark, Record, Told, What, Withdrawal};

use super::outbox::Target;

/// Something that happened to a key of a participant, as it is handed over.
pub(crate) struct Event {
    pub at: Instant,
    pub target: Target,
    pub key: Arc<str>,
    pub rule: Arc<str>,
    /// Becomes a mark, and goes no further.
    pub value: Option<Arc<str>>,
    pub what: What,
}

impl Event {
    /// Without a value.
    pub(crate) fn new(
        at: Instant,
        target: &Target,
        key: &Arc<str>,
        rule: &Arc<str>,
        what: What,
    ) -> Event {
        let (target, key, rule) = (target.clone(), Arc::clone(key), Arc::clone(rule));
        Event { at, target, key, rule, value: None, what }
    }
}
