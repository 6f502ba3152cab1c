//! What the attributes should be, computed by naive code of its own.
//!
//! The oracle is told what was delivered to a live socket, returned by a read, and written by
//! whom. It evaluates the rules file itself, over the JSON bodies, and folds the wishes in server
//! order (SEMANTICS 1 and 3). It imports nothing of the program it judges, so that one mistake
//! cannot be in both.
//!
//! How it judges:
//! - A snapshot that is delivered after a newer one of the same conversation on the same socket
//!   changes nothing. Where the newer one went another way, by a read or on another socket, the
//!   program may have had the older one first: what it wishes is right, and so is its absence.
//!   The same holds on one socket for one that is late and was never seen before, if no fact that
//!   stays tells it from the newer one: by all that it shows it may be the newest (SEMANTICS 2).
//! - Dry-run rules wish nothing and win over no other rule.
//! - `otherwise` is wished, once the rule has held for a target, by every snapshot for which it
//!   does not hold for that target.
//! - Where the program cannot know which of two outcomes is right, both are.
//! - A wish first made by a snapshot that was delivered when its conversation had been over for
//!   more than 30 s is excused; a wish of an earlier snapshot is not, however late it was written.
//! - Conversations that the world has forgotten are not judged.

mod facts;
mod fields;
mod fold;
mod look;
mod pattern;
mod ruleset;
mod scene;
mod seen;
mod standing;
mod template;
mod unsure;
mod verdict;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub use ruleset::NotUnderstood;
pub use verdict::{Verdict, Wrong};

use crate::simulator::world::{Changed, World, Writer};
use fold::{Entry, Folded, ON_ITS_WAY, What, fold};
use look::{Key, Look, look};
use ruleset::Rule;
use scene::{Directory, Scene};

/// How long the last wishes of a conversation that is over are still written (`after_end`).
const AFTER_END: SignedDuration = SignedDuration::from_secs(30);
/// How long before we are told of other rules the client may have gone by them.
const SHORTLY_BEFORE: SignedDuration = SignedDuration::from_secs(5);
/// A wish younger than this may still be on its way.
const ON_THE_WAY: SignedDuration = SignedDuration::from_secs(5);

/// The judge; see the module.
#[derive(Debug)]
pub struct Oracle {
    directory: Directory,
    watched: BTreeSet<String>,
    rules: Vec<Rule>,
    /// Every key that any rule, of any file so far, names.
    keys: BTreeSet<String>,
    cases: BTreeMap<String, Case>,
    /// Time of the last thing heard of.
    heard: Timestamp,
    untouched_violations: usize,
    flow_writes: usize,
}

/// What is known of one conversation.
#[derive(Debug, Default)]
struct Case {
    entries: Vec<Entry>,
    /// The newest snapshot that the client got.
    newest: u64,
    /// The newest that each socket brought.
    newest_on: BTreeMap<u64, u64>,
    /// Those that any socket brought.
    brought: BTreeSet<u64>,
    /// Its body, to be looked at again under new rules.
    last: Option<Last>,
    /// What others wrote last to keys that no rule names.
    theirs: BTreeMap<Key, Option<String>>,
    /// Such keys that the client changed.
    touched: BTreeSet<Key>,
    /// The newest change, but for the client's own, that a topic listened to would have told of.
    audible: Option<(u64, Timestamp)>,
}

/// The newest snapshot that the client got.
#[derive(Debug)]
struct Last {
    body: Value,
    facts: BTreeSet<String>,
    over: bool,
    in_flow: bool,
    at: Timestamp,
    /// The client's process has ended since, and with it the snapshot: new rules reach the
    /// conversation at its next one (SEMANTICS 5).
    lost: bool,
}

impl Oracle {
    /// An oracle without rules. `watched` are ids of users, for the rules' subject of that name.
    pub fn new(world: &World, watched: BTreeSet<String>) -> Oracle {
        Oracle {
            directory: Directory::of(world),
            watched,
            rules: Vec::new(),
            keys: BTreeSet::new(),
            cases: BTreeMap::new(),
            heard: Timestamp::UNIX_EPOCH,
            untouched_violations: 0,
            flow_writes: 0,
        }
    }

