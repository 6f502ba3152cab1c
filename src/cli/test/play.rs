//! Plays a case: each event goes through the real reader, rules and updates, and what was written
//! is there in the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::app::rehearsal::{Came, Rehearsal, Wrote};
use crate::events::conversation::Conversation;
use crate::events::topic::Topic;
use crate::events::{read_generic, read_media};
use crate::genesys::UserId;
use crate::rules::Rules;
use crate::rules::cases::{Case, Event, Step, Watched};

/// What came of one step.
#[derive(Debug)]
pub(super) struct Played {
    /// How the conversation is, with what was written.
    pub(super) conversation: Option<Conversation>,
    pub(super) came: Came,
}

/// Participant and key.
type Place = (String, String);

/// Attributes as far as they were written and nobody else has set them since.
#[derive(Default)]
struct Written {
    values: BTreeMap<Place, String>,
    /// As the last event had them by itself.
    given: BTreeMap<Place, String>,
}

/// Plays all steps.
///
/// # Errors
///
/// If an event cannot be read, which its own words rule out.
pub(super) fn play(rules: &Arc<Rules>, case: &Case) -> Result<Vec<Played>, String> {
    let Some(first) = case.steps.first() else { return Ok(Vec::new()) };
    let watched = watched(case);
    let mut rehearsal = Rehearsal::new(Arc::clone(rules), watched, first.at);
    let mut written = Written::default();
    let mut played = Vec::new();
    for Step { at, event, .. } in &case.steps {
        let snapshot = event.as_ref().map(|event| written.shown(event)).transpose()?;
        let came = rehearsal.pass(snapshot, *at);
        for Wrote { participant, key, value, .. } in &came.wrote {
            let place = (participant.as_str().to_owned(), key.to_string());
            written.values.insert(place, value.to_string());
        }
        played.push(Played { conversation: rehearsal.current().cloned(), came });
    }
    Ok(played)
}

fn watched(case: &Case) -> BTreeSet<UserId> {
    match &case.watched {
        Watched::Nobody => BTreeSet::new(),
        Watched::Users(ids) => ids.iter().map(|id| UserId::new(id)).collect(),
        Watched::All => {
            let events = case.steps.iter().filter_map(|step| step.event.as_ref());
            let conversations = events.filter_map(|event| read(event, &event.body).ok());
            let users = conversations.flat_map(|conversation| conversation.participants);
            users.filter_map(|participant| participant.user_id).collect()
        }
    }
}

fn read(event: &Event, body: &Value) -> Result<Conversation, String> {
    let text = body.to_string();
    let read = match event.topic.as_ref().and_then(Topic::media) {
        Some(media) => read_media(media, &text),
        None => read_generic(&text),
    };
    read.map_err(|error| error.to_string())
}

impl Written {
    /// The event as it would come after what was written.
    fn shown(&mut self, event: &Event) -> Result<(Conversation, String), String> {
        let mut body = event.body.clone();
        let participants = body.get_mut("participants").and_then(Value::as_array_mut);
        let mut given = BTreeMap::new();
        for participant in participants.into_iter().flatten() {
            let Some(id) = participant.get("id").and_then(Value::as_str).map(str::to_owned) else {
                continue;
            };
            let attributes = participant.get("attributes").and_then(Value::as_object);
            for (key, value) in attributes.into_iter().flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                given.insert((id.clone(), key.clone()), value);
            }
        }
        let before = std::mem::replace(&mut self.given, given);
        let given = &self.given;
        // What the event says anew is somebody else's word, and came after ours.
        self.values.retain(|place, _| {
            !event.stated.contains(place) && given.get(place) == before.get(place)
        });
        let participants = body.get_mut("participants").and_then(Value::as_array_mut);
        for participant in participants.into_iter().flatten() {
            let Some(id) = participant.get("id").and_then(Value::as_str).map(str::to_owned) else {
                continue;
            };
            for ((_, key), value) in self.values.iter().filter(|((of, _), _)| *of == id) {
                participant["attributes"][key] = Value::from(value.clone());
            }
        }
        Ok((read(event, &body)?, body.to_string()))
    }
}
