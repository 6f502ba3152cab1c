//! How events come in: socket → frame → snapshot.

mod backoff;
mod channel;
pub mod channels;
pub mod conversation;
pub mod frame;
mod intake;
mod job;
mod keeper;
mod kept;
mod line;
pub mod notice;
mod outcome;
mod pool;
mod report;
#[cfg(test)]
mod rig;
pub mod socket;
mod subscription;
mod supervisor;
pub mod topic;
pub mod topics;
#[cfg(test)]
mod trial;
mod view;
