//! Whole lives, planned at birth: how a conversation begins, and what will happen to it when.
//!
//! A plan is a list of steps with their times; that a step still fits when its time comes is
//! `steps`' business. Lives last about 8 to 40 seconds at a pace of 1, so that half a minute shows
//! all that conversations do.

use std::collections::BTreeMap;

use super::Shape;
use super::birth;
use super::dice::Dice;
use super::model::{Media, Millis, Model};
use super::organization::{MAIN_QUEUES, Organization};

/// One thing that happens to a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The flow ends, writes what it knows on the customer, and hands over to a queue.
    FlowEnds {
        queue: usize,
        attributes: BTreeMap<String, String>,
    },
    /// An agent of the queue is alerted; one who was not asked before, if there is one.
    Alert,
    NoAnswer,
    Answer,
    Hold,
    Unhold,
    /// Another program writes a key of its own on the customer.
    Note {
        key: &'static str,
        value: String,
    },
    Message {
        by_agent: bool,
    },
    Reply,
    Park,
    Unpark,
    /// The agent gives the conversation to a queue and leaves.
    ToQueue {
        queue: usize,
    },
    /// The agent gives it straight to a user: back to its first agent, or to somebody new.
    ToUser {
        back: bool,
    },
    /// The agent sends the customer back to the menu, and leaves.
    ToFlow,
    /// The agent holds the customer and asks a colleague.
    Consult,
    ConsultEnds {
        complete: bool,
    },
    /// The agent of a callback calls the customer.
    Dial,
    CallAnswered,
    CallEnds,
    /// `lingering`: a leg still says `connected` though it is not (FACTS 2.5.5).
    HangUp {
        by_customer: bool,
        after_call_work: bool,
        lingering: bool,
    },
    /// Whoever has after-call work for longest is done with it.
    WrapUp,
    /// The customer gives up.
    Abandon,
}

/// A life to be: its first moment, and the rest.
pub(super) struct Life {
    pub(super) model: Model,
    pub(super) steps: Vec<(Millis, Step)>,
}

/// Makes a life that begins at `now`. The shape's pace stretches all but its first moment.
pub(super) fn life(
    dice: &mut Dice,
    organization: &Organization,
    shape: &Shape,
    now: Millis,
) -> Life {
    let media = match dice.place(100) {
        0..42 => Media::Call,
        42..64 => Media::Message,
        64..82 => Media::Callback,
        _ => Media::Email,
    };
    let outbound = media == Media::Call && dice.chance(0.12);
    let model = if outbound {
        birth::outbound(dice, organization, now)
    } else {
        birth::inbound(media, dice, organization, now)
    };
    let mut plan = Plan { dice, shape, at: now, steps: Vec::new() };
    match (media, outbound) {
        (Media::Call, true) => plan.outbound(),
        (Media::Call, false) => plan.call(),
        (Media::Message, _) => plan.message(),
        (Media::Email, _) => plan.email(),
        (Media::Callback, _) => plan.callback(),
    }
    Life { model, steps: plan.steps }
}

struct Plan<'a> {
    dice: &'a mut Dice,
    shape: &'a Shape,
    at: Millis,
    steps: Vec<(Millis, Step)>,
}

