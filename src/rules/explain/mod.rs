//! Why a rule holds or does not, and what becomes of what it sets: each rule at each element, each
//! condition with the value that was found.
//!
//! For people who look at one conversation, not for the daemon: everything is tested here, also
//! where [`Rules::look`] stops at the first condition that fails. The two agree: what holds here
//! holds there, and who wins a key is taken from the look itself. Holds values; nothing here is ever
//! logged.
//!
//! What was written before is not known here, so `follow` is taken as if for the first time.

mod condition;
mod effect;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::sync::Arc;

use self::condition::check_all;
use self::effect::Effects;
use super::bound::{Bound, Rules};
use super::condition::Condition;
use super::expression::{Expression, Scenery as _};
use super::field::{Path, Value};
use super::file::Rule;
use super::lists::Tables;
use super::look::{Context, Looked, Standing};
use super::standpoint::Standpoint;
use super::subjects::{Element, Scene, Tested};
use crate::events::conversation::{Conversation, Media, Participant};
use crate::genesys::{ConversationId, ParticipantId};

/// Every rule that is enabled, at one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub conversation: ConversationId,
    /// Nobody is connected and no after-call work is pending.
    pub over: bool,
    /// A flow runs that holds attributes in memory: most writes wait for its end.
    pub in_flow: bool,
    /// In the order of the file.
    pub rules: Vec<Explained>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub rule: Arc<Rule>,
    /// One for each communication of each participant; for rules that speak of `watched`, one for
    /// each of those and each watched participant.
    pub tests: Vec<Test>,
    /// What it would have, once for each target and key; empty if it holds nowhere.
    pub effects: Vec<Effect>,
    /// What could not be evaluated, and so does not hold.
    pub errors: Vec<String>,
}

/// One rule at one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub participant: Who,
    /// Whom `watched` means, in rules that speak of it.
    pub watched: Option<Who>,
    /// It has ended, and the rule does not name `ended`: it is not looked at, whatever its
    /// conditions say.
    pub passed_over: bool,
    pub conditions: Vec<Checked>,
}

/// A participant, with the communication that was tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub id: ParticipantId,
    pub purpose: Option<String>,
    pub communication: Option<Leg>,
    pub ended: bool,
}

/// What kind of communication, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub media: Media,
    pub state: Option<String>,
}

/// One condition at one element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What was looked at, such as `customer.number`.
    pub subject: String,
    /// What it has to be like, in words.
    pub wanted: String,
    /// `None`: it is absent.
    pub found: Option<String>,
    pub holds: bool,
    /// What else one has to know to understand it.
    pub note: Option<&'static str>,
    /// Of a condition made of others: these, each alternative apart. Where it is about some or no
    /// participant, as they are at the one who is `found`, else at the one who came nearest.
    pub parts: Vec<Vec<Checked>>,
}

/// What a rule that holds wants of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// `None`: the target is not there.
    pub target: Option<Who>,
    pub key: Arc<str>,
    /// `None`: something that it needs is absent.
    pub value: Option<Arc<str>>,
    /// What the attribute is now; an empty one is absent.
    pub now: Option<String>,
    /// It is what the rule says for when it no longer holds.
    pub otherwise: bool,
    pub fate: Fate,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Written,
    /// It is so already.
    Met,
    /// It is written only where there is nothing, and there is something.
    Exists,
    /// It would be written, if it were not for the dry run.
    DryRun,
    /// It is written when the flow that runs has ended.
    AfterFlow,
    /// These are absent, and without them there is no value.
    Abstained {
        absent: Vec<String>,
    },
    /// The same rule has a value from a newer element.
    Older,
    /// Another rule has it: a later one in the file, or one that is not in dry run.
    Lost {
        to: Arc<str>,
    },
    NoTarget,
}

/// How many of a conjunction hold.
fn nearness(conditions: &[Checked]) -> usize {
    conditions.iter().filter(|condition| condition.holds).count()
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.purpose.as_deref().unwrap_or("participant"), self.id)?;
        if let Some(Leg { media, state }) = &self.communication {
            write!(f, ", {} {}", media.word(), state.as_deref().unwrap_or("in no state"))?;
        }
        if self.ended { write!(f, " (ended)") } else { Ok(()) }
    }
}

impl Explained {
    pub fn holds(&self) -> bool {
        self.tests.iter().any(Test::holds)
    }

    /// The test that came nearest to holding: the one at which most conditions hold. `None` if nobody
    /// was looked at.
    pub fn nearest(&self) -> Option<&Test> {
        let looked_at = self.tests.iter().filter(|test| !test.passed_over);
        // Of equal ones the first.
        looked_at.rev().max_by_key(|test| nearness(&test.conditions))
    }
}

impl Test {
    pub fn holds(&self) -> bool {
        !self.passed_over && self.first_failed().is_none()
    }

    /// The place of the first condition that does not hold.
    pub fn first_failed(&self) -> Option<usize> {
        self.conditions.iter().position(|condition| !condition.holds)
    }
}

