//! What is to be done although nothing comes in: ends, confirmations, and what grows too old.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::warn;

use super::give_up::Verdict;
use super::{FORGET, Keeper, SWEEP};
use crate::genesys::ConversationId;
use crate::moment::{Moment, Span};
use crate::updates::dead_letters::Reason;
use crate::updates::memory::{Confirming, Gone};
use crate::updates::outbox::{Target, Waiting};
use crate::updates::story::{Event, What};

impl Keeper {
    /// When there is something to do although nothing comes in. What may be pushed by now is none of
    /// it: that waits for leave, and not for the clock.
    pub(crate) fn next_wake(&self, now: Instant) -> Option<Instant> {
        let sweep = Some(self.sweep_at).filter(|_| self.outbox.len() > 0);
        let agenda = self.agenda.first().map(|(at, _)| Instant::from(*at));
        let probe = self.probe_at().filter(|at| *at > now);
        self.outbox.next_wake().into_iter().chain(sweep).chain(agenda).chain(probe).min()
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.outbox.wake(now);
        self.keep_agenda(now);
        if self.sweep_at <= now {
            self.sweep_at = now + SWEEP;
            self.sweep(now);
            self.expire_letters(now);
            self.count_oldest();
            self.look_ahead(now);
            self.look_at_slowness(now);
        }
        if self.forget_at <= now {
            self.forget_at = now + FORGET;
            self.forget_old(now);
        }
        self.tell_used_up(now);
        self.end_forbidden();
        self.counts.outbox.set(u64::try_from(self.outbox.len()).unwrap_or(u64::MAX));
        if self.outbox.len() == 0 {
            self.counts.outbox_oldest_at.set(0);
        }
    }

    pub(crate) fn count_in_flight(&self, pushes: usize) {
        self.counts.in_flight.set(pushes as u64);
    }

    /// Looks for what has waited longest.
    fn count_oldest(&self) {
        let oldest = self.outbox.oldest().map(|at| self.calendar.millis(at));
        self.counts.outbox_oldest_at.mark(oldest.unwrap_or_default());
    }

    /// Looks after every conversation that is due.
    pub(super) fn keep_agenda(&mut self, now: Instant) {
        let now_kept = Moment::from(now);
        while self.agenda.first().is_some_and(|(at, _)| *at <= now_kept)
            && let Some((_, conversation)) = self.agenda.pop_first()
        {
            self.look_after(&conversation, now);
        }
    }

    /// When a forbidden push is to be tried again.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        let waits =
            self.outbox.has_forbidden() || (self.breaker.is_open() && self.outbox.has_ready());
        self.breaker.probe_at().filter(|_| waits && self.pushes())
    }

    /// Puts a conversation on the agenda, unless it is there for an earlier time.
    pub(super) fn look_after_at(&mut self, id: &ConversationId, at: Instant) {
        let Some(conversation) = self.memory.conversation_mut(id) else { return };
        let at = Moment::from(at);
        if conversation.due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(due) = conversation.due.replace(at) {
            self.agenda.remove(&(due, id.clone()));
        }
        self.agenda.insert((at, id.clone()));
    }

    /// A conversation's time has come: its end, a value that is of no use any more, or a write that
    /// nobody has confirmed.
    fn look_after(&mut self, id: &ConversationId, now: Instant) {
        let useless_at = self.drop_useless(id, now);
        let Some(conversation) = self.memory.conversation_mut(id) else { return };
        conversation.due = None;
        if let Some(over_since) = conversation.over_since {
            let end = Instant::from(over_since) + self.settings.after_end;
            if end <= now {
                return self.close(id, now);
            }
            return self.look_after_at(id, useless_at.map_or(end, |at| at.min(end)));
        }
        let mut next = useless_at;
        let mut read = false;
        for (participant, known) in &mut conversation.participants {
            for (key, written) in &mut known.written {
                match written.confirm(now, self.settings.confirm_after) {
                    Confirming::Settled => continue,
                    Confirming::Later(at) => next = Some(next.map_or(at, |next| next.min(at))),
                    Confirming::Ask(at) => {
                        read = true;
                        next = Some(next.map_or(at, |next| next.min(at)));
                    }
                    Confirming::GivenUp => {
                        self.counts.unconfirmed.add(1);
                        let target =
                            Target { conversation: id.clone(), participant: participant.clone() };
                        let (rule, what) = (&written.sent.rule, What::Unconfirmed);
                        self.story.note(|| Event::new(now, &target, key, rule, what));
                        warn!(
                            conversation_id = %id, participant_id = %participant, key = %key,
                            rule = %written.sent.rule, "accepted, and no read could confirm it"
                        );
                    }
                }
            }
        }
        if read {
            self.asks.read(id);
        }
        if let Some(next) = next {
            self.look_after_at(id, next);
        }
    }

    /// Gives up what is of no use any more; returns when something else of the conversation is.
    fn drop_useless(&mut self, id: &ConversationId, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for (target, key, waiting) in self.outbox.waiting_of(id) {
            let Some(at) = waiting.useless_at.map(Instant::from) else { continue };
            if at > now {
                next = Some(next.map_or(at, |next| next.min(at)));
                continue;
            }
            self.outbox.withdraw(&target, &key, now);
            let keys = vec![(key, waiting)];
            self.give_up(&target, keys, Reason::Useless, &Verdict::default(), now);
        }
        next
    }

    /// A conversation is over, and its last wishes had their time.
    fn close(&mut self, id: &ConversationId, now: Instant) {
        let mut letters: BTreeMap<Target, Vec<(Arc<str>, Waiting)>> = BTreeMap::new();
        for (target, key, waiting) in self.outbox.waiting_of(id) {
            self.outbox.withdraw(&target, &key, now);
            letters.entry(target).or_default().push((key, waiting));
        }
        for (target, keys) in letters {
            self.give_up(&target, keys, Reason::ConversationOver, &Verdict::default(), now);
        }
        self.leave_losses(id, now);
        self.guard.forget(id);
        let known =
            self.memory.conversation(id).into_iter().flat_map(|it| it.participants.values());
        let open = known.flat_map(|it| it.written.values()).filter(|it| it.is_to_be_confirmed());
        self.counts.unconfirmed.add(open.count() as u64);
        self.memory.forget(id, Gone::Over, now);
        // A push that is under way has no answer yet: its row outlives those of its conversation.
        self.outbox.touch_all(id);
    }

    /// Finds what is too old.
    fn sweep(&mut self, now: Instant) {
        let most = self.settings.max_age.min(self.settings.keep);
        let Some(limit) = self.age.reading(now).checked_sub(most) else { return };
        let limit = Span::from(limit);
        for (target, key, waiting) in self.outbox.find(|_, waiting| waiting.changed_at <= limit) {
            self.outbox.withdraw(&target, &key, now);
            self.give_up(&target, vec![(key, waiting)], Reason::TooOld, &Verdict::default(), now);
        }
    }
}
