//! Frames that come late never bring an older value back.
//!
//! Each conversation is injected step by step, and each step's value is waited for. Then the frame
//! of an earlier step comes once more, as it was, with its place in the server's order.

use std::collections::BTreeMap;

use attributed::simulator::Toss;
use attributed::simulator::world::World;
use serde_json::{Value, json};

use super::daemon::{Daemon, PATIENCE, Setup, wait_within};
use super::judgement::judge;
use super::simulated::{Agent, Simulated, UNLIMITED, call, quiet};

const RULES: &str = r#"
[[rule]]
name = "ringing"
match.participant.purpose = "agent"
match.participant.state = "alerting"
set."cc.stage" = "ringing"

[[rule]]
name = "talking"
match.participant.purpose = "agent"
match.participant.state = "connected"
set."cc.stage" = "talking"

[[rule]]
name = "tier"
match.participant.purpose = "agent"
match.customer.attributes."crm.tier".exists = true
set."cc.segment" = "{{ customer.attributes[\"crm.tier\"] }}"

[[rule]]
name = "hold"
match.participant.purpose = "agent"
match.participant.held = true
set."cc.on_hold" = true
otherwise."cc.on_hold" = false

[[rule]]
name = "left"
match.participant.purpose = "agent"
match.participant.ended = true
set."cc.left" = "yes"
"#;

/// Conversations of each kind.
const EACH: usize = 100;
const USERS: usize = 12;

/// What is late about the late frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It knows less.
    OlderFacts,
    /// It knows as much, and an attribute was another then.
    AttributesOnly,
    /// It knows as much, and the call was held then.
    HoldAndUnhold,
    /// As `AttributesOnly`, on the topic of another user in the conversation.
    OtherTopic,
}

const KINDS: [Kind; 4] =
    [Kind::OlderFacts, Kind::AttributesOnly, Kind::HoldAndUnhold, Kind::OtherTopic];

/// One conversation, and where it stands.
struct Case {
    id: String,
    kind: Kind,
    user: String,
    other: String,
    /// The frames so far: their place in the order, and their bodies.
    frames: Vec<(u64, Value)>,
}

