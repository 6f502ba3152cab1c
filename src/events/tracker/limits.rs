//! How much the tracker remembers, and why that is enough.

use std::time::Duration;

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Live conversations: some 800 bytes each beside their snapshots. Of more, the one longest
    /// without news is forgotten; its next snapshot counts as its first.
    pub live: usize,
    /// Snapshots that are kept, in bytes: some 12 KB for a call with one agent.
    pub snapshots: usize,
    /// A live conversation without news for this long is looked up: its end may have been missed.
    pub silence: Duration,
    /// Conversations that are over: some 300 bytes each.
    pub tombstones: usize,
    /// How late a frame of a conversation that is over may come and still be known as late.
    pub tombstone_age: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // More than Genesys' largest customers have at once on 20 channels' worth of users.
            live: 50_000,
            // Some 700 calls: all that are live in most places. Elsewhere those that had news last,
            // which are those that are asked for most: a doubt, a rule whose time comes. More of them
            // would leave no room for 100,000 participants that wait.
            snapshots: 8 << 20,
            silence: Duration::from_hours(24),
            tombstones: 100_000,
            // Frames are seconds late, or minutes after trouble on Genesys' side.
            tombstone_age: Duration::from_hours(6),
        }
    }
}
