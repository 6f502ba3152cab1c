//! One snapshot and what the rules say of it, as the updates want to hear it.
//!
//! Pure: the rules are asked, nothing is remembered but what the caller's [`Standing`] holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::events::conversation::{Attributes, Conversation};
use crate::genesys::{ConversationId, UserId};
use crate::machine;
use crate::rules::{Context, Looked, RuleError, Rules, Standing};
use crate::updates::wish::{self, Observation, Seen, Wish};

/// What the loop works with; the app swaps it whole.
#[derive(Clone)]
pub(super) struct View {
    pub rules: Arc<Rules>,
    pub watched: Arc<BTreeSet<UserId>>,
    /// Conversations that no queue has seen are not looked at.
    pub acd_only: bool,
    /// The rules before, as long as a reload waits to be confirmed: conversations that it alone
    /// brings up are looked at by what both make of them.
    pub held_against: Option<Arc<Rules>>,
}

/// What a look at a snapshot brought.
pub(super) struct Look {
    pub observation: Observation,
    /// The rules that hold.
    pub held: Vec<Arc<str>>,
    pub targets_missing: u64,
    /// When time alone may change what the rules say; `None` also once the conversation is over.
    pub due: Option<Timestamp>,
    /// Rules that could not be evaluated.
    pub errors: Vec<RuleError>,
}

/// How a snapshot came.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub at: Instant,
    pub received_at: Timestamp,
    /// It is the answer to a read.
    pub from_read: bool,
}

impl Moment {
    /// A snapshot that is kept is looked at again.
    pub(super) fn now() -> Moment {
        Moment { at: Instant::now(), received_at: machine::now(), from_read: false }
    }

    fn context<'a>(&'a self, view: &'a View) -> Context<'a> {
        Context { watched: &view.watched, now: self.received_at, raw: None }
    }
}

/// Asks the rules about a snapshot.
pub(super) fn observation(
    view: &View,
    standing: &mut Standing,
    current: &Conversation,
    moment: &Moment,
) -> Look {
    let looked = view.rules.look(current, &moment.context(view), standing);
    observed(view, current, moment, looked)
}

/// The same, and what each rule took that had to be tested, by this clock.
pub(super) fn observation_timed(
    view: &View,
    standing: &mut Standing,
    current: &Conversation,
    moment: &Moment,
    clock: &dyn Fn() -> Duration,
) -> (Look, Vec<(Arc<str>, Duration)>) {
    let (looked, took) = view.rules.look_timed(current, &moment.context(view), standing, clock);
    (observed(view, current, moment, looked), took)
}

impl wish::Attributes for Attributes {
    fn get(&self, key: &str) -> Option<&str> {
        Attributes::get(self, key)
    }

    fn to_map(&self) -> BTreeMap<String, String> {
        Attributes::to_map(self)
    }
}

fn observed(view: &View, current: &Conversation, moment: &Moment, looked: Looked) -> Look {
    let Looked { wishes, held, targets_missing, due, errors, .. } = looked;
    let observation = Observation {
        conversation: current.id.clone(),
        at: moment.at,
        received_at: moment.received_at,
        participants: seen(current),
        wishes,
        over: current.is_over(),
        queue: queue_of(current),
        in_flow: current.in_flow(),
        from_read: moment.from_read,
        rules_hash: view.rules.hash(),
        in_force: Arc::clone(view.rules.in_force()),
    };
    let due = due.filter(|_| !observation.over);
    Look { observation, held, targets_missing: targets_missing.into(), due, errors }
}

fn seen(current: &Conversation) -> Vec<Seen> {
    let seen = current.participants.iter().map(|participant| Seen {
        participant: participant.id.clone(),
        ended: participant.ended(),
        attributes: Arc::new(participant.attributes.clone()),
    });
    seen.collect()
}

/// The queue of its newest queue leg; where no leg tells, that of an agent who was reached through one.
fn queue_of(current: &Conversation) -> Option<Arc<str>> {
    let acd = current.acd().and_then(|acd| acd.queue_id.as_ref());
    let agent = || current.agent().and_then(|agent| agent.queue_id.as_ref());
    acd.or_else(agent).cloned().map(Arc::from)
}

/// A conversation that the API does not know any more: it is over, and nobody is seen in it.
pub(super) fn gone(view: &View, conversation: ConversationId) -> Observation {
    Observation {
        conversation,
        at: Instant::now(),
        received_at: machine::now(),
        participants: Vec::new(),
        wishes: Vec::new(),
        over: true,
        queue: None,
        in_flow: false,
        from_read: true,
        rules_hash: view.rules.hash(),
        in_force: Arc::clone(view.rules.in_force()),
    }
}

/// Remembers for which participants the rules hold in a snapshot, and wishes nothing.
pub(super) fn remember(
    view: &View,
    standing: &mut Standing,
    snapshot: &Conversation,
    moment: &Moment,
) {
    let _wished = view.rules.look(snapshot, &moment.context(view), standing);
}

/// What the rules wish of a snapshot that may be newer than the current one or late, for keys of
/// which they wish nothing in that; beside it what the current one shows. What held in it has to be
/// [remembered] before: else what `otherwise` wishes of the current one is not known.
///
/// [remembered]: remember
pub(super) fn perhaps(
    view: &View,
    standing: &Standing,
    current: &Conversation,
    candidate: &Conversation,
    moment: &Moment,
) -> Observation {
    let now = wishes_of(view, &view.rules, standing, current, moment);
    let mut perhaps = observation(view, &mut standing.clone(), candidate, moment).observation;
    perhaps.participants = seen(current);
    perhaps.in_flow |= current.in_flow();
    perhaps.wishes.retain(|wish| {
        let is_same = |one: &Wish| (&one.participant, &one.key) == (&wish.participant, &wish.key);
        !now.iter().any(is_same)
    });
    perhaps
}

/// What some rules wish of a snapshot; nothing is remembered.
pub(super) fn wishes_of(
    view: &View,
    rules: &Rules,
    standing: &Standing,
    snapshot: &Conversation,
    moment: &Moment,
) -> Vec<Wish> {
    rules.look(snapshot, &moment.context(view), &mut standing.clone()).wishes
}

/// Returns true if and only if it makes no difference to any write which of the two snapshots is
/// the newer one.
pub(super) fn same_wishes(
    view: &View,
    standing: &Standing,
    current: &Conversation,
    candidate: &Conversation,
    moment: &Moment,
) -> bool {
    let wishes = |of: &Conversation| {
        view.rules.look(of, &moment.context(view), &mut standing.clone()).wishes
    };
    let (wishes_now, wishes_then) = (wishes(current), wishes(candidate));
    // The values beside the wishes count too: by them it is told what is ours and what foreign.
    wishes_now == wishes_then
        && wishes_now.iter().all(|wish| there(current, wish) == there(candidate, wish))
        && current.is_over() == candidate.is_over()
        && current.in_flow() == candidate.in_flow()
}

/// The value of what is wished for, as the snapshot shows it.
fn there<'a>(of: &'a Conversation, wish: &Wish) -> Option<&'a str> {
    let mut participants = of.participants.iter();
    let participant = participants.find(|participant| participant.id == wish.participant)?;
    participant.attributes.get(&wish.key)
}
