//! Names that Genesys Cloud gives to things, each a type of its own so that two cannot be swapped.
//!
//! They are opaque: most are UUIDs, channel ids are not (FACTS 1.5), and nothing here looks inside.
//! Copies are cheap, because the same few ids pass through every part of the program.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(text: &str) -> $name {
                $name(Arc::from(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for Arc<str> {
            fn from(id: $name) -> Arc<str> {
                id.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name::new(text)
            }
        }
    };
}

id! {
    /// One conversation, over all its media and participants.
    ConversationId
}
id! {
    /// One participant of one conversation; a user who is alerted twice is two of them (FACTS 2.5.1).
    ParticipantId
}
id! {
    /// A user of the organisation, usually an agent.
    UserId
}
id! {
    /// A queue of the organisation.
    QueueId
}
id! {
    /// A group of users.
    GroupId
}
id! {
    /// One of what the directory lists: a wrap-up code, a skill, a language, a division or a flow.
    ListedId
}

/// What is known of conversations, by their ids. Each frame looks it up dozens of times, and the
/// standard library's hasher takes longer for that than the rules do. Ids are Genesys' own, and each
/// process has a seed of its own.
pub type ByConversation<T> = HashMap<ConversationId, T, RandomState>;
