//! Which topic goes to which channel.
//!
//! Pure. A plan is made from the one before it, so that a change of topics touches as few channels
//! as possible: what has a place keeps it, and new topics go together. A channel that lost topics
//! is not filled up from others, which would touch both for nothing. A topic moves only to make room
//! for the copy of another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::events::topic::Topic;

/// Topics of one WebSocket; one more is answered with 400 (FACTS 3.2).
pub const TOPICS_PER_CHANNEL: usize = 1000;

/// Channels of one client (FACTS 3.2), and so many numbers are each client's own.
const CHANNELS_OF_A_CLIENT: u32 = 20;

/// The client whose channel it is, by its place in the configuration.
pub(crate) fn client_of(channel: u32) -> usize {
    (channel / CHANNELS_OF_A_CLIENT) as usize
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub clients: usize,
    /// Channels of each client that may be in use at the same time.
    pub channels: usize,
    /// On so many different channels shall each topic be.
    pub copies: usize,
}

impl Limits {
    /// One of `max` stays spare, because a channel is replaced by a second one that is up before
    /// the first goes (SEMANTICS 6). A single one is used all the same.
    pub fn new(max: usize, copies: usize) -> Limits {
        Limits::of_clients(1, max, copies)
    }

    /// The same for several clients that have so many channels each.
    pub fn of_clients(clients: usize, max: usize, copies: usize) -> Limits {
        let clients = clients.max(1);
        let channels = max.saturating_sub(1).clamp(1, CHANNELS_OF_A_CLIENT as usize);
        Limits { clients, channels, copies: copies.clamp(1, clients * channels) }
    }

    /// Topics that find room.
    pub fn capacity(self) -> usize {
        self.clients * self.channels * TOPICS_PER_CHANNEL / self.copies
    }
}

/// The topics of each channel, by the channel's number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub channels: BTreeMap<u32, Arc<BTreeSet<Topic>>>,
    /// Wanted, and on no channel.
    pub without_room: BTreeSet<Topic>,
    /// How many topics are on fewer channels than asked for, but on one at least.
    pub short_of_copies: usize,
}

/// Says that a client shall not carry a topic.
pub(crate) type Barred<'b> = &'b dyn Fn(usize, &Topic) -> bool;

impl Plan {
    /// The plan for the topics that are wanted now.
    #[must_use]
    pub fn fit(&self, wanted: &BTreeSet<Topic>, limits: Limits) -> Plan {
        self.fit_around(wanted, limits, &|_, _| false)
    }

    /// The same where some clients shall not carry some topics. One that no client shall carry, or
    /// that finds room nowhere else, is carried all the same: nobody would be worse.
    #[must_use]
    pub(crate) fn fit_around(
        &self,
        wanted: &BTreeSet<Topic>,
        limits: Limits,
        barred: Barred<'_>,
    ) -> Plan {
        let barred = |client: usize, topic: &Topic| {
            barred(client, topic) && (0..limits.clients).any(|other| !barred(other, topic))
        };
        let mut fitting = Fitting::keep(self, wanted, limits, &barred);
        // A first copy of each before a second of any: when room is short, all are watched.
        let mut unplaced = BTreeSet::new();
        for copy in 1..=limits.copies {
            for topic in wanted {
                let has = fitting.copies.get(topic).copied().unwrap_or_default();
                if has < copy && !fitting.place(topic, &barred) {
                    unplaced.insert(topic.clone());
                }
            }
        }
        unplaced.retain(|topic| {
            fitting.copies.contains_key(topic) || !fitting.place(topic, &|_, _| false)
        });
        let without_room: BTreeSet<Topic> =
            unplaced.iter().filter(|topic| !fitting.copies.contains_key(*topic)).cloned().collect();
        Plan {
            short_of_copies: unplaced.len() - without_room.len(),
            without_room,
            channels: fitting.finish(self),
        }
    }
}

/// A plan in the making.
struct Fitting {
    limits: Limits,
    channels: BTreeMap<u32, BTreeSet<Topic>>,
    copies: BTreeMap<Topic, usize>,
    /// The channel that new topics went to last: changed already, so it may as well take more.
    filling: Vec<u32>,
}

