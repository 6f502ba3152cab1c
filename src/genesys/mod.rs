//! All that is known of Genesys Cloud's API, and nothing of rules.

pub mod account;
pub mod attributes;
pub mod call;
pub mod clients;
pub mod directory;
mod error;
#[cfg(test)]
mod fake;
pub mod http;
pub mod ids;
pub mod month;
pub mod names;
pub mod notifications;
pub mod organization;
pub mod outside;
pub mod pacer;
pub(crate) mod quoted;
pub mod reading;
pub mod region;
mod token;

pub use ids::{ByConversation, ConversationId, GroupId, ListedId, ParticipantId, QueueId, UserId};
