//! Frames of conversations that are over, come up long after: they must not bring them to life.

use std::collections::BTreeMap;
use std::time::Duration;

use attributed::simulator::{Simulator, Toss};
use serde_json::{Value, json};
use tokio::time::sleep;

/// Half minutes in which some conversation that lives comes to its end.
const PATIENCE: usize = 20;

/// What conversations looked like while they lived, by id.
#[derive(Default)]
pub(crate) struct Ghosts(BTreeMap<String, Ghost>);

struct Ghost {
    topics: Vec<String>,
    sequence: u64,
    body: Value,
}

impl Ghosts {
    /// Looks at those that live until some have come to their ends, and the daemon has seen that.
    pub(crate) async fn gather(simulator: &Simulator) -> Ghosts {
        let mut ghosts = Ghosts::default();
        for _ in 0..PATIENCE {
            ghosts.look(simulator);
            if ghosts.0.keys().any(|id| simulator.client_has_seen_the_end(id)) {
                break;
            }
            sleep(Duration::from_secs(30)).await;
        }
        ghosts
    }

    fn look(&mut self, simulator: &Simulator) {
        simulator.look(|world| {
            let all = world.open_conversations().into_iter();
            for open in all.filter(|open| open.ended.is_none() && !open.users.is_empty()) {
                let Some(body) = world.generic_body(&open.id) else { continue };
                let topics = open.users.iter().map(|id| format!("v2.users.{id}.conversations"));
                let (topics, sequence) = (topics.collect(), world.sequence());
                self.0.entry(open.id).or_insert(Ghost { topics, sequence, body });
            }
        });
    }

    /// Sends those again whose ends the daemon has seen, and says how many.
    pub(crate) fn walk(self, simulator: &Simulator) -> u64 {
        let mut sent = 0;
        let dead = self.0.into_iter().filter(|(id, _)| simulator.client_has_seen_the_end(id));
        for (_, ghost) in dead {
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
