//! Notification topics: which exist, what a combined one stands for, who may listen (FACTS 1.5).
//!
//! Pure. Whether a user or queue of that id exists is not looked at, as the real service does not
//! tell either.

use serde_json::{Value, json};

/// A topic id this long is refused (FACTS 1.5).
const LONGEST: usize = 200;

const USER: [&str; 17] = [
    "activity",
    "conversations",
    "conversations.callbacks",
    "conversations.calls",
    "conversations.chats",
    "conversations.cobrowseSessions",
    "conversations.emails",
    "conversations.messages",
    "conversations.screenshares",
    "conversations.socialexpressions",
    "conversations.summaries",
    "conversations.videos",
    "conversationsummary",
    "presence",
    "routingStatus",
    "tokens",
    "outofoffice",
];

const QUEUE: [&str; 10] = [
    "conversations",
    "conversations.callbacks",
    "conversations.calls",
    "conversations.chats",
    "conversations.cobrowseSessions",
    "conversations.emails",
    "conversations.messages",
    "conversations.screenshares",
    "conversations.socialexpressions",
    "conversations.videos",
];

const DETAIL: [&str; 15] = [
    "acd.end",
    "acd.start",
    "acw",
    "attributes",
    "contact",
    "customer.end",
    "customer.start",
    "flow.end",
    "flow.outcome",
    "flow.start",
    "outbound",
    "user.end",
    "user.start",
    "voicemail.end",
    "wrapup",
];

/// What a topic id is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    Permitted,
    Invalid,
    /// With the permission that is missing.
    Forbidden(String),
}

/// Topics and operations that the client has no permission for.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// Topics that are refused; `*` at the end stands for anything.
    pub topics: Vec<String>,
    /// Operations that are refused with 403, as `METHOD part-of-the-template`.
    pub operations: Vec<String>,
    /// What the refusals say is missing.
    pub permission: Option<String>,
}

impl Permissions {
    pub(super) fn missing(&self) -> &str {
        self.permission.as_deref().unwrap_or("conversation:communication:view")
    }

    fn forbids(&self, topic: &str) -> bool {
        self.topics.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => topic.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start)),
            None => topic.eq_ignore_ascii_case(pattern),
        })
    }
}

/// The single topics that an id stands for; `None` if there is no such topic.
pub(super) fn parts(id: &str) -> Option<Vec<String>> {
    if id.len() >= LONGEST {
        return None;
    }
    let singles = match id.split_once('?') {
        Some((stem, names)) => names.split('&').map(|name| format!("{stem}.{name}")).collect(),
        None => vec![id.to_owned()],
    };
    singles.iter().all(|single| exists(single)).then_some(singles)
}

fn exists(topic: &str) -> bool {
    let lower = topic.to_ascii_lowercase();
    let known = |names: &[&str], name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    let split = |stem: &str| lower.strip_prefix(stem).and_then(|rest| rest.split_once('.'));
    if lower == "channel.metadata" {
        return true;
    }
    let (id, is_known) = if let Some((id, name)) = split("v2.users.") {
        (id, known(&USER, name))
    } else if let Some((id, name)) = split("v2.routing.queues.") {
        (id, known(&QUEUE, name))
    } else if let Some((id, name)) = split("v2.detail.events.conversation.") {
        (id, known(&DETAIL, name))
    } else {
        return false;
    };
    is_known && !id.is_empty() && !id.contains(['{', '}', ' ', '*'])
}

/// What is said about a topic id, and with it about each of its parts that is refused.
pub(super) fn rule(id: &str, permissions: &Permissions) -> (Ruling, Vec<(String, Ruling)>) {
    let Some(singles) = parts(id) else {
        return (Ruling::Invalid, Vec::new());
    };
    let forbidden = || Ruling::Forbidden(permissions.missing().to_owned());
    let refused: Vec<(String, Ruling)> = singles
        .iter()
        .filter(|single| permissions.forbids(single))
        .map(|single| (single.clone(), forbidden()))
        .collect();
    match refused.len() {
        0 => (Ruling::Permitted, refused),
        all if all == singles.len() => (forbidden(), Vec::new()),
        // A combined id is permitted while some of its parts are not (FACTS 1.5).
        _ => (Ruling::Permitted, refused),
    }
}

/// One `ChannelTopic`.
pub(super) fn shown(channel: &str, id: &str, ruling: &Ruling) -> Value {
    let uri = format!("/api/v2/notifications/channels/{channel}/subscriptions");
    match ruling {
        Ruling::Permitted => json!({ "id": id, "state": "Permitted", "selfUri": uri }),
        Ruling::Invalid => json!({
            "id": id,
            "state": "Rejected",
            "rejectionReason": "The subscription topic is not valid.",
        }),
        Ruling::Forbidden(permission) => json!({
            "id": id,
            "state": "Rejected",
            "rejectionReason": "Not authorized for this topic.",
            "missingPermissions": [permission],
        }),
    }
}

/// The `AvailableTopicEntityListing`.
pub(super) fn available() -> Value {
    let entity = |id: String, permission: Option<&str>| {
        let permissions: Vec<&str> = permission.into_iter().collect();
        json!({
            "id": id,
            "description": format!("Events of {id}"),
            "requiresPermissions": permissions,
            "requiresDivisionPermissions": false,
            "requiresCurrentUser": false,
            "requiresCurrentUserOrPermission": permission.is_some(),
            "enforced": true,
            "visibility": "Public",
            "transports": ["Websocket"],
            "topicParameters": ["id"],
            "permissionDetails": [{
                "type": "requiresPermissions",
                "permissions": permissions,
                "allowsCurrentUser": true,
                "enforced": true,
            }],
        })
    };
    let view = Some("conversation:communication:view");
    let users = USER.iter().map(|name| entity(format!("v2.users.{{id}}.{name}"), view));
    let queues = QUEUE.iter().map(|name| entity(format!("v2.routing.queues.{{id}}.{name}"), view));
    let details = DETAIL
        .iter()
        .map(|name| entity(format!("v2.detail.events.conversation.{{id}}.{name}"), None));
    json!({ "entities": users.chain(queues).chain(details).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_exist_as_documented() {
        for (id, singles) in [
            ("v2.users.u1.conversations", Some(1)),
            ("V2.Users.u1.ROUTINGstatus", Some(1)),
            ("v2.users.u1?conversations&presence", Some(2)),
            ("v2.routing.queues.q1.conversations.calls", Some(1)),
            ("v2.detail.events.conversation.c1.attributes", Some(1)),
            ("v2.users.u1?conversations&nonsense", None),
            ("v2.users.{id}.conversations", None),
            ("v2.users..conversations", None),
            ("v2.conversations.c1", None),
            ("", None),
        ] {
            assert_eq!(parts(id).map(|parts| parts.len()), singles, "{id}");
        }
        assert_eq!(parts(&format!("v2.users.{}.conversations", "u".repeat(200))), None);
    }

    #[test]
    fn a_combined_topic_is_permitted_while_a_part_is_not() {
        let permissions =
            Permissions { topics: vec!["v2.users.u1.conv*".to_owned()], ..Permissions::default() };
        let (whole, refused) = rule("v2.users.u1?conversations&presence", &permissions);
        assert_eq!((whole, refused.len()), (Ruling::Permitted, 1));
        let (whole, refused) = rule("v2.users.u1.conversations", &permissions);
        assert!(matches!(whole, Ruling::Forbidden(_)) && refused.is_empty());
        assert_eq!(rule("v2.users.u2.conversations", &permissions).0, Ruling::Permitted);
    }
}
