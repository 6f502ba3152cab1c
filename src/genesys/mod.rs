//! All that is known of Genesys Cloud's API, and nothing of rules.

pub mod call;
pub mod directory;
pub mod ids;
pub mod names;
pub mod organization;
pub mod outside;
pub mod region;

pub use ids::{ConversationId, GroupId, ParticipantId, QueueId, UserId};
