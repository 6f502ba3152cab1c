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

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::bound::{Bound, Rules};
use super::expression::EvaluationError;
use super::file::{Assignment, Setting};
use super::index::Found;
use super::party::{self, Rank};
use super::shared::Outcomes;
use super::standpoint::Standpoint;
use super::subjects::{Element, Scene, Tested};
use super::time;
use crate::events::conversation::Conversation;
use crate::genesys::{ParticipantId, UserId};
use crate::updates::wish::Wish;

/// What rules know beside the conversation.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub watched: &'a BTreeSet<UserId>,
    /// When the frame was read, the answer came, or what changes with time alone was due.
    pub now: Timestamp,
    /// The body as it was sent, if it is another than the one that the snapshot keeps.
    pub raw: Option<&'a str>,
}

/// For one conversation, which matches held: what `otherwise` needs to know.
///
/// Owned by whoever keeps the conversation. A copy is cheap, so that one can look at a snapshot
/// that may not count. It names rules, not their places, so it outlives a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// In order, each once, and with no room to spare: most hold for one or two.
    held: Vec<(Arc<str>, ParticipantId)>,
    /// The digest of the rules that looked last.
    rules: u64,
}

impl Standing {
    /// The rule of this name held for that participant, as far as its traces tell.
    pub fn held_before(&mut self, rule: &Arc<str>, participant: &ParticipantId) {
        let held = (Arc::clone(rule), participant.clone());
        if let Err(at) = self.held.binary_search(&held) {
            self.held.reserve_exact(1);
            self.held.insert(at, held);
        }
    }
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
    /// When to look again at the same snapshot, because time alone may change the outcome.
    pub due: Option<Timestamp>,
    /// What could not be evaluated. Other rules are not touched by it.
    pub errors: Vec<RuleError>,
}

/// A rule that could not be evaluated at one element; it does not hold there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    pub rule: Arc<str>,
    pub message: String,
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
    rules: &'l Rules,
    scene: Scene<'l>,
    outcomes: Outcomes,
    wishes: BTreeMap<(usize, Arc<str>), Candidate>,
    held: BTreeSet<usize>,
    missing: BTreeSet<usize>,
    /// Rules with an `otherwise`, and the participants for whom they hold.
    held_for: BTreeSet<(usize, usize)>,
    /// The next moment at which time alone may change something.
    due: Option<Timestamp>,
    /// The first of each rule.
    errors: BTreeMap<usize, EvaluationError>,
}

impl Rules {
    /// Tests every rule, and says what should be.
    pub fn look(
        &self,
        conversation: &Conversation,
        context: &Context<'_>,
        standing: &mut Standing,
    ) -> Looked {
        self.look_by(conversation, context, standing, None).0
    }

    /// The same, and how long each rule took that had to be tested, by this clock.
    pub fn look_timed(
        &self,
        conversation: &Conversation,
        context: &Context<'_>,
        standing: &mut Standing,
        clock: &dyn Fn() -> Duration,
    ) -> (Looked, Vec<(Arc<str>, Duration)>) {
        let (looked, took) = self.look_by(conversation, context, standing, Some(clock));
        let named =
            took.into_iter().map(|(at, took)| (Arc::clone(&self.rules[at].rule.name), took));
        (looked, named.collect())
    }

    fn look_by(
        &self,
        conversation: &Conversation,
        context: &Context<'_>,
        standing: &mut Standing,
        clock: Option<&dyn Fn() -> Duration>,
    ) -> (Looked, BTreeMap<usize, Duration>) {
        let mut took = BTreeMap::new();
        let mut look = Look {
            rules: self,
            scene: Scene::new(conversation, &self.names, context),
            outcomes: Outcomes::default(),
            wishes: BTreeMap::new(),
            held: BTreeSet::new(),
            missing: BTreeSet::new(),
            held_for: BTreeSet::new(),
            due: None,
            errors: BTreeMap::new(),
        };
        let mut found = Found::default();
        for at in 0..look.scene.elements.len() {
            let element = look.scene.elements[at];
            let index = if element.ended { &self.of_ended } else { &self.index };
            index.candidates(&mut found, |path| look.scene.read(path, element.tested));
            if !found.rules.is_empty() {
                self.conditions.begin(&mut look.outcomes);
            }
            for rule in &found.rules {
                let began = clock.map(|clock| clock());
                look.test(*rule, element);
                if let (Some(clock), Some(began)) = (clock, began) {
                    *took.entry(*rule).or_default() += clock().saturating_sub(began);
                }
            }
        }
        if standing.rules != self.hash {
            standing.rules = self.hash;
            standing
                .held
                .retain(|(name, _)| self.rules.iter().any(|bound| bound.rule.name == *name));
        }
        look.otherwise(standing);
        (look.finish(), took)
    }
}

