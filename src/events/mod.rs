//! How events come in: socket → frame → snapshot.

pub mod conversation;
pub mod ends;
mod generic;
mod lenient;
mod media;
mod mend;
pub mod numbers;
pub mod parties;
pub mod progress;
mod rest;
#[cfg(test)]
mod samples;
pub mod tracker;
mod unreadable;
pub mod watching;
mod wire;
mod words;

pub use generic::read_generic;
pub use media::read_media;
pub use rest::read_rest;
pub use unreadable::Unreadable;
