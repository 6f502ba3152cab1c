//! Whether the topics are offered, what they require, and whether they find room (FACTS 1.5, 3.2).

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;

use super::found::Notes;
use crate::cli::failure::Failure;
use crate::config::Config;
use crate::events::channels::topics::{Limits, Plan, TOPICS_PER_CHANNEL};
use crate::events::topic::Topic;
use crate::genesys::call::{Api, Call, Class};
use crate::genesys::directory::Watching;
use crate::status::counted::counted;

const USERS: &str = "v2.users.{id}.conversations";
const QUEUES: &str = "v2.routing.queues.{id}.conversations";

/// What the topics come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics {
    pub(super) wanted: usize,
    pub(super) channels: usize,
    /// The permissions that each kind requires, where Genesys Cloud says.
    pub(super) requires: BTreeMap<&'static str, Vec<String>>,
}

/// What Genesys Cloud says of one kind of topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offer {
    permissions: Vec<String>,
    /// For a person about themselves: nothing for client credentials.
    own_only: bool,
}

pub(super) async fn check(
    api: &dyn Api,
    config: &Config,
    watching: &Watching,
    notes: &mut Notes<'_>,
) -> Topics {
    let mut topics = room(config, watching, notes);
    let kinds = [(USERS, !watching.users.is_empty()), (QUEUES, !watching.queues.is_empty())];
    let call = Call {
        class: Class::Directory,
        operation: "available_topics",
        method: Method::GET,
        path: "/api/v2/notifications/availabletopics?expand=requiresPermissions\
               &expand=permissionDetails&expand=enforced"
            .to_owned(),
        body: None,
    };
    let body: Value = match api.call(call).await {
        Ok(answer) => serde_json::from_slice(&answer.body).unwrap_or_default(),
        Err(error) => {
            notes.fail(Failure::of_call(&error, config.genesys.dialect));
            return topics;
        }
    };
    for (kind, _) in kinds.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        match offer(&body, kind) {
            None => {
                let problem = notes.config.error_of_file(format!("there is no topic {kind} here"));
                problem.help("see that genesys.api_url is Genesys Cloud; its support can tell why");
            }
            Some(offer) if offer.own_only => {
                let problem = notes
                    .config
                    .error_of_file(format!("{kind} is for users about themselves here"));
                problem.help("an OAuth client with Client Credentials is no user: ask Genesys");
            }
            Some(offer) if offer.permissions.is_empty() => {}
            Some(offer) => {
                topics.requires.insert(kind, offer.permissions);
            }
        }
    }
    topics
}

/// How many topics there are, and whether they find room.
fn room(config: &Config, watching: &Watching, notes: &mut Notes<'_>) -> Topics {
    let users = watching.users.iter().cloned().map(Topic::User);
    let topics: BTreeSet<Topic> =
        users.chain(watching.queues.iter().cloned().map(Topic::Queue)).collect();
    let (max, copies) = (config.channels.max, config.channels.copies);
    let clients = config.genesys.clients.len();
    let limits = Limits::of_clients(clients, max, copies);
    let plan = Plan::default().fit(&topics, limits);
    if topics.len() > limits.capacity() {
        let each = if copies > 1 { format!(" ({copies} copies of each)") } else { String::new() };
        let (wanted, room) = (counted(topics.len(), "topic"), counted(limits.capacity(), "topic"));
        let message = format!("{wanted}{each} are wanted, and there is room for {room}");
        notes.config.error_of_file(message).help(format!(
            "{} less one to replace another with, of {} each, by the copies, for {}: watch fewer \
             users, have fewer channels.copies, or list more OAuth clients, each a \
             [[genesys.client]]",
            counted(max, "channel"),
            counted(TOPICS_PER_CHANNEL, "topic"),
            counted(clients, "client"),
        ));
    }
    if topics.is_empty() && watching.complete {
        notes
            .config
            .error_of_file("nobody is watched: what [watch] names comes to no user and no queue")
            .help("see the problems above, or add users or queues to [watch]");
    }
    Topics { wanted: topics.len(), channels: plan.channels.len(), requires: BTreeMap::new() }
}

/// What is said of the topic, `None` if it is not there. Whatever is missing is taken for no
/// hindrance.
fn offer(body: &Value, kind: &str) -> Option<Offer> {
    let mut entities = body["entities"].as_array()?.iter();
    let is_kind = |one: &&Value| one["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(kind));
    let topic = entities.find(is_kind)?;
    let enforced = |value: &Value| value["enforced"].as_bool() != Some(false);
    if !enforced(topic) {
        return Some(Offer::default());
    }
    let details = topic["permissionDetails"].as_array();
    let details = details.into_iter().flatten().filter(|detail| enforced(detail));
    let lists = std::iter::once(&topic["requiresPermissions"])
        .chain(details.map(|detail| &detail["permissions"]));
    let permissions: BTreeSet<&str> =
        lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect();
    let is_true = |key: &str| topic[key].as_bool() == Some(true);
    Some(Offer {
        own_only: is_true("requiresCurrentUser") && !is_true("requiresCurrentUserOrPermission"),
        permissions: permissions.into_iter().map(str::to_owned).collect(),
    })
}
