//! What the oracle is told, and when: the only place that knows it.
//!
//! *Delivered* is a snapshot written to a live socket of the client, *read* one returned by a GET
//! that went out, *written* every change of attributes that the world took (SEMANTICS 1). A write
//! whose answer never reached the client is *unanswered*: the client may rightly make it again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::oracle::{Oracle, Verdict};
use super::world::{Changed, World};

pub(super) struct Truth {
    oracle: Oracle,
}

impl Truth {
    pub(super) fn new(world: &World) -> Truth {
        Truth { oracle: Oracle::new(world, BTreeSet::new()) }
    }

    /// The client listens to these single topics from now on.
    pub(super) fn watch<'a>(&mut self, topics: impl Iterator<Item = &'a str>) {
        let user = |topic: &'a str| Some(topic.strip_prefix("v2.users.")?.split_once('.')?.0);
        self.oracle.watch(topics.filter_map(user).map(str::to_owned).collect());
    }

    /// # Errors
    ///
    /// What is wrong with the rules, in one text.
    pub(super) fn rules(&mut self, text: &str, now: Timestamp) -> Result<(), String> {
        self.oracle.rules(text, now).map_err(|error| error.to_string())
    }

    pub(super) fn delivered(&mut self, socket: u64, sequence: u64, body: &Value, now: Timestamp) {
        self.oracle.delivered(socket, sequence, body, now);
    }

    pub(super) fn read(&mut self, sequence: u64, body: &Value, now: Timestamp) {
        self.oracle.read(sequence, body, now);
    }

    /// A change of the world: what it wrote counts, whether or not anybody hears of it.
    pub(super) fn changed(&mut self, changed: &Changed, now: Timestamp) {
        self.oracle.changed(changed, now);
    }

    pub(super) fn unanswered(&mut self, conversation: &str, sequence: u64) {
        self.oracle.unanswered(conversation, sequence);
    }

    pub(super) fn verdict(&self, world: &World) -> Verdict {
        self.oracle.verdict(world)
    }
}
