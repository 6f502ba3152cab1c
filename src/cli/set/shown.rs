//! How a write is told, to people and to programs. Pure.
//!
//! Values come from anybody, a customer in a web chat among them: they are shown with their control
//! characters escaped.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plan::{Plan, Values};
use super::write::{Outcome, Seen};

/// What is there, and what it will be.
pub(super) fn plan(plan: &Plan) -> String {
    let width = plan.before.keys().map(|key| key.chars().count()).max().unwrap_or(0);
    let mut text = plan.candidate.to_string();
    for (key, before) in &plan.before {
        let before = value(before.as_deref());
        let change = match plan.send.get(key) {
            Some(after) => format!("{before} -> {after:?}"),
            None => format!("{before}, as wanted"),
        };
        text += &format!("\n  {key:<width$}  {change}");
    }
    if let Some(status) = &plan.status {
        text += &format!("\n  status -> {status:?}");
    }
    text
}

/// What has become of it.
pub(super) fn outcome(plan: &Plan, outcome: &Outcome) -> String {
    let correlation = match &outcome.correlation_id {
        Some(id) => format!(" (correlation id {id})"),
        None => String::new(),
    };
    let head = match &outcome.seen {
        Seen::Nothing => {
            return "Nothing was sent: every key has its value already.".to_owned();
        }
        Seen::DryRun => return "Dry run: nothing was written.".to_owned(),
        Seen::Confirmed => format!("Written and read back{correlation}:"),
        seen @ (Seen::NotYet { .. } | Seen::Overwritten { .. }) => {
            format!("{}{correlation}; what is there now:", doubt(seen).unwrap_or_default())
        }
    };
    let lines: String = outcome
        .after
        .iter()
        .map(|(key, after)| format!("\n  {key} = {}", value(after.as_deref())))
        .collect();
    let status = plan.status.as_ref().map(|status| format!("\n  status = {status:?}, accepted"));
    head + &lines + &status.unwrap_or_default()
}

/// What keeps it from being confirmed.
pub(super) fn doubt(seen: &Seen) -> Option<String> {
    match seen {
        Seen::Nothing | Seen::DryRun | Seen::Confirmed => None,
        Seen::NotYet { reason } => {
            let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            Some(format!("Accepted, and not seen yet{reason}: look again in a while"))
        }
        Seen::Overwritten { keys } => Some(format!(
            "Accepted, and somebody else has written {} since: look for a rule, flow or script \
             that sets it",
            keys.join(", ")
        )),
    }
}

pub(super) fn as_json(plan: &Plan, outcome: &Outcome) -> Value {
    let object = |values: &Values| {
        let pairs = values.iter().map(|(key, value)| (key.as_ref(), value.as_deref()));
        json!(pairs.collect::<BTreeMap<&str, Option<&str>>>())
    };
    json!({
        "conversation": plan.candidate.conversation.as_str(),
        "participant": plan.candidate.participant.as_str(),
        "before": object(&outcome.before),
        "after": object(&outcome.after),
        "correlation_id": outcome.correlation_id,
        "confirmed": matches!(outcome.seen, Seen::Confirmed | Seen::Nothing),
    })
}

fn value(value: Option<&str>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| format!("{value:?}"))
}
