//! A local Genesys Cloud.

pub mod oracle;
pub mod world;
