//! Handing a conversation on: to a queue, to a user, to the menu, with or without asking first.
//!
//! Each says whether it fitted; what does not fit changes nothing.

use super::birth;
use super::handling::set_hold;
use super::model::{Millis, Model, Party, Transfer};
use super::organization::Organization;
use super::steps::{Around, Written, add_agent, choose, enter_queue};

pub(super) fn to_user(model: &mut Model, back: bool, around: &mut Around<'_>) -> bool {
    let Some(&agent) = model.agents_where(Party::talking).last() else { return false };
    let Some(initiator) = model.parties[agent].user.clone() else { return false };
    let first = model
        .agents_where(|party| party.connected.is_some() && party.user.as_ref() != Some(&initiator));
    let target = match first.first() {
        Some(&first) if back => model.parties[first].user.clone(),
        Some(_) | None => choose(model, &everybody(around.organization), around),
    };
    let Some(target) = target else { return false };
    model.parties[agent].leave("transfer", true, around.now);
    let queue = model.parties[agent].queue.clone();
    transferred(model, initiator, (Some(target.clone()), None), (false, true), around);
    add_agent(model, &target, queue, None, around)
}

fn everybody(organization: &Organization) -> Vec<String> {
    organization.users.iter().map(|user| user.id.clone()).collect()
}

pub(super) fn consult(model: &mut Model, around: &mut Around<'_>) -> bool {
    let (Some(&agent), Some(customer)) =
        (model.agents_where(Party::talking).last(), model.customer())
    else {
        return false;
    };
    let Some(initiator) = model.parties[agent].user.clone() else { return false };
    let Some(target) = choose(model, &everybody(around.organization), around) else { return false };
    set_hold(model, Some(around.now));
    let consulted = Some(model.parties[customer].id.clone());
    let queue = model.parties[agent].queue.clone();
    transferred(model, initiator, (Some(target.clone()), None), (true, false), around);
    add_agent(model, &target, queue, consulted, around)
}

pub(super) fn consult_ends(model: &mut Model, complete: bool, now: Millis) -> bool {
    let there = model.agents_where(|party| party.talking() || party.alerting());
    let (Some(&first), Some(&second)) = (there.first(), there.get(1)) else { return false };
    set_hold(model, None);
    if complete && model.parties[second].talking() {
        model.parties[first].leave("transfer.consult", true, now);
        if let Some(transfer) = model.transfers.last_mut() {
            transfer.complete = true;
        }
    } else {
        model.parties[second].leave("client", false, now);
    }
    true
}

fn transferred(
    model: &mut Model,
    initiator: String,
    (to_user, to_address): (Option<String>, Option<String>),
    (attended, complete): (bool, bool),
    around: &mut Around<'_>,
) {
    let id = around.dice.id();
    model.transfers.push(Transfer {
        id,
        at: around.now,
        initiator,
        to_user,
        to_address,
        attended,
        complete,
    });
}

pub(super) fn to_flow(model: &mut Model, around: &mut Around<'_>) -> bool {
    let Some(&agent) = model.agents_where(Party::talking).last() else { return false };
    let Some(initiator) = model.parties[agent].user.clone() else { return false };
    let Some(peer) = model.customer_leg().map(|leg| leg.id.clone()) else { return false };
    model.parties[agent].leave("transfer", true, around.now);
    let flow = birth::flow(model.media, peer, around.dice, around.organization, around.now);
    transferred(model, initiator, (None, Some(flow.name.clone())), (false, true), around);
    model.parties.push(flow);
    true
}

pub(super) fn to_queue(
    model: &mut Model,
    queue: usize,
    around: &mut Around<'_>,
) -> Option<Vec<Written>> {
    let agent = *model.agents_where(Party::talking).last()?;
    let initiator = model.parties[agent].user.clone()?;
    model.parties[agent].leave("transfer", true, around.now);
    let customer = model.customer()?;
    let known = model.parties[customer].attributes.clone();
    let address = around.organization.queues.get(queue).map(|queue| queue.name.clone());
    transferred(model, initiator, (None, address), (false, true), around);
    let acd = enter_queue(model, queue, known.clone(), around)?;
    Some(vec![(acd, known)])
}
