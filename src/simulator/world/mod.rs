//! The world that the simulator simulates: an organisation and the whole lives of its
//! conversations, from a seed.
//!
//! The same seed and shape make the same world, whenever it is looked at: everything has its time
//! on an agenda and happens at that time, however late `advance` is called. What the client writes
//! changes attributes and, with `other_writer`, makes others write; it never changes a life.
//!
//! No clock, no waiting, no network: time is an argument. It knows nothing of the program under
//! test. Which attributes would be right is the oracle's business, not the world's.

mod attributes;
mod birth;
mod changed;
mod conversation;
mod dice;
mod generic;
mod handling;
mod legs;
mod life;
mod media;
mod model;
mod noise;
mod organization;
mod play;
mod rest;
mod steps;
mod transfers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use attributes::PatchRefused;
pub use changed::{AttributeWrite, Changed, Writer};
pub use noise::{UNDOCUMENTED, UNKNOWN_STATE};
pub use organization::{Catalogue, Group, Queue, User, WrapupCode};

use conversation::{Conversation, Starts};
use dice::Dice;
use life::Step;
use model::Millis;
use organization::{NAME, Organization};

/// Conversations that began before the world is first looked at, so that a start finds some.
const HEAD_START: Millis = 14_000;
/// Conversations that are over and still known; at 4 a second some twenty minutes of them.
const KEPT_OVER: usize = 5_000;

/// What kind of world to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub users: usize,
    /// At least four: Billing, Support, Sales, Claims.
    pub queues: usize,
    /// New conversations a second.
    pub rate: f64,
    /// Somebody else now and then writes a key that the client wrote before.
    pub other_writer: bool,
    /// Make conversations; else there are only injected ones.
    pub generate: bool,
    /// How much slower than usual lives go; 1 is 8 to 40 seconds for a whole life.
    pub pace: f64,
    /// Agents send some callers back to the menu. That such a flow ends is heard by nobody but who
    /// listens to the queue that comes next.
    pub back_to_menu: bool,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            users: 50,
            queues: 5,
            rate: 4.0,
            other_writer: true,
            generate: true,
            pace: 1.0,
            back_to_menu: false,
        }
    }
}

/// A conversation as the details query sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenConversation {
    pub id: String,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    /// Users who ever were in it.
    pub users: Vec<String>,
    /// Queues that it ever was in.
    pub queues: Vec<String>,
}

/// The world; see the module.
#[derive(Debug)]
pub struct World {
    seed: u64,
    shape: Shape,
    organization: Organization,
    arrivals: Dice,
    others: Dice,
    next_arrival: Option<Millis>,
    agenda: BTreeMap<(Millis, u64), (String, Due)>,
    tickets: u64,
    conversations: BTreeMap<String, Conversation>,
    /// Ids of conversations that are not over.
    alive: BTreeSet<String>,
    over: VecDeque<String>,
    sequence: u64,
}

/// Something on the agenda of one conversation.
#[derive(Clone, Debug)]
enum Due {
    Step(Step),
    /// Somebody else writes this key of this participant.
    Overwrite {
        participant: String,
        key: String,
    },
}

impl World {
    /// A world at `now`, with a few conversations under way if it makes any.
    pub fn new(seed: u64, shape: &Shape, now: Timestamp) -> World {
        let mut arrivals = Dice::of(seed, "arrivals", 0);
        let start = now.as_millisecond() - HEAD_START;
        let generates = shape.generate && shape.rate > 0.0;
        let next_arrival = generates.then(|| start + arrivals.gap(shape.rate));
        let mut world = World {
            seed,
            shape: shape.clone(),
            organization: Organization::new(seed, shape.users, shape.queues),
            arrivals,
            others: Dice::of(seed, "others", 0),
            next_arrival,
            agenda: BTreeMap::new(),
            tickets: 0,
            conversations: BTreeMap::new(),
            alive: BTreeSet::new(),
            over: VecDeque::new(),
            sequence: 0,
        };
        world.advance(now);
        world
    }

    /// Gives the change its place in the server's order and finds who hears of it.
    fn changed(&mut self, id: &str, writes: Vec<AttributeWrite>) -> Changed {
        self.sequence += 1;
        let mut topics = Vec::new();
        let mut generic = Value::Null;
        let mut over = false;
        let mut starts = Starts::new();
        if let Some(conversation) = self.conversations.get_mut(id) {
            conversation.version += 1;
            generic = conversation.generic(self.seed, &self.organization);
            topics = conversation.topics(&generic);
            starts = conversation.starts();
            over = conversation.over_since().is_some();
        }
        let was_alive =
            if over { self.alive.remove(id) } else { !self.alive.insert(id.to_owned()) };
        if over && was_alive {
            self.over.push_back(id.to_owned());
        }
        Changed {
            conversation: id.to_owned(),
            sequence: self.sequence,
            topics,
            writes,
            forgotten: self.forget(),
            generic: Arc::new(generic),
            starts,
        }
    }

    fn forget(&mut self) -> Vec<String> {
        let surplus = self.over.len().saturating_sub(KEPT_OVER);
        let gone: Vec<String> = self.over.drain(..surplus).collect();
        for id in &gone {
            self.conversations.remove(id);
        }
        gone
    }

    pub fn users(&self) -> &[User] {
        &self.organization.users
    }

    pub fn queues(&self) -> &[Queue] {
        &self.organization.queues
    }

    pub fn groups(&self) -> &[Group] {
        &self.organization.groups
    }

    pub fn wrapup_codes(&self) -> &[WrapupCode] {
        &self.organization.wrapup_codes
    }

    /// Ids and names of all that is in it.
    pub fn catalogue(&self, which: Catalogue) -> Vec<(&str, &'static str)> {
        self.organization.catalogue(which)
    }

    /// Id and name of the organisation.
    pub fn organization(&self) -> (&str, &str) {
        (&self.organization.id, NAME)
    }

    /// The conversation as `GET /api/v2/conversations/{id}` answers it.
    pub fn rest_body(&self, conversation: &str) -> Option<Value> {
        let starts = self.conversations.get(conversation)?.starts();
        Some(rest::body(&self.generic_body(conversation)?, &starts, &self.organization))
    }

    /// The conversation as its topics last showed it.
    pub fn generic_body(&self, conversation: &str) -> Option<Value> {
        Some(self.conversations.get(conversation)?.generic(self.seed, &self.organization))
    }

    /// The sequence that the newest change of all has; what a read returns is no newer than this.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Every conversation still known, also those that are over.
    pub fn open_conversations(&self) -> Vec<OpenConversation> {
        self.conversations
            .iter()
            .map(|(id, conversation)| {
                let (users, queues) = conversation.involved();
                OpenConversation {
                    id: id.clone(),
                    started: timestamp(conversation.started().unwrap_or_default()),
                    ended: conversation.over_since().map(timestamp),
                    users: users.into_iter().collect(),
                    queues: queues.into_iter().collect(),
                }
            })
            .collect()
    }
}

fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}
