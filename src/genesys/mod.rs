//! All that is known of Genesys Cloud's API, and nothing of rules.

pub mod call;
pub mod ids;
pub mod names;
pub mod notifications;
pub mod outside;

pub use ids::{ConversationId, GroupId, ParticipantId, QueueId, UserId};
