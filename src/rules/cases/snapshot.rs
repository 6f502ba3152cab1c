//! Draws a conversation as the generic topics send it (FACTS 2.3).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::given::{Fields, Party, Times};
use super::words::{CONVERSATION_WORDS, PARTY_WORDS, Place};

/// The array in which Genesys lists each medium.
const ARRAYS: [(&str, &str); 11] = [
    ("call", "calls"),
    ("callback", "callbacks"),
    ("chat", "chats"),
    ("cobrowse", "cobrowsesessions"),
    ("email", "emails"),
    ("message", "messages"),
    ("internalmessage", "internalMessages"),
    ("screenmonitoring", "screenMonitorings"),
    ("screenshare", "screenshares"),
    ("socialexpression", "socialExpressions"),
    ("video", "videos"),
];

/// States in which nobody has been connected yet.
const BEFORE: [&str; 8] =
    ["alerting", "dialing", "contacting", "offering", "scheduled", "none", "queued", "uploading"];

/// What every party needs to know of the others.
struct Around<'c> {
    conversation: &'c Fields,
    /// The customer's.
    number: Option<String>,
    customer: Option<String>,
    /// A queue leg or an agent is there: flows have ended.
    past_flow: bool,
    /// An agent has answered: queue legs have ended.
    answered: bool,
    now: Timestamp,
}

/// The body of the event, with the parties in their order; their times are noted.
pub(super) fn body(conversation: &Fields, parties: &mut [Party], now: Timestamp) -> Value {
    let outside = |party: &&Party| ["customer", "external"].contains(&party.purpose());
    let customer = parties.iter().find(outside);
    let around = Around {
        conversation,
        number: customer.and_then(|party| party.text("number")).map(str::to_owned),
        customer: customer.map(|party| party.name.clone()),
        past_flow: parties.iter().any(|party| party.purpose() == "acd" || party.is_agent()),
        answered: parties.iter().any(|party| party.is_agent() && has_answered(party)),
        now,
    };
    let mut body = Map::new();
    body.insert("id".to_owned(), json!("conversation"));
    for word in CONVERSATION_WORDS.iter().filter(|word| !word.genesys.is_empty()) {
        if let Some(value) = conversation.get(word.name) {
            body.insert(word.genesys.to_owned(), value.clone());
        }
    }
    let transfers = conversation.get("transfers").and_then(Value::as_u64).unwrap_or_default();
    let transfers = (0..transfers).map(|at| json!({ "id": format!("transfer-{at}") }));
    body.insert("recentTransfers".to_owned(), transfers.collect());
    let divisions = ids(conversation, ["division_ids", "divisions"]);
    let divisions = divisions.map(|id| json!({ "division": { "id": id } }));
    body.insert("divisions".to_owned(), divisions.collect());
    let participants = parties.iter_mut().map(|party| around.participant(party));
    body.insert("participants".to_owned(), participants.collect());
    Value::Object(body)
}

/// Whether it is, or once was, connected.
fn has_answered(party: &Party) -> bool {
    let state = |fields: &Fields| fields.get("state").and_then(Value::as_str).map(str::to_owned);
    let own = state(&party.fields).unwrap_or_else(|| "connected".to_owned());
    let was = party.times.iter().any(|times| times.connected.is_some());
    let is = |state: String| state == "connected" || state == "disconnected";
    let legs = party.communications.iter().filter_map(state).any(is);
    was || legs || (party.communications.is_empty() && is(own))
}

