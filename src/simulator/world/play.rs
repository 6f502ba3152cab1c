//! The agenda played: what is due happens, at its own time, in order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::changed::{AttributeWrite, Changed, Writer};
use super::conversation::{Content, Conversation};
use super::dice::Dice;
use super::life::{Step, life};
use super::model::{Millis, Party};
use super::steps::{self, Around};
use super::{Due, World, timestamp};

/// After the generator stops, lives go on for this long and then rest where they are.
const SETTLE: Millis = 6_000;

impl World {
    /// When `advance` next has something to do; `None` when the world rests.
    pub fn next_due(&self) -> Option<Timestamp> {
        let step = self.agenda.keys().next().map(|&(at, _)| at);
        let due = [step, self.next_arrival].into_iter().flatten().min()?;
        Some(timestamp(due))
    }

    /// Plays everything due by `now`: one change each, in server order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Changed> {
        let now = now.as_millisecond();
        let mut changes = Vec::new();
        loop {
            let step = self.agenda.keys().next().copied().filter(|&(at, _)| at <= now);
            let arrival = self.next_arrival.filter(|&at| at <= now);
            match (step, arrival) {
                (Some((at, _)), Some(arrival)) if arrival <= at => {
                    changes.push(self.arrive(arrival));
                }
                (None, Some(arrival)) => changes.push(self.arrive(arrival)),
                (Some(key), _) => changes.extend(self.play(key)),
                (None, None) => return changes,
            }
        }
    }

    /// No new conversations; half of those alive rest where they are, the others go on for a few
    /// seconds and rest then. Some end by that, some stay alive.
    pub fn stop_generating(&mut self, now: Timestamp) {
        self.next_arrival = None;
        let until = now.as_millisecond() + SETTLE;
        let resting: BTreeSet<String> = self
            .alive
            .iter()
            .filter(|id| Dice::of(self.seed, id, 0).chance(0.5))
            .cloned()
            .collect();
        let agenda = std::mem::take(&mut self.agenda);
        let stays = |((at, ticket), (id, due)): ((Millis, u64), (String, Due))| match due {
            // A flow that never ended would hold back for ever what is written after it.
            Due::Step(Step::FlowEnds { .. }) => Some(((at.min(until), ticket), (id, due))),
            Due::Step(_) | Due::Overwrite { .. } => {
                (at <= until && !resting.contains(&id)).then_some(((at, ticket), (id, due)))
            }
        };
        self.agenda = agenda.into_iter().filter_map(stays).collect();
    }

    fn arrive(&mut self, now: Millis) -> Changed {
        self.next_arrival = Some(now + self.arrivals.gap(self.shape.rate));
        let mut dice = self.arrivals.fork();
        let born = life(&mut dice, &self.organization, &self.shape, now);
        let id = born.model.id.clone();
        for (at, step) in born.steps {
            self.plan(at, &id, Due::Step(step));
        }
        let writes =
            born.model.parties.iter().filter(|party| !party.attributes.is_empty()).map(flow_write);
        let writes = writes.collect();
        self.conversations.insert(id.clone(), Conversation::living(born.model, dice));
        self.changed(&id, writes)
    }

    pub(super) fn plan(&mut self, at: Millis, id: &str, due: Due) {
        self.tickets += 1;
        self.agenda.insert((at, self.tickets), (id.to_owned(), due));
    }

    fn play(&mut self, key: (Millis, u64)) -> Option<Changed> {
        let (id, due) = self.agenda.remove(&key)?;
        let step = match due {
            Due::Step(step) => step,
            Due::Overwrite { participant, key } => return self.overwrite(&id, participant, &key),
        };
        let load = if matches!(step, Step::Alert | Step::ToUser { .. } | Step::Consult) {
            self.load()
        } else {
            BTreeMap::new()
        };
        let conversation = self.conversations.get_mut(&id)?;
        let Content::Living { model, dice } = &mut conversation.content else { return None };
        let mut around = Around { organization: &self.organization, load: &load, dice, now: key.0 };
        let written = steps::apply(model, &step, &mut around)?;
        let who = if matches!(step, Step::Note { .. }) { Writer::Other } else { Writer::Flow };
        let written: Vec<_> = written
            .into_iter()
            .map(|(place, asked)| (model.parties[place].id.clone(), asked))
            .collect();
        let writes = written
            .into_iter()
            .filter_map(|(participant, asked)| self.write(&id, &participant, &asked, who, false))
            .collect();
        Some(self.changed(&id, writes))
    }

    /// How many conversations each user is in.
    fn load(&self) -> BTreeMap<String, usize> {
        let mut load = BTreeMap::new();
        for conversation in self.alive.iter().filter_map(|id| self.conversations.get(id)) {
            if let Content::Living { model, .. } = &conversation.content {
                let there = model.parties.iter().filter(|party| party.ended.is_none());
                for user in there.filter_map(|party: &Party| party.user.clone()) {
                    *load.entry(user).or_default() += 1;
                }
            }
        }
        load
    }
}

fn flow_write(party: &Party) -> AttributeWrite {
    AttributeWrite {
        participant: party.id.clone(),
        who: Writer::Flow,
        asked: party.attributes.clone(),
        changed: party
            .attributes
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect(),
        whole: false,
    }
}
