//! A conversation as the world has it: parties, their legs, and what was written on them.
//!
//! Plain facts, in milliseconds of the Unix epoch. What happens to them is in `steps`, how they
//! look to a client in `generic`, `media` and `rest`.

use std::collections::BTreeMap;

/// Milliseconds since 1970.
pub(super) type Millis = i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Media {
    Call,
    Callback,
    Email,
    Message,
}

impl Media {
    pub(super) const ALL: [Media; 4] = [Media::Call, Media::Callback, Media::Email, Media::Message];

    /// The participant's array in every shape, and the last word of the media topic.
    pub(super) fn array(self) -> &'static str {
        match self {
            Media::Call => "calls",
            Media::Callback => "callbacks",
            Media::Email => "emails",
            Media::Message => "messages",
        }
    }

    pub(super) fn provider(self) -> &'static str {
        match self {
            Media::Call => "Edge",
            Media::Callback => "PureCloud Callback",
            Media::Email => "PureCloud Email",
            Media::Message => "PureCloud Messaging",
        }
    }
}

/// Who somebody is on the line: a name and an address with its scheme, as far as it has one.
#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub(super) name: String,
    pub(super) address: String,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) id: String,
    /// What it began as; a callback's parties also get calls.
    pub(super) media: Media,
    pub(super) direction: &'static str,
    pub(super) ours: Contact,
    pub(super) theirs: Contact,
    /// `webmessaging`, `sms`, … of a message.
    pub(super) message_type: &'static str,
    /// Of an e-mail.
    pub(super) subject: String,
    /// Ids of the web visitor's journey: cookie and session.
    pub(super) journey: Option<(String, String)>,
    pub(super) external_tag: Option<String>,
    /// When a callback is due.
    pub(super) scheduled: Option<Millis>,
    pub(super) started: Millis,
    pub(super) parties: Vec<Party>,
    pub(super) transfers: Vec<Transfer>,
}

#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) id: String,
    pub(super) purpose: &'static str,
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) user: Option<String>,
    pub(super) queue: Option<String>,
    pub(super) workflow: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) consult_of: Option<String>,
    pub(super) routing: Option<Routing>,
    /// When it came into the conversation; who is alerted is not connected yet.
    pub(super) joined: Millis,
    pub(super) connected: Option<Millis>,
    pub(super) ended: Option<Millis>,
    pub(super) work_began: Option<Millis>,
    pub(super) work_ended: Option<Millis>,
    pub(super) wrapup: Option<Wrapup>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) legs: Vec<Leg>,
}

/// What a queue was asked for.
#[derive(Clone, Debug)]
pub(super) struct Routing {
    pub(super) language: String,
    pub(super) skills: Vec<String>,
    pub(super) priority: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Wrapup {
    pub(super) code: String,
    pub(super) notes: &'static str,
    pub(super) seconds: i64,
    pub(super) at: Millis,
}

/// One party's part of one medium.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) media: Media,
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) initial: &'static str,
    pub(super) peer: Option<String>,
    pub(super) held_since: Option<Millis>,
    /// The other side hears music.
    pub(super) confined: bool,
    pub(super) connected: Option<Millis>,
    pub(super) disconnected: Option<Millis>,
    pub(super) disconnect_type: Option<&'static str>,
    pub(super) parked: Option<Millis>,
    pub(super) resumed: Option<Millis>,
    /// Messages of a message leg; of an e-mail leg only their number matters.
    pub(super) messages: Vec<Note>,
}

#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) at: Millis,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub(super) id: String,
    pub(super) at: Millis,
    pub(super) initiator: String,
    pub(super) to_user: Option<String>,
    pub(super) to_address: Option<String>,
    pub(super) attended: bool,
    pub(super) complete: bool,
}

impl Leg {
    pub(super) fn new(media: Media, id: String, state: &'static str, peer: Option<String>) -> Leg {
        Leg {
            media,
            id,
            state,
            initial: state,
            peer,
            held_since: None,
            confined: false,
            connected: None,
            disconnected: None,
            disconnect_type: None,
            parked: None,
            resumed: None,
            messages: Vec::new(),
        }
    }

    pub(super) fn live(&self) -> bool {
        self.disconnected.is_none()
    }

    pub(super) fn connect(&mut self, now: Millis) {
        self.state = "connected";
        self.connected = Some(now);
    }

    pub(super) fn disconnect(&mut self, why: &'static str, now: Millis) {
        if self.live() {
            self.state = "disconnected";
            self.disconnected = Some(now);
            self.disconnect_type = Some(why);
            self.held_since = None;
            self.confined = false;
        }
    }
}

impl Party {
    pub(super) fn new(
        id: String,
        purpose: &'static str,
        name: String,
        leg: Leg,
        joined: Millis,
    ) -> Party {
        Party {
            id,
            purpose,
            name,
            address: None,
            user: None,
            queue: None,
            workflow: None,
            contact: None,
            consult_of: None,
            routing: None,
            joined,
            connected: None,
            ended: None,
            work_began: None,
            work_ended: None,
            wrapup: None,
            attributes: BTreeMap::new(),
            legs: vec![leg],
        }
    }

    /// Connected from the first moment, as customers, flows and queues are.
    pub(super) fn connected_at(mut self, now: Millis) -> Party {
        self.connected = Some(now);
        for leg in &mut self.legs {
            leg.connect(now);
        }
        self
    }

    pub(super) fn is_agent(&self) -> bool {
        self.user.is_some()
    }

    pub(super) fn talking(&self) -> bool {
        self.ended.is_none() && self.connected.is_some() && self.legs.iter().any(Leg::live)
    }

    pub(super) fn alerting(&self) -> bool {
        self.ended.is_none() && self.is_agent() && self.connected.is_none()
    }

    /// Everything of this party is disconnected; an agent with work to do afterwards stays.
    pub(super) fn leave(&mut self, why: &'static str, after_call_work: bool, now: Millis) {
        if self.ended.is_some() || self.work_began.is_some() {
            return;
        }
        for leg in &mut self.legs {
            leg.disconnect(why, now);
        }
        if after_call_work && self.connected.is_some() {
            self.work_began = Some(now);
        } else {
            self.ended = Some(now);
        }
    }
}

impl Model {
    pub(super) fn over_since(&self) -> Option<Millis> {
        let ends: Option<Vec<Millis>> = self.parties.iter().map(|party| party.ended).collect();
        ends.and_then(|ends| ends.into_iter().max())
    }

    /// The customer is always the first party but in outbound calls, where the agent is.
    pub(super) fn customer(&self) -> Option<usize> {
        self.parties.iter().position(|party| matches!(party.purpose, "customer" | "external"))
    }

    pub(super) fn customer_leg(&self) -> Option<&Leg> {
        self.parties[self.customer()?].legs.first()
    }

    /// The newest queue leg, ended or not.
    pub(super) fn queue_leg(&self) -> Option<usize> {
        self.parties.iter().rposition(|party| party.purpose == "acd")
    }

    pub(super) fn agents_where(&self, which: impl Fn(&Party) -> bool) -> Vec<usize> {
        (0..self.parties.len())
            .filter(|&n| self.parties[n].is_agent() && which(&self.parties[n]))
            .collect()
    }
}