impl Around<'_> {
    fn participant(&self, party: &mut Party) -> Value {
        let mut drawn = Map::new();
        drawn.insert("id".to_owned(), json!(party.name));
        drawn.insert("purpose".to_owned(), json!(party.purpose()));
        let own = PARTY_WORDS.iter().filter(|word| word.place == Place::Party);
        for word in own.filter(|word| !word.genesys.is_empty()) {
            if let Some(value) = party.fields.get(word.name) {
                drawn.insert(word.genesys.to_owned(), value.clone());
            }
        }
        drawn.insert("attributes".to_owned(), json!(party.attributes));
        if let Some(address) = address(party) {
            drawn.insert("address".to_owned(), json!(address));
        }
        if let Some(flow) = party.text("flow_id").or_else(|| party.text("flow")) {
            drawn.insert("workflow".to_owned(), json!({ "workflowId": flow }));
        }
        if let Some(code) = party.text("wrapup_code").or_else(|| party.text("wrapup")) {
            drawn.insert("wrapup".to_owned(), json!({ "code": code }));
        }
        drawn.insert("conversationRoutingData".to_owned(), routing(party));
        if let (Some(role), Some(of)) = (party.text("role").and_then(role), &self.customer) {
            drawn.insert(role.to_owned(), json!(of));
        }
        let ended = self.communications(party, &mut drawn);
        let connected = party.times.iter().filter_map(|times| times.connected).min();
        if let Some(connected) = connected {
            drawn.insert("connectedTime".to_owned(), json!(connected.to_string()));
        }
        if ended {
            let at = *party.ended.get_or_insert(self.now);
            drawn.insert("endTime".to_owned(), json!(at.to_string()));
        } else {
            party.ended = None;
        }
        Value::Object(drawn)
    }

    /// Draws them into their arrays. Returns true if the participant has ended.
    fn communications(&self, party: &mut Party, drawn: &mut Map<String, Value>) -> bool {
        let one = [Fields::new()];
        let own = if party.communications.is_empty() { &one[..] } else { &party.communications };
        let mut times = party.times.clone();
        times.resize(own.len(), Times::default());
        let (mut all_ended, mut working) = (true, false);
        for (at, own) in own.iter().enumerate() {
            let get = |name: &str| own.get(name).or_else(|| party.fields.get(name));
            let text = |name: &str| get(name).and_then(Value::as_str);
            let media = text("media").or_else(|| self.text("media")).unwrap_or("call");
            let ended = get("ended").and_then(Value::as_bool);
            let state = match text("state") {
                _ if ended == Some(true) => "disconnected",
                Some(state) => state,
                None if ended.is_none() && self.is_past(party) => "disconnected",
                None => "connected",
            };
            let held = get("held").and_then(Value::as_bool).unwrap_or_default();
            times[at].pass(state, held, self.now);
            all_ended &= times[at].ended.is_some();
            working |= text("after_call_work") == Some("pending");
            let mut leg = self.leg(media, state, times[at], &text, party.text("number"));
            for word in PARTY_WORDS.iter().filter(|word| word.place == Place::Communication) {
                if let Some(value) = get(word.name).filter(|_| !word.genesys.is_empty()) {
                    leg.insert(word.genesys.to_owned(), value.clone());
                }
            }
            leg.insert("id".to_owned(), json!(format!("{}-{at}", party.name)));
            let array = ARRAYS.iter().find(|(word, _)| *word == media).map_or("calls", |(_, a)| a);
            let array = drawn.entry(array).or_insert_with(|| json!([]));
            if let Some(array) = array.as_array_mut() {
                array.push(Value::Object(leg));
            }
        }
        party.times = times;
        all_ended && !working
    }

    /// Flows end when the conversation goes on without them, and queue legs when somebody answers.
    fn is_past(&self, party: &Party) -> bool {
        (party.is_flow() && self.past_flow) || (party.purpose() == "acd" && self.answered)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.conversation.get(name).and_then(Value::as_str)
    }

    /// One communication, but for what is taken over as it is.
    fn leg<'t>(
        &'t self,
        media: &str,
        state: &str,
        times: Times,
        text: &dyn Fn(&str) -> Option<&'t str>,
        own_number: Option<&'t str>,
    ) -> Map<String, Value> {
        let get = |name: &str| text(name).or_else(|| self.text(name));
        let direction = get("direction").unwrap_or("inbound");
        let number = own_number.or(self.number.as_deref());
        let (ours, theirs) = match direction {
            "outbound" => (get("ani"), get("dnis").or(number)),
            _ => (get("dnis"), get("ani").or(number)),
        };
        let endpoint = |address: &str| json!({ "addressNormalized": with_scheme(address) });
        let (our_name, their_name) = match (media, direction) {
            ("message", "outbound") => ("fromAddress", "toAddress"),
            ("message", _) => ("toAddress", "fromAddress"),
            _ => ("self", "other"),
        };
        let mut leg = Map::new();
        if ["call", "message"].contains(&media) {
            for (name, address) in [(our_name, ours), (their_name, theirs)] {
                if let Some(address) = address {
                    leg.insert(name.to_owned(), endpoint(address));
                }
            }
        }
        if media == "callback" {
            let numbers: Vec<&str> = number.into_iter().collect();
            leg.insert("callbackNumbers".to_owned(), json!(numbers));
        }
        leg.insert("state".to_owned(), json!(state));
        // The other media have no such members.
        if ["call", "callback", "email", "message"].contains(&media) {
            leg.insert("direction".to_owned(), json!(direction));
        }
        if ["call", "callback", "chat", "email", "message"].contains(&media) {
            leg.insert("held".to_owned(), json!(false));
        }
        for (name, time) in [
            ("connectedTime", times.connected),
            ("disconnectedTime", times.ended),
            ("startHoldTime", times.held),
        ] {
            if let Some(time) = time {
                leg.insert(name.to_owned(), json!(time.to_string()));
            }
        }
        if let Some(work) = text("after_call_work") {
            leg.insert("afterCallWork".to_owned(), json!({ "state": work }));
        }
        leg
    }
}

