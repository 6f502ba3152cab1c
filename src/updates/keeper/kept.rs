//! What of the keeper outlives the process, and what it takes over from an earlier one (SEMANTICS 4).
//!
//! It remembers whose rows may have changed, and makes them when it is asked: once for many changes.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::Keeper;
use super::give_up::Verdict;
use crate::defects::{self, Defect};
use crate::genesys::ConversationId;
use crate::updates::age::AgeClock;
use crate::updates::calendar::{Calendar, Times};
use crate::updates::journal::{Changes, Millis, Place, Recovered};
use crate::updates::memory::Gone;
use crate::updates::outbox::Target;

/// What an earlier process left waits for its conversation to be read: others may have written
/// meanwhile. Where thousands are to be read it goes without that after so long.
const UNREAD_WAIT: Duration = Duration::from_secs(120);

impl Keeper {
    /// All that was received until then has been observed.
    pub(crate) fn through(&mut self, at: Instant) {
        // What was refused for want of room is neither kept nor settled before its conversation was
        // looked at again; that look is on its way for a moment after it was asked for.
        let short = self.asks.has_look_again();
        if !short && !self.was_short {
            self.through = Some(at);
        }
        self.was_short = short;
    }

    /// What is to be written to the journal since this was last asked; `None` if nothing is.
    pub(crate) fn changes(&mut self, calendar: Calendar, now: Instant) -> Option<Changes> {
        let (over, written) = self.memory.take_touched();
        let waiting = self.outbox.take_touched();
        let through = self.through.take();
        let letters = self.dead_letters.take_changes();
        let no_rows = over.is_empty() && written.is_empty() && waiting.is_empty();
        if no_rows && through.is_none() && letters.is_none() {
            return None;
        }
        let (times, mut changes) = (self.times(calendar, now), Changes::default());
        if let Some(letters) = letters {
            changes.letters(letters);
        }
        for conversation in over {
            changes.over(conversation);
        }
        for target in waiting {
            let row = self.outbox.row(&target, &times);
            changes.pending(place(target), row);
        }
        for target in written {
            let landed = self.known_to_have_landed(&target, now);
            let row = self.memory.row(&target, landed, self.settings.keep, &times);
            changes.memory(place(target), row);
        }
        if let Some(through) = through {
            changes.good_until(times.millis(through));
        }
        Some(changes)
    }

    /// What is on disk is out of date: the rows of all are to be made anew.
    pub(crate) fn begin_anew(&mut self) {
        self.anew = self.outbox.all().into_iter().map(|(target, _)| target).collect();
        self.anew.extend(self.memory.all_written());
        self.dead_letters.touch_all();
    }

    /// Has some more of those rows made, so many at most. Returns true if and only if these were
    /// the last.
    pub(crate) fn make_anew(&mut self, count: usize) -> bool {
        for _ in 0..count {
            let Some(target) = self.anew.pop_first() else { break };
            self.outbox.touch(&target);
            self.memory.touch(&target);
        }
        self.anew.is_empty()
    }

    /// Nobody writes what has changed.
    pub(crate) fn forget_changes(&mut self) {
        self.memory.forget_touched();
        self.outbox.forget_touched();
        self.dead_letters.take_changes();
        self.through = None;
    }

