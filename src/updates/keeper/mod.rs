//! Keeps attributes as wished: takes observations in, gives pushes out, takes their answers back.
//!
//! It owns everything that the updates remember, and is a value like any other: it never waits,
//! time is an argument, and the same inputs and seed give the same outputs. Whoever runs it asks
//! [`Keeper::next_wake`] when to call [`Keeper::wake`] again.

mod answer;
#[cfg(test)]
mod model;
mod observe;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub(crate) use answer::{CredentialsRefused, Request};

use super::age::AgeClock;
use super::asks::Asks;
use super::breaker::Breaker;
use super::dead_letters::{DeadLetter, DeadLetters, Kept, Reason};
use super::guard::{Guard, Resting};
use super::memory::{Confirming, Gone, MAX_CONVERSATIONS, Memory};
use super::outbox::{Outbox, Target, Waiting};
use super::settings::Settings;
use super::wish::Ask;
use crate::genesys::ConversationId;
use crate::status::counts::Counts;

/// How often the outbox is searched for what is too old: often against hours, seldom against the
/// milliseconds that 100,000 participants take.
const SWEEP: Duration = Duration::from_secs(10);

/// How often a full outbox is spoken of.
const TELL_FULL: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Keeper {
    settings: Settings,
    counts: Arc<Counts>,
    memory: Memory,
    outbox: Outbox,
    guard: Guard,
    breaker: Breaker,
    asks: Asks,
    age: AgeClock,
    dead_letters: DeadLetters,
    /// Conversations that have to be looked at, and when: their end, or a confirmation.
    agenda: BTreeSet<(Instant, ConversationId)>,
    sweep_at: Instant,
    told_full: Option<Instant>,
    draining: bool,
    rng: StdRng,
}

/// What else a dead letter has to tell, where a server had a say in it.
#[derive(Clone, Debug, Default)]
struct Verdict {
    status: Option<u16>,
    correlation_id: Option<String>,
    answer: Option<String>,
}

impl Keeper {
    pub(crate) fn new(settings: Settings, counts: Arc<Counts>, seed: u64, now: Instant) -> Keeper {
        Keeper {
            memory: Memory::new(MAX_CONVERSATIONS),
            outbox: Outbox::new(settings.max_pending, settings.merge_window),
            guard: Guard::default(),
            breaker: Breaker::default(),
            asks: Asks::new(),
            age: AgeClock::new(now),
            dead_letters: DeadLetters::default(),
            agenda: BTreeSet::new(),
            sweep_at: now + SWEEP,
            told_full: None,
            draining: false,
            rng: StdRng::seed_from_u64(seed),
            settings,
            counts,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Goes by other settings from now on, also for what waits already.
    pub(crate) fn configure(&mut self, settings: Settings, now: Instant) {
        self.outbox.capacity = settings.max_pending;
        if !self.draining {
            self.outbox.merge_window = settings.merge_window;
        }
        self.settings = settings;
        let fenced = self.outbox.find(|key, it| self.fence(key, &it.value).is_some());
        for (target, key, waiting) in fenced {
            if let Some(reason) = self.fence(&key, &waiting.value) {
                self.outbox.withdraw(&target, &key, now);
                self.give_up(&target, vec![(key, waiting)], reason, &Verdict::default(), now);
            }
        }
    }

    /// Participants that wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.outbox.len()
    }

    /// Those participants, with their keys.
    pub(crate) fn left(&self) -> Vec<(Target, Vec<Arc<str>>)> {
        self.outbox.all()
    }

    pub(crate) fn dead_letters(&self) -> Kept {
        self.dead_letters.show()
    }

    /// Nothing more is going to come in: what waits need not wait for others to merge with.
    pub(crate) fn drain(&mut self, now: Instant) {
        self.draining = true;
        self.outbox.cut_windows(now);
    }

    /// Whether something may be pushed, now or before `deadline` and without anything coming in.
    pub(crate) fn may_push_before(&self, deadline: Instant, now: Instant) -> bool {
        let timed = self.outbox.next_wake().filter(|_| !self.breaker.is_open());
        let wake = timed.into_iter().chain(self.probe_at()).min();
        self.may_push(now) || (!self.settings.dry_run && wake.is_some_and(|wake| wake < deadline))
    }

    /// What to ask of whoever holds the snapshots, if anything.
    pub(crate) fn next_ask(&self) -> Option<Ask> {
        // Not at the first free place: each conversation looked at may bring several participants.
        let room = self.outbox.len() <= self.settings.max_pending * 9 / 10;
        self.asks.next(room)
    }

    pub(crate) fn asked(&mut self, ask: &Ask) {
        self.asks.asked(ask);
    }

    /// When there is something to do although nothing comes in.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let sweep = Some(self.sweep_at).filter(|_| self.outbox.len() > 0);
        let agenda = self.agenda.first().map(|(at, _)| *at);
        self.outbox.next_wake().into_iter().chain(sweep).chain(agenda).chain(self.probe_at()).min()
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.outbox.wake(now);
        while let Some((at, conversation)) = self.agenda.first().cloned() {
            if at > now {
                break;
            }
            self.agenda.pop_first();
            self.look_after(&conversation, now);
        }
        if self.sweep_at <= now {
            self.sweep_at = now + SWEEP;
            self.sweep(now);
        }
        self.counts.outbox.set(u64::try_from(self.outbox.len()).unwrap_or(u64::MAX));
    }

