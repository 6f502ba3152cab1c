//! The conditions of all rules, each kept once, and evaluated once at each element however many
//! rules have it.

use std::collections::HashMap;

use super::condition::Condition;
use super::field::Subject;
use super::subjects::{Scene, Tested};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Conditions {
    all: Vec<Shared>,
    remembered: usize,
}

#[derive(Debug)]
struct Shared {
    condition: Condition,
    /// Where the outcome is remembered, if several rules ask for it.
    memory: Option<usize>,
}

/// What is known at one element. Kept from one element to the next, for its room.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Vec<Option<bool>>);

/// Where the conditions of one rule are.
#[derive(Debug)]
pub(super) struct Places {
    in_file: Box<[u32]>,
    /// Empty where that is the order of the file.
    cheapest_first: Box<[u32]>,
}

impl Conditions {
    /// Takes the conditions of each rule, and gives each their places here.
    #[expect(
        clippy::mutable_key_type,
        reason = "what a compiled expression remembers is no part of what it is"
    )]
    pub(super) fn new(rules: Vec<Vec<Condition>>) -> (Conditions, Vec<Places>) {
        let mut known = HashMap::<Condition, (u32, usize)>::new();
        let mut places = Vec::with_capacity(rules.len());
        for conditions in rules {
            let costs: Vec<u8> = conditions.iter().map(cost).collect();
            let place = |condition| {
                let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
                let (place, rules) = known.entry(condition).or_insert((next, 0));
                *rules += 1;
                *place
            };
            let in_file: Box<[u32]> = conditions.into_iter().map(place).collect();
            let mut order: Vec<(u8, u32)> = costs.iter().copied().zip(in_file.to_vec()).collect();
            let sorted = order.is_sorted_by_key(|(cost, _)| cost);
            order.sort_by_key(|(cost, _)| *cost);
            let cheapest = order.into_iter().filter(|_| !sorted).map(|(_, place)| place);
            places.push(Places { cheapest_first: cheapest.collect(), in_file });
        }
        let mut known: Vec<(Condition, (u32, usize))> = known.into_iter().collect();
        known.sort_unstable_by_key(|(_, (place, _))| *place);
        let mut all = Conditions { all: Vec::with_capacity(known.len()), remembered: 0 };
        for (condition, (_, rules)) in known {
            let memory = (rules > 1 && !speaks_of_watched(&condition)).then_some(all.remembered);
            all.remembered += usize::from(memory.is_some());
            all.all.push(Shared { condition, memory });
        }
        (all, places)
    }

    /// Forgets what was known at another element.
    pub(super) fn begin(&self, outcomes: &mut Outcomes) {
        outcomes.0.clear();
        outcomes.0.resize(self.remembered, None);
    }

    /// The conditions at these places, in the order of the file.
    pub(super) fn at(&self, places: &Places) -> impl Iterator<Item = &Condition> {
        places.in_file.iter().filter_map(|place| Some(&self.all.get(*place as usize)?.condition))
    }

    /// Whether all of these hold.
    pub(super) fn hold(
        &self,
        places: &Places,
        scene: &Scene<'_>,
        tested: Tested,
        outcomes: &mut Outcomes,
    ) -> bool {
        let Places { in_file, cheapest_first } = places;
        let order = if cheapest_first.is_empty() { in_file } else { cheapest_first };
        order.iter().filter_map(|place| self.all.get(*place as usize)).all(|shared| {
            let known = shared.memory.and_then(|memory| outcomes.0.get_mut(memory));
            match known {
                Some(known) => *known.get_or_insert_with(|| shared.condition.holds(scene, tested)),
                None => shared.condition.holds(scene, tested),
            }
        })
    }
}

/// Roughly, what a test takes beside others.
fn cost(condition: &Condition) -> u8 {
    match condition {
        Condition::Field(_) => 0,
        Condition::Any(_) | Condition::Time(_) => 1,
        Condition::Some(_) | Condition::None(_) => 2,
        // The event is parsed for it.
        Condition::Raw(_) => 3,
    }
}

/// At one element it can hold for one watched participant and not for another.
fn speaks_of_watched(condition: &Condition) -> bool {
    let mut speaks = false;
    condition.each_field(&mut |field| speaks |= field.path.subject == Subject::Watched);
    speaks
}