    /// Takes over what an earlier process left. Its conversations are to be read, and what waits
    /// waits for that.
    pub(crate) fn restore(&mut self, mut recovered: Recovered, calendar: Calendar, now: Instant) {
        if defects::on(Defect::StartsAnew) {
            recovered.pending.clear();
        }
        if defects::on(Defect::MemoryLostAtRestart) {
            recovered.memory.clear();
        }
        let Recovered { pending, memory, letters, good_until: _ } = recovered;
        self.calendar = calendar;
        self.restore_letters(letters, now);
        let (participants, remembered) = (pending.len(), memory.len());
        let changed = pending.iter().flat_map(|(_, row)| row.keys.values().map(|it| it.changed_at));
        let accepted =
            memory.iter().flat_map(|(_, row)| row.keys.values().map(|it| it.accepted_at));
        let oldest: Option<Millis> = changed.chain(accepted).min();
        let age = oldest.map_or(Duration::ZERO, |at| self.times(calendar, now).ago(at));
        self.age = AgeClock::showing(age, now);
        let times = self.times(calendar, now);
        let mut conversations: BTreeSet<ConversationId> = BTreeSet::new();
        for (place, row) in pending {
            let target = target(place);
            self.memory.enter(&target.conversation);
            let useless_at = row.keys.values().filter_map(|it| it.useless_at).min();
            if let Some(at) = useless_at {
                self.look_after_at(&target.conversation, times.instant(at));
            }
            self.outbox.restore(&target, row, now + UNREAD_WAIT, &times);
            conversations.insert(target.conversation);
        }
        self.asks.recover(&conversations);
        let waiting = conversations.len();
        conversations.clear();
        for (place, row) in memory {
            let target = target(place);
            self.memory.enter(&target.conversation);
            if let Some(participant) = self.memory.participant_mut(&target) {
                participant.restore(row, &times);
            }
            // Some of it may have to be confirmed.
            self.look_after_at(&target.conversation, now);
            conversations.insert(target.conversation);
        }
        self.asks.recover(&conversations);
        if participants + remembered > 0 {
            info!(
                participants,
                conversations = waiting,
                remembered,
                "taken over from the process before: their conversations will be read"
            );
        }
        self.keep_fence(now);
        self.forget_old(now);
    }

    /// Takes over what an earlier process left, which could not be read when this one began. What was
    /// wished or written since is newer; nobody knows whether the rest still stands, so that its
    /// conversations are to be read, as at the start.
    pub(crate) fn take_over_late(&mut self, left: Recovered, now: Instant) {
        let Recovered { mut pending, mut memory, letters, good_until: _ } = left;
        self.dead_letters.join_earlier(letters);
        self.expire_letters(now);
        let times = self.times(self.calendar, now);
        let is_erased = |place: &Place| self.memory.gone(&place.0) == Some(Gone::Erased);
        pending.retain(|(place, _)| !is_erased(place));
        memory.retain(|(place, _)| !is_erased(place));
        let (participants, remembered) = (pending.len(), memory.len());
        let mut conversations: BTreeSet<ConversationId> = BTreeSet::new();
        for (place, mut row) in pending {
            let target = target(place);
            let known = self.memory.participant(&target);
            row.keys.retain(|key, _| known.is_none_or(|it| !it.written.contains_key(key)));
            self.memory.enter(&target.conversation);
            self.outbox.join(&target, row, now + UNREAD_WAIT, &times);
            conversations.insert(target.conversation);
        }
        for (place, row) in memory {
            let target = target(place);
            self.memory.enter(&target.conversation);
            if let Some(participant) = self.memory.participant_mut(&target) {
                participant.restore_earlier(row, &times);
            }
            self.look_after_at(&target.conversation, now);
            conversations.insert(target.conversation);
        }
        self.asks.recover(&conversations);
        info!(
            participants,
            remembered,
            "taken over late from the process before, whose journal could not be read at the start: \
             their conversations will be read"
        );
        self.keep_fence(now);
        self.forget_old(now);
    }

    /// Has rows made anew that hold what is not to be kept any longer.
    pub(super) fn forget_old(&mut self, now: Instant) {
        for target in self.memory.older_than(self.settings.keep, now) {
            self.memory.touch(&target);
        }
    }

    /// Gives up what waits and may not leave.
    pub(super) fn keep_fence(&mut self, now: Instant) {
        let fenced = self.outbox.find(|key, it| self.fence(key, &it.value).is_some());
        for (target, key, waiting) in fenced {
            if let Some(reason) = self.fence(&key, &waiting.value) {
                self.outbox.withdraw(&target, &key, now);
                self.give_up(&target, vec![(key, waiting)], reason, &Verdict::default(), now);
            }
        }
    }

    fn times(&self, calendar: Calendar, now: Instant) -> Times {
        Times { calendar, now, age: self.age.reading(now) }
    }
}

fn place(target: Target) -> Place {
    (target.conversation, target.participant)
}

fn target((conversation, participant): Place) -> Target {
    Target { conversation, participant }
}