impl Fitting {
    /// Keeps of a plan what is still wanted, where it may be.
    fn keep(plan: &Plan, wanted: &BTreeSet<Topic>, limits: Limits, barred: Barred<'_>) -> Fitting {
        let mut copies = BTreeMap::<Topic, usize>::new();
        let mut channels = BTreeMap::new();
        let mut filling = Vec::new();
        let mut of_clients = vec![0; limits.clients];
        for (number, topics) in &plan.channels {
            let client = client_of(*number);
            match of_clients.get_mut(client) {
                Some(count) if *count < limits.channels => *count += 1,
                Some(_) | None => continue,
            }
            let stays = |topic: &&Topic| wanted.contains(*topic) && !barred(client, topic);
            let mut kept = BTreeSet::new();
            for topic in topics.iter().filter(stays) {
                let has = copies.entry(topic.clone()).or_default();
                if *has < limits.copies {
                    *has += 1;
                    kept.insert(topic.clone());
                }
            }
            if kept.len() < topics.len() {
                filling.push(*number);
            }
            channels.insert(*number, kept);
        }
        Fitting { limits, channels, copies, filling }
    }

    /// Finds a place for one more copy of the topic. Returns false if there is none.
    fn place(&mut self, topic: &Topic, barred: Barred<'_>) -> bool {
        let place = self.room_for(topic, barred).or_else(|| self.make_room(topic, barred));
        let Some(number) = place else { return false };
        self.put(topic, number);
        *self.copies.entry(topic.clone()).or_default() += 1;
        true
    }

    fn put(&mut self, topic: &Topic, number: u32) {
        if !self.filling.contains(&number) {
            self.filling.push(number);
        }
        self.channels.entry(number).or_default().insert(topic.clone());
    }

    /// Where the only channels with room hold the topic already, another topic moves there from a
    /// channel that does not. Returns that channel.
    fn make_room(&mut self, topic: &Topic, barred: Barred<'_>) -> Option<u32> {
        let open = self.channels.iter().find(|(_, topics)| topics.len() < TOPICS_PER_CHANNEL);
        let (open, there) = open.map(|(number, topics)| (*number, topics))?;
        let may_move = |one: &&Topic| !there.contains(*one) && !barred(client_of(open), one);
        let lets = |number: u32, topics: &BTreeSet<Topic>| {
            !topics.contains(topic) && !barred(client_of(number), topic)
        };
        let (from, moved) =
            self.channels.iter().filter(|(number, topics)| lets(**number, topics)).find_map(
                |(number, topics)| Some((*number, topics.iter().find(may_move)?.clone())),
            )?;
        self.put(&moved, open);
        self.channels.get_mut(&from)?.remove(&moved);
        Some(from)
    }

    /// A channel that is changed anyhow; else the one with the most room; else a new one. A second
    /// copy goes to another client if it can: they fail apart.
    fn room_for(&self, topic: &Topic, barred: Barred<'_>) -> Option<u32> {
        if self.limits.clients > 1 && self.copies.contains_key(topic) {
            let holders = self.channels.iter().filter(|(_, topics)| topics.contains(topic));
            let holders: BTreeSet<usize> = holders.map(|(number, _)| client_of(*number)).collect();
            let apart =
                |client: usize, one: &Topic| holders.contains(&client) || barred(client, one);
            let found = self.any_room_for(topic, &apart);
            if found.is_some() {
                return found;
            }
        }
        self.any_room_for(topic, barred)
    }

    fn any_room_for(&self, topic: &Topic, barred: Barred<'_>) -> Option<u32> {
        let room = |number: &u32| {
            let topics = self.channels.get(number)?;
            let room = TOPICS_PER_CHANNEL.checked_sub(topics.len())?;
            let fits = room > 0 && !topics.contains(topic) && !barred(client_of(*number), topic);
            fits.then_some(room)
        };
        let changed = self.filling.iter().find(|number| room(number).is_some());
        let roomiest = || {
            let open = self.channels.keys().filter_map(|number| Some((room(number)?, *number)));
            open.max_by_key(|(room, number)| (*room, std::cmp::Reverse(*number)))
        };
        let roomiest = || roomiest().map(|(_, number)| number);
        changed.copied().or_else(roomiest).or_else(|| self.new_channel(topic, barred))
    }

