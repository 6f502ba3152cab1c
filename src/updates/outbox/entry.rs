//! What waits for one participant: its keys, what of them is under way, and when they may go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lanes::{Lane, Lanes};
use super::turns::Name;
use crate::defects::{self, Defect};
use crate::moment::{Moment, Span};
use crate::updates::dead_letters::DeadLetter;
use crate::updates::few::Few;
use crate::updates::push::Losses;
use crate::updates::wish::{Observation, Wish, Write};

/// One key that waits, or is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub value: Arc<str>,
    pub rule: Arc<str>,
    pub write: Write,
    pub during_flow: bool,
    /// Goes before what is not.
    pub urgent: bool,
    /// It is of no use any more from then on.
    pub useless_at: Option<Moment>,
    pub rules_hash: u64,
    /// Of the rule.
    pub digest: u64,
    /// When the snapshot that first brought a value for this key was read.
    pub offered_at: Moment,
    /// When the value last changed, by the clock of age.
    pub changed_at: Span,
    /// The fight guard lets it rest until then.
    pub not_before: Option<Moment>,
    /// Which change of which key this is: an answer settles what was sent, and nothing newer.
    pub(super) generation: u64,
    /// It was refused together with other rules' keys, and goes with its own rule's only.
    pub(super) apart: bool,
    /// While it was under way, a snapshot has shown that it was applied.
    pub(super) landed: bool,
}

/// What one push carries, by key.
pub(crate) type Out = Few<Arc<str>, Waiting>;

/// Everything the outbox knows of one participant.
#[derive(Debug)]
pub(super) struct Entry {
    /// The newest value of each key. A key under way stays here until it is settled.
    pub keys: Few<Arc<str>, Box<Waiting>>,
    /// What is under way; whoever pushes it has the same.
    pub out: Option<Arc<Out>>,
    /// The end of the merge window, set by the first key that waits.
    pub window: Moment,
    troubles: Option<Box<Troubles>>,
    pub in_flow: bool,
    pub forbidden: bool,
    /// Of the conversation; empty where none has seen it. Changed only while it is not ready.
    pub queue: Name,
    /// The rule that it counts against.
    pub owner: Name,
    pub place: Place,
}

/// What most of those that wait have nothing of, and take no room for.
#[derive(Debug)]
pub(super) struct Troubles {
    /// What of others is to be put back.
    pub losses: Losses,
    /// What of it is under way, while anything is.
    pub losses_out: Losses,
    /// Values that were sent without an answer, and may yet be applied.
    pub uncertain: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Not before this, after a failure.
    pub backoff: Option<Instant>,
    /// Not before this, because it may have been overtaken.
    pub doubt: Option<Instant>,
    pub attempts: u32,
    pub conflicts: u32,
}

static NONE: Troubles = Troubles::none();

/// Where an entry waits: in exactly one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: for a flow or a pause to end, or for its own push to be answered.
    Held,
    /// Among those that may go, by the order in which they became ready: in the line of each rule
    /// that has a key to send.
    Ready {
        order: u64,
        lanes: Arc<Vec<Lane>>,
    },
    Timed(Moment),
    /// Among those that the API forbids, by order.
    Forbidden(u64),
}

/// Where an entry should wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Nothing is left to do for it.
    Nothing,
    Held,
    /// In these lanes.
    Ready(Vec<Lane>),
    Timed(Moment),
    Forbidden,
}

impl Waiting {
    pub(crate) fn wished(wish: &Wish, observation: &Observation, age: Duration) -> Waiting {
        Waiting {
            value: Arc::clone(&wish.value),
            rule: Arc::clone(&wish.rule),
            write: wish.write,
            during_flow: wish.during_flow,
            urgent: wish.urgent,
            useless_at: wish.useless_after.map(|after| (observation.at + after).into()),
            rules_hash: observation.rules_hash,
            digest: wish.digest,
            offered_at: observation.at.into(),
            changed_at: age.into(),
            not_before: None,
            generation: 0,
            apart: false,
            landed: false,
        }
    }

