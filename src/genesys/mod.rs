//! All that is known of Genesys Cloud's API, and nothing of rules.

pub mod account;
pub mod attributes;
pub mod call;
pub mod directory;
mod error;
#[cfg(test)]
mod fake;
pub mod http;
pub mod ids;
pub mod names;
pub mod organization;
pub mod outside;
pub mod region;
pub mod pacer;
pub mod reading;
mod token;

pub use ids::{ConversationId, GroupId, ParticipantId, QueueId, UserId};
