//! Who is who in a conversation: the customer, the agent, the queue leg, and which of several is
//! the newest (SEMANTICS 5).
//!
//! One order serves everywhere: what has not ended beats what has; then the later connected time; no
//! time and not ended counts as newest, because alerting participants have none; then the later
//! place in the array.

use jiff::{SignedDuration, Timestamp};

use super::conversation::{Communication, Conversation, Direction, Media, Participant};

/// How new a participant or communication is among its like: the greater, the newer. Of equal ones
/// the later in the array is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recency {
    live: bool,
    not_connected_yet: bool,
    connected: Option<Timestamp>,
}

/// What part somebody plays who is not the customer, a flow or a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Agent,
    Monitor,
    Coach,
    Barge,
    Consult,
}

impl Recency {
    /// Of what has ended or not, and was connected then, or not yet or never.
    pub fn new(ended: bool, connected: Option<Timestamp>) -> Recency {
        Recency { live: !ended, not_connected_yet: !ended && connected.is_none(), connected }
    }
}

impl Communication {
    pub fn recency(&self) -> Recency {
        Recency::new(self.ended(), self.connected_time)
    }
}

impl Participant {
    pub fn recency(&self) -> Recency {
        Recency::new(self.ended(), self.connected_time)
    }

    /// What part a person plays: by whom they listen to, speak to or were asked by, else an agent.
    /// `None` for customers, queue legs, flows and the like.
    pub fn role(&self) -> Option<Role> {
        if self.barged_participant_id.is_some() {
            Some(Role::Barge)
        } else if self.coached_participant_id.is_some() {
            Some(Role::Coach)
        } else if self.monitored_participant_id.is_some() {
            Some(Role::Monitor)
        } else if self.consult_participant_id.is_some() {
            Some(Role::Consult)
        } else if self.has_purpose("agent") || self.has_purpose("user") {
            Some(Role::Agent)
        } else {
            None
        }
    }

    /// The communication that speaks for the participant: a live one before an ended one, among
    /// those one of the medium asked for before others, then the newest. An ended one is only
    /// returned where no live one is; who looks at live ones only must ask
    /// [`ended`](Communication::ended).
    pub fn newest_communication(&self, media: Option<Media>) -> Option<&Communication> {
        let key = |leg: &&Communication| (!leg.ended(), Some(leg.media) == media, leg.recency());
        self.communications.iter().max_by_key(key)
    }

    /// `purpose` is given in lower case.
    pub fn has_purpose(&self, purpose: &str) -> bool {
        self.purpose.as_deref() == Some(purpose)
    }
}

impl Conversation {
    /// The newest participant of purpose `customer`, else the newest of purpose `external`, ended or
    /// not.
    pub fn customer(&self) -> Option<&Participant> {
        self.newest_of("customer").or_else(|| self.newest_of("external"))
    }

    /// The newest of purpose `agent` or `user` that has ever been connected.
    pub fn agent(&self) -> Option<&Participant> {
        newest(self.participants.iter().filter(|one| {
            (one.has_purpose("agent") || one.has_purpose("user")) && one.connected_time.is_some()
        }))
    }

    /// The newest queue leg, ended or not: skills, language and priority are there.
    pub fn acd(&self) -> Option<&Participant> {
        self.newest_of("acd")
    }

    /// The direction of the first customer or external communication that has one.
    pub fn direction(&self) -> Option<Direction> {
        let outside =
            |one: &&Participant| one.has_purpose("customer") || one.has_purpose("external");
        let legs = self.participants.iter().filter(outside).flat_map(|one| &one.communications);
        legs.filter_map(|leg| leg.direction).next()
    }

    /// How long the conversation has been waiting in a queue: `None` while no queue leg is live. It
    /// is never negative, however the clocks differ; `now` is Genesys' time as well as it is known.
    pub fn waiting(&self, now: Timestamp) -> Option<SignedDuration> {
        let waiting = self.participants.iter().filter(|one| one.has_purpose("acd") && !one.ended());
        let since = newest(waiting)?.connected_time?;
        Some(now.duration_since(since).max(SignedDuration::ZERO))
    }

    fn newest_of(&self, purpose: &str) -> Option<&Participant> {
        newest(self.participants.iter().filter(|one| one.has_purpose(purpose)))
    }
}