    /// The number of a channel more, of the client with the fewest.
    fn new_channel(&self, topic: &Topic, barred: Barred<'_>) -> Option<u32> {
        let has = |client: usize| self.channels.keys().filter(|n| client_of(**n) == client).count();
        let clients = (0..self.limits.clients).filter(|client| !barred(*client, topic));
        let (has, client) = clients.map(|client| (has(client), client)).min()?;
        let first = u32::try_from(client).ok()? * CHANNELS_OF_A_CLIENT;
        let new = || (first..).find(|number| !self.channels.contains_key(number));
        (has < self.limits.channels).then(new).flatten()
    }

    /// What did not change is the very same set, and empty channels go.
    fn finish(self, before: &Plan) -> BTreeMap<u32, Arc<BTreeSet<Topic>>> {
        let full = self.channels.into_iter().filter(|(_, topics)| !topics.is_empty());
        full.map(|(number, topics)| match before.channels.get(&number) {
            Some(old) if **old == topics => (number, Arc::clone(old)),
            Some(_) | None => (number, Arc::new(topics)),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::UserId;

    fn topics(range: std::ops::Range<usize>) -> BTreeSet<Topic> {
        range.map(|n| Topic::User(UserId::new(&format!("u{n:05}")))).collect()
    }

    fn sizes(plan: &Plan) -> Vec<usize> {
        plan.channels.values().map(|topics| topics.len()).collect()
    }

    fn fit(count: usize, limits: Limits) -> Plan {
        let plan = Plan::default().fit(&topics(0..count), limits);
        for topic in topics(0..count) {
            let copies = plan.channels.values().filter(|one| one.contains(&topic)).count();
            assert!(copies <= limits.copies);
            assert_eq!(copies == 0, plan.without_room.contains(&topic));
        }
        plan
    }

    #[test]
    fn channels_are_filled_one_after_the_other() {
        let limits = Limits::new(20, 1);
        assert_eq!(sizes(&fit(0, limits)), [0; 0]);
        assert_eq!(sizes(&fit(1000, limits)), [1000]);
        assert_eq!(sizes(&fit(1001, limits)), [1000, 1]);
        assert_eq!(sizes(&fit(1200, limits)), [1000, 200]);
    }

    #[test]
    fn what_does_not_fit_is_named_and_one_channel_stays_spare() {
        let limits = Limits::new(20, 1);
        assert_eq!(limits.capacity(), 19_000);
        assert_eq!(Limits::new(20, 2).capacity(), 9_500);
        let plan = fit(19_001, limits);
        assert_eq!(sizes(&plan), [1000; 19]);
        assert_eq!(plan.without_room, topics(19_000..19_001));
    }

    #[test]
    fn copies_are_on_different_channels_and_a_first_copy_comes_first() {
        let plan = fit(1500, Limits::new(20, 2));
        assert_eq!(plan.channels.values().map(|one| one.len()).sum::<usize>(), 3000);
        assert_eq!((plan.channels.len(), plan.short_of_copies), (3, 0));
        // Room for 2,000 topics, 1,500 wanted twice: all once, some twice.
        let plan = fit(1500, Limits::new(3, 2));
        assert_eq!((plan.without_room.len(), plan.short_of_copies), (0, 1000));
        // One channel cannot hold a copy on another.
        assert_eq!(Limits::new(2, 2).copies, 1);
        assert_eq!(Limits::new(0, 0), Limits { clients: 1, channels: 1, copies: 1 });
    }

    #[test]
    fn copies_find_room_however_often_topics_change() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        for seed in 0..2 {
            let mut random = StdRng::seed_from_u64(seed);
            let limits = Limits::new(4, 2);
            let mut wanted = topics(0..limits.capacity());
            let mut plan = Plan::default().fit(&wanted, limits);
            for round in 1..=4 {
                wanted.retain(|_| random.random_bool(0.6));
                plan = plan.fit(&wanted, limits);
                let missing = limits.capacity() - wanted.len();
                wanted.extend(topics(10_000 * round..10_000 * round + missing));
                plan = plan.fit(&wanted, limits);
                assert_eq!((plan.without_room.len(), plan.short_of_copies), (0, 0), "seed {seed}");
                assert_eq!(sizes(&plan), [1000; 3]);
            }
        }
    }

    #[test]
    fn a_change_leaves_the_other_channels_alone() {
        let limits = Limits::new(20, 1);
        let before = fit(2500, limits);
        let changed = |after: &Plan| -> Vec<u32> {
            let same = |n: &u32| match (before.channels.get(n), after.channels.get(n)) {
                (Some(old), Some(new)) => Arc::ptr_eq(old, new),
                (Some(_) | None, None) | (None, Some(_)) => false,
            };
            (0..4)
                .filter(|n| before.channels.contains_key(n) || after.channels.contains_key(n))
                .filter(|n| !same(n))
                .collect()
        };
        assert_eq!(changed(&before.fit(&topics(0..2501), limits)), [2]);
        assert_eq!(changed(&before.fit(&topics(1..2500), limits)), [0]);
        // One goes, one comes: it takes the freed place, and one channel changes.
        assert_eq!(changed(&before.fit(&topics(1..2501), limits)), [0]);
        assert_eq!(changed(&before.fit(&topics(0..2000), limits)), [2]);
        assert_eq!(changed(&before.fit(&topics(0..2500), limits)), [0; 0]);
    }

    /// How many topics each client has.
    fn of_clients(plan: &Plan, clients: usize) -> Vec<usize> {
        let of = |client: usize| {
            let own = plan.channels.iter().filter(|(number, _)| client_of(**number) == client);
            own.map(|(_, topics)| topics.len()).sum()
        };
        (0..clients).map(of).collect()
    }

    #[test]
    fn clients_take_turns_with_channels() {
        let limits = Limits::of_clients(3, 20, 1);
        assert_eq!(limits.capacity(), 57_000);
        let plan = fit(4500, limits);
        assert_eq!(plan.channels.keys().copied().collect::<Vec<_>>(), [0, 1, 20, 21, 40]);
        assert_eq!(of_clients(&plan, 3), [2000, 1500, 1000]);
        assert_eq!(fit(57_001, limits).without_room.len(), 1);
        assert_eq!(of_clients(&fit(900, Limits::of_clients(3, 20, 2)), 3), [900, 900, 0]);
        // One channel each is enough for a copy with the other.
        assert_eq!(Limits::of_clients(2, 2, 2).copies, 2);
    }

    #[test]
    fn what_is_barred_moves_and_what_is_barred_everywhere_stays() {
        let limits = Limits::of_clients(2, 20, 1);
        let (wanted, before) = (topics(0..2500), fit(2500, limits));
        assert_eq!(of_clients(&before, 2), [1500, 1000]);
        let around = |plan: &Plan, barred: Barred<'_>| plan.fit_around(&wanted, limits, barred);
        let after = around(&before, &|client, _| client == 0);
        assert_eq!(of_clients(&after, 2), [0, 2500]);
        assert_eq!(around(&before, &|_, _| true), before);
        let one = topics(7..8);
        let after = around(&before, &|client, topic| client == 0 && one.contains(topic));
        assert_eq!(of_clients(&after, 2), [1499, 1001]);
        // What finds no room elsewhere stays where it may not be.
        let limits = Limits::of_clients(2, 3, 1);
        let full = Plan::default().fit(&topics(0..3500), limits);
        let after = full.fit_around(&topics(0..3500), limits, &|client, _| client == 0);
        assert_eq!((of_clients(&after, 2), after.without_room.len()), (vec![1500, 2000], 0));
    }

    #[test]
    fn fewer_copies_or_channels_are_taken_back() {
        let before = fit(1000, Limits::new(20, 2));
        assert_eq!(sizes(&before), [1000, 1000]);
        let after = before.fit(&topics(0..1000), Limits::new(20, 1));
        assert_eq!(sizes(&after), [1000]);
        let after = fit(3000, Limits::new(20, 1)).fit(&topics(0..3000), Limits::new(3, 1));
        assert_eq!(sizes(&after), [1000, 1000]);
        assert_eq!(after.without_room.len(), 1000);
    }
}
