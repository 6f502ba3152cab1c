//! The pieces that every shape of a conversation has in common, as Genesys writes them.

use serde::Deserialize;

use super::lenient::{List, Maybe, Object, Scalar};
use crate::events::conversation::Routing;
use crate::genesys::QueueId;

/// A reference to something else: all that is used of it is the id.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Scalar"))]
pub(super) struct Reference<T> {
    #[serde(default)]
    pub(super) id: Maybe<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Division {
    division: Object<Reference<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wrapup {
    code: Maybe<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RoutingData {
    queue: Object<Reference<QueueId>>,
    language: Object<Reference<String>>,
    skills: List<Object<Reference<String>>>,
    priority: Maybe<i64>,
}

/// One message of a thread: `messageId` in the generic shape, `message.id` in the media one
/// (FACTS 2.4).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ThreadMessage {
    message_id: Maybe<String>,
    message: Object<Reference<String>>,
}

impl<T: Scalar> Object<Reference<T>> {
    pub(super) fn id(self) -> Option<T> {
        self.0.and_then(|reference| reference.id.0)
    }
}

impl Object<Wrapup> {
    pub(super) fn code(self) -> Option<String> {
        self.0.and_then(|wrapup| wrapup.code.0)
    }
}

impl Object<RoutingData> {
    pub(super) fn routing(self) -> Routing {
        let Some(data) = self.0 else { return Routing::default() };
        Routing {
            queue_id: data.queue.id(),
            language_id: data.language.id(),
            skill_ids: data.skills.objects().filter_map(|skill| skill.id.0).collect(),
            priority: data.priority.0,
        }
    }
}

impl List<Object<Division>> {
    pub(super) fn ids(self) -> Vec<String> {
        self.objects().filter_map(|membership| membership.division.id()).collect()
    }
}

impl List<Object<ThreadMessage>> {
    pub(super) fn ids(self) -> Vec<String> {
        self.objects().filter_map(|one| one.message_id.0.or_else(|| one.message.id())).collect()
    }
}
