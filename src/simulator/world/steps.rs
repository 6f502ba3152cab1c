//! What happens to a conversation, one step at a time.
//!
//! A step that no longer fits (nobody is there to be held) changes nothing and says so. Steps
//! touch facts only; who hears of them is decided by the world.

use std::collections::BTreeMap;

use super::dice::Dice;
use super::handling::{
    answer, call_answered, call_ends, dial, hang_up, hold, message, no_answer, park, unhold,
    unpark, wrap_up,
};
use super::life::Step;
use super::model::{Leg, Millis, Model, Party, Routing};
use super::organization::Organization;
use super::transfers::{consult, consult_ends, to_flow, to_queue, to_user};

/// What a step needs to know of the world around it.
pub(super) struct Around<'a> {
    pub(super) organization: &'a Organization,
    /// How many conversations each user is in.
    pub(super) load: &'a BTreeMap<String, usize>,
    pub(super) dice: &'a mut Dice,
    pub(super) now: Millis,
}

/// Attributes that a step wrote: on which party, and what.
pub(super) type Written = (usize, BTreeMap<String, String>);

/// `None` when the step did not fit; else what it wrote, which is mostly nothing.
pub(super) fn apply(
    model: &mut Model,
    step: &Step,
    around: &mut Around<'_>,
) -> Option<Vec<Written>> {
    if model.over_since().is_some() {
        return None;
    }
    let nothing = |done: bool| done.then(Vec::new);
    match step {
        Step::FlowEnds { queue, attributes } => flow_ends(model, *queue, attributes, around),
        Step::Alert => nothing(alert(model, around)),
        Step::NoAnswer => nothing(no_answer(model, around.now)),
        Step::Answer => nothing(answer(model, around.now)),
        Step::Hold => nothing(hold(model, around.now)),
        Step::Unhold => nothing(unhold(model)),
        Step::Note { key, value } => {
            let customer = model.customer()?;
            Some(vec![(customer, BTreeMap::from([((*key).to_owned(), value.clone())]))])
        }
        Step::Message { by_agent } => nothing(message(model, *by_agent, around)),
        Step::Reply => nothing(message(model, true, around)),
        Step::Park => nothing(park(model, around.now)),
        Step::Unpark => nothing(unpark(model, around.now)),
        Step::ToQueue { queue } => to_queue(model, *queue, around),
        Step::ToUser { back } => nothing(to_user(model, *back, around)),
        Step::ToFlow => nothing(to_flow(model, around)),
        Step::Consult => nothing(consult(model, around)),
        Step::ConsultEnds { complete } => nothing(consult_ends(model, *complete, around.now)),
        Step::Dial => nothing(dial(model, around)),
        Step::CallAnswered => nothing(call_answered(model, around.now)),
        Step::CallEnds => nothing(call_ends(model, around.now)),
        Step::HangUp { by_customer, after_call_work, lingering } => {
            nothing(hang_up(model, *by_customer, *after_call_work, *lingering, around.now))
        }
        Step::WrapUp => nothing(wrap_up(model, around)),
        Step::Abandon => nothing(hang_up(model, true, false, false, around.now)),
    }
}

fn flow_ends(
    model: &mut Model,
    queue: usize,
    attributes: &BTreeMap<String, String>,
    around: &mut Around<'_>,
) -> Option<Vec<Written>> {
    let flow =
        model.parties.iter_mut().find(|party| party.workflow.is_some() && party.ended.is_none())?;
    flow.leave("transfer", false, around.now);
    let customer = model.customer()?;
    let mut known = model.parties[customer].attributes.clone();
    known.extend(attributes.clone());
    let acd = enter_queue(model, queue, known.clone(), around)?;
    // The queue leg gets a copy of what the customer has (FACTS 2.5.4).
    Some(vec![(customer, attributes.clone()), (acd, known)])
}

/// Adds the queue's own leg; its attributes are the caller's to report.
pub(super) fn enter_queue(
    model: &mut Model,
    queue: usize,
    attributes: BTreeMap<String, String>,
    around: &mut Around<'_>,
) -> Option<usize> {
    let organization = around.organization;
    let queue = organization.queues.get(queue)?;
    let customer = model.customer()?;
    let peer = model.customer_leg().map(|leg| leg.id.clone());
    let leg = Leg::new(model.media, around.dice.id(), "connected", peer);
    let mut acd = Party::new(around.dice.id(), "acd", queue.name.clone(), leg, around.now)
        .connected_at(around.now);
    acd.queue = Some(queue.id.clone());
    let priority = attributes.get("ivr.Priority").and_then(|text| text.parse().ok()).unwrap_or(0);
    acd.routing = Some(Routing {
        language: around.dice.pick(&organization.languages).cloned().unwrap_or_default(),
        skills: around.dice.pick(&organization.skills).cloned().into_iter().collect(),
        priority,
    });
    model.parties[customer].queue = Some(queue.id.clone());
    model.parties.push(acd);
    Some(model.parties.len() - 1)
}

fn alert(model: &mut Model, around: &mut Around<'_>) -> bool {
    let Some(acd) = model.queue_leg().filter(|&acd| model.parties[acd].ended.is_none()) else {
        return false;
    };
    let queue = model.parties[acd].queue.clone();
    let Some(found) =
        around.organization.queues.iter().find(|known| Some(&known.id) == queue.as_ref())
    else {
        return false;
    };
    match choose(model, &found.members, around) {
        Some(user) => add_agent(model, &user, queue, None, around),
        None => false,
    }
}

/// The least busy of them who is not in the conversation now, rather one who never was.
pub(super) fn choose(model: &Model, from: &[String], around: &mut Around<'_>) -> Option<String> {
    let in_it = |user: &String, now_only: bool| {
        model
            .parties
            .iter()
            .any(|party| party.user.as_ref() == Some(user) && !(now_only && party.ended.is_some()))
    };
    let fresh: Vec<&String> = from.iter().filter(|user| !in_it(user, false)).collect();
    let again: Vec<&String> = from.iter().filter(|user| !in_it(user, true)).collect();
    let candidates = if fresh.is_empty() { again } else { fresh };
    let load = |user: &String| around.load.get(user).copied().unwrap_or(0);
    let least = candidates.iter().map(|user| load(user)).min()?;
    let free: Vec<&String> = candidates.into_iter().filter(|user| load(user) == least).collect();
    around.dice.pick(&free).map(|&user| user.clone())
}

pub(super) fn add_agent(
    model: &mut Model,
    user: &str,
    queue: Option<String>,
    consult_of: Option<String>,
    around: &mut Around<'_>,
) -> bool {
    let Some(user) = around.organization.user(user) else { return false };
    let peer = model.customer_leg().map(|leg| leg.id.clone());
    let leg = Leg::new(model.media, around.dice.id(), "alerting", peer);
    let mut agent = Party::new(around.dice.id(), "agent", user.name.clone(), leg, around.now);
    agent.user = Some(user.id.clone());
    agent.queue = queue;
    agent.consult_of = consult_of;
    model.parties.push(agent);
    true
}