impl Times {
    fn pass(&mut self, state: &str, held: bool, now: Timestamp) {
        let ended = ["disconnected", "terminated"].contains(&state);
        if !ended && !BEFORE.contains(&state) {
            self.connected.get_or_insert(now);
        }
        self.ended = ended.then(|| self.ended.unwrap_or(now));
        // Who has ended in their first event was connected before it.
        if ended && !self.known {
            self.connected = Some(now);
        }
        self.known = true;
        self.held = (held && !ended).then(|| self.held.unwrap_or(now));
    }
}

fn address(party: &Party) -> Option<String> {
    let address = party.text("address").or_else(|| party.text("number"))?;
    Some(with_scheme(address))
}

/// Numbers go with their scheme in events.
fn with_scheme(address: &str) -> String {
    if address.starts_with('+') { format!("tel:{address}") } else { address.to_owned() }
}

fn routing(party: &Party) -> Value {
    let mut routing = Map::new();
    let language = party.text("language_id").or_else(|| party.text("language"));
    for (field, id) in [("queue", party.text("queue")), ("language", language)] {
        if let Some(id) = id {
            routing.insert(field.to_owned(), json!({ "id": id }));
        }
    }
    if let Some(priority) = party.fields.get("priority") {
        routing.insert("priority".to_owned(), priority.clone());
    }
    let skills = ids(&party.fields, ["skill_ids", "skills"]).map(|id| json!({ "id": id }));
    routing.insert("skills".to_owned(), skills.collect());
    Value::Object(routing)
}

/// The ids that the first of these words to be given has.
fn ids<'f>(fields: &'f Fields, words: [&str; 2]) -> impl Iterator<Item = &'f Value> {
    let given = words.into_iter().find_map(|word| fields.get(word).and_then(Value::as_array));
    given.into_iter().flatten()
}

/// The field that makes somebody play such a part.
fn role(role: &str) -> Option<&'static str> {
    match role {
        "monitor" => Some("monitoredParticipantId"),
        "coach" => Some("coachedParticipantId"),
        "barge" => Some("bargedParticipantId"),
        "consult" => Some("consultParticipantId"),
        _ => None,
    }
}
