//! What the oracle is told, and when: the only place that knows it.
//!
//! *Delivered* is a snapshot written to a live socket of the client, *read* one returned by a GET
//! that went out, *written* every change of attributes that the world took (SEMANTICS 1). A write
//! whose answer never reached the client is *unanswered*: the client may rightly make it again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::oracle::{Oracle, Verdict};
use super::world::{AttributeWrite, Changed, World, Writer};

pub(super) struct Truth {
    oracle: Oracle,
    /// Single topics, lower case, that somebody last listened to.
    topics: BTreeSet<String>,
    /// Users of whom the client says that it watches them: before it can listen to them, too. As long
    /// as it has not said so, those whom it listens to.
    named: Option<BTreeSet<String>>,
}

impl Truth {
    pub(super) fn new(world: &World) -> Truth {
        let oracle = Oracle::new(world, BTreeSet::new());
        Truth { oracle, topics: BTreeSet::new(), named: None }
    }

    /// The client watches these users, whether or not it listens to them yet.
    pub(super) fn named(&mut self, users: BTreeSet<String>, now: Timestamp) {
        self.oracle.watch(users.clone(), now);
        self.named = Some(users);
    }

    /// The client listens to these single topics from now on.
    pub(super) fn watch<'a>(&mut self, topics: impl Iterator<Item = &'a str>, now: Timestamp) {
        let topics: BTreeSet<&str> = topics.collect();
        self.topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        let user = |topic: &'a str| Some(topic.strip_prefix("v2.users.")?.split_once('.')?.0);
        if self.named.is_none() {
            let heard = topics.into_iter().filter_map(user).map(str::to_owned);
            self.oracle.watch(heard.collect(), now);
        }
    }

    /// # Errors
    ///
    /// What is wrong with the rules, in one text.
    pub(super) fn rules(&mut self, text: &str, now: Timestamp) -> Result<(), String> {
        self.oracle.rules(text, now).map_err(|error| error.to_string())
    }

    /// Returns true if and only if it came after a later one.
    pub(super) fn delivered(
        &mut self,
        socket: u64,
        sequence: u64,
        body: &Value,
        now: Timestamp,
    ) -> bool {
        let is_late = self.oracle.is_late(socket, sequence, body);
        self.oracle.delivered(socket, sequence, body, now);
        is_late
    }

    pub(super) fn read(&mut self, sequence: u64, body: &Value, now: Timestamp) {
        tracing::debug!(conversation_id = body["id"].as_str(), sequence, "read");
        self.oracle.read(sequence, body, now);
    }

    /// A change of the world: what it wrote counts, whether or not anybody hears of it.
    pub(super) fn changed(&mut self, changed: &Changed, now: Timestamp) {
        tracing::debug!(
            conversation_id = changed.conversation,
            sequence = changed.sequence,
            topics = changed.topics.len(),
            by = ?changed.writes.iter().map(|write| write.who).collect::<Vec<_>>(),
            "changed"
        );
        self.oracle.changed(changed, now);
        let is_ours = |write: &AttributeWrite| write.who == Writer::Client;
        let audible = |topic: &String| self.topics.contains(&topic.to_ascii_lowercase());
        if changed.topics.iter().any(audible) && !changed.writes.iter().any(is_ours) {
            self.oracle.could_be_heard(&changed.conversation, changed.sequence, now);
        }
    }

    pub(super) fn unanswered(&mut self, conversation: &str, sequence: u64) {
        self.oracle.unanswered(conversation, sequence);
    }

    pub(super) fn client_died(&mut self, unsure_since: Timestamp) {
        self.oracle.client_died(unsure_since);
    }

    pub(super) fn client_has_seen_the_end(&self, conversation: &str) -> bool {
        self.oracle.has_seen_the_end(conversation)
    }

    pub(super) fn verdict(&self, world: &World, now: Timestamp) -> Verdict {
        Verdict { unseen: self.oracle.unseen(world, now), ..self.oracle.verdict(world) }
    }
}
