//! What people do in a conversation: answer, hold, write, park, dial, hang up, wrap up.
//!
//! Each says whether it fitted; what does not fit changes nothing. How they come into it and are
//! handed on is in `steps` and `transfers`.

use super::model::{Leg, Media, Millis, Model, Note, Party, Wrapup};
use super::steps::Around;

/// The leg that is talked on: of a callback, the call it led to.
fn talking_leg(party: &mut Party) -> Option<&mut Leg> {
    party.legs.iter_mut().rfind(|leg| leg.live() && leg.state == "connected")
}

pub(super) fn hold(model: &mut Model, now: Millis) -> bool {
    set_hold(model, Some(now))
}

pub(super) fn unhold(model: &mut Model) -> bool {
    set_hold(model, None)
}

pub(super) fn set_hold(model: &mut Model, since: Option<Millis>) -> bool {
    let (Some(&agent), Some(customer)) =
        (model.agents_where(Party::talking).first(), model.customer())
    else {
        return false;
    };
    let Some(leg) = talking_leg(&mut model.parties[agent]) else { return false };
    if leg.held_since.is_some() == since.is_some() {
        return false;
    }
    leg.held_since = since;
    if let Some(leg) = talking_leg(&mut model.parties[customer]) {
        leg.confined = since.is_some();
    }
    true
}

pub(super) fn message(model: &mut Model, by_agent: bool, around: &mut Around<'_>) -> bool {
    let who = if by_agent {
        model.agents_where(Party::talking).last().copied()
    } else {
        model.customer()
    };
    let Some(leg) =
        who.and_then(|who| model.parties[who].legs.first_mut()).filter(|leg| leg.live())
    else {
        return false;
    };
    let status = if by_agent { "sent" } else { "received" };
    leg.messages.push(Note { id: around.dice.id(), at: around.now, status });
    true
}

pub(super) fn park(model: &mut Model, now: Millis) -> bool {
    let Some(&agent) = model.agents_where(Party::talking).last() else { return false };
    let Some(leg) = talking_leg(&mut model.parties[agent]) else { return false };
    leg.state = "parked";
    leg.parked = Some(now);
    true
}

pub(super) fn unpark(model: &mut Model, now: Millis) -> bool {
    let Some(leg) = model
        .parties
        .iter_mut()
        .flat_map(|party| &mut party.legs)
        .find(|leg| leg.state == "parked")
    else {
        return false;
    };
    leg.state = "connected";
    leg.resumed = Some(now);
    true
}

pub(super) fn dial(model: &mut Model, around: &mut Around<'_>) -> bool {
    let (Some(&agent), Some(customer)) =
        (model.agents_where(Party::talking).last(), model.customer())
    else {
        return false;
    };
    let theirs = Leg::new(Media::Call, around.dice.id(), "dialing", None);
    let ours = Leg::new(Media::Call, around.dice.id(), "contacting", Some(theirs.id.clone()));
    model.parties[customer].legs.push(theirs);
    model.parties[agent].legs.push(ours);
    true
}

pub(super) fn call_answered(model: &mut Model, now: Millis) -> bool {
    let mut any = false;
    for party in model.parties.iter_mut().filter(|party| party.ended.is_none()) {
        for leg in party.legs.iter_mut().filter(|leg| leg.live() && leg.connected.is_none()) {
            leg.connect(now);
            party.connected.get_or_insert(now);
            any = true;
        }
    }
    any
}

pub(super) fn call_ends(model: &mut Model, now: Millis) -> bool {
    let mut any = false;
    for party in &mut model.parties {
        let why = if party.is_agent() { "peer" } else { "endpoint" };
        for leg in party.legs.iter_mut().filter(|leg| leg.media == Media::Call && leg.live()) {
            leg.disconnect(why, now);
            any = true;
        }
    }
    any
}

pub(super) fn hang_up(
    model: &mut Model,
    by_customer: bool,
    work: bool,
    lingering: bool,
    now: Millis,
) -> bool {
    let ending = if by_customer { "endpoint" } else { "client" };
    let busy = model.agents_where(Party::talking).last().copied();
    for (n, party) in model.parties.iter_mut().enumerate() {
        let own = party.is_agent() != by_customer;
        party.leave(if own { ending } else { "peer" }, work && Some(n) == busy, now);
        // Genesys has been seen to leave the state as it was (FACTS 2.5.5).
        if lingering && Some(n) == busy {
            for leg in party.legs.iter_mut().filter(|leg| leg.media == Media::Callback) {
                leg.state = "connected";
            }
        }
    }
    true
}

pub(super) fn wrap_up(model: &mut Model, around: &mut Around<'_>) -> bool {
    let now = around.now;
    let working = model.agents_where(|party| party.work_began.is_some() && party.ended.is_none());
    let Some(&agent) = working.iter().min_by_key(|&&n| model.parties[n].work_began) else {
        return false;
    };
    let party = &mut model.parties[agent];
    let began = party.work_began.unwrap_or(now);
    party.work_ended = Some(now);
    party.ended = Some(now);
    party.wrapup = around.dice.pick(&around.organization.wrapup_codes).map(|code| Wrapup {
        code: code.id.clone(),
        notes: around.dice.word(&["", "Explained the invoice.", "Will call again."]),
        seconds: (now - began) / 1000,
        at: now,
    });
    for leg in &mut party.legs {
        if !leg.live() {
            leg.state = "disconnected";
        }
    }
    true
}

pub(super) fn no_answer(model: &mut Model, now: Millis) -> bool {
    let Some(&agent) = model.agents_where(Party::alerting).last() else { return false };
    model.parties[agent].leave("transfer.noanswer", false, now);
    true
}

pub(super) fn answer(model: &mut Model, now: Millis) -> bool {
    let Some(&agent) = model.agents_where(Party::alerting).last() else { return false };
    if let Some(acd) = model.queue_leg() {
        model.parties[acd].leave("transfer", false, now);
    }
    let party = &mut model.parties[agent];
    party.connected = Some(now);
    for leg in &mut party.legs {
        leg.connect(now);
    }
    true
}
