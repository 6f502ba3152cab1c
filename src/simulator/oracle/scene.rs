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
    ("internalMessages", "internalmessage"),
    ("screenMonitorings", "screenmonitoring"),
    ("screenshares", "screenshare"),
    ("socialExpressions", "socialexpression"),
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
    /// Each participant with each of its communications; who has none, once.
    parties: Vec<Vec<Element<'a>>>,
}

/// A participant looked at with one of its communications, or with none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) party: &'a Value,
    pub(super) leg: Option<(&'static str, &'a Value)>,
    party_age: Age,
    age: Age,
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
        let parties = body["participants"].as_array().into_iter().flatten().enumerate();
        let parties = parties.map(|(n, party)| looks(n, party)).collect();
        Scene { body, directory, watched, parties }
    }

    /// Participants in order, each with its newest communication, those of `media` first.
    pub(super) fn people(&self, media: Option<&str>) -> Vec<Element<'a>> {
        let newest = |looks: &Vec<Element<'a>>| {
            looks.iter().copied().max_by_key(|look| {
                let tested = look.leg.is_some_and(|(word, _)| Some(word) == media);
                (!look.leg_ended(), tested, look.age)
            })
        };
        self.parties.iter().filter_map(newest).collect()
    }

    /// Each communication of each participant in turn; who has none, once.
    pub(super) fn elements(&self) -> Vec<Element<'a>> {
        self.parties.iter().flatten().copied().collect()
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

    /// Nobody is connected, and no after-call work is pending.
    pub(super) fn over(&self) -> bool {
        self.people(None).iter().all(|person| {
            let party = person.party;
            let working = given(&party["startAcwTime"]) && !given(&party["endAcwTime"]);
            person.party_ended() || (person.leg.is_some() && person.leg_ended() && !working)
        })
    }

    fn newest(
        &self,
        media: Option<&str>,
        which: impl Fn(&Element<'a>) -> bool,
    ) -> Option<Element<'a>> {
        self.people(media).into_iter().filter(which).max_by_key(|person| person.party_age)
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
        self.age
    }
}

fn age(ended: bool, since: &Value, place: (usize, usize)) -> Age {
    let since: Option<Timestamp> = since.as_str().and_then(|since| since.parse().ok());
    let since = if ended { since } else { Some(since.unwrap_or(Timestamp::MAX)) };
    (!ended, since, place)
}

/// A participant with each of its communications, or with none.
fn looks(n: usize, party: &Value) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    for (array, word) in MEDIA {
        for leg in party[array].as_array().into_iter().flatten() {
            found.push(element(party, Some((word, leg)), (n, found.len())));
        }
    }
    if found.is_empty() {
        found.push(element(party, None, (n, 0)));
    }
    found
}

fn element<'a>(
    party: &'a Value,
    leg: Option<(&'static str, &'a Value)>,
    place: (usize, usize),
) -> Element<'a> {
    let party_age = age(given(&party["endTime"]), &party["connectedTime"], place);
    let mut element = Element { party, leg, party_age, age: party_age };
    if let Some((_, leg)) = leg {
        element.age = age(element.ended(), &leg["connectedTime"], place);
    }
    element
}

/// There, and not null and not empty.
pub(super) fn given(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}
