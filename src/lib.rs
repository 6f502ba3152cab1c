//! Keeps participant attributes on live Genesys Cloud conversations as an administrator's rules
//! say they should be.

pub mod config;
pub mod events;
pub mod genesys;
pub mod rules;
pub mod signals;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod status;
pub mod updates;
