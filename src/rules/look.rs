//! Looking at a conversation: which rules hold, and what its attributes should be.
//!
//! Pure and deterministic: the same rules, conversation, context and standing give the same wishes,
//! however often one looks. There is at most one wish for each participant and key (SEMANTICS 5):
//!
//! - within a rule, that of the newest element;
//! - among rules, that of the last in the file which has a value to write;
//! - a rule in dry run gives way to every rule that is not, so that trying one out changes nothing.
//!
//! Whether a wish is written is not decided here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::file::{Assignment, Condition, Rule, Setting};
use super::index::Index;
use super::party::{self, Rank};
use super::subjects::{Element, Scene, Tested};
use crate::events::conversation::Conversation;
use crate::genesys::names::Names;
use crate::genesys::{ParticipantId, UserId};
use crate::updates::wish::Wish;

/// Rules ready to use: enabled, with names resolved, and indexed. Immutable.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Bound>,
    index: Index,
    /// Those that write something when they no longer hold.
    with_otherwise: Vec<usize>,
    names: Arc<Names>,
    hash: u64,
    /// The digest of each.
    in_force: Arc<BTreeSet<u64>>,
}

#[derive(Debug)]
struct Bound {
    rule: Arc<Rule>,
    digest: u64,
    /// The rule's, with ids in place of names.
    conditions: Vec<Condition>,
    looks_at_ended: bool,
    speaks_of_watched: bool,
}

/// What rules know beside the conversation.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub watched: &'a BTreeSet<UserId>,
}

/// For one conversation, which matches held: what `otherwise` needs to know.
///
/// Owned by whoever keeps the conversation. A copy is cheap, so that one can look at a snapshot
/// that may not count. It names rules, not their places, so it outlives a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    held: BTreeSet<(Arc<str>, ParticipantId)>,
    /// The digest of the rules that looked last.
    rules: u64,
}

/// What was seen at one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// By participant, in the order of the conversation, then by key.
    pub wishes: Vec<Wish>,
    /// How many rules hold.
    pub matches: u32,
    /// Which, in the order of the file.
    pub held: Vec<Arc<str>>,
    /// How many of them hold somewhere where their target is not there.
    pub targets_missing: u32,
}

/// The best value so far for one participant and key.
struct Candidate {
    standing: Precedence,
    wish: Wish,
}

/// Whose value is written; the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Precedence {
    live: bool,
    /// The place in the file.
    rule: usize,
    /// `None` for what is written otherwise, which no element asks for.
    element: Option<Rank>,
    watched: Option<usize>,
}

/// One look under way.
struct Look<'l> {
    rules: &'l [Bound],
    scene: Scene<'l>,
    wishes: BTreeMap<(usize, Arc<str>), Candidate>,
    held: BTreeSet<usize>,
    missing: BTreeSet<usize>,
    /// Rules with an `otherwise`, and the participants for whom they hold.
    held_for: BTreeSet<(usize, usize)>,
}

impl Rules {
    /// Rules with their conditions bound, in the order of the file.
    pub(super) fn new(
        bound: Vec<(Arc<Rule>, Vec<Condition>)>,
        names: Arc<Names>,
        hash: u64,
    ) -> Rules {
        let bound = bound.into_iter().map(|(rule, conditions)| Bound {
            looks_at_ended: rule.looks_at_ended(),
            speaks_of_watched: rule.speaks_of_watched(),
            digest: rule.hash(),
            rule,
            conditions,
        });
        let rules: Vec<Bound> = bound.collect();
        let index = Index::new(rules.iter().map(|bound| &bound.conditions[..]));
        let with_otherwise = rules.iter().enumerate();
        let with_otherwise = with_otherwise.filter(|(_, bound)| !bound.rule.otherwise.is_empty());
        let with_otherwise = with_otherwise.map(|(at, _)| at).collect();
        let in_force = Arc::new(rules.iter().map(|bound| bound.digest).collect());
        Rules { rules, index, with_otherwise, names, hash, in_force }
    }

    /// The digest of the file they are made from.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The digest of each rule that is run. A rule that others replace is not among them any more,
    /// one that is unchanged is.
    pub fn in_force(&self) -> &Arc<BTreeSet<u64>> {
        &self.in_force
    }

