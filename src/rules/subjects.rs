//! One conversation, laid out for the rules: its elements, its subjects, its targets.

use jiff::Timestamp;

use super::field::{Glance, Path, Subject, Value};
use super::look::Context;
use super::party::{self, Rank};
use super::raw::Body;
use super::target::Target;
use crate::events::conversation::{Conversation, Media, Participant};
use crate::genesys::names::Names;

/// What every test at one conversation shares.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) names: &'a Names,
    pub(super) now: Timestamp,
    pub(super) raw: Body<'a>,
    customer: Option<usize>,
    agent: Option<usize>,
    acd: Option<usize>,
    /// Participants who have not ended and whose user is watched.
    pub(super) watched: Vec<usize>,
    /// Each communication of each participant; a participant without any, once.
    pub(super) elements: Vec<Element>,
}

/// One participant with one of their communications.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) tested: Tested,
    pub(super) ended: bool,
    pub(super) rank: Rank,
}

/// Whom the subjects `participant` and `watched` mean in one test, as places in the arrays.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tested {
    pub(super) participant: Option<usize>,
    pub(super) communication: Option<usize>,
    pub(super) watched: Option<usize>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        conversation: &'a Conversation,
        names: &'a Names,
        context: &Context<'a>,
    ) -> Scene<'a> {
        let participants = conversation.participants.iter().enumerate();
        let watched = participants
            .filter(|(_, p)| !p.ended())
            .filter(|(_, p)| p.user_id.as_ref().is_some_and(|user| context.watched.contains(user)));
        let place = |participant| party::place(&conversation.participants, participant);
        Scene {
            conversation,
            names,
            now: context.now,
            raw: Body::new(context.raw.or_else(|| conversation.original.as_str())),
            customer: place(conversation.customer()),
            agent: place(conversation.agent()),
            acd: place(conversation.acd()),
            watched: watched.map(|(at, _)| at).collect(),
            elements: elements(conversation),
        }
    }

    /// What a condition on this path compares.
    pub(super) fn read(&self, path: &Path, tested: Tested) -> Option<Value<'a>> {
        path.read(&self.glance(path.subject, tested)?)
    }

    /// What `{{ }}` gives for this path.
    pub(super) fn show(&self, path: &Path, tested: Tested) -> Option<Value<'a>> {
        path.show(&self.glance(path.subject, tested)?)
    }

    /// Those whose attributes are meant; empty if nobody is there.
    pub(super) fn targets(&self, target: &Target, tested: Tested) -> Vec<usize> {
        let live = |wanted: &dyn Fn(&Participant) -> bool| {
            let participants = self.conversation.participants.iter().enumerate();
            let wanted = participants.filter(|(_, p)| !p.ended() && wanted(p));
            wanted.map(|(at, _)| at).collect()
        };
        let one = |one: Option<usize>| one.into_iter().collect();
        match target {
            Target::Customer => one(self.customer),
            Target::Participant => one(tested.participant),
            Target::Agent => one(self.agent),
            Target::Acd => one(self.acd),
            Target::Watched => one(tested.watched),
            Target::Agents => live(&party::is_agent),
            Target::All => live(&|_| true),
            Target::Purpose(purpose) => live(&|p| p.has_purpose(purpose)),
        }
    }

    fn glance(&self, subject: Subject, tested: Tested) -> Option<Glance<'a>> {
        let participant = match subject {
            Subject::Conversation => {
                return Some(Glance {
                    conversation: self.conversation,
                    participant: None,
                    communication: None,
                    names: self.names,
                    now: self.now,
                });
            }
            Subject::Participant => tested.participant,
            Subject::Customer => self.customer,
            Subject::Agent => self.agent,
            Subject::Acd => self.acd,
            Subject::Watched => tested.watched,
        };
        let participant = &self.conversation.participants[participant?];
        let communication = if subject == Subject::Participant {
            tested.communication.map(|at| &participant.communications[at])
        } else {
            participant.newest_communication(self.tested_media(tested))
        };
        Some(Glance {
            conversation: self.conversation,
            participant: Some(participant),
            communication,
            names: self.names,
            now: self.now,
        })
    }

    /// One participant, with the newest communication, of the tested medium first.
    pub(super) fn glance_at(&self, participant: usize, tested: Tested) -> Option<Glance<'a>> {
        let participant = self.conversation.participants.get(participant)?;
        Some(Glance {
            conversation: self.conversation,
            participant: Some(participant),
            communication: participant.newest_communication(self.tested_media(tested)),
            names: self.names,
            now: self.now,
        })
    }

    fn tested_media(&self, tested: Tested) -> Option<Media> {
        let participant = &self.conversation.participants[tested.participant?];
        Some(participant.communications[tested.communication?].media)
    }
}

fn elements(conversation: &Conversation) -> Vec<Element> {
    let mut elements = Vec::with_capacity(conversation.participants.len());
    for (place, participant) in conversation.participants.iter().enumerate() {
        let gone = participant.ended();
        let mut add = |communication: Option<usize>, ended: bool, connected| {
            let tested = Tested { participant: Some(place), communication, watched: None };
            let rank = Rank::new(ended, connected, (place, communication.unwrap_or(0)));
            elements.push(Element { tested, ended, rank });
        };
        if participant.communications.is_empty() {
            add(None, gone, participant.connected_time);
        }
        for (at, communication) in participant.communications.iter().enumerate() {
            let ended = gone || communication.ended();
            add(Some(at), ended, communication.connected_time);
        }
    }
    elements
}