    /// When a forbidden push is to be tried again.
    fn probe_at(&self) -> Option<Instant> {
        let waits =
            self.outbox.has_forbidden() || (self.breaker.is_open() && self.outbox.has_ready());
        self.breaker.probe_at().filter(|_| waits && !self.settings.dry_run)
    }

    /// Puts a conversation on the agenda, unless it is there for an earlier time.
    fn look_after_at(&mut self, id: &ConversationId, at: Instant) {
        let Some(conversation) = self.memory.conversation_mut(id) else { return };
        if conversation.due.is_some_and(|due| due <= at) {
            return;
        }
        if let Some(due) = conversation.due.replace(at) {
            self.agenda.remove(&(due, id.clone()));
        }
        self.agenda.insert((at, id.clone()));
    }

    /// A conversation's time has come: its end, or a write that nobody has confirmed.
    fn look_after(&mut self, id: &ConversationId, now: Instant) {
        let Some(conversation) = self.memory.conversation_mut(id) else { return };
        conversation.due = None;
        if let Some(over_since) = conversation.over_since {
            let end = over_since + self.settings.after_end;
            return if end <= now { self.close(id, now) } else { self.look_after_at(id, end) };
        }
        let mut next: Option<Instant> = None;
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
                    Confirming::GivenUp => warn!(
                        conversation_id = %id, participant_id = %participant, key = %key,
                        rule = %written.sent.rule, "accepted, and no read could confirm it"
                    ),
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
        self.guard.forget(id);
        self.memory.forget(id, Gone::Over);
    }

    /// Finds what is too old.
    fn sweep(&mut self, now: Instant) {
        let Some(limit) = self.age.reading(now).checked_sub(self.settings.max_age) else { return };
        for (target, key, waiting) in self.outbox.find(|_, waiting| waiting.changed_at <= limit) {
            self.outbox.withdraw(&target, &key, now);
            self.give_up(&target, vec![(key, waiting)], Reason::TooOld, &Verdict::default(), now);
        }
    }

    /// Why a value may not leave at all, if it may not.
    fn fence(&self, key: &str, value: &str) -> Option<Reason> {
        if !(self.settings.allowed_keys)(key) {
            return Some(Reason::NotAllowed);
        }
        // Bytes are never fewer than characters.
        let limit = self.settings.max_value_length;
        let too_long = value.len() > limit && value.chars().count() > limit;
        too_long.then_some(Reason::TooLong)
    }

    /// Makes dead letters, one for each rule, and remembers what is not to be wished again.
    fn give_up(
        &mut self,
        target: &Target,
        keys: Vec<(Arc<str>, Waiting)>,
        reason: Reason,
        verdict: &Verdict,
        now: Instant,
    ) {
        let mut rules: BTreeMap<Arc<str>, Vec<(Arc<str>, Waiting)>> = BTreeMap::new();
        for (key, waiting) in keys {
            rules.entry(Arc::clone(&waiting.rule)).or_default().push((key, waiting));
        }
        for (rule, keys) in rules {
            self.counts.failed.add(u64::try_from(keys.len()).unwrap_or(u64::MAX));
            if let Some(participant) = self.memory.participant_mut(target) {
                for (key, waiting) in &keys {
                    participant.refuse(key, &waiting.value, waiting.rules_hash);
                }
            }
            let letter = DeadLetter {
                conversation: target.conversation.clone(),
                participant: target.participant.clone(),
                changes: keys.into_iter().map(|(key, waiting)| (key, waiting.value)).collect(),
                rule,
                reason,
                status: verdict.status,
                correlation_id: verdict.correlation_id.clone(),
                answer: verdict.answer.clone(),
                at: now,
            };
            error!(
                conversation_id = %letter.conversation, participant_id = %letter.participant,
                keys = letter.keys(), rule = %letter.rule, reason = reason.as_str(),
                status = letter.status, correlation_id = letter.correlation_id,
                answer = letter.answer, "update given up"
            );
            self.dead_letters.add(letter);
        }
    }

    /// Lets a key rest that is written too often; says so once for each rest.
    fn rest(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        rule: &str,
        now: Instant,
    ) -> Option<Instant> {
        let rest = self.guard.rest(target, key, now, &self.settings)?;
        if rest.news {
            self.counts.rested.add(1);
            let seconds = rest.until.saturating_duration_since(now).as_secs();
            let of = match rest.of {
                Resting::Key => "key",
                Resting::Conversation => "conversation",
            };
            warn!(
                conversation_id = %target.conversation, participant_id = %target.participant,
                rule, key = %key, of, seconds, "written too often, rests"
            );
        }
        Some(rest.until)
    }

    /// The outbox is full: says so from time to time.
    fn look_again(&mut self, conversation: &ConversationId, now: Instant) {
        let overflown = self.asks.look_again(conversation).err();
        if self.told_full.is_none_or(|told| now >= told + TELL_FULL) {
            self.told_full = Some(now);
            match overflown {
                None => info!(
                    outbox = self.outbox.len(),
                    "outbox is full, conversations will be looked at again when there is room"
                ),
                Some(conversations) => error!(
                    outbox = self.outbox.len(),
                    conversations,
                    "outbox is full and so is the list of what to look at again: \
                     these wait for their next event, or for a gap recovery"
                ),
            }
        }
    }
}
