//! How events come in: socket → frame → snapshot.
//!
//! [`channels`] keep the sockets open and hand on conversations as they came; [`shapes`] reads each
//! of the forms in which Genesys sends a conversation into the one [`conversation`]; [`tracker`]
//! says which snapshot is newer; [`watching`] says whose conversations are wanted at all; [`gaps`]
//! keeps what may have been missed. Nothing here knows rules or updates.

mod attributes;
pub mod channels;
pub mod conversation;
pub mod ends;
mod fingerprint;
pub mod frame;
pub mod gaps;
pub mod numbers;
mod original;
pub mod parties;
pub mod progress;
pub mod recorded;
#[cfg(test)]
mod samples;
pub mod shapes;
mod text;
pub mod topic;
pub mod tracker;
pub mod watching;
pub mod words;

pub use shapes::{Unreadable, read_generic, read_media, read_rest};
