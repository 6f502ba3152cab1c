//! What a case gives, in a few words, and what has become of it so far.
//!
//! Steps change it and each moment is one [`Event`] of the generic topic's shape. A call, a message
//! thread or another medium is drawn as Genesys draws it, as far as rules can tell:
//!
//! - A customer is always there, unless the case has an `external` one or says that there is none.
//! - Everybody takes part by the conversation's medium and is connected, unless the case says
//!   otherwise. Who is connected has been so since the first moment that says it.
//! - A flow has ended where a queue or an agent is there, a queue leg where an agent has answered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::Event;

/// When cases begin that do not say when: a Wednesday in winter, in the middle of office hours
/// nearly everywhere in Europe.
pub const USUAL_TIME: Timestamp = Timestamp::constant(1_768_384_800, 0);

/// The words of one thing, by name.
pub(crate) type Fields = BTreeMap<&'static str, Value>;

/// Everything that a case has given so far.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub(crate) conversation: Fields,
    pub(crate) no_customer: bool,
    parties: Vec<Party>,
    /// Set since the last event: participant and key.
    stated: BTreeSet<(String, String)>,
}

/// One participant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Party {
    /// Also its id.
    pub(crate) name: String,
    pub(crate) fields: Fields,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Those that are given one by one; else there is one.
    pub(crate) communications: Vec<Fields>,
    /// Of each communication, as far as it has been drawn.
    pub(crate) times: Vec<Times>,
    pub(crate) ended: Option<Timestamp>,
}

/// Since when something is so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) connected: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) held: Option<Timestamp>,
    /// It has been drawn before.
    pub(crate) known: bool,
}

impl Given {
    /// The party of that name, which is there from now on.
    pub(crate) fn party(&mut self, name: &str) -> &mut Party {
        let known = self.parties.iter().position(|party| party.name == name);
        let at = known.unwrap_or_else(|| {
            self.parties.push(Party { name: name.to_owned(), ..Party::default() });
            self.parties.len() - 1
        });
        &mut self.parties[at]
    }

    /// Sets an attribute as somebody else would.
    pub(crate) fn attribute(&mut self, name: &str, key: &str, value: String) {
        self.party(name).attributes.insert(key.to_owned(), value);
        self.stated.insert((name.to_owned(), key.to_owned()));
    }

    /// Whether somebody of that name, or in that part, can be spoken of.
    pub(crate) fn knows(&self, who: &str) -> bool {
        let customer = ["customer", "external"].contains(&who) && !self.no_customer;
        let is = |party: &Party| party.name == who || party.purpose() == who;
        let agent = |party: &Party| who == "agent" && party.purpose() == "user";
        customer || self.parties.iter().any(|party| is(party) || agent(party))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parties.iter().map(|party| &*party.name)
    }

    /// Two parties that would both be the customer, though only one can.
    pub(crate) fn customers(&self) -> usize {
        self.parties.iter().filter(|party| party.purpose() == "customer").count()
    }

    /// The event of this moment.
    pub(crate) fn event(&mut self, now: Timestamp) -> Event {
        let outside = |party: &Party| ["customer", "external"].contains(&party.purpose());
        if !self.no_customer && !self.parties.iter().any(outside) {
            self.parties.push(Party { name: "customer".to_owned(), ..Party::default() });
        }
        // As Genesys lists them; who came later stays behind.
        self.parties.sort_by_key(Party::order);
        let body = super::snapshot::body(&self.conversation, &mut self.parties, now);
        Event { topic: None, body, stated: std::mem::take(&mut self.stated) }
    }
}

impl Party {
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// What is given, else what the name says.
    pub(crate) fn purpose(&self) -> &str {
        let named = || if self.name == "participant" { "agent" } else { &self.name };
        self.text("purpose").unwrap_or_else(named)
    }

    pub(crate) fn is_agent(&self) -> bool {
        ["agent", "user"].contains(&self.purpose())
    }

    pub(crate) fn is_flow(&self) -> bool {
        ["ivr", "botflow", "workflow", "inbound"].contains(&self.purpose())
    }

    fn order(&self) -> u8 {
        match self.purpose() {
            "customer" | "external" => 0,
            "acd" => 2,
            _ if self.is_flow() => 1,
            _ => 3,
        }
    }
}