    /// A value of a dead letter, as if it were newly wished; of use whenever it comes, because
    /// somebody says so.
    pub(crate) fn of_letter(
        letter: &DeadLetter,
        value: &Arc<str>,
        age: Duration,
        now: Instant,
    ) -> Waiting {
        Waiting {
            value: Arc::clone(value),
            rule: Arc::clone(&letter.rule),
            write: letter.write,
            during_flow: letter.during_flow,
            urgent: letter.urgent,
            useless_at: None,
            rules_hash: letter.rules_hash,
            digest: letter.digest,
            offered_at: now.into(),
            changed_at: age.into(),
            not_before: None,
            generation: 0,
            apart: false,
            landed: false,
        }
    }
}

impl Entry {
    pub(super) fn new(window: Instant, owner: Name, queue: Name) -> Entry {
        Entry {
            keys: Few::default(),
            out: None,
            window: window.into(),
            troubles: None,
            in_flow: false,
            forbidden: false,
            queue,
            owner,
            place: Place::Held,
        }
    }

    pub(super) fn troubles(&self) -> &Troubles {
        self.troubles.as_deref().unwrap_or(&NONE)
    }

    /// To be changed where it has some.
    pub(super) fn its_troubles(&mut self) -> Option<&mut Troubles> {
        self.troubles.as_deref_mut()
    }

    /// To have some from now on.
    pub(super) fn troubles_mut(&mut self) -> &mut Troubles {
        self.troubles.get_or_insert_with(|| Box::new(Troubles::none()))
    }

    /// Its place among those that may go.
    pub(super) fn order(&self) -> Option<u64> {
        match self.place {
            Place::Ready { order, .. } => Some(order),
            Place::Held | Place::Timed(_) | Place::Forbidden(_) => None,
        }
    }

    /// What is under way for this key.
    pub(super) fn out(&self, key: &str) -> Option<&Waiting> {
        self.out.as_ref()?.get(key)
    }

    /// All that is under way.
    pub(super) fn all_out(&self) -> impl Iterator<Item = (&Arc<str>, &Waiting)> {
        self.out.as_deref().into_iter().flatten()
    }

    /// It is under way no more.
    pub(super) fn take_out(&mut self) -> Arc<Out> {
        self.out.take().unwrap_or_default()
    }

    /// What waits for this key and is not under way.
    pub(super) fn waiting(&self, key: &str) -> Option<&Waiting> {
        self.keys.get(key).map(|it| &**it).filter(|waiting| !self.is_out(key, waiting))
    }

    pub(super) fn all_waiting(&self) -> impl Iterator<Item = (&Arc<str>, &Waiting)> {
        let keys = self.keys.iter().map(|(key, waiting)| (key, &**waiting));
        keys.filter(|(key, waiting)| !self.is_out(key, waiting))
    }

    fn is_out(&self, key: &str, waiting: &Waiting) -> bool {
        self.out(key).is_some_and(|out| out.generation == waiting.generation)
    }

    pub(super) fn wants(&self, rules: &Lanes, now: Instant) -> Wants {
        if self.out.is_some() && !defects::on(Defect::NotExclusive) {
            return Wants::Held;
        }
        if self.keys.is_empty() && self.troubles().losses.is_empty() {
            return Wants::Nothing;
        }
        match self.ready_at(rules) {
            None => Wants::Held,
            Some(_) if self.forbidden => Wants::Forbidden,
            Some(at) if at <= now => Wants::Ready(self.lanes(rules, now)),
            Some(at) => Wants::Timed(at.into()),
        }
    }

    /// When the first of the keys may go; `None` while all wait for a flow or a pause to end.
    fn ready_at(&self, rules: &Lanes) -> Option<Instant> {
        let Troubles { backoff, doubt, losses, .. } = self.troubles();
        let waits = [*backoff, *doubt].into_iter().flatten();
        let entry = waits.fold(self.window.into(), Instant::max);
        let key =
            |waiting: &Waiting| waiting.not_before.map_or(entry, |until| entry.max(until.into()));
        let keys = self.keys.values().map(|waiting| &**waiting);
        let keys = keys.filter(|waiting| !self.is_held(waiting, rules)).map(key);
        let losses = Some(entry).filter(|_| !losses.is_empty() && !self.in_flow);
        keys.chain(losses).min()
    }

