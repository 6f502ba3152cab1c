//! Conversations that are begun and handed on while the daemon lives and dies.
//!
//! Every state lasts until the next, so that there is no excuse: at the end each customer has to
//! carry the name of the agent who answered last.

use std::collections::BTreeMap;

use attributed::simulator::Options;
use attributed::simulator::world::{Shape, User, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::simulated::{Simulated, unlimited};

pub(super) const RULES: &str = r#"
[[rule]]
name = "agent"
match.participant.purpose = "agent"
match.participant.state = "connected"
match.customer.attributes.prompt = "no"
set."cc.agent" = "{{ participant.user_name }}"

[[rule]]
name = "prompt"
urgency = "high"
match.participant.purpose = "agent"
match.participant.state = "connected"
match.customer.attributes.prompt = "yes"
set."cc.agent" = "{{ participant.user_name }}"
"#;
pub(super) const KEY: &str = "cc.agent";

const USERS: usize = 20;
/// Agents of one conversation, one after the other.
const MOST_AGENTS: usize = 4;

pub(super) struct Load {
    pub(super) simulated: Simulated,
    users: Vec<User>,
    conversations: BTreeMap<String, Talk>,
}

/// One conversation as it is.
struct Talk {
    began: Timestamp,
    number: usize,
    /// So many have answered; all but the last have left.
    agents: usize,
    prompt: bool,
}

impl Load {
    pub(super) fn start(seed: u64) -> Load {
        let shape =
            Shape { users: USERS, generate: false, other_writer: false, ..Shape::default() };
        let limits = unlimited();
        let options = Options { seed, shape, limits, record_bodies: true, ..Options::default() };
        let users = World::new(seed, &options.shape, options.base).users().to_vec();
        let simulated = Simulated::start(options);
        // The oracle judges what is written; urgency only says when.
        simulated.rules(&RULES.replace("urgency = \"high\"\n", "")).unwrap();
        Load { simulated, users, conversations: BTreeMap::new() }
    }

    /// So many more; those that are prompt are written to before all others.
    pub(super) fn begin(&mut self, count: usize, prompt: bool) -> Vec<String> {
        let known = self.conversations.len();
        let ids: Vec<String> = (known..known + count).map(|number| format!("c{number}")).collect();
        for (id, number) in ids.iter().zip(known..) {
            let talk = Talk { began: Timestamp::now(), number, agents: 1, prompt };
            self.simulated.inject(self.body(id, &talk));
            self.conversations.insert(id.clone(), talk);
        }
        ids
    }

    /// The next agent answers in so many of those that have agents left; the oldest first.
    pub(super) fn hand_on(&mut self, count: usize) -> Vec<String> {
        let can = |talk: &Talk| talk.agents < MOST_AGENTS;
        let mut ids: Vec<(usize, String)> = self
            .conversations
            .iter()
            .filter(|(_, talk)| can(talk))
            .map(|(id, talk)| (talk.agents * 1_000_000 + talk.number, id.clone()))
            .collect();
        ids.sort_unstable();
        ids.truncate(count);
        for (_, id) in &ids {
            self.conversations.get_mut(id).unwrap().agents += 1;
            self.simulated.inject(self.body(id, &self.conversations[id]));
        }
        ids.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.conversations.len()
    }

    /// Who has to be on a conversation's customer.
    pub(super) fn wanted(&self, id: &str) -> &str {
        let talk = &self.conversations[id];
        &self.user(talk.number + talk.agents - 1).name
    }

    /// The conversations whose customer does not carry what it should.
    pub(super) fn waiting(&self) -> Vec<String> {
        let is_there = |id: &str| {
            let written = self.simulated.attributes(id, &customer(id));
            written.get(KEY).map(String::as_str) == Some(self.wanted(id))
        };
        self.conversations.keys().filter(|id| !is_there(id)).cloned().collect()
    }

    fn user(&self, number: usize) -> &User {
        &self.users[number % self.users.len()]
    }

    fn body(&self, id: &str, talk: &Talk) -> Value {
        let after = |seconds: usize| {
            let at = talk.began + SignedDuration::from_secs(i64::try_from(seconds).unwrap());
            format!("{at:.3}")
        };
        let prompt = if talk.prompt { "yes" } else { "no" };
        let mut parties = vec![json!({
            "id": customer(id), "purpose": "customer", "connectedTime": after(0),
            "attributes": { "prompt": prompt },
            "calls": [{
                "id": format!("{id}-leg"), "state": "connected", "direction": "inbound",
                "connectedTime": after(0),
            }],
        })];
        for agent in 0..talk.agents {
            let left = agent + 1 < talk.agents;
            let mut call = json!({
                "id": format!("{id}-leg-{agent}"), "direction": "inbound", "held": false,
                "state": if left { "disconnected" } else { "connected" },
                "connectedTime": after(agent + 1),
            });
            let mut party = json!({
                "id": format!("{id}-agent-{agent}"), "purpose": "agent", "attributes": {},
                "userId": self.user(talk.number + agent).id, "connectedTime": after(agent + 1),
            });
            if left {
                call["disconnectedTime"] = json!(after(agent + 2));
                party["endTime"] = json!(after(agent + 2));
            }
            party["calls"] = json!([call]);
            parties.push(party);
        }
        json!({ "id": id, "participants": parties })
    }
}

pub(super) fn customer(conversation: &str) -> String {
    format!("{conversation}-customer")
}
