//! Frames of conversations that are over, come up long after: they must not bring them to life.

use std::time::Duration;

use attributed::simulator::world::OpenConversation;
use attributed::simulator::{Simulator, Toss};
use serde_json::{Value, json};
use tokio::time::sleep;

/// As many as are remembered.
const MOST: usize = 20;

/// Half minutes in which one that lives comes to its end.
const PATIENCE: usize = 20;

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
            let ghost = |open: OpenConversation| {
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

    /// Lets the world live on until some have come to their ends, and the daemon has seen that.
    pub(crate) async fn lie_down(&self, simulator: &Simulator) {
        let seen = |ghost: &Ghost| simulator.client_has_seen_the_end(&ghost.conversation);
        for _ in 0..PATIENCE {
            if self.0.iter().any(seen) {
                break;
            }
            sleep(Duration::from_secs(30)).await;
        }
    }

    /// Sends those again whose ends the daemon has seen, and says how many.
    pub(crate) fn walk(self, simulator: &Simulator) -> u64 {
        let mut sent = 0;
        let dead = self.0.into_iter();
        for ghost in dead.filter(|ghost| simulator.client_has_seen_the_end(&ghost.conversation)) {
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
