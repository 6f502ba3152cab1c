//! Keeps attributes as wished: takes observations in, gives pushes out, takes their answers back.
//!
//! It owns everything that the updates remember, and is a value like any other: it never waits,
//! time is an argument, and the same inputs and seed give the same outputs. Whoever runs it asks
//! [`Keeper::next_wake`] when to call [`Keeper::wake`] again.

mod answer;
#[cfg(test)]
mod bench;
mod due;
mod foreseen;
mod give_up;
mod kept;
mod landed;
mod letters;
mod losses;
#[cfg(test)]
mod model;
mod noted;
mod observe;
mod request;
mod story;
#[cfg(test)]
mod tests;
mod traces;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub(crate) use answer::CredentialsRefused;
pub(crate) use request::Request;
use troubles::Failures;

use super::age::AgeClock;
use super::asks::Asks;
use super::breaker::Breaker;
use super::calendar::Calendar;
use super::dead_letters::DeadLetters;
use super::foresight::{Foresight, Outlook};
use super::guard::{Guard, Resting};
use super::memory::{MAX_CONVERSATIONS, Memory};
use super::orders::Orders;
use super::outbox::{Outbox, Target};
use super::settings::Settings;
use super::slowness::Slowness;
use super::story::{Event, Story, What};
use super::traces::Traces;
use super::wish::Ask;
use crate::genesys::ConversationId;
use crate::moment::Moment;
use crate::status::counts::Counts;
use crate::status::overview::Forbidden;

/// How often the outbox is searched for what is too old: often against hours, seldom against the
/// milliseconds that 100,000 participants take.
const SWEEP: Duration = Duration::from_secs(10);

/// How often what was written is searched for what is kept too long: that is a matter of hours at
/// least.
const FORGET: Duration = Duration::from_secs(600);

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
    /// As it was told.
    forbidden: Option<Forbidden>,
    /// Writes that have failed in a row.
    failures: Failures,
    /// Forbidden pushes that are being tried again.
    probes: usize,
    slowness: Slowness,
    /// Nothing is pushed, because somebody said so.
    paused: bool,
    foresight: Foresight,
    /// Pushes that were accepted.
    accepted: u64,
    outlook: Outlook,
    /// When it was last said of a rule that it is over its cap.
    told_cap: BTreeMap<Arc<str>, Instant>,
    asks: Asks,
    age: AgeClock,
    dead_letters: DeadLetters,
    calendar: Calendar,
    /// Conversations that have to be looked at, and when: their end, or a confirmation.
    agenda: BTreeSet<(Moment, ConversationId)>,
    sweep_at: Instant,
    forget_at: Instant,
    /// Of the frames that were received until then, all was observed and is not in the journal yet.
    through: Option<Instant>,
    /// Those whose rows are still to be made anew.
    anew: BTreeSet<Target>,
    /// When that was last said there was no room for everything.
    was_short: bool,
    told_full: Option<Instant>,
    told_unsettled: Option<Instant>,
    draining: bool,
    story: Story,
    traces: Traces,
    rng: StdRng,
}

impl Keeper {
    pub(crate) fn new(settings: Settings, counts: Arc<Counts>, seed: u64, now: Instant) -> Keeper {
        Keeper {
            memory: Memory::new(MAX_CONVERSATIONS),
            outbox: Outbox::new(settings.max_pending, settings.merge_window),
            guard: Guard::default(),
            breaker: Breaker::default(),
            forbidden: None,
            failures: Failures::default(),
            probes: 0,
            slowness: Slowness::default(),
            paused: false,
            foresight: Foresight::default(),
            accepted: 0,
            outlook: Outlook { empties_in: Some(Duration::ZERO), ..Outlook::default() },
            told_cap: BTreeMap::new(),
            asks: Asks::new(),
            age: AgeClock::new(now),
            dead_letters: DeadLetters::default(),
            calendar: Calendar::new(now, Timestamp::UNIX_EPOCH),
            agenda: BTreeSet::new(),
            sweep_at: now + SWEEP,
            forget_at: now + FORGET,
            through: None,
            anew: BTreeSet::new(),
            was_short: false,
            told_full: None,
            told_unsettled: None,
            draining: false,
            story: Story::default(),
            traces: Traces::default(),
            rng: StdRng::seed_from_u64(seed),
            settings,
            counts,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Goes by other settings from now on, also for what waits already. What was refused may be
    /// wished again: it may have been refused by the settings before.
    pub(crate) fn configure(&mut self, settings: Settings, now: Instant) {
        self.outbox.capacity = settings.max_pending;
        if !self.draining {
            self.outbox.merge_window = settings.merge_window;
        }
        self.settings = settings;
        self.memory.forgive_all();
        self.keep_fence(now);
        self.forget_old(now);
    }

    /// Goes by other orders from now on, also with what waits already.
    pub(crate) fn order(&mut self, orders: &Arc<Orders>, now: Instant) {
        self.paused = orders.all_paused;
        self.outbox.set_orders(orders, now);
    }

    /// How it looks for what waits.
    pub(crate) fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// Participants that wait or are under way.
    pub(crate) fn len(&self) -> usize {
        self.outbox.len()
    }

    /// Those participants, with their keys.
    pub(crate) fn left(&self) -> Vec<(Target, Vec<Arc<str>>)> {
        self.outbox.all()
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
        self.may_push(now) || (self.pushes() && wake.is_some_and(|wake| wake < deadline))
    }

    /// Whether anything is pushed at all.
    fn pushes(&self) -> bool {
        !self.settings.dry_run && !self.paused
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

    /// Lets a key rest that is written too often; says so once for each rest. When the conversation
    /// is over each key is written once more all the same: that is its last word, and no fight.
    fn rest(
        &mut self,
        target: &Target,
        key: &Arc<str>,
        rule: &Arc<str>,
        now: Instant,
    ) -> Option<Instant> {
        let known = self.memory.conversation(&target.conversation);
        if let Some(over_since) = known.and_then(|known| known.over_since)
            && !self.guard.has_written_since(target, key, over_since.into())
        {
            return None;
        }
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
                %rule, key = %key, of, seconds, "written too often, rests: two rules, or a rule and another program, want \
                 different values; mend the rule, or pause it"
            );
            self.note_rest(&rest, rule, key);
            let what = What::Rests { seconds };
            self.story.note(|| Event::new(now, target, key, rule, what));
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
                     all live conversations will be looked at when there is room; \
                     more is wished than the budget can write"
                ),
            }
        }
    }
}
