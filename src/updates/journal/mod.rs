//! The journal: what waits and what was written outlives the process (SEMANTICS 4).
//!
//! [`Store`] is its core: rows on disk in transactions, synchronous. [`Changes`] is what is to be
//! written, the last state of each participant only. [`Journal`] joins them by a thread: changes are
//! taken as they come, and whatever came during one commit goes with the next, so that durability
//! costs the updates nothing but the copy. Or it joins them without one, within the caller's turn.
//!
//! It promises that what a commit carried is there after a power loss, whole, and that
//! [`good_until`](Changes::good_until) is never on disk without what it speaks of. It does not know
//! what the rows are for: whoever owns the outbox offers them and takes them back at the start.
//! While nothing can be written it says so ([`Health::Suspended`]) and keeps the difference.

mod batch;
mod changes;
mod contained;
mod file;
mod handle;
mod inline;
mod letters;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod thread;

pub use changes::{Changes, Place};
pub use file::JOURNAL_FILE;
pub use handle::{ANEW_AT_ONCE, Health, Journal, Monitor, Opener};
pub use letters::{LetterChanges, Letters};
pub use rows::{Fate, Memory, Millis, Mode, Pending, PendingKey, WrittenKey};
pub use store::{FORMAT, Recovered, Store, StoreError};
