//! What a rule that holds has for its targets, and what becomes of it.
//!
//! Within the rule the newest element has the say, as in a look; between rules the look has decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Effect, Fate, Who};
use crate::events::conversation::Participant;
use crate::rules::bound::Bound;
use crate::rules::file::{Assignment, Rule, Setting};
use crate::rules::lists::Tables;
use crate::rules::look::{Looked, rendered};
use crate::rules::party::Rank;
use crate::rules::standpoint::Standpoint;
use crate::rules::subjects::{Element, Scene};
use crate::updates::wish::{Wish, Write};

/// How new the element is that has a value.
type Age = (Rank, Option<usize>);

/// Collects what one rule has to say, element by element.
pub(super) struct Effects<'e> {
    rule: &'e Rule,
    bound: &'e Bound,
    scene: &'e Scene<'e>,
    tables: &'e Tables,
    looked: &'e Looked,
    found: Vec<Found>,
    /// The newest element with a value, for each target and key.
    newest: BTreeMap<(usize, Arc<str>), Age>,
}

struct Found {
    age: Age,
    target: Option<usize>,
    key: Arc<str>,
    value: Option<Arc<str>>,
    absent: Vec<String>,
}

impl<'e> Effects<'e> {
    pub(super) fn new(
        bound: &'e Bound,
        scene: &'e Scene<'e>,
        tables: &'e Tables,
        looked: &'e Looked,
    ) -> Effects<'e> {
        let (found, newest) = (Vec::new(), BTreeMap::new());
        Effects { rule: &bound.rule, bound, scene, tables, looked, found, newest }
    }

    /// The rule holds at this element.
    pub(super) fn of(&mut self, element: Element) {
        let Element { tested, rank, .. } = element;
        let age = (rank, tested.watched);
        let targets = self.scene.targets(&self.rule.target, tested);
        let cleared = self.rule.clear.iter().map(|key| {
            let value = Setting::Plain(Arc::from(""));
            Assignment { key: Arc::clone(key), value }
        });
        let assignments: Vec<Assignment> = self.rule.set.iter().cloned().chain(cleared).collect();
        for assignment in &assignments {
            let key = &assignment.key;
            let rows = &self.bound.rows;
            let standpoint = Standpoint { scene: self.scene, tested, tables: self.tables, rows };
            // What went wrong is told beside the effects.
            let value = rendered(&assignment.value, &standpoint).ok().flatten();
            let absent = match &value {
                Some(_) => Vec::new(),
                None => self.absent(assignment, element),
            };
            let found = |target| Found {
                age,
                target,
                key: Arc::clone(key),
                value: value.clone(),
                absent: absent.clone(),
            };
            if targets.is_empty() {
                self.found.push(found(None));
            }
            for target in &targets {
                self.found.push(found(Some(*target)));
                if value.is_some() {
                    let newest = self.newest.entry((*target, Arc::clone(key))).or_insert(age);
                    *newest = age.max(*newest);
                }
            }
        }
    }

    fn absent(&self, assignment: &Assignment, element: Element) -> Vec<String> {
        let absent =
            assignment.value.paths().filter(|path| self.scene.show(path, element.tested).is_none());
        absent.map(ToString::to_string).collect()
    }

    /// Everything, each with its fate.
    pub(super) fn judged(mut self) -> Vec<Effect> {
        let mut effects: Vec<Effect> = Vec::new();
        for found in std::mem::take(&mut self.found) {
            let effect = self.judge(found);
            // Two elements that want the same are one thing to know.
            if !effects.contains(&effect) {
                effects.push(effect);
            }
        }
        let otherwise = self.looked.wishes.iter().filter(|wish| {
            let place = self.place(wish);
            let set =
                place.is_some_and(|at| self.newest.contains_key(&(at, Arc::clone(&wish.key))));
            wish.rule == self.rule.name && !set
        });
        effects.extend(otherwise.map(|wish| self.otherwise(wish)));
        effects
    }

    fn judge(&self, found: Found) -> Effect {
        let Found { age, target, key, value, absent } = found;
        let participant = target.map(|at| self.participant(at));
        let fate = match (target, &value) {
            (None, _) => Fate::NoTarget,
            (Some(_), None) => Fate::Abstained { absent },
            (Some(at), Some(value)) => self.fate(at, &key, value, age),
        };
        Effect {
            now: participant.and_then(|one| now(one, &key)),
            target: participant.map(|one| Who::new(one, None)),
            key,
            value,
            otherwise: false,
            fate,
        }
    }

    fn fate(&self, target: usize, key: &Arc<str>, value: &Arc<str>, age: Age) -> Fate {
        let newest = self.newest.get(&(target, Arc::clone(key))) == Some(&age);
        match self.winner(target, key) {
            // Another element with the same value is as good as this one.
            Some(wish) if wish.rule == self.rule.name && wish.value == *value => {
                self.of_wish(wish, target)
            }
            Some(wish) if newest => Fate::Lost { to: Arc::clone(&wish.rule) },
            Some(_) | None => Fate::Older,
        }
    }

    fn winner(&self, target: usize, key: &Arc<str>) -> Option<&Wish> {
        let id = &self.participant(target).id;
        self.looked.wishes.iter().find(|wish| wish.participant == *id && wish.key == *key)
    }

    /// What becomes of a wish that nobody contests.
    fn of_wish(&self, wish: &Wish, target: usize) -> Fate {
        let there = self.now(target, &wish.key).unwrap_or_default();
        let conversation = self.scene.conversation;
        if *wish.value == *there {
            Fate::Met
        } else if wish.write == Write::IfAbsent && !there.is_empty() {
            Fate::Exists
        } else if wish.dry_run {
            Fate::DryRun
        } else if conversation.in_flow() && !conversation.is_over() && !wish.during_flow {
            Fate::AfterFlow
        } else {
            Fate::Written
        }
    }

    fn otherwise(&self, wish: &Wish) -> Effect {
        let place = self.place(wish);
        let participant = place.map(|at| self.participant(at));
        Effect {
            now: participant.and_then(|one| now(one, &wish.key)),
            target: participant.map(|one| Who::new(one, None)),
            key: Arc::clone(&wish.key),
            value: Some(Arc::clone(&wish.value)),
            otherwise: true,
            fate: place.map_or(Fate::NoTarget, |at| self.of_wish(wish, at)),
        }
    }

    fn place(&self, wish: &Wish) -> Option<usize> {
        let mut participants = self.scene.conversation.participants.iter();
        participants.position(|one| one.id == wish.participant)
    }

    fn now(&self, at: usize, key: &str) -> Option<String> {
        now(self.participant(at), key)
    }

    fn participant(&self, at: usize) -> &Participant {
        &self.scene.conversation.participants[at]
    }
}

/// The attribute as the snapshot shows it.
fn now(participant: &Participant, key: &str) -> Option<String> {
    participant.attributes.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
}
