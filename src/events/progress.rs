//! How far a conversation has come: the facts in a snapshot that never go away again.
//!
//! Events carry no sequence number and no time, and can come late (FACTS 2.5.8). But a participant
//! who was there, has been connected, has left or has finished after-call work stays so, and so of
//! two snapshots the one with more such facts is the newer (SEMANTICS 2). Only that a fact is there
//! counts, not its value. Holds, parking, attributes and the like come and go, and are not counted.

use super::conversation::{Communication, Conversation, Media, Participant};
use super::fingerprint::{hash, short_hash};

/// The facts of one snapshot. See the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct Progress {
    /// Hashes of the facts in ascending order, each once: 4 bytes a fact, some 30 for a call with
    /// one agent. That a new fact has the hash of one of those happens once in a hundred million;
    /// then the order of arrival decides, as it does where nothing has moved on.
    facts: Box<[u32]>,
}

/// How far one snapshot has come beside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    Same,
    /// Less far: it is older.
    Less,
    /// Farther: it is newer.
    More,
    /// Each has a fact that the other lacks.
    Incomparable,
}

/// What there is to know of a participant, or of a communication.
#[derive(Clone, Copy, Hash)]
enum Fact {
    There,
    Connected,
    Ended,
    AfterCallWorkBegun,
    AfterCallWorkEnded,
    WrappedUp,
    Message,
}

/// A communication by its id; one without an id by its medium and its place there.
#[derive(Hash)]
enum Leg<'a> {
    Named(&'a str),
    Unnamed(Media, usize),
}

impl Progress {
    pub fn of(conversation: &Conversation) -> Progress {
        let mut facts = Vec::with_capacity(12 * conversation.participants.len());
        for participant in &conversation.participants {
            collect(participant, &mut facts);
        }
        facts.sort_unstable();
        facts.dedup();
        Progress { facts: facts.into_boxed_slice() }
    }

    /// Compares this with what another snapshot shows.
    pub fn compare(&self, other: &Progress) -> Compared {
        let has_more = !is_within(&self.facts, &other.facts);
        let has_less = !is_within(&other.facts, &self.facts);
        match (has_more, has_less) {
            (false, false) => Compared::Same,
            (false, true) => Compared::Less,
            (true, false) => Compared::More,
            (true, true) => Compared::Incomparable,
        }
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Progress({} facts)", self.facts.len())
    }
}

/// Both are in ascending order.
fn is_within(some: &[u32], all: &[u32]) -> bool {
    let mut all = all.iter();
    some.len() <= all.len() && some.iter().all(|fact| all.any(|other| other == fact))
}

fn collect(participant: &Participant, facts: &mut Vec<u32>) {
    // Each id is hashed once, not with each of its facts.
    let party = hash(&participant.id);
    let mut add = |there: bool, whose: u64, fact: Fact| {
        if there {
            facts.push(short_hash(&(whose, fact)));
        }
    };
    add(true, party, Fact::There);
    add(participant.connected_time.is_some(), party, Fact::Connected);
    add(participant.end_time.is_some(), party, Fact::Ended);
    add(participant.start_acw_time.is_some(), party, Fact::AfterCallWorkBegun);
    add(participant.end_acw_time.is_some(), party, Fact::AfterCallWorkEnded);
    add(participant.wrapup_code.is_some(), party, Fact::WrappedUp);
    for (at, communication) in participant.communications.iter().enumerate() {
        let leg = hash(&(party, leg(communication, at, &participant.communications)));
        add(true, leg, Fact::There);
        add(communication.connected_time.is_some(), leg, Fact::Connected);
        add(communication.disconnected_time.is_some(), leg, Fact::Ended);
        add(communication.after_call_work_ended.is_some(), leg, Fact::AfterCallWorkEnded);
        for message in &communication.message_ids {
            add(true, hash(&(party, message)), Fact::Message);
        }
    }
}

fn leg<'a>(communication: &'a Communication, at: usize, all: &[Communication]) -> Leg<'a> {
    match &communication.id {
        Some(id) => Leg::Named(id),
        None => {
            let same = |other: &&Communication| other.media == communication.media;
            Leg::Unnamed(communication.media, all.iter().take(at).filter(same).count())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples::{self, CALL, THREAD};

    #[test]
    fn the_samples_never_go_back() {
        for names in [&CALL[..], &THREAD] {
            let steps: Vec<Progress> = samples::sequence(names).iter().map(Progress::of).collect();
            for (at, later) in steps.iter().enumerate() {
                for earlier in &steps[..at] {
                    let back = earlier.compare(later);
                    match later.compare(earlier) {
                        Compared::More => assert_eq!(back, Compared::Less),
                        Compared::Same => assert_eq!(back, Compared::Same),
                        other @ (Compared::Less | Compared::Incomparable) => {
                            panic!("step {at} of {} is {other:?}", names[at])
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_comes_and_goes_does_not_count() {
        let call = samples::sequence(&CALL);
        let [.., connected, held, attributes, _, _] = &call[..] else { panic!("seven steps") };
        assert_eq!(Progress::of(held).compare(&Progress::of(connected)), Compared::Same);
        assert_eq!(Progress::of(attributes).compare(&Progress::of(held)), Compared::Same);
        let mut changed = held.clone();
        let end = &mut changed.participants[1].end_time;
        *end = end.map(|time| time + jiff::SignedDuration::from_secs(1));
        assert_eq!(Progress::of(&changed), Progress::of(held));
    }

    #[test]
    fn every_fact_counts() {
        let full = samples::sequence(&CALL)[6].clone();
        let whole = Progress::of(&full);
        type Removal = fn(&mut Participant);
        let removals: [Removal; 9] = [
            |one| one.connected_time = None,
            |one| one.end_time = None,
            |one| one.start_acw_time = None,
            |one| one.end_acw_time = None,
            |one| one.wrapup_code = None,
            |one| one.communications.clear(),
            |one| one.communications[0].connected_time = None,
            |one| one.communications[0].disconnected_time = None,
            |one| one.communications[0].after_call_work_ended = None,
        ];
        for (at, remove) in removals.into_iter().enumerate() {
            let mut less = full.clone();
            remove(less.participants.last_mut().unwrap());
            let less = Progress::of(&less);
            assert_eq!(less.compare(&whole), Compared::Less, "{at}");
            assert_eq!(whole.compare(&less), Compared::More, "{at}");
        }
        let mut left = full.clone();
        let mut right = full;
        left.participants.remove(0);
        right.participants.remove(1);
        let (left, right) = (Progress::of(&left), Progress::of(&right));
        assert_eq!(left.compare(&right), Compared::Incomparable);
    }

    #[test]
    fn a_new_message_is_progress() {
        let thread = samples::sequence(&THREAD);
        let (before, after) = (Progress::of(&thread[1]), Progress::of(&thread[2]));
        assert_eq!(after.compare(&before), Compared::More);
    }
}