    /// Other users are watched from now on. What was delivered before may be looked at again, if the
    /// client keeps it and nothing newer comes first: nothing that waits is withdrawn by that.
    pub fn watch(&mut self, users: BTreeSet<String>, now: Timestamp) {
        if users == self.watched {
            return;
        }
        self.watched = users;
        self.heard = self.heard.max(now);
        for case in self.cases.values_mut() {
            let Some(last) = case.last.as_ref().filter(|last| !last.over) else { continue };
            let seen = look(&Scene::new(&last.body, &self.directory, &self.watched), &self.rules);
            let what = What::Crossed(seen);
            case.entries.push(Entry { sequence: case.newest, at: now, what });
        }
    }

    /// Other rules are in force from now on; what was last delivered of each living conversation is
    /// looked at again under them. Nothing changes when the file is not understood.
    pub fn rules(&mut self, text: &str, now: Timestamp) -> Result<(), NotUnderstood> {
        let (rules, keys) = ruleset::read(text)?;
        self.rules = rules;
        self.keys.extend(keys);
        self.heard = self.heard.max(now);
        for case in self.cases.values_mut() {
            let mut entry = |what| {
                case.entries.push(Entry { sequence: case.newest, at: now, what });
            };
            let Some(last) = &case.last else {
                // The client has lost it with its process, and still has what waited.
                entry(What::Reloaded(Look::default()));
                continue;
            };
            let seen = look(&Scene::new(&last.body, &self.directory, &self.watched), &self.rules);
            if last.over || last.lost {
                entry(What::Reloaded(Look::default()));
                // The client has the new rules a moment before we are told of them; and what it
                // keeps of its own it may know well enough to leave it.
                if last.lost || last.at + SHORTLY_BEFORE > now {
                    entry(What::Crossed(seen));
                }
            } else {
                entry(What::Reloaded(seen));
            }
        }
        Ok(())
    }

    /// A generic body was written to the live socket of that number. `sequence` is its `Changed`'s.
    /// Telling the oracle of the same one again, for another topic, does nothing.
    pub fn delivered(&mut self, socket: u64, sequence: u64, generic_body: &Value, now: Timestamp) {
        self.seen(Some(socket), sequence, generic_body, now);
    }

    /// Whether a later body of its conversation was written to that socket before.
    pub fn is_late(&self, socket: u64, sequence: u64, generic_body: &Value) -> bool {
        let case = generic_body["id"].as_str().and_then(|id| self.cases.get(id));
        let newest = case.and_then(|case| case.newest_on.get(&socket));
        newest.is_some_and(|newest| sequence < *newest)
    }

    /// A conversation was returned by the API. `sequence` is the world's at that moment.
    pub fn read(&mut self, sequence: u64, rest_body: &Value, now: Timestamp) {
        self.seen(None, sequence, rest_body, now);
    }

    /// What the rules wish for one body by itself, as if it were the first of its conversation: by
    /// participant and key. Nothing is remembered.
    pub fn wishes(&self, body: &Value) -> BTreeMap<(String, String), String> {
        let seen = look(&Scene::new(body, &self.directory, &self.watched), &self.rules);
        // In the order of the file: the last one has the last word.
        seen.rules.into_iter().flat_map(|rule| rule.wishes).collect()
    }

    /// Something changed in the world, by whomever; for a client's write, `now` is when its request
    /// arrived. To be called for every `Changed`, delivered or not.
    pub fn changed(&mut self, changed: &Changed, now: Timestamp) {
        self.heard = self.heard.max(now);
        for id in &changed.forgotten {
            self.cases.remove(id);
        }
        for write in &changed.writes {
            let case = self.cases.entry(changed.conversation.clone()).or_default();
            let in_flow = write.who == Writer::Client && case.is_seen_in_flow(now);
            for (key, value) in &write.changed {
                let place = (write.participant.clone(), key.clone());
                if self.keys.contains(key) {
                    let early = in_flow && !may_be_set_in_flow(&self.rules, key);
                    self.flow_writes += usize::from(early);
                    continue;
                }
                if write.who == Writer::Client {
                    self.untouched_violations += 1;
                    case.touched.insert(place);
                } else {
                    case.theirs.insert(place, value.clone());
                }
            }
            let what = What::Written { write: write.clone(), answered: true };
            case.entries.push(Entry { sequence: changed.sequence, at: now, what });
        }
    }

