//! How events come in: socket → frame → snapshot.

pub mod conversation;
pub mod watching;
