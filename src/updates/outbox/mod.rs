//! Holds what waits to be written, at most one entry for each participant.
//!
//! What the rest relies on (SEMANTICS 4):
//!
//! - **Merged.** Values offered for a key that still waits replace it; keys of one participant go
//!   in one request. An entry is ready when its merge window ends, which never moves.
//! - **Exclusive.** A participant is out for pushing at most once at a time.
//! - **Generations.** An answer settles what was sent and nothing newer. What failed stays where it
//!   was, so that a retry sends current values.
//! - **Fair.** Rules take turns, within a rule its queues, and within a queue the oldest goes first;
//!   the urgent go before the others, every other turn ([`lanes`]).
//! - **Bounded.** A participant too many is refused, never dropped. No rule takes the last places:
//!   one gone wild leaves room for the others.
//! - **Obedient.** What is paused, or over a rule's cap, goes on merging, and goes when it may.
//!
//! Nothing here waits, reads a clock or knows why something is wished.

mod caps;
mod entry;
mod kept;
mod lanes;
mod look;
mod losses;
mod place;
mod settle;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use entry::Entry;
pub(crate) use entry::{Out, Waiting};
use lanes::Lanes;
pub(crate) use lanes::UsedUp;
pub(crate) use settle::Failure;
use turns::Name;

use super::few::Few;
use super::orders::Orders;
use super::push::Losses;
use super::touched::Touched;
use crate::defects::{self, Defect};
use crate::genesys::{ByConversation, ConversationId, ParticipantId};
use crate::in_order::InOrder;
use crate::moment::Moment;

/// One rule may have so many participants for each place that is still free: alone it takes all but
/// a seventeenth of the room, two take a little less each, and whoever comes finds some.
const OF_FREE: usize = 16;

/// Whose attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Target {
    pub conversation: ConversationId,
    pub participant: ParticipantId,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Offered {
    Queued,
    /// Into an entry that waited already.
    Merged,
    /// The outbox holds as many participants as it may, or as many of this rule.
    Full,
}

/// What leaves the outbox for one push.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    pub target: Target,
    pub keys: Arc<Out>,
    /// What goes with them.
    pub losses: Losses,
    /// From 1 on.
    pub attempt: u32,
    /// It was in doubt, and nothing has settled that in time.
    pub unsettled: bool,
}

/// See the [module](self) for what it promises.
#[derive(Debug)]
pub(crate) struct Outbox {
    entries: ByConversation<Few<ParticipantId, Box<Entry>>>,
    len: usize,
    /// Of those, how many count against each rule.
    held: HashMap<Name, usize>,
    /// Of those, how many may go, and in what order.
    ready: usize,
    lanes: Lanes,
    timed: BTreeSet<(Moment, Target)>,
    forbidden: InOrder<Target>,
    next_place: u64,
    next_generation: u64,
    /// Whose rows may have changed.
    touched: Touched,
    pub(crate) capacity: usize,
    pub(crate) merge_window: Duration,
}

#[cfg(test)]
impl Target {
    pub(crate) fn new(conversation: &str, participant: &str) -> Target {
        Target { conversation: conversation.into(), participant: participant.into() }
    }
}

impl Outbox {
    pub(crate) fn new(capacity: usize, merge_window: Duration) -> Outbox {
        Outbox {
            entries: ByConversation::default(),
            len: 0,
            held: HashMap::new(),
            ready: 0,
            lanes: Lanes::default(),
            timed: BTreeSet::new(),
            forbidden: InOrder::default(),
            next_place: 0,
            next_generation: 0,
            touched: Touched::default(),
            capacity,
            merge_window,
        }
    }

    /// Offers a value, which supersedes what waits for its key.
    pub(crate) fn offer(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        mut waiting: Waiting,
        now: Instant,
    ) -> Offered {
        self.next_generation += 1;
        let generation = self.next_generation;
        let window = now + self.merge_window;
        let Some(entry) = self.enter(target, &waiting.rule, window) else {
            return Offered::Full;
        };
        let merged = entry.all_waiting().next().is_some();
        if !merged {
            entry.window = window.into();
        }
        waiting.generation = generation;
        waiting.apart = false;
        if let Some(earlier) = entry.waiting(key) {
            waiting.offered_at = earlier.offered_at;
            if earlier.value == waiting.value {
                waiting.changed_at = earlier.changed_at;
                waiting.generation = earlier.generation;
                waiting.apart = earlier.apart;
                // It was of use from when it was first wished.
                waiting.useless_at =
                    waiting.useless_at.map(|at| earlier.useless_at.map_or(at, |it| it.min(at)));
            }
        }
        let is_news = entry.keys.get(key).is_none_or(|it| **it != waiting);
        entry.keys.insert(Arc::clone(key), Box::new(waiting));
        if is_news {
            self.touch(target);
        }
        self.place(target, now);
        if merged { Offered::Merged } else { Offered::Queued }
    }

