//! All that is known of Genesys Cloud's API, and nothing of rules.

pub mod call;
pub mod http;
pub mod ids;
pub mod names;
pub mod outside;
pub mod pacer;

pub use ids::{ConversationId, GroupId, ParticipantId, QueueId, UserId};
