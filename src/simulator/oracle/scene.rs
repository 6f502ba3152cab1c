//! One body, generic or from the API, and how the oracle finds its way in it: which communications
//! there are, which is the newest, who is the customer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::simulator::world::World;

/// Array in the body, and the word that rules use for the medium.
const MEDIA: [(&str, &str); 11] = [
    ("calls", "call"),
    ("callbacks", "callback"),
    ("chats", "chat"),
    ("cobrowsesessions", "cobrowse"),
    ("emails", "email"),
    ("messages", "message"),
    ("internalMessages", "internal_message"),
    ("screenMonitorings", "screen_monitoring"),
    ("screenshares", "screenshare"),
    ("socialExpressions", "social_expression"),
    ("videos", "video"),
];
const FLOWS: [&str; 4] = ["ivr", "botflow", "workflow", "voicesurveyflow"];

/// Names of the organisation, for rules that use them.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    /// Id and name.
    pub(super) queues: Vec<(String, String)>,
    /// Id, name and e-mail address.
    pub(super) users: Vec<(String, String, String)>,
}

impl Directory {
    pub(super) fn of(world: &World) -> Directory {
        let queues = world.queues().iter().map(|queue| (queue.id.clone(), queue.name.clone()));
        let users = world
            .users()
            .iter()
            .map(|user| (user.id.clone(), user.name.clone(), user.email.clone()));
        Directory { queues: queues.collect(), users: users.collect() }
    }
}

pub(super) struct Scene<'a> {
    pub(super) body: &'a Value,
    pub(super) directory: &'a Directory,
    watched: &'a BTreeSet<String>,
}

/// A participant looked at with one of its communications, or with none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) party: &'a Value,
    pub(super) leg: Option<(&'static str, &'a Value)>,
    /// Place in the body: participant, communication.
    place: (usize, usize),
}

/// Newer is greater: not ended beats ended, then the later time, then the place. Who is connected
/// at no time and has not ended is being alerted, and newest.
pub(super) type Age = (bool, Option<Timestamp>, (usize, usize));

impl<'a> Scene<'a> {
    pub(super) fn new(
        body: &'a Value,
        directory: &'a Directory,
        watched: &'a BTreeSet<String>,
    ) -> Scene<'a> {
        Scene { body, directory, watched }
    }

    /// Participants in order, each with its newest communication, those of `media` first.
    pub(super) fn people(&self, media: Option<&str>) -> Vec<Element<'a>> {
        let parties = self.body["participants"].as_array().into_iter().flatten().enumerate();
        parties
            .map(|(n, party)| {
                let best = legs(n, party).into_iter().max_by_key(|element| {
                    let tested = element.leg.is_some_and(|(word, _)| Some(word) == media);
                    (!element.leg_ended(), tested, element.age())
                });
                best.unwrap_or(Element { party, leg: None, place: (n, 0) })
            })
            .collect()
    }

    /// Each communication of each participant in turn; who has none, once.
    pub(super) fn elements(&self) -> Vec<Element<'a>> {
        self.people(None)
            .into_iter()
            .flat_map(|person| {
                let legs = legs(person.place.0, person.party);
                if legs.is_empty() { vec![person] } else { legs }
            })
            .collect()
    }

    pub(super) fn customer(&self, media: Option<&str>) -> Option<Element<'a>> {
        self.newest(media, |person| person.purpose() == "customer")
            .or_else(|| self.newest(media, |person| person.purpose() == "external"))
    }

    /// The newest agent who ever was connected.
    pub(super) fn agent(&self, media: Option<&str>) -> Option<Element<'a>> {
        self.newest(media, |person| person.is_agent() && given(&person.party["connectedTime"]))
    }

    pub(super) fn acd(&self, media: Option<&str>) -> Option<Element<'a>> {
        self.newest(media, |person| person.purpose() == "acd")
    }

    /// Participants of watched users who have not ended.
    pub(super) fn watched(&self, media: Option<&str>) -> Vec<Element<'a>> {
        let mut people = self.people(media);
        people.retain(|person| {
            let user = person.party["userId"].as_str();
            !person.party_ended() && user.is_some_and(|user| self.watched.contains(user))
        });
        people
    }

    pub(super) fn in_flow(&self) -> bool {
        self.elements().iter().any(|element| FLOWS.contains(&element.purpose()) && !element.ended())
    }

    pub(super) fn over(&self) -> bool {
        self.people(None).iter().all(Element::party_ended)
    }

    fn newest(
        &self,
        media: Option<&str>,
        which: impl Fn(&Element<'a>) -> bool,
    ) -> Option<Element<'a>> {
        self.people(media).into_iter().filter(which).max_by_key(Element::party_age)
    }
}

impl<'a> Element<'a> {
    pub(super) fn id(&self) -> &'a str {
        self.party["id"].as_str().unwrap_or_default()
    }

    pub(super) fn purpose(&self) -> &'a str {
        self.party["purpose"].as_str().unwrap_or_default()
    }

    pub(super) fn is_agent(&self) -> bool {
        matches!(self.purpose(), "agent" | "user")
    }

    pub(super) fn party_ended(&self) -> bool {
        given(&self.party["endTime"])
    }

    fn leg_ended(&self) -> bool {
        self.leg.is_some_and(|(_, leg)| {
            given(&leg["disconnectedTime"])
                || matches!(leg["state"].as_str(), Some("disconnected" | "terminated"))
        })
    }

    /// The participant has an end, or this communication has (FACTS 2.5.5).
    pub(super) fn ended(&self) -> bool {
        self.party_ended() || self.leg_ended()
    }

    pub(super) fn age(&self) -> Age {
        let since = self.leg.map_or(&self.party["connectedTime"], |(_, leg)| &leg["connectedTime"]);
        age(self.ended(), since, self.place)
    }

    fn party_age(&self) -> Age {
        age(self.party_ended(), &self.party["connectedTime"], self.place)
    }
}

fn age(ended: bool, since: &Value, place: (usize, usize)) -> Age {
    let since: Option<Timestamp> = since.as_str().and_then(|since| since.parse().ok());
    let since = if ended { since } else { Some(since.unwrap_or(Timestamp::MAX)) };
    (!ended, since, place)
}

fn legs(n: usize, party: &Value) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    for (array, word) in MEDIA {
        for leg in party[array].as_array().into_iter().flatten() {
            found.push(Element { party, leg: Some((word, leg)), place: (n, found.len()) });
        }
    }
    found
}

/// There, and not null and not empty.
pub(super) fn given(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}