    /// The entry of a participant, a new one if there is none; `None` if there is no room for it.
    fn enter(&mut self, target: &Target, rule: &Name, window: Instant) -> Option<&mut Entry> {
        if self.entry(target).is_none() {
            if !self.has_room_for(rule) {
                return None;
            }
            let queue = self.queue_of(&target.conversation);
            self.insert(target, Box::new(Entry::new(window, Arc::clone(rule), queue)));
        }
        self.entry_mut(target)
    }

    /// Puts in an entry where there is none.
    fn insert(&mut self, target: &Target, entry: Box<Entry>) {
        self.len += 1;
        *self.held.entry(Arc::clone(&entry.owner)).or_default() += 1;
        let participants = self.entries.entry(target.conversation.clone()).or_default();
        participants.insert(target.participant.clone(), entry);
    }

    fn has_room_for(&self, rule: &str) -> bool {
        let free = self.capacity.saturating_sub(self.len);
        self.held.get(rule).copied().unwrap_or_default() < free.saturating_mul(OF_FREE)
    }

    /// As the other participants of the conversation have it.
    fn queue_of(&self, conversation: &ConversationId) -> Name {
        let other = self.entries.get(conversation).and_then(|them| them.values().next());
        Arc::clone(other.map_or(self.lanes.nobody(), |entry| &entry.queue))
    }

    /// Takes back what waits for a key; what is under way goes on. Returns false if nothing waited.
    pub(crate) fn withdraw(&mut self, target: &Target, key: &str, now: Instant) -> bool {
        let withdrawn = self.change(target, now, |entry| entry.withdraw(key)).unwrap_or(false);
        if withdrawn {
            self.touch(target);
        }
        withdrawn
    }

    /// A rule in force wishes something for a key that waits.
    pub(crate) fn made_again(&mut self, target: &Target, key: &str, rules_hash: u64, digest: u64) {
        let entry = self.entry_mut(target);
        if let Some(waiting) = entry.and_then(|entry| entry.keys.get_mut(key))
            && (waiting.rules_hash, waiting.digest) != (rules_hash, digest)
        {
            (waiting.rules_hash, waiting.digest) = (rules_hash, digest);
            self.touch(target);
        }
    }

    /// Lets a key that waits rest.
    pub(crate) fn rest(&mut self, target: &Target, key: &str, until: Instant, now: Instant) {
        self.change(target, now, |entry| {
            if let Some(waiting) = entry.keys.get_mut(key) {
                waiting.not_before = Some(until.into());
            }
        });
    }

    /// Ends every rest in a conversation.
    pub(crate) fn end_rests(&mut self, conversation: &ConversationId, now: Instant) {
        self.change_all(conversation, now, |entry| {
            for waiting in entry.keys.values_mut() {
                waiting.not_before = None;
            }
        });
    }

    /// Something in doubt may overtake what waits for a conversation, until then at most. A doubt upon
    /// a doubt is held no longer than the first, or those that never end would hold it for ever.
    pub(crate) fn doubt(&mut self, conversation: &ConversationId, until: Instant, now: Instant) {
        self.change_all(conversation, now, |entry| {
            let doubt = &mut entry.troubles_mut().doubt;
            *doubt = doubt.filter(|earlier| *earlier > now).or(Some(until));
        });
    }

    /// Nothing is in doubt about a conversation any more.
    pub(crate) fn end_doubt(&mut self, conversation: &ConversationId, now: Instant) {
        self.change_all(conversation, now, |entry| {
            if let Some(troubles) = entry.its_troubles() {
                troubles.doubt = None;
            }
        });
    }

    /// Says whether a flow runs in a conversation that would overwrite what is written now.
    pub(crate) fn set_flow(&mut self, conversation: &ConversationId, in_flow: bool, now: Instant) {
        let in_flow = in_flow && !defects::on(Defect::FlowIsNotWaitedFor);
        let mut participants = self.entries.get(conversation).into_iter().flatten();
        if participants.any(|(_, entry)| entry.in_flow != in_flow) {
            self.change_all(conversation, now, |entry| entry.in_flow = in_flow);
        }
    }

    /// Says in which queue a conversation waits, or did last.
    pub(crate) fn set_queue(
        &mut self,
        conversation: &ConversationId,
        queue: Option<&Arc<str>>,
        now: Instant,
    ) {
        let queue = Arc::clone(queue.unwrap_or(self.lanes.nobody()));
        let mut participants = self.entries.get(conversation).into_iter().flatten();
        if participants.any(|(_, entry)| entry.queue != queue) {
            for target in self.targets_of(conversation) {
                self.requeue(&target, &queue, now);
            }
        }
    }

    /// Goes by other orders from now on, also with what waits already.
    pub(crate) fn set_orders(&mut self, orders: &Arc<Orders>, now: Instant) {
        let paused = self.lanes.orders.rules_paused != orders.rules_paused;
        self.lanes.set_orders(orders, now);
        if paused {
            self.replace_all(now);
        }
    }

