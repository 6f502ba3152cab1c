//! The first moment of a conversation: who calls, writes or is called, and where it comes in.

use super::dice::Dice;
use super::model::{Contact, Leg, Media, Millis, Model, Note, Party};
use super::organization::Organization;

const MESSAGE_TYPES: [&str; 6] =
    ["webmessaging", "webmessaging", "whatsapp", "sms", "open", "facebook"];
const SUBJECTS: [&str; 5] = [
    "Question about my invoice",
    "Contract renewal",
    "Claim 4711",
    "Delivery is late",
    "RE: your offer",
];

/// A customer comes in: the customer and the flow that receives them.
pub(super) fn inbound(
    media: Media,
    dice: &mut Dice,
    organization: &Organization,
    now: Millis,
) -> Model {
    let mut model = model(media, "inbound", dice, organization, now);
    let initial = if media == Media::Callback { "scheduled" } else { "connected" };
    let leg = Leg::new(media, dice.id(), initial, None);
    let peer = leg.id.clone();
    let mut customer =
        Party::new(dice.id(), "customer", model.theirs.name.clone(), leg, now).connected_at(now);
    customer.address = Some(model.theirs.address.clone());
    customer.contact = dice.chance(0.4).then(|| dice.id());
    if media == Media::Message {
        customer.legs[0].messages.push(Note { id: dice.id(), at: now, status: "received" });
        customer.attributes.insert("context.email".to_owned(), dice.mailbox(&customer.name));
    }
    let entry = flow(media, peer, dice, organization, now);
    model.parties = vec![customer, entry];
    model
}

/// The flow that has customers of this medium, whose leg is `peer`.
pub(super) fn flow(
    media: Media,
    peer: String,
    dice: &mut Dice,
    organization: &Organization,
    now: Millis,
) -> Party {
    let (purpose, name, flow) = match media {
        Media::Call => ("ivr", "Main Menu", 0),
        Media::Message => ("workflow", "Inbound Message Flow", 1),
        Media::Email => ("workflow", "Inbound Email Flow", 2),
        Media::Callback => ("ivr", "Callback Menu", 0),
    };
    let leg = Leg::new(media, dice.id(), "connected", Some(peer));
    let mut party =
        Party::new(dice.id(), purpose, name.to_owned(), leg, now).connected_at(now + 40);
    party.workflow = organization.flows.get(flow).cloned();
    party
}

/// An agent calls somebody: no flow, no queue leg, and the number is dialled.
pub(super) fn outbound(dice: &mut Dice, organization: &Organization, now: Millis) -> Model {
    let mut model = model(Media::Call, "outbound", dice, organization, now);
    let customer_leg = Leg::new(Media::Call, dice.id(), "contacting", None);
    let agent_leg = Leg::new(Media::Call, dice.id(), "dialing", Some(customer_leg.id.clone()));
    // On behalf of a queue it is a customer, else an external party.
    let queue = dice.chance(0.6).then(|| dice.pick(&organization.queues)).flatten();
    if let Some(user) = dice.pick(&organization.users) {
        let mut agent = Party::new(dice.id(), "agent", user.name.clone(), agent_leg, now);
        agent.user = Some(user.id.clone());
        agent.queue = queue.map(|queue| queue.id.clone());
        model.parties.push(agent);
    }
    let purpose = if queue.is_some() { "customer" } else { "external" };
    let mut customer = Party::new(dice.id(), purpose, model.theirs.name.clone(), customer_leg, now);
    customer.address = Some(model.theirs.address.clone());
    customer.queue = queue.map(|queue| queue.id.clone());
    model.parties.push(customer);
    model
}

fn model(
    media: Media,
    direction: &'static str,
    dice: &mut Dice,
    organization: &Organization,
    now: Millis,
) -> Model {
    let name = dice.person();
    let message_type = if media == Media::Message { dice.word(&MESSAGE_TYPES) } else { "" };
    let address = match (media, message_type) {
        (Media::Call | Media::Callback, _) | (Media::Message, "sms" | "whatsapp") => dice.number(),
        (Media::Message, _) => format!("guest-{:08x}", dice.between(0, i64::from(u32::MAX))),
        // Partners write from an office's mailbox, people from their own.
        (Media::Email, _) if dice.chance(0.25) => {
            format!("{}@partner.example", dice.word(&["orders", "service"]))
        }
        (Media::Email, _) => dice.mailbox(&name),
    };
    let address = match media {
        // Telephone numbers of messages carry no scheme.
        Media::Message => address.trim_start_matches("tel:").to_owned(),
        Media::Call | Media::Callback | Media::Email => address,
    };
    let ours = match media {
        Media::Call | Media::Callback => Contact {
            name: "Main Line".to_owned(),
            address: dice.pick(&organization.lines).cloned().unwrap_or_default(),
        },
        Media::Message => {
            Contact { name: "Support Messenger".to_owned(), address: organization.script.clone() }
        }
        Media::Email => {
            Contact { name: "Service".to_owned(), address: "service@example.com".to_owned() }
        }
    };
    Model {
        id: dice.id(),
        media,
        direction,
        ours,
        theirs: Contact { name, address },
        message_type,
        subject: dice.word(&SUBJECTS).to_owned(),
        journey: (message_type == "webmessaging").then(|| (dice.id(), dice.id())),
        external_tag: dice.chance(0.1).then(|| format!("TAG-{}", dice.between(100, 999))),
        scheduled: (media == Media::Callback).then_some(now + 1_000),
        started: now,
        parties: Vec::new(),
        transfers: Vec::new(),
    }
}