    /// How many rules are run: those that are enabled.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Tests every rule, and says what should be.
    pub fn look(
        &self,
        conversation: &Conversation,
        context: &Context<'_>,
        standing: &mut Standing,
    ) -> Looked {
        let scene = Scene::new(conversation, &self.names, context.watched);
        let mut look = Look {
            rules: &self.rules,
            scene,
            wishes: BTreeMap::new(),
            held: BTreeSet::new(),
            missing: BTreeSet::new(),
            held_for: BTreeSet::new(),
        };
        for at in 0..look.scene.elements.len() {
            let element = look.scene.elements[at];
            let mut candidates = Vec::new();
            let read = |path: &_| look.scene.read(path, element.tested);
            self.index.candidates(read, |rule| candidates.push(rule));
            candidates.into_iter().for_each(|rule| look.test(rule, element));
        }
        if standing.rules != self.hash {
            standing.rules = self.hash;
            standing
                .held
                .retain(|(name, _)| self.rules.iter().any(|bound| bound.rule.name == *name));
        }
        self.with_otherwise.iter().for_each(|rule| look.otherwise(*rule, standing));
        look.finish()
    }
}

impl Look<'_> {
    fn test(&mut self, rule: usize, element: Element) {
        let bound = &self.rules[rule];
        if element.ended && !bound.looks_at_ended {
            return;
        }
        if bound.speaks_of_watched {
            for at in 0..self.scene.watched.len() {
                let watched = Some(self.scene.watched[at]);
                self.test_once(
                    rule,
                    Element { tested: Tested { watched, ..element.tested }, ..element },
                );
            }
        } else {
            self.test_once(rule, element);
        }
    }

    fn test_once(&mut self, at: usize, element: Element) {
        let Element { tested, rank, .. } = element;
        let bound = &self.rules[at];
        let holds = bound.conditions.iter().all(|condition| {
            let value = self.scene.read(&condition.path, tested);
            condition.pattern.holds(value.as_ref())
        });
        if !holds {
            return;
        }
        self.held.insert(at);
        let targets = self.scene.targets(&bound.rule.target, tested);
        if targets.is_empty() {
            self.missing.insert(at);
        }
        for target in targets {
            if !bound.rule.otherwise.is_empty() {
                self.held_for.insert((at, target));
            }
            let standing = Precedence {
                live: !bound.rule.dry_run,
                rule: at,
                element: Some(rank),
                watched: tested.watched,
            };
            for assignment in &bound.rule.set {
                self.wish(standing, target, assignment, tested);
            }
        }
    }

    /// What is written where a match that held once does not hold now.
    fn otherwise(&mut self, at: usize, standing: &mut Standing) {
        let rule = &self.rules[at].rule;
        for (target, participant) in self.scene.conversation.participants.iter().enumerate() {
            let held = (Arc::clone(&rule.name), participant.id.clone());
            if self.held_for.contains(&(at, target)) {
                standing.held.insert(held);
                continue;
            }
            let there = !participant.ended() || rule.target.outlives_the_end();
            if !there || !standing.held.contains(&held) {
                continue;
            }
            let newest = participant.newest_communication(None);
            let tested = Tested {
                participant: Some(target),
                communication: party::place(&participant.communications, newest),
                watched: Some(target),
            };
            let precedence =
                Precedence { live: !rule.dry_run, rule: at, element: None, watched: None };
            for assignment in &rule.otherwise {
                self.wish(precedence, target, assignment, tested);
            }
        }
    }

    /// Notes a wish if its value is there and none better is known.
    fn wish(
        &mut self,
        standing: Precedence,
        target: usize,
        assignment: &Assignment,
        tested: Tested,
    ) {
        let entry = self.wishes.entry((target, Arc::clone(&assignment.key)));
        if let Entry::Occupied(best) = &entry
            && best.get().standing >= standing
        {
            return;
        }
        let value = match &assignment.value {
            Setting::Plain(text) => Arc::clone(text),
            Setting::Template(template) => {
                let scene = &self.scene;
                match template.render(|path| scene.show(path, tested)) {
                    Some(text) => Arc::from(text),
                    None => return,
                }
            }
        };
        let Bound { rule, digest, .. } = &self.rules[standing.rule];
        let wish = Wish {
            participant: self.scene.conversation.participants[target].id.clone(),
            key: Arc::clone(&assignment.key),
            value,
            rule: Arc::clone(&rule.name),
            digest: *digest,
            write: rule.write,
            dry_run: rule.dry_run,
            during_flow: rule.during_flow,
            useless_after: None,
            urgent: false,
        };
        entry.insert_entry(Candidate { standing, wish });
    }

    fn finish(self) -> Looked {
        let names = self.held.iter().map(|rule| Arc::clone(&self.rules[*rule].rule.name));
        Looked {
            wishes: self.wishes.into_values().map(|candidate| candidate.wish).collect(),
            matches: u32::try_from(self.held.len()).unwrap_or(u32::MAX),
            held: names.collect(),
            targets_missing: u32::try_from(self.missing.len()).unwrap_or(u32::MAX),
        }
    }
}
