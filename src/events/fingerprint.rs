//! Numbers that stand for what snapshots say, made for each frame and kept for none but this process.
//!
//! The same content has the same number in every run, so that the same frames go the same way. Many
//! small pieces go into each, at which the standard library's hasher is slow: it took a tenth of what
//! a frame cost.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

pub(in crate::events) fn hash(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// Half of the same: where there are few, or what two of one hash cost is little.
pub(in crate::events) fn short_hash(value: &impl Hash) -> u32 {
    u32::try_from(hash(value) >> 32).unwrap_or_default()
}
