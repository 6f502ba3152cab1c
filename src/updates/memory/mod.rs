//! Remembers, for as long as a conversation lives, what we wrote to its participants, and what they
//! showed last of the keys that we wrote, wish or wait to write.
//!
//! Of all else nothing is kept, however many attributes there are: who has nothing of ours takes four
//! bytes. Only where whole maps are written, all attributes of those that we write to are needed.
//!
//! Bounded: when there are too many conversations, the one that was quiet for longest is forgotten,
//! and never written to again, because nobody knows any more which of its values are ours
//! (SEMANTICS 3). Whoever is over is forgotten, too; should it come back to life, it is new.

mod carried;
mod gone;
mod kept;
mod shown;
#[cfg(test)]
mod tests;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::time::Instant;

pub(crate) use carried::Carried;
pub(crate) use gone::Gone;
use gone::Graves;
pub(crate) use shown::{Showing, Shown};
pub(crate) use written::{Confirming, Fate, Met, Sight, Written};

use super::few::Few;
use super::outbox::Target;
use super::touched::Touched;
use crate::genesys::{ByConversation, ConversationId, ParticipantId};
use crate::in_order::InOrder;
use crate::moment::Moment;

/// About 300 bytes each, and as many again for each key that we wrote.
pub(crate) const MAX_CONVERSATIONS: usize = 200_000;

#[derive(Debug)]
pub(crate) struct Memory {
    conversations: ByConversation<Conversation>,
    /// By when they were last observed.
    quiet: InOrder<ConversationId>,
    next_touch: u64,
    graves: Graves,
    /// Whose rows may have changed, and which conversations have none any more.
    touched: Touched,
    over: BTreeSet<ConversationId>,
    capacity: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// Those of whom there is something to remember.
    pub participants: Few<ParticipantId, Participant>,
    /// Hashes of all that were seen.
    present: Box<[u32]>,
    pub over_since: Option<Moment>,
    /// A flow ran when it was observed last.
    pub in_flow: bool,
    /// When somebody has to look at it next.
    pub due: Option<Moment>,
    /// Its key among the quiet; 0 before it has one.
    touched: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Participant {
    /// As the newest snapshot shows it.
    pub shown: Shown,
    pub written: Few<Arc<str>, Box<Written>>,
    rare: Option<Box<Rare>>,
}

/// What most participants have nothing of.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    refused: BTreeMap<Arc<str>, Refused>,
    /// What would have been written, had it not been for a dry run.
    pub said: BTreeMap<Arc<str>, Arc<str>>,
    /// What the last write of the whole map carried.
    pub carried: Option<Carried>,
    /// As it showed them when the first of the writes left that were not answered since.
    pub unanswered: Option<Shown>,
    /// How often something of others was put back.
    pub restored: u8,
}

/// A value that was refused, by the rules that were in force.
#[derive(Debug)]
struct Refused {
    value: Arc<str>,
    rules_hash: u64,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Memory {
        Memory {
            conversations: ByConversation::default(),
            quiet: InOrder::default(),
            next_touch: 1,
            graves: Graves::default(),
            touched: Touched::default(),
            over: BTreeSet::new(),
            capacity,
        }
    }

    /// Remembers a conversation from now on, unless it does already.
    pub(crate) fn enter(&mut self, id: &ConversationId) -> &mut Conversation {
        self.graves.rise(id);
        let touch = self.next_touch;
        self.next_touch += 1;
        let conversation = self.conversations.entry(id.clone()).or_default();
        let id = self.quiet.remove(conversation.touched).unwrap_or_else(|| id.clone());
        conversation.touched = touch;
        self.quiet.insert(touch, id);
        conversation
    }

    /// Forgets the quietest conversation if there are too many, but none that is `needed`.
    pub(crate) fn evict(
        &mut self,
        needed: impl Fn(&ConversationId) -> bool,
        now: Instant,
    ) -> Option<ConversationId> {
        // Everything may be needed: the outbox holds fewer than fit in here, but not by a law.
        for _ in 0..self.conversations.len().saturating_sub(self.capacity) * 2 {
            let (_, quietest) = self.quiet.first()?;
            let quietest = quietest.clone();
            if !needed(&quietest) {
                self.forget(&quietest, Gone::Evicted, now);
                return Some(quietest);
            }
            self.enter(&quietest);
        }
        None
    }

    pub(crate) fn forget(&mut self, id: &ConversationId, why: Gone, now: Instant) {
        if let Some(conversation) = self.conversations.remove(id) {
            self.quiet.remove(conversation.touched);
            self.graves.bury(id, why, now);
            self.over.insert(id.clone());
        }
    }

    /// Why a conversation is not remembered any more.
    pub(crate) fn gone(&self, id: &ConversationId) -> Option<Gone> {
        self.graves.find(id)
    }

    pub(crate) fn conversation(&self, id: &ConversationId) -> Option<&Conversation> {
        self.conversations.get(id)
    }