    /// The answer to the write of that sequence never reached the client, which cannot know whether
    /// it was made and may make it again.
    pub fn unanswered(&mut self, conversation: &str, sequence: u64) {
        for entry in self.cases.get_mut(conversation).into_iter().flat_map(|case| &mut case.entries)
        {
            if let What::Written { answered, .. } = &mut entry.what
                && entry.sequence == sequence
            {
                *answered = false;
            }
        }
    }

    /// Compares what should be with what is.
    pub fn verdict(&self, world: &World) -> Verdict {
        let mut verdict = Verdict {
            untouched_violations: self.untouched_violations,
            flow_writes: self.flow_writes,
            ..Verdict::default()
        };
        for (conversation, case) in &self.cases {
            self.judge(conversation, &fold(&case.entries), world, &mut verdict);
            for place in &case.touched {
                let is = world.attributes(conversation, &place.0);
                let is = is.and_then(|mut attributes| attributes.remove(&place.1));
                let theirs = case.theirs.get(place).cloned().flatten();
                if is != theirs {
                    verdict.lost_by_client.push(wrong(
                        conversation,
                        place,
                        theirs,
                        is,
                        String::new(),
                    ));
                }
            }
        }
        verdict
    }

    fn judge(&self, conversation: &str, folded: &Folded, world: &World, verdict: &mut Verdict) {
        verdict.redundant_writes += folded.redundant;
        verdict.older_writes += folded.older;
        let mut participants: BTreeMap<&str, bool> = BTreeMap::new();
        let found = |(participant, key): &Key| {
            world.attributes(conversation, participant).map(|mut attributes| attributes.remove(key))
        };
        for (key, standing) in folded.keys.iter().filter(|(_, standing)| standing.was_wished()) {
            let Some(found) = found(key) else { continue };
            let right = participants.entry(&key.0).or_insert(true);
            if standing.right.iter().any(|right| right == found.as_deref().unwrap_or_default()) {
                continue;
            }
            let wish = standing.wish.as_ref();
            let over = world.over_since(conversation);
            if wish.zip(over).is_some_and(|(wish, over)| wish.at > over + AFTER_END) {
                verdict.excused += 1;
                continue;
            }
            *right = false;
            verdict.pending +=
                usize::from(wish.is_some_and(|wish| wish.at + ON_THE_WAY > self.heard));
            let rule = wish.map(|wish| wish.rule.clone()).unwrap_or_default();
            let expected = standing.right.first().cloned();
            verdict.wrong.push(wrong(conversation, key, expected, found, rule));
        }
        verdict.concerned += participants.len();
        verdict.right += participants.values().filter(|&&right| right).count();
        for key in &folded.unwished {
            let found = found(key).flatten();
            verdict.wrong.push(wrong(conversation, key, None, found, String::new()));
        }
    }
}

impl Case {
    /// The client has known for a while that a flow runs, and nothing else.
    fn is_seen_in_flow(&self, now: Timestamp) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|last| last.in_flow && !last.lost && last.at + ON_ITS_WAY < now)
    }
}

fn may_be_set_in_flow(rules: &[Rule], key: &str) -> bool {
    let mut bold = rules.iter().filter(|rule| rule.during_flow);
    bold.any(|rule| rule.set.iter().chain(&rule.otherwise).any(|(set, _)| set == key))
}

fn wrong(
    conversation: &str,
    (participant, key): &Key,
    expected: Option<String>,
    found: Option<String>,
    rule: String,
) -> Wrong {
    Wrong {
        conversation: conversation.to_owned(),
        participant: participant.clone(),
        key: key.clone(),
        expected,
        found,
        rule,
    }
}
