//! A local Genesys Cloud.

pub mod world;