/// The newest of these participants, which come in the order of the array.
pub fn newest<'a>(
    participants: impl IntoIterator<Item = &'a Participant>,
) -> Option<&'a Participant> {
    participants.into_iter().max_by_key(|participant| participant.recency())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::read_generic;
    use crate::events::samples::{self, CALL};

    /// Each word is a participant: id, purpose, minute connected or `-`, `x` if it has ended.
    fn conversation(script: &str) -> Conversation {
        let participants: Vec<String> = script
            .split(' ')
            .map(|word| {
                let [id, purpose, minute, end] = word.split('.').collect::<Vec<_>>()[..] else {
                    panic!("`{word}` is not id.purpose.minute.end")
                };
                let mut json = format!(r#""id":"{id}","purpose":"{purpose}""#);
                if minute != "-" {
                    json += &format!(r#","connectedTime":"2026-11-20T14:{minute}:00Z""#);
                }
                if end == "x" {
                    json += r#","endTime":"2026-11-20T15:00:00Z""#;
                }
                format!("{{{json}}}")
            })
            .collect();
        read_generic(&format!(r#"{{"id":"c","participants":[{}]}}"#, participants.join(",")))
            .unwrap()
    }

    fn id(participant: Option<&Participant>) -> &str {
        participant.map_or("-", |participant| participant.id.as_str())
    }

    #[test]
    fn the_newest_is_chosen() {
        for (script, customer, agent, acd) in [
            // Not ended beats ended, whatever the times.
            ("a.agent.09.x b.agent.01.", "-", "b", "-"),
            ("a.agent.01. b.agent.02.", "-", "b", "-"),
            ("a.agent.02. b.agent.01.", "-", "a", "-"),
            ("a.user.02.x b.agent.01.x", "-", "a", "-"),
            // Alerting: newest, but no agent until it was connected.
            ("a.agent.01. b.agent.-.", "-", "a", "-"),
            ("a.agent.-. b.agent.-.x", "-", "-", "-"),
            ("a.acd.02. b.acd.-.", "-", "-", "b"),
            ("a.acd.02.x b.acd.-.x", "-", "-", "a"),
            ("a.acd.02.x b.acd.02.x", "-", "-", "b"),
            ("a.external.09. b.customer.01.x", "b", "-", "-"),
            ("a.external.01. b.external.02.", "b", "-", "-"),
        ] {
            let conversation = conversation(script);
            let found =
                (id(conversation.customer()), id(conversation.agent()), id(conversation.acd()));
            assert_eq!(found, (customer, agent, acd), "{script}");
        }
    }

    #[test]
    fn a_live_communication_speaks_before_one_of_the_medium() {
        let body = r#"{"id":"c","participants":[{"id":"p",
            "calls":[{"id":"1","state":"disconnected","connectedTime":"2026-11-20T14:09:00Z"},
                     {"id":"2","state":"connected","connectedTime":"2026-11-20T14:01:00Z"}],
            "callbacks":[{"id":"3","state":"connected","connectedTime":"2026-11-20T14:05:00Z"}],
            "emails":[{"id":"4","state":"disconnected"}]}]}"#;
        let conversation = read_generic(body).unwrap();
        for (media, expected) in [
            (None, "3"),
            (Some(Media::Call), "2"),
            (Some(Media::Callback), "3"),
            (Some(Media::Email), "3"),
        ] {
            let leg = conversation.participants[0].newest_communication(media).unwrap();
            assert_eq!(leg.id.as_deref(), Some(expected), "{media:?}");
        }
    }

    #[test]
    fn roles() {
        for (json, expected) in [
            (r#""purpose":"agent""#, Some(Role::Agent)),
            (r#""purpose":"user""#, Some(Role::Agent)),
            (r#""purpose":"user","monitoredParticipantId":"x""#, Some(Role::Monitor)),
            (
                r#""purpose":"user","coachedParticipantId":"x","monitoredParticipantId":"x""#,
                Some(Role::Coach),
            ),
            (r#""purpose":"user","bargedParticipantId":"x""#, Some(Role::Barge)),
            (r#""purpose":"agent","consultParticipantId":"x""#, Some(Role::Consult)),
            (r#""purpose":"customer""#, None),
            (r#""name":"x""#, None),
        ] {
            let body = format!(r#"{{"id":"c","participants":[{{"id":"p",{json}}}]}}"#);
            let role = read_generic(&body).unwrap().participants[0].role();
            assert_eq!(role, expected, "{json}");
        }
    }

    #[test]
    fn direction_and_waiting_of_the_samples() {
        let call = samples::sequence(&CALL);
        assert!(call.iter().all(|one| one.direction() == Some(Direction::Inbound)));
        let now: Timestamp = "2026-11-20T14:00:31Z".parse().unwrap();
        assert_eq!(call[0].waiting(now), Some(SignedDuration::from_secs(10)));
        let early: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        assert_eq!(call[0].waiting(early), Some(SignedDuration::ZERO));
        assert_eq!(call[6].waiting(now), None);
    }
}
