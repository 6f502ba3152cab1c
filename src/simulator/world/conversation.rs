//! A conversation in the world: one with a life of its own, or one that a test injected.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::model::{Media, Millis, Model};
use super::organization::Organization;
use super::{generic, noise};

pub(super) type Attributes = BTreeMap<String, String>;
/// Participant ids and times as they are written.
pub(super) type Starts = BTreeMap<String, Value>;

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) content: Content,
    /// How often it has changed.
    pub(super) version: u64,
    /// Participants whose end their users' topics have already shown.
    ended: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) enum Content {
    Living {
        model: Box<Model>,
        dice: Box<Dice>,
    },
    /// The generic body as the test gave it, with the attributes written since.
    Injected(Value),
}

impl Conversation {
    pub(super) fn living(model: Model, dice: Dice) -> Conversation {
        Conversation::new(Content::Living { model: Box::new(model), dice: Box::new(dice) })
    }

    pub(super) fn injected(body: Value) -> Conversation {
        Conversation::new(Content::Injected(body))
    }

    fn new(content: Content) -> Conversation {
        Conversation { content, version: 0, ended: BTreeSet::new() }
    }

    pub(super) fn generic(&self, seed: u64, organization: &Organization) -> Value {
        match &self.content {
            Content::Living { model, .. } => {
                let mut body = generic::body(model, organization);
                noise::roughen(&mut body, &mut Dice::of(seed, &model.id, self.version));
                body
            }
            Content::Injected(body) => body.clone(),
        }
    }

    pub(super) fn over_since(&self) -> Option<Millis> {
        match &self.content {
            Content::Living { model, .. } => model.over_since(),
            Content::Injected(body) => {
                let ends: Option<Vec<Millis>> =
                    parties(body).map(|party| millis(&party["endTime"])).collect();
                ends.and_then(|ends| ends.into_iter().max())
            }
        }
    }

    pub(super) fn started(&self) -> Option<Millis> {
        match &self.content {
            Content::Living { model, .. } => Some(model.started),
            Content::Injected(body) => {
                parties(body).filter_map(|party| millis(&party["connectedTime"])).min()
            }
        }
    }

    /// When each participant came, which the generic shape does not say.
    pub(super) fn starts(&self) -> Starts {
        match &self.content {
            Content::Living { model, .. } => model
                .parties
                .iter()
                .map(|party| (party.id.clone(), generic::time(party.joined)))
                .collect(),
            Content::Injected(body) => {
                let known = parties(body).filter(|party| party["connectedTime"].is_string());
                known
                    .filter_map(|party| {
                        Some((party["id"].as_str()?.to_owned(), party["connectedTime"].clone()))
                    })
                    .collect()
            }
        }
    }

    /// Users and queues that ever were in it.
    pub(super) fn involved(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        match &self.content {
            Content::Living { model, .. } => (
                model.parties.iter().filter_map(|party| party.user.clone()).collect(),
                model.parties.iter().filter_map(|party| party.queue.clone()).collect(),
            ),
            Content::Injected(body) => (words(body, "userId"), words(body, "queueId")),
        }
    }

    pub(super) fn attributes(&self, participant: &str) -> Option<Attributes> {
        match &self.content {
            Content::Living { model, .. } => model
                .parties
                .iter()
                .find(|party| party.id == participant)
                .map(|party| party.attributes.clone()),
            Content::Injected(body) => {
                parties(body).find(|party| party["id"] == participant).map(attributes_of)
            }
        }
    }

    /// Sets the attributes of a participant; false when there is none of that id.
    pub(super) fn set_attributes(&mut self, participant: &str, attributes: Attributes) -> bool {
        match &mut self.content {
            Content::Living { model, .. } => {
                let party = model.parties.iter_mut().find(|party| party.id == participant);
                let found = party.is_some();
                if let Some(party) = party {
                    party.attributes = attributes;
                }
                found
            }
            Content::Injected(body) => {
                let parties = body["participants"].as_array_mut().into_iter().flatten();
                let party = parties.into_iter().find(|party| party["id"] == participant);
                let found = party.is_some();
                if let Some(party) = party {
                    party["attributes"] = json!(attributes);
                }
                found
            }
        }
    }

    /// Topics that hear of the conversation as it now is. Who has ended hears of that, once.
    pub(super) fn topics(&mut self, generic: &Value) -> Vec<String> {
        let mut ways: BTreeSet<String> = BTreeSet::new();
        let media: Vec<&str> = Media::ALL
            .iter()
            .map(|media| media.array())
            .filter(|&array| parties(generic).any(|party| has_legs(party, array)))
            .collect();
        for party in parties(generic) {
            let id = party["id"].as_str().unwrap_or_default();
            let gone = party["endTime"].is_string() && !self.ended.insert(id.to_owned());
            let works_for_us = party["userId"].is_string() || party["purpose"] == "acd";
            if gone || !works_for_us {
                continue;
            }
            if let Some(user) = party["userId"].as_str() {
                ways.insert(format!("v2.users.{user}.conversations"));
            }
            if let Some(queue) = party["queueId"].as_str() {
                ways.insert(format!("v2.routing.queues.{queue}.conversations"));
            }
        }
        let mut topics: Vec<String> = ways
            .into_iter()
            .flat_map(|way| {
                let of_media: Vec<String> =
                    media.iter().map(|array| format!("{way}.{array}")).collect();
                std::iter::once(way).chain(of_media)
            })
            .collect();
        topics.sort();
        topics
    }
}

/// The participants of a generic body.
pub(super) fn parties(body: &Value) -> impl Iterator<Item = &Value> {
    body["participants"].as_array().into_iter().flatten()
}

pub(super) fn attributes_of(party: &Value) -> Attributes {
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    party["attributes"].as_object().map(Map::iter).into_iter().flatten().filter_map(text).collect()
}

fn has_legs(party: &Value, array: &str) -> bool {
    party[array].as_array().is_some_and(|legs| !legs.is_empty())
}

fn words(body: &Value, name: &str) -> BTreeSet<String> {
    parties(body).filter_map(|party| party[name].as_str()).map(str::to_owned).collect()
}

fn millis(time: &Value) -> Option<Millis> {
    time.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
