//! The write itself, and the look whether it is there.
//!
//! A 202 proves nothing (FACTS 1.1), and what a PUT stored can be overwritten by the next, so both
//! are read back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::find::Candidate;
use super::plan::{Attributes, Plan, Values, values_of};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::config::Dialect;
use crate::events::read_rest;
use crate::genesys::attributes::{self, Wanted, Written};
use crate::genesys::call::{Api, CallError, Class};
use crate::genesys::reading;

/// Before each look: five seconds in all, as long as a person waits without wondering.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(700),
    Duration::from_millis(1000),
    Duration::from_millis(1300),
    Duration::from_millis(1500),
];

/// What has become of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// As it was just before the write, as far as known.
    pub(super) before: Values,
    /// As it is now, or would be.
    pub(super) after: Values,
    pub(super) correlation_id: Option<String>,
    pub(super) seen: Seen,
}

/// What the look afterwards showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// There was nothing to send.
    Nothing,
    DryRun,
    Confirmed,
    /// Somebody else's value is there.
    Overwritten {
        keys: Vec<String>,
    },
    /// Accepted; what was before is there still, or nobody can look.
    NotYet {
        reason: Option<String>,
    },
}

impl Outcome {
    pub(super) fn nothing_to_do(plan: &Plan) -> Outcome {
        Outcome { after: plan.before.clone(), ..Outcome::dry_run(plan) }.seen(Seen::Nothing)
    }

    pub(super) fn dry_run(plan: &Plan) -> Outcome {
        let (before, after) = (plan.before.clone(), plan.after());
        Outcome { before, after, correlation_id: None, seen: Seen::DryRun }
    }

    fn seen(self, seen: Seen) -> Outcome {
        Outcome { seen, ..self }
    }
}

/// Writes, and reads back until it shows or the time is over.
///
/// # Errors
///
/// If it was not accepted. What was accepted and is not seen is no error, but said in the outcome.
///
/// # Cancel safety
///
/// When dropped, the write may have been made.
pub(super) async fn write(
    api: &dyn Api,
    dialect: Dialect,
    plan: &Plan,
) -> Result<Outcome, Failure> {
    let written = send(api, dialect, plan).await.map_err(|error| refused(&error, dialect, plan))?;
    let before = match &written.before {
        Some(attributes) => values_of(&plan.wanted, attributes),
        None => plan.before.clone(),
    };
    let mut outcome = Outcome {
        after: before.clone(),
        before,
        correlation_id: written.correlation_id,
        seen: Seen::NotYet { reason: None },
    };
    for wait in LOOKS {
        sleep(wait).await;
        match read(api, dialect, &plan.candidate).await {
            Ok(attributes) => {
                outcome.after = values_of(&plan.wanted, &attributes);
                outcome.seen = judge(&plan.send, &outcome.before, &outcome.after);
            }
            Err(error) => {
                let reason = Some(format!("it cannot be read back: {error}"));
                return Ok(outcome.seen(Seen::NotYet { reason }));
            }
        }
        if !matches!(outcome.seen, Seen::NotYet { .. }) {
            break;
        }
    }
    Ok(outcome)
}

/// The participant's attributes as they are now.
///
/// # Errors
///
/// As [`Api::call`]; [`CallError::NotFound`] too if the conversation has no such participant.
pub(super) async fn read(
    api: &dyn Api,
    dialect: Dialect,
    candidate: &Candidate,
) -> Result<Attributes, CallError> {
    let Candidate { conversation, participant, .. } = candidate;
    if dialect == Dialect::Put {
        return attributes::read(api, Class::Update, conversation, participant).await;
    }
    let operation = "get_conversation";
    let answer = reading::conversation(api, Class::Update, conversation).await?;
    let unreadable = |reason: String| CallError::Unreadable { operation, reason };
    let body = read_rest(&answer.body).map_err(|error| unreadable(error.to_string()))?;
    let found = body.participants.into_iter().find(|one| one.id == *participant);
    let found = found.ok_or_else(|| unreadable("the participant is not in it".to_owned()))?;
    Ok(found.attributes.to_map())
}

async fn send(api: &dyn Api, dialect: Dialect, plan: &Plan) -> Result<Written, CallError> {
    let Candidate { conversation, participant, .. } = &plan.candidate;
    let permit = api.permit(Class::Update).await;
    let wanted = Wanted {
        conversation,
        participant,
        attributes: &plan.send,
        lost: &BTreeMap::new(),
        status: plan.status.as_deref(),
    };
    attributes::write(api, dialect, permit, wanted).await
}

/// What a refusal of the write itself means.
fn refused(error: &CallError, dialect: Dialect, plan: &Plan) -> Failure {
    match (error, &plan.status) {
        (CallError::Conflict(_), Some(status)) => Failure::new(Exit::Failed, error.to_string())
            .help(format!(
                "the participant's state does not allow the status {status:?} (who is connected \
                 cannot be connected again, who has left cannot come back); nothing was written: \
                 look at its state, or leave --status out"
            )),
        (_, Some(_) | None) => Failure::of_call(error, dialect),
    }
}

/// Which of the keys that were sent show.
fn judge(sent: &BTreeMap<Arc<str>, Arc<str>>, before: &Values, after: &Values) -> Seen {
    let now =
        |values: &Values, key: &Arc<str>| values.get(key).cloned().flatten().unwrap_or_default();
    let missing = || sent.iter().filter(|(key, value)| now(after, key) != value.as_ref());
    let foreign = missing().filter(|(key, _)| now(after, key) != now(before, key));
    let keys: Vec<String> = foreign.map(|(key, _)| key.as_ref().to_owned()).collect();
    if !keys.is_empty() {
        Seen::Overwritten { keys }
    } else if missing().next().is_some() {
        Seen::NotYet { reason: None }
    } else {
        Seen::Confirmed
    }
}
