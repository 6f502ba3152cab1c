//! Frames of conversations that are over, come up long after: they must not bring them to life.

use std::collections::BTreeSet;

use attributed::simulator::{Simulator, Toss};
use serde_json::{Value, json};

/// As many as are remembered.
const MOST: usize = 8;

/// What conversations looked like while they lived.
pub(crate) struct Ghosts(Vec<Ghost>);

struct Ghost {
    conversation: String,
    topics: Vec<String>,
    sequence: u64,
    body: Value,
}

impl Ghosts {
    /// Of conversations that live now, the newest.
    pub(crate) fn of_the_living(simulator: &Simulator) -> Ghosts {
        let ghosts = simulator.look(|world| {
            let living = world.open_conversations().into_iter().rev();
            let living = living.filter(|open| open.ended.is_none() && !open.users.is_empty());
            let ghost = |open: attributed::simulator::world::OpenConversation| {
                let topics = open.users.iter().map(|id| format!("v2.users.{id}.conversations"));
                Some(Ghost {
                    topics: topics.collect(),
                    sequence: world.sequence(),
                    body: world.generic_body(&open.id)?,
                    conversation: open.id,
                })
            };
            living.filter_map(ghost).take(MOST).collect()
        });
        Ghosts(ghosts)
    }

    /// Sends those again whose conversations are over, and says how many.
    pub(crate) fn walk(self, simulator: &Simulator) -> u64 {
        let over: BTreeSet<String> = simulator.look(|world| {
            let all = world.open_conversations().into_iter();
            all.filter(|open| open.ended.is_some()).map(|open| open.id).collect()
        });
        let mut sent = 0;
        for ghost in self.0.into_iter().filter(|ghost| over.contains(&ghost.conversation)) {
            for topic in ghost.topics {
                let frame = json!({ "topicName": topic, "version": "2", "eventBody": ghost.body });
                let (topics, sequence) = (vec![topic], Some(ghost.sequence));
                simulator.toss(&Toss { frame: Some(frame), topics, sequence, ..Toss::default() });
            }
            sent += 1;
        }
        sent
    }
}