    fn is_held(&self, waiting: &Waiting, rules: &Lanes) -> bool {
        (self.in_flow && !waiting.during_flow) || rules.is_paused(&waiting.rule)
    }

    fn may_go(&self, waiting: &Waiting, rules: &Lanes, now: Instant) -> bool {
        !self.is_held(waiting, rules) && waiting.not_before.is_none_or(|until| until <= now.into())
    }

    /// A lane for each rule that has a key to send; one of nobody's for what is to be put back.
    fn lanes(&self, rules: &Lanes, now: Instant) -> Vec<Lane> {
        let keys = self.keys.values().map(|waiting| &**waiting);
        let keys = keys.filter(|waiting| self.may_go(waiting, rules, now));
        let lane = |it: &Waiting| Lane { urgent: it.urgent, rule: Arc::clone(&it.rule) };
        let mut lanes: Vec<Lane> = keys.map(lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        if lanes.is_empty() {
            lanes.push(Lane { urgent: false, rule: Arc::clone(rules.nobody()) });
        }
        lanes
    }

    /// What would go now: all that may, or one rule's keys where some have to go apart.
    pub(super) fn sendable(&self, rules: &Lanes, now: Instant) -> Out {
        let sendable = self.keys.iter().filter(|(_, waiting)| {
            self.may_go(waiting, rules, now) && !rules.is_used_up(&waiting.rule, now)
        });
        let apart = sendable.clone().find(|(_, waiting)| waiting.apart).map(|(_, it)| &it.rule);
        sendable
            .filter(|(_, waiting)| apart.is_none_or(|rule| waiting.apart && waiting.rule == *rule))
            .map(|(key, waiting)| (Arc::clone(key), Waiting::clone(waiting)))
            .collect()
    }

    /// Takes back what waits for this key. What is under way goes on, and waits again if it fails.
    pub(super) fn withdraw(&mut self, key: &str) -> bool {
        if self.waiting(key).is_none() {
            return false;
        }
        match self.out(key).cloned() {
            Some(out) => {
                // Sent once more, it is another push, of which nothing has been seen.
                let again = Waiting { landed: false, ..out };
                self.keys.insert(Arc::from(key), Box::new(again));
            }
            None => {
                self.keys.remove(key);
                self.forget_uncertain(key);
            }
        }
        true
    }

    /// What was sent for this key without an answer is of no account any more.
    pub(super) fn forget_uncertain(&mut self, key: &str) -> Option<BTreeSet<Arc<str>>> {
        self.its_troubles()?.uncertain.remove(key)
    }

    /// An answer came that is none of failure.
    pub(super) fn forget_failures(&mut self) {
        if let Some(troubles) = self.its_troubles() {
            (troubles.attempts, troubles.conflicts, troubles.backoff) = (0, 0, None);
        }
    }
}

impl Troubles {
    const fn none() -> Troubles {
        Troubles {
            losses: Losses::new(),
            losses_out: Losses::new(),
            uncertain: BTreeMap::new(),
            backoff: None,
            doubt: None,
            attempts: 0,
            conflicts: 0,
        }
    }
}

#[cfg(test)]
impl Waiting {
    /// A value by a rule named `r`, of no particular age.
    pub(crate) fn for_tests(value: &str, now: Instant) -> Waiting {
        Waiting {
            value: Arc::from(value),
            rule: Arc::from("r"),
            write: Write::Follow,
            during_flow: false,
            urgent: false,
            useless_at: None,
            rules_hash: 0,
            digest: 0,
            offered_at: now.into(),
            changed_at: Span::default(),
            not_before: None,
            generation: 0,
            apart: false,
            landed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 100,000 participants take: another eight bytes may be another sixteen of the allocator's.
    #[test]
    fn what_waits_for_a_participant_is_kept_in_112_bytes_and_each_key_in_96() {
        assert_eq!((size_of::<Entry>(), size_of::<Waiting>()), (112, 96));
    }
}
