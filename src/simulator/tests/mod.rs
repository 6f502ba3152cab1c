//! The simulator as a client sees it, in memory and in paused time.

mod channels;
mod client;
mod conformance;
mod conversations;
mod directory;
mod gate;
mod listener;
mod play;
mod truth;