impl Plan<'_> {
    /// The next step comes `low` to `high` milliseconds after the one before.
    fn then(&mut self, low: i64, high: i64, step: Step) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a few seconds"
        )]
        let wait = (self.dice.between(low, high) as f64 * self.shape.pace) as i64;
        self.at += wait.max(1);
        self.steps.push((self.at, step));
    }

    fn call(&mut self) {
        if !self.until_answered(600, 2500) {
            return;
        }
        self.note(0.6);
        self.holds();
        self.transfers(true);
        self.end(0.7);
    }

    fn outbound(&mut self) {
        self.then(900, 2600, Step::CallAnswered);
        self.note(0.4);
        self.holds();
        self.end(0.4);
    }

    fn message(&mut self) {
        if !self.until_answered(300, 900) {
            return;
        }
        for _ in 0..self.dice.between(1, 4) {
            self.then(600, 2200, Step::Message { by_agent: false });
            self.then(600, 1800, Step::Message { by_agent: true });
        }
        self.note(0.4);
        if self.dice.chance(0.2) {
            self.then(400, 1000, Step::Park);
            self.then(1500, 3000, Step::Unpark);
        }
        self.transfers(false);
        self.end(0.3);
    }

    fn email(&mut self) {
        if !self.until_answered(300, 800) {
            return;
        }
        self.note(0.3);
        if self.dice.chance(0.5) {
            self.then(800, 2000, Step::Park);
            self.then(2000, 5000, Step::Unpark);
        }
        self.transfers(false);
        self.then(1500, 4000, Step::Reply);
        self.end(0.0);
    }

    fn callback(&mut self) {
        if !self.until_answered(300, 1500) {
            return;
        }
        self.then(800, 2000, Step::Dial);
        self.then(1000, 2500, Step::CallAnswered);
        self.note(0.4);
        self.holds();
        self.then(1500, 3000, Step::CallEnds);
        if self.dice.chance(0.25) {
            // The line was bad: once more on the same callback.
            self.then(500, 1000, Step::Dial);
            self.then(800, 1500, Step::CallAnswered);
            self.then(1200, 2000, Step::CallEnds);
        }
        self.end(0.0);
    }

    /// Flow, queue, alerting, now and then another agent. False when the customer gave up.
    fn until_answered(&mut self, low: i64, high: i64) -> bool {
        if self.dice.chance(0.03) {
            self.then(low, high, Step::Abandon);
            return false;
        }
        let queue = self.dice.place(MAIN_QUEUES);
        let attributes = self.flow_attributes(queue);
        self.then(low, high, Step::FlowEnds { queue, attributes });
        if self.dice.chance(0.05) {
            self.then(1500, 4000, Step::Abandon);
            return false;
        }
        self.then(400, 3000, Step::Alert);
        if self.dice.chance(0.15) {
            self.then(1800, 2600, Step::NoAnswer);
            self.then(300, 900, Step::Alert);
        }
        self.then(700, 2000, Step::Answer);
        true
    }

    fn flow_attributes(&mut self, queue: usize) -> BTreeMap<String, String> {
        let dice = &mut *self.dice;
        let mut known = BTreeMap::new();
        let mut set = |key: &str, value: String| known.insert(key.to_owned(), value);
        let menu = ["billing", "support", "sales", "claims"][queue % MAIN_QUEUES];
        set("menu.choice", menu.to_owned());
        if dice.chance(0.9) {
            set("account.number", format!("AC-{}", dice.between(10_000, 99_999)));
        }
        if dice.chance(0.85) {
            set(
                "crm.tier",
                dice.word(&["gold", "silver", "silver", "bronze", "bronze"]).to_owned(),
            );
        }
        if dice.chance(0.8) {
            set("language", dice.word(&["de", "de", "en", "fr", "at"]).to_owned());
        }
        set("ivr.Priority", dice.between(0, 9).to_string());
        if dice.chance(0.3) {
            set("page", dice.word(&["/pricing", "/invoices", "/help"]).to_owned());
        }
        known
    }

    /// Another program, the CRM or the desktop, writes something of its own.
    fn note(&mut self, probability: f64) {
        if self.dice.chance(probability) {
            let value = format!("CS-{}", self.dice.between(10_000, 99_999));
            self.then(200, 900, Step::Note { key: "crm.caseId", value });
        }
        if self.dice.chance(probability / 3.0) {
            let value = self.dice.word(&["identified", "verified", "failed"]).to_owned();
            self.then(200, 600, Step::Note { key: "script.identification", value });
        }
    }

    fn holds(&mut self) {
        if !self.dice.chance(0.4) {
            return;
        }
        for _ in 0..self.dice.between(1, 2) {
            self.then(700, 2000, Step::Hold);
            self.then(800, 2500, Step::Unhold);
        }
    }

    /// To another queue or agent, sometimes after asking, or to the menu, sometimes back again.
    fn transfers(&mut self, consults: bool) {
        if !self.dice.chance(0.3) {
            return;
        }
        self.note(0.2);
        if consults && self.shape.back_to_menu && self.dice.chance(0.2) {
            let queue = self.dice.place(MAIN_QUEUES);
            let attributes = self.flow_attributes(queue);
            self.then(600, 1500, Step::ToFlow);
            self.then(200, 600, Step::WrapUp);
            self.then(900, 2500, Step::FlowEnds { queue, attributes });
            self.then(600, 1500, Step::Alert);
            self.then(600, 1500, Step::Answer);
        } else if consults && self.dice.chance(0.5) {
            let complete = self.dice.chance(0.7);
            self.then(800, 2000, Step::Consult);
            self.then(600, 1500, Step::Answer);
            self.then(1000, 2500, Step::ConsultEnds { complete });
            if complete {
                self.then(900, 2000, Step::WrapUp);
            }
        } else if self.dice.chance(0.6) {
            let queue = self.dice.place(MAIN_QUEUES);
            self.then(800, 2000, Step::ToQueue { queue });
            self.then(600, 1500, Step::Alert);
            self.then(600, 1500, Step::Answer);
            self.then(200, 600, Step::WrapUp);
        } else {
            self.then(800, 2000, Step::ToUser { back: false });
            self.then(600, 1500, Step::Answer);
            self.then(200, 600, Step::WrapUp);
        }
        if self.dice.chance(0.4) {
            self.then(900, 2200, Step::ToUser { back: true });
            self.then(500, 1200, Step::Answer);
            self.then(200, 600, Step::WrapUp);
        }
    }

    fn end(&mut self, by_customer: f64) {
        let by_customer = self.dice.chance(by_customer);
        let after_call_work = self.dice.chance(0.7);
        let lingering = after_call_work && self.dice.chance(0.3);
        self.then(1200, 4000, Step::HangUp { by_customer, after_call_work, lingering });
        if after_call_work {
            self.then(1000, 4000, Step::WrapUp);
        }
    }
}
