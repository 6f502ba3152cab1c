//! How events come in: socket → frame → snapshot.

mod backoff;
mod channel;
pub mod channels;
pub mod conversation;
pub mod ends;
pub mod frame;
mod generic;
mod intake;
mod job;
mod keeper;
mod kept;
mod lenient;
mod line;
mod media;
mod mend;
pub mod notice;
pub mod numbers;
mod outcome;
pub mod parties;
mod pool;
pub mod progress;
mod report;
mod rest;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod samples;
pub mod socket;
mod subscription;
mod supervisor;
pub mod topic;
pub mod topics;
pub mod tracker;
#[cfg(test)]
mod trial;
mod unreadable;
mod view;
pub mod watching;
mod wire;
mod words;

pub use generic::read_generic;
pub use media::read_media;
pub use rest::read_rest;
pub use unreadable::Unreadable;