    fn replace_all(&mut self, now: Instant) {
        // Who has waited longest first: each goes to the end of the line that it comes to.
        let mut all: Vec<(u64, Target)> = Vec::with_capacity(self.len);
        for (conversation, participants) in &self.entries {
            all.extend(participants.iter().map(|(participant, entry)| {
                let (conversation, participant) = (conversation.clone(), participant.clone());
                (entry.order().unwrap_or(u64::MAX), Target { conversation, participant })
            }));
        }
        all.sort_unstable();
        for (_, target) in all {
            self.place(&target, now);
        }
    }

    /// A conversation was read: what waited for that need wait no longer.
    pub(crate) fn was_read(&mut self, conversation: &ConversationId, now: Instant) {
        self.change_all(conversation, now, |entry| {
            if let Some(troubles) = entry.its_troubles().filter(|it| it.conflicts > 0) {
                troubles.backoff = None;
            }
        });
    }

    /// Takes the entry whose turn it is. It is out until it is settled.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Leaving> {
        let target = self.lanes.next()?;
        self.take_out(target, now)
    }

    /// Takes the entry that was forbidden first, to see whether it still is.
    pub(crate) fn take_forbidden(&mut self, now: Instant) -> Option<Leaving> {
        let (_, target) = self.forbidden.first()?;
        let target = target.clone();
        self.change(&target, now, |entry| entry.forbidden = false);
        self.take_out(target, now)
    }

    fn take_out(&mut self, target: Target, now: Instant) -> Option<Leaving> {
        let entry = self.entry(&target)?;
        let keys = Arc::new(entry.sendable(&self.lanes, now));
        let queue = Arc::clone(&entry.queue);
        let leaving = self.change(&target, now, |entry| {
            if (keys.is_empty() && entry.troubles().losses.is_empty())
                || (entry.out.is_some() && !defects::on(Defect::NotExclusive))
            {
                return None;
            }
            entry.out = Some(Arc::clone(&keys));
            let Some(troubles) = entry.its_troubles() else {
                return Some((keys, Losses::new(), 1, false));
            };
            troubles.losses_out = troubles.losses.clone();
            let unsettled = troubles.doubt.take().is_some();
            Some((keys, troubles.losses.clone(), troubles.attempts + 1, unsettled))
        });
        let (keys, losses, attempt, unsettled) = leaving.flatten()?;
        self.touch(&target);
        let mut rules: Vec<&Name> = keys.values().map(|waiting| &waiting.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        let nobody = Arc::clone(self.lanes.nobody());
        if rules.is_empty() {
            rules.push(&nobody);
        }
        self.lanes.serve(rules.into_iter(), &queue, now);
        Some(Leaving { target, keys, losses, attempt, unsettled })
    }

    /// Makes ready everything whose time has come.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.lanes.wake(now);
        let now_kept = Moment::from(now);
        while let Some((at, target)) = self.timed.first()
            && *at <= now_kept
        {
            let target = target.clone();
            self.place(&target, now);
        }
    }

    /// Ends every merge window, those to come included: nothing more is to merge.
    pub(crate) fn cut_windows(&mut self, now: Instant) {
        self.merge_window = Duration::ZERO;
        let conversations: BTreeSet<ConversationId> = self.entries.keys().cloned().collect();
        for conversation in conversations {
            self.change_all(&conversation, now, |entry| {
                entry.window = entry.window.min(now.into());
            });
        }
    }

    fn entry(&self, target: &Target) -> Option<&Entry> {
        self.entries.get(&target.conversation)?.get(&target.participant).map(|entry| &**entry)
    }

    fn entry_mut(&mut self, target: &Target) -> Option<&mut Entry> {
        let participants = self.entries.get_mut(&target.conversation)?;
        participants.get_mut(&target.participant).map(|entry| &mut **entry)
    }

    /// Changes an entry, then puts it where it belongs now.
    fn change<T>(
        &mut self,
        target: &Target,
        now: Instant,
        change: impl FnOnce(&mut Entry) -> T,
    ) -> Option<T> {
        let changed = change(self.entry_mut(target)?);
        self.place(target, now);
        Some(changed)
    }

    fn change_all(
        &mut self,
        conversation: &ConversationId,
        now: Instant,
        change: impl Fn(&mut Entry),
    ) {
        for target in self.targets_of(conversation) {
            self.change(&target, now, &change);
        }
    }

    fn targets_of(&self, conversation: &ConversationId) -> Vec<Target> {
        let participants = self.entries.get(conversation).into_iter().flatten();
        let target = |participant: &ParticipantId| Target {
            conversation: conversation.clone(),
            participant: participant.clone(),
        };
        participants.map(|(participant, _)| target(participant)).collect()
    }
}