impl Rules {
    /// Tests every condition of every rule at every element. `standing` is what held at the
    /// conversation before; it is left as it is.
    pub fn explain(
        &self,
        conversation: &Conversation,
        context: &Context<'_>,
        standing: &Standing,
    ) -> Explanation {
        self.explain_some(conversation, context, standing, &|_| true)
    }

    /// The same, of some rules only.
    pub fn explain_some(
        &self,
        conversation: &Conversation,
        context: &Context<'_>,
        standing: &Standing,
        wanted: &dyn Fn(&Rule) -> bool,
    ) -> Explanation {
        let looked = self.look(conversation, context, &mut standing.clone());
        let scene = Scene::new(conversation, self.names(), context);
        let rules = self.bound().iter().filter(|bound| wanted(&bound.rule));
        Explanation {
            conversation: conversation.id.clone(),
            over: conversation.is_over(),
            in_flow: conversation.in_flow(),
            rules: rules.map(|bound| explained(self, bound, &scene, &looked)).collect(),
        }
    }
}

fn explained(rules: &Rules, bound: &Bound, scene: &Scene<'_>, looked: &Looked) -> Explained {
    let tables = rules.tables();
    let conditions: Vec<Condition> = rules.conditions().at(&bound.conditions).cloned().collect();
    let mut tests = Vec::new();
    let mut effects = Effects::new(bound, scene, tables, looked);
    for element in &scene.elements {
        for tested in once_or_for_each_watched(bound, scene, element) {
            let test = test((bound, &conditions), scene, tables, element, tested);
            if test.holds() {
                effects.of(Element { tested, ..*element });
            }
            tests.push(test);
        }
    }
    let errors = looked.errors.iter().filter(|error| error.rule == bound.rule.name);
    Explained {
        rule: Arc::clone(&bound.rule),
        tests,
        effects: effects.judged(),
        errors: errors.map(|error| error.message.clone()).collect(),
    }
}

fn once_or_for_each_watched(bound: &Bound, scene: &Scene<'_>, element: &Element) -> Vec<Tested> {
    if !bound.speaks_of_watched {
        return vec![element.tested];
    }
    let watched = scene.watched.iter();
    watched.map(|at| Tested { watched: Some(*at), ..element.tested }).collect()
}

fn test(
    (bound, conditions): (&Bound, &[Condition]),
    scene: &Scene<'_>,
    tables: &Tables,
    element: &Element,
    tested: Tested,
) -> Test {
    let mut conditions = check_all(&bound.rule.conditions, conditions, scene, tested);
    if let Some(when) = &bound.rule.when {
        let standpoint = Standpoint { scene, tested, tables, rows: &bound.rows };
        conditions.push(Checked::when(when, &standpoint));
    }
    let all_hold = conditions.iter().all(|condition| condition.holds);
    if bound.asks_raw && all_hold && scene.raw.json().is_none() {
        conditions.push(Checked::no_raw());
    }
    let watched = tested.watched.map(|at| &scene.conversation.participants[at]);
    Test {
        participant: Who::of(scene, tested),
        watched: watched.map(|one| Who::new(one, None)),
        passed_over: element.ended && !bound.looks_at_ended,
        conditions,
    }
}

impl Checked {
    /// The expression, with what each field in it is.
    fn when(when: &Expression, standpoint: &Standpoint<'_, '_>) -> Checked {
        let (holds, note) = match when.holds(standpoint) {
            Ok(holds) => (holds, None),
            Err(_) => (false, Some("it could not be evaluated")),
        };
        let of = |path: &Path| {
            let value = standpoint.show(path).map_or_else(|| "absent".to_owned(), Value::into_text);
            format!("{path} = {value}")
        };
        let found: Vec<String> = when.tested().map(of).collect();
        Checked {
            subject: "when".to_owned(),
            wanted: when.text().to_string(),
            found: (!found.is_empty()).then(|| found.join(", ")),
            holds,
            note,
            parts: Vec::new(),
        }
    }
}

impl Who {
    fn new(participant: &Participant, communication: Option<usize>) -> Who {
        let leg = communication.map(|at| &participant.communications[at]);
        Who {
            id: participant.id.clone(),
            purpose: participant.purpose.as_deref().map(str::to_owned),
            communication: leg.map(|leg| Leg {
                media: leg.media,
                state: leg.state.as_deref().map(str::to_owned),
            }),
            ended: participant.ended() || leg.is_some_and(|leg| leg.ended()),
        }
    }

    /// Whoever is tested; for a conversation without participants nobody.
    fn of(scene: &Scene<'_>, tested: Tested) -> Who {
        let who = tested.participant.map(|at| &scene.conversation.participants[at]);
        who.map_or_else(Who::nobody, |one| Who::new(one, tested.communication))
    }

    fn nobody() -> Who {
        Who { id: ParticipantId::new(""), purpose: None, communication: None, ended: false }
    }
}
