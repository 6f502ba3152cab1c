//! The fold: what each attribute of one conversation should be, over all that was delivered and
//! written, in server order (SEMANTICS 1 and 3).
//!
//! Sometimes two outcomes are right, because the program cannot know (two writers at once, an
//! answer that was lost): then both are accepted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::look::{Key, Look};
use super::standing::{Standing, Wish};
use crate::simulator::world::{AttributeWrite, Writer};

/// How long after a delivery a request may still say what was right before: it was on its way, or
/// the machine was busy. Two seconds are far beyond what the program takes and within what a shared
/// machine may.
pub(super) const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(2);

/// Something that happened to a conversation, with its place in the server's order.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Looked(Look),
    /// One that a newer one may have crossed on another way: perhaps the program never saw it as the
    /// newest.
    Crossed(Look),
    /// One that is older for sure. It wishes nothing; but that a rule held in it is true.
    Glimpsed(Look),
    /// The same snapshot under other rules; what waited and is not wished again is withdrawn.
    Reloaded(Look),
    Written {
        write: AttributeWrite,
        /// False when the client never got the answer and cannot know.
        answered: bool,
    },
}

#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) keys: BTreeMap<Key, Standing>,
    /// Keys that the client changed where nothing had been wished.
    pub(super) unwished: BTreeSet<Key>,
    pub(super) redundant: usize,
    pub(super) older: usize,
    /// What others wrote last.
    theirs: BTreeMap<Key, String>,
    /// Rules that held once, by name and target.
    held: BTreeSet<(String, String)>,
    /// Those, and the ones that held in a snapshot which was crossed, or came late.
    perhaps_held: BTreeSet<(String, String)>,
    /// Participants with a write whose answer was lost.
    in_doubt: BTreeSet<String>,
}

pub(super) fn fold(entries: &[Entry]) -> Folded {
    let mut folded = Folded::default();
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.sequence);
    for entry in order {
        match &entry.what {
            What::Looked(look) => folded.looked(look, entry.at, false),
            What::Crossed(look) => folded.crossed(look, entry.at),
            What::Glimpsed(look) => folded.perhaps_held.extend(holding(look)),
            What::Reloaded(look) => folded.looked(look, entry.at, true),
            What::Written { write, answered } => folded.written(write, *answered, entry.at),
        }
    }
    folded
}

impl Folded {
    fn looked(&mut self, look: &Look, at: Timestamp, reload: bool) {
        let wishes = wishes(look, &self.held, at);
        let perhaps = wishes_if(look, &self.perhaps_held, at, &wishes);
        for (key, standing) in &mut self.keys {
            let shown = look.shown.get(key).map_or("", String::as_str);
            if !reload {
                standing.shown(shown, at);
            }
            if reload && !wishes.contains_key(key) {
                standing.withdrawn();
            }
        }
        for (key, wish) in wishes {
            let shown = look.shown.get(&key).map_or("", String::as_str);
            self.keys.entry(key).or_insert_with(|| Standing::new(shown, at)).wished(wish, shown);
        }
        self.perhaps(perhaps, look, at);
        for held in holding(look) {
            self.perhaps_held.insert(held.clone());
            self.held.insert(held);
        }
    }

    fn crossed(&mut self, look: &Look, at: Timestamp) {
        self.perhaps(wishes(look, &self.perhaps_held, at), look, at);
        self.perhaps_held.extend(holding(look));
    }

    /// Wishes that the program may have made or not.
    fn perhaps(&mut self, wishes: BTreeMap<Key, Wish>, look: &Look, at: Timestamp) {
        for (key, wish) in wishes {
            let shown = look.shown.get(&key).map_or("", String::as_str);
            self.keys.entry(key).or_insert_with(|| Standing::new(shown, at)).perhaps(&wish);
        }
    }

    fn written(&mut self, write: &AttributeWrite, answered: bool, at: Timestamp) {
        let key = |name: &String| (write.participant.clone(), name.clone());
        match write.who {
            Writer::Client => {
                if write.changed.is_empty() && !self.in_doubt.contains(&write.participant) {
                    self.redundant += 1;
                }
                if !answered {
                    self.in_doubt.insert(write.participant.clone());
                }
                for (name, value) in &write.asked {
                    if self.puts_back(write, name, value) {
                        continue;
                    }
                    match self.keys.get_mut(&key(name)) {
                        Some(standing) => {
                            let older = standing.written_by_client(value, answered, at);
                            self.older += usize::from(older);
                            if older {
                                let participant = &write.participant;
                                tracing::debug!(participant, key = name, %at, "older value written");
                            }
                        }
                        None if write.changed.contains_key(name) => {
                            self.unwished.insert(key(name));
                        }
                        None => {}
                    }
                }
            }
            Writer::Other | Writer::Flow => {
                for (name, value) in &write.changed {
                    let theirs = value.clone().unwrap_or_default();
                    self.theirs.insert(key(name), theirs);
                    if let Some(standing) = self.keys.get_mut(&key(name)) {
                        standing.written_by_other(value.as_deref().unwrap_or_default());
                    }
                }
            }
        }
    }

    /// A write of the whole map may undo what somebody else wrote just before; giving them their
    /// value back is as if they had written it.
    fn puts_back(&mut self, write: &AttributeWrite, name: &str, value: &str) -> bool {
        let key = (write.participant.clone(), name.to_owned());
        let theirs = self.theirs.get(&key).is_some_and(|theirs| theirs == value);
        if !write.whole || !write.changed.contains_key(name) || !theirs {
            return false;
        }
        self.unwished.remove(&key);
        match self.keys.get_mut(&key) {
            Some(standing) if standing.wish.as_ref().is_some_and(|wish| wish.value == value) => {
                return false;
            }
            Some(standing) => standing.written_by_other(value),
            None => {}
        }
        true
    }
}

/// At most one wish for each key: the last rule in the file that has one.
fn wishes(look: &Look, held: &BTreeSet<(String, String)>, at: Timestamp) -> BTreeMap<Key, Wish> {
    let mut last = BTreeMap::new();
    for of in &look.rules {
        let wish = |value: &String| Wish {
            value: value.clone(),
            rule: of.rule.clone(),
            mode: of.mode,
            at,
        };
        let once = |target: &String| held.contains(&(of.rule.clone(), target.clone()));
        let otherwise = of.otherwise.iter().filter(|((target, _), _)| once(target));
        for (key, value) in of.wishes.iter().chain(otherwise) {
            last.insert(key.clone(), wish(value));
        }
    }
    last
}

/// What would be wished, were it so that these rules held once, and is not wished for sure.
fn wishes_if(
    look: &Look,
    held: &BTreeSet<(String, String)>,
    at: Timestamp,
    sure: &BTreeMap<Key, Wish>,
) -> BTreeMap<Key, Wish> {
    let mut perhaps = wishes(look, held, at);
    perhaps.retain(|key, wish| sure.get(key).is_none_or(|sure| sure.value != wish.value));
    perhaps
}

fn holding(look: &Look) -> impl Iterator<Item = (String, String)> {
    let of = |of: &super::look::RuleLook| {
        let rule = of.rule.clone();
        let held = of.holds.iter().map(move |target| (rule.clone(), target.clone()));
        held.collect::<Vec<_>>()
    };
    look.rules.iter().flat_map(of)
}
