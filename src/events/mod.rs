//! How events come in: socket → frame → snapshot.

mod backoff;
pub mod conversation;
pub mod frame;
pub mod topic;
pub mod topics;