    pub(crate) fn conversation_mut(&mut self, id: &ConversationId) -> Option<&mut Conversation> {
        self.conversations.get_mut(id)
    }

    pub(crate) fn participant(&self, target: &Target) -> Option<&Participant> {
        let conversation = self.conversations.get(&target.conversation)?;
        conversation.participants.get(&target.participant)
    }

    /// A wish is met by what is there: what was written before it is no longer what is followed.
    pub(crate) fn meet(&mut self, target: &Target, key: &str, met: Met<'_>) {
        let participant = self.known_mut(target);
        let written = participant.and_then(|it| it.written.get_mut(key));
        if written.is_some_and(|written| written.meet(met)) {
            self.touch(target);
        }
    }

    /// Whatever was refused may be tried again.
    pub(crate) fn forgive_all(&mut self) {
        let conversations = self.conversations.values_mut();
        for participant in conversations.flat_map(|it| it.participants.values_mut()) {
            if let Some(rare) = &mut participant.rare {
                rare.refused.clear();
            }
        }
    }

    /// The participant of a conversation that is remembered, of whom something is to be.
    pub(crate) fn participant_mut(&mut self, target: &Target) -> Option<&mut Participant> {
        let conversation = self.conversations.get_mut(&target.conversation)?;
        let participants = &mut conversation.participants;
        Some(participants.get_or_insert_with(target.participant.clone(), Participant::default))
    }

    /// The same, if something is already.
    pub(crate) fn known_mut(&mut self, target: &Target) -> Option<&mut Participant> {
        self.conversations.get_mut(&target.conversation)?.participants.get_mut(&target.participant)
    }
}

impl Conversation {
    /// These are its participants.
    pub(crate) fn note_present<'p>(
        &mut self,
        all: impl Iterator<Item = &'p ParticipantId> + Clone,
    ) {
        let hashes = all.map(hash);
        if !self.present.iter().copied().eq(hashes.clone()) {
            self.present = hashes.collect();
        }
    }

    /// Whether snapshots may tell of anybody in it what a write of the whole map undid.
    pub(crate) fn has_carried(&self) -> bool {
        let mut rare = self.participants.values().filter_map(Participant::rare);
        rare.any(|rare| rare.carried.is_some())
    }

    /// Whether a participant was seen in it. One in four thousand million that was not counts as if.
    pub(crate) fn has_seen(&self, participant: &ParticipantId) -> bool {
        self.present.contains(&hash(participant))
    }

    /// Takes in what a snapshot shows of a participant, as far as it is to be remembered.
    pub(crate) fn show(&mut self, participant: &ParticipantId, showing: &Showing<'_>) {
        match self.participants.get_mut(participant) {
            Some(known) => {
                known.show(showing);
                if known.is_nothing() {
                    self.participants.remove(participant);
                }
            }
            None if showing.is_wanted() => {
                let known =
                    self.participants.get_or_insert_with(participant.clone(), Participant::default);
                known.show(showing);
            }
            None => {}
        }
    }
}

fn hash(participant: &ParticipantId) -> u32 {
    let mut hasher = DefaultHasher::new();
    participant.hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or_default()
}

impl Participant {
    /// The attribute as the newest snapshot shows it; an absent one is empty.
    pub(crate) fn seen(&self, key: &str) -> &str {
        self.shown.get(key).unwrap_or_default()
    }

    /// Whether it is known what the newest snapshot shows of a key that does not wait.
    pub(crate) fn has_looked_at(&self, key: &str) -> bool {
        let refused = self.rare().is_some_and(|rare| rare.refused.contains_key(key));
        refused || self.written.contains_key(key) || self.shown.get(key).is_some()
    }

    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The same, where there is any of it.
    pub(crate) fn any_rare_mut(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    fn is_nothing(&self) -> bool {
        self.shown.is_empty() && self.written.is_empty() && self.rare.is_none()
    }

    fn show(&mut self, showing: &Showing<'_>) {
        let refused = self.rare.iter().flat_map(|rare| rare.refused.keys());
        let keys = self.written.keys().chain(refused);
        let has_carried = self.rare().is_some_and(|rare| rare.carried.is_some());
        self.shown = showing.kept(keys, has_carried);
    }

    pub(crate) fn refuse(&mut self, key: &Arc<str>, value: &Arc<str>, rules_hash: u64) {
        let refused = Refused { value: Arc::clone(value), rules_hash };
        self.rare_mut().refused.insert(Arc::clone(key), refused);
    }

    /// The value that was refused and would be again, as far as these rules are concerned.
    pub(crate) fn refused(&self, key: &str, rules_hash: u64) -> Option<&str> {
        let refused = self.rare()?.refused.get(key);
        let refused = refused.filter(|refused| refused.rules_hash == rules_hash)?;
        Some(&refused.value)
    }

    /// Another value is wished: the one that was refused may be tried again after it.
    pub(crate) fn forgive(&mut self, key: &str) {
        if let Some(rare) = &mut self.rare {
            rare.refused.remove(key);
        }
    }
}
