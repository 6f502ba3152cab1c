//! The simulator in one JSON object, for `GET /simulator/state`.

use serde_json::{Value, json};

use super::Simulator;
use super::clock::written;
use super::log::micros;

impl Simulator {
    /// How it is, without secrets and without attribute values.
    pub fn overview(&self) -> Value {
        let now = self.clock.elapsed();
        let state = self.state();
        let channels: Vec<Value> = state
            .channels
            .iter()
            .map(|channel| {
                json!({
                    "id": channel.id,
                    "client": state.clients.get(channel.client).map(|client| &client.id),
                    "foreign": channel.token.is_none(),
                    "connected": channel.is_connected(),
                    "topics": channel.topics.len(),
                    "expires": written(self.clock.at(channel.expires)),
                })
            })
            .collect();
        let open = state.world.open_conversations();
        json!({
            "now": written(self.clock.at(now)),
            "elapsed_us": micros(now),
            "world_ahead_us": micros(state.ahead),
            "users": self.book.users.len(),
            "queues": self.book.queues.iter().map(|queue| &queue.name).collect::<Vec<_>>(),
            "conversations": open.len(),
            "living": open.iter().filter(|open| open.ended.is_none()).count(),
            "sequence": state.world.sequence(),
            "tokens": state.clients.iter().map(|client| client.tokens.count(now)).sum::<usize>(),
            "clients": state.clients.iter().map(|client| client.shown(now)).collect::<Vec<_>>(),
            "channels": channels,
            "topics": state.channels.heard().count(),
            "frames_under_way": state.deliveries.len(),
            "requests": state.log.entries().next_back().map_or(0, |last| last.number + 1),
            "highest": state.clients.iter().map(|client| client.budget.highest()).max(),
            "overlaps": state.log.overlaps(),
            "faults": state.faults.level(),
            "script": state.faults.script.waiting().collect::<Vec<_>>(),
            "hung_up": state.hung_up,
        })
    }
}
