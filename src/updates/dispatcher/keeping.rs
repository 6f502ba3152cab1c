//! What the journal is given, and when: all that has changed since the last time.
//!
//! What is not handed over yet is lost with the process, as what no commit carried is; the good moment
//! goes with the rows that it speaks of, so that the next start looks into that time.

use std::time::Duration;

use tokio::time::Instant;

use super::Dispatcher;
use crate::updates::journal::ANEW_AT_ONCE;

/// Where changes gather for a commit, they are handed to the journal this often at most: under load a
/// participant changes several times meanwhile, and its row is made once. It is little beside the
/// time between two commits.
pub(super) const HAND_OVER: Duration = Duration::from_millis(20);

impl Dispatcher {
    /// Gives the journal what has changed, at once or by and by.
    pub(super) fn keep(&mut self, now: Instant) {
        self.to_hand_over = self.journal.gathers() && now < self.handed_over + HAND_OVER;
        if !self.to_hand_over {
            self.hand_over(now);
        }
    }

    /// Gives the journal what has changed.
    pub(super) fn hand_over(&mut self, now: Instant) {
        if !self.journal.is_written() {
            return self.keeper.forget_changes();
        }
        let whole = self.make_anew(now);
        let mut changes = self.keeper.changes(self.calendar, now);
        if let Some(number) = whole {
            changes.get_or_insert_default().whole(number);
        }
        if let Some(changes) = changes {
            self.handed_over = now;
            self.journal.change(|before| before.then(changes));
        }
    }

    /// Makes some more rows anew if the journal has asked for all of them. Returns by which number,
    /// once these are the last.
    fn make_anew(&mut self, now: Instant) -> Option<u64> {
        let (asked, has_room) = self.journal.anew();
        if asked > self.anew {
            self.anew = asked;
            self.making_anew = true;
            if let Some(left) = self.journal.take_left() {
                self.keeper.take_over_late(left, now);
            }
            self.keeper.begin_anew();
        }
        let ends = self.making_anew && has_room && self.keeper.make_anew(ANEW_AT_ONCE);
        self.making_anew &= !ends;
        ends.then_some(asked)
    }
}