impl Look<'_> {
    fn test(&mut self, rule: usize, element: Element) {
        let bound = &self.rules.rules[rule];
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

    /// A rule says nothing of an event that it has to see as it was sent, and cannot: neither that it
    /// holds, nor that it does not any more.
    fn abstains(&self, bound: &Bound) -> bool {
        bound.asks_raw && self.scene.raw.json().is_none()
    }

    fn test_once(&mut self, at: usize, element: Element) {
        let Element { tested, rank, .. } = element;
        let Rules { rules, conditions, .. } = self.rules;
        let bound = &rules[at];
        if let Some(timed) = &bound.changes_with_time {
            let turn = time::next_turn(timed, &self.scene, tested, self.scene.now);
            self.due = self.due.into_iter().chain(turn).min();
        }
        // Whether the event is there is asked last: it is parsed for that.
        if !conditions.hold(&bound.conditions, &self.scene, tested, &mut self.outcomes)
            || self.abstains(bound)
        {
            return;
        }
        match bound.rule.when.as_ref().map(|when| when.holds(&self.standpoint(at, tested))) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => return,
            Some(Err(error)) => {
                self.errors.entry(at).or_insert(error);
                return;
            }
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
            // Of an absent key, too: it is met then, and what waits to be written is withdrawn.
            for key in &bound.rule.clear {
                let value = Setting::Plain(Arc::from(""));
                let cleared = Assignment { key: Arc::clone(key), value };
                self.wish(standing, target, &cleared, tested);
            }
        }
    }

    fn standpoint(&self, rule: usize, tested: Tested) -> Standpoint<'_, '_> {
        let Rules { rules, tables, .. } = self.rules;
        Standpoint { scene: &self.scene, tested, tables, rows: &rules[rule].rows }
    }

    /// What is written where a match that held once does not hold now.
    fn otherwise(&mut self, standing: &mut Standing) {
        let participants = &self.scene.conversation.participants;
        let mut gone = Vec::new();
        for (name, id) in &standing.held {
            let rule = self.rules.with_otherwise.get(name);
            let target = participants.iter().position(|participant| participant.id == *id);
            gone.extend(rule.copied().zip(target).filter(|held| !self.held_for.contains(held)));
        }
        for (at, target) in gone {
            let (bound, participant) = (&self.rules.rules[at], &participants[target]);
            if self.abstains(bound) {
                continue;
            }
            let rule = &bound.rule;
            if participant.ended() && !rule.target.outlives_the_end() {
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
        for (at, target) in &self.held_for {
            standing.held_before(&self.rules.rules[*at].rule.name, &participants[*target].id);
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
        let place = (target, Arc::clone(&assignment.key));
        if self.wishes.get(&place).is_some_and(|best| best.standing >= standing) {
            return;
        }
        let value = match rendered(&assignment.value, &self.standpoint(standing.rule, tested)) {
            Ok(Some(value)) => value,
            Ok(None) => return,
            Err(error) => {
                self.errors.entry(standing.rule).or_insert(error);
                return;
            }
        };
        let Bound { rule, digest, .. } = &self.rules.rules[standing.rule];
        let wish = Wish {
            participant: self.scene.conversation.participants[target].id.clone(),
            key: Arc::clone(&assignment.key),
            value,
            rule: Arc::clone(&rule.name),
            digest: *digest,
            write: rule.write,
            dry_run: rule.dry_run,
            during_flow: rule.during_flow,
            useless_after: rule.useless_after,
            urgent: rule.urgent,
        };
        self.wishes.insert(place, Candidate { standing, wish });
    }

    fn finish(self) -> Looked {
        let errors = self.errors.into_iter().map(|(rule, error)| RuleError {
            rule: Arc::clone(&self.rules.rules[rule].rule.name),
            message: error.message,
        });
        let names = self.held.iter().map(|rule| Arc::clone(&self.rules.rules[*rule].rule.name));
        Looked {
            wishes: self.wishes.into_values().map(|candidate| candidate.wish).collect(),
            matches: u32::try_from(self.held.len()).unwrap_or(u32::MAX),
            held: names.collect(),
            targets_missing: u32::try_from(self.missing.len()).unwrap_or(u32::MAX),
            due: self.due,
            errors: errors.collect(),
        }
    }
}

/// The value as it is written; `None` if anything it needs is absent.
pub(super) fn rendered(
    setting: &Setting,
    standpoint: &Standpoint<'_, '_>,
) -> Result<Option<Arc<str>>, EvaluationError> {
    match setting {
        Setting::Plain(text) => Ok(Some(Arc::clone(text))),
        Setting::Template(template) => Ok(template.render(standpoint)?.map(Arc::from)),
    }
}