impl Case {
    /// The key that it is about, and the values that are written one after the other.
    fn expected(&self) -> (&'static str, &'static [&'static str]) {
        match self.kind {
            Kind::OlderFacts => ("cc.stage", &["ringing", "talking"]),
            Kind::AttributesOnly | Kind::OtherTopic => ("cc.segment", &["silver", "gold"]),
            Kind::HoldAndUnhold => ("cc.on_hold", &["true", "false"]),
        }
    }

    /// The conversation at this step; the last of all is when the agent has left.
    fn body(&self, step: usize) -> Value {
        let tiers = match self.kind {
            Kind::AttributesOnly | Kind::OtherTopic => {
                &[("crm.tier", ["silver", "gold"][step.min(1)])][..]
            }
            Kind::OlderFacts | Kind::HoldAndUnhold => &[],
        };
        let mut agent = match (self.kind, step) {
            (Kind::OlderFacts, 0) => Agent::alerting("agent", &self.user),
            _ => Agent::talking("agent", &self.user, 2),
        };
        agent.held = self.kind == Kind::HoldAndUnhold && step == 0;
        agent.left = (step == 2).then_some(60);
        let mut agents = vec![agent];
        if self.kind == Kind::OtherTopic {
            agents.push(Agent::talking("other", &self.other, 1));
        }
        call(&self.id, tiers, &agents)
    }

    fn inject(&mut self, simulated: &Simulated, step: usize) {
        let (sequence, _) = simulated.inject(self.body(step));
        self.remember(simulated, sequence);
    }

    /// Keeps the body as it went out, with everything that was written by then.
    fn remember(&mut self, simulated: &Simulated, sequence: u64) {
        let body = simulated.look(|world| world.generic_body(&self.id)).unwrap();
        self.frames.push((sequence, body));
    }

    /// Sends the last frame before the second step once more.
    fn toss_late(&self, simulated: &Simulated) {
        let user = if self.kind == Kind::OtherTopic { &self.other } else { &self.user };
        let topic = format!("v2.users.{user}.conversations");
        let (sequence, body) = &self.frames[self.frames.len() - 2];
        let frame = json!({ "topicName": topic, "version": "2", "eventBody": body });
        let toss = Toss {
            frame: Some(frame),
            topics: vec![topic],
            sequence: Some(*sequence),
            ..Toss::default()
        };
        assert_eq!(simulated.toss(&toss), 1, "somebody listens");
    }
}

#[test]
fn no_late_frame_brings_an_older_value_back() {
    let simulated = Simulated::start(quiet(USERS));
    simulated.rules(RULES).unwrap();
    let more = format!("[updates]\n{UNLIMITED}merge_window = \"10ms\"\nconfirm_after = \"10m\"\n");
    let setup = Setup::new(&simulated.url, "all_users = true", RULES, &more);
    let daemon = setup.start();
    daemon.wait_ready();

    let mut cases: Vec<Case> = (0..EACH * KINDS.len())
        .map(|n| Case {
            id: format!("call-{n}"),
            kind: KINDS[n % KINDS.len()],
            user: simulated.user(n % USERS),
            other: simulated.user((n + 5) % USERS),
            frames: Vec::new(),
        })
        .collect();
    for step in 0..2 {
        for case in &mut cases {
            case.inject(&simulated, step);
        }
        wait_written(&simulated, &daemon, &cases, step);
        if step == 0 {
            // Of half of them the late frame will be the echo of what was written first.
            let sequence = simulated.look(World::sequence);
            let half = cases.iter_mut().enumerate().filter(|(n, _)| n / KINDS.len() % 2 == 1);
            half.for_each(|(_, case)| case.remember(&simulated, sequence));
        }
    }
    let (before, reads) = (simulated.accepted().len(), reads(&simulated));
    for case in &cases {
        case.toss_late(&simulated);
    }
    simulated.wait_quiet(&daemon);
    check_written(&simulated, &cases);
    assert_eq!(simulated.accepted().len(), before, "a late frame was followed by a write");
    let doubts = self::reads(&simulated) - reads;
    println!("{doubts} reads for {} late frames", cases.len());
    assert!(doubts <= cases.len(), "each costs a read at most");

    // And life goes on.
    for case in &mut cases {
        case.inject(&simulated, 2);
    }
    wait_within(3 * PATIENCE, "the end of every call to be written", || {
        (simulated.values("cc.left").len() == cases.len()).then_some(())
    });
    check_written(&simulated, &cases);
    simulated.wait_quiet(&daemon);
    judge(&simulated).unwrap();
}

fn wait_written(simulated: &Simulated, daemon: &Daemon, cases: &[Case], step: usize) {
    let mut waits: Vec<&Case> = cases.iter().collect();
    wait_within(3 * PATIENCE, &format!("the values of step {step}"), || {
        waits.retain(|case| {
            let (key, values) = case.expected();
            let written = simulated.attributes(&case.id, "customer");
            written.get(key).map(String::as_str) != Some(values[step])
        });
        waits.is_empty().then_some(())
    });
    // The echoes, too: a late frame should find a daemon at rest.
    simulated.wait_quiet(daemon);
}

/// Each value was written once, in this order, and nothing else.
fn check_written(simulated: &Simulated, cases: &[Case]) {
    let keys = ["cc.stage", "cc.segment", "cc.on_hold"];
    let written: BTreeMap<&str, _> = keys.iter().map(|key| (*key, simulated.values(key))).collect();
    for case in cases {
        let (key, values) = case.expected();
        assert_eq!(written[key][&case.id], values, "{:?} {key}", case.kind);
        let there = simulated.attributes(&case.id, "customer");
        assert_eq!(there[key], values[1], "{:?}", case.kind);
    }
}

fn reads(simulated: &Simulated) -> usize {
    let requests = simulated.requests();
    requests
        .iter()
        .filter(|entry| entry.method == "GET" && entry.ids.contains_key("conversationId"))
        .count()
}
