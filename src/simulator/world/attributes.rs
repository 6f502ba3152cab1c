//! Attributes as they are written from outside: the API's two ways, other programs, injection.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::changed::{AttributeWrite, Changed, Writer};
use super::conversation::{Content, Conversation, attributes_of, parties};
use super::model::Millis;
use super::{Due, World, rest};

/// Writes to a conversation that is over are taken for this long. What Genesys does is not known
/// (FACTS 3.3); it is longer than the 30 s in which the program still writes.
const TAKEN_AFTER_END: Millis = 60_000;
/// How often somebody else answers a client's write with one of their own, and how soon.
const OVERWRITES: f64 = 0.08;
const OVERWRITE_AFTER: (Millis, Millis) = (1_500, 4_000);
/// Only keys in the rules' own name are fought over.
const CONTESTED: &str = "cc.";

/// Why attributes were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchRefused {
    #[error("no such conversation, or over for too long")]
    ConversationUnknown,
    #[error("the participant does not exist")]
    ParticipantUnknown,
}

impl World {
    /// Merges attributes, key by key, as PATCH does.
    pub fn patch_attributes(
        &mut self,
        conversation: &str,
        participant: &str,
        attributes: &BTreeMap<String, String>,
        who: Writer,
        now: Timestamp,
    ) -> Result<Changed, PatchRefused> {
        self.outside_write(conversation, participant, attributes, (who, false), now)
    }

    /// Replaces the whole map, as the tutorial's PUT does.
    pub fn put_attributes(
        &mut self,
        conversation: &str,
        participant: &str,
        attributes: &BTreeMap<String, String>,
        who: Writer,
        now: Timestamp,
    ) -> Result<Changed, PatchRefused> {
        self.outside_write(conversation, participant, attributes, (who, true), now)
    }

    /// One participant in the API's shape, as the tutorial's GET answers.
    pub fn participant_body(&self, conversation: &str, participant: &str) -> Option<Value> {
        let body = self.generic_body(conversation)?;
        let starts = self.conversations.get(conversation)?.starts();
        let party = parties(&body).find(|party| party["id"] == participant)?;
        let mut body = rest::participant(party, &starts, &self.organization);
        body["attributes"] = json!(self.attributes(conversation, participant)?);
        Some(body)
    }

    /// What is written on a participant now.
    pub fn attributes(
        &self,
        conversation: &str,
        participant: &str,
    ) -> Option<BTreeMap<String, String>> {
        self.conversations.get(conversation)?.attributes(participant)
    }

    /// When the last participant ended; `None` for one that is alive or not known.
    pub fn over_since(&self, conversation: &str) -> Option<Timestamp> {
        self.conversations.get(conversation)?.over_since().map(super::timestamp)
    }

    /// Puts a conversation of a test's own making in place: a new one, or the next state of one
    /// that is there, whose own life then ends. Attributes that are there stay, the body's are laid
    /// over them.
    pub fn inject(&mut self, mut generic_body: Value, now: Timestamp) -> Changed {
        if !generic_body.is_object() {
            generic_body = json!({});
        }
        self.agenda.retain(|_, (id, _)| generic_body["id"] != id.as_str());
        let id =
            generic_body["id"].as_str().map_or_else(|| format!("injected-{now}"), str::to_owned);
        generic_body["id"] = json!(id);
        let mut laid = Vec::new();
        let parties = generic_body["participants"].as_array_mut().into_iter().flatten();
        for party in parties.filter(|party| party.is_object()) {
            let participant = party["id"].as_str().unwrap_or_default().to_owned();
            let asked = attributes_of(party);
            let mut known = self.attributes(&id, &participant).unwrap_or_default();
            let changed = differences(&known, &asked, false);
            known.extend(asked.clone());
            party["attributes"] = json!(known);
            if !changed.is_empty() {
                let (who, whole) = (Writer::Other, false);
                laid.push(AttributeWrite { participant, who, asked, changed, whole });
            }
        }
        match self.conversations.get_mut(&id) {
            Some(conversation) => conversation.content = Content::Injected(generic_body),
            None => {
                self.conversations.insert(id.clone(), Conversation::injected(generic_body));
            }
        }
        self.changed(&id, laid)
    }

    fn outside_write(
        &mut self,
        conversation: &str,
        participant: &str,
        asked: &BTreeMap<String, String>,
        (who, replace): (Writer, bool),
        now: Timestamp,
    ) -> Result<Changed, PatchRefused> {
        let now = now.as_millisecond();
        let known =
            self.conversations.get(conversation).ok_or(PatchRefused::ConversationUnknown)?;
        if known.over_since().is_some_and(|since| now > since + TAKEN_AFTER_END) {
            return Err(PatchRefused::ConversationUnknown);
        }
        let write = self
            .write(conversation, participant, asked, who, replace)
            .ok_or(PatchRefused::ParticipantUnknown)?;
        if who == Writer::Client && self.shape.other_writer {
            self.provoke(conversation, &write, now);
        }
        Ok(self.changed(conversation, vec![write]))
    }

    /// Writes without telling anybody; `None` when there is no such participant.
    pub(super) fn write(
        &mut self,
        conversation: &str,
        participant: &str,
        asked: &BTreeMap<String, String>,
        who: Writer,
        replace: bool,
    ) -> Option<AttributeWrite> {
        let conversation = self.conversations.get_mut(conversation)?;
        let known = conversation.attributes(participant)?;
        let changed = differences(&known, asked, replace);
        let mut next = if replace { BTreeMap::new() } else { known };
        next.extend(asked.clone());
        conversation.set_attributes(participant, next);
        Some(AttributeWrite {
            participant: participant.to_owned(),
            who,
            asked: asked.clone(),
            changed,
            whole: replace,
        })
    }

    /// A client's write may move somebody else to write the same key a little later.
    fn provoke(&mut self, conversation: &str, write: &AttributeWrite, now: Millis) {
        for key in write.changed.keys().filter(|key| key.starts_with(CONTESTED)) {
            let after = self.others.between(OVERWRITE_AFTER.0, OVERWRITE_AFTER.1);
            if self.others.chance(OVERWRITES) && self.next_arrival.is_some() {
                let due =
                    Due::Overwrite { participant: write.participant.clone(), key: key.clone() };
                self.plan(now + after, conversation, due);
            }
        }
    }

    /// Somebody else writes; on a conversation that is over nobody does.
    pub(super) fn overwrite(
        &mut self,
        id: &str,
        participant: String,
        key: &str,
    ) -> Option<Changed> {
        if self.conversations.get(id)?.over_since().is_some() {
            return None;
        }
        let value = format!("theirs-{}", self.others.between(100, 999));
        let asked = BTreeMap::from([(key.to_owned(), value)]);
        let write = self.write(id, &participant, &asked, Writer::Other, false)?;
        Some(self.changed(id, vec![write]))
    }
}

fn differences(
    known: &BTreeMap<String, String>,
    asked: &BTreeMap<String, String>,
    replace: bool,
) -> BTreeMap<String, Option<String>> {
    let mut changed: BTreeMap<String, Option<String>> = asked
        .iter()
        .filter(|&(key, value)| known.get(key) != Some(value))
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect();
    if replace {
        let gone = known.keys().filter(|key| !asked.contains_key(*key));
        changed.extend(gone.map(|key| (key.clone(), None)));
    }
    changed
}
