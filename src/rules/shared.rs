//! The conditions of all rules, each kept once, and evaluated once at each element however many
//! rules have it.

use std::collections::HashMap;
use std::ops::Range;

use super::condition::Condition;
use super::field::Subject;
use super::subjects::{Scene, Tested};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Conditions {
    all: Box<[Shared]>,
    remembered: u32,
    /// The places in `all` of the conditions of one rule after the other: in the order of the file,
    /// and, where that is another, once more with the cheapest first.
    places: Box<[u32]>,
}

#[derive(Debug)]
struct Shared {
    condition: Condition,
    /// Where the outcome is remembered, if several rules ask for it.
    memory: Option<u32>,
}

/// What is known at one element. Kept from one element to the next, for its room.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Vec<Option<bool>>);

/// Where the conditions of one rule are, among the places of all.
#[derive(Debug)]
pub(super) struct Places {
    from: u32,
    count: u32,
    /// Behind them they stand once more in another order.
    reordered: bool,
}

impl Places {
    fn in_file(&self) -> Range<usize> {
        let from = self.from as usize;
        from..from + self.count as usize
    }

    fn cheapest_first(&self) -> Range<usize> {
        let in_file = self.in_file();
        if self.reordered { in_file.end..in_file.end + in_file.len() } else { in_file }
    }
}

impl Conditions {
    /// Takes the conditions of each rule, and gives each their places here.
    #[expect(
        clippy::mutable_key_type,
        reason = "what a compiled expression remembers is no part of what it is"
    )]
    pub(super) fn new(rules: Vec<Vec<Condition>>) -> (Conditions, Vec<Places>) {
        let mut known = HashMap::<Condition, (u32, usize)>::new();
        let mut each = Vec::with_capacity(rules.len());
        let mut places = Vec::new();
        for conditions in rules {
            let costs: Vec<u8> = conditions.iter().map(cost).collect();
            let place = |condition| {
                let next = number(known.len());
                let (place, rules) = known.entry(condition).or_insert((next, 0));
                *rules += 1;
                *place
            };
            let mut order: Vec<(u8, u32)> =
                costs.into_iter().zip(conditions.into_iter().map(place)).collect();
            let reordered = !order.is_sorted_by_key(|(cost, _)| cost);
            each.push(Places { from: number(places.len()), count: number(order.len()), reordered });
            places.extend(order.iter().map(|(_, place)| place));
            if reordered {
                order.sort_by_key(|(cost, _)| *cost);
                places.extend(order.iter().map(|(_, place)| place));
            }
        }
        let mut known: Vec<(Condition, (u32, usize))> = known.into_iter().collect();
        known.sort_unstable_by_key(|(_, (place, _))| *place);
        let mut remembered = 0;
        let mut all = Vec::with_capacity(known.len());
        for (condition, (_, rules)) in known {
            let memory = (rules > 1 && !speaks_of_watched(&condition)).then_some(remembered);
            remembered += u32::from(memory.is_some());
            all.push(Shared { condition, memory });
        }
        (Conditions { all: all.into(), remembered, places: places.into() }, each)
    }

    /// Forgets what was known at another element.
    pub(super) fn begin(&self, outcomes: &mut Outcomes) {
        outcomes.0.clear();
        outcomes.0.resize(self.remembered as usize, None);
    }

    /// The conditions at these places, in the order of the file.
    pub(super) fn at(&self, places: &Places) -> impl Iterator<Item = &Condition> {
        self.these(places.in_file()).map(|shared| &shared.condition)
    }

    /// Whether all of these hold.
    pub(super) fn hold(
        &self,
        places: &Places,
        scene: &Scene<'_>,
        tested: Tested,
        outcomes: &mut Outcomes,
    ) -> bool {
        self.these(places.cheapest_first()).all(|shared| {
            let known = shared.memory.and_then(|memory| outcomes.0.get_mut(memory as usize));
            match known {
                Some(known) => *known.get_or_insert_with(|| shared.condition.holds(scene, tested)),
                None => shared.condition.holds(scene, tested),
            }
        })
    }

    fn these(&self, places: Range<usize>) -> impl Iterator<Item = &Shared> {
        let places = self.places.get(places).unwrap_or_default();
        places.iter().filter_map(|place| self.all.get(*place as usize))
    }
}

/// A rules file has far fewer conditions than numbers of 32 bits.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
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
