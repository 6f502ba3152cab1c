//! What can be subscribed to: the conversations of one user or of one queue.
//!
//! A topic is written exactly as Genesys documents it and read without regard to case, since
//! names come back in other spellings (FACTS 1.5). Ids are lower case once read, so that two
//! spellings of one topic are equal. Topics of other kinds are no error: they are simply not
//! [`Topic`]s.

use std::fmt;

use crate::events::conversation::Media;
use crate::genesys::{QueueId, UserId};

/// A topic that carries conversations. Only the generic two are ever subscribed to (SEMANTICS 2);
/// the media variants are understood for recordings and injected frames.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    User(UserId),
    Queue(QueueId),
    /// Flattened participants (FACTS 2.4).
    UserMedia(UserId, Media),
    /// Flattened participants (FACTS 2.4).
    QueueMedia(QueueId, Media),
}

/// The last segments of media topics; the other media have none.
const MEDIA: [(&str, Media); 9] = [
    ("callbacks", Media::Callback),
    ("calls", Media::Call),
    ("chats", Media::Chat),
    ("cobrowseSessions", Media::Cobrowse),
    ("emails", Media::Email),
    ("messages", Media::Message),
    ("screenshares", Media::Screenshare),
    ("socialexpressions", Media::SocialExpression),
    ("videos", Media::Video),
];

impl Topic {
    /// The topic that the text names, if it is one that carries conversations.
    pub fn parse(text: &str) -> Option<Topic> {
        let (kind, rest) = text.split_once('.').and_then(|(version, rest)| {
            let of = |prefix: &str| {
                let head = rest.get(..prefix.len())?;
                head.eq_ignore_ascii_case(prefix).then(|| &rest[prefix.len()..])
            };
            if !version.eq_ignore_ascii_case("v2") {
                return None;
            }
            let user = of("users.").map(|rest| (Kind::User, rest));
            user.or_else(|| of("routing.queues.").map(|rest| (Kind::Queue, rest)))
        })?;
        let (id, tail) = rest.split_once('.')?;
        let (word, medium) = match tail.split_once('.') {
            None => (tail, None),
            Some((word, medium)) => {
                let known = MEDIA.iter().find(|(name, _)| name.eq_ignore_ascii_case(medium))?;
                (word, Some(known.1))
            }
        };
        if id.is_empty() || !word.eq_ignore_ascii_case("conversations") {
            return None;
        }
        let id = id.to_ascii_lowercase();
        Some(match (kind, medium) {
            (Kind::User, None) => Topic::User(UserId::new(&id)),
            (Kind::User, Some(medium)) => Topic::UserMedia(UserId::new(&id), medium),
            (Kind::Queue, None) => Topic::Queue(QueueId::new(&id)),
            (Kind::Queue, Some(medium)) => Topic::QueueMedia(QueueId::new(&id), medium),
        })
    }

    /// The user whose topic it is: the only place where a users topic names its user (FACTS 2.1).
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Topic::User(id) | Topic::UserMedia(id, _) => Some(id),
            Topic::Queue(_) | Topic::QueueMedia(..) => None,
        }
    }

    /// The medium, where bodies are those of a media topic.
    pub fn media(&self) -> Option<Media> {
        match self {
            Topic::UserMedia(_, media) | Topic::QueueMedia(_, media) => Some(*media),
            Topic::User(_) | Topic::Queue(_) => None,
        }
    }
}

enum Kind {
    User,
    Queue,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::User(id) | Topic::UserMedia(id, _) => write!(f, "v2.users.{id}.conversations")?,
            Topic::Queue(id) | Topic::QueueMedia(id, _) => {
                write!(f, "v2.routing.queues.{id}.conversations")?;
            }
        }
        let medium = self.media().and_then(|media| MEDIA.iter().find(|(_, one)| *one == media));
        medium.map_or(Ok(()), |(name, _)| write!(f, ".{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_written_as_documented_and_read_without_regard_to_case() {
        let cases = [
            ("v2.users.a1.conversations", Topic::User(UserId::new("a1"))),
            ("V2.Users.A1.Conversations", Topic::User(UserId::new("a1"))),
            ("v2.routing.queues.q.conversations", Topic::Queue(QueueId::new("q"))),
            (
                "v2.users.a.conversations.cobrowsesessions",
                Topic::UserMedia(UserId::new("a"), Media::Cobrowse),
            ),
            (
                "v2.routing.queues.q.conversations.calls",
                Topic::QueueMedia(QueueId::new("q"), Media::Call),
            ),
        ];
        for (text, topic) in cases {
            assert_eq!(Topic::parse(text), Some(topic.clone()), "{text}");
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
    }

    #[test]
    fn what_carries_no_conversations_is_no_topic() {
        for text in [
            "",
            "v2",
            "v2.users",
            "v2.users.a",
            "v2.users..conversations",
            "v2.users.a.presence",
            "v2.users.a.conversations.summaries",
            "v2.users.a.conversationsummary",
            "v3.users.a.conversations",
            "v2.usérs.a.conversations",
            "channel.metadata",
            "v2.system.socket_closing",
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }
}
